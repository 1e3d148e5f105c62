# What torch-pruning's DependencyGraph says goes with a channel, for torchvision's networks and a U-Net, and what its pruning
# leaves of them, held against mtl-prune. Run in the repository's root after a build:
#   python tests/parity/mtl-prune/dependency_graph.py [build]
# Writes dependency_graph.json (counts and hashes; every record of the U-Net) and graphs/NAME.json: the lowered graph with its shapes,
# which the unit test reads instead of a model. Weights are a formula of name and index, the same on both sides.
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch_pruning as tp
import torchvision

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))
build = sys.argv[1] if len(sys.argv) > 1 else "build"
program = os.path.join(build, "bin", "mtl-prune")


class Up(nn.Module):
    def __init__(self, below, skip, out):
        super().__init__()
        self.up = nn.ConvTranspose2d(below, out, 2, stride=2)
        self.conv = nn.Conv2d(out + skip, out, 3, padding=1)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, x, skip):
        return torch.relu(self.norm(self.conv(torch.cat([self.up(x), skip], 1))))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.c = nn.Sequential(nn.Conv2d(8, 10, 3, padding=1), nn.BatchNorm2d(10), nn.ReLU())
        self.up1 = Up(10, 8, 8)
        self.up0 = Up(8, 6, 6)
        self.seg = nn.Conv2d(6, 4, 1)
        self.depth = nn.Conv2d(6, 1, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(nn.functional.max_pool2d(a, 2))
        c = self.c(nn.functional.max_pool2d(b, 2))
        y = self.up0(self.up1(c, b), a)
        return self.seg(y), self.depth(y)


# Values in [-1/2, 1/2) that binary32 holds exactly; positive where a variance is.
def fill(name, tensor):
    if not tensor.is_floating_point():
        return
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    i = np.arange(tensor.numel(), dtype=np.uint64)
    h = ((i + np.uint64(seed)) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    h = (h ^ (h >> np.uint64(15))) & np.uint64(0xFFFF)
    v = (h.astype(np.float64) / 65536 - 0.5).astype(np.float32)
    if name.endswith("running_var"):
        v = np.float32(0.5) + np.abs(v)
    tensor.data.copy_(torch.from_numpy(v.reshape(tuple(tensor.shape))))


def weights_sha256(named):
    h = hashlib.sha256()
    for name in sorted(named):
        t = named[name]
        h.update(name.encode() + b"\0F32\0" + b"".join(b"%d," % s for s in t.shape) + b"\0" + t.astype("<f4").tobytes())
    return h.hexdigest()


def read_safetensors(path):
    data = open(path, "rb").read()
    n = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + n])
    return {
        k: np.frombuffer(data[8 + n + v["data_offsets"][0] : 8 + n + v["data_offsets"][1]], "<f4").reshape(v["shape"])
        for k, v in head.items()
        if k != "__metadata__"
    }


LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def depthwise(layer):
    return isinstance(layer, nn.Conv2d) and layer.groups > 1 and layer.groups == layer.in_channels


# (parameter, dim, index) of everything that goes with output channel i of the layer.
def records(graph, names, layer, index):
    prune = tp.prune_linear_out_channels if isinstance(layer, nn.Linear) else (
        tp.prune_depthwise_conv_out_channels if depthwise(layer) else tp.prune_conv_out_channels)
    found = set()
    for dep, indices in graph.get_pruning_group(layer, prune, idxs=[index]):
        module = dep.target.module
        if module not in names:
            continue
        name = names[module]
        out = graph.is_out_channel_pruning_fn(dep.handler)
        for i in (int(k) for k in indices):
            if isinstance(module, nn.BatchNorm2d) or depthwise(module):
                for part in ("weight", "bias", "running_mean", "running_var"):
                    if getattr(module, part, None) is not None:
                        found.add((f"{name}.{part}", 0, i))
            else:
                transposed = isinstance(module, nn.ConvTranspose2d)
                found.add((f"{name}.weight", (1 if out else 0) if transposed else (0 if out else 1), i))
                if out and module.bias is not None:
                    found.add((f"{name}.bias", 0, i))
    return sorted(found)


def tensors(output):
    if isinstance(output, torch.Tensor):
        return [output]
    return list(output.values()) if isinstance(output, dict) else list(output)


def run(*words):
    done = subprocess.run([program, *words, "-q", "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["result"]


def lower(module, kind, size, folder):
    path = os.path.join(folder, kind + ".pt")
    x = torch.rand(1, 3, size, size)
    (torch.jit.script(module) if kind == "scripted" else torch.jit.trace(module, x, strict=False)).save(path)
    out = os.path.join(folder, kind)
    run("prune", path, "--criterion", "random", "--target", "macs=1", "--scope", "all", "--latency-runs", "0", "--size",
        f"{size}x{size}", "--export", "safetensors", "-o", out, "--force")
    return path, out


# Weights too large to be drawn again in a unit test are compared here alone.
def compare(name, make, size, draw):
    torch.manual_seed(0)
    module = make().eval()
    for key, tensor in list(module.named_parameters()) + list(module.named_buffers()):
        fill(key, tensor)
    golden = {"size": size, "layers": {}}
    with tempfile.TemporaryDirectory() as folder:
        ours = {}
        for kind in ("scripted", "traced"):
            path, out = lower(module, kind, size, folder)
            ours[kind] = run("inspect", path, "--size", f"{size}x{size}")
        sets = [[(s["producers"], s["members"], s["consumers"], s["size"], s["locked"]) for s in o["sets"]] for o in ours.values()]
        assert sorted(map(str, sets[0])) == sorted(map(str, sets[1])), name + ": scripted and traced differ"
        locked = {p for s in ours["traced"]["sets"] if s["locked"] for p in s["producers"]}

        names = {m: n for n, m in module.named_modules()}
        graph = tp.DependencyGraph().build_dependency(module, torch.rand(1, 3, size, size))
        digest, count, full = hashlib.sha256(), 0, {}
        used = {key for s in ours["traced"]["sets"] for part in ("producers", "members", "consumers") for key in s[part]}
        layers = [(n, m) for n, m in module.named_modules()
                  if isinstance(m, LAYERS) and n + ".weight" not in locked and n + ".weight" in used]
        for layer_name, layer in sorted(layers):
            channels = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
            for index in sorted({0, channels // 2, channels - 1}):
                found = records(graph, names, layer, index)
                count += len(found)
                lines = "".join(f"{p} {d} {i}\n" for p, d, i in found)
                digest.update(f"{layer_name} {index}\n{lines}".encode())
                if name == "unet":
                    full[f"{layer_name} {index}"] = [list(r) for r in found]
        golden["layers"] = len(layers)
        golden["records"], golden["records_sha256"] = count, digest.hexdigest()
        if full:
            golden["full"] = full

        # The same channels removed by both: of every set the first producer's channels that a formula names.
        plan = json.load(open(os.path.join(out, "plan.json")))
        graph = tp.DependencyGraph().build_dependency(module, torch.rand(1, 3, size, size))
        by_name = {n: m for n, m in module.named_modules()}
        for kept, s in zip(plan["sets"], ours["traced"]["sets"]):
            gone = [i for i in range(s["size"]) if i % 5 == 2]
            if s["locked"] or len(gone) == 0:
                continue
            kept["keep"] = [i for i in range(s["size"]) if i not in gone]
            layer = by_name[s["producers"][0][: -len(".weight")]]
            prune = tp.prune_linear_out_channels if isinstance(layer, nn.Linear) else tp.prune_conv_out_channels
            graph.get_pruning_group(layer, prune, idxs=gone).prune()
        plan_path = os.path.join(folder, "plan.json")
        json.dump(plan, open(plan_path, "w"))
        applied = os.path.join(folder, "applied")
        run("apply", plan_path, path, "--size", f"{size}x{size}", "-o", applied)
        small = read_safetensors(os.path.join(applied, "pruned.safetensors"))
        theirs = {k: v.detach().numpy() for k, v in list(module.named_parameters()) + list(module.named_buffers()) if k in small}
        assert set(theirs) == set(small)
        for key, value in small.items():
            assert value.shape == theirs[key].shape and value.tobytes() == theirs[key].astype("<f4").tobytes(), name + ": " + key
        x = torch.rand(1, 3, size, size)
        with torch.no_grad():
            a, b = tensors(module(x)), tensors(torch.jit.load(os.path.join(applied, "pruned.pt"))(x))
        worst = max(float((p - q).abs().max() / max(1.0, float(p.abs().max()))) for p, q in zip(a, b))
        assert worst <= 1e-6, (name, worst)
        golden["pruned_weights_sha256"] = weights_sha256(small) if draw else None
        golden["pruned_parameters"] = int(sum(v.size for v in small.values()))

        mtg = json.load(open(os.path.join(out, "pruned.mtg.json")))
        shapes = {k: list(v.shape) for k, v in read_safetensors(os.path.join(out, "pruned.safetensors")).items()}
        os.makedirs(os.path.join(here, "graphs"), exist_ok=True)
        with open(os.path.join(here, "graphs", name + ".json"), "w") as file:
            json.dump({"mtg": mtg, "shapes": shapes}, file, separators=(",", ":"))
            file.write("\n")
    print(name, golden["layers"], "layers", count, "records; removed alike, outputs within", worst, flush=True)
    return golden


tv = torchvision.models
NETS = {
    "unet": (UNet, 32, True),
    "vgg16_bn": (lambda: tv.vgg16_bn(weights=None), 64, False),
    "resnet18": (lambda: tv.resnet18(weights=None), 64, True),
    "resnet34": (lambda: tv.resnet34(weights=None), 64, False),
    "resnet50": (lambda: tv.resnet50(weights=None), 64, False),
    "mobilenet_v2": (lambda: tv.mobilenet_v2(weights=None), 64, True),
    "densenet121": (lambda: tv.densenet121(weights=None), 64, True),
    "deeplabv3_resnet50": (lambda: tv.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=5), 64, False),
}
chosen = sys.argv[2:] or list(NETS)
path = os.path.join(here, "dependency_graph.json")
golden = json.load(open(path)) if os.path.exists(path) else {}
golden["torch_pruning"], golden["torchvision"] = getattr(tp, "__version__", "?"), torchvision.__version__
for name in chosen:
    golden[name] = compare(name, *NETS[name])
    with open(path, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
