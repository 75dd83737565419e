"""explain, kernels, and the dump of programs as they compile."""

from __future__ import annotations

import pytest

import wengert as torch
from tests.compiler.programs import training
from wengert import nn, optim
from wengert.settings import settings


@pytest.fixture(autouse=True)
def compiled():
    with settings.scope(tier="compile"):
        yield


def test_explain_accounts_for_a_training_step():
    built = training(lambda p: optim.SGD(p, lr=0.1))
    found = torch.compiler.explain(torch.compile(built.step), *built.batches[0])
    assert sum(k.share for k in found.kernels) == pytest.approx(1.0)
    products = [k for k in found.kernels if k.kind == "product"]
    assert sum(k.flops for k in products) >= 2 * 4 * (2 * 7 * 6 + 3 * 6 * 3)
    assert all(k.seconds >= 0 and k.bytes > 0 for k in found.kernels) and found.seconds > 0
    text = str(found)
    assert "product" in text and "times the floor" in text
    assert len(text.splitlines()) == len(found.kernels) + 2


def test_explain_changes_nothing_by_measuring():
    total = torch.zeros(3)
    f = torch.compile(lambda x: total.add_(x).sum())
    assert str(torch.compiler.explain(f, torch.ones(3)))
    assert total.tolist() == [3.0] * 3  # three calls


def test_explain_says_why_it_can_not():
    with pytest.raises(RuntimeError, match="fullgraph"):
        torch.compiler.explain(lambda x: x * x.sum().item(), torch.ones(3))
    with pytest.raises(ValueError, match="backward"):
        torch.compiler.explain(nn.Linear(2, 2), torch.ones(1, 2))


def test_kernels_are_printable():
    f = torch.compile(lambda x: (x.exp() * 2).sum(0))
    f(torch.ones(4, 3))
    (kernel,) = f.kernels
    assert kernel.startswith("nest") and "exp(" in kernel and "add" in kernel


def test_programs_are_dumped_as_they_compile(capfd):
    with settings.scope(dump="graph,loops,llvm"):
        f = torch.compile(lambda x: x.exp() * 2)
        f(torch.ones(5, 3))
    text = capfd.readouterr().err
    for part in ("= exp(", "nest ", "define void @segment0"):
        assert part in text
    with pytest.raises(ValueError, match="graph, loops, llvm"):
        settings.dump = "everything"
