"""`wengert.profiler` by its older name."""

from wengert.profiler import profile as profile, record_function as record_function
