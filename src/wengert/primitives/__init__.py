"""What each elementary operation knows. Importing this package defines every primitive."""

from wengert.primitives import (
    arithmetic,
    casting,
    checks,
    complexes,
    contractions,
    control,
    creation,
    ctc,
    exponential,
    factorisations,
    gammas,
    indexing,
    least_squares,
    piecewise,
    random,
    reductions,
    replay,
    sampling,
    scans,
    scatter_reduce,
    singular,
    sorting,
    special,
    stable,
    strided,
    systems,
    trigonometric,
    views,
)

__all__ = [
    "arithmetic", "casting", "checks", "complexes", "contractions", "control", "creation", "ctc", "exponential",
    "factorisations", "gammas", "indexing", "least_squares", "piecewise", "random", "reductions", "sampling", "scans",
    "scatter_reduce", "singular", "sorting", "special", "stable", "strided", "systems", "trigonometric", "views",
]  # fmt: skip
