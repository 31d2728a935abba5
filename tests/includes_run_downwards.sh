#!/bin/sh
# Fails, naming the lines, when a source includes something from a room that it must not know: what lies beside or
# above it.
#   sh tests/includes_run_downwards.sh SOURCE_ROOT
set -eu
cd "${1:?usage: includes_run_downwards.sh SOURCE_ROOT}"

# A room and the rooms that it may include, besides itself. A room is a folder without the folders inside it that are
# rooms.
rooms='
core/machine
core            core/machine
core/ops        core core/machine
core/tools      core core/machine core/ops
layers          core core/machine core/ops
layers/files    core core/machine core/ops layers
optim           core core/machine core/ops
optim/training  core core/machine core/ops core/tools layers layers/files optim datasets datasets/pictures
datasets/pictures   core/machine datasets
datasets/built_in   core/machine datasets datasets/pictures
datasets        core core/machine datasets/built_in datasets/pictures
apps/cli        core core/machine core/ops layers optim optim/training datasets datasets/built_in
apps/train      core core/machine core/ops core/tools layers layers/files optim optim/training datasets datasets/pictures apps/cli
apps/compare    core core/machine core/ops core/tools layers layers/files optim optim/training datasets apps/cli apps/train
apps/exhibits   core core/machine core/ops core/tools layers optim optim/training datasets apps/cli apps/train
apps/models     core core/machine core/ops layers layers/files optim/training datasets datasets/pictures apps/cli
apps/data       core/machine datasets datasets/built_in datasets/pictures apps/cli
apps/playground core core/machine core/ops core/tools layers layers/files optim/training datasets datasets/built_in datasets/pictures apps/exhibits apps/train
apps            core/machine layers/files apps/cli apps/train apps/compare apps/exhibits apps/models apps/data
'

files=$(find core layers optim datasets apps -name '*.h' -o -name '*.cpp')
[ -n "$files" ] || { echo "includes_run_downwards: found no sources" >&2; exit 1; }
# shellcheck disable=SC2086  # one argument a file
grep -nE '^ *# *include *("|<tare/)' $files | awk -v rooms="$rooms" '
  BEGIN {
    lines = split(rooms, line, "\n")
    for (i = 1; i <= lines; ++i) {
      fields = split(line[i], field, " ")
      if (fields == 0) continue
      known[field[1]] = 1
      for (j = 1; j <= fields; ++j) allowed[field[1], field[j]] = 1
    }
  }
  function room_of(file) {
    do { if (!sub("/[^/]*$", "", file)) return "" } while (!(file in known))
    return file
  }
  {
    split($0, part, ":")
    split($0, named, /["<>]/)
    from = room_of(part[1]); to = named[2]
    if (!sub("^tare/", "", to)) {
      printf "%s:%s: expected <tare/...>, found \"%s\"\n", part[1], part[2], to
      wrong = 1
      next
    }
    to = room_of(to)
    ++found[from]
    if ((from, to) in allowed) next
    printf "%s:%s: %s must not include %s\n", part[1], part[2], from, named[2]
    wrong = 1
  }
  END {
    for (room in known) if (!(room in found)) { printf "no includes in %s: has it moved?\n", room; wrong = 1 }
    exit wrong
  }' >&2
echo "includes_run_downwards: $(printf '%s\n' "$files" | wc -l) sources include only what lies below them"
