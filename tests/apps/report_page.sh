#!/usr/bin/env bash
# Looks at the report of `tare compare` in a real browser: report_page.py says at what.
#   bash tests/apps/report_page.sh [FOLDER FOR SCREENSHOTS]
# Installs Chromium if it is missing. The test run calls report_page.py where there is one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"

install_missing "${build_packages[@]}" gnuplot-nox chromium chromium-driver python3-selenium fonts-dejavu-core
build release tare
/usr/bin/python3 "$root/tests/apps/report_page.py" "$root/build/tare" "$@"
