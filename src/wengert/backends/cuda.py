"""Switches of CUDA's libraries, which are not here. They can be set and read back; nothing depends on them."""

from wengert.backends.unavailable import Switches, is_built as is_built

matmul = Switches(
    allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True
)


def enable_flash_sdp(enabled: bool) -> None:
    """Attention has one way of computing here."""


enable_mem_efficient_sdp = enable_math_sdp = enable_cudnn_sdp = enable_flash_sdp
