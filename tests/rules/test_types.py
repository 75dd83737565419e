"""The inferred type is the type of the value, in every dtype; and the value is the same function in every dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.rules.harness import BUDGET, Draw, Sample, apply, node_of, parts_of, value_of
from tests.rules.samples import CASES
from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import DtypeError
from wengert.graph.record import separate_tape
from wengert.graph.rule import primitives


def cast(sample: Sample, dtype: DType) -> Sample:
    """The sample with its varying inputs in another dtype."""

    def one(position: int, x: Any) -> Any:
        if sample.role(position) not in "xc":
            return x
        if not dtype.inexact and x.dtype.kind in "fc":
            x = np.rint(x.real).astype(np.int64)
        if not dtype.is_complex and x.dtype.kind == "c":
            x = x.real
        return x.astype(dtype.numpy)

    return sample._replace(inputs=tuple(one(i, x) for i, x in enumerate(sample.inputs)), roles=_roles(sample))


def _roles(sample: Sample) -> str:
    return "".join(sample.role(i) for i in range(len(sample.inputs)))


def inferred(name: str, sample: Sample) -> list[Any]:
    with separate_tape():
        y = apply(primitives.table[name], sample, [node_of(x) for x in sample.inputs])
        return [part.type for part in parts_of(y)]


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=lambda dtype: dtype.name)
@pytest.mark.parametrize("name", sorted(CASES))
def test_inferred_type_is_the_type_of_the_value(name, dtype):
    case = CASES[name]

    @BUDGET
    @given(st.data())
    def check(data):
        sample = cast(case.make(Draw(data.draw)), dtype)
        if dtype not in case.dtypes:
            if not sample.positions("xc") or any(x.size == 0 for x in sample.inputs):
                return  # a composite may have nothing to refuse where there are no elements
            with pytest.raises(DtypeError):
                inferred(name, sample)
            return
        for type, value in zip(inferred(name, sample), value_of(primitives.table[name], sample)):
            assert isinstance(value, np.ndarray)
            assert value.shape == type.shape
            assert value.dtype == type.dtype.numpy, f"{value.dtype}, inferred {type}"

    check()


NARROW = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.complex64)


def unit(dtype: DType) -> float:
    """The distance from 1 to the next number."""
    return {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "complex64": 2.0**-23}[dtype.name]


ROUNDED = [
    pytest.param(name, dtype, id=f"{name}-{dtype.name}")
    for name, case in sorted(CASES.items())
    for dtype in NARROW
    if case.same_value and dtype in case.dtypes
]


@pytest.mark.parametrize("name, dtype", ROUNDED)
def test_value_is_the_wide_value_rounded(name, dtype):
    case = CASES[name]

    @BUDGET
    @given(st.data())
    def check(data):
        narrow = cast(case.make(Draw(data.draw, complex=dtype.is_complex)), dtype)
        wide = cast(narrow, dtypes.complex128 if dtype.is_complex else dtypes.float64)
        for got, want in zip(value_of(primitives.table[name], narrow), value_of(primitives.table[name], wide)):
            if got.dtype.kind in "biu":
                np.testing.assert_array_equal(got, want)
                continue
            error = np.abs(got.astype(want.dtype) - want)
            allowed = case.ulps * unit(dtype) * np.maximum(np.abs(want), max(case.terms, 1e-8))
            assert np.all((error <= allowed) | (got == want)), f"{got} but in {wide.inputs[0].dtype} {want}"

    check()
