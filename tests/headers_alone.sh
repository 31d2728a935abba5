#!/bin/sh
# Compiles every public header alone, with warnings that a program may have switched on, and fails, naming it, if that
# fails.   sh tests/headers_alone.sh FOLDER_WITH_TARE COMPILER [ARGUMENT]...
set -eu
include=${1:?usage: headers_alone.sh FOLDER_WITH_TARE COMPILER [ARGUMENT]...}
shift
headers=$(sed -n 's/^#include <\(.*\)>$/\1/p' "$include/tare/tare.h")
[ -n "$headers" ] || { echo "headers_alone: tare.h includes no headers" >&2; exit 1; }
export include
for header in $headers tare/tare.h; do printf '%s\n' "$header"; done | xargs -P "$(nproc)" -I HEADER sh -c '
  header=$1
  shift
  if output=$(printf "#include <%s>\n#include <%s>\n" "$header" "$header" | "$@" -std=c++20 -I "$include" \
      -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only -x c++ - 2>&1); then
    exit 0
  fi
  printf "headers_alone: %s: %s\n" "$header" "$(printf "%s" "$output" | grep -m 1 error)" >&2
  exit 1' sh HEADER "$@" || exit 1
echo "headers_alone: $(printf '%s\n' $headers | wc -l) headers compile alone"
