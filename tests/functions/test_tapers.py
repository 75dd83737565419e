"""Windows beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import beside, raises_as_peer

PLAIN = ("bartlett", "blackman", "cosine", "hamming", "hann", "nuttall", "gaussian", "kaiser", "exponential")


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("sym", [True, False])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8])
def test_windows(name, sym, n):
    def case(t, x):
        return t.signal.windows.__dict__[name](n, sym=sym, dtype=t.float64)

    beside(case, np.zeros(1), derivative=False, scale=1000)


def test_windows_with_arguments():
    def case(t, x):
        s = t.signal.windows
        return (
            s.general_cosine(6, a=[0.4, 0.3, 0.2]),
            s.general_hamming(6, alpha=0.6, sym=False),
            s.gaussian(6, std=2.5),
            s.kaiser(6, beta=3.0),
            s.exponential(6, center=1.0, tau=2.0, sym=False),
        )

    beside(case, np.zeros(1), derivative=False)


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hann", "kaiser"])
@pytest.mark.parametrize("periodic", [True, False])
def test_older_names(name, periodic):
    beside(lambda t, x: getattr(t, name + "_window")(7, periodic), np.zeros(1), derivative=False)


@pytest.mark.parametrize(
    "case",
    [
        lambda t, x: t.signal.windows.hann(-1),
        lambda t, x: t.signal.windows.hann(3, dtype=t.int64),
        lambda t, x: t.signal.windows.kaiser(3, beta=-1.0),
        lambda t, x: t.signal.windows.gaussian(3, std=0.0),
        lambda t, x: t.signal.windows.exponential(3, center=1.0),
        lambda t, x: t.signal.windows.general_cosine(3, a=[]),
        lambda t, x: t.hann_window(-1),
        lambda t, x: t.hann_window(3, dtype=t.int64),
    ],
)
def test_errors(case):
    raises_as_peer(case, np.zeros(1))
