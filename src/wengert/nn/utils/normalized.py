"""Weights normalised before every call, by hooks: `weight_norm` and `spectral_norm` in their older form, whose
parameters are `weight_g`, `weight_v` and `weight_orig`. `nn.utils.parametrizations` has the newer one.

    weight_norm     w = g v / |v|, the norm over all dimensions but one
                    (T. Salimans, D. Kingma, Weight normalization, 2016)
    spectral_norm   w / sigma, sigma = u^T W v the largest singular value, by power iteration
                    (T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida, Spectral normalization for GANs, 2018)
"""

from __future__ import annotations

import warnings
from typing import Any, Optional, TypeVar

from wengert.functions.create import empty
from wengert.functions.sampling import normal_
from wengert.nn.functional.distances import normalize
from wengert.nn.module import Module
from wengert.nn.parameter import Parameter
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

M = TypeVar("M", bound=Module)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but `dim`, which stay with size 1; over all, for dim -1."""
    if dim == -1:
        return v.norm(pow)
    others = [i for i in range(v.ndim) if i != dim % v.ndim]
    return v.norm(pow, dim=others, keepdim=True) if others else v.abs()


def with_norm(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """g v / |v|"""
    return v * (g / norm_except_dim(v, 2, dim))


class WeightNorm:
    """The hook that computes the weight."""

    def __init__(self, name: str, dim: Optional[int]) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """g v / |v|"""
        return with_norm(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        weight = self.compute_weight(module).detach()
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight))


def weight_norm(module: M, name: str = "weight", dim: Optional[int] = 0) -> M:
    """Train `name` as its norm over all dimensions but `dim` (`name_g`) and its direction (`name_v`).

    Raises: RuntimeError when it is done already.
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
    )
    hook = WeightNorm(name, dim)
    _check_first(module, WeightNorm, name, "weight_norm")
    weight = getattr(module, name)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight, 2, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Undo `weight_norm`. Raises: ValueError when there is nothing to undo."""
    _taken_off(module, WeightNorm, name, "weight_norm").remove(module)
    return module


def _check_first(module: Module, kind: type, name: str, what: str) -> None:
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, kind) and hook.name == name:
            raise RuntimeError(f"Cannot register two {what} hooks on the same parameter {name}")


def _taken_off(module: Module, kind: type, name: str, what: str) -> Any:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:
            del module._forward_pre_hooks[key]
            return hook
    raise ValueError(f"{what} of '{name}' not found in {module}")


# --- spectral ------------------------------------------------------------------------------------------------------


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """(size of dim, all other elements)"""
    if dim:
        weight = weight.permute(dim, *[d for d in range(weight.ndim) if d != dim])
    return weight.flatten(1)


def unit_normal(like: Tensor, n: int, eps: float) -> Tensor:
    """A random direction of n components."""
    return normalize(normal_(empty(n, dtype=like.dtype)), dim=0, eps=eps)


def output_dim(module: Module, dim: Optional[int]) -> int:
    """The dimension of the outputs in a weight: 1 in transposed convolutions, else 0."""
    if dim is not None:
        return dim
    return 1 if getattr(module, "transposed", False) else 0


class SpectralNorm:
    """The hook that computes the weight; in training it takes `n_power_iterations` steps first."""

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """w / (u^T W v)"""
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(matrix.T @ u, dim=0, eps=self.eps))
                    u.copy_(normalize(matrix @ v, dim=0, eps=self.eps))
        u, v = u.clone(), v.clone()  # a second call may move them before this one is differentiated
        return weight / (u @ (matrix @ v))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        with no_grad():
            weight = self.compute_weight(module, False)
        for name in (self.name, f"{self.name}_u", f"{self.name}_v", f"{self.name}_orig"):
            delattr(module, name)
        module.register_parameter(self.name, Parameter(weight.detach()))


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: Optional[int] = None
) -> M:
    """Divide `name` by its largest singular value at every call; `name_orig` is what is trained.

    dim: the dimension of the outputs, 0, or 1 in transposed convolutions.

    Raises: RuntimeError when it is done already; ValueError without power iterations or without a weight.
    """
    _check_first(module, SpectralNorm, name, "spectral_norm")
    hook = SpectralNorm(name, n_power_iterations, output_dim(module, dim), eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    rows, columns = as_matrix(weight, hook.dim).shape
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(f"{name}_u", unit_normal(weight, rows, eps))
    module.register_buffer(f"{name}_v", unit_normal(weight, columns, eps))
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo `spectral_norm`. Raises: ValueError when there is nothing to undo."""
    _taken_off(module, SpectralNorm, name, "spectral_norm").remove(module)
    return module
