# Writes pyg_curve.csv: accuracy over training time of PyTorch Geometric's GraphSAGE (two layers of 8 units, full batch) on the
# irises, seeds 1 and 2. Takes the folder that this makes:
#   gnnbench data split sample_data/gnn/iris.npz --split random:0.5,0.25,0.25 -o iris.gnnb
import sys
import time

import numpy as np
import torch
from torch_geometric.nn import SAGEConv

folder = sys.argv[1]
indptr, sources = np.load(f"{folder}/indptr.npy"), np.load(f"{folder}/indices.npy").astype(np.int64)
edges = torch.tensor(np.stack([sources, np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))]))
x, y = torch.tensor(np.load(f"{folder}/features.npy")), torch.tensor(np.load(f"{folder}/labels.npy").astype(np.int64))
split = np.load(f"{folder}/split.npy")
train, val, test = (torch.tensor(split == part) for part in (1, 2, 3))

rows = []
for seed in (1, 2):
    torch.manual_seed(seed)
    first, second = SAGEConv(x.shape[1], 8), SAGEConv(8, 3)
    optimiser = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)

    def logits(training):
        return second(torch.nn.functional.dropout(first(x, edges).relu(), 0.5, training), edges)

    spent = 0.0
    for epoch in range(31):
        with torch.no_grad():
            right = logits(False).argmax(1) == y
        rows.append(f"{seed},{spent:.6f},{right[val].float().mean():.6f},{right[test].float().mean():.6f}")
        start = time.perf_counter()
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(logits(True)[train], y[train]).backward()
        optimiser.step()
        spent += time.perf_counter() - start
with open("pyg_curve.csv", "w") as out:
    out.write("seed,time_s,val,test\n" + "\n".join(rows) + "\n")
