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
