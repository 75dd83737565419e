"""The tables together: name of a primitive -> how it is sampled, or why it is not."""

from __future__ import annotations

from tests.rules import (
    samples_ctc,
    samples_data,
    samples_elementwise,
    samples_fourier,
    samples_matrices,
    samples_sequence,
    samples_structural,
    samples_windows,
)
from tests.rules.harness import Case

CASES: dict[str, Case] = {
    **samples_elementwise.CASES, **samples_structural.CASES, **samples_data.CASES, **samples_matrices.CASES,
    **samples_ctc.CASES,
    **samples_sequence.CASES,
    **samples_windows.CASES,
    **samples_fourier.CASES,
}  # fmt: skip

# Primitives that the battery cannot sample, and where they are tested instead.
REASONS: dict[str, str] = {
    "literal": "a given value: it has no inputs and no rules",
    "placeholder": "stands for a value that is not there: it cannot be evaluated",
    "unstored": "stands for a gradient that was not kept: asking for its value is an error",
    "element": "takes the values of every sample of pack apart",
    "replay": "stands for the steps of its stretch: tests/primitives/test_replay",
    "custom": "its rules are the user's: tested with autograd.Function",
    "cholesky": "reads one triangle, its derivative is spread over both: tests/primitives/test_factorisations",
    "eigh": "as cholesky",
    "eig": "LAPACK chooses the phases of eigenvectors: tests/primitives/test_spectral",
    "svd": "LAPACK chooses the signs of singular vectors anew at every matrix: tests/primitives/test_singular",
    "leaf": "an identity at which reverse mode ends: identity is sampled, leaves are tested with backward",
}
