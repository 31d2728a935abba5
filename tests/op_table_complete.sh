#!/bin/sh
# Fails, naming the op, when a differentiable function that core/ declares has no row in core/tools/op_table.cpp, or fewer
# rows than overloads.   sh tests/op_table_complete.sh SOURCE_ROOT
set -eu
root=${1:?usage: op_table_complete.sh SOURCE_ROOT}
table=$root/core/tools/op_table.cpp

# Free functions stand at the beginning of a line; the members of Var and Tape are indented.
ops=$(find "$root/core" -name "*.h" -exec sed -n -E 's/^(Var|BatchNormResult) ([a-z_0-9]+)\(.*/\2/p' {} +)
if [ -z "$ops" ]; then
  echo "op_table_complete: found no ops in $root/core; do the declarations look different now?" >&2
  exit 1
fi

rows=$(sed 's|//.*||' "$table" | tr -d '\n ')  # a row may be wrapped anywhere
status=0
for op in $(printf '%s\n' "$ops" | sort -u); do
  declared=$(printf '%s\n' "$ops" | grep -c -x "$op")
  found=$(printf '%s' "$rows" | grep -o -E "add[a-z_]*\(\"$op\"" | wc -l)
  if [ "$found" -lt "$declared" ]; then
    echo "op_table_complete: $op is declared $declared times in core/ but has $found rows in core/tools/op_table.cpp" >&2
    status=1
  fi
done
[ "$status" -ne 0 ] || echo "op_table_complete: all $(printf '%s\n' "$ops" | wc -l) ops have their rows"
exit "$status"
