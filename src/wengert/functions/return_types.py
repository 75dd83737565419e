"""Results with names: what `max`, `sort`, `topk` and their like return. A tuple that can also be read by name."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from wengert.settings import settings


def _named(name: str, *fields: str) -> Any:
    """A named tuple that prints as PyTorch's does."""

    def show(self: Any) -> str:
        parts = ",\n".join([f"{field}={value!r}" for field, value in zip(fields, self)])
        return f"{settings.face}.return_types.{name}(\n{parts})"

    made: Any = namedtuple(name, fields)  # type: ignore[misc]  # the fields differ from one result to the next
    made.__repr__ = show  # type: ignore[method-assign]
    made.__doc__ = f"What `{name}` returns: ({', '.join(fields)})."
    made.__module__ = __name__
    return made


max = _named("max", "values", "indices")
min = _named("min", "values", "indices")
aminmax = _named("aminmax", "min", "max")
median = _named("median", "values", "indices")
nanmedian = _named("nanmedian", "values", "indices")
mode = _named("mode", "values", "indices")
cummax = _named("cummax", "values", "indices")
cummin = _named("cummin", "values", "indices")
sort = _named("sort", "values", "indices")
topk = _named("topk", "values", "indices")
kthvalue = _named("kthvalue", "values", "indices")
histogram = _named("histogram", "hist", "bin_edges")
slogdet = _named("slogdet", "sign", "logabsdet")
qr = _named("qr", "Q", "R")
svd = _named("svd", "U", "S", "V")
linalg_slogdet = _named("linalg_slogdet", "sign", "logabsdet")
linalg_qr = _named("linalg_qr", "Q", "R")
linalg_eigh = _named("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_svd = _named("linalg_svd", "U", "S", "Vh")
linalg_lstsq = _named("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_eig = _named("linalg_eig", "eigenvalues", "eigenvectors")
linalg_lu = _named("linalg_lu", "P", "L", "U")
linalg_lu_factor = _named("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = _named("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_ldl_factor = _named("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = _named("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_cholesky_ex = _named("linalg_cholesky_ex", "L", "info")
linalg_inv_ex = _named("linalg_inv_ex", "inverse", "info")
linalg_solve_ex = _named("linalg_solve_ex", "result", "info")
lu_unpack = _named("lu_unpack", "P", "L", "U")
geqrf = _named("geqrf", "a", "tau")
triangular_solve = _named("triangular_solve", "solution", "cloned_coefficient")
frexp = _named("frexp", "mantissa", "exponent")
histogramdd = _named("histogramdd", "hist", "bin_edges")
