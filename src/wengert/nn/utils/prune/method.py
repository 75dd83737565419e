"""What every pruning method shares: the hook on one parameter, and several of them one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Optional

import numpy as np

from wengert.functions.create import ones_like
from wengert.functions.operands import array_node
from wengert.nn.module import Module
from wengert.tensors.tensor import Tensor, wrap


class BasePruningMethod(ABC):
    """The hook of one pruned parameter. A method of your own defines `PRUNING_TYPE` and `compute_mask`.

    PRUNING_TYPE: "unstructured" (single elements), "structured" (slices along a dimension `self.dim`) or "global":
        among what a second pruning chooses.
    """

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: str

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """A mask of 0 and 1 for importances `t`, that is 0 wherever `default_mask` is."""

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(original.dtype) * original

    @classmethod
    def apply(cls, module: Module, name: str, *args: Any, importance_scores: Optional[Tensor] = None, **kwargs: Any) -> Any:
        """Prune `module.name` by a method of this class made from the other arguments.

        importance_scores: what to judge by, of the parameter's shape; by default the parameter itself.
        """
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        earlier = [(key, hook) for key, hook in module._forward_pre_hooks.items() if is_for(hook, name)]
        hook = method
        if earlier:
            key, before = earlier[0]
            hook = before if isinstance(before, PruningContainer) else PruningContainer(before)
            hook.add_pruning_method(method)
            del module._forward_pre_hooks[key]
        original = getattr(module, name)
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}: {original.shape}, got "
                f"{scores.shape}"
            )
        if not earlier:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", original)
            mask = ones_like(original)
        else:
            mask = getattr(module, f"{name}_mask").detach().clone()
        module.register_buffer(f"{name}_mask", hook.compute_mask(scores, default_mask=mask))
        setattr(module, name, hook.apply_mask(module))
        module.register_forward_pre_hook(hook)
        return hook

    def prune(self, t: Tensor, default_mask: Optional[Tensor] = None, importance_scores: Optional[Tensor] = None) -> Tensor:
        """t with its least important parts at 0, without any module."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Module) -> None:
        """Make the parameter an ordinary one, with its zeros."""
        name = self._tensor_name
        pruned = self.apply_mask(module).detach()
        original = module._parameters.pop(f"{name}_orig")
        assert original is not None
        del module._buffers[f"{name}_mask"]
        if hasattr(module, name):
            delattr(module, name)
        original.data = pruned
        setattr(module, name, original)


def is_for(hook: Any, name: str) -> bool:
    return isinstance(hook, BasePruningMethod) and hook._tensor_name == name


class PruningContainer(BasePruningMethod):
    """Several methods of one parameter, each choosing among what those before it left."""

    PRUNING_TYPE = "global"

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        methods = args[0] if len(args) == 1 and not isinstance(args[0], BasePruningMethod) else args
        for i, method in enumerate(methods):
            if i == 0:
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Optional[BasePruningMethod]) -> None:
        """Raises: TypeError unless it is a method; ValueError when it is for another parameter."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to "
                f"PruningContainer {self}. Found '{method._tensor_name}'"
            )
        if method is not None:
            self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: Any) -> Any:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The last method's mask, times the one that was there."""
        method = self._pruning_methods[-1]
        mask = np.array(default_mask._array())
        values = np.array(t._array())
        if method.PRUNING_TYPE == "unstructured":
            left: Any = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = dimension(method.dim, t.ndim)
            others = tuple([d for d in range(t.ndim) if d != dim])
            left = (slice(None),) * dim + (mask.sum(axis=others) != 0,)
        elif method.PRUNING_TYPE == "global":
            left = slice(None)
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        part = method.compute_mask(tensor_of(values[left]), default_mask=tensor_of(mask[left]))
        mask[left] = np.array(part._array()).astype(mask.dtype)
        return tensor_of(mask)


def tensor_of(array: Any) -> Tensor:
    return wrap(array_node(array))


def dimension(dim: int, ndim: int) -> int:
    if not -ndim <= dim < ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {ndim}")
    return dim % ndim
