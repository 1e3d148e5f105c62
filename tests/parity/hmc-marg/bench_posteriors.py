# Rows NAME_ess: smallest bulk ESS per CPU second over all columns, lp__ and recovered ones included, of the program with its
# automatic plan, against the best of Stan's forms of it, in stanli and (where Rscript and rstan are there) in rstan. 4 chains of
# 1000 + 1000, delta 0.8, warm-up and recovery in the time, compilation not. Paired over seeds; one JSON line a row.
#
# Forms: as declared; with standardised effects (non-centred, by offset and multiplier) where there are any; beside the bar, as
# `by hand`, the marginal density that a careful user would write, with its draws in generated quantities.
# A slow peer gets fewer draws a seed (`peer_draws`): its ESS per second does not depend on them but for a shorter warm-up.
import json
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import arviz
import numpy as np
import stanli
from scipy.stats import t as student

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
bayes = os.path.join(os.environ.get("TENFOLD_DATA", os.path.join(root, "..", "shared", "data")), "bayes")
sample_data = os.path.join(root, "sample_data/hmc-marg")
RSTAN_PATIENCE_S = 1200  # of a row


def text_of(*path):
    with open(os.path.join(*path)) as file:
        return file.read()


@dataclass
class Row:
    program: str  # path of the declared form, which we run
    data: str
    effects: dict = field(default_factory=dict)  # declaration -> its non-centred form
    non_centred: str = ""  # or a file
    by_hand: str = ""
    seeds: int = 5
    draws: int = 1000  # of a peer, after as many of warm-up
    rstan: bool = True

    def forms(self):
        """Name -> program of what the peers run."""
        declared = text_of(self.program)
        forms = {"centred": declared}
        standardised = text_of(self.non_centred) if self.non_centred else declared
        for old, new in self.effects.items():  # at the end of the block, where what they refer to is declared
            assert old in standardised, old
            standardised = standardised.replace(old, "")
            begin, end = re.search(r"^parameters {[^}]*", standardised, re.M).span()
            standardised = standardised[:end] + "  " + new + "\n" + standardised[end:]
        if standardised != declared:
            forms["non-centred"] = standardised
        if self.by_hand:
            forms["by hand"] = text_of(self.by_hand)
        return forms


def effects(size, **effect):
    return {f"vector[{size}] {name};": f"vector<offset={location}, multiplier={scale}>[{size}] {name};" for name, (location, scale) in effect.items()}


hpp = os.path.join(sample_data, "hpp.stan")
hpp_by_hand = os.path.join(here, "hpp_by_hand.stan")
radon = os.path.join(bayes, "corpus/radon_variable_intercept_centered.stan")
ROWS = {
    "eight_schools": Row(os.path.join(sample_data, "schools.stan"), os.path.join(sample_data, "schools.json"), non_centred=os.path.join(root, "tests/hmc-marg/programs/schools-noncentred.stan")),
    "rats71": Row(hpp, os.path.join(bayes, "rat_tumors.json"), by_hand=hpp_by_hand),
    "baseball308": Row(hpp, os.path.join(bayes, "baseball_1996.json"), by_hand=hpp_by_hand, seeds=3),
    "fibrosis": Row(os.path.join(sample_data, "fibrosis.stan"), os.path.join(bayes, "pulmonary_fibrosis.json"), effects=effects("J", a=("m_a", "s_a"), b=("m_b", "s_b")), seeds=3),
    "radon_mn": Row(radon, os.path.join(bayes, "radon_mn.json"), effects=effects("J", alpha=("mu_alpha", "sigma_alpha")), seeds=3),
    "radon_all": Row(radon, os.path.join(bayes, "radon_all.json"), effects=effects("J", alpha=("mu_alpha", "sigma_alpha")), seeds=3, draws=500, rstan=False),
}


def least(columns):
    """The smallest bulk ESS of columns [chains, draws]."""
    return min(float(arviz.ess(c)) for c in columns if np.ptp(c) > 0)


def ours(row, seed, marginalize):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(root, "build/bin/hmc-marg"), "sample", row.program, "--data", row.data, "--marginalize", marginalize, "--seed", str(seed), "-o", folder + "/run",
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


def stanli_rate(row, program, seed):
    model = stanli.Model(program, data=row.data)
    before = time.process_time()
    fit = model.sample(chains=4, seed=seed, warmup=row.draws, samples=row.draws, refresh=0, parallel_chains=1)
    cpu = time.process_time() - before
    columns = [np.asarray(fit["lp__"]).reshape(4, row.draws)]
    for name in fit.variables:
        values = np.asarray(fit.draws(name)).reshape(4, row.draws, -1)
        columns += [values[:, :, k] for k in range(values.shape[2])]
    return least(columns) / cpu


def old_syntax(program):
    """Arrays as rstan 2.21 declares them: `array[N] int<lower=0> y;` -> `int<lower=0> y[N];`."""
    return re.sub(r"array\[([^\]]*)\] (\w+(?:<[^>]*>)?) (\w+);", r"\2 \3[\1];", program)


def rstan_rates(row, programs):
    """Form -> rates of row.seeds seeds; empty where rstan is not installed or cannot compile."""
    if not row.rstan or not shutil.which("Rscript"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, program in programs.items():
            paths.append(os.path.join(folder, name.replace(" ", "_") + ".stan"))
            with open(paths[-1], "w") as file:
                file.write(old_syntax(program))
        try:
            done = subprocess.run(["Rscript", os.path.join(here, "bench_posteriors.R"), row.data, str(row.draws), str(row.seeds), *paths], capture_output=True, text=True, timeout=RSTAN_PATIENCE_S)
        except subprocess.TimeoutExpired:
            print(f"bench: rstan took longer than {RSTAN_PATIENCE_S} s and is left out", file=sys.stderr)
            return {}
    if done.returncode != 0 or not done.stdout.strip():
        print("bench: rstan gave nothing: " + done.stderr.strip()[-300:], file=sys.stderr)
        return {}
    return dict(zip(programs, json.loads(done.stdout.splitlines()[-1])))


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def measure(name, row):
    forms = row.forms()
    seeds = range(1, row.seeds + 1)
    mine, plain = [], []
    rates = {"stanli " + form: [] for form in forms}
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for form, program in forms.items():
            paths[form] = os.path.join(folder, form.replace(" ", "_") + ".stan")
            with open(paths[form], "w") as file:
                file.write(program)
        for seed in seeds:
            mine.append(ours(row, seed, "auto"))
            for form, path in paths.items():
                rates["stanli " + form].append(stanli_rate(row, path, seed))
    plain = ours(row, 1, "none")
    for form, values in rstan_rates(row, forms).items():
        rates["rstan " + form] = values
    bar = {key: values for key, values in rates.items() if not key.endswith("by hand")}
    best = max(bar, key=lambda key: statistics.fmean(bar[key]))
    logs = [math.log(a / b) for a, b in zip(mine, rates[best])]
    mean, half = statistics.fmean(logs), student.ppf(0.975, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
    return {"name": name, "unit": "min bulk ESS per CPU second", "ours": statistics.fmean(mine), "peer": statistics.fmean(rates[best]), "peer_name": best, "ratio": math.exp(mean),
            "ci": [math.exp(mean - half), math.exp(mean + half)], "limit_share": None, "threads": 1, "cpu": cpu_name(), "git": git, "seeds": row.seeds, "draws": 1000, "peer_draws": row.draws,
            "ours_plain": plain, "peers": {key: statistics.fmean(values) for key, values in rates.items()}}


wanted = sys.argv[1] if len(sys.argv) > 1 else None
for key, row in ROWS.items():
    name = key + "_ess"
    if wanted not in (None, name):
        continue
    missing = [path for path in (row.program, row.data) if not os.path.exists(path)]
    if missing:
        print(f"bench: left out {name}: no {missing[0]} (TENFOLD_DATA)", file=sys.stderr)
        continue
    print(json.dumps(measure(name, row)), flush=True)
