#!/usr/bin/env bash
# Builds the playground, one page that opens from disk:   bash apps/playground/build.sh
# Installs what is missing of Debian's packages, and leaves build-playground/playground.html.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

# The newest clang that has a C++ library for WebAssembly.
newest_clang() { apt-cache pkgnames libc++- | sed -n 's/^libc++-\([0-9]*\)-dev-wasm32$/\1/p' | sort -n | tail -1; }
if [ -z "${TARE_CLANG:-}" ]; then TARE_CLANG=$(newest_clang); fi
if [ -z "$TARE_CLANG" ]; then  # a machine that has not asked yet what there is
  quietly apt-get update
  TARE_CLANG=$(newest_clang)
fi
install_missing cmake ninja-build libeigen3-dev libfmt-dev nlohmann-json3-dev libsimde-dev libjs-dygraphs wasi-libc \
  "clang-$TARE_CLANG" "lld-$TARE_CLANG" "libc++-$TARE_CLANG-dev-wasm32" "libclang-rt-$TARE_CLANG-dev-wasm32"
say "Building the playground with clang $TARE_CLANG"
cd "$root/apps/playground"
quietly cmake --preset playground "-DTARE_CLANG=$TARE_CLANG"
quietly cmake --build "$root/build-playground/wasm"
bash bundle.sh "$root/build-playground/wasm/playground.wasm" "$root/build-playground/playground.html"
say "Open $root/build-playground/playground.html in a browser"
