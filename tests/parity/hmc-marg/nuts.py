# How Stan's NUTS behaves on programs without elimination: means over ten seeds of leapfrogs, acceptance, step size and effective
# draws per leapfrog. stanli runs Stan's own sampler; nuts.json holds what it gave.
#   scripts/parity nuts
import json
import os

import arviz
import numpy as np
import stanli

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "..", "..", "..")
programs = {
    "schools-noncentred": (os.path.join(root, "tests/hmc-marg/programs/schools-noncentred.stan"), os.path.join(root, "sample_data/hmc-marg/schools.json")),
    "correlated": (os.path.join(root, "tests/hmc-marg/programs/correlated.stan"), None),
    "logistic": (os.path.join(root, "tests/hmc-marg/programs/logistic.stan"), os.path.join(root, "tests/hmc-marg/programs/logistic.json")),
}


def least_ess(fit):
    """The smallest bulk ESS over all columns of one chain, by ArviZ (the estimators of the R package posterior)."""
    columns = [np.asarray(fit.draws(name)).reshape(1, 1000, -1) for name in fit.variables]
    return min(float(arviz.ess(c[:, :, k])) for c in columns for k in range(c.shape[2]))


out = {}
for name, (program, data) in programs.items():
    rows = []
    for seed in range(1, 11):
        fit = stanli.Model(program, data=data).sample(chains=1, seed=seed, warmup=1000, samples=1000, refresh=0)
        rows.append({
            "leapfrogs": float(np.mean(fit["n_leapfrog__"])),
            "accept_stat": float(np.mean(fit["accept_stat__"])),
            "step_size": float(np.asarray(fit.stepsize).ravel()[0]),
            "ess_per_leapfrog": least_ess(fit) / float(np.sum(fit["n_leapfrog__"])),
        })
    out[name] = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
with open(os.path.join(here, "nuts.json"), "w") as file:
    json.dump(out, file, indent=1)
