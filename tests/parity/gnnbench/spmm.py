# SciPy's products of small sparse matrices: forward A @ X, backward A.T @ G. X and G have 37 columns; tests repeat them to the
# widths they need. Writes spmm.json beside itself.
import json
import os

import numpy
import scipy.sparse

here = os.path.dirname(os.path.abspath(__file__))
random = numpy.random.default_rng(5)
COLUMNS = 37


def matrix(rows, columns, density, weighted):
    mask = random.random((rows, columns)) < density
    if rows > 3:
        mask[1, :] = False  # an empty row
        mask[2, :] = True  # a full one
    values = numpy.round(random.normal(size=mask.shape), 3) if weighted else numpy.ones(mask.shape)
    return scipy.sparse.csr_matrix(numpy.where(mask, values, 0.0))


def case(name, a, weighted):
    x = numpy.round(random.normal(size=(a.shape[1], COLUMNS)), 3)
    g = numpy.round(random.normal(size=(a.shape[0], COLUMNS)), 3)
    return {
        "name": name,
        "columns": a.shape[1],
        "indptr": a.indptr.tolist(),
        "indices": a.indices.tolist(),
        "weights": a.data.tolist() if weighted else [],
        "x": x.ravel().tolist(),
        "g": g.ravel().tolist(),
        "forward": (a @ x).ravel().tolist(),
        "backward": (a.T @ g).ravel().tolist(),
    }


cases = [
    case("weighted, an empty and a full row", matrix(6, 5, 0.4, True), True),
    case("weights of one", matrix(5, 6, 0.5, False), False),
    case("no entries", scipy.sparse.csr_matrix((3, 2)), True),
    case("one row", matrix(1, 4, 1.0, True), True),
]
with open(os.path.join(here, "spmm.json"), "w") as out:
    json.dump({"scipy": scipy.__version__, "columns": COLUMNS, "cases": cases}, out)
    out.write("\n")
