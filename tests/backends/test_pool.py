"""The thread pool: every index once, pieces as promised, no deadlock whatever comes together."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.backends.native import marks, parallel, task
from wengert.backends.llvm import jit, pool, product
from wengert.backends.llvm.parallel import MOST_THREADS, SHARE, serial

pytestmark = pytest.mark.skipif(not pool.has_threads(), reason="no POSIX threads")


@pytest.fixture(autouse=True)
def two_threads():
    before = pool.get_num_threads()
    pool.set_num_threads(2)
    yield
    pool.set_num_threads(before)


@settings(deadline=None, max_examples=60)
@given(
    threads=st.sampled_from([1, 2, 3, 7]),
    begin=st.integers(-20, 20),
    length=st.one_of(st.integers(0, 300), st.integers(0, 4000)),
    grain=st.integers(-1, 90),
    align=st.integers(-1, 40),
)
def test_every_index_once_in_pieces_as_promised(threads, begin, length, grain, align):
    pool.set_num_threads(threads)
    found = marks(begin, begin + length).run(grain, align)
    pieces = found.pieces()
    assert (found.counts[:length] == 1).all()
    if length == 0:
        assert pieces == []
        return
    grain, align = max(grain, 1), max(align, 1)
    assert len(pieces) <= threads or (len(pieces) % threads == 0 and len(pieces) <= threads * SHARE)
    assert [end for _, end in pieces] == [*[start for start, _ in pieces[1:]], begin + length]
    assert all((end - start) % align == 0 for start, end in pieces[:-1])
    if length < 2 * grain:
        assert len(pieces) == 1
    if len(pieces) > 1:
        sizes = [end - start for start, end in pieces]
        assert min(sizes) >= grain
        assert max(sizes) - min(sizes) < 2 * align
    if length >= threads * (grain + align):
        assert len(pieces) >= threads
    if length >= 4 * SHARE * threads * (grain + align):
        assert len(pieces) == threads * SHARE
    if len(pieces) > threads and grain > align:
        assert min(sizes) >= 4 * grain
    assert ((found.workers[found.workers >= 0]) < threads).all()


def test_an_empty_or_backward_range_calls_nothing():
    assert parallel()(None, None, 5, 5, 1, 1) is None
    assert parallel()(None, None, 5, -5, 1, 1) is None


def test_the_cut_depends_on_nothing_but_the_call_and_the_thread_count():
    first = marks(0, 1000).run(10, 8).pieces()
    for _ in range(200):
        assert marks(0, 1000).run(10, 8).pieces() == first


def test_what_a_worker_does_not_come_to_another_takes():
    """Who is done with its own pieces takes from the others."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = marks(0, 2 * SHARE, rounds=200_000).run()
        assert len(found.pieces()) == 2 * SHARE
        workers = found.workers[: 2 * SHARE].tolist()
        if workers[:SHARE].count(0) != SHARE or workers[SHARE:].count(1) != SHARE:
            return
    pytest.fail("every worker did exactly its own share for 30 seconds")


def test_workers_take_part():
    """Whether a worker is in time is up to the machine's load: once in many tries is enough."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = marks(0, 2, rounds=2_000_000).run()
        if set(found.workers.tolist()) == {0, 1}:
            return
    pytest.fail("no worker ran a piece in 30 seconds")


def test_a_region_within_a_task_runs_in_its_caller():
    inner = marks(0, 1000)
    outer = np.array([0, 0, 0, 0, inner.context.ctypes.data], np.int64)
    for _ in range(50):
        inner.counts[:] = 0
        parallel()(task("nested"), outer.ctypes.data, 0, 100, 1, 1)
        assert (inner.counts == 1).all()


def together(*jobs):
    """Run each job in a Python thread; their errors."""
    errors = []

    def guarded(job):
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread hangs"
    return errors


def hammer(times=300, size=64, rounds=2000):
    for _ in range(times):
        found = marks(0, size, rounds).run()
        assert (found.counts == 1).all()


def test_several_python_threads_at_once():
    assert together(hammer, hammer, hammer) == []


def test_the_number_of_threads_changes_while_work_is_under_way():
    def change():
        for n in (1, 3, 2, 5, 1, 2, 4, 2):
            pool.set_num_threads(n)
            time.sleep(0.002)

    assert together(hammer, change, hammer, change) == []


def test_sleeping_workers_wake_up():
    for pause in (0.0, 0.0005, 0.02):
        for _ in range(20):
            time.sleep(pause)
            assert (marks(0, 50, 5000).run().counts == 1).all()


def test_more_threads_than_processors():
    pool.set_num_threads(13)
    for _ in range(100):
        assert (marks(0, 26, 100).run().counts == 1).all()


# --- the number of threads ------------------------------------------------------------------------------------------


def test_set_and_get():
    pool.set_num_threads(3)
    assert pool.get_num_threads() == 3
    pool.set_num_threads(np.int64(2))
    assert pool.get_num_threads() == 2
    pool.set_num_threads(10**6)
    assert pool.get_num_threads() == MOST_THREADS


@pytest.mark.parametrize("n", [0, -1])
def test_a_number_of_threads_is_positive(n):
    with pytest.raises(RuntimeError, match="positive"):
        pool.set_num_threads(n)
    assert pool.get_num_threads() == 2


@pytest.mark.parametrize("n", [1.0, "2", None, True])
def test_a_number_of_threads_is_an_integer(n):
    with pytest.raises(TypeError, match="integer"):
        pool.set_num_threads(n)
    assert pool.get_num_threads() == 2


def python(program, **environment):
    """A program in a fresh process: its output; what it writes to the error stream is an error."""
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


GET = "from wengert.backends.llvm import pool; print(pool.get_num_threads())"


@pytest.mark.parametrize(("text", "threads"), [("3", "3"), (" 5 , 2", "5"), ("1000000", str(MOST_THREADS))])
def test_the_environment_gives_the_number_of_threads(text, threads):
    assert python(GET, OMP_NUM_THREADS=text) == threads


@pytest.mark.parametrize("text", ["", "0", "-2", "many"])
def test_an_environment_without_a_number_means_a_thread_for_each_core(text):
    assert 1 <= int(python(GET, OMP_NUM_THREADS=text)) <= (os.cpu_count() or 1)


# --- the process ----------------------------------------------------------------------------------------------------

USE = """
import time
from tests.backends.native import marks
from wengert.backends.llvm import pool
pool.set_num_threads(3)
for _ in range(100):
    assert (marks(0, 99, 1000).run().counts == 1).all()
"""


@pytest.mark.parametrize("rest", ["", "time.sleep(0.3)"])
def test_the_process_ends_while_workers_watch_or_sleep(rest):
    assert python(USE + rest) == ""


def test_the_process_ends_while_a_daemon_thread_is_at_work():
    daemon = """
import threading
def forever():
    while True:
        marks(0, 9, 100_000).run()
threading.Thread(target=forever, daemon=True).start()
time.sleep(0.1)
"""
    python(USE + daemon)


def child_status(job):
    """The exit status of a forked child that runs the job; None if it hangs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other libraries' threads in this process
        child = os.fork()
    if child == 0:
        try:
            job()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the status tells the parent
            os._exit(1)
    for _ in range(1200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


@fork
def test_a_child_starts_workers_of_its_own():
    hammer(20)
    assert child_status(lambda: hammer(50)) == 0
    hammer(50)


@fork
def test_a_child_may_change_the_number_of_threads():
    def job():
        pool.set_num_threads(4)
        hammer(20)

    assert child_status(job) == 0
    assert pool.get_num_threads() == 2


@fork
def test_fork_at_any_moment_of_a_region():
    """A child may not find a piece of the region that its parent had under way."""
    marks(0, 2).run()
    stop = threading.Event()

    def regions():
        while not stop.is_set():
            marks(0, 200).run()

    def forks():
        for _ in range(40):
            assert child_status(lambda: hammer(2)) == 0
        stop.set()

    try:
        assert together(forks, regions, regions) == []
    finally:
        stop.set()


@fork
def test_fork_while_another_thread_uses_the_pool():
    def forks():
        for _ in range(5):
            assert child_status(lambda: hammer(10)) == 0

    assert together(lambda: hammer(200, rounds=20_000), forks) == []


@fork
def test_fork_leaves_no_thread_of_the_pool_in_the_parent():
    """So that Python does not warn of a fork among threads (it does from 3.12)."""
    assert python(USE + "import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()") == ""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs Linux's list of threads")
def test_signals_go_to_threads_of_python_only():
    pool.set_num_threads(4)
    hammer(5)
    blocking = 0
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/status", encoding="ascii") as file:
            (mask,) = [line.split()[1] for line in file if line.startswith("SigBlk")]
        blocking += int(mask, 16) & 0b10 != 0  # signal 2, SIGINT
    assert blocking == 3


def test_without_posix_threads_all_runs_in_the_caller():
    """The other text of the pool, for such platforms."""
    keep = """
define i64 @threads() {
  %n = call i64 @pool_threads()
  ret i64 %n
}"""
    loaded = jit.Loaded(jit.compile_object(serial() + keep))
    run = type(parallel())(loaded.address("wengert_parallel"))
    found = marks(0, 100)
    run(task("mark"), found.context.ctypes.data, 0, 100, 1, 1)
    run(task("mark"), found.context.ctypes.data, 7, 7, 1, 1)
    assert found.pieces() == [(0, 100)]
    assert found.workers[0] == 0


def test_the_library_is_loaded_once():
    assert product.load() is product.load(b"not read any more")
    assert product.is_loaded()
    assert pool.address() == product.load().address("wengert_parallel")
