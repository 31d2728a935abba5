#!/usr/bin/env bash
# Runs clang-tidy over every source once, although many are compiled for two scalars:   bash tests/tidy.sh [FILE]...
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

install_missing "${build_packages[@]}" clang clang-tidy python3
cd "$root"
# The pattern for headers must know every room.
pattern=$(sed -n "s/^HeaderFilterRegex: '\(.*\)'$/\1/p" .clang-tidy)
headers=$(git ls-files '*.h')
unseen=$(printf '%s\n' "$headers" | sed 's|^|/|' | grep -v -E "${pattern:?no HeaderFilterRegex in .clang-tidy}" || true)
if [ -z "$headers" ] || [ -n "$unseen" ]; then
  say "HeaderFilterRegex in .clang-tidy leaves out: ${unseen:-everything}"
  exit 1
fi
quietly cmake --preset clang
mkdir -p build-clang/tidy
python3 - build-clang/compile_commands.json build-clang/tidy/compile_commands.json <<'PYTHON'
import json, sys

first = {}
for entry in json.load(open(sys.argv[1])):
    first.setdefault(entry["file"], entry)
json.dump(list(first.values()), open(sys.argv[2], "w"))
print(*first, sep="\n", file=open(sys.argv[2] + ".files", "w"))
PYTHON
if [ $# -gt 0 ]; then realpath "$@"; else cat build-clang/tidy/compile_commands.json.files; fi |
  xargs -n 1 -P "$(nproc)" clang-tidy --quiet --warnings-as-errors='*' -p build-clang/tidy
