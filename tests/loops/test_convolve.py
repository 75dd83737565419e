"""Convolutions and pooling compiled, with what is fused into them: the same as interpreted, and by code alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings as budget, strategies as st

import wengert
from tests.loops.tools import assert_same
from tests.rules.harness import BUDGET
from wengert.backends.llvm import operations
from wengert.graph.graph import Graph, Step
from wengert.graph.node import array_type
from wengert.graph.record import separate_tape
from wengert.graph.rule import placeholder, primitives
from wengert.loops.lower import lower
from wengert.loops.nest import Call, Contract
from wengert.nn import functional as F
from wengert.rewrite.definitions import Plain
from wengert.settings import settings


def both_tiers(function: Any, *arrays: Any) -> None:
    """`function(*tensors)` gives tensors; these and the derivatives of their sum of squares, on both tiers."""
    results = []
    for tier in ("interpret", "compile"):
        with settings.scope(tier=tier):
            inputs = [wengert.tensor(a).requires_grad_(a.dtype.kind == "f") for a in arrays]
            outputs = function(*inputs)
            loss = sum([(y.double() ** 2).mean() for y in outputs if y.requires_grad])
            loss.backward()
            grads = [x.grad for x in inputs if x.requires_grad and x.grad is not None]
            results.append([np.array(t.detach()._array()) for t in (*outputs, *grads)])
    assert_same(results[1], results[0], ulps=256)


def _array(draw: Any, *shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape).astype(dtype)


@budget(BUDGET, max_examples=15)
@given(st.data())
def test_a_convolution_with_its_neighbours_is_the_same_compiled(data):
    draw = data.draw
    axes, groups = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 2, 4)))
    number = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(axes))
    kernel, stride, dilation = number(1, (5, 3, 2)[axes - 1]), number(1, 3), number(1, 2)
    padding = number(0, 4)
    sizes = zip(number(1, (40, 19, 6)[axes - 1]), kernel, dilation, padding)
    inside = tuple(max(n, d * (k - 1) + 1 - 2 * p, 1) for n, k, d, p in sizes)
    batch, c, o = draw(st.integers(0, 5)), groups * draw(st.integers(1, 9)), groups * draw(st.integers(1, 17))
    dtype = draw(st.sampled_from(("float32", "float64")))
    x = _array(draw, batch, c, *inside, dtype=dtype)
    w = _array(draw, o, c // groups, *kernel, dtype=dtype)
    b = _array(draw, o, dtype=dtype)
    convolution = getattr(F, f"conv{axes}d")

    def function(x, w, b):
        return (F.relu(convolution(x, w, b, stride, padding, dilation, groups)) * 2,)

    if batch:
        both_tiers(function, x, w, b)


@budget(BUDGET, max_examples=10)
@given(st.data())
def test_a_transposed_convolution_is_the_same_compiled(data):
    draw = data.draw
    number = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(2))
    groups, stride, dilation, kernel = draw(st.integers(1, 2)), number(1, 3), number(1, 2), number(1, 4)
    inside, padding = number(3, 9), number(0, 1)
    behind = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    x = _array(draw, 2, 3 * groups, *inside)
    w = _array(draw, 3 * groups, draw(st.integers(1, 9)), *kernel)
    both_tiers(lambda x, w: (F.conv_transpose2d(x, w, None, stride, padding, behind, groups, dilation),), x, w)


@budget(BUDGET, max_examples=15)
@given(st.data())
def test_pooling_is_the_same_compiled(data):
    draw = data.draw
    number = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(2))
    window, stride = number(1, 4), number(1, 4)
    padding = tuple(draw(st.integers(0, k // 2)) for k in window)
    x = _array(draw, 2, 3, *number(4, 21))
    ceil = draw(st.booleans())

    def function(x):
        y, at = F.max_pool2d(F.relu(x), window, stride, padding, 1, ceil, True)
        return y, at, F.avg_pool2d(x, window, stride, padding, ceil, draw_count)

    draw_count = draw(st.booleans())
    both_tiers(function, x)


@pytest.mark.parametrize(("width", "channels"), [(14, 5), (16, 6)])  # rows of whole vectors, and not
def test_a_gradient_by_the_weight_over_many_images_is_the_same_compiled(width, channels):
    """Its sums are taken in several blocks of images, by tiles of which some are not whole."""
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((24, channels, 9, width), np.float32), rng.standard_normal((6, channels, 3, 3), np.float32)
    both_tiers(lambda x, w: [F.conv2d(x, w, padding=1)], x, w)


def test_ties_and_nan_are_the_same_compiled():
    x = np.array([[[[0, 0, 1, 1], [0, 0, np.nan, 1], [-np.inf] * 4, [-np.inf] * 4]]], "float32")
    results = []
    for tier in ("interpret", "compile"):
        with settings.scope(tier=tier):
            found = [F.max_pool2d(wengert.tensor(x), 2, 2, p, return_indices=True) for p in (0, 1)]
            results.append([np.array(t._array()) for pair in found for t in pair])
    for a, b in zip(*results):
        np.testing.assert_array_equal(a, b)


def _program(name: str, *shapes: tuple[int, ...], **params: Any) -> Any:
    primitive = primitives.table[name]
    types = tuple([array_type(shape, wengert.float32) for shape in shapes])
    with separate_tape():
        y = primitive(*[placeholder(t) for t in types], **params)
    step = Step(primitive, y.params, tuple(range(len(types))), y.type, None)
    return lower(Plain(Graph(types, (step,), (len(types),)), ()), operations.supports)


GEOMETRY = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 1}


@pytest.mark.parametrize(
    ("name", "shapes", "size"),
    [
        ("convolve", ((2, 3, 8, 9), (4, 3, 3, 3)), (4, 9)),
        ("convolve_input", ((2, 4, 4, 9), (4, 3, 3, 3)), (8, 9)),
        ("convolve_weight", ((2, 3, 8, 9), (2, 4, 4, 9)), (3, 3)),
    ],
)
def test_a_convolution_is_code_and_builds_no_patches(name, shapes, size):
    program = _program(name, *shapes, **GEOMETRY, size=size)
    assert not [step for step in program.steps if isinstance(step, Call)]
    assert [step for step in program.steps if isinstance(step, Contract)]
    largest = max([np.prod(shape) for shape in (*shapes, program.buffers[-1].shape)])
    assert all(type.size <= 4 * largest for type in program.buffers)
