# Rows accuracy_GRAPH_MODEL: mean test accuracy at the best validation over 10 seeds, seed i with split seed i, against the figure
# measured with torch and PyTorch Geometric under the same protocol (`peer`); `holds` where the two are within 1.5 points.
# Two protocols: 20 training nodes a class as Kipf and Welling's gcn (2 layers of 16, 200 epochs), and a 60/20/20 split with
# width 64 and 120 epochs. No clock: what it prints is the same on every machine with this LibTorch. One JSON line a row.
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
program = os.path.join(os.environ.get("TENFOLD_BUILD", os.path.join(root, "build")), "bin", "gnnbench")
graphs = os.path.join(os.environ.get("TENFOLD_DATA", os.path.join(root, "..", "shared", "data")), "graphs")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
SEEDS, POINTS, T9 = 10, 1.5, 2.262  # t with 9 degrees, 97.5 %

FEW = "--split per-class:20,500,1000 --model gcn --hidden 16 --wd 5e-4 --wd-scope first --dropout 0.5 --dropout-input 0.5 --feature-norm l1 --epochs 200"
MANY = "--split random:0.6,0.2,0.2 --hidden 64 --wd 5e-5 --dropout 0.5 --feature-norm l2 --epochs 120"
GCN, SAGE, MLP = " --model gcn", " --model sage --self-loops off", " --system mlp"
ROWS = {
    "cora_few_gcn": ("cora", FEW, 79.3),
    "cora_gcn": ("cora", MANY + GCN, 88.9),
    "cora_sage": ("cora", MANY + SAGE, 88.2),
    "cora_mlp": ("cora", MANY + MLP, 76.0),
    "dblp_gcn": ("dblp", MANY + GCN, 85.7),
    "dblp_sage": ("dblp", MANY + SAGE, 85.0),
    "dblp_mlp": ("dblp", MANY + MLP, 75.1),
    "amazon_photo_gcn": ("amazon_photo", MANY + GCN, 93.5),
    "amazon_photo_sage": ("amazon_photo", MANY + SAGE, 95.65),
    "amazon_photo_mlp": ("amazon_photo", MANY + MLP, 92.1),
    "coauthor_cs_gcn": ("coauthor_cs", MANY + GCN, 94.6),
    "coauthor_cs_sage": ("coauthor_cs", MANY + SAGE, 95.55),
    "coauthor_cs_mlp": ("coauthor_cs", MANY + MLP, 95.3),
}


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def accuracy(graph, options, seed, folder):
    command = [program, "train", os.path.join(graphs, graph + ".npz"), "--lr", "0.01", "--patience", "0", "--eval-every", "1e"]
    command += options.split() + ["--seed", str(seed), "--split-seed", str(seed), "-o", os.path.join(folder, str(seed)), "-q", "--format", "json"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {answer.returncode}: {answer.stderr}")
    return 100 * json.loads(answer.stdout)["result"]["best"]["test"]


git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
for name, (graph, options, reference) in ROWS.items():
    if wanted and wanted != "accuracy_" + name:
        continue
    if not os.path.exists(os.path.join(graphs, graph + ".npz")):
        print(f"bench: left out accuracy_{name}: no {graph}.npz in {graphs}", file=sys.stderr)
        continue
    with tempfile.TemporaryDirectory() as folder:
        values = [accuracy(graph, options, seed, folder) for seed in range(1, SEEDS + 1)]
    mean, half = statistics.fmean(values), T9 * statistics.stdev(values) / math.sqrt(SEEDS)
    print(json.dumps({"name": "accuracy_" + name, "unit": "%", "ours": round(mean, 2), "peer": reference, "peer_name": "torch and PyTorch Geometric, measured before", "ratio": mean / reference,
                      "ci": [round(mean - half, 2), round(mean + half, 2)], "sd": round(statistics.stdev(values), 2), "seeds": SEEDS, "points_off": round(mean - reference, 2),
                      "holds": abs(mean - reference) <= POINTS, "limit_share": None, "threads": None, "cpu": cpu_name(), "git": git}), flush=True)
