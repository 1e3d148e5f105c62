# Rows pgd10_gb_published, pgd10_gb_tuned: CPU seconds an image of pgd-10 with rule gb, T = 3, on the network inside the program and
# rendered rooms of 96x128, one thread, against two Python loops on the same network, weights, images and LibTorch version: a port of
# the published one (T backward passes over a retained graph, gradients of the weights computed along) and a tuned one (one pass, frozen
# weights). In turns; ratio = theirs / ours with the 95 % interval of its mean over the turns. `agree`: the share of equal 8-bit values.
# Row worst_step: seconds of a step of rule worst beyond its T gradients (a run with worst less one with signsum), against HiGHS on the
# linear programme of the first step.
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import highspy
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
program = os.path.join(os.environ.get("TENFOLD_BUILD", os.path.join(root, "build")), "bin", "mtl-attack")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
TURNS, IMAGES = int(os.environ.get("BENCH_TURNS", 5)), int(os.environ.get("BENCH_IMAGES", 8))
STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776}
EPS, STEPS = 8 / 255, 10
DATA = f"rooms:n={IMAGES},size=96x128,split=test"


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()


def load_file(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    return {name: torch.from_numpy(np.frombuffer(data[t["data_offsets"][0] : t["data_offsets"][1]], np.float32).reshape(t["shape"]).copy())
            for name, t in header.items() if name != "__metadata__"}


class Net(torch.nn.Module):
    """The graph of sample_data/mtl/rooms_shared.mtg.json, node by node."""

    def __init__(self):
        super().__init__()
        stem = os.path.join(root, "sample_data", "mtl", "rooms_shared")
        graph = json.load(open(stem + ".mtg.json"))
        self.nodes, self.outputs = graph["nodes"], graph["outputs"]
        self.weights = {}
        for name, tensor in load_file(stem + ".safetensors").items():
            self.weights[name] = tensor if "running" in name else torch.nn.Parameter(tensor)
        for name, tensor in self.weights.items():
            if isinstance(tensor, torch.nn.Parameter):
                self.register_parameter(name.replace(".", "_"), tensor)

    def forward(self, x):
        value = {"image": x}
        for node in self.nodes:
            ins = [value[i] for i in node["in"]]
            w = {role: self.weights[name] for role, name in node.get("param", {}).items()}
            attr = node.get("attr") or {}
            if node["op"] == "conv2d":
                y = F.conv2d(ins[0], w["weight"], w.get("bias"), attr.get("stride", 1), attr.get("padding", 0))
            elif node["op"] == "batch_norm":
                y = F.batch_norm(ins[0], w["running_mean"], w["running_var"], w["weight"], w["bias"], False)
            elif node["op"] == "relu":
                y = F.relu(ins[0])
            elif node["op"] == "add":
                y = ins[0] + ins[1]
            elif node["op"] == "upsample":
                y = F.interpolate(ins[0], size=value[attr["size_of"]].shape[2:], mode="bilinear", align_corners=False)
            else:
                raise ValueError(node["op"])
            value[node["id"]] = y
        return [value[self.outputs[name]] for name in ("seg", "depth", "normal")]


def losses_of(out, labels):
    seg, depth, normal = labels
    ce = F.cross_entropy(out[0], seg, ignore_index=-1)
    mask = (depth > 3e-5).float()
    l1 = ((out[1] - depth).abs() * mask).sum() / mask.sum()
    valid = (normal.norm(dim=1) > 0.5).float()
    cosine = ((1 - F.cosine_similarity(out[2], normal, eps=1e-12)) * valid).sum() / valid.sum()
    return [ce, l1, cosine]


def published(net, x, labels):
    adv = x.clone()
    for _ in range(STEPS):
        adv = adv.detach().requires_grad_(True)
        losses = losses_of(net(adv), labels)
        c = torch.zeros_like(x)
        for loss in losses:
            net.zero_grad()
            adv.grad = None
            loss.backward(retain_graph=True)
            c += adv.grad / loss.item()
        adv = torch.clamp(x + torch.clamp(adv.detach() + EPS / STEPS * c.sign() - x, -EPS, EPS), 0, 1)
    return adv


def tuned(net, x, labels):
    adv, low, high = x.clone(), (x - EPS).clamp_(min=0), (x + EPS).clamp_(max=1)
    for _ in range(STEPS):
        adv.requires_grad_(True)
        losses = losses_of(net(adv), labels)
        total = sum(loss / loss.detach() for loss in losses)
        (c,) = torch.autograd.grad(total, adv)
        with torch.no_grad():
            adv = torch.minimum(torch.maximum(adv.detach().add_(c.sign_(), alpha=EPS / STEPS), low), high)
    return adv


def run(rule, folder, steps=STEPS):
    command = [program, "run", "--data", DATA, "--rule", rule, "--attack", "pgd", "--steps", str(steps), "--eps", "8/255", "--threads", "1", "-q",
               "--progress", "none", "--format", "json", "-o", folder, "--force"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {answer.returncode}: {answer.stderr}")
    return json.loads(answer.stdout)["result"]["cells"][0]["cpu_s"]


def rendered(folder):
    """The images that `run` stored, and their labels."""
    subprocess.run([program, "data", "render", DATA, "--layout", "nyuv2", "-o", folder, "-q"], check=True, capture_output=True)
    part = next(p for p, _, _ in os.walk(folder) if os.path.isdir(os.path.join(p, "label")))
    items = []
    for i in range(IMAGES):
        load = lambda kind: np.load(os.path.join(part, kind, f"{i}.npy"))
        x = np.round(load("image").astype(np.float64) * 255) / 255
        items.append((torch.tensor(x, dtype=torch.float32).permute(2, 0, 1)[None].contiguous(),
                      (torch.tensor(load("label").astype(np.int64))[None], torch.tensor(load("depth").astype(np.float32)).permute(2, 0, 1)[None],
                       torch.tensor(load("normal").astype(np.float32)).permute(2, 0, 1)[None])))
    return items


def cpu_of(attack, net, items):
    start = time.process_time()
    images = [attack(net, x, labels) for x, labels in items]
    return time.process_time() - start, images


def report(name, unit, ours, peer, peer_name, **more):
    logs = [math.log(p / o) for o, p in zip(ours, peer)]
    mean = statistics.fmean(logs)
    half = STUDENT.get(len(logs), 2.0) * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else None
    print(json.dumps({"name": name, "unit": unit, "ours": statistics.median(ours), "peer": statistics.median(peer), "peer_name": peer_name, "ratio": math.exp(mean),
                      "ci": None if half is None else [math.exp(mean - half), math.exp(mean + half)], "limit_share": None, "threads": 1, "cpu": cpu_name(), "git": git, **more}), flush=True)


def wants(name):
    return not wanted or wanted == name


def pgd_rows():
    peers = {"pgd10_gb_published": (published, "Python port of the published loop, T retained passes"), "pgd10_gb_tuned": (tuned, "tuned Python loop, one pass, frozen weights")}
    with tempfile.TemporaryDirectory() as folder:
        items = rendered(os.path.join(folder, "data"))
        nets = {published: Net(), tuned: Net().requires_grad_(False)}
        ours, theirs, agree = [], {name: [] for name in peers}, {}
        for turn in range(TURNS + 1):
            seconds = run("gb", os.path.join(folder, "run"))
            times = {}
            for name, (attack, _) in peers.items():
                times[name], images = cpu_of(attack, nets[attack], items)
                if turn == 0:
                    stored = [np.array(Image.open(os.path.join(folder, "run", "adv", "gb-pgd-8", f"{i}.png"))).transpose(2, 0, 1) for i in range(IMAGES)]
                    agree[name] = float(np.mean([np.round(x[0].numpy() * 255) == y for x, y in zip(images, stored)]))
            if turn == 0:
                continue  # caches, code paths
            ours.append(seconds / IMAGES)
            for name in peers:
                theirs[name].append(times[name] / IMAGES)
        for name, (_, text) in peers.items():
            if wants(name):
                report(name, "CPU s an image", ours, theirs[name], text, agree=agree[name])


def highs_seconds(items, net):
    """The programme of worst's first step on the first image: max t, t <= a_i.d, l <= d <= u."""
    x, labels = items[0]
    rows = []
    for task in range(3):
        image = x.clone().requires_grad_(True)
        loss = losses_of(net(image), labels)[task]
        rows.append((torch.autograd.grad(loss, image)[0] / loss.detach()).double().numpy().ravel())
    a, n, step = np.array(rows), x.numel(), EPS / STEPS
    flat = x.double().numpy().ravel()
    low, high = np.maximum(-step, -flat), np.minimum(step, 1 - flat)
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n + 1, 3
    lp.col_cost_ = np.append(np.zeros(n), 1.0)
    lp.col_lower_, lp.col_upper_ = np.append(low, -1e6), np.append(high, 1e6)
    lp.row_lower_, lp.row_upper_ = np.full(3, -np.inf), np.zeros(3)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.arange(4) * (n + 1)
    lp.a_matrix_.index_ = np.tile(np.arange(n + 1), 3)
    lp.a_matrix_.value_ = np.hstack([-a, np.ones((3, 1))]).ravel()
    h.passModel(lp)
    start = time.process_time()
    h.run()
    return time.process_time() - start


def worst_row():
    with tempfile.TemporaryDirectory() as folder:
        items, net = rendered(os.path.join(folder, "data")), Net().requires_grad_(False)
        ours, theirs = [], []
        for _ in range(min(TURNS, 3)):
            beyond = run("worst", os.path.join(folder, "run")) - run("signsum", os.path.join(folder, "run"))
            ours.append(beyond / IMAGES / STEPS)
            theirs.append(highs_seconds(items, net))
        report("worst_step", "CPU s a step", ours, theirs, f"HiGHS {highspy.Highs().version()} on the linear programme", reach_s=0.1, aim_s=0.03)


git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
warnings.simplefilter("ignore")
torch.set_num_threads(1)
if wants("pgd10_gb_published") or wants("pgd10_gb_tuned"):
    pgd_rows()
if wants("worst_step"):
    worst_row()
