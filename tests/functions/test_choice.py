"""`cond`: one of two functions, chosen by a value."""

from __future__ import annotations

import pytest

import wengert as w


@pytest.mark.parametrize(("shift", "wanted"), [(1.0, 3.0), (-9.0, 5.0)])
def test_only_the_chosen_function_runs_and_is_derived(shift, wanted):
    called = []
    x = w.tensor([1.0, 2.0], requires_grad=True)

    def by(factor):
        return lambda x, more: (called.append(factor), factor * x + more["y"])[1]

    y = w.cond((x + shift).sum() > 0, by(3.0), by(5.0), (x, {"y": w.ones(2)}))
    assert y.tolist() == [wanted + 1, 2 * wanted + 1] and called == [wanted]
    y.sum().backward()
    assert x.grad.tolist() == [wanted, wanted]


def test_wrong_arguments_are_errors():
    for wrong in ((w.ones(2), abs, abs, ()), ("yes", abs, abs, ()), (True, abs, 3, ()), (True, abs, abs, (3,))):
        with pytest.raises(RuntimeError, match="cond"):
            w.cond(*wrong)
    assert w.cond(False, lambda: 1, lambda: 2) == 2
