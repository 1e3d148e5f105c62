#!/usr/bin/env python3
"""What gpmetis of METIS 5.1.0 answers: for each graph, number of parts, objective and seed, the SHA-256 of the part vector (int32, little
endian), the edges cut and the communication volume that it prints. Graphs of TENFOLD_DATA that are absent are left out.

Not pymetis, whose 64-bit indices give other parts.
"""
import hashlib
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import scipy.sparse as sp

here = Path(__file__).resolve()
repository = here.parents[3]
data = Path(os.environ.get("TENFOLD_DATA", repository.parent / "shared" / "data")) / "graphs"


def simple(matrix):
    """Symmetric, without loops and weights."""
    matrix = matrix.tocsr()
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    matrix = ((matrix + matrix.T) != 0).tocsr()
    matrix.sort_indices()
    return matrix


def npz(path):
    with np.load(path, allow_pickle=False) as f:
        n = int(f["adj_shape"][0])
        return simple(sp.csr_matrix((np.ones(len(f["adj_indices"])), f["adj_indices"], f["adj_indptr"]), shape=(n, n)))


def congruential(n, edges):
    """Edges from a linear congruential generator, which the test has, too."""
    state, pairs = 12345, []
    for _ in range(2 * edges):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        pairs.append((state >> 33) % n)
    u, v = np.array(pairs[0::2]), np.array(pairs[1::2])
    return simple(sp.coo_matrix((np.ones(edges), (u, v)), shape=(n, n)))


def gpmetis(graph, k, objective, seed, train=None):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph"
        with open(file, "w") as out:
            out.write(f"{graph.shape[0]} {graph.nnz // 2}" + (" 010 2" if train is not None else "") + "\n")
            for v in range(graph.shape[0]):
                words = [] if train is None else ["1", str(int(train[v]))]
                words += [str(u + 1) for u in graph.indices[graph.indptr[v]:graph.indptr[v + 1]]]
                out.write(" ".join(words) + "\n")
        run = subprocess.run(["gpmetis", f"-objtype={objective}", f"-seed={seed}", str(file), str(k)], check=True, capture_output=True,
                             text=True)
        parts = np.loadtxt(f"{file}.part.{k}", dtype="<i4")
        cut, volume = map(int, re.search(r"Edgecut: (\d+), communication volume: (\d+)", run.stdout).groups())
        return {"digest": hashlib.sha256(parts.tobytes()).hexdigest(), "cut": cut, "volume": volume}


def main():
    answers = []

    def ask(name, graph, k, objective, seed, train=None):
        answers.append({"graph": name, "n": graph.shape[0], "nnz": int(graph.nnz), "k": k, "objective": objective, "seed": seed,
                        "balance": train is not None, **gpmetis(graph, k, objective, seed, train)})

    for n, edges in [(50, 120), (2000, 7000), (2000, 900)]:
        graph = congruential(n, edges)
        for k in [2, 3, 8]:
            for objective in ["vol", "cut"]:
                ask(f"congruential-{n}-{edges}", graph, k, objective, 42)
        ask(f"congruential-{n}-{edges}", graph, 4, "vol", 7)
        ask(f"congruential-{n}-{edges}", graph, 4, "cut", 42, np.arange(n) % 5 == 0)
    for name, k in [("cora", 4), ("amazon_photo", 4), ("dblp", 4), ("coauthor_cs", 8)]:
        if (data / f"{name}.npz").exists():
            for objective in ["vol", "cut"]:
                ask(name, npz(data / f"{name}.npz"), k, objective, 42)
    here.with_suffix(".json").write_text("[\n" + ",\n".join(json.dumps(a) for a in answers) + "\n]\n")


main()
