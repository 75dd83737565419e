"""The display counts what a program takes from its loaders, and leaves nothing behind."""

import io

import numpy as np
import pytest

import wengert
from wengert.run.progress import Meter, ProgressDisplay, batch_size
from wengert.utils.data import DataLoader, IterableDataset, TensorDataset


class Stream(IterableDataset):
    def __iter__(self):
        yield from range(5)


@pytest.fixture
def watched():
    """A started display; calling it stops it and gives the lines that it wrote."""
    display = ProgressDisplay()
    display.start()
    written = io.StringIO()

    def stop():
        display.stop(to=written)
        return written.getvalue().splitlines()

    yield stop
    DataLoader.__iter__ = display._iterate


def ten():
    return TensorDataset(wengert.arange(10), wengert.arange(10))


def test_passes_and_samples_are_counted(watched):
    loader = DataLoader(ten(), batch_size=4)
    for _ in range(3):
        assert [len(first) for first, _ in loader] == [4, 4, 2]
    (line,) = watched()
    assert line.startswith("TensorDataset (10): 30 samples in 3 passes, ")
    assert line.endswith(" samples per second")


def test_a_pass_that_is_left_counts_what_it_gave(watched):
    for _ in DataLoader(ten(), batch_size=4):
        break
    assert watched()[0].startswith("TensorDataset (10): 4 samples in 1 pass, ")


def test_loaders_alike_share_a_line_and_others_have_their_own(watched):
    for size in (5, 5, 2):
        list(DataLoader(ten(), batch_size=size))
    assert [line.split(" in ")[0] for line in watched()] == [
        "TensorDataset (10): 20 samples", "TensorDataset (10): 10 samples",
    ]  # fmt: skip


def test_a_stream_has_no_length(watched):
    assert [batch.tolist() for batch in DataLoader(Stream(), batch_size=2)] == [[0, 1], [2, 3], [4]]
    assert watched()[0].startswith("Stream (stream): 5 samples in 1 pass")


def test_loaders_are_as_before_afterwards(watched):
    before = DataLoader.__iter__
    watched()
    assert DataLoader.__iter__ is not before and DataLoader.__iter__.__module__ == DataLoader.__module__


def test_a_loop_within_a_loop_is_counted_in_each(watched):
    for _ in DataLoader(ten(), batch_size=5):
        list(DataLoader(ten(), batch_size=2))
    assert [line.split(", ")[0] for line in watched()] == [
        "TensorDataset (10): 10 samples in 1 pass", "TensorDataset (10): 20 samples in 2 passes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        ([wengert.zeros(3, 2), 1], 3),
        ({"a": "text", "b": np.zeros(4)}, 4),
        (["x", "y"], 1),
        (wengert.zeros(()), 1),
        ((), 1),
    ],
)
def test_the_size_of_a_batch(batch, size):
    assert batch_size(batch) == size


def test_no_time_is_no_speed():
    assert str(Meter("a")) == "a: 0 samples in 0 passes, 0.00 s: 0 samples per second"


def test_the_command_shows_the_speed_after_what_the_program_prints(wengert):
    source = """
    import torch
    from torch.utils.data import DataLoader, TensorDataset
    for (x,) in DataLoader(TensorDataset(torch.zeros(7)), batch_size=2):
        pass
    print("done")
    """
    done = wengert("run", "--progress", "a.py", files={"a.py": source})
    first, second = done.stdout.splitlines()
    assert first == "done" and second.startswith("TensorDataset (7): 7 samples in 1 pass") and done.stderr == ""
