"""What tests of several chapters use."""

from __future__ import annotations

from typing import Any

import pytest

from wengert.primitives import numerics


@pytest.fixture(params=["scipy", "own"])
def library(request: Any, monkeypatch: Any) -> str:
    """With SciPy, and as if it were not installed."""
    if request.param == "scipy":
        pytest.importorskip("scipy")
    else:
        monkeypatch.setattr(numerics, "scipy_special", lambda name: None)
    return str(request.param)
