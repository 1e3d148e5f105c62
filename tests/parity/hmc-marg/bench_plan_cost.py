# The planner's predicted nanoseconds of a leapfrog step beside what `sample` took for one, for each program given and the plans none,
# auto and all; then the largest factor between the two. The constants of plan_counts.cpp, plan_families.cpp, plan_cost.cpp and
# plan_block_cost.cpp are fitted to such tables; nothing of this runs when a plan is made.
#   tests/parity/hmc-marg/bench_plan_cost.py [build/bin/hmc-marg] [PROGRAM.stan DATA.json]...    (without pairs: sample_data's)
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "sample_data" / "hmc-marg"
args = sys.argv[1:]
BINARY = args.pop(0) if args and not args[0].endswith(".stan") else ROOT / "build" / "bin" / "hmc-marg"
PAIRS = list(zip(args[::2], args[1::2])) or [
    (SAMPLES / "hpp.stan", SAMPLES / "rats71.json"),
    (SAMPLES / "hpp.stan", SAMPLES / "baseball18.json"),
    *((SAMPLES / f"{name}.stan", SAMPLES / f"{name}.json")
      for name in ("schools", "dyestuff", "dyestuff_brms", "sleepstudy", "sleepstudy_brms")),
]


def result(*command):
    run = subprocess.run([BINARY, *command, "--format", "json"], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(run.stderr)
    return json.loads(run.stdout)["result"]


def find(node, key):
    if isinstance(node, dict):
        if key in node:
            return node[key]
        node = list(node.values())
    for child in node if isinstance(node, list) else []:
        found = find(child, key)
        if found is not None:
            return found
    return None


def measured(model, data, plan):
    with tempfile.TemporaryDirectory() as folder:
        run = result("sample", model, "--data", data, "--marginalize", plan, "--chains", "1", "--warmup", "200", "--draws", "200",
                     "-o", folder + "/run")
        return find(run, "ns_per_gradient")


worst = 1
for model, data in PAIRS:
    seen = []
    for plan in ("none", "auto", "all"):
        explained = result("explain", model, "--data", data, "--marginalize", plan)
        sampled = [entry["name"] for entry in explained["plan"] if entry["status"] != "eliminated"]
        if sampled in seen or not sampled:
            continue
        seen.append(sampled)
        cost, took = explained["cost"], measured(model, data, plan)
        factor = took / cost["ns"]
        worst = max(worst, factor, 1 / factor)
        terms = ", ".join(f"{t['name']} {t['ns']:.0f}" for t in cost["terms"] if t["ns"] > 0)
        print(f"{pathlib.Path(data).stem:16} {plan:5} {cost['sampled']:4} sampled  predicted {cost['ns']:8.0f}  measured {took:8.0f}"
              f"  x{factor:5.2f}  ({terms})", flush=True)
print(f"largest factor {worst:.2f}")
