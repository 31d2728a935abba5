#!/bin/sh
# Remakes the measured tables and figures of the book, those that are named or all, and prints what moved.
#
#   sh docs/figures.sh [--work FOLDER] [NAME...]    all takes about half an hour on two cores
#   sh docs/figures.sh --list                       the names, and what each takes
#   sh docs/figures.sh --check                      whether every figure has its place in the book
#
# Needs MNIST, found as `tare train` finds it. TARE names the program, build/tare if it is not set. Comparisons are kept
# in FOLDER (build/figures), so that a remaking that was interrupted goes on. The tables of docs/appendices/speed.md are
# remade only when they are named, as they need a machine that does nothing else.
set -eu
case ${1-} in
-h | --help)
  sed -n '2,/^set/{/^#/{s/^# \{0,1\}//;p;}}' "$0"
  exit 0
  ;;
esac
exec python3 "$(dirname "$0")/figures/figures.py" "$@"
