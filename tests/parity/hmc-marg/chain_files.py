# Whether the chain files of hmc-marg open, with equal values, where people read Stan's: cmdstanpy, ArviZ, and rstan (_chain_files.R beside this).
# Two things that these refuse in CmdStan's own files, too, are left out: num_warmup = 0 (cmdstanpy), and saved warm-up whose length thin does
# not divide (ArviZ rounds down). For every kind of run chain_files.json holds what came out, and tests/hmc-marg/chain_csv_test.cpp that every kind was read by all three.
#   scripts/parity chain_files        (needs build/bin/hmc-marg: scripts/build; another one by HMC_MARG=...)
import json
import os
import subprocess
import tempfile

import arviz
import cmdstanpy
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "..", "..", "..")
tool = os.environ.get("HMC_MARG", os.path.join(root, "build/bin/hmc-marg"))
schools = [os.path.join(root, "sample_data/hmc-marg/schools.stan"), "--data", os.path.join(root, "sample_data/hmc-marg/schools.json")]
normal = "parameters {\n  real mu;\n  array[2] vector[3] theta;\n  matrix[2, 2] m;\n}\nmodel {\n  mu ~ normal(0, 5);\n  for (i in 1:2) theta[i] ~ normal(mu, 1);\n" \
    "  to_vector(m) ~ normal(0, 1);\n}\ngenerated quantities {\n  array[2, 2] int k;\n  real z = normal_rng(mu, 1);\n  for (i in 1:2) for (j in 1:2) k[i, j] = 10 * i + j;\n}\n"
runs = {
    "marginalised": schools,
    "none": schools + ["--marginalize", "none"],
    "all-eliminated": ["normal.stan"],
    "all-eliminated-save": ["normal.stan", "--save-warmup"],
    "containers": ["normal.stan", "--marginalize", "none"],
    "dense": schools + ["--marginalize", "none", "--metric", "dense"],
    "unit": schools + ["--metric", "unit"],
    "save-warmup": schools + ["--save-warmup", "--warmup", "210"],
    "thin": schools + ["--thin", "3", "--draws", "500"],
    "save-warmup-thin": schools + ["--save-warmup", "--warmup", "210", "--thin", "3", "--draws", "500"],
    "timing": schools + ["--csv-timing"],
}


def plain(file):
    """Rows of numbers as text says them, by nothing but split and float."""
    lines = [line for line in open(file) if line.strip() and not line.startswith("#")]
    return lines[0].strip().split(","), np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])


def same(a, b):
    return bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True))


def check_cmdstanpy(files, warmup, save):
    fit = cmdstanpy.from_csv(files)
    names, _ = plain(files[0])
    draws = fit.draws(inc_warmup=save)  # [draw, chain, column]
    ok = list(fit.column_names) == [n if n.endswith("__") else cmdstan_name(n) for n in names]
    for chain, file in enumerate(files):
        values = plain(file)[1]
        ok = ok and same(draws[:, chain, :], values if save else values[warmup:])
    return bool(ok)


def cmdstan_name(name):
    head, *index = name.split(".")
    return head if not index else head + "[" + ",".join(index) + "]"


def check_arviz(files, warmup, save):
    ok = True
    for data in (arviz.from_cmdstan(files, save_warmup=save), arviz.from_cmdstanpy(posterior=cmdstanpy.from_csv(files), save_warmup=save)):
        names = plain(files[0])[0]
        for variable in {n.split(".")[0] for n in names if not n.endswith("__")}:
            columns = [i for i, n in enumerate(names) if n.split(".")[0] == variable]
            ours = np.array([plain(f)[1][:, columns] for f in files])
            found = data.posterior[variable].values
            # CSV columns run over the first index fastest.
            found = found.reshape(found.shape[:2] + (-1,)) if found.ndim < 4 else np.moveaxis(found, range(2, found.ndim), range(found.ndim - 1, 1, -1)).reshape(found.shape[:2] + (-1,))
            ok = ok and same(found, ours[:, warmup:])
        column = names.index("divergent__")
        ok = ok and "lp" in data.sample_stats and same(data.sample_stats["diverging"].values.astype(float), np.array([plain(f)[1][warmup:, column] for f in files]))
    return bool(ok)


out = {}
with tempfile.TemporaryDirectory() as folder:
    open(os.path.join(folder, "normal.stan"), "w").write(normal)
    table = []
    for name, arguments in runs.items():
        subprocess.run([tool, "sample", *arguments, "-o", name, "--chains", "2", "-q", "--format", "json"], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        files = [os.path.join(folder, name, "chains", f"chain-{k}.csv") for k in (1, 2)]
        save = "--save-warmup" in arguments and name != "all-eliminated-save"  # no warm-up where nothing is sampled
        thin = 3 if "--thin" in arguments else 1
        warmup = 210 // thin if save else 0
        out[name] = {"rows": int(plain(files[0])[1].shape[0])}
        for reader, check in (("cmdstanpy", check_cmdstanpy), ("arviz", check_arviz)):
            try:
                out[name][reader] = check(files, warmup, save)
            except Exception as fault:  # what the reader says about a file it refuses is the finding
                out[name][reader] = f"{type(fault).__name__}: {str(fault).splitlines()[0]}"
        table.append("\t".join([name, str(warmup), *files]))
    open(os.path.join(folder, "files.tsv"), "w").write("\n".join(table) + "\n")
    answer = subprocess.run(["Rscript", os.path.join(here, "_chain_files.R"), os.path.join(folder, "files.tsv")], check=True, capture_output=True, text=True).stdout
    for line in answer.splitlines():
        name, verdict = line.split("\t", 1)
        out[name]["rstan"] = True if verdict == "equal" else verdict
with open(os.path.join(here, "chain_files.json"), "w") as file:
    json.dump(out, file, indent=1)
    file.write("\n")
print(json.dumps(out, indent=1))
