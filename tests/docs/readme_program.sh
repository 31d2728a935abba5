#!/bin/sh
# Runs the README's program on MNIST and expects 97 % or more of the test images to be recognized.
set -eu
program=${1:?usage: readme_program.sh PROGRAM}
[ -n "${TARE_DATA-}" ] && [ -d "$TARE_DATA" ] || { echo "skipped: TARE_DATA names no folder with MNIST"; exit 77; }
output=$("$program" "$TARE_DATA")
echo "$output"
[ "${output%% *}" -ge 9700 ]
