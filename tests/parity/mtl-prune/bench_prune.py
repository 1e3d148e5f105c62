# Rows of scripts/bench mtl-prune, one JSON line each, by turns:
#   units_resnet50, units_densenet121: CPU seconds to find what goes together, against torch-pruning's build_dependency and
#     get_all_groups; ours from the graph (shapes and units), and beside it the CPU of the whole `inspect NAME.pt`
#   pruned_latency: vgg16-mtl-small at macs=0.3 against the dense net, one thread, as `latency` measures it
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import torch
import torchvision

warnings.filterwarnings("ignore")
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
build = os.environ.get("TENFOLD_BUILD", os.path.join(root, "build"))
program = os.path.join(build, "bin", "mtl-prune")
bench = os.path.join(build, "bench", "bench-mtl-prune")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
TURNS = 9


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return ""


def git():
    return subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()


def run(*words):
    done = subprocess.run([program, *words, "-q", "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def row(**fields):
    print(json.dumps({**fields, "cpu": cpu_name(), "git": git()}), flush=True)


def units(name):
    import torch_pruning as tp

    torch.set_num_threads(1)
    module = getattr(torchvision.models, name)(weights=None).eval()
    image = torch.rand(1, 3, 64, 64)
    server = subprocess.Popen([bench, "serve-units", os.path.join(root, "tests/parity/mtl-prune/graphs", name + ".json"), "64"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ours():
        server.stdin.write("\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())["cpu_s"]

    def peer():
        start = time.process_time()
        graph = tp.DependencyGraph().build_dependency(module, image)
        for _ in graph.get_all_groups():
            pass
        return time.process_time() - start

    ours(), peer()
    mine, theirs = [], []
    for _ in range(TURNS):
        mine.append(statistics.median(ours() for _ in range(5)))
        theirs.append(peer())
    server.stdin.close()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name + ".pt")
        torch.jit.trace(module, image).save(path)
        whole = run("inspect", path, "--size", "64x64")["cpu_s"]
    logs = [math.log(t / m) for t, m in zip(theirs, mine)]
    mean, half = statistics.mean(logs), 2.306 * statistics.stdev(logs) / math.sqrt(len(logs))
    row(name="units_" + name, unit="CPU s", ours=statistics.median(mine), peer=statistics.median(theirs),
        peer_name="torch-pruning build_dependency + get_all_groups", ratio=math.exp(mean), ci=[math.exp(mean - half), math.exp(mean + half)],
        limit_share=None, threads=1, inspect_pt_cpu_s=whole)


def latency():
    with tempfile.TemporaryDirectory() as folder:
        dense, small = os.path.join(folder, "dense"), os.path.join(folder, "small")
        run("train", "--arch", "vgg16-mtl-small", "--data", "rooms:n=8,size=96x128", "--steps", "1", "--batch", "2", "--test-images", "1", "-o", dense)
        model = os.path.join(dense, "model.mtg.json")
        pruned = run("prune", model, "--criterion", "l1", "--allocate", "uniform", "--target", "macs=0.3", "--latency-runs", "0",
                     "--export", "safetensors", "-o", small)["result"]
        answer = run("latency", model, os.path.join(small, "pruned.mtg.json"), "--size", "96x128", "--runs", "60", "--threads", "1")["result"]
        comparison, models = answer["comparisons"][0], answer["models"]
        row(name="pruned_latency", unit="s an image", ours=models[1]["timings"][0]["median_s"], peer=models[0]["timings"][0]["median_s"],
            peer_name="the dense network", ratio=comparison["ratio"], ci=comparison["ratio_ci"],
            limit_share=comparison["ratio"] * pruned["reached"], threads=1, macs=pruned["reached"])


for name in ("resnet50", "densenet121"):
    if wanted in (None, "units_" + name):
        units(name)
if wanted in (None, "pruned_latency"):
    latency()
