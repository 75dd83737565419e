"""Tiers: what is interpreted and what compiled, the hand-over, and that compilation stays bounded."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as torch
from wengert import nn, optim
from wengert.graph.graph import Graph
from wengert.graph.node import array_type
from wengert.graph.rule import primitives
from wengert.runtime import directly, tiers
from wengert.runtime.tiers import Counts, without_sizes
from wengert.settings import settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """No executable is known, nothing is on disk, and small tapes have executables like all others."""
    monkeypatch.setattr(directly, "SHORT", 0)
    assert tiers.wait_for_compilation(120)
    tiers.clear()
    with settings.scope(cache_folder=str(tmp_path / "cache")):
        yield
        assert tiers.wait_for_compilation(120)
    tiers.clear()


def step(n: int, scale: float = 1.0) -> Any:
    """A small graph whose structure does not depend on n; its value, and what NumPy says."""
    x = np.linspace(-1, 1, n * 3, dtype=np.float32).reshape(n, 3)
    y = (torch.from_numpy(x.copy()) * scale).reshape(3, n).exp().sum(dim=1)
    return y.numpy(), np.exp(x * np.float32(scale)).reshape(3, n).sum(axis=1)


def compiled_during(run: Any) -> int:
    assert tiers.wait_for_compilation(120)
    before = Counts.compiled
    run()
    assert tiers.wait_for_compilation(120)
    return Counts.compiled - before


def entries() -> list[Any]:
    return list(tiers._entries.values())


# --- the settings -----------------------------------------------------------------------------------------------------


def test_interpret_compiles_nothing():
    with settings.scope(tier="interpret"):
        assert compiled_during(lambda: [step(5) for _ in range(10)]) == 0


def test_compile_compiles_before_the_first_run():
    with settings.scope(tier="compile"):
        assert compiled_during(lambda: step(5)) > 0
        assert all(entry.compiled is not None and entry.interpreter is None for entry in entries())


def test_auto_interprets_first_and_compiles_at_the_second_sight():
    with settings.scope(tier="auto"):
        assert compiled_during(lambda: step(5)) == 0
        assert compiled_during(lambda: step(5)) > 0
        assert compiled_during(lambda: [step(5) for _ in range(20)]) == 0


def test_the_environment_chooses_the_tier(tmp_path):
    program = "from wengert.settings import settings; print(settings.tier)"
    for word in ("interpret", "compile", "auto"):
        assert in_process(program, tmp_path, WENGERT_TIER=word).stdout.strip() == word
    wrong = in_process(program, tmp_path, check=False, WENGERT_TIER="fast")
    assert wrong.returncode and "WENGERT_TIER" in wrong.stderr and "interpret, compile, auto" in wrong.stderr


# --- the hand-over ----------------------------------------------------------------------------------------------------


def test_values_are_right_before_during_and_after_the_hand_over():
    with settings.scope(tier="auto"):
        for k in range(60):
            got, want = step(40, 1 + k / 60)
            np.testing.assert_allclose(got, want, rtol=1e-5)
        assert tiers.wait_for_compilation(120)
        got, want = step(40, 2.0)
        np.testing.assert_allclose(got, want, rtol=1e-5)
    assert any(entry.compiled is not None for entry in entries())


@pytest.mark.parametrize("compiled", [False, True])
def test_the_hand_over_lets_go_of_the_interpreter_and_its_memory(monkeypatch, compiled):
    given = []
    monkeypatch.setattr(tiers, "give_back", lambda: given.append(True))
    monkeypatch.setattr(tiers, "LARGE", 40_000)
    large, small = torch.ones(10_000), torch.ones(10)
    run = torch.compile(lambda x: x * x + 1) if compiled else lambda x: float((x * x + 1)[0])
    with settings.scope(tier="auto"):
        for x, times in ((small, 0), (large, 1)):
            for _ in range(3):
                run(x)
                assert tiers.wait_for_compilation(60)
            run(x)
            assert len(given) == times
        assert all(entry.interpreter is None for entry in entries() if entry.compiled is not None)


def test_steps_go_on_interpreted_while_a_graph_is_being_compiled(monkeypatch):
    go_on = threading.Event()
    compile_now = tiers.compile_now

    def slowly(entry: Any) -> None:
        assert go_on.wait(60)
        compile_now(entry)

    monkeypatch.setattr(tiers, "compile_now", slowly)
    with settings.scope(tier="auto"):
        for _ in range(5):
            got, want = step(7)
            np.testing.assert_allclose(got, want, rtol=1e-5)
        assert not tiers.wait_for_compilation(0)
        assert all(entry.compiled is None for entry in entries())
        go_on.set()
        assert tiers.wait_for_compilation(120)


def test_a_graph_that_cannot_be_compiled_is_interpreted_with_a_warning(monkeypatch):
    def broken(entry: Any) -> None:
        raise ValueError("a defect")

    seen: list[str] = []
    monkeypatch.setattr(tiers, "compile_now", broken)
    monkeypatch.setattr(tiers.warnings, "warn", lambda message, *_, **__: seen.append(message))
    with settings.scope(tier="auto"):
        for _ in range(6):
            got, want = step(9)
            np.testing.assert_allclose(got, want, rtol=1e-5)
        assert tiers.wait_for_compilation(60)
    assert seen and all("a defect" in message for message in seen)
    assert len(seen) == len(entries())  # once for a graph, not at every step


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_a_structure_in_ever_new_sizes_is_compiled_for_a_few_of_them():
    with settings.scope(tier="auto"):
        count = compiled_during(lambda: [step(n) for _ in range(3) for n in range(1, 30)])
        graphs = len({without_sizes(entry.structure) for entry in entries()})
        assert count <= tiers.SIZES * graphs


def test_a_further_size_is_compiled_once_it_is_seen_often():
    with settings.scope(tier="auto"):
        for n in range(1, tiers.SIZES + 1):
            step(n), step(n)
        assert compiled_during(lambda: [step(20) for _ in range(tiers.SIGHTS_OF_MORE - 1)]) == 0
        assert compiled_during(lambda: step(20)) > 0
        assert compiled_during(lambda: [step(21) for _ in range(2 * tiers.SIGHTS_OF_MORE - 1)]) == 0
        assert compiled_during(lambda: step(21)) > 0


def test_a_training_loop_whose_batches_vary_compiles_a_bounded_number_of_graphs():
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    optimizer, loss_of = optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()

    def train() -> None:
        for n in [*range(1, 16)] * 2:
            optimizer.zero_grad()
            loss = loss_of(model(torch.ones(n, 2, 3)), torch.zeros(n, dtype=torch.int64))
            loss.backward()
            optimizer.step()
            loss.item()

    with settings.scope(tier="auto"):
        count = compiled_during(train)
    assert 0 < count <= tiers.SIZES * len({without_sizes(entry.structure) for entry in entries()})


def test_without_sizes_forgets_numbers_and_nothing_else():
    p = primitives
    one = ((p.reshape, ((3, 4),), True, ~0), (p.slice, ((1, (0, 5, 1)),), False, 0), (p.convert, (torch.float32,), True, 1))
    two = ((p.reshape, ((6, 2),), True, ~0), (p.slice, ((0, (2, 9, 3)),), False, 0), (p.convert, (torch.float32,), True, 1))
    other = (*two[:2], (p.convert, (torch.float64,), True, 1))
    assert without_sizes(one) == without_sizes(two) != without_sizes(other)
    assert without_sizes(one) != without_sizes((*one[:2], (p.convert, (torch.float32,), True, 0)))


def test_what_is_kept_in_memory_is_bounded():
    with settings.scope(tier="interpret", plan_limit=10):
        for n in range(1, 40):
            step(n)
        assert len(entries()) <= 10
        assert Counts.steps == sum(len(entry.structure) for entry in entries())


def test_an_entry_names_the_steps_that_read_an_input():
    from wengert.graph.graph import Step

    t = array_type((3,), torch.float32)
    steps = (Step(primitives.add, (), (0, 0), t, None), Step(primitives.mul, (), (2, 1), t, None))
    entry = tiers.Entry(Graph((t, t), steps, (3,)), ())
    assert entry.users(0) == (0, 0) and entry.users(1) == (1,)


# --- processes --------------------------------------------------------------------------------------------------------


def in_process(program: str, cache: Path, check: bool = True, **environment: str) -> Any:
    """A Python program in a process of its own."""
    given = {"PYTHONPATH": f"{ROOT / 'src'}", "WENGERT_CACHE": str(cache), "OMP_NUM_THREADS": "1", **environment}
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env={**os.environ, **given}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    if check:
        assert found.returncode == 0, found.stderr
    return found


WORK = """
    import os, sys
    import wengert as torch
    from wengert.runtime import directly, tiers
    def work(k):
        x = torch.linspace(0, 1, 1000 + k) * 2
        return float(((x * x).exp() / (1 + x)).sum())
    def many(k):
        return [work(k) for _ in range(4)]
"""


def test_a_process_may_end_while_a_graph_is_being_compiled(tmp_path):
    for _ in range(3):
        in_process(WORK + "\n    many(0); work(1); work(1); work(2); work(2)", tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_after_use_and_while_compiling(tmp_path):
    program = WORK + """
    first = many(0)
    tiers.wait_for_compilation(60)
    for k in range(3):
        many(k + 1)                      # something is being compiled while the process forks
        child = os.fork()
        if not child:
            again = many(0)
            fresh = many(50 + k)         # and the child compiles on its own
            tiers.wait_for_compilation(60)
            ok = abs(again[0] - first[-1]) < 1e-3 and abs(work(50 + k) - fresh[0]) < 1e-3
            os._exit(0 if ok else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
    assert abs(work(0) - first[0]) < 1e-3
    print("done")
    """
    for tier in ("auto", "compile"):
        assert in_process(program, tmp_path / tier, WENGERT_TIER=tier).stdout.strip() == "done"


def test_compiling_takes_turns_with_the_program(monkeypatch):
    seen = []
    monkeypatch.setattr(tiers, "compile_now", lambda entry: seen.append(sys.getswitchinterval()))
    before = sys.getswitchinterval()
    entry = tiers.Entry(Graph((), (), ()), ())
    tiers._background.add(entry)
    assert tiers.wait_for_compilation(30)
    assert seen == [pytest.approx(tiers._TURN)] and before > tiers._TURN
    assert sys.getswitchinterval() == pytest.approx(before)


def test_batches_cut_at_ever_new_places_are_of_one_graph():
    x, w = torch.arange(40.0).reshape(20, 2), torch.ones(2, requires_grad=True)
    assert x.sum().item() == 780
    for i in range(0, 20, 4):
        if i == 8:
            before = Counts.made
        loss = (x[i : i + 4] @ w).sum() + x[i, 1]
        loss.backward()
        assert loss.item() == sum(range(2 * i, 2 * i + 8)) + 2 * i + 1
    assert Counts.made == before
