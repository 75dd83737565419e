"""The questions that are asked of one entry: each is one sample, run by both sides."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Optional

import numpy as np
import pytest
import torch

import wengert
from tests.exam.compare import Strictness, Wrong, same, same_tensor
from tests.exam.scope import among_equals, undetermined, without_chance
from tests.exam.translate import Translator, function_of, operation, tensor_of
from wengert.autograd.backward import grad as our_grad


class NotAsked(Exception):
    """PyTorch itself has no answer to this question."""


@contextlib.contextmanager
def asked() -> Iterator[None]:
    """What PyTorch raises inside ends the question without a mark."""
    try:
        yield
    except Exception as error:
        raise NotAsked(str(error)) from error


@contextlib.contextmanager
def without_stacks() -> Iterator[None]:
    """Inside, PyTorch does not look at the stack for each sample (for the test that draws it) and each seed (which it
    notes for other devices): that is most of an exam's cost where the stack is deep, as in a test."""
    from torch.testing._internal import common_utils
    from torch.testing._internal.opinfo import core

    with pytest.MonkeyPatch.context() as patch:
        for module in (common_utils, core):
            patch.setattr(module, "extract_test_fn", lambda: None)
        patch.setattr(torch, "manual_seed", torch.default_generator.manual_seed)
        yield


def samples(entry: Any, dtype: Any, limit: int, requires_grad: bool = False) -> list[Any]:
    """At most `limit` of an entry's samples, evenly spread. The same at every call."""
    np.random.seed(7)
    with warnings.catch_warnings(), asked(), without_stacks():
        torch.manual_seed(7)
        warnings.simplefilter("ignore")
        found = list(entry.sample_inputs("cpu", dtype, requires_grad=requires_grad))
    if len(found) <= limit:
        return found
    return [found[round(k * (len(found) - 1) / (limit - 1))] for k in range(limit)]


def tensors_in(value: Any) -> list[Any]:
    """The PyTorch tensors in arguments or results, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [x for item in value for x in tensors_in(item)]
    if isinstance(value, dict):
        return [x for item in value.values() for x in tensors_in(item)]
    return []


def ours_in(value: Any) -> list[Any]:
    """The wengert tensors in results, in order."""
    if isinstance(value, wengert.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [x for item in value for x in ours_in(item)]
    return []


# --- forward ------------------------------------------------------------------------------------------------------


def forward(entry: Any, sample: Any) -> None:
    """The result of one sample. Raises: Wrong, or whatever wengert raises."""
    function = operation(entry)
    tell = Translator()
    arguments = tell((sample.input, *sample.args))
    keywords = tell(sample.kwargs)
    with asked(), torch.no_grad():
        theirs = sample.output_process_fn_grad(entry.op(sample.input, *sample.args, **sample.kwargs))
    with wengert.no_grad():
        ours = function_of(sample.output_process_fn_grad)(function(*arguments, **keywords))
    if among_equals(entry, sample):
        if not isinstance(theirs, torch.Tensor):
            ours, theirs = ours[0], theirs[0]
        same(ours, theirs, entry.name != "argsort")
        return
    try:
        same(ours, theirs, not undetermined(entry, sample))
    except Wrong:
        _same_as_precise(entry, sample, ours, theirs)


def _same_as_precise(entry: Any, sample: Any, ours: Any, theirs: Any) -> None:
    """Where float32 results differ, those of PyTorch in float64 decide: near a pole neither side is exact."""
    if not tensors_in(sample.input) or tensors_in(sample.input)[0].dtype is not torch.float32:
        same(ours, theirs)
    wide = sample.transform(lambda t: t.double() if isinstance(t, torch.Tensor) and t.dtype is torch.float32 else t)
    with asked(), torch.no_grad():
        precise = sample.output_process_fn_grad(entry.op(wide.input, *wide.args, **wide.kwargs))
    for a, b in zip(tensors_in(precise), tensors_in(theirs)):
        if a.shape != b.shape:
            same(ours, theirs)
    if len(tensors_in(precise)) != 1 or not isinstance(theirs, torch.Tensor):
        same(ours, theirs)
    same(ours, precise.to(theirs.dtype))


# --- derivatives --------------------------------------------------------------------------------------------------


def _tracked(entry: Any, sample: Any) -> tuple[list[Any], list[Any], list[tuple[Any, Any]]]:
    """Differentiable results of both sides, and the leaves."""
    sample = without_chance(entry, sample)
    if undetermined(entry, sample):
        raise NotAsked("the result is random")
    function = operation(entry)
    tell = Translator()
    arguments = tell((sample.input, *sample.args))
    keywords = tell(sample.kwargs)
    kept = _kept(entry, sample)
    wrapper = (lambda op, *a, **k: op(*a, **k)) if kept is not None else entry.gradcheck_wrapper
    with asked():
        found = wrapper(entry.op, sample.input, *sample.args, **sample.kwargs)
        if kept is not None:
            found = torch.where(kept, found, 0)
        results = tensors_in(sample.output_process_fn_grad(found))
        if not tell.leaves or not any(x.requires_grad for x in results):
            raise NotAsked("nothing requires grad")
    made = function_of(wrapper)(function, *arguments, **keywords)
    if kept is not None:
        made = wengert.where(tensor_of(kept), made, 0)
    ours = ours_in(function_of(sample.output_process_fn_grad)(made))
    if len(ours) != len(results):
        raise Wrong(f"{len(ours)} instead of {len(results)} results")
    for k, (x, w) in enumerate(zip(ours, results)):
        if x.requires_grad != w.requires_grad:
            raise Wrong(f"result {k} requires_grad is {x.requires_grad}")
    pairs = [(x, w) for x, w in zip(ours, results) if w.requires_grad]
    return [x for x, _ in pairs], [w for _, w in pairs], tell.leaves


def _kept(entry: Any, sample: Any) -> Any:
    """Which results of an operation with a mask are determined; None for operations without one."""
    wrapper = entry.gradcheck_wrapper.__name__
    if wrapper == "gradcheck_wrapper_masked_operation" and sample.kwargs.get("mask") is not None:
        return torch.masked._output_mask(entry.op, sample.input, *sample.args, **sample.kwargs)
    if wrapper == "gradcheck_wrapper_masked_pointwise_operation":
        masks = [sample.kwargs.get(name) for name in ("input_mask", "other_mask")]
        if None not in masks:
            return torch.logical_or(*torch.broadcast_tensors(*masks))
    return torch.tensor(True) if "masked" in wrapper else None


def _cotangents(results: list[Any], seed: int) -> list[Any]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(w.shape, dtype=w.dtype, generator=generator) for w in results]


def gradient(entry: Any, sample: Any, order: int = 1) -> None:
    """The first derivative of one sample, or the second (in the inputs and in the first's cotangents)."""
    ours, theirs, leaves = _tracked(entry, sample)
    theirs_bars = [b.requires_grad_(order == 2) for b in _cotangents(theirs, 1)]
    bars = [tensor_of(b, order == 2) for b in theirs_bars]
    mine, their_leaves = [x for _, x in leaves], [w for w, _ in leaves]
    with asked():
        h = torch.autograd.grad(theirs, their_leaves, theirs_bars, create_graph=order == 2, allow_unused=True)
    g = our_grad(ours, mine, bars, create_graph=order == 2, allow_unused=True)
    if order == 1:
        _same_derivatives(g, h, "gradient", 10.0)
        return
    pairs = [(a, b) for a, b in zip(g, h) if b is not None and b.requires_grad]
    if not pairs:
        raise NotAsked("no second derivative")
    for a, _ in pairs:
        if a is None or not a.requires_grad:
            raise Wrong("the gradient has no derivative")
    their_seconds = _cotangents([b for _, b in pairs], 2)
    with asked():
        hh = torch.autograd.grad([b for _, b in pairs], their_leaves + theirs_bars, their_seconds, allow_unused=True)
    seconds = [tensor_of(b) for b in their_seconds]
    gg = our_grad([a for a, _ in pairs], mine + bars, seconds, allow_unused=True)
    _same_derivatives(gg, hh, "second gradient", 100.0)


def _same_derivatives(found: Any, wanted: Any, what: str, wide: float) -> None:
    for k, (a, b) in enumerate(zip(found, wanted)):
        if a is None and b is None:
            continue
        if a is None:
            if b.count_nonzero():
                raise Wrong(f"{what} {k} is None")
        elif b is None:
            if a._array().any():
                raise Wrong(f"{what} {k} is not None")
        else:
            _same_where_defined(a, b, f"{what} {k}", wide)


def _same_where_defined(a: Any, b: Any, what: str, wide: float) -> None:
    """PyTorch's NaN is not asked: its formulas divide 0 by 0 where the derivative by rule is a number."""
    lost = b.isnan()
    if not Strictness.strict and lost.any() and tuple(a.shape) == tuple(b.shape):
        b = torch.where(lost, torch.from_numpy(np.array(a.detach()._array())), b)
    same_tensor(a, b, True, what, wide)


# --- other forms of the same operation ----------------------------------------------------------------------------


def forms(entry: Any) -> dict[str, tuple[Any, Any]]:
    """Name -> (PyTorch's, what finds wengert's) for the method, the operators, the in-place twins, and the aliases."""
    found: dict[str, tuple[Any, Any]] = {}
    for kind in ("method_variant", "inplace_variant", "operator_variant", "inplace_operator_variant"):
        theirs = getattr(entry, kind, None)
        if theirs is not None:
            found[kind.removesuffix("_variant")] = (theirs, theirs)
    for alias in entry.aliases:
        if alias.op is not None:
            found[f"alias {alias.name}"] = (alias.op, alias.op)
    return found


def form(entry: Any, name: str, sample: Any) -> None:
    """One sample by another form; an in-place one must also give back its own tensor. What PyTorch refuses, wengert
    must refuse."""
    theirs_function, known = forms(entry)[name]
    tell = Translator()
    changed = "inplace" in name
    arguments = tell((sample.input, *sample.args))
    keywords = tell(sample.kwargs)
    function = function_of(known)
    with torch.no_grad(), wengert.no_grad():
        first = sample.input.clone() if changed and isinstance(sample.input, torch.Tensor) else sample.input
        theirs, refused = _try(theirs_function, first, *sample.args, **sample.kwargs)
        try:
            ours = function(*arguments, **keywords)
        except Exception:
            if refused is not None:
                return
            raise
    if refused is not None:
        raise NotAsked(f"PyTorch refuses: {refused}") if not changed else Wrong(f"accepted, but PyTorch says {refused}")
    if changed and ours is not arguments[0]:
        raise Wrong("an in-place operation gave another tensor back")
    process = sample.output_process_fn_grad
    same(function_of(process)(ours), process(theirs), not undetermined(entry, sample) and not among_equals(entry, sample))


def _try(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, Optional[str]]:
    try:
        return function(*args, **kwargs), None
    except Exception as error:  # noqa: BLE001  any refusal counts
        return None, str(error)[:80]


def out_form(entry: Any, sample: Any) -> None:
    """`out=` with tensors of the right type: they hold the result afterwards, and are what is returned."""
    function = operation(entry)
    tell = Translator()
    arguments, keywords = tell((sample.input, *sample.args)), tell(sample.kwargs)
    with asked(), torch.no_grad():
        theirs = entry.op(sample.input, *sample.args, **sample.kwargs)
        if not isinstance(theirs, torch.Tensor):
            raise NotAsked("several results")
        entry.op(sample.input, *sample.args, **sample.kwargs, out=torch.empty_like(theirs))
    target = tensor_of(torch.zeros_like(theirs))
    with wengert.no_grad():
        ours = function(*arguments, **keywords, out=target)
    if ours is not target:
        raise Wrong("out= gave another tensor back")
    same(ours, theirs, not undetermined(entry, sample))


# --- errors -------------------------------------------------------------------------------------------------------


def error(entry: Any, wanted: Any) -> None:
    """A wrong call raises what PyTorch's tests say that it raises (or a subclass of that)."""
    sample = wanted.sample_input
    if wanted.error_type is Exception:
        raise NotAsked("an argument form that only PyTorch's parser refuses")
    with asked():
        try:
            entry.op(sample.input, *sample.args, **sample.kwargs)
        except wanted.error_type:
            pass
        else:
            raise RuntimeError("PyTorch accepts it")
    function = operation(entry)
    tell = Translator()
    try:
        arguments, keywords = tell((sample.input, *sample.args)), tell(sample.kwargs)
    except AttributeError as missing:
        raise NotAsked(str(missing)) from None
    try:
        for x in ours_in(function(*arguments, **keywords)):
            x._array()
    except wanted.error_type:
        return
    except Exception as other:  # noqa: BLE001  any other error is wrong
        raise Wrong(f"{type(other).__name__}, not {wanted.error_type.__name__}: {other}") from None
    raise Wrong(f"accepted, but PyTorch raises {wanted.error_type.__name__}: {wanted.error_regex[:80]}")
