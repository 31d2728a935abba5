#!/usr/bin/env bash
# Draws the pictures of the book from docs/pictures/sources:   bash docs/pictures/draw.sh [NAME...]
# Graphviz draws the graphs, gnuplot the curves, whose numbers come from Tare (numbers.cpp). Installs what is missing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"
cd "$root/docs/pictures"

install_missing "${build_packages[@]}" graphviz gnuplot-nox
build release tare picture_numbers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

names=("$@")
if [ $# -eq 0 ]; then
  names=(step digits seven)
  for source in sources/*.dot sources/*.gp; do
    name=$(basename "${source%.*}")
    [ "$name" = style ] || names+=("$name")
  done
fi
for name in "${names[@]}"; do
  if [ "$name" = step ]; then
    "$root/build/tare" tape --norm none --hidden 2 --batch 2 --dot | dot -Tsvg -o step.svg
  elif [ "$name" = digits ]; then
    "$root/build/tare" data show digits --png digits.png >/dev/null
  elif [ "$name" = seven ]; then
    "$root/build/pictures/picture_numbers" seven
  elif [ -f "sources/$name.dot" ]; then
    dot -Tsvg "sources/$name.dot" -o "$name.svg"
  elif [ -f "sources/$name.gp" ]; then
    "$root/build/pictures/picture_numbers" "$name" >"$work/data" 2>/dev/null || true  # not all need numbers
    gnuplot --default-settings -e "data='$work/data'" sources/style.gp "sources/$name.gp" >"$work/picture.svg"
    mv "$work/picture.svg" "$name.svg"
  else
    say "there is no picture $name"
    exit 2
  fi
  say "docs/pictures/$name drawn"
done
