#!/usr/bin/env bash
# Installs what is missing, builds Tare and trains on MNIST:   bash apps/demo.sh [OPTIONS OF `tare train`]
# Works from any directory; relative paths among the options are the caller's.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

fetch=yes
for option in "$@"; do
  case $option in --data | --data=* | -h | --help) fetch=no ;; esac
done
find_mnist
if [ -n "${TARE_DATA-}" ]; then fetch=no; fi

install_missing "${build_packages[@]}" ca-certificates
say "Building Tare"
build release tare
tare=$root/build/tare
if [ "$fetch" = yes ]; then
  say "Fetching MNIST"
  if "$tare" data fetch mnist "$root/data/mnist"; then
    export TARE_DATA=$root/data/mnist
  else
    say "MNIST could not be fetched; training on the built-in digits."
  fi
fi
say "Training: tare train $*"
exec "$tare" train "$@"
