"""`wengert.signal`: windows."""

from __future__ import annotations

from wengert.functions import tapers as windows  # noqa: F401
