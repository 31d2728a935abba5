#!/usr/bin/env bash
# How fast a network trains in a web page: the playground against the same C++ compiled for the machine itself, and
# against TensorFlow.js in the same browser.   bash tests/bench/browser.sh [ROUNDS]
# Installs Chromium, and TensorFlow.js from npm by name. Its WebGL and WebGPU backends need a graphics card and are not
# measured.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"

install_missing "${build_packages[@]}" chromium chromium-driver python3-selenium npm
bash "$root/apps/playground/build.sh"
say "Building the same for this machine"
(cd "$root/apps/playground" && quietly cmake --preset native)
quietly cmake --build "$root/build-playground/native"
packages=$root/build-playground/npm
mkdir -p "$packages"
if [ ! -d "$packages/node_modules/@tensorflow/tfjs-backend-wasm" ]; then
  say "Installing TensorFlow.js"
  quietly npm install --prefix "$packages" --no-save --no-audit --no-fund @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
fi
/usr/bin/python3 "$root/tests/bench/browser.py" "$root/build-playground" "$@"
