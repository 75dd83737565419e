"""Reductions, products and einsum on shapes that hypothesis draws, beside PyTorch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.functions.peer import beside, normal

pytest.importorskip("torch")

SIZES = st.integers(0, 4)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)


@st.composite
def reductions(draw: Any) -> tuple[Any, Any]:
    """A shape and dimensions of it, some counted from the end."""
    shape = draw(SHAPES)
    axes = draw(st.lists(st.integers(0, max(len(shape) - 1, 0)), unique=True, max_size=3))
    return shape, tuple(axis - draw(st.sampled_from([0, max(len(shape), 1)])) for axis in axes)


@settings(max_examples=60, deadline=None)
@given(reductions(), st.booleans(), st.sampled_from(["sum", "mean", "nansum", "logsumexp"]))
def test_reductions(drawn, keepdim, name):
    shape, dim = drawn
    if name == "logsumexp" and (not dim or not shape):  # PyTorch 2.13 fails for an empty list
        dim = tuple(range(len(shape))) or 0
    beside(lambda m, x: getattr(m, name)(x, dim, keepdim), normal(*shape), second=False)


@settings(max_examples=40, deadline=None)
@given(reductions(), st.booleans(), st.sampled_from(["amax", "amin"]))
def test_extremes(drawn, keepdim, name):
    shape, dim = drawn
    shape = tuple(max(n, 1) for n in shape)
    beside(lambda m, x: getattr(m, name)(x, dim, keepdim), normal(*shape), second=False)


@st.composite
def factors(draw: Any) -> tuple[Any, Any]:
    """Two shapes that matmul takes: batches that broadcast, and inner sizes that meet."""
    m, k, n = draw(SIZES), draw(SIZES), draw(SIZES)
    batch = draw(st.lists(st.integers(1, 3), max_size=2))

    def part(sizes: list[int]) -> tuple[int, ...]:
        kept = sizes[draw(st.integers(0, len(sizes))) :]
        return tuple(draw(st.sampled_from([size, 1])) for size in kept)

    left = (k,) if draw(st.booleans()) and not batch else (*part(batch), m, k)
    right = (k,) if draw(st.booleans()) and not batch else (*part(batch), k, n)
    return left, right


@settings(max_examples=80, deadline=None)
@given(factors())
def test_matmul(shapes):
    a, b = shapes
    beside(lambda m, x, y: m.matmul(x, y), normal(*a), normal(*b, seed=1), second=False)


@st.composite
def equations(draw: Any) -> tuple[str, list[Any]]:
    """An equation of one to three operands over five labels, and shapes that fit it."""
    size = {label: draw(st.integers(1, 3)) for label in "abcde"}
    parts = [draw(st.text("abcde", max_size=3)) for _ in range(draw(st.integers(1, 3)))]
    known = sorted(set("".join(parts)))
    output = draw(st.lists(st.sampled_from(known), unique=True)) if known else []
    arrow = "->" + "".join(output) if draw(st.booleans()) else ""
    return ",".join(parts) + arrow, [tuple(size[label] for label in part) for part in parts]


@settings(max_examples=120, deadline=None)
@given(equations())
def test_einsum(drawn):
    equation, shapes = drawn
    values = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    beside(lambda m, *xs: m.einsum(equation, *xs), *values, second=False)
