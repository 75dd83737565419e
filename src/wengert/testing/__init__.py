"""For tests: are two results close, and tensors to test with."""

from wengert.testing.closeness import assert_close
from wengert.testing.drawn import make_tensor

__all__ = ["assert_close", "make_tensor"]
