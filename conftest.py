"""Which face the dtypes that tests print belong to: importing `wengert.tf`, as the collection of examples does, chooses
TensorFlow's for the whole process."""

from __future__ import annotations

import pytest

from wengert.settings import settings

TENSORFLOW = ("tests/tf/", "src/wengert/tf/")


@pytest.fixture(autouse=True)
def _printed_names(request):
    wanted = "tf" if request.node.nodeid.startswith(TENSORFLOW) else "wengert"
    before = settings.face
    if before in ("tf", "wengert"):
        settings.face = wanted
    yield
    settings.face = before
