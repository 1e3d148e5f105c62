#!/usr/bin/env python3
"""Small TorchScript files, scripted and traced, with PyTorch's own outputs: what lowering and native running are held to.

Writes torchscript/*.pt beside itself (under 200 kB each) and torchscript.json: for every file an image seed, the outputs' names,
shapes, sums and some values. Weights and images come from a formula, so that the C++ test makes the same image."""
import json
import pathlib
import sys
import warnings
import zipfile

import numpy as np
import torch

import torchscript_nets as nets

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "torchscript"


def image(n, h, w):
    """sin(0.1 i) at flat index i: the same in C++."""
    return torch.from_numpy(np.sin(0.1 * np.arange(n * 3 * h * w)).astype(np.float32)).reshape(n, 3, h, w)


def prepare(net):
    """Weights by seed; running statistics that are not 0 and 1."""
    for module in net.modules():
        if getattr(module, "running_mean", None) is not None:
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return net.eval()


def named(output):
    if isinstance(output, torch.Tensor):
        return {"0": output}
    if isinstance(output, dict):
        return dict(output)
    if hasattr(output, "_fields"):
        return dict(output._asdict())
    return {str(i): value for i, value in enumerate(output)}


def describe(output):
    values = output.detach().double().flatten()
    return {"shape": list(output.shape), "sum": values.sum().item(), "abs_max": values.abs().max().item(),
            "every_37th": values[::37][:40].tolist()}


def main():
    OUT.mkdir(exist_ok=True)
    answers = {}
    good = [("dict", nets.DictNet), ("tuple", nets.TupleNet), ("named", nets.NamedNet), ("single", nets.SingleNet),
            ("fixed", nets.FixedNet), ("pool", nets.PoolNet), ("ops", nets.OpsNet)]
    torch.manual_seed(5)
    for name, make in good:
        net = prepare(make())
        size = (32, 32) if name == "fixed" else (32, 48)
        x = image(2, *size)
        for kind in ("script", "trace"):
            if kind == "script":
                module = torch.jit.script(net)
            else:
                module = torch.jit.trace(net, x, strict=False)
            path = f"{name}_{kind}.pt"
            module.save(str(OUT / path))
            loaded = torch.jit.load(str(OUT / path)).eval()
            with torch.no_grad():
                outputs = named(loaded(x))
            answers[path] = {"size": list(size), "outputs": {key: describe(value) for key, value in outputs.items()}}
    torch.jit.script(nets.Exports().eval()).save(str(OUT / "exports.pt"))
    bad = [("data_flow", nets.DataFlow), ("view_write", nets.ViewWrite), ("size_flip", nets.SizeFlip), ("unknown_op", nets.UnknownOp)]
    for name, make in bad:
        torch.jit.script(make().eval()).save(str(OUT / f"bad_{name}.pt"))
    torch.jit.trace(nets.TrainNorm().train(), image(2, 8, 8), check_trace=False).save(str(OUT / "bad_train_norm.pt"))
    torch.save(nets.DataFlow().state_dict(), OUT / "bad_state_dict.pt")
    (OUT / "bad_truncated.pt").write_bytes((OUT / "dict_script.pt").read_bytes()[:4000])
    torch.export.save(torch.export.export(nets.FixedNet().eval(), (image(1, 32, 32),)), str(OUT / "bad_exported.pt2"))
    quantised(OUT / "bad_quantised.pt")
    custom(OUT / "bad_custom.pt")
    for path in OUT.iterdir():
        without_paths(path)
    answers["sources"] = {"data_flow": line_of("if bool(y.sum()"), "unknown_op": line_of("torch.cumsum"),
                          "view_write": line_of("y[:, :2].relu_()"), "size_flip": line_of("y = torch.relu(y)")}
    (HERE / "torchscript.json").write_text(json.dumps({"torch": torch.__version__, "files": answers}, indent=1) + "\n")


def without_paths(path):
    """The archive keeps the paths of the sources of this machine; other letters of the same length stand for them."""
    roots = {str(HERE), str(pathlib.Path(torch.__file__).resolve().parents[1]), sys.prefix}
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            for root in sorted(roots, key=len, reverse=True):
                content = content.replace(root.encode(), b"/" + b"x" * (len(root) - 1))
            archive.writestr(zipfile.ZipInfo(name), content)


def line_of(text):
    for number, line in enumerate((HERE / "torchscript_nets.py").read_text().splitlines(), 1):
        if text in line:
            return f"torchscript_nets.py:{number}"
    raise ValueError(text)


def quantised(path):
    net = torch.nn.Sequential(torch.ao.quantization.QuantStub(), torch.nn.Conv2d(3, 2, 1), torch.ao.quantization.DeQuantStub()).eval()
    torch.backends.quantized.engine = "fbgemm"
    net.qconfig = torch.ao.quantization.get_default_qconfig("fbgemm")
    ready = torch.ao.quantization.prepare(net)
    ready(image(1, 8, 8))
    torch.jit.script(torch.ao.quantization.convert(ready)).save(str(path))


def custom(path):
    library = torch.library.Library("tenfold_example", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x * 2, "CompositeImplicitAutograd")

    class Net(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ops.tenfold_example.twice(x)

    torch.jit.script(Net()).save(str(path))


if __name__ == "__main__":
    main()
