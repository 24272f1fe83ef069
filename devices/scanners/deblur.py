"""Blur across the bars taken back. Pure.

Bars that were laid level are the same in every row, so blur matters in one direction only, and after averaging rows
there is little noise to be raised: a Wiener filter for a Gauss-shaped blur of known width, row by row.
"""

from __future__ import annotations

import numpy as np

from devices.scanners.decode import Gray

NOISE = 0.004
"""Noise power over signal power: smaller takes back more blur and shows more ghosts."""


def across(gray: Gray, *, sigma_px: float) -> Gray:
    """Sharper by the blur of `sigma_px`; contrast stretched to 0 … 255 again."""
    margin = int(4 * sigma_px) + 8
    rows = np.pad(gray.astype(np.float32), ((0, 0), (margin, margin)), mode="edge")
    window = np.hanning(2 * margin).astype(np.float32)
    fade = np.ones(rows.shape[1], np.float32)
    fade[:margin], fade[-margin:] = window[:margin], window[-margin:]
    mean = rows.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft((rows - mean) * fade, axis=1)
    frequency = np.fft.rfftfreq(rows.shape[1])
    blur = np.exp(-2 * (np.pi * sigma_px * frequency) ** 2)
    sharp = np.fft.irfft(spectrum * blur / (blur**2 + NOISE), n=rows.shape[1], axis=1)[:, margin:-margin] + mean
    low, high = np.percentile(sharp, (1, 99))
    stretched: Gray = np.clip((sharp - low) * (255 / max(1.0, float(high - low))), 0, 255).astype(np.uint8)
    return stretched
