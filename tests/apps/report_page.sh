#!/usr/bin/env bash
# Looks at the report of `tare compare` in a real browser, 400 and 1400 pixels wide: every plot is visible, nothing
# overflows, the console is empty, nothing is fetched.
#   bash tests/apps/report_page.sh [REPORT.html [FOLDER FOR SCREENSHOTS]]
# Without arguments it makes a small comparison of its own. Installs Chromium if it is missing; not part of the test
# run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"

install_missing "${build_packages[@]}" gnuplot-nox chromium chromium-driver python3-selenium fonts-dejavu-core
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
report=${1-}
if [ -z "$report" ]; then
  build release tare
  "$root/build/tare" compare --out "$folder/comparison" --steps 60 --eval-every 20 --seeds 2 --quiet >/dev/null
  report=$folder/comparison/report.html
fi
/usr/bin/python3 "$root/tests/apps/report_page.py" "$report" "${2:-$folder}"
