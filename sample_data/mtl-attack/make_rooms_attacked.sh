#!/usr/bin/env bash
# Makes rooms-attacked/: a small finished run of `mtl-attack run`, without what audit does not read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
run=sample_data/mtl-attack/rooms-attacked
rm -rf "$run"
build/bin/mtl-attack run --data rooms:n=2,size=24x32 --rule gb,total --attack pgd --steps 3 --eps 8/255 -o "$run"
rm -rf "$run"/charts "$run"/report.html "$run"/manifest.json "$run"/checkpoint
