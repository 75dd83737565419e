"""Parameter and Buffer: tensors that a module knows as its own; and what stands for those that have no shape yet."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

from wengert.dtypes import DType, get_default_dtype
from wengert.errors import type_error
from wengert.functions.create import empty
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Tensor


class Parameter(Tensor):
    """A tensor that collects a derivative and, set as an attribute of a `Module`, is listed among its parameters.

    data: the tensor whose memory it takes; its history is left behind. None gives an empty one.
    requires_grad: False for a parameter that is frozen.

    Raises: TypeError when data is no tensor; RuntimeError for integers that should require grad.
    """

    __slots__ = ()

    def __init__(self, data: Optional[Tensor] = None, requires_grad: bool = True) -> None:
        _take(self, data)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        """In memory of its own, and, as in PyTorch, without the gradient."""
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]


class Buffer(Tensor):
    """A tensor that, set as an attribute of a `Module`, becomes one of its buffers: part of its state, not trained.

    data: the tensor whose memory it takes; None gives an empty one.
    persistent: whether it belongs to the module's `state_dict`.

    Raises: TypeError when data is no tensor.
    """

    __slots__ = ()

    persistent: bool

    def __init__(self, data: Optional[Tensor] = None, *, persistent: bool = True) -> None:
        _take(self, data)
        if data is not None:
            self.requires_grad_(data.requires_grad)
        self.persistent = persistent


def _take(made: Tensor, data: Optional[Tensor]) -> None:
    """Put `made` on the memory of `data`, without its history."""
    if data is None:
        data = Tensor()
    elif not isinstance(data, Tensor):
        raise type_error(type(made).__name__, "data must be a Tensor", type(data).__name__, "use tensor(data)")
    made.data = data


# --- not yet there -----------------------------------------------------------------------------------------------------


class _Uninitialized(Tensor):
    """What stands for a tensor whose shape is not known yet. It has a dtype and a device, and nothing can be computed
    with it before `materialize`."""

    __slots__ = ()

    cls_to_become: ClassVar[type[Tensor]]

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Optional[DType] = None) -> None:
        check_device(device)
        self.__dict__["wanted"] = (bool(requires_grad), get_default_dtype() if dtype is None else dtype)

    def materialize(self, shape: Any, device: Any = None, dtype: Optional[DType] = None) -> None:
        """Become a tensor of unspecified content with the given shape: a `Parameter` or a plain `Tensor` from now on."""
        made = empty(tuple(shape), device=device, dtype=self.dtype if dtype is None else dtype)
        requires_grad, _ = self.__dict__.pop("wanted")
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.data = made
        self.requires_grad_(requires_grad)

    @property
    def _node(self) -> Any:  # type: ignore[override]
        raise ValueError(
            "Attempted to use an uninitialized parameter. This happens with lazy modules, and with uninitialized "
            "parameters made by hand: call forward with a batch first, which settles their shapes."
        )

    @property
    def shape(self) -> Any:
        """Raises: RuntimeError: there is none yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. Initialize it by calling forward first."
        )

    @property
    def requires_grad(self) -> bool:
        return self.__dict__["wanted"][0]

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Whether the tensor will collect a derivative."""
        self.__dict__["wanted"] = (bool(requires_grad), self.dtype)
        return self

    @property
    def dtype(self) -> DType:
        return self.__dict__["wanted"][1]

    @property
    def is_leaf(self) -> bool:
        return True

    def to(self, dtype: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The same, with another dtype in prospect."""
        if isinstance(dtype, DType):
            self.__dict__["wanted"] = (self.requires_grad, dtype)
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            requires_grad, dtype = self.__dict__["wanted"]
            memo[id(self)] = type(self)(requires_grad, dtype=dtype)
        return memo[id(self)]


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape is settled by the first call of its module; see `nn.modules.lazy`."""

    __slots__ = ()

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Optional[DType] = None) -> None:
        super().__init__(requires_grad, device, dtype)


class UninitializedBuffer(_Uninitialized):
    """A buffer whose shape is settled by the first call of its module."""

    __slots__ = ()

    cls_to_become = Tensor


def is_lazy(value: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(value, _Uninitialized)
