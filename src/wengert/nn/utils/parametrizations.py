"""Parametrizations that are there: weights of a given norm, of spectral norm 1, orthogonal."""

from __future__ import annotations

from typing import Any, Optional, TypeVar

import numpy as np

from wengert import dtypes
from wengert.functions.create import zeros_like
from wengert.functions.decompositions import qr
from wengert.functions.join import cat
from wengert.functions.operands import array_node
from wengert.functions.random import randn
from wengert.functions.systems import solve, solve_triangular
from wengert.nn.functional.distances import normalize
from wengert.nn.module import Module
from wengert.nn.utils.normalized import as_matrix, norm_except_dim, output_dim, unit_normal, with_norm
from wengert.nn.utils.parametrize import register_parametrization
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


# --- norms ---------------------------------------------------------------------------------------------------------


class _WeightNorm(Module):
    def __init__(self, dim: Optional[int] = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return with_norm(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: Optional[int] = 0) -> M:
    """Train `name` as g v / |v|: its norm over all dimensions but `dim` (None: over all) and its direction.

    The originals are `parametrizations.weight.original0` (g) and `original1` (v); a state dict with `weight_g` and
    `weight_v`, from the older form, is read too. Salimans and Kingma, 2016.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def from_older_form(state_dict: Any, prefix: str, *others: Any) -> None:
        old = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(from_older_form)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight, self.dim)
            self.register_buffer("_u", unit_normal(weight, matrix.shape[0], eps))
            self.register_buffer("_v", unit_normal(weight, matrix.shape[1], eps))
            self._iterate(matrix, 15)

    @no_grad()
    def _iterate(self, matrix: Tensor, count: int) -> None:
        for _ in range(count):
            self._u.copy_(normalize(matrix @ self._v, dim=0, eps=self.eps))
            self._v.copy_(normalize(matrix.mH @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # a second call may move them before this one is differentiated
        return weight / (u.conj() @ (matrix @ v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: Optional[int] = None
) -> M:
    """Divide `name` by its largest singular value, which power iteration follows in training. Miyato et al., 2018.

    dim: the dimension of the outputs, 0, or 1 in transposed convolutions.

    Raises: ValueError without such a tensor or without power iterations; IndexError for a dim that is not there.
    """
    weight = _weight_of(module, name)
    made = _SpectralNorm(weight, n_power_iterations, output_dim(module, dim), eps)
    register_parametrization(module, name, made)
    return module


def _weight_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# --- orthogonal ----------------------------------------------------------------------------------------------------


def _eye(n: int, like: Tensor) -> Any:
    return wrap(array_node(np.eye(n, dtype=like.dtype.numpy)))


def _cayley(a: Tensor) -> Tensor:
    """(I - A / 2)^-1 (I + A / 2)"""
    one = _eye(a.shape[-1], a)
    return solve(one - a * 0.5, one + a * 0.5)


def _reflected(x: Tensor) -> Tensor:
    """The first columns of H_1 ... H_k, the reflections about the columns of x below its diagonal, where 1 is meant.

    H_1 ... H_k = I - V T V^T with T^-1 = striu(V^T V) + diag(1 / tau), tau = 2 / |v|^2. Source: T. Joffrain, T. M. Low,
    E. S. Quintana-Orti, R. van de Geijn, F. G. Van Zee, Accumulating Householder transformations, revisited, 2006.
    """
    n, k = x.shape[-2:]
    one = wrap(array_node(np.eye(n, k, dtype=x.dtype.numpy)))
    v = x.tril(-1) + one
    products = v.mT @ v
    factor = products.triu(1) + products.tril().triu() * 0.5
    return one - v @ solve_triangular(factor, v[..., :k, :].mT.contiguous(), upper=True)


class _Orthogonal(Module):
    """X to a matrix with orthonormal columns (rows, if it is wide).

    matrix_exp    exp(A), A = tril(X) - tril(X)^H completed to a square
    cayley        the Cayley transform of A
    householder   the reflections about X's columns below the diagonal, which holds signs
    With use_trivialization, times `base`, the matrix to which X = 0 belongs.
    """

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            signs = x.detach().diagonal(dim1=-2, dim2=-1).to(dtypes.int32)
            q = _reflected(x) * signs.unsqueeze(-2)
        else:
            low = x.tril()
            if n != k:
                low = cat([low, zeros_like(x[..., :1]).expand(*x.shape[:-1], n - k)], dim=-1)
            a = low - low.mH
            q = _cayley(a) if self.orthogonal_map == "cayley" else a.matrix_exp()
            q = q[..., :k]
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        n, k = tall.shape[-2:]
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            found = wrap(array_node(_reflectors(np.array(tall._array()))))
            return found.mT if wide else found
        if n != k:
            tall = cat([tall, randn(*tall.shape[:-2], n, n - k, dtype=q.dtype)], dim=-1)
        self.base = tall.clone() if n == k and _is_orthogonal(tall) else _nearest(tall)
        start = np.zeros(q.shape, q.dtype.numpy)
        start[..., range(k), range(k)] = -1
        return wrap(array_node(start))


def _is_orthogonal(q: Tensor) -> bool:
    """Up to rounding: 10 n times the dtype's precision."""
    n = q.shape[-1]
    values = np.array(q._array())
    eps = 10 * n * float(np.finfo(values.dtype).eps)
    return bool(np.allclose(values.conj().swapaxes(-1, -2) @ values, np.eye(n), rtol=0, atol=eps))


def _nearest(a: Tensor) -> Tensor:
    """Q of A = Q R with a positive diagonal of R."""
    q, r = qr(a)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _reflectors(a: Any) -> Any:
    """Below the diagonal Householder's vectors of A = Q R, on it the signs that make R's diagonal positive."""
    rows, columns = a.shape[-2:]
    flat = a.reshape(-1, rows, columns)
    for x in flat:
        for j in range(columns):
            head, rest = x[j, j], x[j + 1 :, j]
            size = np.sqrt((rest * rest).sum())
            if size == 0:  # no reflection is needed
                x[j, j] = -np.sign(head)
                continue
            beta = -np.copysign(np.hypot(head, size), head)
            v = np.concatenate([[1.0], rest / (head - beta)])
            right = x[j:, j + 1 :]
            right -= np.outer(v, (v @ right) * ((beta - head) / beta))
            x[j + 1 :, j], x[j, j] = v[1:], np.sign(beta)
    return flat.reshape(a.shape)


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: Optional[str] = None, *, use_trivialization: bool = True
) -> M:
    """Keep `name` a matrix with orthonormal columns (or rows, the fewer), or a batch of such.

    orthogonal_map: "matrix_exp" (the default for square and complex ones), "cayley" or "householder" (the default
        else).
    use_trivialization: multiply by a base, so that any orthogonal matrix can be assigned, by every map.

    Source: M. Lezcano-Casado, Trivializations for gradient-based optimization on manifolds, 2019.

    Raises: ValueError without such a matrix, and for another map.
    """
    weight = _weight_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1] or weight.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    register_parametrization(module, name, made, unsafe=True)
    return module
