# What PyTorch Geometric's SAGEConv, GCNConv and GATConv give in float64 on a random directed graph: logits, loss and every gradient of
# two-layer networks; and what torch.optim.Adam makes of given gradients in float32.
import json
import os

import torch
import torch.nn.functional as F
from torch_geometric.nn import GATConv, GCNConv, SAGEConv
from torch_geometric.utils import add_self_loops

NODES, FEATURES, HIDDEN, CLASSES, HEADS, HEADS_LAST = 14, 5, 6, 3, 2, 3
torch.manual_seed(7)

# Node 3 has no in-neighbours and node 5 no out-neighbours; 0 <-> 1 is the only pair in both directions.
pairs = {(0, 1), (1, 0)}
while len(pairs) < 40:
    u, v = torch.randint(NODES, (2,)).tolist()
    if u != v and v != 3 and u != 5 and (v, u) not in pairs:
        pairs.add((u, v))
edges = sorted(pairs)
edge_index = torch.tensor(edges).t()
looped, _ = add_self_loops(edge_index, num_nodes=NODES)
x = (16 * torch.randn(NODES, FEATURES)).round() / 16  # exact in float32
x[torch.rand(NODES, FEATURES) < 0.4] = 0  # so that the sparse path has something to leave out
x = x.double()
labels = torch.randint(CLASSES, (NODES,))
train = torch.tensor([0, 2, 3, 5, 8, 9, 13])


def sage(aggregator, loops):
    def make(i, o):
        if aggregator == "gcn":
            return SAGEConv(i, o, aggr="mean", root_weight=False)
        return SAGEConv(i, o, aggr="max" if aggregator == "pool" else "mean", project=aggregator == "pool")

    return [make(FEATURES, HIDDEN), make(HIDDEN, CLASSES)], looped if loops or aggregator == "gcn" else edge_index, F.relu


def networks():
    for aggregator in ("mean", "pool"):
        for loops in (True, False):
            yield {"model": "sage", "aggregator": aggregator, "self_loops": loops}, sage(aggregator, loops)
    yield {"model": "sage", "aggregator": "gcn", "self_loops": False}, sage("gcn", False)
    yield {"model": "gcn"}, ([GCNConv(FEATURES, HIDDEN), GCNConv(HIDDEN, CLASSES)], edge_index, F.relu)
    gat = [GATConv(FEATURES, HIDDEN // HEADS, heads=HEADS), GATConv(HIDDEN, CLASSES, heads=HEADS_LAST, concat=False)]
    yield {"model": "gat", "heads": HEADS, "heads_last": HEADS_LAST}, (gat, edge_index, F.elu)
    yield {"model": "sage", "aggregator": "mean", "self_loops": True, "norm": "layer"}, sage("mean", True)


def rounded(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_((p + 0.1 * torch.randn_like(p)).float().double())


def answer(config, convs, graph, activation):
    norm = torch.nn.LayerNorm(HIDDEN).double() if config.get("norm") == "layer" else None
    net = torch.nn.ModuleDict({"convs": torch.nn.ModuleList(convs).double()})
    if norm:
        net["norms"] = torch.nn.ModuleList([norm])
    rounded(net)
    h = convs[0](x, graph)
    if norm:
        h = norm(h)
    logits = convs[1](activation(h), graph)
    loss = F.cross_entropy(logits[train], labels[train])
    loss.backward()
    parameters = {n: {"shape": list(p.shape), "value": p.flatten().tolist(), "gradient": p.grad.flatten().tolist()} for n, p in net.named_parameters()}
    return {**config, "parameters": parameters, "logits": logits.flatten().tolist(), "loss": loss.item()}


def adam():
    values, gradients = torch.randn(6), torch.randn(12, 6)
    gradients[3:5] = 0
    out = {"start": values.tolist(), "gradients": gradients.tolist(), "lr": 0.02, "runs": []}
    for decay in (0.0, 0.1):
        p = torch.nn.Parameter(values.clone())
        optimiser = torch.optim.Adam([p], lr=0.02, weight_decay=decay)
        steps = []
        for g in gradients:
            p.grad = g.clone()
            optimiser.step()
            steps.append(p.detach().tolist())
        out["runs"].append({"wd": decay, "values": steps})
    return out


golden = {
    "nodes": NODES,
    "hidden": HIDDEN,
    "classes": CLASSES,
    "edges": [list(e) for e in edges],
    "x": x.tolist(),
    "labels": labels.tolist(),
    "train": train.tolist(),
    "models": [answer(config, *parts) for config, parts in networks()],
    "adam": adam(),
}
with open(os.path.splitext(os.path.abspath(__file__))[0] + ".json", "w") as f:
    json.dump(golden, f)
    f.write("\n")
