"""Where the time goes: `profile` watches everything that runs, `record_function` names a part of the program.

Work is delayed here, so times are of the moment when something ran, not of the call that asked for it. Steps of the
interpreter are seen one by one; machine code, in which steps are joined, as one program.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Optional

from wengert.runtime.flush import flush
from wengert.runtime.watch import Event, Watcher, now, watching

__all__ = [
    "profile", "schedule", "supported_activities", "tensorboard_trace_handler", "ProfilerAction", "ProfilerActivity",
    "record_function",
]  # fmt: skip


class ProfilerActivity(Enum):
    """What may be watched. There is the CPU only."""

    CPU = 0
    CUDA = 2


class ProfilerAction(Enum):
    """What happens in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """What can be watched here."""
    return {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """For `profile`: after `skip_first` steps, cycles of `wait` steps that are not watched, `warmup` whose times are thrown
    away, and `active` whose times are kept; `repeat` cycles, 0 for ever. skip_first_wait: the first cycle does not wait.

    Raises: AssertionError for numbers that make no cycle.
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError("Invalid profiler schedule arguments")

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        cycle, place = divmod(step, wait + warmup + active)
        if repeat > 0 and cycle >= repeat:
            return ProfilerAction.NONE
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < wait + warmup + active - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(dir_name: str, worker_name: Optional[str] = None, use_gzip: bool = False) -> Any:
    """For `on_trace_ready`: a Chrome trace in this folder for each cycle."""

    def handle(done: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        done.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json{'.gz' * use_gzip}"))

    return handle


class record_function:
    """A part of the program with a name, in traces and tables. A context manager, or a decorator. What is pending when the
    part ends is run, so that its time falls into the part, while somebody watches."""

    def __init__(self, name: str, args: Optional[str] = None) -> None:
        self.name, self.args = name, args
        self._starts: list[int] = []

    def __enter__(self) -> record_function:
        if watching.by is not None:
            flush()
        self._starts.append(now())
        return self

    def __exit__(self, *exception: Any) -> None:
        start = self._starts.pop()
        if watching.by is not None:
            flush()
            watching.by.note(self.name, "user_annotation", start, {"args": self.args} if self.args else None)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:


        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return wrapped


class Average:
    """What all events of one name took together: times in microseconds."""

    def __init__(self, key: str, kind: str, shapes: Any) -> None:
        self.key, self.kind, self.input_shapes = key, kind, shapes
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    @property
    def cpu_time(self) -> float:
        """The mean of one event."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total:.3f}us count={self.count}>"


class EventList(list[Any]):
    """Averages, to be looked at as a table."""

    def total_average(self) -> Average:
        """All of them together."""
        whole = Average("Total", "", None)
        for average in self:
            whole.count += average.count
            whole.self_cpu_time_total += average.self_cpu_time_total
            whole.cpu_time_total += average.self_cpu_time_total
        return whole

    def table(
        self,
        sort_by: Optional[str] = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        header: Optional[str] = None,
        top_level_events_only: bool = False,
    ) -> str:
        """Text. sort_by: an attribute such as "cpu_time_total" or "self_cpu_time_total"; the largest first."""
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=lambda row: getattr(row, sort_by), reverse=True)
        rows = rows[:row_limit] if row_limit >= 0 else rows
        total = sum([row.self_cpu_time_total for row in self]) or 1.0
        width = min(max([4, *[len(row.key) for row in rows]]), max_name_column_width)
        titles = ("Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls")
        line = "  ".join(["-" * width, *["-" * 12] * len(titles)])
        text = [*([header] if header else []), line, "  ".join([f"{'Name':>{width}}", *[f"{t:>12}" for t in titles]]), line]
        for row in rows:
            cells = (
                f"{100 * row.self_cpu_time_total / total:.2f}%", _time(row.self_cpu_time_total),
                f"{100 * row.cpu_time_total / total:.2f}%", _time(row.cpu_time_total), _time(row.cpu_time), str(row.count),
            )  # fmt: skip
            text.append("  ".join([f"{row.key[:width]:>{width}}", *[f"{cell:>12}" for cell in cells]]))
        return "\n".join([*text, line, f"Self CPU time total: {_time(total)}", ""])


def _time(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


class profile:
    """Watches what runs inside.

    activities: accepted; the CPU is watched. schedule: which steps (told by `step`) are watched; all without. on_trace_ready:
    called with this object at the end of each watched cycle. record_shapes: note the shapes of inputs. The other options of
    PyTorch's are accepted and without effect.

        with profile(record_shapes=True) as prof:
            train()
        print(prof.key_averages().table(sort_by="self_cpu_time_total"))
    """

    def __init__(
        self,
        *,
        activities: Optional[Iterable[ProfilerActivity]] = None,
        schedule: Optional[Callable[[int], ProfilerAction]] = None,
        on_trace_ready: Optional[Callable[[Any], Any]] = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: Optional[bool] = None,
        custom_trace_id_callback: Any = None,
    ) -> None:
        self.schedule, self.on_trace_ready, self.record_shapes = schedule, on_trace_ready, record_shapes
        self.step_num = 0
        self.current_action = self._action()
        self._watcher: Optional[Watcher] = None
        self._outer: Optional[Watcher] = None
        self._events: list[Event] = []
        self._step_start = 0

    def _action(self) -> ProfilerAction:
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(self.step_num)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begin. What is pending runs before. Raises: RuntimeError when another profiler is watching."""
        if watching.by is not None:
            raise RuntimeError("profile: another profiler is watching already; only one can at a time")
        flush()
        self._begin_step()

    def stop(self) -> None:
        """End. What is pending runs first, and is watched."""
        self._end_step()
        if self._watcher is not None:
            self._finish(self.current_action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE))

    def step(self) -> None:
        """A step of the program ended; the next one begins."""
        self._end_step()
        before, self.step_num = self.current_action, self.step_num + 1
        self.current_action = self._action()
        if before is ProfilerAction.WARMUP and self._watcher is not None:
            self._watcher.events.clear()
        if before is ProfilerAction.RECORD_AND_SAVE or (
            self._watcher is not None and self.current_action is ProfilerAction.NONE
        ):
            self._finish(before is ProfilerAction.RECORD_AND_SAVE)
        self._begin_step()

    def _begin_step(self) -> None:
        if self.current_action is not ProfilerAction.NONE and self._watcher is None:
            self._watcher = watching.by = Watcher(self.record_shapes)
        self._step_start = now()

    def _end_step(self) -> None:
        flush()
        if self._watcher is not None and self.schedule is not None:
            self._watcher.note(f"ProfilerStep#{self.step_num}", "user_annotation", self._step_start)

    def _finish(self, ready: bool) -> None:
        assert self._watcher is not None
        self._events, self._watcher, watching.by = self._watcher.events, None, None
        if ready and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def events(self) -> list[Event]:
        """Everything that was noted in the last cycle, in the order in which it ended."""
        return list(self._events)

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Events of one name (and of one kind of shapes) together."""
        found: dict[Any, Average] = {}
        own = _own_times(self._events)
        for event, alone in zip(self._events, own):
            shapes = event.more.get("shapes") if group_by_input_shape else None
            average = found.setdefault((event.name, str(shapes)), Average(event.name, event.kind, shapes))
            average.count += 1
            average.cpu_time_total += event.duration / 1e3
            average.self_cpu_time_total += alone / 1e3
        return EventList(found.values())

    def export_chrome_trace(self, path: str) -> None:
        """A file for chrome://tracing or Perfetto; packed when it ends in .gz."""
        pid = os.getpid()
        entries: list[dict[str, Any]] = [
            {
                "ph": "X", "cat": event.kind, "name": event.name, "pid": pid, "tid": event.thread, "ts": event.start / 1e3,
                "dur": event.duration / 1e3, "args": event.more,
            }
            for event in self._events
        ]  # fmt: skip
        data = json.dumps({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": entries}, default=str).encode()
        if str(path).endswith(".gz"):

            data = gzip.compress(data)
        with open(path, "wb") as file:
            file.write(data)


def _own_times(events: list[Event]) -> list[int]:
    """Each event's time without that of the events inside it."""
    own = [event.duration for event in events]
    order = sorted(range(len(events)), key=lambda at: (events[at].thread, events[at].start, -events[at].duration))
    open_: list[int] = []
    for at in order:
        event = events[at]
        while open_ and (
            events[open_[-1]].thread != event.thread or events[open_[-1]].start + events[open_[-1]].duration <= event.start
        ):
            open_.pop()
        if open_:
            own[open_[-1]] -= event.duration
        open_.append(at)
    return own


