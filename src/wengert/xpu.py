"""The names of `torch.xpu`, for a device that is not here."""

from wengert.accelerator import (
    device_count as device_count,
    empty_cache as empty_cache,
    is_available as is_available,
    synchronize as synchronize,
)


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


manual_seed_all = manual_seed
