#!/usr/bin/env python3
"""What torchattacks and foolbox answer on two small scripted networks, and gb's direction by T backward passes in float64.

Writes digits.pt (a CNN on scikit-learn's digits), trio.pt (segmentation, depth, normals from one trunk), cut.pt (no gradient reaches
the image from one of its outputs), their tasks.json, and torchattacks.npz with images, labels and adversarial images as 8 bits. torch/torchattacks_test.cpp reads them.
"""
import json
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != here]  # this file's name is the package's
import foolbox
import numpy as np
import sklearn.datasets
import torch
import torchattacks
from torch import nn

EPS, ALPHA, STEPS = 8 / 255, 2 / 255, 10


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 16, 3, padding=1, stride=2), nn.ReLU())
        self.head = nn.Linear(16 * 16, 10)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


class Trio(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 10, 3, padding=1), nn.BatchNorm2d(10), nn.ReLU(), nn.Conv2d(10, 12, 3, padding=1), nn.ReLU())
        self.seg, self.depth, self.normal = nn.Conv2d(12, 5, 1), nn.Conv2d(12, 1, 1), nn.Conv2d(12, 3, 3, padding=1)

    def forward(self, x):
        h = self.stem(x)
        return {"seg": self.seg(h), "depth": self.depth(h), "normal": self.normal(h)}


class Cut(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 13, 1)

    def forward(self, x):
        h = self.conv(x)
        return h, h.argmax(1, keepdim=True).float()


class Seg(nn.Module):  # for torchattacks: one output
    def __init__(self, trio):
        super().__init__()
        self.trio = trio

    def forward(self, x):
        return self.trio(x)["seg"]


def bytes_of(x):
    return torch.round(x.detach() * 255).clamp(0, 255).to(torch.uint8).numpy()


def train(loss_of, parameters, steps):
    optimiser = torch.optim.Adam(parameters, 2e-3)
    for k in range(steps):
        optimiser.zero_grad()
        loss_of(k).backward()
        optimiser.step()


def digits():
    data = sklearn.datasets.load_digits()
    x = torch.round(torch.tensor(data.images, dtype=torch.float32)[:, None] / 16 * 255) / 255
    y = torch.tensor(data.target)
    net = Digits()
    train(lambda k: nn.functional.cross_entropy(net(x[k * 64 % 1700 :][:64]), y[k * 64 % 1700 :][:64]), net.parameters(), 300)
    return net.eval(), x[1700:1724].contiguous(), y[1700:1724]


def trio():
    """Blobs: class by the strongest of five colours' distance, depth by brightness, normals by gradients: all from the image."""
    x = torch.rand(24, 3, 6, 8)
    x = torch.round(nn.functional.interpolate(x, size=(18, 24), mode="bilinear") * 255) / 255
    seg = (x * torch.tensor([1.0, 2.0, 3.0])[:, None, None]).sum(1).mul(0.99).clamp(0, 4.99).long()
    depth = 1 + x.mean(1, keepdim=True) * 3
    normal = nn.functional.normalize(torch.stack([x[:, 0] - x[:, 1], x[:, 1] - x[:, 2], x[:, 2] + 0.3], 1), dim=1)
    seg[:, :3, :3] = -1
    net = Trio()

    def loss(_):
        out = net(x)
        return (nn.functional.cross_entropy(out["seg"], seg, ignore_index=-1) + (out["depth"] - depth).abs().mean()
                + (1 - nn.functional.cosine_similarity(out["normal"], normal)).mean())

    train(loss, net.parameters(), 150)
    return net.eval(), x[:4].contiguous(), seg[:4], depth[:4].contiguous(), normal[:4].contiguous()


def attacks(net, x, y, out, prefix):
    for name, attack in (("fgsm", torchattacks.FGSM(net, eps=EPS)),
                         ("pgd", torchattacks.PGD(net, eps=EPS, alpha=ALPHA, steps=STEPS, random_start=False)),
                         ("mim", torchattacks.MIFGSM(net, eps=EPS, alpha=ALPHA, steps=STEPS, decay=1.0))):
        # One by one: the criterion's mean over pixels that count differs from image to image.
        out[f"{prefix}_{name}"] = np.concatenate([bytes_of(attack(x[i : i + 1], y[i : i + 1])) for i in range(len(x))])


def apgd(net, x, y, out):
    """attack_single_run from a start that is kept, with the losses of every evaluation."""
    steps, losses = 20, []
    attack = torchattacks.APGD(net, norm="Linf", eps=EPS, steps=steps, loss="ce")

    class Recorded(nn.CrossEntropyLoss):
        def forward(self, logits, target):
            value = super().forward(logits, target)
            losses.append(value.detach().numpy().copy())
            return value

    original, nn.CrossEntropyLoss = nn.CrossEntropyLoss, Recorded
    torch.manual_seed(5)
    best, _, _, _ = attack.attack_single_run(x, y)
    nn.CrossEntropyLoss = original
    torch.manual_seed(5)
    t = 2 * torch.rand(x.shape) - 1
    start = (x + EPS * torch.ones([len(x), 1, 1, 1]) * t / t.reshape(len(x), -1).abs().max(1, keepdim=True)[0].reshape(-1, 1, 1, 1)).clamp(0, 1)
    out["digits_apgd_start"] = start.numpy()
    out["digits_apgd"] = bytes_of(best)
    out["digits_apgd_best"] = np.maximum.accumulate(np.stack(losses), 0).astype(np.float32)  # [steps + 1, N]


def gb_direction(net, x, seg, depth, normal, out):
    net = net.double().eval()
    directions = []
    for i in range(len(x)):
        image = x[i : i + 1].double().requires_grad_(True)
        c = torch.zeros_like(image)
        for task in range(3):  # the published form: T passes
            o = net(image)
            loss = (nn.functional.cross_entropy(o["seg"], seg[i : i + 1], ignore_index=-1),
                    (o["depth"] - depth[i : i + 1].double()).abs().mean(),
                    (1 - nn.functional.cosine_similarity(o["normal"], normal[i : i + 1].double())).mean())[task]
            c = c + torch.autograd.grad(loss, image)[0] / loss.detach()
        directions.append(c.detach().numpy()[0])
    out["trio_gb"] = np.stack(directions)
    net.float()


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    out = {}
    net, x, y = digits()
    torch.jit.script(net).save(str(here / "digits.pt"))
    out["digits_x"], out["digits_y"] = bytes_of(x), y.numpy().astype(np.int64)
    print("digits: accuracy", (net(x).argmax(1) == y).float().mean().item())
    attacks(net, x, y, out, "digits")
    model = foolbox.PyTorchModel(net, bounds=(0, 1))
    clipped = foolbox.attacks.LinfPGD(abs_stepsize=ALPHA, steps=STEPS, random_start=False)(model, x, y, epsilons=EPS)[1]
    out["digits_foolbox"] = bytes_of(clipped)
    apgd(net, x, y, out)

    net, x, seg, depth, normal = trio()
    torch.jit.script(net).save(str(here / "trio.pt"))
    out["trio_x"], out["trio_seg"] = bytes_of(x), seg.numpy().astype(np.int64)
    out["trio_depth"], out["trio_normal"] = depth.numpy(), normal.numpy()

    torch.jit.script(Cut().eval()).save(str(here / "cut.pt"))

    class IgnoredLoss(nn.CrossEntropyLoss):
        def __init__(self, *a, **k):
            super().__init__(*a, ignore_index=-1, **k)

    original, nn.CrossEntropyLoss = nn.CrossEntropyLoss, IgnoredLoss
    attacks(Seg(net).eval(), x, seg, out, "trio")
    nn.CrossEntropyLoss = original
    gb_direction(net, x, seg, depth, normal, out)
    np.savez_compressed(here / "torchattacks.npz", **out)
    for name, tasks in (("digits", [{"name": "digit", "output": "0", "type": "classification", "classes": 10}]),
                        ("trio", [{"name": "seg", "output": "seg", "type": "segmentation", "classes": 5},
                                  {"name": "depth", "output": "depth", "type": "depth"},
                                  {"name": "normal", "output": "normal", "type": "normal"}]),
                        ("cut", [{"name": "seg", "output": "0", "type": "segmentation", "classes": 13},
                                 {"name": "depth", "output": "1", "type": "depth"}])):
        convention = {"range": [0, 1], "order": "L" if name == "digits" else "RGB", "mean": [0] if name == "digits" else [0, 0, 0],
                      "std": [1] if name == "digits" else [1, 1, 1], "size": None}
        (here / f"{name}.tasks.json").write_text(json.dumps({"input": convention, "tasks": tasks}, indent=1) + "\n")


main()
