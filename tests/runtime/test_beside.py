"""Programs that run beside the recording of the next step: nothing about them can be seen but the time."""

import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import wengert
from wengert import nn
from wengert.backends.llvm import pool
from wengert.backends.processors import processors
from wengert.graph.node import Coming
from wengert.runtime import beside, flush, repeat, tiers
from wengert.settings import settings

pytestmark = pytest.mark.skipif(not pool.has_threads(), reason="a platform without POSIX threads")


@pytest.fixture(autouse=True)
def compiled_on_two_threads(monkeypatch):
    monkeypatch.setattr(settings, "tier", "compile")
    before = wengert.get_num_threads()
    wengert.set_num_threads(2)
    yield
    wengert.set_num_threads(before)


@pytest.fixture
def begun(monkeypatch):
    """How many programs were begun beside."""
    count = []
    begin = beside.begin

    def counting(*arguments):
        done = begin(*arguments)
        count.extend([1] * done)
        return done

    monkeypatch.setattr("wengert.runtime.repeat.begin", counting)
    return count


class Trainer:
    """A network large enough to be worth it, and its steps."""

    def __init__(self, last=None):
        wengert.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(200, 128), nn.ReLU(), nn.Linear(128, 10))
        self.optimizer = wengert.optim.Adam(self.model.parameters(), lr=0.01)
        draw = np.random.default_rng(0)
        self.x = [wengert.tensor(draw.standard_normal((64, 200), np.float32)) for _ in range(4)]
        self.t = [wengert.tensor(draw.integers(0, 10, 64)) for _ in range(4)]

    def step(self, i):
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(self.x[i % 4]), self.t[i % 4])
        loss.backward()
        self.optimizer.step()
        return loss

    def weights(self):
        return [p.detach().clone().numpy() for p in self.model.parameters()]


def test_the_same_bits_as_without(begun, monkeypatch):
    ahead = Trainer()
    losses = [ahead.step(i) for i in range(12)]
    assert len(begun) > 5
    found = [loss.item() for loss in losses], ahead.weights()
    monkeypatch.setattr(tiers.Entry, "prepare", lambda entry, *arguments: None)
    behind = Trainer()
    wanted = [behind.step(i).item() for i in range(12)], behind.weights()
    assert found[0] == wanted[0]
    assert all((a == b).all() for a, b in zip(found[1], wanted[1]))


def test_a_value_that_is_coming_is_waited_for(begun):
    trainer = Trainer()
    for i in range(6):
        loss = trainer.step(i)
    assert begun and loss._node.value.__class__ is Coming
    weight = trainer.model[0].weight
    assert weight._current().value.__class__ is Coming
    assert np.isfinite(loss.item()) and loss._node.value.__class__ is np.ndarray
    assert weight.detach().numpy().shape == (128, 200)


@pytest.mark.parametrize("threads", [2, processors() + 1])  # with more threads than processors, who waits sleeps at once
def test_the_loss_is_there_before_the_step_is_done(begun, monkeypatch, threads):
    """Who asks for a value waits for the step that computes it, not for the program; and reads what it will stay."""
    wengert.set_num_threads(threads)
    trainer = Trainer()
    losses = []
    for i in range(200):
        losses.append(trainer.step(i).item())
        assert i < 6 or trainer.model[0].weight._current().value.__class__ is Coming
    monkeypatch.setattr(tiers.Entry, "prepare", lambda entry, *arguments: None)
    behind = Trainer()
    assert losses == [behind.step(i).item() for i in range(200)]
    assert all((a == b).all() for a, b in zip(trainer.weights(), behind.weights()))


def test_a_step_is_looked_up_while_the_one_before_goes_on(begun, monkeypatch):
    """And still finds afterwards what it may write over."""
    coming, free = [], []
    make_ready, find_free = flush.make_ready, repeat._free
    monkeypatch.setattr(flush, "make_ready", lambda *arguments: coming.append(bool(beside._runs)) or make_ready(*arguments))
    monkeypatch.setattr(repeat, "_free", lambda *arguments: free.append(find_free(*arguments)) or free[-1])
    trainer = Trainer()
    for i in range(10):
        trainer.step(i)
    assert all(coming[-4:])
    assert all(len(found) >= 4 for found in free[-4:])  # the parameters, at least


def test_an_interrupt_while_the_step_before_is_landed_loses_nothing(begun, monkeypatch):
    """The step is pending then, and done when something asks for it."""
    trainer, wanted = Trainer(), Trainer()
    for i in range(8):
        trainer.step(i)
        wanted.step(i)
    wengert.cpu.synchronize()
    trainer.step(8)
    land, calls = beside._land, []

    def interrupted():
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        land()

    monkeypatch.setattr(settings, "tier", "interpret")  # what comes only once
    monkeypatch.setattr(beside, "_land", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.step(9)
    for i in (10, 11):
        trainer.step(i)
    for i in (8, 9, 10, 11):
        wanted.step(i)
    assert calls
    for found, weights in zip(trainer.weights(), wanted.weights()):
        np.testing.assert_allclose(found, weights, rtol=1e-3, atol=1e-4)  # a step is 0.01


def test_every_output_arrives_by_itself(begun):
    """Also the last one, and in any order."""
    trainer = Trainer()
    names = [name for name, _ in trainer.model.named_parameters()]
    for i in range(24):
        loss = trainer.step(i)
        for name in names[i % 4 :] + names[: i % 4]:
            grad = trainer.model.get_parameter(name).grad
            if i > 6:
                assert grad._node.value.__class__ is Coming
            assert np.isfinite(grad.tolist()).all() and grad._node.value.__class__ is np.ndarray
        assert np.isfinite(loss.item())


def test_memory_that_is_being_read_is_lent_only_afterwards(begun):
    """Writing to an array of the batch after the step does not reach the step."""
    wanted = [Trainer() for _ in "ab"]
    for i in range(8):
        for number, trainer in enumerate(wanted):
            trainer.x[i % 4] = trainer.x[i % 4].clone()
            trainer.step(i)
            if number:
                trainer.x[i % 4].numpy()[:] = 0
                trainer.x[i % 4] = wanted[0].x[i % 4]
    assert begun
    assert all((a == b).all() for a, b in zip(*[trainer.weights() for trainer in wanted]))


def test_a_program_is_begun_only_if_its_indices_are_within_bounds(begun):
    trainer = Trainer()
    table = wengert.tensor(np.random.default_rng(1).standard_normal((50, 200), np.float32))
    table.sum().item()

    def step(index):
        trainer.x[0] = table[index]
        return trainer.step(0)

    numbers = np.random.default_rng(2).integers(0, 50, 64)
    for _ in range(6):
        step(wengert.tensor(numbers))
    assert begun
    count = len(begun)
    from_the_end = step(wengert.tensor(numbers - 50))
    assert len(begun) == count and from_the_end._node.value.__class__ is not Coming
    step(wengert.tensor(numbers))
    assert len(begun) == count + 1


def test_an_index_out_of_bounds_is_an_error_of_its_own_step():
    rows, out = nn.Embedding(50, 512), nn.Linear(512, 8)
    optimizer = wengert.optim.SGD([*rows.parameters(), *out.parameters()], lr=1e-4)

    def step(index):
        optimizer.zero_grad()
        out(rows(index)).square().sum().backward()
        optimizer.step()

    good = wengert.tensor(np.arange(40))
    for _ in range(6):
        step(good)
    before = rows.weight.detach().clone().numpy()
    bad = wengert.tensor(np.arange(40)) * 2  # known only when it runs
    with pytest.raises(IndexError):
        step(bad)
    assert (rows.weight.detach().numpy() == before).all()
    step(good)
    assert (rows.weight.detach().numpy() != before).any()


def test_other_work_lands_it_first(begun):
    """Programs that are compiled by hand, and changes of the number of threads."""
    trainer = Trainer()
    half = wengert.compile(lambda x: x * 0.5)
    for i in range(6):
        trainer.step(i)
    for i in range(4):
        trainer.step(i)
        assert (half(trainer.x[0]).numpy() == trainer.x[0].numpy() * 0.5).all()
        trainer.step(i)
        wengert.set_num_threads(2 + i % 2)
    assert len(begun) > 8 and np.isfinite(trainer.step(0).item())


def test_two_threads_of_python_train_at_once(begun):
    alone = Trainer()
    for i in range(30):
        alone.step(i)
    trainers = [Trainer() for _ in "ab"]
    threads = [threading.Thread(target=lambda t=t: [t.step(i) for i in range(30)]) for t in trainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert begun
    for trainer in trainers:
        assert all((a == b).all() for a, b in zip(trainer.weights(), alone.weights()))


def test_what_nobody_waits_for_may_go(begun):
    for _ in range(3):
        trainer = Trainer()
        for i in range(6):
            trainer.step(i)
        del trainer
    assert begun
    assert wengert.ones(1000).sum().item() == 1000


@pytest.mark.parametrize("before", [True, False], ids=["before it begins", "after it began"])
def test_an_interrupt_leaves_a_whole_step_or_none(begun, monkeypatch, before):
    """Ctrl-C where a program is handed to a worker, as Python sees it: in between two instructions."""
    trainer, behind = Trainer(), Trainer()
    for i in range(8):
        trainer.step(i)
        behind.step(i)
    start = pool.start

    def interrupted(*arguments):
        if not before:
            assert start(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pool, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trainer.step(8)
    assert begun and not beside._runs
    if not before:
        behind.step(8)
    assert all((a == b).all() for a, b in zip(trainer.weights(), behind.weights()))
    for i in range(9, 12):
        assert trainer.step(i).item() == behind.step(i).item()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a platform without fork")
def test_a_fork_lands_it(begun):
    trainer = Trainer()
    for i in range(6):
        loss = trainer.step(i)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, np.float64(loss.item()).tobytes())
        os._exit(0)
    os.close(write)
    assert begun and np.frombuffer(os.read(read, 8))[0] == loss.item()
    assert os.waitpid(child, 0)[1] == 0
    os.close(read)


def test_a_process_may_end_meanwhile():
    program = """
        import wengert
        from wengert import nn
        wengert.settings.settings.tier = "compile"
        model = nn.Linear(512, 512)
        optimizer = wengert.optim.SGD(model.parameters(), lr=0.1)
        x = wengert.ones(256, 512)
        x.sum().item()
        for _ in range(5):
            optimizer.zero_grad()
            model(x).sum().backward()
            optimizer.step()
        from wengert.runtime import beside
        assert beside._runs
        print("end")
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
