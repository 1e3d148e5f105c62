#!/usr/bin/env python3
"""What mtl-prune writes, loaded by PyTorch: a user's module with channels taken out keeps its call, its output type and its
parameters' names; a module generated from a graph returns a dictionary. Writes rewritten/*.pt (what mtl-prune wrote, small) and
rewritten.json (PyTorch's outputs), which the C++ tests read. Needs build/bin/mtl-prune (TENFOLD_BUILD_DIR for another folder)."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

import torch

import torchscript_nets as nets
from torchscript import describe, image, named, prepare, without_paths

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("TENFOLD_BUILD_DIR", HERE.parents[2] / "build"))
OUT = HERE / "rewritten"
TASKS = {"tasks": [{"name": "segmentation", "output": "seg", "type": "segmentation", "classes": 13},
                   {"name": "depth", "output": "depth", "type": "depth"}, {"name": "normal", "output": "normal", "type": "normal"}]}
TUPLE_TASKS = {"tasks": [{"name": "depth", "output": "0", "type": "depth"}, {"name": "normal", "output": "1", "type": "normal"}]}


class PairNet(nets.TupleNet):
    """A tuple of two maps, with grouped convolution, group norm, chunk and gating on the way."""

    def __init__(self):
        super().__init__()
        self.more = torch.nn.Conv2d(12, 3, 1)
        del self.fc

    def forward(self, x: torch.Tensor):
        f = torch.nn.functional.gelu(self.gn(self.mix(self.trunk(x))))
        w = self.se(torch.nn.functional.adaptive_avg_pool2d(f, 1).view(x.size(0), -1)).view(x.size(0), -1, 1, 1)
        a, b = self.split(f * w).chunk(2, 1)
        g = torch.relu(a) * torch.sigmoid(b)
        return self.map(g), self.more(g)


def prune(source, tasks, folder, share):
    tasks_path = pathlib.Path(folder) / "tasks.json"
    tasks_path.write_text(json.dumps(tasks))
    run = pathlib.Path(folder) / "run"
    command = [BUILD / "bin/mtl-prune", "prune", source, "--tasks", tasks_path, "--criterion", "l1", "--target", f"params={share}", "--floor", "2",
               "--scope", "all", "--data", "rooms:n=8,size=48x64", "--test-images", "2", "--latency-runs", "0", "-o", run, "--force"]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return run


def check_module(dense, small):
    """The same names, none larger, some smaller; the same signature."""
    before = {name: tuple(p.shape) for name, p in dense.named_parameters()}
    after = {name: tuple(p.shape) for name, p in small.named_parameters()}
    assert before.keys() == after.keys()
    assert all(a <= b for name in before for a, b in zip(after[name], before[name]))
    assert before != after
    assert str(dense.forward.schema).split("->")[1] == str(small.forward.schema).split("->")[1]
    return sum(p.numel() for p in small.parameters())


def main():
    OUT.mkdir(exist_ok=True)
    answers = {}
    torch.manual_seed(6)
    x = image(2, 40, 56)
    dict_net, pair_net = nets.DictNet(), PairNet()
    dict_net.seg = torch.nn.Conv2d(16, 13, 1)
    for name, net, tasks in (("dict", dict_net, TASKS), ("pair", pair_net, TUPLE_TASKS)):
        prepare(net)
        for kind in ("script", "trace"):
            with tempfile.TemporaryDirectory() as folder:
                source = os.path.join(folder, "net.pt")
                module = torch.jit.script(net) if kind == "script" else torch.jit.trace(net, image(2, 32, 48), strict=False)
                module.save(source)
                run = prune(source, tasks, folder, 0.6)
                key = f"{name}_{kind}.pt"
                shutil.copy(run / "pruned.pt", OUT / key)
                small = torch.jit.load(str(OUT / key)).eval()
                with torch.no_grad():
                    output = small(x)
                answers[key] = {"size": [40, 56], "params": check_module(module, small), "type": type(output).__name__,
                                "outputs": {k: describe(v) for k, v in named(output).items()}}
                print(key, sum(p.numel() for p in net.parameters()), "->", answers[key]["params"], file=sys.stderr)
                without_paths(OUT / key)
    (HERE / "rewritten.json").write_text(json.dumps({"torch": torch.__version__, "files": answers}, indent=1) + "\n")


if __name__ == "__main__":
    main()
