# MTAN's ConfMatrix, depth_error and normal_error (utils of its im2im_pred: formulas, in NumPy float64) on one batch that both
# sides make from one integer hash, and torch's interpolate on the same numbers.
#   u(stream, i) = the finalizer of MurmurHash3 of i + 1000003 stream, over 2^32
import json
import os

import numpy as np
import torch

IMAGES, CLASSES, HEIGHT, WIDTH = 3, 5, 14, 18
PIXELS = IMAGES * HEIGHT * WIDTH


def u(stream, count):
    h = (np.arange(count, dtype=np.uint64) + np.uint64(1000003 * stream)) & np.uint64(0xFFFFFFFF)
    h = ((h ^ (h >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
    h = ((h ^ (h >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & np.uint64(0xFFFFFFFF)
    h = h ^ (h >> np.uint64(16))
    return h.astype(np.float64) / 2.0**32


def f32(a):
    return a.astype(np.float32).astype(np.float64)


# Segmentation: logits [N, K, H, W], labels -1..K-1.
logits = f32(u(1, PIXELS * CLASSES)).reshape(IMAGES, CLASSES, HEIGHT, WIDTH)
label = (np.floor(u(2, PIXELS) * (CLASSES + 1)) - 1).astype(np.int64).reshape(IMAGES, HEIGHT, WIDTH)
prediction = logits.argmax(1)
known = (label >= 0) & (label < CLASSES)
mat = np.bincount(CLASSES * label[known] + prediction[known], minlength=CLASSES**2).reshape(CLASSES, CLASSES).astype(np.float64)
iou = np.diag(mat) / (mat.sum(1) + mat.sum(0) - np.diag(mat))
seg = {"pixel_accuracy": np.diag(mat).sum() / mat.sum(), "miou": iou.mean()}

# Depth: a fifth of the labels is 0, not measured; a few predictions are negative.
truth = f32(0.5 + 6 * u(3, PIXELS))
truth[u(4, PIXELS) < 0.2] = 0
guess = f32(7 * u(5, PIXELS) - 0.3)
mask = truth != 0
t, p = truth[mask], guess[mask]
ratio = np.maximum(np.where(p > 0, p / t, np.inf), np.where(p > 0, t / np.where(p > 0, p, 1), np.inf))
depth = {"abs": np.abs(t - p).sum() / mask.sum(), "rel": (np.abs(t - p) / t).sum() / mask.sum(),
         "delta_1": (ratio < 1.25).mean(), "delta_2": (ratio < 1.25**2).mean(), "delta_3": (ratio < 1.25**3).mean()}

# Normals: predictions near the labels, of any length; a tenth of the labels is 0.
raw = 2 * u(6, 3 * PIXELS).reshape(IMAGES, 3, HEIGHT, WIDTH) - 1
normal = f32(raw / np.linalg.norm(raw, axis=1, keepdims=True))
normal = np.where(u(7, PIXELS).reshape(IMAGES, 1, HEIGHT, WIDTH) < 0.1, 0, normal)
guess = f32(normal + 0.8 * (2 * u(8, 3 * PIXELS).reshape(IMAGES, 3, HEIGHT, WIDTH) - 1))
unit = guess / np.linalg.norm(guess, axis=1, keepdims=True)
valid = normal.sum(1) != 0
angle = np.degrees(np.arccos(np.clip((unit * normal).sum(1)[valid], -1, 1)))
normals = {"mean_deg": angle.mean(), "median_deg": np.median(angle), "within_11_25": (angle < 11.25).mean(),
           "within_22_5": (angle < 22.5).mean(), "within_30": (angle < 30).mean()}

# torch's interpolate of the first image's logits.
small = torch.tensor(logits[0:1], dtype=torch.float32)
resized = {"%dx%d" % size: {
    "bilinear": torch.nn.functional.interpolate(small, size=size, mode="bilinear", align_corners=False).flatten().tolist()[::7],
    "nearest": torch.nn.functional.interpolate(small, size=size, mode="nearest").flatten().tolist()[::7]}
    for size in ((7, 9), (31, 25))}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json"), "w") as file:
    json.dump({"numpy": np.__version__, "torch": torch.__version__, "seg": seg, "depth": depth, "normal": normals,
               "resized": resized}, file, indent=1)
    file.write("\n")
