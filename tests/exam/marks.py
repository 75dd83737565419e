"""Marking: every question of an entry, counted by subject, with the first reasons of failure."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Optional

import torch

from tests.exam import questions
from tests.exam.compare import Wrong
from tests.exam.questions import NotAsked, samples
from tests.exam.scope import WRONG_DERIVATIVE, reason_out, title
from tests.exam.translate import lookup, operation

# Subject -> the share of entries that the project promises; None: reported only.
SUBJECTS: dict[str, Optional[float]] = {
    "forward": 0.98, "gradient": 0.98, "second": 0.95, "complex": None, "complex gradient": None, "integers": None,
    "forms": None, "out": None, "errors": None,
}  # fmt: skip


class Mark(NamedTuple):
    """How many questions of a subject were asked and answered rightly, and what was said to the first wrong ones."""

    asked: int
    right: int
    reasons: tuple[str, ...]


class TooLong(Exception):
    """An entry that uses up its time."""


def _alarm(*_: Any) -> None:
    raise TooLong("took too long")


def mark(ask: Callable[[Any], None], items: Iterable[Any]) -> Mark:
    """Ask one question of each item."""
    asked = right = 0
    reasons: list[str] = []
    for item in items:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ask(item)
            except NotAsked:
                continue
            except TooLong:
                raise
            except Exception as error:  # noqa: BLE001  any failure is a mark
                reasons.append(f"{type(error).__name__}: {error}".replace("\n", " ")[:240])
            else:
                right += 1
        asked += 1
    return Mark(asked, right, tuple(dict.fromkeys(reasons))[:4])


def present(entry: Any) -> bool:
    """Whether wengert has the name at all."""
    return lookup(entry.name) is not None


def examine(entry: Any, subjects: Iterable[str], limit: int, seconds: int = 120) -> dict[str, Mark]:
    """The marks of one entry, in each subject that is asked of it."""
    found: dict[str, Mark] = {}
    previous = signal.signal(signal.SIGALRM, _alarm)
    for subject in subjects:
        signal.alarm(seconds)
        try:
            with questions.without_stacks():
                found[subject] = ASK[subject](entry, limit)
        except NotAsked:
            continue
        except TooLong as error:
            found[subject] = Mark(1, 0, (str(error),))
        finally:
            signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
    return {subject: m for subject, m in found.items() if m.asked}


# --- subjects -----------------------------------------------------------------------------------------------------


def _takes(entry: Any, dtype: Any) -> bool:
    return bool(entry.supports_dtype(dtype, "cpu"))


def _differentiates(entry: Any, dtype: Any) -> bool:
    return bool(entry.supports_autograd and dtype in entry.supported_backward_dtypes("cpu"))


def _main(entry: Any) -> Any:
    """float32, or the first dtype that the entry takes."""
    for dtype in (torch.float32, torch.int64, torch.bool, torch.complex64):
        if _takes(entry, dtype):
            return dtype
    raise NotAsked("no usual dtype")


def _forward(entry: Any, limit: int, dtype: Any = None) -> Mark:
    dtype = dtype or _main(entry)
    if not _takes(entry, dtype):
        raise NotAsked(f"does not take {dtype}")
    return mark(lambda sample: questions.forward(entry, sample), samples(entry, dtype, limit))


def _derivative(entry: Any, limit: int, order: int, dtype: Any = torch.float64) -> Mark:
    allowed = entry.supports_gradgrad if order == 2 else True
    if entry.name in WRONG_DERIVATIVE:
        raise NotAsked("PyTorch is no judge of it")
    if not (_takes(entry, dtype) and _differentiates(entry, dtype) and allowed):
        raise NotAsked("no derivative")
    found = samples(entry, dtype, limit, requires_grad=True)
    return mark(lambda sample: questions.gradient(entry, sample, order), found)


def _integers(entry: Any, limit: int) -> Mark:
    asked = [d for d in (torch.int64, torch.bool, torch.uint8, torch.float16) if _takes(entry, d)]
    if _main(entry) in asked:
        asked.remove(_main(entry))
    pairs = [sample for dtype in asked for sample in samples(entry, dtype, max(2, limit // 4))]
    return mark(lambda sample: questions.forward(entry, sample), pairs)


def _forms(entry: Any, limit: int) -> Mark:
    few = samples(entry, _main(entry), max(2, limit // 4))
    pairs = [(name, sample) for name in questions.forms(entry) for sample in few]

    def ask(pair: Any) -> None:
        try:
            questions.form(entry, *pair)
        except NotAsked:
            raise
        except Exception as error:  # noqa: BLE001  said again with the form's name
            raise Wrong(f"{pair[0]}: {type(error).__name__}: {error}") from None

    return mark(ask, pairs)


def _out(entry: Any, limit: int) -> Mark:
    if not entry.supports_out:
        raise NotAsked("no out")
    return mark(lambda sample: questions.out_form(entry, sample), samples(entry, _main(entry), max(2, limit // 4)))


def _errors(entry: Any, limit: int) -> Mark:
    if entry.error_inputs_func is None:
        raise NotAsked("no error inputs")
    with questions.asked():
        wanted = list(entry.error_inputs("cpu"))
    return mark(lambda item: questions.error(entry, item), wanted[: 4 * limit])


ASK: dict[str, Callable[[Any, int], Mark]] = {
    "forward": _forward,
    "gradient": lambda entry, limit: _derivative(entry, limit, 1),
    "second": lambda entry, limit: _derivative(entry, limit, 2),
    "complex": lambda entry, limit: _forward(entry, limit, torch.complex64),
    "complex gradient": lambda entry, limit: _derivative(entry, limit, 1, torch.complex128),
    "integers": _integers,
    "forms": _forms,
    "out": _out,
    "errors": _errors,
}


__all__ = ["ASK", "SUBJECTS", "Mark", "examine", "mark", "operation", "present", "reason_out", "title"]
