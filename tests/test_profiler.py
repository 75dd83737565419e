"""The profiler: what it sees, its tables, traces and schedules."""

from __future__ import annotations

import gzip
import json

import pytest

import wengert
from wengert import profiler
from wengert.profiler import ProfilerAction, ProfilerActivity, profile, record_function
from wengert.runtime.watch import watching
from wengert.settings import settings


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    monkeypatch.setattr(settings, "tier", "interpret")


def work():
    x = wengert.ones(8, 8)
    return (x @ x).exp().sum().item()


def test_steps_and_names_are_seen():
    work()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
        with record_function("mine"):
            work()
        work()
    assert watching.by is None
    averages = {average.key: average for average in prof.key_averages()}
    assert {"dot", "exp", "reduce_sum", "mine", "interpreted program"} <= set(averages)
    assert averages["dot"].count == 2 and averages["mine"].count == 1
    mine, program = averages["mine"], averages["interpreted program"]
    assert 0 <= mine.self_cpu_time_total <= mine.cpu_time_total
    assert program.cpu_time_total >= averages["dot"].cpu_time_total
    shapes = [a.input_shapes for a in prof.key_averages(group_by_input_shape=True) if a.key == "dot"]
    assert shapes == [[[8, 8], [8, 8]]]
    text = prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=3)
    assert "# of Calls" in text and len(text.splitlines()) == 8
    before = len(prof.events())
    work()
    assert len(prof.events()) == before


def test_a_chrome_trace(tmp_path):
    with profile() as prof:
        work()
    for name in ("trace.json", "trace.json.gz"):
        prof.export_chrome_trace(str(tmp_path / name))
        data = (tmp_path / name).read_bytes()
        trace = json.loads(gzip.decompress(data) if name.endswith("gz") else data)
        events = [event for event in trace["traceEvents"] if event["name"] == "dot"]
        assert len(events) == 1 and events[0]["ph"] == "X" and events[0]["dur"] > 0


def test_schedules_are_pytorchs():
    torch = pytest.importorskip("torch")
    for options in (
        {"wait": 1, "warmup": 1, "active": 2}, {"wait": 0, "warmup": 2, "active": 1, "repeat": 2},
        {"wait": 2, "warmup": 1, "active": 1, "skip_first": 3},
    ):  # fmt: skip
        mine, theirs = profiler.schedule(**options), torch.profiler.schedule(**options)
        assert [mine(step).name for step in range(20)] == [theirs(step).name for step in range(20)]
    with pytest.raises(AssertionError):
        profiler.schedule(wait=0, warmup=0, active=0)


def test_cycles_are_handed_over(tmp_path):
    seen = []

    def ready(prof):
        seen.append(sorted(event.name for event in prof.events() if event.name.startswith("ProfilerStep")))

    with profile(schedule=profiler.schedule(wait=1, warmup=1, active=2, repeat=2), on_trace_ready=ready) as prof:
        for _ in range(10):
            work()
            prof.step()
    assert seen == [["ProfilerStep#2", "ProfilerStep#3"], ["ProfilerStep#6", "ProfilerStep#7"]]
    assert prof.current_action is ProfilerAction.NONE and watching.by is None
    with profile(on_trace_ready=profiler.tensorboard_trace_handler(str(tmp_path / "logs"))):
        work()
    assert len(list((tmp_path / "logs").glob("*.pt.trace.json"))) == 1


def test_one_at_a_time_and_errors_end_it():
    with pytest.raises(KeyError), profile():
        with pytest.raises(RuntimeError, match="another profiler"):
            profile().start()
        raise KeyError
    assert watching.by is None


def test_compiled_programs_are_seen_as_one(monkeypatch):
    monkeypatch.setattr(settings, "tier", "compile")
    with profile() as prof:
        work()
    assert "compiled program" in {event.name for event in prof.events()}


def test_a_decorator():
    @record_function("part")
    def part():
        return work()

    with profile() as prof:
        part()
    assert "part" in {event.name for event in prof.events()}
