"""The loop language of kernels: what to compute at each point of an iteration space. It knows no machine."""
