"""Tensor: the user's handle on a node. It can be rebound (that is what an in-place operation does), has `grad`,
`requires_grad` and hooks. No mathematics: `functions/methods.py` binds that.

Hot path: `wrap` and reading `_node` happen for every operation, so a fresh tensor has three slots to fill and no cell.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from wengert import dtypes
from wengert.absent import AbsentAttribute
from wengert.dtypes import DType
from wengert.errors import GradientError, dtype_error, shape_error, type_error
from wengert.graph.changes import changes
from wengert.graph.node import LIVE, Node, array_type
from wengert.graph.record import ever, is_ordinary, literal, record, recorder
from wengert.graph.rule import Primitive
from wengert.primitives.control import identity, leaf, stop_gradient, with_history
from wengert.runtime.flush import value_of
from wengert.settings import settings
from wengert.shapes import normalize_axis
from wengert.tensors.cell import LITTLE, Cell, Link, View, derive, seen_at_once, stay_live
from wengert.tensors.device import cpu, device
from wengert.tensors.sharing import follow_outside, settle, write_outside


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints that prints as PyTorch's and counts its elements."""

    __slots__ = ()

    def numel(self) -> int:
        """The product of the sizes."""
        return int(np.prod(self, dtype=np.int64))

    def __repr__(self) -> str:
        return f"{settings.face}.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, count: Any) -> Size:
        return Size(tuple(self) * count)


class Tensor:
    """An array that remembers how it was computed.

    Made by `tensor`, `zeros`, `rand`, ... and by operations. ``Tensor(2, 3)`` (sizes) and ``Tensor([1, 2])`` (data) make
    one of the default dtype, as PyTorch's legacy constructor does.
    """

    __slots__ = ("_node", "_link", "_grad", "__dict__", "__weakref__")

    _node: Node
    _link: Optional[Link]
    _grad: Optional[Tensor]

    # Above ndarray in NumPy's binary operators: ndarray * tensor is a tensor.
    __array_priority__ = 1000
    is_sparse = is_quantized = is_cuda = is_mps = is_nested = is_meta = is_xpu = is_mkldnn = is_sparse_csr = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = object.__new__(cls)
        made._link = None
        made._grad = None
        return made

    def __init__(self, *data: Any, device: Any = None) -> None:
        dtype = dtypes.get_default_dtype()
        if data and all(isinstance(n, (int, np.integer)) for n in data):
            array = np.zeros([int(n) for n in data], dtype.numpy)
        elif not data:
            array = np.zeros(0, dtype.numpy)
        elif len(data) == 1 and isinstance(data[0], Tensor):
            array = np.array(value_of(data[0]._read()), dtype.numpy)
        elif len(data) == 1 and isinstance(data[0], Size):
            array = np.zeros(data[0], dtype.numpy)
        elif len(data) == 1:
            array = np.array(data[0], dtype.numpy)
        else:
            raise type_error("Tensor", "sizes, or one sequence of data", data, "use tensor(data)")
        self._node = literal(array, array_type(array.shape, dtype))

    # --- reading and writing the handle ---------------------------------------------------------------------------

    def _read(self) -> Node:
        """The node of the tensor's current value."""
        link = self._link
        if link is None:
            return self._node
        cell = link.cell
        if link.version != cell.version:
            derive(link)
        node = self._node = link.node
        if ever.traced and recorder.trace is not None:
            recorder.trace.shown(self)
        return node if cell.exposed is None else _read_shared(self, link)

    def _current(self) -> Node:
        """As `_read`, to look at or to show in another way, not to compute with: its value may be shared memory."""
        link = self._link
        if link is None:
            return self._node
        if link.version != link.cell.version:
            derive(link)
        if link.cell.exposed is not None:
            follow_outside(link)
        node = self._node = link.node
        if ever.traced and recorder.trace is not None:
            recorder.trace.shown(self)
        return node

    @property
    def _version(self) -> int:
        return 0 if self._link is None else self._link.cell.writes

    # --- what it is ------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes, as `Size`."""
        return Size(self._node.type.shape)

    @property
    def dtype(self) -> DType:
        return self._node.type.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._node.type.ndim  # type: ignore[no-any-return]

    @property
    def device(self) -> device:
        return cpu

    @property
    def layout(self) -> str:
        return f"{settings.face}.strided"

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * self._node.size

    def dim(self) -> int:
        """The number of dimensions."""
        return self._node.type.ndim  # type: ignore[no-any-return]

    def numel(self) -> int:
        """The number of elements."""
        return self._node.type.size  # type: ignore[no-any-return]

    def size(self, dim: Optional[int] = None) -> Any:
        """The shape, or one size of it."""
        if dim is None:
            return self.shape
        return self._node.type.shape[normalize_axis(dim, self.ndim, "size")]

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._node.type.shape[0]  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return id(self)

    # --- derivatives -----------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are tracked. Set on leaves only."""
        return self._current().tracked

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Collect a derivative here (or cease to).

        Raises: RuntimeError for integer and bool tensors, and when a non-leaf should cease.
        """
        if not isinstance(requires_grad, bool):
            raise TypeError(f"requires_grad_(): argument 'requires_grad' must be bool, not {type(requires_grad).__name__}")
        node = self._current()
        if requires_grad and not node.type.inexact:
            raise GradientError(
                "only Tensors of floating point and complex dtype can require gradients; this one is "
                f"{node.dtype.name}. Convert it first, for example with .float()."
            )
        if requires_grad == node.tracked:
            return self
        if not requires_grad and not self.is_leaf:
            raise GradientError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        link = link_of(self)
        link.watch = Hooks(weakref.ref(self)) if requires_grad else None
        changes.count += 1
        derive(link)
        self._node = link.node
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no tracked operation made this tensor."""
        node = self._current()
        return not node.tracked or node.primitive is leaf

    @property
    def grad(self) -> Optional[Tensor]:
        """What `backward` collected here, or None."""
        if ever.traced and recorder.trace is not None:
            recorder.trace.grad_of(self, True)
        return self._grad

    @grad.setter
    def grad(self, value: Optional[Tensor]) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got {type(value).__name__}")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.shape != self.shape:
                raise shape_error("grad", f"assigned grad has the shape of the tensor, {list(self.shape)}", (value.shape,))
            if value.dtype is not self.dtype:
                raise dtype_error("grad", f"assigned grad has the dtype of the tensor, {self.dtype}", value.dtype)
        if ever.traced and recorder.trace is not None:
            recorder.trace.grad_of(self, False)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def detach(self) -> Tensor:
        """The same memory, without history: no derivative flows through the result."""
        return view(self, stop_gradient, ())

    def detach_(self) -> Tensor:
        """Forget this tensor's own history.

        Raises: RuntimeError for a view, whose base would still have it.
        """
        if self._link is not None and self._link.view is not None and self._link.view.primitive is not stop_gradient:
            raise GradientError("Can't detach views in-place. Use detach() instead.")
        node = self._current()
        if node.tracked:
            self._node = stop_gradient(node)
            link = self._link
            if link is not None:
                link.watch = link.history = None
                link.node = self._node
                if link.view is None:
                    link.cell.node = self._node
                link.cell.alias(self._node)
        return self

    @property
    def data(self) -> Tensor:
        """As `detach`, but writes through it are not noticed by the check for overwritten values."""
        return view(self, stop_gradient, (), silent=True)

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise type_error("data", "a Tensor", type(new).__name__)
        source, above = new._current(), link_of(new)
        watch = None if self._link is None else self._link.watch
        if above.view is None and not source.tracked:
            link = Link(above.cell, above.cell.version, node=source)
        else:
            link = view(new, stop_gradient, ())._link  # type: ignore[assignment]
        if watch is not None:
            link.watch = watch
            derive(link)
        self._link, self._node = link, link.node

    # --- values ----------------------------------------------------------------------------------------------------

    def _array(self) -> Any:
        """The value as an array that must not be written to, nor handed out."""
        return value_of(self._current())

    def item(self) -> Any:
        """The one element as a Python number.

        Raises: RuntimeError unless there is exactly one.
        """
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        return self._array().item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers; a number for a zero-dimensional tensor."""
        return self._array().tolist()

    def __bool__(self) -> bool:
        if self.numel() != 1:
            amount = "no values" if self.numel() == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {amount} is ambiguous")
        return bool(self._array().item())

    def __float__(self) -> float:
        return float(self._only())

    def __int__(self) -> int:
        return int(self._only())

    def __complex__(self) -> complex:
        return complex(self._only())

    def _only(self) -> Any:
        """The one element. Raises: ValueError, as PyTorch does where Python asks, when there are more or none."""
        if self.numel() != 1:
            raise ValueError(
                f"only one element tensors can be converted to Python scalars; this one has {self.numel()}. Use .tolist()."
            )
        return self._array().item()

    def __index__(self) -> int:
        if self.dtype.category > dtypes.INTEGER or self.numel() != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array().item())

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if isinstance(element, (Tensor, int, float, complex)):
            return bool((self == element).any().item())  # type: ignore[attr-defined]
        raise RuntimeError(
            f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element).__name__}."
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Called for a name that a tensor does not have."""
            raise AbsentAttribute(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    # --- hooks -----------------------------------------------------------------------------------------------------

    def register_hook(self, hook: Callable[[Tensor], Optional[Tensor]]) -> Any:
        """Call `hook(grad)` whenever the gradient of this tensor is ready; what it returns, if not None, takes its
        place. Returns a handle with `remove()`.

        Raises: RuntimeError when the tensor does not require grad.
        """
        return hooks_of(self, "register_hook").add(hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Any:
        """Call `hook(self)` after `backward` has added to this leaf's `grad`.

        Raises: RuntimeError when the tensor is not a leaf that requires grad.
        """
        if not self.is_leaf or not self.requires_grad:
            raise GradientError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return hooks_of(self, "register_post_accumulate_grad_hook").add_after(hook)

    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf tensor in `grad`.

        Raises: RuntimeError when the tensor does not require grad.
        """
        if not self.requires_grad:
            raise GradientError("can't retain_grad on Tensor that has requires_grad=False")
        if not self.is_leaf:
            hooks_of(self, "retain_grad").retain = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this non-leaf tensor."""
        watch = self._current().watch
        return not self.is_leaf and isinstance(watch, Hooks) and watch.retain is not None

    unbind: Any
    backward: Any


class Hooks:
    """What watches the cotangent of a node: the tensor whose `grad` it is, and the user's hooks in order."""

    __slots__ = ("tensor", "before", "after", "after_rule", "retain", "metadata", "_next")

    def __init__(self, tensor: Optional[weakref.ref[Tensor]]) -> None:
        self.tensor = tensor
        self.before: dict[int, Callable[[Tensor], Optional[Tensor]]] = {}
        self.after: dict[int, Callable[[Tensor], None]] = {}
        self.after_rule: dict[int, Callable[..., Any]] = {}
        self.metadata: dict[Any, Any] = {}
        self.retain: Optional[weakref.ref[Tensor]] = None
        self._next = 0

    def add(self, hook: Any) -> RemovableHandle:
        return self._into(self.before, hook)

    def add_after(self, hook: Any) -> RemovableHandle:
        return self._into(self.after, hook)

    def add_after_rule(self, hook: Any) -> RemovableHandle:
        return self._into(self.after_rule, hook)

    def _into(self, hooks: dict[int, Any], hook: Any) -> RemovableHandle:
        self._next += 1
        hooks[self._next] = hook
        return RemovableHandle(hooks, self._next)


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook away; as a context manager it does so at the end."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks = hooks
        self.id = key
        changes.count += 1

    def remove(self) -> None:
        self._hooks.pop(self.id, None)
        changes.count += 1

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


def hooks_of(tensor: Tensor, operation: str) -> Hooks:
    """The hooks of a tensor's node; a leaf keeps them when its memory is rewritten.

    Raises: RuntimeError when the tensor does not require grad.
    """
    node = tensor._read()
    if not node.tracked:
        raise GradientError(f"cannot {operation} on a tensor that doesn't require gradient")
    if node.watch is None:
        node.watch = Hooks(None)
    return node.watch  # type: ignore[no-any-return]


# --- how handles are made, viewed and written: for layer 9 ---------------------------------------------------------

_new = object.__new__


def wrap(node: Node) -> Tensor:
    """A fresh tensor with this node. Hot."""
    made: Tensor = _new(Tensor)
    made._node = node
    made._link = None
    made._grad = None
    if ever.exposed and recorder.exposed:
        settle()
    return made


def link_of(tensor: Tensor) -> Link:
    """The tensor's link, made when it has none."""
    link = tensor._link
    if link is None:
        node = tensor._node
        link = tensor._link = Link(Cell(node), 0, None, node)
    return link


def _read_shared(tensor: Tensor, link: Link) -> Node:
    """What a computation reads of memory that the outside may be able to write to: a node that never shows the memory
    itself (see tensors/sharing.py)."""
    follow_outside(link)
    cell, node = link.cell, link.node
    tensor._node = node
    if cell.exposed is not None and node.mark & LIVE:
        if node.value.nbytes <= LITTLE and recorder.trace is None and is_ordinary():
            node = literal(node.value.copy(), node.type)  # to run what reads it at once would take longer
        else:
            ever.exposed = recorder.exposed = True
            node = record(identity, (node,))
        cell.alias(node)
    return node


def view(tensor: Tensor, primitive: Primitive, params: tuple[Any, ...], silent: bool = False) -> Tensor:
    """A tensor that shares `tensor`'s memory, seen through a View primitive."""
    base = tensor._current()
    above = link_of(tensor)
    node = seen_at_once(base, primitive, params) or record(primitive, (base,), params)
    seen = View(above, primitive, params, recorder.tracking, silent)
    if base.mark & LIVE:
        stay_live(node, base, seen)
    cell = above.cell
    cell.alias(node)
    made: Tensor = _new(Tensor)
    made._node = node
    made._link = Link(cell, cell.version, seen, node)
    made._grad = None
    return made


def view_in_place(tensor: Tensor, primitive: Primitive, params: tuple[Any, ...]) -> Tensor:
    """Make `tensor` itself the view: what `transpose_` and its kin do. Other views of it stay as they are.

    Raises: RuntimeError for a tracked change to a leaf that requires grad.
    """
    before = link_of(tensor)
    if before.leaf and recorder.tracking:
        raise GradientError(_WRITTEN_LEAF)
    watch, before.watch = before.watch, None
    if watch is not None:
        derive(before)
    link = view(tensor, primitive, params)._link
    assert link is not None
    if watch is not None:
        link.watch = watch
        derive(link)
    tensor._link, tensor._node = link, link.node
    return tensor


def write(tensor: Tensor, node: Node) -> Tensor:
    """Rebind `tensor`'s memory to `node`'s value, seen by every tensor that shares it. Returns `tensor`.

    Raises: RuntimeError when shape or dtype differ, and for a tracked write to a leaf that requires grad.
    """
    if node.type is not tensor._node.type:
        raise shape_error("in-place", f"a result of {tensor._node.type}", node.type, "a tensor keeps its shape and dtype")
    link = tensor._link or link_of(tensor)
    cell = link.cell
    if ever.traced and recorder.trace is not None:
        recorder.trace.shown(tensor)
    if ever.exposed and recorder.exposed:
        settle()
    shared = cell.exposed is not None and cell.is_exposed()
    if not (shared or recorder.tracking or node.tracked or cell.node.tracked or link.view or node is cell.node):
        cell.overwrite(node)  # the update of a parameter, and the like
        tensor._node = link.node = node
        link.version = -1 if link.watch is not None else cell.version
        return tensor
    content, root, tracked, silent = _written_through(link, node, shared)
    if root.watch is None and not tracked and cell.node.tracked:
        content = _with_history(content, cell.node)
    elif content.tracked and not (tracked and root.watch is None):
        content = stop_gradient(content)
    if content is cell.node:
        content = identity(content)
    if shared and content.tracked:
        settle()  # before anything is written to the memory that it may read
    cell.overwrite(content, silent)
    if shared:
        write_outside(cell, content, link, node)
        recorder.exposed = False
    watch = tensor._node.watch
    if content is node and link.view is None and link.watch is None:
        tensor._node = link.node = cell.node
        link.version = cell.version
    else:
        # Derived anew at the next read; until then the old node must not be held.
        tensor._node = link.node = node
        link.version = -1
    if watch is not None and watch.retain is not None and watch.retain() is tensor:
        _retain_the_new(tensor, watch)
    return tensor


def write_each(tensors: Sequence[Tensor], nodes: Sequence[Node]) -> None:
    """`write` for many tensors; in the ordinary case (untracked updates of memory that is nobody's view) without looking
    at the surroundings again for each. Hot."""
    state = recorder
    plain = not (state.tracking or ever.traced or ever.exposed)
    noted = state.written
    for tensor, node in zip(tensors, nodes):
        link = tensor._link
        if not plain or link is None or link.view is not None or node.tracked or node.type is not tensor._node.type:
            write(tensor, node)
            continue
        cell = link.cell
        if cell.exposed is not None or cell.node.tracked or node is cell.node:
            write(tensor, node)
            continue
        if noted is not None:
            noted.append((cell, cell.node))
        cell.put(node)
        tensor._node = link.node = node
        link.version = -1 if link.watch is not None else cell.version


def _retain_the_new(tensor: Tensor, watch: Hooks) -> None:
    """`retain_grad` is about what the tensor is in the end."""
    if tensor._current().tracked:
        hooks_of(tensor, "retain_grad").retain = watch.retain
        watch.retain = None


def _written_through(link: Link, node: Node, shared: bool) -> tuple[Node, Link, bool, bool]:
    """The content of the whole memory when a link of it shows `node`; the link of the whole, and whether the write is
    tracked there, and silent.

    Raises: RuntimeError for a tracked write to a leaf that requires grad.
    """
    tracked, silent = recorder.tracking, False
    tie, content = link, node
    detached: Optional[tuple[Link, Node]] = None
    while True:
        if tie.watch is not None and tracked:
            raise GradientError(_WRITTEN_LEAF if tie is link else _WRITTEN_VIEW_OF_LEAF)
        seen = tie.view
        if seen is None:
            break
        if seen.primitive is stop_gradient:  # beyond a detach() the write is not the history's business
            if tracked:
                detached = tie, content
            tracked = False
            silent = silent or seen.silent
            tie = seen.parent
        else:
            tie = seen.parent
            content = seen.primitive.write(_base(tie, shared), content, **seen.named)  # type: ignore[attr-defined]
    if detached is not None:
        detached[0].history = detached[1] if detached[1].tracked else None
    return content, tie, tracked, silent


def _base(link: Link, shared: bool) -> Node:
    """What a link shows before a write."""
    if link.version != link.cell.version:
        derive(link)
    if shared:
        follow_outside(link)
        if link.node.mark & LIVE:
            ever.exposed = recorder.exposed = True
            return record(identity, (link.node,))
    return link.node


_WRITTEN_LEAF = (
    "a leaf Variable that requires grad is being used in an in-place operation. Do it inside no_grad() if no derivative "
    "should flow through it."
)
_WRITTEN_VIEW_OF_LEAF = "a view of " + _WRITTEN_LEAF


def _with_history(content: Node, history: Node) -> Node:
    """An untracked write keeps the derivative that the memory had (PyTorch leaves its grad_fn alone)."""
    before = recorder.tracking
    recorder.tracking = True
    node = with_history(content, history)
    recorder.tracking = before
    return node
