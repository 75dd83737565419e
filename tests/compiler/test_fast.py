"""The fast way of a replay: memory in place, and what must not be written over."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import wengert as torch
from tests.compiler.programs import Built, batches, check, classifier, states_of, training
from wengert import nn, optim
from wengert.backends.llvm import bound
from wengert.nn import functional as F
from wengert.runtime.flush import computed
from wengert.settings import settings
from wengert.tensors.cell import Cell
from wengert.tensors.tensor import Tensor


@pytest.fixture(autouse=True)
def compiled():
    with settings.scope(tier="compile"):
        yield


def fast_of(step):
    (programs,) = step.programs.values()
    return programs[0].fast


def model_of(built):
    return next(c.cell_contents for c in built.step.__closure__ if isinstance(c.cell_contents, nn.Module))


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1), lambda p: optim.Adam(p, lr=0.01)], ids=["SGD", "Adam"])
def test_parameters_and_state_stay_in_their_memory(make):
    torch.manual_seed(0)
    built = training(make)
    model = model_of(built)
    step = torch.compile(built.step, fullgraph=True)
    for batch in built.batches[:4]:
        step(*batch)
    fast = fast_of(step)
    assert fast is not None
    before = [id(kept.node.value) for kept in fast.kept if not kept.spare]
    assert before
    old = model[0].weight.detach().clone().numpy().copy()
    step(*built.batches[4])
    assert [id(kept.node.value) for kept in fast.kept if not kept.spare] == before
    assert not np.array_equal(model[0].weight.detach().numpy(), old)


def test_what_parameters_held_when_the_step_was_traced_is_let_go():
    torch.manual_seed(0)
    built = training(lambda p: optim.Adam(p, lr=0.01))
    model = model_of(built)
    step = torch.compile(built.step, fullgraph=True)
    step(*built.batches[0])  # makes the optimiser's state, and is no plan yet
    before = [weakref.ref(computed(parameter.detach()._current())) for parameter in model.parameters()]
    for batch in built.batches[1:4]:
        step(*batch)
    gc.collect()
    assert fast_of(step) is not None and before
    now = {id(computed(parameter.detach()._current())) for parameter in model.parameters()}
    assert all(value() is None or id(value()) in now for value in before)


def test_what_somebody_holds_is_left_to_them():
    torch.manual_seed(0)
    built = training(lambda p: optim.SGD(p, lr=0.1))
    model = model_of(built)
    step = torch.compile(built.step, fullgraph=True)
    kept, copies = [], []
    for number in range(12):
        weight = model[0].weight
        pending = weight * 1.0  # reads the memory, and runs later
        kept.append(weight.detach() if number % 2 else pending)
        copies.append(np.array(weight.detach().clone().numpy()))
        step(*built.batches[number % 6])
        if number % 2 == 0:
            np.testing.assert_array_equal(kept[-1].detach().numpy(), copies[-1])
    assert step.traces == 1
    for tensor in kept[1::2]:  # a detached tensor shares the memory
        np.testing.assert_array_equal(tensor.numpy(), model[0].weight.detach().numpy())


def test_a_history_that_needs_what_was_written_over_says_so():
    built = training(lambda p: optim.SGD(p, lr=0.1))
    model = model_of(built)
    step = torch.compile(built.step, fullgraph=True)
    x, t = built.batches[0]
    for _ in range(3):
        step(x, t)
    loss = F.cross_entropy(model(x), t)
    loss.item()
    step(x, t)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_numpy_sees_what_a_replay_writes():
    total = torch.zeros(3)
    f = torch.compile(lambda x: total.add_(x).sum(), fullgraph=True)
    for k in range(1, 4):
        assert f(torch.ones(3)).item() == 3.0 * k
    array = total.numpy()
    for k in range(4, 7):
        f(torch.ones(3))
        assert array.tolist() == [float(k)] * 3
    array[:] = 0
    assert f(torch.ones(3)).item() == 3.0
    del array
    gc.collect()
    for k in range(2, 5):
        assert f(torch.ones(3)).item() == 3.0 * k


def test_arguments_in_any_layout():
    f = torch.compile(lambda x, y: x * 2 + y, fullgraph=True)
    data = np.arange(12, dtype=np.float32).reshape(3, 4)
    for _ in range(3):
        x, y = torch.from_numpy(data.T), torch.from_numpy(np.asfortranarray(data.T))
        np.testing.assert_array_equal(f(x, y).numpy(), data.T * 3)
        np.testing.assert_array_equal(f(torch.tensor(data).t(), torch.tensor(data.T)).numpy(), data.T * 3)


def test_results_that_are_kept_stay():
    f = torch.compile(lambda x: x * 2, fullgraph=True)
    kept = [f(torch.full((4,), float(k))) for k in range(6)]
    assert [x[0].item() for x in kept] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_counts_that_are_loaded_anew():
    torch.manual_seed(0)
    model = classifier()
    optimizer = optim.Adam(model.parameters(), lr=0.1)

    @torch.compile(fullgraph=True)
    def step(x, t):
        optimizer.zero_grad()
        F.cross_entropy(model(x), t).backward()
        optimizer.step()

    data = batches(4)
    for batch in data:
        step(*batch)
    saved = optimizer.state_dict()
    assert {known["step"].item() for known in saved["state"].values()} == {4.0}
    optimizer.load_state_dict(saved)
    for known in optimizer.state.values():
        known["step"].fill_(100)
    step(*data[0])
    assert {known["step"].item() for known in optimizer.state.values()} == {101.0}


def test_slots_are_found():
    cell = Cell(None)
    tensor = torch.ones(1)
    assert bound.word(id(cell) + bound.slot(Cell, "node")) == id(None)
    assert bound.word(id(tensor) + bound.slot(Tensor, "_node")) == id(tensor._node)


@pytest.mark.parametrize("long", [False, True])
def test_an_interrupt_after_the_code_has_run_leaves_a_whole_step(monkeypatch, long):
    if long:
        monkeypatch.setattr("wengert.compiler.fast.LONG", 0)

    def steps(interrupted):
        torch.manual_seed(0)
        built = training(lambda p: optim.Adam(p, lr=0.01))
        step = torch.compile(built.step, fullgraph=True)
        for number, batch in enumerate(built.batches):
            if interrupted and number == 4:
                fast = fast_of(step)
                call = fast.bound.call

                def interrupt(arrays, call=call):
                    call(arrays)
                    raise KeyboardInterrupt

                fast.bound.call = interrupt
                with pytest.raises(KeyboardInterrupt):
                    step(*batch)
                fast.bound.call = call
            else:
                step(*batch)
        return [value.detach().numpy().copy() for value in built.state()]

    for a, b in zip(steps(False), steps(True), strict=True):
        np.testing.assert_array_equal(a, b)


def test_code_takes_over_when_it_is_ready():
    torch.manual_seed(0)
    with settings.scope(tier="auto"):
        built = training(lambda p: optim.SGD(p, lr=0.1))
        step = torch.compile(built.step, fullgraph=True)
        losses = [step(*batch).item() for batch in built.batches[:3]]
        assert torch.compiler.wait(60)
        losses += [step(*batch).item() for batch in built.batches[3:]]
        assert fast_of(step) is not None and step.traces == 1
    torch.manual_seed(0)
    built = training(lambda p: optim.SGD(p, lr=0.1))
    np.testing.assert_allclose([built.step(*batch).item() for batch in built.batches], losses, rtol=1e-5)


def test_programs_with_steps_that_have_no_code():
    def build():
        table, head = nn.Embedding(10, 4), nn.Linear(4, 3)
        optimizer = optim.Adam([*table.parameters(), *head.parameters()], lr=0.1)

        def step(tokens, t):
            optimizer.zero_grad()
            ranks = head(table(tokens)).sort(-1)[0]
            loss = F.cross_entropy(ranks, t) + torch.linalg.inv(head.weight @ head.weight.t() + torch.eye(3)).sum()
            loss.backward()
            optimizer.step()
            return loss

        tokens = [(torch.randint(10, (6,)), torch.randint(3, (6,))) for _ in range(6)]
        return Built(step, lambda: [*table.parameters(), *head.parameters(), *states_of(optimizer)], tokens)

    step = check(build, traces=2)
    assert fast_of(step) is not None
    assert any(kernel.startswith("call") for kernel in step.kernels)


def test_an_index_that_is_not_there_is_named_also_where_the_program_has_constants():
    mean = torch.zeros(3)

    def call(x, places):
        table = torch.full((3,), 0.5).index_add(0, places, x)  # 0.5 is a number of no dimensions
        mean.add_(table)
        return table.sum()

    step = torch.compile(call, fullgraph=True)
    for _ in range(3):
        assert step(torch.ones(2), torch.tensor([0, 2])).item() == 3.5
    assert fast_of(step) is not None
    before = mean.clone()
    with pytest.raises(IndexError, match=r"index 7 is out of bounds.*test_fast\.py"):
        step(torch.ones(2), torch.tensor([0, 7]))
    assert mean.tolist() == before.tolist()
