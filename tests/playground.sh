#!/usr/bin/env bash
# Builds the playground and plays with it in real Chromium, opened from disk: tests/apps/playground_page.py says how.
#   bash tests/playground.sh [FOLDER FOR SCREENSHOTS]
# Installs what is missing of Debian's packages. It is no part of the test run: compilers for web pages are large.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

install_missing "${build_packages[@]}" chromium chromium-driver python3-selenium fonts-dejavu-core
bash "$root/apps/playground/build.sh"
say "Building the same C++ for this machine, and tare"
(cd "$root/apps/playground" && quietly cmake --preset native)
quietly cmake --build "$root/build-playground/native"
build release tare
/usr/bin/python3 "$root/tests/apps/playground_page.py" "$root/build-playground" "$root/build/tare" "$@"
