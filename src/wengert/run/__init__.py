"""The command ``wengert``: run a PyTorch program on wengert, and say what this machine offers."""
