# Rows epoch_fg_photo, epoch_fg_rmat: seconds of a full-graph epoch (forward, backward, Adam) of sage, 2 layers of 128, dropout 0.5,
# against PyTorch Geometric's SAGEConv on the same data, threads and LibTorch version: the faster of its forms with edge_index and
# with a sparse CSR adjacency. In turns; the median epoch of a turn counts; ratio = theirs / ours with the 95 % interval of its mean
# over the turns. Ours computes A X once (`ratio_without_precompute`: at every epoch, as theirs does).
# Row epoch_mb: null, PyTorch Geometric's NeighborLoader needs pyg-lib or torch-sparse, which there are not for this torch.
# Row cpu_sync_2: CPU seconds an epoch of sync with two worker processes, mpirun and all, over those with one, on the graph of the
# demo, one thread a worker: of a longer run less those of a shorter one, as the system counts them. ratio = one's / two's, and
# times_one its inverse.
# Row rss_coauthor_cs: peak bytes of training on the sparse features, against those of the dense matrix alone.
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import scipy.sparse
import scipy.stats
import torch
from torch_geometric.nn import SAGEConv

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
program = os.path.join(os.environ.get("TENFOLD_BUILD", os.path.join(root, "build")), "bin", "gnnbench")
graphs = os.path.join(os.environ.get("TENFOLD_DATA", os.path.join(root, "..", "shared", "data")), "graphs")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
THREADS = int(os.environ.get("BENCH_THREADS", len(os.sched_getaffinity(0))))
TURNS, EPOCHS = int(os.environ.get("BENCH_TURNS", 5)), int(os.environ.get("BENCH_EPOCHS", 10))


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def children_cpu_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def train(data, epochs, *more, threads=None):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "train", data, "--epochs", str(epochs), "--patience", "0", "--eval-every", "1000e", "--self-loops", "off", "--checkpoint-every", "100000"]
        command += ["--threads", str(threads or THREADS), *more, "-q", "--format", "json", "-o", os.path.join(folder, "run")]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {answer.returncode}: {answer.stderr}")
        return json.loads(answer.stdout)


def rmat(nodes=169_000, drawn=1_215_000, scale=18):
    random = np.random.default_rng(1)
    ends = np.zeros((2, 0), dtype=np.int64)
    while ends.shape[1] < drawn:
        quarter = np.searchsorted([0.57, 0.76, 0.95], random.random((scale, drawn)), side="right")
        bits = 1 << np.arange(scale)[:, None]
        pair = np.stack([((quarter >> 1) * bits).sum(0), ((quarter & 1) * bits).sum(0)])
        ends = np.concatenate([ends, pair[:, (pair < nodes).all(0)]], axis=1)
    u, v = random.permutation(nodes)[ends[:, :drawn]]
    keep = u != v
    u, v = np.concatenate([u[keep], v[keep]]), np.concatenate([v[keep], u[keep]])
    a = scipy.sparse.csr_matrix((np.ones(len(u), dtype=np.float32), (u, v)), shape=(nodes, nodes))
    a.data[:] = 1
    a.sort_indices()
    labels = random.integers(0, 40, nodes)
    x = random.standard_normal((nodes, 128)).astype(np.float32)
    return a, x, labels, np.arange(nodes) < nodes * 54 // 100


def photo():
    with np.load(os.path.join(graphs, "amazon_photo.npz"), allow_pickle=False) as f:
        a = scipy.sparse.csr_matrix((f["adj_data"], f["adj_indices"], f["adj_indptr"]), f["adj_shape"])
        x = scipy.sparse.csr_matrix((f["attr_data"], f["attr_indices"], f["attr_indptr"]), f["attr_shape"]).toarray().astype(np.float32)
        labels = f["labels"].astype(np.int64)
    a = ((a + a.T) > 0).astype(np.float32).tocsr()
    a.setdiag(0)
    a.eliminate_zeros()
    return a, x, labels, np.random.default_rng(1).random(len(labels)) < 0.6


def store(path, a, x, labels, train_mask):
    rest = ~train_mask
    np.savez(path, adj_data=a.data, adj_indices=a.indices, adj_indptr=a.indptr, adj_shape=np.array(a.shape), attr_matrix=x, labels=labels, train_mask=train_mask, val_mask=rest, test_mask=rest & False)
    return path


class Peer(torch.nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.convs = torch.nn.ModuleList([SAGEConv(features, 128), SAGEConv(128, classes)])

    def forward(self, x, adj):
        h = torch.nn.functional.dropout(self.convs[0](x, adj).relu_(), 0.5)
        return self.convs[1](h, adj)


class PyG:
    def __init__(self, a, x, labels, train_mask, sparse):
        coo = a.tocoo()
        if sparse:
            self.adj = torch.sparse_csr_tensor(torch.from_numpy(a.indptr.astype(np.int64)), torch.from_numpy(a.indices.astype(np.int64)), torch.from_numpy(a.data), size=a.shape)
        else:
            self.adj = torch.from_numpy(np.stack([coo.col, coo.row]).astype(np.int64))
        self.x, self.y, self.rows = torch.from_numpy(x), torch.from_numpy(labels), torch.from_numpy(np.flatnonzero(train_mask))
        self.model = Peer(x.shape[1], int(labels.max()) + 1)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=0.01)

    def epochs(self, count):
        times = []
        for _ in range(count):
            start = time.perf_counter()
            self.adam.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.model(self.x, self.adj)[self.rows], self.y[self.rows])
            loss.backward()
            self.adam.step()
            times.append(time.perf_counter() - start)
        return statistics.median(times)


def report(name, unit, ours, peer, peer_name, **more):
    logs = [math.log(p / o) for o, p in zip(ours, peer)]
    mean = statistics.fmean(logs)
    half = scipy.stats.t.ppf(0.975, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else None
    print(json.dumps({"name": name, "unit": unit, "ours": statistics.median(ours), "peer": statistics.median(peer), "peer_name": peer_name, "ratio": math.exp(mean),
                      "ci": None if half is None else [math.exp(mean - half), math.exp(mean + half)], "limit_share": None, "threads": THREADS, "cpu": cpu_name(), "git": git, **more}), flush=True)


def wants(name):
    return not wanted or wanted == name


def epoch_row(name, data, turns, epochs):
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        path = store(os.path.join(folder, "graph.npz"), *data)
        peers = {"edge_index": PyG(*data, sparse=False), "sparse CSR": PyG(*data, sparse=True)}
        first = {}
        for form, peer in list(peers.items()):
            try:
                first[form] = peer.epochs(3)
            except RuntimeError as error:
                print(f"bench: {name}: PyTorch Geometric with {form}: {error}", file=sys.stderr)
        form = min(first, key=first.get)
        plain = ["--feature-norm", "none", "--store", "dense"]
        ours, without, theirs, parts = [], [], [], None
        for _ in range(turns):
            answer = train(path, epochs, *plain)["result"]
            ours.append(answer["epoch_s"]["median"])
            theirs.append(peers[form].epochs(epochs))
            without.append(train(path, epochs, *plain, "--precompute-first", "off")["result"]["epoch_s"]["median"])
            parts = answer["breakdown_s"]
        report(name, "s", ours, theirs, f"PyTorch Geometric SAGEConv, {form}", forms_s=first, breakdown_s=parts,
               ratio_without_precompute=math.exp(statistics.fmean(math.log(p / o) for o, p in zip(without, theirs))))


def cpu_row():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "demo.gnnb")
        subprocess.run([program, "data", "generate", "--kind", "dcsbm", "--nodes", "60000", "--degree", "14", "--split", "random:0.5,0.15,0.35", "-o", path, "-q"], check=True, capture_output=True)
        seconds = {"sync": [], "sync@2": []}
        short, long = EPOCHS, 6 * EPOCHS
        for _ in range(TURNS):
            for system, threads in {"sync": 1, "sync@2": 2}.items():
                spent = []
                for epochs in (short, long):
                    before = children_cpu_s()
                    train(path, epochs, "--hidden", "64", "--system", system, threads=threads)
                    spent.append(children_cpu_s() - before)
                seconds[system].append((spent[1] - spent[0]) / (long - short))
        report("cpu_sync_2", "s", seconds["sync@2"], seconds["sync"], "ours, one worker",
               times_one=math.exp(statistics.fmean(math.log(two / one) for one, two in zip(seconds["sync"], seconds["sync@2"]))))


def rss_row():
    answer = train(os.path.join(graphs, "coauthor_cs.npz"), 3, "--split", "random:0.6,0.2,0.2")
    peak = max(answer["result"]["peak_bytes"])
    report("rss_coauthor_cs", "bytes", [peak], [18333 * 6805 * 4], "X as a dense matrix", holds=peak <= 500_000_000)


git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
warnings.simplefilter("ignore")  # sparse CSR tensors are "in beta state"
have = os.path.isdir(graphs)
if wants("epoch_fg_photo") and have:
    epoch_row("epoch_fg_photo", photo(), 3 * TURNS, 2 * EPOCHS)
if wants("epoch_fg_rmat"):
    epoch_row("epoch_fg_rmat", rmat(), TURNS, EPOCHS)
if wants("epoch_mb"):
    print(json.dumps({"name": "epoch_mb", "ours": None, "peer": None, "peer_name": "PyTorch Geometric NeighborLoader: needs pyg-lib or torch-sparse", "ratio": None, "ci": None, "limit_share": None, "threads": THREADS, "cpu": cpu_name(), "git": git}), flush=True)
if wants("cpu_sync_2"):
    cpu_row()
if wants("rss_coauthor_cs") and have:
    rss_row()
