#!/usr/bin/env bash
# Looks at every page of the website in a real browser, 400 and 1400 pixels wide, in light and in dark colours: nothing
# is wider than the page, every formula is set, every link and anchor leads somewhere, the console is empty, nothing
# comes from elsewhere.
#   bash tests/docs/site.sh [FOLDER FOR SCREENSHOTS]
# Builds the website, and installs Chromium if it is missing; not part of the test run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"

install_missing chromium chromium-driver python3-selenium fonts-dejavu-core
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bash "$root/docs/site.sh" "$folder/site"
/usr/bin/python3 "$root/tests/docs/site.py" "$folder/site" "$@"
