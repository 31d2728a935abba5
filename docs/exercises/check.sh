#!/usr/bin/env bash
# Checks your answers to the exercises of the book.
#
#   bash docs/exercises/check.sh                  what is solved, and the first exercise that is not
#   bash docs/exercises/check.sh 3                builds docs/exercises/03-*/exercise.cpp and checks it
#   bash docs/exercises/check.sh 3 --hint         a hint
#   bash docs/exercises/check.sh 3 --solution     a solution
#
# Exit: 0 if all that was checked is solved, 1 if not, 2 for a wrong command. $TARE_BUILD names another build folder.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"
exercises=$root/docs/exercises
folder=${TARE_BUILD:-$root/build}

usage() {
  echo "check.sh: $1; try: bash docs/exercises/check.sh [NUMBER [--hint | --solution]]" >&2
  exit 2
}

# The folder of exercise $1: 3, 03 or 03-matmul.
find_exercise() {
  local found
  if [ -f "$exercises/$1/check.cpp" ]; then
    basename "$1"
    return
  fi
  [[ $1 =~ ^[0-9]{1,2}$ ]] || usage "expected the number of an exercise, found '$1'"
  found=$(compgen -G "$exercises/$(printf '%02d' "$((10#$1))")-*/" || true)
  [ -n "$found" ] || usage "there is no exercise $((10#$1))"
  basename "$found"
}

# Once: the library, and all that makes compiling an exercise quick.
prepare() {
  if [ ! -e "$folder/exercises/prelude.h.gch" ]; then
    install_missing "${build_packages[@]}"
    say "Building what the exercises need, once"
  fi
  [ -x "$folder/exercises/compile" ] || quietly cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release
  quietly cmake --build "$folder" --target exercise_tools
}

# Compiles and checks the file $2 of exercise $1. Says what came of it; 0 if it is solved.
check() {
  local exercise=$1 source=$2 work status=0
  work=$(mktemp -d)
  if ! "$folder/exercises/compile" "$source" "$exercises/$exercise/check.cpp" "$work/check" 2>"$work/errors"; then
    echo "Not yet. It does not compile:"
    # What it says of the reader's file first.
    grep -m 6 -A 2 -E "$(basename "$source").*(error:|required from here)" "$work/errors" ||
      grep -m 5 -A 3 'error:' "$work/errors" || head -n 20 "$work/errors"
    rm -rf "$work"
    return 1
  fi
  # An inner shell, so that what is said of a program that was aborted goes to the errors.
  sh -c 'timeout 30 "$0"; exit $?' "$work/check" >"$work/said" 2>"$work/errors" || status=$?
  cat "$work/said"
  case $status in
    0 | 1) ;;
    124) echo "Not yet. It was still running after 30 seconds: does a loop ever end?" ;;
    134)
      echo "Not yet. An index is out of range, or two shapes do not fit:"
      grep -o -m 1 'Assertion.*' "$work/errors" || true
      ;;
    *) echo "Not yet. The program was ended by signal $((status - 128)). Was memory read that is not there?" ;;
  esac
  rm -rf "$work"
  [ "$status" -eq 0 ]
}

names=()
for path in "$exercises"/[0-9][0-9]-*/; do names+=("$(basename "$path")"); done

next_steps() {
  echo
  echo "Task      docs/exercises/$1/README.md"
  echo "Your file docs/exercises/$1/exercise.cpp"
  echo "A hint    bash docs/exercises/check.sh $((10#${1%%-*})) --hint"
}

case $# in
  0)
    prepare
    answers=$(mktemp -d)
    trap 'rm -rf "$answers"' EXIT
    export -f check
    export folder exercises answers
    # As many at once as there are cores.
    # shellcheck disable=SC2016  # the inner shell expands it
    printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I NAME bash -c \
      'check NAME "$exercises/NAME/exercise.cpp" >"$answers/NAME" && touch "$answers/NAME.solved" || true'
    solved=0 first=
    for name in "${names[@]}"; do
      if [ -e "$answers/$name.solved" ]; then
        echo "$name: solved"
        solved=$((solved + 1))
      else
        echo "$name"
        first=${first:-$name}
      fi
    done
    echo
    echo "$solved of ${#names[@]} are solved."
    [ -n "$first" ] || exit 0
    echo "Next is $first:"
    cat "$answers/$first"
    next_steps "$first"
    exit 1
    ;;
  1)
    case $1 in
      -h | --help)
        sed -n '2,/^set/{/^#/{s/^# \{0,1\}//;p}}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    esac
    name=$(find_exercise "$1")
    prepare
    if ! check "$name" "$exercises/$name/exercise.cpp"; then
      next_steps "$name"
      exit 1
    fi
    ;;
  2)
    name=$(find_exercise "$1")
    case $2 in
      --hint) cat "$exercises/$name/hint.md" ;;
      --solution) cat "$exercises/$name/solution.cpp" ;;
      *) usage "expected --hint or --solution, found '$2'" ;;
    esac
    ;;
  *) usage "expected at most a number and an option" ;;
esac
