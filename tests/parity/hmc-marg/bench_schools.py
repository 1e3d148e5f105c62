# Row eight_schools_ess: smallest bulk ESS per CPU second over all columns, lp__ and recovered ones included, of the marginalised
# program against the better of Stan's centred and non-centred forms, in stanli and (where Rscript and rstan are there) in rstan.
# 4 chains of 1000 + 1000, warm-up and recovery in the time, compilation not. Five seeds, paired. One JSON line.
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import arviz
import numpy as np
import stanli

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
NAME = "eight_schools_ess"
SEEDS = [1, 2, 3, 4, 5]
DATA = os.path.join(root, "sample_data/hmc-marg/schools.json")
FORMS = {"centred": os.path.join(root, "sample_data/hmc-marg/schools.stan"), "non-centred": os.path.join(root, "tests/hmc-marg/programs/schools-noncentred.stan")}
T_975 = {4: 2.776}


def least(columns):
    """The smallest bulk ESS of columns [chains, draws]."""
    return min(float(arviz.ess(c)) for c in columns if np.ptp(c) > 0)


def ours(seed, marginalize):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(root, "build/bin/hmc-marg"), "sample", FORMS["centred"], "--data", DATA, "--marginalize", marginalize, "--seed", str(seed), "-o", folder + "/run",
                               "--threads", "1", "--format", "json", "-q"], capture_output=True, text=True, check=True)
        result = json.loads(done.stdout)["result"]
        names, chains = None, []
        for k in range(1, 5):
            lines = [line for line in open(f"{folder}/run/chains/chain-{k}.csv") if not line.startswith("#")]
            names = lines[0].strip().split(",")
            chains.append(np.array([[float(v) for v in line.split(",")] for line in lines[1:]]))
        draws = np.stack(chains)
    keep = [i for i, name in enumerate(names) if name == "lp__" or not name.endswith("__")]
    cpu = sum(result["time"][key] for key in ("warmup_cpu_s", "sampling_cpu_s", "recover_cpu_s"))
    return least([draws[:, :, i] for i in keep]) / cpu


def stanli_rate(form, seed):
    model = stanli.Model(FORMS[form], data=DATA)
    before = time.process_time()
    fit = model.sample(chains=4, seed=seed, warmup=1000, samples=1000, refresh=0, parallel_chains=1)
    cpu = time.process_time() - before
    columns = [np.asarray(fit["lp__"]).reshape(4, 1000)]
    for name in fit.variables:
        values = np.asarray(fit.draws(name)).reshape(4, 1000, -1)
        columns += [values[:, :, k] for k in range(values.shape[2])]
    return least(columns) / cpu


def rstan_rates():
    if not shutil.which("Rscript"):
        return {}
    done = subprocess.run(["Rscript", os.path.join(here, "bench_schools.R"), DATA, *FORMS.values()], capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout.strip() else {}


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if len(sys.argv) > 1 and sys.argv[1] != NAME:
    sys.exit(0)
rates = {("stanli " + form): [] for form in FORMS}
mine, plain = [], []
for seed in SEEDS:
    mine.append(ours(seed, "all"))
    plain.append(ours(seed, "none"))
    for form in FORMS:
        rates["stanli " + form].append(stanli_rate(form, seed))
for form, values in rstan_rates().items():
    rates["rstan " + form] = values
best = max(rates, key=lambda key: statistics.fmean(rates[key]))
logs = [math.log(a / b) for a, b in zip(mine, rates[best])]
mean, half = statistics.fmean(logs), T_975[len(logs) - 1] * statistics.stdev(logs) / math.sqrt(len(logs))
git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
print(json.dumps({"name": NAME, "unit": "min bulk ESS per CPU second", "ours": statistics.fmean(mine), "peer": statistics.fmean(rates[best]), "peer_name": best, "ratio": math.exp(mean),
                  "ci": [math.exp(mean - half), math.exp(mean + half)], "limit_share": None, "threads": 1, "cpu": cpu_name(), "git": git, "ours_plain": statistics.fmean(plain),
                  "peers": {key: statistics.fmean(values) for key, values in rates.items()}}))
