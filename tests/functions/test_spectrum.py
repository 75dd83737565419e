"""Short-time transforms beside PyTorch's."""

from __future__ import annotations

import pytest

import wengert as w
from tests.functions.peer import beside, complex_normal, normal, raises_as_peer

# PyTorch's advice about windows and lengths.
pytestmark = [
    pytest.mark.filterwarnings("ignore:A window was not provided"),
    pytest.mark.filterwarnings("ignore:The length of signal"),
]


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("hop, win", [(None, None), (3, 6)])
def test_spectra_of_real_signals(center, normalized, hop, win):
    def case(t, x):
        window = t.hann_window(win or 8, dtype=t.float64)
        return t.stft(x, 8, hop, win, window, center, normalized=normalized, return_complex=True)

    beside(case, normal(2, 30), second=False)


@pytest.mark.parametrize("mode", ["reflect", "constant", "replicate", "circular"])
def test_borders(mode):
    beside(lambda t, x: t.stft(x, 6, pad_mode=mode, return_complex=True), normal(20), second=False)


def test_spectra_of_complex_signals_and_both_sides():
    beside(lambda t, x: t.stft(x, 6), complex_normal(20), second=False)
    beside(lambda t, x: t.stft(x, 6, onesided=False, return_complex=True), normal(20), second=False)


@pytest.mark.parametrize("length", [None, 25, 40])
def test_back_again(length):
    def case(t, x):
        window = t.hann_window(8, dtype=t.float64)
        return t.istft(t.stft(x, 8, window=window, return_complex=True), 8, window=window, length=length)

    beside(case, normal(2, 30), second=False)
    x = w.randn(30, dtype=w.float64)
    window = w.hann_window(8, dtype=w.float64)
    there = w.stft(x, 8, window=window, return_complex=True)
    assert w.allclose(w.istft(there, 8, window=window), x[: 2 * (30 // 2)])


@pytest.mark.parametrize(
    "case",
    [
        lambda t, x: t.stft(x, 8),
        lambda t, x: t.stft(x, 0, return_complex=True),
        lambda t, x: t.stft(x, 8, win_length=9, return_complex=True),
        lambda t, x: t.stft(x, 8, window=t.ones(3), return_complex=True),
        lambda t, x: t.stft(x, 64, center=False, return_complex=True),
        lambda t, x: t.stft(x, 8, onesided=True),
        lambda t, x: t.istft(x.reshape(5, 4), 8),
        lambda t, x: t.istft(x.reshape(5, 4) + 0j, 6),
        lambda t, x: t.istft(x.reshape(5, 4) + 0j, 8, window=t.zeros(8, dtype=t.float64)),
    ],
)
def test_errors(case):
    raises_as_peer(case, normal(20))
