# Writes iris.npz: Fisher's irises, each joined to its ten nearest (Euclidean distance of the four lengths, ties by number).
import numpy as np
from sklearn.datasets import load_iris

data = load_iris()
x = data.data
distance = ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2)
np.fill_diagonal(distance, np.inf)
nearest = np.sort(np.argsort(distance, axis=1, kind="stable")[:, :10], axis=1)
n = len(x)
np.savez_compressed(
    "iris.npz",
    adj_data=np.ones(10 * n, dtype=np.float32),
    adj_indices=nearest.astype(np.int32).ravel(),
    adj_indptr=np.arange(0, 10 * n + 1, 10, dtype=np.int32),
    adj_shape=np.array([n, n]),
    attr_matrix=x.astype(np.float32),
    labels=data.target.astype(np.int64),
)
