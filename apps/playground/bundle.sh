#!/usr/bin/env bash
# Puts page/playground.html and all that it names into one file:   bash bundle.sh MODULE.wasm OUTPUT.html
# A line with a style sheet, a script or a part is replaced by its contents, `@module@` by the compressed module and
# `@sources@` by the ops' sources (sources.awk), as the page quotes them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
module=$1 output=$(realpath -m "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gzip -9 -n -c "$module" | base64 -w 0 >"$work/module"
cd "$here/../.."
awk -f "$here/sources.awk" core/ops/*.cpp core/tape.cpp apps/train/diagonal_gradient.cpp >"$work/sources"
cd "$here/page"
awk -v module="$work/module" -v sources="$work/sources" '
  function put(file, line) {
    if ((getline line < file) < 0) { print file ": cannot be read" > "/dev/stderr"; exit 1 }
    do { if (line !~ /sourceMappingURL=/) print line } while ((getline line < file) > 0)
    close(file)
  }
  function named(line) { match(line, /"[^"]+"/); return substr(line, RSTART + 1, RLENGTH - 2) }
  /^<!-- Template/ { next }
  /^<link rel="stylesheet"/ { sub(/ rel="stylesheet"/, ""); print "<style>"; put(named($0)); print "</style>"; next }
  /^<script src=/ { print "<script>"; put(named($0)); print "</script>"; next }
  /^<!-- part / { put(named($0)); next }
  /^@module@$/ { put(module); next }
  /^@sources@$/ { put(sources); next }
  /^@worker@$/ { put("worker.js"); next }
  { print }
' playground.html >"$work/page"
mv "$work/page" "$output"
