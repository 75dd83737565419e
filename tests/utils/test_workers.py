"""DataLoader with worker processes: the same batches, and an end to every way that things can end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.utils.tools import (
    Counting,
    Drawing,
    Dying,
    Failing,
    Info,
    Slow,
    Squares,
    TwoArguments,
    Unsendable,
    as_they_are,
    flat,
    note,
    plain,
    refuse,
    tensor,
)
from wengert import dtypes
from wengert.functions.random import Generator, manual_seed, rand
from wengert.graph.record import recorder
from wengert.runtime import flush as flushing
from wengert.tensors.interop import share
from wengert.tensors.tensor import wrap
from wengert.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset, iterators

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


def seeded(seed=3):
    return Generator().manual_seed(seed)


def ten():
    return TensorDataset(tensor(np.arange(20.0).reshape(10, 2)), tensor(np.arange(10)))


def alone(pids, seconds=10.0):
    """Whether these processes end in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(_is_running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids_of(iterator):
    return [process.pid for process in iterator._processes]


# --- the same batches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("in_order", [True, False])
def test_workers_give_what_one_process_gives(workers, in_order):
    options = {"batch_size": 3, "shuffle": True}
    one = plain(list(DataLoader(ten(), generator=seeded(), **options)))
    many = plain(list(DataLoader(ten(), generator=seeded(), num_workers=workers, in_order=in_order, **options)))
    assert many == one if in_order else sorted(many, key=str) == sorted(one, key=str)


@pytest.mark.parametrize(
    "dataset",
    [
        Squares(7),
        Subset(ten(), [3, 1, 4, 1, 5]),
        ConcatDataset([ten(), ten()]),
        TensorDataset(share(np.arange(6.0))),
        TensorDataset(tensor([1.5, 2.5, 3.5], dtypes.bfloat16), tensor([True, False, True])),
        np.arange(12).reshape(6, 2),
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
    ],
    ids=lambda dataset: type(dataset).__name__,
)
def test_data_of_every_kind_travels(dataset):
    assert plain(list(DataLoader(dataset, 2, num_workers=2))) == plain(list(DataLoader(dataset, 2)))


def test_large_batches_travel_both_ways():
    data = TensorDataset(tensor(np.arange(3_000_000, dtype=np.float32).reshape(300_000, 10)))
    for (rows,) in DataLoader(data, batch_size=100_000, shuffle=True, num_workers=2, prefetch_factor=3):
        assert rows.shape == (100_000, 10)


def test_batches_can_be_written_to():
    (batch,) = next(iter(DataLoader(TensorDataset(tensor(np.zeros((4000, 2)))), 4000, num_workers=1)))
    array = batch.numpy() if hasattr(batch, "numpy") else batch._array()
    assert array.flags.writeable


def test_samples_without_batches_and_collations_of_ones_own():
    assert plain(list(DataLoader(Squares(3), batch_size=None, num_workers=2))) == [[0, 0], [1, 1], [2, 4]]
    assert [*DataLoader(Squares(2), 2, num_workers=2, collate_fn=as_they_are)] == [[(0, 0.0), (1, 1.0)]]


def test_nothing_to_load():
    assert list(DataLoader([], num_workers=2)) == []
    assert list(DataLoader(Counting(0), num_workers=2)) == []
    assert plain(list(DataLoader([1], num_workers=2))) == [[1]]


@pytest.mark.parametrize("prefetch", [0, 1, 5])
def test_any_prefetch_factor_will_do(prefetch):
    assert len(list(DataLoader(Squares(7), 2, num_workers=2, prefetch_factor=prefetch))) == 4


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_any_start_method_will_do(method):
    loader = DataLoader(ten(), 5, num_workers=1, multiprocessing_context=method, worker_init_fn=note)
    assert plain(list(loader)) == plain(list(DataLoader(ten(), 5)))
    assert loader.multiprocessing_context.get_start_method() == method


# --- iterable data sets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_worker_gives_its_share_of_an_iterable(workers):
    batches = plain(list(DataLoader(Counting(11), 2, num_workers=workers)))
    assert sorted(flat(batches)) == list(range(11))
    assert sorted(DataLoader(Counting(11), None, num_workers=workers)) == list(range(11))


def test_workers_take_turns():
    assert list(DataLoader(Counting(5), None, num_workers=2)) == [0, 1, 2, 3, 4]
    assert plain(list(DataLoader(Counting(10), 2, num_workers=2, drop_last=True))) == [[0, 2], [1, 3], [4, 6], [5, 7]]


# --- what workers know ---------------------------------------------------------------------------------------------


def test_a_worker_knows_itself():
    loader = DataLoader(Info(6), None, num_workers=2, worker_init_fn=note)
    seen = list(loader)
    assert [id for id, *_ in seen] == [0, 1, 0, 1, 0, 1]
    assert {(id, count, n) for id, count, _, n, _ in seen} == {(0, 2, 100), (1, 2, 101)}
    assert seen[1][2] == seen[0][2] + 1
    assert os.getpid() not in {pid for *_, pid in seen}
    assert loader.dataset.n == 6


def test_seeds_differ_between_workers_and_epochs_and_can_be_repeated():
    def epochs():
        loader = DataLoader(Drawing(4), None, num_workers=2, generator=seeded())
        return [list(loader), list(loader)]

    first = epochs()
    assert first == epochs()
    drawn = [tuple(sample) for epoch in first for sample in epoch]
    assert len({sample[0] for sample in drawn}) == len({sample[1] for sample in drawn}) == 8


def test_the_number_of_workers_does_not_change_what_is_drawn_afterwards():
    after = []
    for workers in (0, 2):
        manual_seed(1)
        list(DataLoader(ten(), shuffle=True, num_workers=workers))
        after.append(plain(rand(3)))
    assert after[0] == after[1]


class FromPending(Dataset):
    """Samples that are computed from a tensor that was pending in the loader's process."""

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.x


def test_pending_work_is_done_before_workers_start():
    x = tensor([1.0, 2.0])
    batches = plain(list(DataLoader(FromPending(wrap(x._read() * 2)), 2, num_workers=1)))
    assert batches == [[[2, 4], [2, 4]]]
    assert not recorder.tape


# --- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("no five"), KeyError("five"), TwoArguments("a", "b")], ids=repr)
def test_an_error_comes_with_the_workers_traceback(error):
    wanted = RuntimeError if isinstance(error, TwoArguments) else type(error)
    loader = DataLoader(Failing(10, error), 2, num_workers=2)
    with pytest.raises(wanted) as caught:
        list(loader)
    text = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker process 0." in text
    assert "\nOriginal Traceback (most recent call last):" in text
    assert "raise self.error" in text


def test_loading_goes_on_after_an_error():
    iterator = iter(DataLoader(Failing(10, ValueError("no")), None, num_workers=2))
    seen = []
    while True:
        try:
            seen.append(next(iterator))
        except ValueError:
            seen.append("error")
        except StopIteration:
            break
    assert seen == [0, 1, 2, 3, 4, "error", 6, 7, 8, 9]


def test_an_error_of_a_local_type_comes_as_runtime_error():
    class Local(Exception):
        pass

    with pytest.raises(RuntimeError, match="Local"):
        list(DataLoader(Failing(10, Local("x")), num_workers=1))


def test_what_can_not_be_sent_is_said():
    with pytest.raises(Exception, match="pickle") as caught:
        list(DataLoader(Unsendable(10), None, num_workers=1))
    assert "in DataLoader worker process 0" in str(caught.value)


def test_a_tensor_with_history_can_not_be_sent():
    x = tensor([1.0, 2.0]).requires_grad_()
    with pytest.raises(RuntimeError, match="detach"):
        list(DataLoader(TensorDataset(x), 2, num_workers=1))


def test_a_worker_that_can_not_begin_says_why():
    with pytest.raises(ValueError, match="worker 0 would rather not"):
        list(DataLoader(Squares(4), num_workers=2, worker_init_fn=refuse))


def test_a_death_is_noticed():
    iterator = iter(DataLoader(Dying(10), None, num_workers=2))
    pids = pids_of(iterator)
    with pytest.raises(RuntimeError, match=f"worker .pid.s. {pids[1]}. exited unexpectedly"):
        list(iterator)
    assert alone(pids)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killing_is_noticed():
    iterator = iter(DataLoader(Slow(10, 60), None, num_workers=1))
    os.kill(pids_of(iterator)[0], signal.SIGKILL)
    with pytest.raises(RuntimeError, match="killed by signal: SIGKILL"):
        list(iterator)


def test_a_late_batch_is_an_error(monkeypatch):
    monkeypatch.setattr(iterators, "_GRACE", 0.2)
    iterator = iter(DataLoader(Slow(10, 60), None, num_workers=1, timeout=0.5))
    pids = pids_of(iterator)
    with pytest.raises(RuntimeError, match=r"timed out after 0\.5 seconds"):
        list(iterator)
    assert alone(pids)


# --- ends ----------------------------------------------------------------------------------------------------------


def test_workers_end_with_the_epoch():
    iterator = iter(DataLoader(Squares(4), num_workers=2))
    pids = pids_of(iterator)
    assert len(list(iterator)) == 4
    assert alone(pids)
    with pytest.raises(StopIteration):
        next(iterator)


def test_workers_end_when_their_iterator_is_abandoned():
    pids = []
    loader = DataLoader(ten(), num_workers=2)
    for batch in _noting(loader, pids):
        assert len(batch) == 2
        break
    gc.collect()
    assert alone(pids)
    assert not {child.pid for child in multiprocessing.active_children()} & set(pids)


def _noting(loader, pids):
    iterator = iter(loader)
    pids += pids_of(iterator)
    yield from iterator


def test_an_iterator_that_is_never_used_ends_too():
    iterator = iter(DataLoader(TensorDataset(tensor(np.zeros((500, 5000)))), 100, num_workers=2))
    pids = pids_of(iterator)
    time.sleep(0.1)  # workers now have results that nobody takes
    del iterator
    assert alone(pids)


def test_loaders_in_one_another():
    total = 0
    for _ in DataLoader(Squares(3), num_workers=1):
        for _ in DataLoader(Squares(3), num_workers=1):
            total += 1
    assert total == 9


def test_workers_end_when_their_loader_is_killed():
    program = (
        "import os, sys, time\n"
        "from tests.utils.tools import Slow\n"
        "from wengert.utils.data import DataLoader\n"
        "iterator = iter(DataLoader(Slow(1000, 0), None, num_workers=2, prefetch_factor=20))\n"
        "next(iterator)\n"
        "print(*[process.pid for process in iterator._processes], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, env=_path())
    pids = [int(pid) for pid in run.stdout.split()]
    assert len(pids) == 2, run.stderr
    assert alone(pids)


def test_a_program_ends_with_a_loader_in_the_middle():
    program = (
        "from tests.utils.tools import Squares\n"
        "from wengert.utils.data import DataLoader\n"
        "iterator = iter(DataLoader(Squares(1000), None, num_workers=2, persistent_workers=True))\n"
        "next(iterator)\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, env=_path(), timeout=60
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
def test_an_interrupt_is_the_loaders_and_no_workers():
    program = (
        "from tests.utils.tools import Slow\n"
        "from wengert.utils.data import DataLoader\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    for sample in DataLoader(Slow(10**6, 0.02), None, num_workers=2): pass\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_path(), start_new_session=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        time.sleep(0.3)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert (run.returncode, out, err) == (0, "interrupted\n", "")


def test_another_thread_may_load():
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(DataLoader(Counting(5), None, num_workers=2)))
    thread.start()
    thread.join(30)
    assert seen == [0, 1, 2, 3, 4]


def _path():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}


# --- workers that stay ---------------------------------------------------------------------------------------------


def test_persistent_workers_stay_and_go_with_their_loader():
    loader = DataLoader(Info(4), None, num_workers=2, persistent_workers=True)
    epochs = [list(loader) for _ in range(3)]
    pids = {pid for epoch in epochs for *_, pid in epoch}
    assert len(pids) == 2
    assert epochs[0] == epochs[1] == epochs[2]
    del loader
    assert alone(pids)


def test_persistent_workers_forget_an_epoch_that_was_abandoned():
    loader = DataLoader(Squares(20), None, num_workers=2, persistent_workers=True, prefetch_factor=4)
    for sample in loader:
        if sample[0] == 3:
            break
    assert [sample[0] for sample in loader] == list(range(20))


def test_persistent_workers_begin_an_iterable_anew():
    loader = DataLoader(Counting(7), 2, num_workers=2, persistent_workers=True)
    first = plain(list(loader))
    assert sorted(flat(first)) == list(range(7))
    assert plain(list(loader)) == first


def test_persistent_workers_that_died_are_replaced():
    loader = DataLoader(Dying(10), None, num_workers=1, persistent_workers=True)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="exited unexpectedly"):
            list(loader)


# --- locks ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_lock_that_another_thread_held_does_not_stop_a_forked_process():
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with flushing.one_at_a_time():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(30)
    process = multiprocessing.get_context("fork").Process(target=_compute, daemon=True)
    try:
        process.start()
        process.join(20)
        assert process.exitcode == 0
    finally:
        leave.set()
        thread.join()


def _compute():
    assert plain(wrap(tensor([1.0])._read() * 2)) == [2]
