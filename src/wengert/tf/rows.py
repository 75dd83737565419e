"""Rows of variables: the `scatter` methods, which write to some of them, and reads of some of them."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.functions.index import getitem
from wengert.graph.record import tracking
from wengert.runtime.flush import at_hand
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf.errors import OF_ARGUMENTS, invalid, translate
from wengert.tf.tensor import Tensor, shown
from wengert.tf.values import fresh


class Rows:
    """What `Variable` has of them. ``sparse_delta`` is an `IndexedSlices`: values, and the row where each belongs.

    Raises: InvalidArgumentError for a row that is not there.
    """

    __slots__ = ()

    _write: Any
    _fitted: Any

    def _changed(self, rows: Any, change: Any) -> Any:
        """Write ``change(content, positions, values)`` of the present content."""
        assert isinstance(self, Core)
        with tracking(False):
            content = wrap(Core._read(self))
            places = _places(rows.indices, content.shape[:1])
            values = fresh(rows.values, self.dtype, "scatter")
            try:
                return self._write(change(content, places, values.expand(*places.shape, *content.shape[1:]))._read())
            except OF_ARGUMENTS as error:
                translate(error)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: Optional[str] = None) -> Any:
        """v[i] += value; rows that come twice add up."""
        return self._changed(sparse_delta, lambda v, i, x: v.index_add(0, i.reshape(-1), _flat(x, i)))

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: Optional[str] = None) -> Any:
        """v[i] -= value"""
        return self._changed(sparse_delta, lambda v, i, x: v.index_add(0, i.reshape(-1), -_flat(x, i)))

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: Optional[str] = None) -> Any:
        """v[i] = value"""
        return self._changed(sparse_delta, lambda v, i, x: v.index_copy(0, i.reshape(-1), _flat(x, i)))

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: Optional[str] = None) -> Any:
        """v[i] = max(v[i], value)"""
        return self._changed(sparse_delta, lambda v, i, x: v.index_reduce(0, i.reshape(-1), _flat(x, i), "amax"))

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: Optional[str] = None) -> Any:
        """v[i] = min(v[i], value)"""
        return self._changed(sparse_delta, lambda v, i, x: v.index_reduce(0, i.reshape(-1), _flat(x, i), "amin"))

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: Optional[str] = None) -> Any:
        """v[i] *= value"""
        return self._changed(sparse_delta, lambda v, i, x: v.index_reduce(0, i.reshape(-1), _flat(x, i), "prod"))

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: Optional[str] = None) -> Any:
        """v[i] /= value"""
        return self._changed(sparse_delta, lambda v, i, x: v.index_reduce(0, i.reshape(-1), 1 / _flat(x, i), "prod"))

    def _changed_nd(self, indices: Any, updates: Any, sign: int) -> Any:
        """Put, add or subtract `updates` at places; the last axis of `indices` counts the leading axes of the variable."""
        assert isinstance(self, Core)
        with tracking(False):
            content = wrap(Core._read(self))
            places = _places(indices, content.shape).unbind(-1)
            values = fresh(updates, self.dtype, "scatter_nd")
            try:
                made = content.index_put(places, values if sign >= 0 else -values, accumulate=sign != 0)
            except OF_ARGUMENTS as error:
                translate(error)
            return self._write(made._read())

    def scatter_nd_add(self, indices: Any, updates: Any, name: Optional[str] = None) -> Any:
        """v[indices] += updates"""
        return self._changed_nd(indices, updates, 1)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: Optional[str] = None) -> Any:
        """v[indices] -= updates"""
        return self._changed_nd(indices, updates, -1)

    def scatter_nd_update(self, indices: Any, updates: Any, name: Optional[str] = None) -> Any:
        """v[indices] = updates"""
        return self._changed_nd(indices, updates, 0)

    def sparse_read(self, indices: Any, name: Optional[str] = None) -> Tensor:
        """The rows at these positions."""
        assert isinstance(self, Core)
        try:
            return shown(getitem(wrap(self._read()), fresh(indices).long()))
        except OF_ARGUMENTS as error:
            translate(error)

    def gather_nd(self, indices: Any, name: Optional[str] = None) -> Tensor:
        """The parts at these places; the last axis of `indices` counts the leading axes of the variable."""
        assert isinstance(self, Core)
        try:
            return shown(getitem(wrap(self._read()), tuple(fresh(indices).long().unbind(-1))))
        except OF_ARGUMENTS as error:
            translate(error)


def _places(indices: Any, sizes: Any) -> Any:
    """Positions as int64. Raises: InvalidArgumentError for one that is seen not to be there; what is still to be computed
    is checked where it is used."""
    given = fresh(indices)
    known = at_hand(given._node)
    if isinstance(known, np.ndarray) and known.size:
        bounds = np.array(sizes[: known.shape[-1]] if known.ndim and len(sizes) > 1 else sizes[:1])
        if (known < 0).any() or (known >= bounds).any():
            raise invalid(f"indices {known.tolist()} are not all in a variable with sizes {list(sizes)}")
    return given.long()


def _flat(values: Any, places: Any) -> Any:
    """One row for each position, along one axis."""
    return values.reshape(-1, *values.shape[places.ndim :])
