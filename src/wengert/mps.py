"""The names of `torch.mps`, for a device that is not here."""

from wengert.accelerator import device_count as device_count, empty_cache as empty_cache, synchronize as synchronize


def manual_seed(seed: int) -> None:
    """Nothing to seed."""
