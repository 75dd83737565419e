"""`tf.dtypes`: the dtypes, and what changes them."""

from __future__ import annotations

from wengert.tf.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_ as bool,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from wengert.tf.ops.casting import cast, saturate_cast
from wengert.tf.ops.elementwise import complex

__all__ = [
    "DType", "as_dtype", "bfloat16", "bool", "cast", "complex", "complex64", "complex128", "double", "float16", "float32",
    "float64", "half", "int8", "int16", "int32", "int64", "saturate_cast", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip
