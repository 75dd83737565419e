"""Who watches passes over data sets that are no DataLoader: `wengert run --progress` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Optional

# From what describes a pass (`dataset`, `batch_size`, a length), and its batches, to the same batches.
Follow = Callable[[Any, Iterator[Any]], Iterator[Any]]


class _Watching:
    follow: Optional[Follow] = None


watching = _Watching()
