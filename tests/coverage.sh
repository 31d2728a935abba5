#!/usr/bin/env bash
# Which lines of core, layers, optim and datasets the tests run:   bash tests/coverage.sh
# Ends with an error below 95 %. The lines that never run are listed in build-coverage/uncovered.txt.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

install_missing "${build_packages[@]}" gcovr
say "Building with counters"
build coverage
cd "$root"
find build-coverage -name '*.gcda' -delete
# Tests kill programs and take the disk's room from them; what their counters suffer is not for the stderr that is
# tested.
export GCOV_ERROR_FILE=$root/build-coverage/gcov.log
ctest --preset coverage -j 2 --no-tests=error
gcovr --root . --filter '(core|layers|optim|datasets)/' --exclude-throw-branches --txt build-coverage/uncovered.txt \
  --print-summary --fail-under-line 95 build-coverage
