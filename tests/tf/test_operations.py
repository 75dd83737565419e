"""Every public operation of `tf`, `tf.math`, `tf.linalg`, `tf.nn`, `tf.signal`, `tf.image` has a sample; what TensorFlow
gave for it is stored, and is asked anew where TensorFlow is installed. Values, dtypes, shapes, and gradients by a tape."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf
from tests.tf.sampling import Outcome, Sample, run
from tests.tf.stored import PARTS, load, pack, samples
from wengert.settings import settings

CASES = [(part, place) for part in PARTS for place in range(len(samples(part)))]
NEEDS_SCIPY = ("bessel", "dawsn", "expint", "fresnel", "spence", "betainc", "igamma", "logm", "sqrtm", "matrix_square_root")


@pytest.fixture(scope="module")
def numbers():
    return {part: load(part) for part in PARTS}


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    """Each graph is seen once: nothing is worth compiling, and what the compiler does is tested with the primitives."""
    monkeypatch.setattr(settings, "tier", "interpret")


def near(got, want, rtol, atol):
    np.testing.assert_allclose(np.asarray(got, want.dtype if want.dtype.kind == "c" else None), want, rtol=rtol, atol=atol)


def compare(sample: Sample, got: Outcome, want: Outcome) -> None:
    assert got.dtypes == want.dtypes
    assert [y.shape for y in got.values] == [y.shape for y in want.values]
    for y, wanted in zip(got.values, want.values):
        near(y, wanted, sample.rtol, sample.rtol / 10)
    assert [g is None for g in got.gradients] == [g is None for g in want.gradients]
    for g, wanted in zip(got.gradients, want.gradients):
        if g is not None:
            near(g, wanted, 5 * sample.rtol, sample.rtol)


@pytest.mark.parametrize(("part", "place"), CASES, ids=[f"{samples(p)[i].name}-{i}" for p, i in CASES])
def test_as_tensorflow(part, place, numbers):
    sample = samples(part)[place]
    if any(name in sample.name for name in NEEDS_SCIPY):
        pytest.importorskip("scipy")
    compare(sample, run(tf, sample), numbers[part][place])


@pytest.mark.parametrize("part", PARTS)
def test_what_is_stored_is_what_tensorflow_gives(part, numbers):
    tensorflow = pytest.importorskip("tensorflow")
    assert len(numbers[part]) == len(samples(part))
    for sample, stored in zip(samples(part), numbers[part]):
        outcome = run(tensorflow, sample)
        assert pack(outcome)["values"][0][:2] == pack(stored)["values"][0][:2], sample.name
        compare(sample._replace(rtol=max(sample.rtol, 1e-5)), outcome, stored)
