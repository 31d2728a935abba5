#!/usr/bin/env bash
# Builds the fuzz targets with clang and the sanitizers, and runs them one after the other:
#   bash tests/fuzz/run.sh [TARGET]... [-OPTION OF libFuzzer]...       all targets, -runs=10000000
# A finding ends it with its input saved in build-fuzz. Each target's corpus stays there, so that the next run goes on
# from it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"

targets=() options=()
for word in "$@"; do
  case $word in -*) options+=("$word") ;; *) targets+=("$word") ;; esac
done
[ ${#targets[@]} -gt 0 ] || targets=(csv idx image safetensors)
[ ${#options[@]} -gt 0 ] || options=(-runs=10000000)

install_missing "${build_packages[@]}" clang
say "Building the fuzz targets"
build fuzz fuzz_seeds "${targets[@]/#/fuzz_}"
cd "$root/build-fuzz"
tests/fuzz/fuzz_seeds seeds
for target in "${targets[@]}"; do
  say "Fuzzing $target ${options[*]}"
  mkdir -p "corpus/$target"
  "tests/fuzz/fuzz_$target" -max_len=1024 -artifact_prefix="finding-$target-" -print_final_stats=1 "${options[@]}" \
    "corpus/$target" "seeds/$target"
done
