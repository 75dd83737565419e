"""What `compile` returns for a function: it finds, for each call, the replay made for calls like it, or traces the call.

Calls are alike when their arguments have the same structure, and the tensors among them the same shapes, dtypes and
demand for gradients; the other arguments are equal; tracking is on or off as before; and the surroundings (`guards.py`)
are what they were. A float argument that changes from call to call becomes a run-time number at its second value.
"""

from __future__ import annotations

import functools
import os
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert import trees
from wengert.compiler.build import plan_of, strangers
from wengert.compiler.guards import Surroundings
from wengert.compiler.owners import Owners, changed_attribute, has_hooks, watches_of
from wengert.compiler.plan import UNSTORED, Refusal
from wengert.compiler.recorded import Recorded
from wengert.compiler.replay import Moved, Replay, Shared, not_stored
from wengert.compiler.trace import Trace
from wengert.dtypes import get_default_dtype
from wengert.errors import CompileError
from wengert.graph.changes import modes
from wengert.graph.record import recorder
from wengert.loops.show import show_step
from wengert.runtime.beside import alone, land
from wengert.runtime.flush import flush
from wengert.runtime.tiers import Entry, compile_soon
from wengert.tensors.tensor import Tensor

# Traces of one function; beyond them it is recorded as ever.
MOST_TRACES = 16


class Program:
    """One trace of a function: the surroundings in which it is right, and the replay, or None where there can be none."""

    def __init__(self, surroundings: Surroundings, owners: Owners, replay: Optional[Replay]) -> None:
        self.surroundings = surroundings
        self.owners = owners
        self.replay = replay
        self.fast: Any = None
        self.is_recorded = isinstance(replay, Recorded)
        self.is_settled = replay is None or self.is_recorded  # whether there can be no other fast way

    def run(self, tensors: Sequence[Tensor], floats: Sequence[float]) -> Any:
        """What the function would return. The caller is `alone`. Raises: Moved, and what only values decide."""
        if self.fast is not None:
            try:
                return self.fast.run(tensors, floats)
            except Shared:
                pass
        elif not self.is_settled and self.replay.entry.compiled is not None:  # type: ignore[union-attr]
            from wengert.compiler.fast import fast_replay  # brings LLVM

            self.is_settled = True
            self.replay.entry.hand_over()  # type: ignore[union-attr]
            self.fast = fast_replay(self.replay)  # type: ignore[arg-type]
            return self.run(tensors, floats)
        if not self.is_recorded:  # what is only recorded may be so while another step runs
            land()
        return self.replay.run(tensors, floats)  # type: ignore[union-attr]

    def holds(self) -> bool:
        return self.owners.hold() and self.surroundings.hold()


class Options:
    """How a function is compiled."""

    def __init__(
        self, fullgraph: bool = False, keep_gradients: bool = False, silent: bool = False, pending: bool = False
    ) -> None:
        self.fullgraph = fullgraph
        self.keep_gradients = keep_gradients
        self.silent = silent
        self.pending = pending


class Call:
    """The arguments of one call, and the key of its kind. `moving`: positions of floats that are run-time numbers."""

    def __init__(self, args: Any, kwargs: Any, moving: Any) -> None:
        self.args, self.kwargs = args, kwargs
        self.leaves: Any
        self.structure: Optional[trees.Structure]
        if kwargs or any([leaf.__class__ in _CONTAINERS for leaf in args]):
            self.leaves, self.structure = trees.flatten((args, kwargs))
        else:
            self.leaves, self.structure = args, None
        self.tensors: list[Tensor] = []
        self.floats: list[float] = []
        key: list[Any] = [self.structure, len(self.leaves), recorder.tracking, *modes_now()]
        self.moving = moving
        self.hooked = False  # whether an argument has hooks
        for position, leaf in enumerate(self.leaves):
            if isinstance(leaf, Tensor):
                node = leaf._node if leaf._link is None else leaf._current()
                self.tensors.append(leaf)
                key += (node.type, node.tracked)
                if node.watch is not None and has_hooks(node.watch):
                    self.hooked = True
                    key.append("hooks")
            elif leaf.__class__ is float and position in moving:
                self.floats.append(leaf)
                key.append(float)
            elif leaf.__class__ is float and leaf == 0:
                key += (float, str(leaf))  # zeros of either sign are equal
            else:
                key += (leaf.__class__, leaf)
        if len(self.tensors) > 1:
            key.append(_sharing(self.tensors))
        self.key = tuple(key)

    def with_numbers(self, trace: Trace) -> tuple[Any, Any]:
        """The arguments for a trace: floats that move are numbers that a replay asks for."""
        if not self.floats:
            return self.args, self.kwargs
        leaves = [
            trace.argument(leaf) if leaf.__class__ is float and position in self.moving else leaf
            for position, leaf in enumerate(self.leaves)
        ]
        return (leaves, {}) if self.structure is None else trees.unflatten(leaves, self.structure)


class CompiledFunction:
    """A function that is traced once for each kind of call, and replayed afterwards.

    traces   how often it was traced
    reasons  why kinds of calls run as ordinary ones, each reason once
    """

    def __init__(self, function: Callable[..., Any], options: Options) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options
        self.programs: dict[Any, list[Program]] = {}
        self.quick: dict[Any, list[Program]] = {}  # the same by `simple_key`, where a call has one
        self.traces = 0
        self.moving: set[int] = set()  # positions of arguments that are run-time numbers
        self._floats: dict[Any, list[Any]] = {}
        self.reasons: list[str] = []
        _every.add(self)

    @property
    def kernels(self) -> list[str]:
        """What the programs of this function that are compiled so far run, step by step, as text."""
        found = [one.replay.entry.compiled for programs in self.programs.values() for one in programs if one.replay]
        return [show_step(step) for compiled in found if compiled is not None for step in compiled.program.steps]  # type: ignore[attr-defined]

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """As a decorated method: one compiled function for each object."""
        if owner is None:
            return self
        bound = CompiledFunction(self.function.__get__(owner, kind), self.options)
        name = self.function.__name__
        if isinstance(getattr(owner, "__dict__", None), dict):
            owner.__dict__.setdefault(name, bound)
            return owner.__dict__[name]
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        state = recorder
        if state.limit == _NEVER or state.retain:
            return self.function(*args, **kwargs)  # inside another trace or transformation, the function is part of it
        if state.tape and not self.options.pending:
            flush()
        key = None
        if not kwargs:
            key = simple_key(args, state.tracking)
            if key is not None:
                for program in self.quick.get(key, ()):
                    if program.holds():
                        try:
                            with alone:
                                return program.run(args, ())
                        except Moved:
                            break
        call = Call(args, kwargs, self.moving)
        try:
            known = self.programs.get(call.key)
        except TypeError:
            return self._ordinary("it has an argument that can't be hashed", args, kwargs)
        for program in known or ():
            if program.holds():
                if program.replay is None:
                    return self.function(*args, **kwargs)
                if key is not None and program not in self.quick.setdefault(key, []):
                    self.quick[key].insert(0, program)  # the call that was traced had not such a key: shared memory
                try:
                    with alone:
                        return program.run(call.tensors, call.floats)
                except Moved:
                    continue
        if known is None and self._has_new_floats(call):
            call = Call(args, kwargs, self.moving)
        return self._first(call)

    def at_once(self, calls: Sequence[tuple[Any, ...]]) -> Optional[tuple[Any]]:
        """What the last of these calls returns, where all can run as one, one after the other, beside Python: calls of one
        kind that is replayed, whose arguments are tensors, and which do nothing but compute. None, and nothing done, where
        they have to be made one by one."""
        state = recorder
        if state.limit == _NEVER or state.retain:
            return None
        if state.tape and not self.options.pending:
            flush()
        key = simple_key(calls[0], state.tracking)
        if key is None or not all([_is_like(args, calls[0]) for args in calls]):
            return None
        for program in self.quick.get(key, ()):
            if program.fast is not None and program.holds():
                try:
                    with alone:
                        return program.fast.series.run(calls)
                except Moved:
                    return None
        return None

    @property
    def most_at_once(self) -> int:
        """How many calls are worth making by `at_once`, by the programs that there are so far; 1: it has no use."""
        return max([one.fast.series.most for known in self.quick.values() for one in known if one.fast is not None], default=1)

    def _has_new_floats(self, call: Call) -> bool:
        """Whether such calls were seen with other floats, which therefore are run-time numbers from now on."""
        if not any([leaf.__class__ is float for leaf in call.leaves]):
            return False
        kind = Call(call.args, call.kwargs, range(len(call.leaves))).key
        known = self._floats.setdefault(kind, call.leaves)
        new = {i for i, (a, b) in enumerate(zip(known, call.leaves)) if b.__class__ is float and a != b} - self.moving
        self.moving |= new
        return bool(new)

    def _ordinary(self, reason: str, args: Any, kwargs: Any) -> Any:
        self._refuse(reason)
        return self.function(*args, **kwargs)

    def _first(self, call: Call) -> Any:
        """Call the function, and keep what it did as a program."""
        if self.traces >= MOST_TRACES:
            reason = f"it was traced {MOST_TRACES} times, for ever new kinds of calls"
            return self._ordinary(reason, call.args, call.kwargs)
        self.traces += 1
        land()  # a trace looks at values as they are
        trace, surroundings = Trace(self.options.fullgraph), Surroundings(self.function, call.leaves)
        try:
            args, kwargs = call.with_numbers(trace)
            result = trace.run(self.function, args, kwargs, call.tensors)
        except CompileError:
            if trace.reason is not None:
                trace.roll_back(trace.written)
            raise
        if trace.beginning and trace.reason is None:
            undo = list(trace.written)
            self._run(undo, trace)
            return result
        watches = watches_of([seen.tensor for seen in trace.shown_tensors.values()])
        owners = Owners([module for module, _ in trace.modules.values()], list(trace.optimizers.values()), watches)
        undo = []
        replay: Optional[Replay] = None
        try:
            if call.hooked and trace.grads:
                raise Refusal("it takes a derivative by an argument that has hooks")
            replay = self._plan(trace, result, surroundings, undo)
        except Refusal as refusal:
            if self.options.fullgraph:
                trace.roll_back(undo or trace.written)
            self._refuse(str(refusal))
        self._run(undo, trace)
        program = Program(surroundings, owners, replay)
        self.programs.setdefault(call.key, []).insert(0, program)
        key = None if call.kwargs else simple_key(call.args, recorder.tracking)
        if key is not None and replay is not None:
            self.quick.setdefault(key, []).insert(0, program)
        return result

    def _plan(self, trace: Trace, result: Any, surroundings: Surroundings, undo: list[Any]) -> Replay:
        """The replay of a trace that has just ended.

        Raises: Refusal.
        """
        if trace.reason is not None:
            raise Refusal(trace.reason)
        if surroundings.refusals:
            raise Refusal(surroundings.refusals[0])
        changed = surroundings.changed()
        if changed:
            raise Refusal(f"it changes {changed[0]}, which a replay would not do again")
        for module, before in trace.modules.values():
            name = changed_attribute(vars(module), before)
            if name is not None:
                owner = type(module).__name__
                raise Refusal(f"it changes the attribute {name!r} of {owner}, which a replay would not do again")
        plan = plan_of(trace, result, self.options.keep_gradients)
        undo += plan.undo
        plan.undo = []  # the plan stays, and would keep the first content of all memory
        for target, output in plan.grads:
            if output == UNSTORED and isinstance(target, Tensor):
                target._grad = not_stored(target)
        kept = strangers(trace.tape, plan.known)
        if kept:
            raise Refusal(f"something keeps a tensor that it computes at {kept[0]}; return the tensor instead")
        entry = Entry(plan.graph, ())
        if plan.alive or self.options.pending:
            return Recorded(plan, entry)
        compile_soon(entry)
        return Replay(plan, entry)

    def _run(self, undo: list[Any], trace: Trace) -> None:
        """Run what the first call recorded. If that fails on the data, memory and gradients stay what they were."""
        trace.written.clear()
        try:
            flush()
        except BaseException:
            for cell, node in reversed(undo):
                cell.overwrite(node, silent=True)
            for tensor, before, _ in trace.grads.values():
                tensor._grad = before
            raise

    def _refuse(self, reason: str) -> None:
        """Say once why a call is not compiled. Raises: CompileError with `fullgraph`."""
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        if self.options.fullgraph:
            raise CompileError(f"compile(fullgraph=True): {name} can't be replayed: {reason}")
        if reason in self.reasons:
            return
        self.reasons.append(reason)
        if not self.options.silent:
            warnings.warn(
                f"wengert.compile: {name} runs as an ordinary function, because {reason}. The results are the same; it is "
                "only not faster.",
                stacklevel=4,
            )


_NEVER = float("inf")
_CONTAINERS = frozenset((list, tuple, dict))
_every: weakref.WeakSet[CompiledFunction] = weakref.WeakSet()


def modes_now() -> list[Any]:
    """What else decides about the operations of a call: the default dtype, and the modes that are on."""
    return [get_default_dtype(), *[mode() for mode in modes]]


def simple_key(args: tuple[Any, ...], tracking: bool) -> Optional[tuple[Any, ...]]:
    """The kind of a call whose arguments are different untracked tensors that share no memory; None for others. Hot."""
    key: list[Any] = [tracking, *modes_now()]
    for x in args:
        if x.__class__ is not Tensor or x._link is not None:
            return None
        node = x._node
        if node.tracked:
            return None
        key.append(node.type)
    if len(args) > 1 and len(set(map(id, args))) != len(args):
        return None
    return tuple(key)


def _is_like(args: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether a call has the same simple key as another one that has such a key. Hot."""
    if len(args) != len(other) or (len(args) > 1 and len(set(map(id, args))) != len(args)):
        return False
    for x, y in zip(args, other):
        if x.__class__ is not Tensor or x._link is not None or x._node.tracked or x._node.type is not y._node.type:
            return False
    return True


def _sharing(tensors: Sequence[Tensor]) -> Any:
    """Which of the tensors are one, or share memory."""
    owners = [id(x) if x._link is None else id(x._link.cell) for x in tensors]
    if len(set(owners)) == len(owners):
        return None
    return tuple([owners.index(owner) for owner in owners])


def reset() -> None:
    """Forget every trace of every function."""
    for function in list(_every):
        function.programs, function.quick = {}, {}
        function.traces = 0


_aside: list[Any] = []


def _set_aside() -> None:
    """A forked process can't run the code of its parent, nor let it go."""
    for function in list(_every):
        _aside.append((function.programs, function.quick))
        function.programs, function.quick = {}, {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_set_aside)


