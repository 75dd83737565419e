"""What is said of a pass to who watches it: over which data set, in batches of which size."""

from __future__ import annotations

from typing import Any

from wengert.tf.data.batching import Batch
from wengert.tf.data.stage import Stage


class Pass:
    """A pass over batches."""

    def __init__(self, stage: Stage, batch: Batch) -> None:
        self.dataset = Samples(batch.input)
        self.batch_size = batch.size
        self._count = stage.count()

    def __len__(self) -> int:
        if self._count < 0:
            raise TypeError("a pass of unknown length")
        return self._count


class Samples:
    """The samples that are batched."""

    def __init__(self, stage: Stage) -> None:
        self._count = stage.count()

    def __len__(self) -> int:
        if self._count < 0:
            raise TypeError("unknown")
        return self._count


Samples.__name__ = "tf.data.Dataset"


def pass_over(stage: Stage) -> Any:
    """The description of a pass, or None where nothing is batched."""
    one: Any = stage
    while one is not None and not isinstance(one, Batch):
        one = getattr(one, "input", None)
    return None if one is None else Pass(stage, one)
