#!/usr/bin/env bash
# Runs a short training with everything that it can write, its resumption and an evaluation under valgrind: no invalid
# access, nothing uninitialized, no leak.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

install_missing "${build_packages[@]}" valgrind
say "Building without instructions that valgrind does not know"
build coverage tare
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
data=$root/tests/parity/data
export GCOV_ERROR_FILE=/dev/null  # the build counts lines, too, which is of no interest here
tare() { valgrind --quiet --leak-check=full --show-leak-kinds=all --error-exitcode=99 "$root/build-coverage/tare" "$@"; }
for options in "--norm batch --dropout 0.2 --clip 1" "--norm layer --optimizer adamw --schedule cosine:5" "--precision double"; do
  say "tare train $options"
  # shellcheck disable=SC2086  # several options in one variable
  tare train --data "$data" --hidden 24,16 --batch 32 --steps 25 --threads 2 --log log.csv --log-every 5 --save model \
    --checkpoint run.ckpt --checkpoint-every 7 --detect-anomaly $options >out
  tare train --resume run.ckpt --threads 1 >out
  tare eval model --data "$data" --threads 2 >out
done
say "valgrind has found nothing"
