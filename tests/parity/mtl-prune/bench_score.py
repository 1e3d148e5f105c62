# Row score_step: CPU seconds of a training step that also scores every unit by CosPrune and Taylor, T = 3, on the network inside the
# program and rendered rooms of 96x128, batch 8, train mode, AdamW, one thread, against a Python port of the published loop on the same
# network, weights, images and LibTorch version: the trunk run once, T backward passes for the tasks' gradients, one for the gates' and
# one for the step. (Its gate layers, which would slow it further, are left out.) Ours: a run of `iterate` with more steps less one
# with fewer. In turns; ratio = theirs / ours with the 95 % interval of its mean over the turns. By counting passes (a pass back costs two
# forward) the limit is (1 + 2 (T + 2)) / (1 + 2 T) = 1.57; what lies beyond it comes from cheaper losses and from memory that is kept
# between steps.
# `trunk_per_task`: the same against the port that runs the trunk once a task, as published.
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
program = os.path.join(os.environ.get("TENFOLD_BUILD", os.path.join(root, "build")), "bin", "mtl-prune")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
TURNS, FEW, MANY, BATCH = int(os.environ.get("BENCH_TURNS", 5)), 4, 24, 8
STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776}
DATA = f"rooms:n={BATCH},seed=3,size=96x128,split=train"


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
        self.tensors = {}
        for name, tensor in load_file(stem + ".safetensors").items():
            self.tensors[name] = tensor if "running" in name else torch.nn.Parameter(tensor)
            if "running" not in name:
                self.register_parameter(name.replace(".", "_"), self.tensors[name])

    def run(self, results, nodes):
        w = self.tensors
        for n in nodes:
            x, a, p = [results[i] for i in n["in"]], n.get("attr", {}), n.get("param", {})
            op = n["op"]
            if op == "conv2d":
                r = F.conv2d(x[0], w[p["weight"]], w[p["bias"]] if "bias" in p else None, a.get("stride", 1), a.get("padding", 0))
            elif op == "batch_norm":
                r = F.batch_norm(x[0], w[p["running_mean"]], w[p["running_var"]], w[p["weight"]], w[p["bias"]], True, 0.1, 1e-5)
            elif op == "relu":
                r = F.relu(x[0])
            elif op == "add":
                r = x[0] + x[1]
            elif op == "upsample":
                r = F.interpolate(x[0], size=results[a["size_of"]].shape[2:], mode="bilinear", align_corners=False)
            else:
                sys.exit(f"bench_score: an operation that the sample network had not: {op}")
            results[n["id"]] = r
        return results

    def forward(self, image):
        results = self.run({"image": image}, self.nodes)
        return [results[i] for i in self.outputs.values()]

    def trunk_per_task(self, image):
        trunk = [n for n in self.nodes if n["id"].startswith("blocks")]
        outputs = []
        for task, out in self.outputs.items():
            head = [n for n in self.nodes if n["id"].startswith(f"heads.{task}")]
            outputs.append(self.run(self.run({"image": image}, trunk), head)[out])
        return outputs


def losses(outputs, labels):
    seg, depth, normal = outputs
    return [F.cross_entropy(seg, labels["label"], ignore_index=-1), (depth - labels["depth"]).abs().mean(),
            1 - F.cosine_similarity(normal, labels["normal"], dim=1).mean()]


class Peer:
    def __init__(self, image, labels, per_task):
        torch.manual_seed(0)
        self.net, self.image, self.labels, self.per_task = Net(), image, labels, per_task
        self.adam = torch.optim.AdamW(self.net.parameters(), lr=5e-5, weight_decay=0.01, fused=True)
        self.convs = [p for n, p in self.net.tensors.items() if n.startswith("blocks") and p.dim() == 4]
        self.score = [torch.zeros(c.shape[0]) for c in self.convs]

    def step(self):
        outputs = self.net.trunk_per_task(self.image) if self.per_task else self.net(self.image)
        each = losses(outputs, self.labels)
        grads = []
        for loss in each:
            self.adam.zero_grad()
            loss.backward(retain_graph=True)
            grads.append([c.grad.flatten(1).clone() for c in self.convs])
        for k, score in enumerate(self.score):
            for i in range(3):
                for j in range(i + 1, 3):
                    score += F.cosine_similarity(grads[i][k], grads[j][k], dim=1) / 3
        self.adam.zero_grad()
        sum(each).backward(retain_graph=True)  # for the gates
        self.adam.zero_grad()
        sum(each).backward()
        self.adam.step()

    def cpu(self):
        start = time.process_time()
        for _ in range(MANY - FEW):
            self.step()
        return (time.process_time() - start) / (MANY - FEW)


def run_program(*arguments):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, *arguments, "-q", "--format", "json", "-o", os.path.join(folder, "run")]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {answer.returncode}: {answer.stderr}")
        return json.loads(answer.stdout)


def ours():
    cpu = {}
    for steps in (FEW, MANY):  # two windows; nothing is asked to go
        cpu[steps] = run_program("iterate", "--data", DATA, "--batch", str(BATCH), "--every", str(steps), "--until", "macs=1", "--test-images", "1",
                                 "--threads", "1", "--export", "safetensors", "--lr", "5e-5")["cpu_s"]
    return (cpu[MANY] - cpu[FEW]) / (2 * (MANY - FEW))


def rooms():
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "rooms")
        answer = subprocess.run([program, "data", "render", DATA, "--layout", "nyuv2", "-q", "-o", out], capture_output=True, text=True)
        if answer.returncode != 0:
            sys.exit(f"data render: exit {answer.returncode}: {answer.stderr}")
        read = lambda kind, i: np.load(os.path.join(out, "train", kind, f"{i}.npy"))
        stack = lambda kind: torch.from_numpy(np.stack([read(kind, i) for i in range(BATCH)]).astype(np.float32))
        planar = lambda kind: stack(kind).permute(0, 3, 1, 2).contiguous()
        return planar("image"), {"label": stack("label").long(), "depth": planar("depth"), "normal": planar("normal")}


def main():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    image, labels = rooms()
    peer, published = Peer(image, labels, False), Peer(image, labels, True)
    for _ in range(3):
        peer.step()
        published.step()
    mine, theirs, slow = [], [], []
    for _ in range(TURNS):
        mine.append(ours())
        theirs.append(peer.cpu())
        slow.append(published.cpu())
    ratios = [math.log(t / m) for t, m in zip(theirs, mine)]
    mean, half = statistics.mean(ratios), STUDENT[len(ratios)] * statistics.stdev(ratios) / math.sqrt(len(ratios))
    print(json.dumps({"name": "score_step", "unit": "CPU s a step", "ours": statistics.median(mine), "peer": statistics.median(theirs),
                      "peer_name": "Python port of the published loop, trunk run once", "ratio": math.exp(mean),
                      "ci": [math.exp(mean - half), math.exp(mean + half)], "limit_share": math.exp(mean) / (11 / 7),
                      "trunk_per_task": {"peer": statistics.median(slow), "ratio": statistics.median(slow) / statistics.median(mine)},
                      "threads": 1, "cpu": cpu_name(), "git": subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()}), flush=True)


if wanted in (None, "score_step"):
    main()
