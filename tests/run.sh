#!/usr/bin/env bash
# Installs what is missing, builds Tare and runs every test:   bash tests/run.sh [OPTIONS OF ctest]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

find_mnist
install_missing "${build_packages[@]}" python3  # serves what tare data fetch fetches
say "Building Tare and its tests"
build release
if [ -n "${TARE_DATA-}" ]; then
  say "Running the tests, with MNIST from $TARE_DATA"
else
  say "Running the tests without those that need MNIST: set TARE_DATA to a folder that has it, or run apps/demo.sh first"
fi
cd "$root"
ctest --preset release -j 2 --no-tests=error "$@"
