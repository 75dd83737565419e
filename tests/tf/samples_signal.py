"""Samples of `tf.signal`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.tf.sampling import D, S, Sample, t, x

WAVE = (np.sin(np.arange(24) * 0.9) + 0.3 * np.cos(np.arange(24) * 2.3)).astype(np.float32).reshape(2, 12)
CUBE = np.sin(np.arange(24) * 1.3).astype(np.float32).reshape(2, 3, 4)
WAVES = (WAVE + 1j * WAVE[::-1] * 0.5).astype(np.complex64)
CUBES = (CUBE + 1j * CUBE[::-1] * 0.5).astype(np.complex64)
NEAR = 2e-4


def given_window(tf: Any, make: Any) -> Any:
    """The window that `inverse_stft_window_fn` makes, of eight places."""
    return make(8, dtype=tf.float32)


SAMPLES: list[Sample] = [
    *[S(f"signal.{name}", x(WAVES), rtol=NEAR) for name in ("fft", "ifft")],
    *[S(f"signal.{name}", x(CUBES), rtol=NEAR) for name in ("fft2d", "ifft2d", "fft3d", "ifft3d")],
    *[S(f"signal.{name}", x(CUBE), rtol=NEAR) for name in ("rfft", "rfft2d")],
    *[S(f"signal.{name}", x(CUBES), rtol=NEAR) for name in ("irfft", "irfft2d")],
    S("signal.rfft3d", t(CUBE), rtol=NEAR), S("signal.irfft3d", t(CUBES), rtol=NEAR),
    S("signal.rfft", x(WAVE), [16], rtol=NEAR), S("signal.rfft", t(WAVE), fft_length=[8], rtol=NEAR),
    S("signal.irfft", t(WAVES), [9], rtol=NEAR), S("signal.fftshift", x(CUBE)), S("signal.fftshift", t(WAVE), axes=1),
    S("signal.ifftshift", x(WAVE), axes=[0, 1]), *[S("signal.dct", x(WAVE), kind, rtol=NEAR) for kind in (1, 2, 3, 4)],
    *[S("signal.dct", x(WAVE), type=kind, norm="ortho", rtol=NEAR) for kind in (2, 3, 4)],
    S("signal.dct", x(WAVE), n=8, rtol=NEAR), S("signal.dct", x(WAVE), n=15, rtol=NEAR),
    *[S("signal.idct", x(WAVE), kind, rtol=NEAR) for kind in (1, 2, 3, 4)],
    S("signal.idct", x(WAVE), norm="ortho", rtol=NEAR),
    *[
        S(f"signal.{name}", n)
        for name in ("hann_window", "hamming_window", "kaiser_window", "vorbis_window") for n in (8, 7)
    ],
    S("signal.hann_window", 8, periodic=False), S("signal.hamming_window", 7, periodic=False),
    S("signal.kaiser_bessel_derived_window", 8), S("signal.kaiser_window", 6, beta=5.0, dtype=D("float64")),
    S("signal.vorbis_window", 4, D("float64")), S("signal.frame", x(WAVE), 4, 3),
    S("signal.frame", x(WAVE), 5, 2, pad_end=True, pad_value=1.0), S("signal.frame", x(CUBE), 2, 1, axis=1),
    S("signal.overlap_and_add", x(CUBE), 2), S("signal.overlap_and_add", x(CUBE), 5),
    S("signal.stft", x(WAVE), 8, 4, rtol=NEAR), S("signal.stft", x(WAVE), 5, 2, fft_length=8, pad_end=True, rtol=NEAR),
    S("signal.stft", x(WAVE), 8, 4, window_fn=None, rtol=NEAR), S("signal.inverse_stft", x(CUBES), 6, 3, rtol=NEAR),
    S("signal.inverse_stft", x(CUBES), 6, 2, fft_length=6, window_fn=None, rtol=NEAR),
    S("signal.inverse_stft_window_fn", 4, pick=given_window), S("signal.inverse_stft_window_fn", 3, pick=given_window),
    S("signal.mdct", x(WAVE), 8, rtol=NEAR),
    S("signal.mdct", x(WAVE), 4, window_fn=None, pad_end=True, norm="ortho", rtol=NEAR),
    S("signal.inverse_mdct", x(CUBE), rtol=NEAR),
    S("signal.inverse_mdct", x(CUBE), window_fn=None, norm="ortho", rtol=NEAR),
    S("signal.linear_to_mel_weight_matrix", 4, 17, rtol=NEAR),
    S(
        "signal.linear_to_mel_weight_matrix", num_mel_bins=3, num_spectrogram_bins=9, sample_rate=4000,
        lower_edge_hertz=0.0, upper_edge_hertz=2000.0, dtype=D("float64"), rtol=NEAR,
    ),
    S("signal.mfccs_from_log_mel_spectrograms", x(CUBE), rtol=NEAR),
]  # fmt: skip
