#!/bin/sh
# Counts the lines of code, without blank lines and comments, that a learner reads first, and those that may be taken on
# trust, and fails if docs/ARCHITECTURE.md says something else.   sh tests/learners_lines.sh SOURCE_ROOT [--update]
set -eu
root=${1:?usage: learners_lines.sh SOURCE_ROOT [--update]}
cd "$root"
page=docs/ARCHITECTURE.md

code_lines() {
  [ $# -gt 0 ] && [ -f "$1" ] || { echo "learners_lines: no file $*: has it moved?" >&2; exit 1; }
  cat "$@" | sed 's|^ *//.*||' | grep -c '[^ ]'
}
read_first=$(code_lines core/*.h core/*.cpp core/ops/*.h core/ops/*.cpp layers/*.h layers/*.cpp optim/*.h optim/*.cpp)
on_trust=$(code_lines core/machine/*.h core/machine/*.cpp core/tools/*.h core/tools/*.cpp layers/files/*.h layers/files/*.cpp)

sentence="$read_first lines of code are to be read, $on_trust may be taken on trust"
if [ "${2-}" = --update ]; then
  sed -i -E "s/[0-9]+ lines of code are to be read, [0-9]+ may be taken on trust/$sentence/" "$page"
fi
grep -q -F "$sentence" "$page" || {
  echo "learners_lines: $page should say: $sentence (sh tests/learners_lines.sh . --update)" >&2
  exit 1
}
echo "learners_lines: $sentence"
