"""PyTorch's older names of mixed precision on CUDA. There is no such device here, so they warn and do nothing, as there."""

from __future__ import annotations

from typing import Any, Optional

from wengert import amp
from wengert.amp import custom_bwd, custom_fwd
from wengert.dtypes import DType, float16

__all__ = ["autocast", "custom_bwd", "custom_fwd", "GradScaler"]


class autocast(amp.autocast):
    """``amp.autocast("cuda", ...)``"""

    def __init__(self, enabled: bool = True, dtype: DType = float16, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``amp.GradScaler("cuda", ...)``"""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
        device: Optional[Any] = None,
    ) -> None:
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
