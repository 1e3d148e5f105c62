#!/usr/bin/env python3
"""What HiGHS answers to the linear programmes of the rules worst and protect, and to the integer programme whose closed form is
the sign step. Writes dual_steps.json; worst_step_test.cpp reads it and makes the same numbers by the same hash."""
import json
import pathlib

import highspy
import numpy as np

M = (1 << 64) - 1


def hashed(a, b, c):
    z = (a * 0x9E3779B97F4A7C15 + b * 0xBF58476D1CE4E5B9 + c * 0x94D049BB133111EB) & M
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
    z ^= z >> 31
    return (z % 2001 - 1000) / 1000


def rows_of(case, tasks, n, offset):
    a = np.array([[hashed(case, i, j) * (1 + i) + 0.3 * hashed(case, 90, j) for j in range(n)] for i in range(tasks)])
    r = np.array([offset * hashed(case, 91, i) for i in range(tasks)])
    low = np.array([-abs(hashed(case, 92, j)) for j in range(n)])
    high = np.array([abs(hashed(case, 93, j)) for j in range(n)])
    f32 = lambda v: v.astype(np.float32).astype(np.float64)
    return f32(a), r, f32(low), f32(high)


def solve(cost, low, high, rows, row_low, row_high, integer=False):
    """Maximises cost.x; returns the value and x."""
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    h.setOptionValue("primal_feasibility_tolerance", 1e-10)
    h.setOptionValue("dual_feasibility_tolerance", 1e-10)
    h.setOptionValue("mip_rel_gap", 0.0)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(rows)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = np.array(cost, float), np.array(low, float), np.array(high, float)
    lp.row_lower_, lp.row_upper_ = np.array(row_low, float), np.array(row_high, float)
    lp.sense_ = highspy.ObjSense.kMaximize
    matrix = np.array(rows, float).reshape(len(rows), len(cost))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.arange(len(rows) + 1) * len(cost)
    lp.a_matrix_.index_ = np.tile(np.arange(len(cost)), max(len(rows), 1))[: len(rows) * len(cost)]
    lp.a_matrix_.value_ = matrix.ravel()
    if integer:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * len(cost)
    h.passModel(lp)
    h.run()
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal, h.getModelStatus()
    return h.getInfo().objective_function_value, np.array(h.getSolution().col_value)


def worst(a, r, low, high):
    """max t, t - a_i.d <= r_i."""
    tasks, n = a.shape
    rows = np.hstack([-a, np.ones((tasks, 1))])
    value, x = solve([0] * n + [1], [*low, -1e9], [*high, 1e9], rows, [-np.inf] * tasks, r)
    return value, x[:n]


def protect(a, r, low, high, guarded):
    attacked = a[~guarded].sum(0)
    scale = np.abs(attacked).sum() / np.abs(a[guarded]).sum(1)
    rows, offsets = a[guarded] * scale[:, None], r[guarded] * scale
    least = -worst(-rows, -offsets, low, high)[0]
    right = max(0.0, least)
    value, _ = solve(attacked, low, high, rows, [-np.inf] * len(rows), right - offsets + (1e-9 if right > 0 else 0))
    limits = np.full(len(a), np.nan)
    limits[guarded] = right / scale
    return value, limits


def main():
    cases = []
    case = 100
    for tasks in (2, 3, 4, 5):
        for n, offset in ((40, 0.0), (40, 1.0), (300, 0.5), (1500, 2.0)):
            case += 1
            a, r, low, high = rows_of(case, tasks, n, offset)
            cases.append({"id": case, "kind": "worst", "tasks": tasks, "n": n, "offset": offset, "value": worst(a, r, low, high)[0]})
            guarded = np.zeros(tasks, bool)
            guarded[: max(1, tasks // 2)] = True
            case += 1
            a, r, low, high = rows_of(case, tasks, n, offset)
            value, limits = protect(a, r, low, high, guarded)
            cases.append({"id": case, "kind": "protect", "tasks": tasks, "n": n, "offset": offset, "protect": guarded.tolist(),
                          "value": value, "right_side": [None if np.isnan(v) else v for v in limits]})
    # The closed form against the integer programme on grey levels, exact zeros and clipped boxes included.
    closed = []
    for n in (300, 3000, 36864):
        c = np.array([0.0 if j % 7 == 3 else hashed(7, 1, j) for j in range(n)])
        low = np.array([-(j % 4) for j in range(n)])
        high = np.array([j * 7 % 5 for j in range(n)])
        d = np.where(c > 0, high, np.where(c < 0, low, 0))
        for integer in (False, True):
            value, x = solve(c, low, high, np.zeros((0, n)), [], [], integer)
            assert abs(value - c @ d) < 1e-6 * abs(value), (n, integer)
            assert np.array_equal(np.round(x[c != 0]), d[c != 0]), (n, integer)
        closed.append({"n": n, "value": float(c @ d)})
    out = pathlib.Path(__file__).with_suffix(".json")
    out.write_text(json.dumps({"highspy": highspy.Highs().version(), "cases": cases, "closed_form": closed}, indent=1) + "\n")


main()
