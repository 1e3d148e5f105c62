#!/usr/bin/env bash
# rooms_half/: what a prune leaves behind (plan, result, model), for `mtl-prune apply` and `verify`: the sample network to half its
# multiply-adds by cosprune, scored on 24 mini-batches of 8 rendered rooms. In the public domain, as all that is made here.
# Run in the repository's root after scripts/build.
set -euo pipefail
program=${1:-build/bin/mtl-prune}
"$program" prune embedded:rooms_shared --criterion cosprune --target macs=0.5 --data rooms:n=192,size=96x128 --batches 24 \
  --test-images 32 --latency-runs 0 --export safetensors -o build/rooms_half --force --seed 1 --format json -q > /dev/null
mkdir -p sample_data/mtl/rooms_half
for file in plan.json result.json pruned.mtg.json pruned.safetensors; do cp "build/rooms_half/$file" sample_data/mtl/rooms_half/; done
