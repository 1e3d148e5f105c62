#!/usr/bin/env python3
"""Structural similarity by SciPy's correlations, straight from Wang et al. 2004. Writes ssim.json; statistics_test.cpp makes the
same images."""
import json
import pathlib

import numpy as np
from scipy.signal import correlate2d


def ssim(a, b):
    weights = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(weights, weights) / weights.sum() ** 2
    luminance = lambda v: v[0] if len(v) == 1 else 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2]
    x, y = luminance(a.astype(float)), luminance(b.astype(float))
    mean = lambda v: correlate2d(v, window, "valid")
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()


out = []
for channels, height, width in ((3, 24, 31), (1, 11, 11), (3, 40, 17)):
    k = np.arange(channels * height * width, dtype=np.int64)
    a = (k * 37 + k // 7 * 11) % 256
    b = (a + (k * k) % 31) % 256
    shape = (channels, height, width)
    out.append({"channels": channels, "height": height, "width": width, "ssim": ssim(a.reshape(shape), b.reshape(shape))})
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")
