# Test accuracy at the best validation, mean over ten seeds (seed i with split seed i), against what was measured with PyTorch and
# PyTorch Geometric. A JSON line a row; `within` says whether the mean lies within 1.5 points. Needs TENFOLD_DATA, or the folder that
# tests read by default.
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
program = os.environ.get("GNNBENCH", os.path.join(root, "build/bin/gnnbench"))
graphs = os.path.join(os.environ.get("TENFOLD_DATA", os.path.join(root, "..", "shared", "data")), "graphs")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
SEEDS = range(1, 11)

PER_CLASS = "--split per-class:20,500,1000 --feature-norm l1 --model gcn --hidden 16 --lr 0.01 --wd 5e-4 --wd-scope first --dropout 0.5 --dropout-input 0.5 --epochs 200"
RANDOM = "--split random:0.6,0.2,0.2 --feature-norm l2 --hidden 64 --lr 0.01 --wd 5e-5 --dropout 0.5 --epochs 120"
ROWS = [
    ("cora gcn 2x16 per class", "cora", PER_CLASS, 79.6),
    ("cora gcn 60/20/20", "cora", RANDOM + " --model gcn", 88.8),
    ("cora sage 60/20/20", "cora", RANDOM + " --model sage --self-loops off", 87.8),
    ("cora mlp 60/20/20", "cora", RANDOM + " --model mlp", 76.4),
    ("dblp gcn 60/20/20", "dblp", RANDOM + " --model gcn", 85.7),
    ("amazon_photo gcn 60/20/20", "amazon_photo", RANDOM + " --model gcn", 93.4),
    ("amazon_photo sage 60/20/20", "amazon_photo", RANDOM + " --model sage --self-loops off", 95.8),
    ("coauthor_cs gcn 60/20/20", "coauthor_cs", RANDOM + " --model gcn", 94.6),
]


def accuracy(graph, options, seed):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "train", os.path.join(graphs, graph + ".npz"), *options.split(), "--patience", "0", "--eval-every", "1u", "--seed", str(seed), "--split-seed", str(seed)]
        out = subprocess.run([*command, "-q", "--format", "json", "-o", os.path.join(folder, "run")], capture_output=True, text=True)
        if out.returncode != 0:
            sys.exit(out.stderr)
        return 100 * json.loads(out.stdout)["result"]["best"]["test"]


for name, graph, options, expected in ROWS:
    if wanted and wanted not in name:
        continue
    figures = [accuracy(graph, options, seed) for seed in SEEDS]
    mean, sd = statistics.mean(figures), statistics.stdev(figures)
    row = {"name": name, "unit": "%", "ours": round(mean, 2), "sd": round(sd, 2), "peer": expected, "seeds": len(figures), "within": abs(mean - expected) <= 1.5, "cpu": platform.processor(), "git": git}
    print(json.dumps(row), flush=True)
