#!/usr/bin/env python3
"""torchvision's networks with random weights, and a U-Net, scripted and traced, each taken by mtl-prune: `inspect` lowers them,
which holds the lowered graph to the module's own outputs within 1e-5 at two sizes, and counts parameters. Records, per file, our
parameters, multiply-adds and node count beside PyTorch's parameter count in torchvision_nets.json. The files are large and are
not kept. Needs build/bin/mtl-prune (TENFOLD_BUILD_DIR for another build folder)."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import torch
import torchvision

import torchscript_nets as nets

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("TENFOLD_BUILD_DIR", HERE.parents[2] / "build"))


class TwoHeads(torch.nn.Module):
    """Any classifier as a network of two tasks."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.extra = torch.nn.Linear(1000, 3)

    def forward(self, x: torch.Tensor):
        y = self.net(x)
        return {"kind": y, "more": self.extra(y)}


def makers():
    models = torchvision.models
    for name in ("vgg16_bn", "resnet18", "resnet34", "resnet50", "mobilenet_v2", "densenet121"):
        yield name, (lambda name=name: TwoHeads(getattr(models, name)(weights=None))), False
    yield "deeplabv3_resnet50", lambda: models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, aux_loss=True), True
    yield "unet", nets.UNet, True


def tasks_of(name, dense):
    kind = {"type": "segmentation", "classes": 21 if name != "unet" else 13} if dense else {"type": "classification", "classes": 1000}
    output = {"deeplabv3_resnet50": "out", "unet": "0"}.get(name, "kind")
    tasks = [{"name": "a", "output": output, **kind}]
    if name == "deeplabv3_resnet50":
        tasks.append({"name": "b", "output": "aux", **kind})
    if not dense:
        tasks.append({"name": "b", "output": "more", "type": "classification", "classes": 3})
    return {"tasks": tasks}


def main(only):
    answers = {}
    path_json = HERE / "torchvision_nets.json"
    if only and path_json.exists():
        answers = json.loads(path_json.read_text())["files"]
    for name, make, dense in makers():
        if only and name not in only:
            continue
        torch.manual_seed(1)
        net = make().eval()
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.8, 1.2)
        for kind in ("script", "trace"):
            with tempfile.TemporaryDirectory() as folder:
                path, tasks = os.path.join(folder, f"{name}_{kind}.pt"), os.path.join(folder, "tasks.json")
                with torch.no_grad():
                    made = torch.jit.script(net) if kind == "script" else torch.jit.trace(net, torch.rand(2, 3, 64, 96), strict=False)
                made.save(path)
                pathlib.Path(tasks).write_text(json.dumps(tasks_of(name, dense)))
                run = subprocess.run([str(BUILD / "bin/mtl-prune"), "inspect", path, "--tasks", tasks, "--size", "64x96", "--format", "json"],
                                     capture_output=True, text=True)
                key = f"{name}_{kind}.pt"
                if run.returncode != 0:
                    answers[key] = {"error": run.stderr.strip()[-400:].replace(folder, "")}
                else:
                    result = json.loads(run.stdout)["result"]
                    answers[key] = {"params": result["params"], "macs": result["macs"],
                                    "torch_params": sum(p.numel() for p in net.parameters())}
                print(key, answers[key], file=sys.stderr)
    path_json.write_text(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__, "size": "64x96",
                                     "files": answers}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
