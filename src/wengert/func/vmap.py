"""vmap: a function of one element, run for a whole batch at once.

The function is called once, on placeholders that have the shape of one element; the graph that it records is then mapped
over the batch by each primitive's batching rule. So it may look at shapes and at values that do not depend on the batch,
but not at the batch's own values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional, Union

from wengert import trees
from wengert.derive.batch import map_over_axis
from wengert.derive.trace import trace
from wengert.func.level import name_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import noting_writes
from wengert.graph.rule import primitives
from wengert.graph.walk import between
from wengert.origin import describe
from wengert.shapes import normalize_axis
from wengert.tensors.tensor import Tensor, wrap, write

Dims = Union[int, None, tuple[Any, ...], list[Any], dict[Any, Any]]


def vmap(
    func: Callable[..., Any],
    in_dims: Dims = 0,
    out_dims: Dims = 0,
    randomness: str = "error",
    *,
    chunk_size: Optional[int] = None,
) -> Callable[..., Any]:
    """The function that maps `func` over a dimension of its arguments.

    in_dims: for each positional argument the dimension to map over, or None to pass it whole; an int for all of them; for
        nested arguments a nested structure. Keyword arguments are passed whole.
    out_dims: where the mapped dimension goes in each output; None for an output that is the same for every element.
    randomness: random operations are an "error", draw "different" numbers for each element, or the "same" for all.
    chunk_size: at most so many elements at a time, to bound memory.

    Raises (when called): ValueError when dims do not fit the arguments or outputs; RuntimeError for random operations with
    "error", when func asks for a value of the batch, and when it writes such a value into a tensor from outside.

    >>> import wengert
    >>> wengert.func.vmap(lambda x: x.sum())(wengert.ones(2, 3))
    tensor([3., 3.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        batch = _Batch(func, args, in_dims)
        step = batch.size if chunk_size is None else chunk_size
        if step >= batch.size:
            return _run(func, batch, batch.nodes(), batch.size, kwargs, randomness).result(out_dims)
        starts = range(0, batch.size, step)
        chunks = [
            _run(func, batch, batch.nodes(i, i + step), min(step, batch.size - i), kwargs, randomness) for i in starts
        ]
        return _joined(chunks).result(out_dims)

    return wrapper


class _Batch:
    """The arguments of a call: the tensors that are mapped over, each with its dimension, and the rest."""

    def __init__(self, func: Callable[..., Any], args: tuple[Any, ...], in_dims: Dims) -> None:
        self.call = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>)"
        if not args:
            raise ValueError(f"vmap({name_of(func)})(<inputs>): got no inputs to map over")
        if not isinstance(in_dims, (int, tuple)) or isinstance(in_dims, bool):
            raise ValueError(
                f"{self.call}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of "
                f"inputs, got: {type(in_dims)}."
            )
        self.leaves, self.structure = trees.flatten(args)
        dims = _spread(in_dims, args)
        if dims is None:
            raise ValueError(f"{self.call}: in_dims is not compatible with the structure of `inputs`.")
        self.dims = [self._dim(x, dim) for x, dim in zip(self.leaves, dims)]
        sizes = [x.shape[dim] for x, dim in zip(self.leaves, self.dims) if dim is not None]
        if not sizes:
            raise ValueError(f"{self.call}: at least one input must be mapped over, but all in_dims are None")
        if len(set(sizes)) > 1:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                f"{sizes} for the mapped dimension"
            )
        self.size = sizes[0]

    def _dim(self, x: Any, dim: Any) -> Optional[int]:
        if dim is None:
            return None
        if not isinstance(dim, int):
            raise ValueError(f"{self.call}: Got in_dim={dim!r} for an input but in_dim must be either an integer or None.")
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{self.call}: Got in_dim={dim} for an input but the input is of type {type(x)}: pass what is no Tensor "
                "whole, with None as its in_dim"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"{self.call}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {x.ndim} so "
                f"expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
            )
        return dim % x.ndim

    @property
    def mapped(self) -> list[Tensor]:
        return [x for x, dim in zip(self.leaves, self.dims) if dim is not None]

    def nodes(self, start: int = 0, stop: Optional[int] = None) -> list[Node]:
        """The mapped tensors' nodes with the mapped dimension in front, from start to stop."""
        found = []
        for x, dim in zip(self.leaves, self.dims):
            if dim is None:
                continue
            node = moved(x._read(), dim, 0)
            if stop is not None:
                rest = tuple([(0, n, 1) for n in node.shape[1:]])
                node = primitives.slice(node, index=((start, min(stop, self.size), 1), *rest))
            found.append(node)
        return found

    def with_rows(self, rows: Sequence[Tensor]) -> tuple[Any, ...]:
        """The call's arguments with one element in the place of each mapped tensor."""
        row = iter(rows)
        values = [x if dim is None else next(row) for x, dim in zip(self.leaves, self.dims)]
        args: tuple[Any, ...] = trees.unflatten(values, self.structure)
        return args


def _spread(dims: Any, tree: Any) -> Optional[list[Any]]:
    """One entry of `dims` for each leaf of `tree`: an entry that stands where the tree has a structure counts for all of
    it. None when they do not fit."""
    if not isinstance(tree, (tuple, list, dict)):
        return None if isinstance(dims, (tuple, list, dict)) else [dims]
    if not isinstance(dims, (tuple, list, dict)):
        return [dims] * len(trees.flatten(tree)[0])
    if isinstance(tree, dict):
        if not isinstance(dims, dict) or set(dims) != set(tree):
            return None
        pairs = [(dims[key], tree[key]) for key in tree]
    else:
        if isinstance(dims, dict) or len(dims) != len(tree) or isinstance(dims, list) != isinstance(tree, list):
            return None
        pairs = list(zip(dims, tree))
    parts = [_spread(d, t) for d, t in pairs]
    if any([part is None for part in parts]):
        return None
    return [entry for part in parts if part is not None for entry in part]


class _Run(NamedTuple):
    """The outputs of one run: leaves are Batched, or what func returned that is no tensor."""

    func: Callable[..., Any]
    leaves: list[Any]
    structure: Any
    size: int

    def result(self, out_dims: Dims) -> Any:
        """What the caller gets."""
        name = name_of(self.func)
        dims = _spread(out_dims, trees.unflatten([None] * len(self.leaves), self.structure))
        if dims is None:
            raise ValueError(
                f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
                "`outputs`."
            )
        return trees.unflatten([self._output(x, dim, name) for x, dim in zip(self.leaves, dims)], self.structure)

    def _output(self, leaf: Any, dim: Any, name: str) -> Any:
        if not isinstance(leaf, tuple):
            if dim is None:
                return leaf
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. Set its out_dims to None to "
                "let it through."
            )
        node, has_axis = leaf
        if dim is None:
            if has_axis:
                raise ValueError(f"vmap({name}, ...): an output that differs from element to element needs an out_dim")
            return wrap(node)
        if not has_axis:
            node = primitives.expand(node, shape=(self.size, *node.shape))
        return wrap(moved(node, 0, normalize_axis(dim, node.ndim, "vmap")))


def _joined(chunks: list[_Run]) -> _Run:
    """The outputs of several chunks as those of one run."""
    first = chunks[0]
    leaves: list[Any] = []
    for number, leaf in enumerate(first.leaves):
        if isinstance(leaf, tuple) and leaf[1]:
            leaf = primitives.concatenate(*[chunk.leaves[number][0] for chunk in chunks], axis=0), True
        leaves.append(leaf)
    return first._replace(leaves=leaves, size=sum([chunk.size for chunk in chunks]))


def moved(x: Node, source: int, target: int) -> Node:
    """One dimension moved to another place."""
    if source == target:
        return x
    order = [i for i in range(x.ndim) if i != source]
    order.insert(target, source)
    return primitives.permute(x, order=tuple(order))


def _run(
    func: Callable[..., Any],
    batch: _Batch,
    inputs: list[Node],
    size: int,
    kwargs: dict[str, Any],
    randomness: str,
) -> _Run:
    """Trace func on one element, map the graph over the batch."""
    leaves: list[Any] = []
    structures: list[Any] = []
    changed: list[int] = []

    def on_one(*rows: Node) -> list[Node]:
        arguments = [wrap(row) for row in rows]
        with noting_writes() as written:
            output = func(*batch.with_rows(arguments), **kwargs)
            found, structure = trees.flatten(output)
            nodes = [x._read() for x in found if isinstance(x, Tensor)]
            now = [x._read() for x in arguments]
            _refuse_leaks(written, rows)
        leaves.extend(found)
        structures.append(structure)
        changed.extend([i for i, (row, node) in enumerate(zip(rows, now)) if node is not row])
        return [*nodes, *[now[i] for i in changed]]

    types = [array_type(x.shape[1:], x.dtype) for x in inputs]
    recording = trace(on_one, types, [x.tracked for x in inputs], with_draws=randomness == "different")
    if randomness == "error" and recording.draw is not None:
        raise RuntimeError(
            f"vmap: called the random operation {recording.draw.primitive.name} at {describe(recording.draw.origin)} while "
            "in randomness error mode. Say randomness='same' or randomness='different', or draw outside vmap"
        )
    flags = [True] * len(inputs) + [False] * len(recording.captured)
    outputs = map_over_axis(
        recording.graph, [*inputs, *recording.captured], flags, size, recording.tracked, randomness == "different"
    )
    after = outputs[len(outputs) - len(changed) :]
    for i, (node, has_axis) in zip(changed, after):
        _write_back(batch, i, node if has_axis else primitives.expand(node, shape=(size, *node.shape)))
    given = iter(outputs)
    return _Run(func, [next(given) if isinstance(x, Tensor) else x for x in leaves], structures[0], size)


def _write_back(batch: _Batch, number: int, node: Node) -> None:
    """What func wrote into an element of an argument goes into the argument."""
    original = batch.mapped[number]
    dim = [d for d in batch.dims if d is not None][number]
    if node.shape[0] != batch.size:
        raise RuntimeError("vmap: an argument that is written to in place cannot be mapped in chunks; drop chunk_size")
    write(original, moved(node, 0, dim))


def _refuse_leaks(written: list[tuple[Any, Node]], rows: Sequence[Node]) -> None:
    """Raise when a value that differs along the batch was written into memory from outside; the memory gets its content
    back."""
    first = rows[0].serial
    for cell, before in reversed(written):
        if before.serial < first and between(rows, [cell.node]):
            shape = list(before.shape)
            cell.overwrite(before, silent=True)
            raise RuntimeError(
                "vmap: an in-place operation wrote a value that differs from element to element into a tensor from outside "
                f"the function, of shape {shape}. Make the tensor an argument that is mapped over, or compute out of place"
            )


