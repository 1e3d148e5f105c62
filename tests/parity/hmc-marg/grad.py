#!/usr/bin/env python3
"""Golden log densities and gradients of tests/hmc-marg/programs, and of what sample_data/hmc-marg has in brms' form, by stanli, an
interpreter of Stan programs on Stan Math.

Writes grad.json beside this file: per program three unconstrained points, each with lp (propto form, Jacobians included)
and its gradient. The points are those of `hmc-marg grad --at 0|1|2`. Where these lie so far from the data that a prior is below the
rounding of lp, a fourth, with its q, lies near the mode.
"""
import json
import pathlib

import numpy as np
import stanli

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE.parents[1] / "hmc-marg" / "programs"
SAMPLES = HERE.parents[2] / "sample_data" / "hmc-marg"
NEAR = {  # the first coordinates; the others as in point 1
    "sleepstudy_brms": [10.4, 298.5, 3.2, 3.1, 1.8],  # b, Intercept, log sigma, log sd_1
    "dyestuff_brms": [1527, 3.9, 3.6],  # Intercept, log sigma, log sd_1
}


def point(which, n):
    i = np.arange(n)
    if which == 0:
        return 0.1 + 0.05 * (i % 7) - 0.15 * (i % 3)
    if which == 1:
        return 0.02 * ((i % 5) - 2)
    return np.zeros(n)


def main():
    golden = {"peer": f"stanli {stanli.__version__}", "programs": {}}
    for program in sorted(PROGRAMS.glob("*.stan")) + sorted(SAMPLES.glob("*_brms.stan")):
        data = program.with_suffix(".json")
        if not data.exists():
            continue  # a program that other tests bind to other data
        model = stanli.Model(str(program), str(data))
        points = []
        for which in range(3):
            lp, gradient = model.log_prob_grad(point(which, model.n_unconstrained))
            points.append({"lp": float(lp), "gradient": [float(g) for g in gradient]})
        if program.stem in NEAR:
            near = point(1, model.n_unconstrained)
            near[: len(NEAR[program.stem])] = NEAR[program.stem]
            lp, gradient = model.log_prob_grad(near)
            points.append({"q": near.tolist(), "lp": float(lp), "gradient": [float(g) for g in gradient]})
        golden["programs"][program.stem] = points
    (HERE / "grad.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
