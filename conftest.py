"""Settings that importing changes for the whole process, put back for every test: which face printed dtypes belong to
(importing `wengert.tf`, as the collection of examples does, chooses TensorFlow's), and whether `numpy()` copies (where Keras
is loaded)."""

from __future__ import annotations

import pytest

from wengert.settings import settings

TENSORFLOW = ("tests/tf/", "src/wengert/tf/")
KERAS = ("tests/keras_wengert/", "src/keras_wengert/")
ARRAYS = settings.arrays


@pytest.fixture(autouse=True)
def _as_imported_alone(request):
    wanted = "tf" if request.node.nodeid.startswith(TENSORFLOW) else "wengert"
    before = settings.face
    if before in ("tf", "wengert"):
        settings.face = wanted
    if not request.node.nodeid.startswith(KERAS):
        settings.arrays = ARRAYS
    yield
    settings.face = before
