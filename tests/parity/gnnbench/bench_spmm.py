# Rows spmm_mean_W, spmm_sum_W and spmm_index_add_W, with _threads_N where that is not one: our product of an R-MAT graph (n 169,000, 2.3 million entries, ids in random
# order) with a dense matrix of width W against torch.sparse.mm(csr, X, 'mean'), csr @ X, and index_select + index_add. As many
# threads each, in turns, CPU seconds of one thread or wall seconds of all cores; ratio = their seconds / ours with the 95 % interval of
# its mean over the rounds. One JSON line a row.
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import scipy.sparse
import torch

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
program = os.path.join(os.environ.get("TENFOLD_BUILD", os.path.join(root, "build")), "bench", "bench-gnnbench")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
NODES, DRAWN, SCALE, ROUNDS = 169_000, 1_215_000, 18, 11


def rmat():
    random = np.random.default_rng(1)
    ends = np.zeros((2, 0), dtype=np.int64)
    while ends.shape[1] < DRAWN:
        quarter = np.searchsorted([0.57, 0.76, 0.95], random.random((SCALE, DRAWN)), side="right")
        bits = 1 << np.arange(SCALE)[:, None]
        drawn = np.stack([((quarter >> 1) * bits).sum(0), ((quarter & 1) * bits).sum(0)])
        ends = np.concatenate([ends, drawn[:, (drawn < NODES).all(0)]], axis=1)
    u, v = random.permutation(NODES)[ends[:, :DRAWN]]
    keep = u != v
    u, v = np.concatenate([u[keep], v[keep]]), np.concatenate([v[keep], u[keep]])
    a = scipy.sparse.csr_matrix((np.ones(len(u), dtype=np.float32), (u, v)), shape=(NODES, NODES))
    a.data[:] = 1
    a.sort_indices()
    return a


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def seconds_of(call, threads):
    clock = time.thread_time if threads == 1 else time.perf_counter
    start = clock()
    call()
    return clock() - start


class Ours:
    def __init__(self, folder, width, threads):
        self.process = subprocess.Popen([program, "serve-spmm", folder, str(width), str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def report(name, ours, peer, peer_name, gathered, threads):
    logs = [math.log(p / o) for o, p in zip(ours, peer)]
    mean, half = statistics.fmean(logs), 2.228 * statistics.stdev(logs) / math.sqrt(len(logs))  # t with 10 degrees
    print(json.dumps({"name": name, "unit": "GB/s", "ours": gathered / statistics.median(ours) / 1e9, "peer": gathered / statistics.median(peer) / 1e9, "peer_name": peer_name,
                      "ratio": math.exp(mean), "ci": [math.exp(mean - half), math.exp(mean + half)], "limit_share": None, "threads": threads, "cpu": cpu_name(), "git": git,
                      "best_ratio": min(peer) / min(ours)}), flush=True)


def measure(a, folder, width, threads):
    torch.set_num_threads(threads)
    x = torch.from_numpy((np.arange(NODES * width, dtype=np.int64) * 7919 % 1009).astype(np.float32) / np.float32(1009)).reshape(NODES, width)
    csr = torch.sparse_csr_tensor(torch.from_numpy(a.indptr.astype(np.int64)), torch.from_numpy(a.indices.astype(np.int64)), torch.from_numpy(a.data), size=a.shape)
    sources = torch.from_numpy(a.indices.astype(np.int64))
    targets = torch.from_numpy(np.repeat(np.arange(NODES), np.diff(a.indptr)))
    peers = {
        "mean": ("torch.sparse.mm(csr, X, 'mean')", "mean", lambda: torch.sparse.mm(csr, x, "mean")),
        "sum": ("torch: csr @ X", "sum", lambda: csr @ x),
        "index_add": ("torch: index_select + index_add", "sum", lambda: torch.zeros(NODES, width).index_add(0, targets, x.index_select(0, sources))),
    }
    ours = Ours(folder, width, threads)
    for kind, (peer_name, word, call) in peers.items():
        name = name_of(kind, width, threads)
        if wanted and wanted != name:
            continue
        ours.ask(word), ours.ask("dump")
        mine = torch.from_numpy(np.fromfile(os.path.join(folder, "out.bin"), dtype=np.float32)).reshape(NODES, width)
        off = float(((call() - mine).abs() / (1 + mine.abs())).max())
        assert off < 1e-4, f"{name}: ours and torch's differ by {off}"
        rounds = [(float(ours.ask(word)), seconds_of(call, threads)) for _ in range(ROUNDS)]
        report(name, [r[0] for r in rounds], [r[1] for r in rounds], peer_name, a.nnz * (4 * width + 4) + 4 * NODES * width, threads)
    ours.close()


def name_of(kind, width, threads):
    return f"spmm_{kind}_{width}" + (f"_threads_{threads}" if threads > 1 else "")


CORES = len(os.sched_getaffinity(0))
SHAPES = [(64, 1), (128, 1), (256, 1)] + ([(128, CORES)] if CORES > 1 else [])
names = [name_of(kind, *shape) for kind in ("mean", "sum", "index_add") for shape in SHAPES]
if wanted and wanted not in names:
    sys.exit(0)
git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
warnings.simplefilter("ignore")  # sparse CSR tensors are "in beta state"
torch.set_grad_enabled(False)
graph = rmat()
with tempfile.TemporaryDirectory() as place:
    graph.indptr.astype(np.int64).tofile(os.path.join(place, "indptr.bin"))
    graph.indices.astype(np.int32).tofile(os.path.join(place, "indices.bin"))
    for shape in SHAPES:
        if not wanted or any(name_of(kind, *shape) == wanted for kind in ("mean", "sum", "index_add")):
            measure(graph, place, *shape)
