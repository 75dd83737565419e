"""Which executable runs a graph: found by its key; interpreted at first, compiled behind the program's back.

The key is the structure of the pending graph, never a value in it. On first sight a graph is interpreted. On second
sight it goes to a background thread that compiles it; until the code is there, the interpreter goes on. With
``settings.tier`` "interpret" nothing is compiled; with "compile" a graph is compiled at first sight, before it runs.

A structure that comes in ever new sizes (a last batch, sequence lengths, a loop that writes at ever new places) is compiled
for the first few of them. Each further size has to have been seen twice as often as the one before, and is interpreted
until then, so compilation is bounded. Entries are kept in order of use, at most `settings.plan_limit`
and at most `STEPS` steps in all.
"""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from wengert.backends.executable import Starter, completed
from wengert.backends.first import FirstRun, is_light
from wengert.backends.heap import give_back
from wengert.backends.interpreter import Interpreter
from wengert.derive.remember import Memory
from wengert.graph.graph import Graph
from wengert.graph.likeness import Album
from wengert.graph.node import ArrayType, Node
from wengert.primitives.replay import Stretch
from wengert.runtime.watch import watching
from wengert.settings import settings

# Sizes of one structure that are compiled at their second sight; the next one at its 64th, and so on.
SIZES = 4
# A graph that is seen for the n-th time is compiled.
SIGHTS = 2
SIGHTS_OF_MORE = 64
# From this sight on a graph that is still interpreted is laid out with care (`backends/first.py`).
SIGHTS_OF_FIRST = 8
# Bytes of a graph's values from which on memory that interpreting it needed is worth handing back.
LARGE = 16 << 20
# Steps of all graphs that are kept, so that long graphs that never come again (a loop that writes at ever new places)
# do not fill the memory. About 1.5 kB each.
STEPS = 1 << 17


class Counts:
    """How often executables were looked up, made and compiled, and the steps of those that are kept, for tests and
    `wengert info`."""

    found = 0
    made = 0
    compiled = 0
    steps = 0


class Entry:
    """The executables of one graph."""

    __slots__ = ("graph", "interpreter", "compiled", "seen", "queued", "structure", "_users")

    def __init__(self, graph: Graph, structure: Any) -> None:
        self.graph = graph
        self.interpreter: Optional[Interpreter] = None
        self.compiled: Optional[Starter] = None
        self.seen = 0
        self.queued = False
        self.structure = structure
        self._users: dict[int, tuple[int, ...]] = {}

    @property
    def donations(self) -> tuple[int, ...]:
        return () if self.compiled is None else self.compiled.donations

    def users(self, position: int) -> tuple[int, ...]:
        """The steps that read an input, each as often as it does."""
        found = self._users.get(position)
        if found is None:
            found = tuple([n for n, step in enumerate(self.graph.steps) for i in step.args if i == position])
            self._users[position] = found
        return found

    def run(self, values: Sequence[Any], free: frozenset[int] = frozenset()) -> list[Any]:
        """The outputs, by the best executable there is now."""
        if self.compiled is not None and watching.by is None:
            if self.interpreter is not None:
                self.hand_over()
            return self.compiled.run(values, free)
        best = self._best()
        outputs: list[Any]
        if watching.by is None:
            outputs = best.run(values)
        else:
            outputs = watching.by.run(best, values, free, len(self.graph.steps))
        return outputs

    def hand_over(self) -> None:
        """The compiled executable stays from now on: let go of the interpreter, and of the memory that it needed before
        the program's own is written for the first time."""
        self.interpreter = None
        types = [step.type for step in self.graph.steps]
        if sum([type.size * type.dtype.itemsize for type in types if isinstance(type, ArrayType)]) >= LARGE:
            give_back()

    def fill(self, nodes: Sequence[Node], values: Sequence[Any], free: frozenset[int] = frozenset()) -> None:
        """As `run`; the outputs become the values of these nodes. Ctrl-C that comes after the end of the code, when inputs may
        be written over, does not lose them."""
        try:
            for node, value in zip(nodes, self.run(values, free)):
                node.value = value
        except KeyboardInterrupt:
            if self.compiled is not None and completed:
                for node, value in zip(nodes, self.compiled.outputs(values, completed[-1])):
                    node.value = value
            raise
        finally:
            completed.clear()

    def is_safe(self, values: Sequence[Any]) -> Optional[bool]:
        """Whether compiled code could run on these values beside the caller; None where that can't be told yet."""
        return None if self.compiled is None else self.compiled.is_safe(values)

    def prepare(self, values: Sequence[Any], free: frozenset[int], safe: Optional[bool]) -> Optional[list[Any]]:
        """What compiled code that could run beside the caller would make; see `Compiled.prepare`."""
        if self.compiled is None or watching.by is not None:
            return None
        if self.interpreter is not None:
            self.hand_over()
        return self.compiled.prepare(values, free, safe)

    def _best(self) -> Any:
        """The compiled executable if there is one by now, else the interpreter; what is seen often enough is compiled."""
        if self.compiled is not None:
            return self.compiled
        self.seen += 1
        tier = settings.tier
        if tier == "compile":
            compile_now(self)
            if self.compiled is not None:
                return self.compiled
        elif tier == "auto" and self.seen >= SIGHTS and not self.queued and self.seen & (self.seen - 1) == 0:
            _compile_later(self)
        if self.interpreter is None or (self.seen == SIGHTS_OF_FIRST and self.interpreter.__class__ is FirstRun):
            quickly = tier == "auto" and self.seen < SIGHTS_OF_FIRST and is_light(self.graph)
            self.interpreter = FirstRun(self.graph) if quickly else Interpreter(self.graph)
        return self.interpreter


_entries: OrderedDict[Any, Entry] = OrderedDict()
_sizes: dict[Any, int] = {}


# The tapes that were run and their executables (`runtime/repeat.py`), kept here since they go when executables go.
patterns: Memory[Any] = Memory()
album: Album[Any] = Album()


def executable_for(key: Any, graph: Callable[[], Graph]) -> Entry:
    """The executable of the graph with this key = (structure, input types); `graph` builds it when the key is new."""
    found = _entries.get(key)
    if found is not None:
        Counts.found += 1
        _entries.move_to_end(key)
        return found
    Counts.made += 1
    made = _entries[key] = Entry(graph(), key[0])
    Counts.steps += len(key[0])
    while len(_entries) > 1 and (len(_entries) > settings.plan_limit or Counts.steps > STEPS):
        (structure, _), _ = _entries.popitem(last=False)
        Counts.steps -= len(structure)
    return made


def clear() -> None:
    """Forget every executable."""
    _entries.clear()
    patterns.clear()
    album.clear()
    _sizes.clear()
    Counts.steps = 0


_aside: list[Any] = []


def set_aside() -> None:
    """Forget every executable without freeing it: a forked process has not the threads that compiled code runs on, and
    LLVM can't let go of code there."""
    _aside.append((list(_entries.values()), patterns.values()))
    clear()


def compile_now(entry: Entry) -> None:
    """Compile a graph in this thread. Where compilation is impossible (an interpreter whose object layout is unknown),
    the graph stays interpreted."""
    # LLVM and the disk cache are loaded by the first compilation, not at start.
    from wengert.backends.llvm import compile as llvm
    from wengert.runtime import disk

    fingerprint = llvm.fingerprint()

    def objects(text: str, compile: Callable[[str], bytes]) -> bytes:
        name = disk.digest(fingerprint, text)
        code = disk.read(name)
        if code is None:
            code = compile(text)
            disk.write(name, code)
        return code

    entry.compiled = llvm.compile_graph(entry.graph, objects)
    Counts.compiled += entry.compiled is not None


# --- the background thread --------------------------------------------------------------------------------------------


# Seconds that a compilation may take to end when the process does.
_AT_EXIT = 30.0


# Seconds after which a thread of Python that waits for its turn gets it while something is being compiled.
_TURN = 1e-4


@contextmanager
def _taking_turns() -> Iterator[None]:
    """Compiling is Python code, and a step gives up its turn at every call of NumPy's: with Python's five milliseconds
    it would wait that long each time to get it back."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _TURN))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class _Background:
    """One daemon thread that compiles what is queued."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Optional[Entry]] = queue.SimpleQueue()
        self.left = 0  # entries that are not compiled yet
        self.lock = threading.Lock()
        self.closing = False
        self.thread: Optional[threading.Thread] = None
        self.idle = threading.Event()
        self.idle.set()

    def add(self, entry: Entry) -> None:
        with self.lock:
            self.left += 1
            self.idle.clear()
        self.waiting.put(entry)
        if self.thread is None or not self.thread.is_alive():
            self.thread = threading.Thread(target=self._work, name="wengert compiler", daemon=True)
            self.thread.start()

    def close(self) -> None:
        """End the thread after what it is at: LLVM must not be at work while the process is taken down."""
        if self.thread is not None and self.thread.is_alive():
            self.closing = True
            self.waiting.put(None)
            self.thread.join(_AT_EXIT)

    def _work(self) -> None:
        while True:
            entry = self.waiting.get()
            if entry is None or self.closing:
                return
            try:
                with _taking_turns():
                    compile_now(entry)
            except Exception:  # noqa: BLE001  whatever went wrong, the program can go on interpreted
                _report()
            finally:
                with self.lock:
                    self.left -= 1
                    if not self.left:
                        self.idle.set()


_background = _Background()


def compile_soon(entry: Entry) -> None:
    """Compile a graph that was asked for, in the background; with the tier "compile", here and now."""
    entry.queued = True
    if settings.tier == "compile":
        compile_now(entry)
    elif settings.tier == "auto":
        _background.add(entry)


def _compile_later(entry: Entry) -> None:
    structure = without_sizes(entry.structure)
    sizes = _sizes.get(structure, 0)
    if sizes >= SIZES and entry.seen < SIGHTS_OF_MORE << (sizes - SIZES):
        return
    _sizes[structure] = sizes + 1
    if len(_sizes) > settings.plan_limit:
        del _sizes[next(iter(_sizes))]
    entry.queued = True
    _background.add(entry)


def without_sizes(structure: Any) -> Any:
    """A structure with every number among its parameters taken out: shapes, positions, strides."""
    return tuple([(primitive, _blank(params), *rest) for primitive, params, *rest in structure])


def _blank(params: Any) -> Any:
    if isinstance(params, tuple):
        return tuple(map(_blank, params))
    if params.__class__ is Stretch:
        return tuple([(step.primitive, _blank(step.params), step.args) for step in params.graph.steps])
    return None if isinstance(params, int) else params


def wait_for_compilation(seconds: Optional[float] = None) -> bool:
    """Wait until everything queued is compiled; False when that took longer than `seconds`."""
    return _background.idle.wait(seconds)


def _report() -> None:
    """A graph that could not be compiled is a defect, but the program runs on, interpreted."""
    warnings.warn(
        "wengert could not compile a graph and goes on interpreting it; please report this:\n" + traceback.format_exc(),
        RuntimeWarning,
        stacklevel=2,
    )


def _renew_after_fork() -> None:
    global _background
    _background = _Background()


atexit.register(lambda: _background.close())

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
