"""What the tests of runs beside Python share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import wengert
from wengert.settings import settings


@pytest.fixture(autouse=True)
def compiled_on_two_threads() -> Iterator[None]:
    """Everything is compiled, and there is a worker beside the caller. It holds in a module that imports it."""
    before = wengert.get_num_threads()
    wengert.set_num_threads(2)
    with settings.scope(tier="compile"):
        yield
    wengert.set_num_threads(before)
