#!/usr/bin/env bash
# Runs what uses threads under the thread sanitizer: the pool's tests, and a training that is stopped and resumed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

install_missing "${build_packages[@]}"
say "Building with the thread sanitizer"
build tsan core_float_test tare
cd "$root/build-tsan"
export TSAN_OPTIONS=halt_on_error=1
say "The tests of the pool"
tests/core_float_test
say "Training with four threads"
wide=(--data "$root/tests/parity/data" --hidden 512,256 --batch 128 --threads 4 --quiet)
for options in "--norm batch --dropout 0.2" "--norm layer --optimizer adam" "--norm none --clip 1 --detect-anomaly"; do
  # shellcheck disable=SC2086  # several options in one variable
  ./tare train "${wide[@]}" --steps 12 --eval-every 3 --checkpoint run.ckpt $options
  ./tare train --resume run.ckpt --steps 15 --threads 3 --quiet
done
say "No race was found"
