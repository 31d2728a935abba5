#!/bin/sh
# Fails, naming the symbols, when a library holds a copy of what Eigen does with memory of its own. How that is done
# depends on the flags, a linker takes any copy for all, and a program whose flags are others then frees what was never
# allocated.   sh tests/no_owning_eigen.sh LIBRARY...
set -eu
[ $# -gt 0 ] || { echo "usage: no_owning_eigen.sh LIBRARY..." >&2; exit 2; }
for library in "$@"; do
  symbols=$(nm --demangle "$library")
  printf '%s\n' "$symbols" | grep -q ' [TW] tare::' || { echo "no_owning_eigen: $library: found no symbols" >&2; exit 1; }
  if printf '%s\n' "$symbols" | grep -E 'Eigen::internal::(throw_std_bad_alloc|(conditional_)?(handmade_)?aligned_)|[(] *Eigen::(Matrix|Array)<(float|double), -1'; then
    echo "no_owning_eigen: $library: expected no owning matrix of Eigen, found these" >&2
    exit 1
  fi
done
echo "no_owning_eigen: $# libraries own no matrix of Eigen"
