"""Which version this is, and with which devices it was built: none but the CPU."""

__version__ = "0.1.0"
cuda = hip = xpu = None
debug = False
git_version = "Unknown"
