# Rows without a peer: how long the program takes to start, and to parse and plan a small and a large model. The figure is the smallest of
# twenty runs. One JSON line a row. radon needs TENFOLD_DATA, or the folder that tests read by default.
import json
import os
import platform
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "..", "..", ".."))
program = os.path.join(root, "build/bin/hmc-marg")
corpus = os.path.join(os.environ.get("TENFOLD_DATA", os.path.join(root, "..", "shared", "data")), "bayes", "corpus")
wanted = sys.argv[1] if len(sys.argv) > 1 else None
git = subprocess.run(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def report(name, seconds, reach):
    print(json.dumps({"name": name, "unit": "s", "ours": seconds, "peer": None, "ratio": None, "ci": None, "limit_share": None, "threads": 1, "cpu": cpu_name(), "git": git, "reach": reach}))


def wall(arguments):
    times = []
    for _ in range(20):
        before = time.perf_counter()
        subprocess.run([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - before)
    return min(times)


def explain(model, data):
    return wall(["explain", model, "--data", data, "--format", "json", "-q"])


rows = {
    "start_version": (lambda: wall(["--version"]), 0.010),
    "start_help": (lambda: wall(["sample", "--help"]), 0.010),
    "parse_plan_schools": (lambda: explain(os.path.join(root, "sample_data/hmc-marg/schools.stan"), os.path.join(root, "sample_data/hmc-marg/schools.json")), 0.020),
    "parse_plan_radon": (lambda: explain(os.path.join(corpus, "radon_variable_intercept_centered.stan"), os.path.join(corpus, "radon_all.data.json")), 0.200),
}
for name, (measure, reach) in rows.items():
    if wanted and wanted != name:
        continue
    if name == "parse_plan_radon" and not os.path.isdir(corpus):
        print("bench: left out parse_plan_radon: no test data", file=sys.stderr)
        continue
    report(name, measure(), reach)
