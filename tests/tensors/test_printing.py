"""How tensors print, beside PyTorch's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

import wengert
from tests.functions.both import agree, run, torch
from wengert.settings import settings

NAN, INF = float("nan"), float("inf")

CASES = {
    "whole": lambda t: t.tensor([1.0, -2.0]),
    "fractions": lambda t: t.tensor([1.5, -2.25]),
    "large and small whole": lambda t: t.tensor([1.0, 1001.0]),
    "large and small": lambda t: t.tensor([0.5, 501.0]),
    "a thousand times": lambda t: t.tensor([1e-3, 1.0]),
    "more than a thousand times": lambda t: t.tensor([1e-3, 1.0001]),
    "large": lambda t: t.tensor([1e9]),
    "a hundred million": lambda t: t.tensor([1e8]),
    "just below a hundred million": lambda t: t.tensor([99999999.0]),
    "small": lambda t: t.tensor([1e-5, 1e-4]),
    "denormal": lambda t: t.tensor([1e-45]),
    "rounded up": lambda t: t.tensor([9.99995]),
    "five digits": lambda t: t.tensor([12345.678]),
    "double": lambda t: t.tensor([1e300], dtype=t.float64),
    "zero and not finite": lambda t: t.tensor([0.0, NAN, INF]),
    "not finite and fractions": lambda t: t.tensor([NAN, INF, -INF, 1.5]),
    "not finite and whole": lambda t: t.tensor([NAN, INF, -INF, 1.0]),
    "not finite and large": lambda t: t.tensor([NAN, INF, -INF, 1e10]),
    "negative zero": lambda t: t.tensor(-0.0),
    "half": lambda t: t.tensor([1.0, 2.5], dtype=t.float16),
    "largest half": lambda t: t.tensor([65504.0], dtype=t.float16),
    "bfloat16": lambda t: t.tensor([1.0, 3.14159], dtype=t.bfloat16),
    "ints": lambda t: t.tensor([[1, -200], [3, 4]]),
    "int8": lambda t: t.tensor(5, dtype=t.int8),
    "bools": lambda t: t.tensor([True, False]),
    "complex": lambda t: t.tensor([1.5 - 2j, -0.5 + 1000j]),
    "complex not finite": lambda t: t.tensor([1 + 2j, complex(NAN, 1), complex(0, -INF)]),
    "complex double": lambda t: t.tensor(1.5 - 2j, dtype=t.complex128),
    "complex lines": lambda t: t.arange(60).to(t.complex64),
    "number": lambda t: t.tensor(3.5),
    "long": lambda t: t.arange(1000),
    "too long": lambda t: t.arange(1001),
    "too long fractions": lambda t: t.full((1001,), 0.5),
    "small number at the edge": lambda t: t.cat([t.zeros(999), t.tensor([1e-9]), t.ones(2)]),
    "small number in the middle": lambda t: t.cat([t.ones(500), t.tensor([1e-9]), t.ones(500)]),
    "wide": lambda t: t.arange(2000).reshape(2, 1000),
    "tall": lambda t: t.arange(2000.0).reshape(1000, 2),
    "cube": lambda t: t.zeros(12, 12, 12),
    "four": lambda t: t.zeros(2, 1, 2, 2),
    "lines": lambda t: t.arange(60.0) + 0.5,
    "matrix lines": lambda t: t.arange(60).reshape(3, 20) * 1000,
    "empty": lambda t: t.zeros(0),
    "empty ints": lambda t: t.zeros(0, dtype=t.int64),
    "empty matrix": lambda t: t.zeros(0, 3),
    "empty bools": lambda t: t.zeros(2, 0, 3, dtype=t.bool),
    "empty leaf": lambda t: t.zeros(2, 0, requires_grad=True),
    "leaf": lambda t: t.ones((), requires_grad=True),
    "result": lambda t: t.ones(3, requires_grad=True) * 2,
    "long result": lambda t: t.ones(30, requires_grad=True) * 2,
    "result in double": lambda t: t.ones(20, dtype=t.float64, requires_grad=True) * 2,
    "detached": lambda t: (t.ones(2, requires_grad=True) * 2).detach(),
    "view": lambda t: t.arange(6).reshape(2, 3).t()[1:],
    "expanded": lambda t: t.tensor([1.0]).expand(3),
    "in a list": lambda t: [t.tensor(1.0), t.tensor([2])],
}


def text(case, module):
    with settings.scope(face="torch"):
        return str(case(module))


@pytest.mark.parametrize("name", CASES)
def test_prints_as_in_pytorch(name):
    assert text(CASES[name], wengert) == text(CASES[name], torch)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.floats(width=32), st.integers(-2000, 2000).map(float), st.floats(-10, 10, width=32),
            st.sampled_from([0.0, NAN, INF, 1e-4, 1e8, 999.5, 1e-3]),
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_any_numbers_print_as_in_pytorch(values):
    assert text(lambda t: t.tensor(values), wengert) == text(lambda t: t.tensor(values), torch)


@pytest.fixture
def options():
    """Both sides' options, set together and put back."""

    def choose(**given):
        wengert.set_printoptions(**given)
        torch.set_printoptions(**given)

    yield choose
    choose(profile="default")


SHOWN = [
    lambda t: t.tensor([1.5, 2.0]), lambda t: t.tensor([1.0, 2.0]), lambda t: t.tensor([1.5e-9, 2e9]),
    lambda t: t.zeros(2000), lambda t: t.zeros(6, 6), lambda t: t.zeros(5) + 0.5, lambda t: t.tensor([1 + 1j] * 9),
    lambda t: t.ones(5, requires_grad=True) * 2,
]  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {"precision": 2}, {"sci_mode": True}, {"sci_mode": False}, {"precision": 2, "sci_mode": True},
        {"profile": "full"}, {"profile": "short"}, {"linewidth": 40, "edgeitems": 2, "threshold": 5}, {"linewidth": 5},
        {"edgeitems": 1, "threshold": 3}, {"profile": "short", "precision": 6},
    ],
    ids=str,
)  # fmt: skip
def test_options(options, given):
    options(**given)
    for case in SHOWN:
        assert text(case, wengert) == text(case, torch)


def test_an_option_stays_until_it_is_changed(options):
    options(precision=2, sci_mode=True)
    options(edgeitems=2)  # and sci_mode decides by itself again
    for case in SHOWN:
        assert text(case, wengert) == text(case, torch)


def test_a_profile_that_is_not_there():
    with pytest.raises(ValueError, match="default, short, full"):
        wengert.set_printoptions(profile="fancy")


FORMATS = {
    "number with a form": lambda t: f"{t.tensor(1.23456):.2f}",
    "number": lambda t: f"{t.tensor(3)} {t.tensor(3.5, requires_grad=True)}",
    "vector": lambda t: f"{t.tensor([1.0])}",
    "vector with a form": lambda t: f"{t.tensor([1.0]):.2f}",
    "str of a number": lambda t: str(t.tensor(3.5)),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_as_in_pytorch(name):
    agree(FORMATS[name])


def test_the_face_names_the_dtype():
    assert repr(wengert.ones(1, dtype=wengert.float64)) == "tensor([1.], dtype=wengert.float64)"


def test_printing_inside_a_trace_says_so():
    seen = []

    def function(a):
        seen.append(repr(a * 2))
        return a

    result = run(lambda t: t.func.vmap(function)(t.ones(4, 3)), wengert)
    assert not isinstance(result, Exception), result
    assert seen == ["tensor(..., traced, size=(3,))"]
