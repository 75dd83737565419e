"""Structures of tensors as one vector, and vectors as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert import trees
from wengert.functions.join import cat
from wengert.functions.operands import array_node
from wengert.functions.shape import reshape
from wengert.tensors.tensor import Tensor, wrap

Vector = Any  # a Tensor: its operators are bound to it in layer 9, where mypy does not see them


class Layout:
    """How a structure of floating tensors of one dtype lies in a vector."""

    def __init__(self, shapes: list[tuple[int, ...]], structure: Any) -> None:
        self.shapes = shapes
        self.sizes = [int(np.prod(shape, dtype=np.int64)) for shape in shapes]
        self.structure = structure

    @classmethod
    def of(cls, tree: Any) -> Layout:
        """Raises: TypeError unless all leaves are tensors of one floating dtype."""
        leaves, structure = trees.flatten(tree)
        if not leaves or not all([isinstance(x, Tensor) and x.dtype.is_floating_point for x in leaves]):
            raise TypeError("expected a floating Tensor, or a structure of such, as what is solved for")
        if len({x.dtype for x in leaves}) > 1:
            raise TypeError(f"expected tensors of one dtype, got {', '.join(sorted({str(x.dtype) for x in leaves}))}")
        return cls([tuple(x.shape) for x in leaves], structure)

    def vector(self, tree: Any) -> Vector:
        """The structure's elements one after the other.

        Raises: ValueError when it is another structure, or has other shapes.
        """
        leaves, structure = trees.flatten(tree)
        shapes = [tuple(x.shape) if isinstance(x, Tensor) else None for x in leaves]
        if structure != self.structure or shapes != self.shapes:
            raise ValueError(f"expected tensors of the shapes {self.shapes} in the structure solved for; got {shapes}")
        flat = [reshape(x, (-1,)) for x in leaves]
        return flat[0] if len(flat) == 1 else cat(flat)

    def unravel(self, vector: Vector) -> Any:
        """The structure again."""
        if len(self.shapes) == 1:
            return trees.unflatten([reshape(vector, self.shapes[0])], self.structure)
        ends = np.cumsum(self.sizes).tolist()
        parts = [vector[end - n : end] for n, end in zip(self.sizes, ends)]
        return trees.unflatten([reshape(x, shape) for x, shape in zip(parts, self.shapes)], self.structure)


    def over_time(self, path: Vector) -> Any:
        """(times, size) to the structure, every tensor with a first dimension for the times."""
        ends = np.cumsum(self.sizes).tolist()
        parts = [path[:, end - n : end] for n, end in zip(self.sizes, ends)]
        shaped = [reshape(x, (path.shape[0], *shape)) for x, shape in zip(parts, self.shapes)]
        return trees.unflatten(shaped, self.structure)


def array_of(x: Vector) -> Any:
    """A copy of the contents."""
    return np.array(x._array())


def tensor_of(x: Any) -> Vector:
    """A tensor with the same contents."""
    return wrap(array_node(x))
