#!/usr/bin/env bash
# Counts what a training step of W1 and of W3 costs, in instructions and in allocations, and fails if it is not what
# instructions.csv says for this compiler. A guard against losing speed that no clock can disturb.
#   bash tests/bench/instructions.sh [--update]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"
stored=$root/tests/bench/instructions.csv
steps=$root/build/tests/bench/steps
few=3 many=8  # steps; the first are different, because memory is allocated

install_missing "${build_packages[@]}" valgrind
say "Building what is counted"
build release steps

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Prints the instructions and the allocations of a work's first N steps: callgrind writes a line with all instructions,
# and behind the name of every function that is called how often it is.
count() {
  valgrind --tool=callgrind --callgrind-out-file="$folder/$1-$2" "$steps" "$1" "$2" >"$folder/log" 2>&1 ||
    { cat "$folder/log" >&2; return 1; }
  awk '/^summary:/ { instructions = $2 }
    /^cfn=/ {
      match($0, /\([0-9]+\)/); id = substr($0, RSTART, RLENGTH)
      if (NF > 1) name[id] = $2
    }
    /^fn=/ { match($0, /\([0-9]+\)/); if (NF > 1) name[substr($0, RSTART, RLENGTH)] = $2 }
    /^calls=/ { split($1, n, "="); calls[id] += n[2] }
    END {
      for (id in calls) if (name[id] ~ /^(malloc|calloc|realloc|memalign|aligned_alloc|posix_memalign)$/) allocations += calls[id]
      print instructions, allocations + 0
    }' "$folder/$1-$2"
}

key=$("$steps" key)
status=0
for work in W1 W3; do
  read -r few_instructions few_allocations < <(count "$work" "$few")
  read -r many_instructions many_allocations < <(count "$work" "$many")
  instructions=$(((many_instructions - few_instructions) / (many - few)))
  allocations=$(((many_allocations - few_allocations) / (many - few)))
  line="$key,$work,$instructions,$allocations"
  if [ "${1-}" = --update ]; then
    { grep -v "^$key,$work," "$stored" || true; echo "$line"; } >"$folder/new"
    cp "$folder/new" "$stored"
    say "$line"
    continue
  fi
  expected=$(grep "^$key,$work," "$stored" | cut -d, -f5-) || true
  if [ -z "$expected" ]; then
    say "$work: $instructions instructions and $allocations allocations a step; nothing is stored for $key: skipped"
    continue
  fi
  awk -v work="$work" -v found="$instructions" -v allocations="$allocations" -v expected="$expected" 'BEGIN {
    split(expected, e, ",")
    change = 100 * (found / e[1] - 1)
    printf "%s: %d instructions a step, stored %d: %+.2f %%; %d allocations, stored %d\n", work, found, e[1], change, allocations, e[2]
    exit !(change >= -3 && change <= 3 && allocations == e[2])
  }' || status=1
done
if [ "$status" -ne 0 ]; then
  say "A step costs more, or less, than it did. If it should, store what was counted: bash tests/bench/instructions.sh --update"
fi
exit "$status"
