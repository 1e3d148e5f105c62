"""Kaplan-Meier medians and log-rank tests of small samples with censoring, by SciPy: what tests/gnnbench/tta_test.cpp compares with.

Writes survival.json beside itself. Needs scipy.
"""

import json
import pathlib
import warnings

import numpy
import scipy
from scipy import stats

warnings.simplefilter("ignore")
draw = numpy.random.default_rng(11)


def sample(n, scale, horizon):
    times = numpy.round(draw.exponential(scale, n), 2) + 0.01  # rounded, so that some are equal
    return [[float(min(t, horizon)), bool(t <= horizon)] for t in times]


def censored(rows):
    return stats.CensoredData(uncensored=[t for t, event in rows if event], right=[t for t, event in rows if not event])


def median(rows):
    curve = stats.ecdf(censored(rows)).sf
    at_most_half = [t for t, s in zip(curve.quantiles, curve.probabilities) if s <= 0.5 + 1e-12]
    return float(at_most_half[0]) if at_most_half else None


cases = []
for n, m, scale, horizon in [(5, 5, 1.5, 2.0), (3, 3, 1.0, 9.0), (8, 5, 3.0, 1.5), (10, 10, 1.0, 0.5), (20, 15, 1.2, 1.0), (40, 40, 2.0, 1.0)]:
    a, b = sample(n, 1.0, horizon), sample(m, scale, horizon)
    test = stats.logrank(censored(a), censored(b))
    cases.append({"a": a, "b": b, "median_a": median(a), "median_b": median(b), "log_rank_p": float(test.pvalue)})

out = {"made_by": f"survival.py, scipy {scipy.__version__}", "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")
