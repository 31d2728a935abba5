#!/bin/sh
# Makes the figures in README.md and in the chapters that need all of MNIST.   sh docs/figures.sh seeds|gradient
# It is found as `tare train` finds it; TARE names the program, build/tare if it is not set.
set -eu
tare=${TARE:-$(dirname "$0")/../build/tare}
"$tare" train --steps 1 --quiet >/dev/null  # fails here, and says why, without MNIST
accuracy() { "$tare" train --quiet --json "$@" | sed 's/.*"test_accuracy":\([0-9.]*\).*/\1/'; }

case ${1-} in
seeds) # mean, deviation and share of at least 98 % after 5 epochs, over the seeds 1 to 40
  for seed in $(seq 40); do accuracy --seed "$seed"; done |
    awk '{ s += $1; q += $1 * $1; n += $1 >= 0.98 } END {
      m = s / NR; printf "%d seeds: mean %.2f %%, deviation %.2f %%, %d of them at least 98 %%\n", NR, 100 * m,
        100 * sqrt((q / NR - m * m) * NR / (NR - 1)), n }'
  ;;
gradient) # what the diagonal formula costs
  for kind in fused diagonal; do
    echo "$kind: batch 128 $(accuracy --batchnorm $kind --epochs 2)," \
      "batch 4 $(accuracy --batchnorm $kind --batch 4 --steps 3000 --lr 0.01)"
  done
  ;;
*)
  echo "usage: figures.sh seeds|gradient" >&2
  exit 2
  ;;
esac
