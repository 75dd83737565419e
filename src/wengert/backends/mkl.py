"""Questions about MKL, which wengert does not use."""

from wengert.backends.unavailable import is_available as is_available, is_built as is_built
