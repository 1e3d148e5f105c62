#!/usr/bin/env python3
"""CosPrune and first-order Taylor by torch.autograd.grad, one call a task, on a small net with a residual sum, a grouped and a
transposed convolution and batch norms. Writes cosprune.json: the net as MTG, weights, images, labels, and what PyTorch says."""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_num_threads(1)
N, H, W, CLASSES, BATCHES = 2, 6, 8, 3, 2
SHAPES = {
    "c1.w": (6, 3, 3, 3), "c1.b": (6,), "n1.w": (6,), "n1.b": (6,), "n1.mean": (6,), "n1.var": (6,),
    "c2.w": (6, 6, 3, 3), "g.w": (8, 3, 1, 1), "t.w": (8, 4, 2, 2), "t.b": (4,),
    "seg.w": (CLASSES, 4, 1, 1), "depth.w": (1, 4, 1, 1), "normal.w": (3, 4, 1, 1),
}


def exact(value):  # float32 holds it exactly
    return (value.double() * 1024).round() / 1024


weights = {}
for name, shape in SHAPES.items():
    value = torch.randn(shape) * (0.5 if len(shape) > 1 else 0.2)
    if name.endswith("var") or name == "n1.w":
        value = 1 + 0.3 * torch.rand(shape)
    weights[name] = exact(value)

NODES = [
    ("c1", "conv2d", ["image"], {"weight": "c1.w", "bias": "c1.b"}, {"padding": 1}),
    ("n1", "batch_norm", ["c1"], {"weight": "n1.w", "bias": "n1.b", "running_mean": "n1.mean", "running_var": "n1.var"}, {}),
    ("r1", "relu", ["n1"], {}, {}),
    ("c2", "conv2d", ["r1"], {"weight": "c2.w"}, {"padding": 1}),
    ("sum", "add", ["c2", "r1"], {}, {}),
    ("r2", "relu", ["sum"], {}, {}),
    ("g", "conv2d", ["r2"], {"weight": "g.w"}, {"groups": 2}),
    ("s", "silu", ["g"], {}, {}),
    ("t", "conv_transpose2d", ["s"], {"weight": "t.w", "bias": "t.b"}, {"stride": 2}),
    ("r3", "relu", ["t"], {}, {}),
    ("p", "max_pool2d", ["r3"], {}, {"kernel_size": 2}),
    ("seg", "conv2d", ["p"], {"weight": "seg.w"}, {}),
    ("depth", "conv2d", ["p"], {"weight": "depth.w"}, {}),
    ("normal", "conv2d", ["p"], {"weight": "normal.w"}, {}),
]


def net(x, w):
    a = F.relu(F.batch_norm(F.conv2d(x, w["c1.w"], w["c1.b"], padding=1), w["n1.mean"], w["n1.var"], w["n1.w"], w["n1.b"]))
    b = F.relu(F.conv2d(a, w["c2.w"], padding=1) + a)
    c = F.relu(F.conv_transpose2d(F.silu(F.conv2d(b, w["g.w"], groups=2)), w["t.w"], w["t.b"], stride=2))
    p = F.max_pool2d(c, 2)
    return F.conv2d(p, w["seg.w"]), F.conv2d(p, w["depth.w"]), F.conv2d(p, w["normal.w"])


def losses(outputs, labels):
    seg, depth, normal = outputs
    per_image = [F.cross_entropy(seg[i:i + 1], labels["seg"][i:i + 1]) for i in range(N)]
    return (torch.stack(per_image).mean(), (depth - labels["depth"]).abs().mean(),
            (1 - F.cosine_similarity(normal, labels["normal"], dim=1)).mean())


def cosine(a, b):
    return float((a @ b) / ((a.norm() + 1e-30) * (b.norm() + 1e-30)))


def filters(name, g):  # one row a filter
    return g.transpose(0, 1).flatten(1) if name == "t.w" else g.flatten(1)


trained = [n for n in SHAPES if not n.endswith(("mean", "var"))]
out = {"classes": CLASSES, "mtg": {"mtg": 1, "nodes": [dict(id=i, op=o, **{"in": src}, **({"param": p} if p else {}), **({"attr": a} if a else {}))
                                                     for i, o, src, p, a in NODES],
                                   "outputs": {"seg": "seg", "depth": "depth", "normal": "normal"}},
       "weights": {n: {"shape": list(v.shape), "values": v.flatten().tolist()} for n, v in weights.items()}, "batches": []}
for _ in range(BATCHES):
    image = exact(torch.rand(N, 3, H, W))
    labels = {"seg": torch.randint(0, CLASSES, (N, H, W)), "depth": exact(torch.rand(N, 1, H, W)),
              "normal": exact(torch.randn(N, 3, H, W))}
    w = {n: v.clone().requires_grad_(n in trained) for n, v in weights.items()}
    each = losses(net(image, w), labels)
    grads = [torch.autograd.grad(l, [w[n] for n in trained], retain_graph=True, allow_unused=True) for l in each]
    by_name = {n: [g[k] for g in grads] for k, n in enumerate(trained)}
    conflict = {}
    for name in ("c1.w", "c2.w", "g.w", "t.w"):
        rows = [filters(name, g) for g in by_name[name]]
        conflict[name] = [sum(cosine(rows[i][f], rows[j][f]) for i in range(3) for j in range(i + 1, 3)) / 3
                          for f in range(rows[0].shape[0])]
    # Gates on everything that is read of a channel: c1 and c2 share channels through the sum.
    gates = {"c1": torch.ones(6).double().requires_grad_(), "t": torch.ones(4).double().requires_grad_(),
             "g": torch.ones(8).double().requires_grad_()}
    a = F.relu(F.batch_norm(F.conv2d(image, w["c1.w"], w["c1.b"], padding=1), w["n1.mean"], w["n1.var"], w["n1.w"], w["n1.b"]))
    b = F.relu(F.conv2d(a * gates["c1"].view(1, -1, 1, 1), w["c2.w"], padding=1) + a)
    s = F.silu(F.conv2d(b * gates["c1"].view(1, -1, 1, 1), w["g.w"], groups=2))
    c = F.relu(F.conv_transpose2d(s * gates["g"].view(1, -1, 1, 1), w["t.w"], w["t.b"], stride=2))
    p = F.max_pool2d(c, 2) * gates["t"].view(1, -1, 1, 1)
    gated = losses((F.conv2d(p, w["seg.w"]), F.conv2d(p, w["depth.w"]), F.conv2d(p, w["normal.w"])), labels)
    d = [torch.autograd.grad(l, list(gates.values()), retain_graph=True) for l in gated]
    out["batches"].append({
        "image": image.flatten().tolist(), "seg": labels["seg"].flatten().tolist(), "depth": labels["depth"].flatten().tolist(),
        "normal": labels["normal"].flatten().tolist(), "losses": [l.item() for l in each], "conflict": conflict,
        "gates": {n: [[float(x) for x in d[t][k]] for t in range(3)] for k, n in enumerate(gates)}})
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(out) + "\n")
print(path, path.stat().st_size)
