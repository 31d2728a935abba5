#!/usr/bin/env bash
# Builds Tare and what can be built of the other frameworks' side, then measures them against each other:
#   bash tests/bench/compare.sh [--quick] [--repetitions N] [--data DIR] [--works W1,W3] [SECTION...]
# The others are Debian's python3-torch, libtorch-dev and libdlib-dev, with libopenblas0-openmp: what is not installed
# is left out.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"

install_missing "${build_packages[@]}"
say "Building Tare"
build release tare
say "Building the peers"
quietly cmake -S "$root/tests/bench/peers" -B "$root/build-peers" -G Ninja
quietly cmake --build "$root/build-peers"
blas=$(realpath /usr/lib/*/libblas.so.3 2>/dev/null || true)
case $blas in
*openblas-openmp*) ;;
*) say "The BLAS is ${blas:-unknown}, not the OpenMP flavour of OpenBLAS: torch will be slow on two threads, and beating it proves nothing" ;;
esac
/usr/bin/python3 "$root/tests/bench/compare.py" "$@"
