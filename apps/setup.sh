# What the scripts share: saying what happens, installing what is missing, building. To be sourced.
# shellcheck shell=bash disable=SC2034  # what the others use
set -euo pipefail

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")  # the checkout

# One list for building and for testing, so that every script configures the same build folder in the same way.
build_packages=(
  g++ cmake ninja-build libeigen3-dev libfmt-dev zlib1g-dev libpng-dev libcli11-dev nlohmann-json3-dev doctest-dev
  libcurl4-openssl-dev libssl-dev ca-certificates libjs-dygraphs gnuplot-nox
)

# On stderr: stdout belongs to the program's results.
say() { echo "==> $*" >&2; }

# Runs a command and shows its output only if it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    cat "$log" >&2
    say "failed, exit $status: $*"
  fi
  rm -f "$log"
  return "$status"
}

# Installs those of the given Debian packages that are missing. Quick and silent if none is.
install_missing() {
  local package missing=() as_root=()
  if ! command -v dpkg-query >/dev/null; then
    say "Not a Debian system: going on without installing anything. Needed are what Debian calls $*."
    return 0
  fi
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then missing+=("$package"); fi
  done
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "These Debian packages are missing: ${missing[*]}"
      say "Installing them takes root or sudo, and there is neither. As root: apt-get install ${missing[*]}"
      return 1
    fi
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  quietly "${as_root[@]}" apt-get update
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# The tests that need MNIST find it through TARE_DATA: in the checkout, or in a copy kept beside it for several
# checkouts.
find_mnist() {
  local folder
  for folder in "${TARE_DATA-}" "$root/data/mnist" "$root/../shared/mnist"; do
    if compgen -G "$folder/train-images*" >/dev/null; then
      TARE_DATA=$(realpath "$folder")  # tests run in folders of their own
      export TARE_DATA
      return
    fi
  done
}

# Configures a preset and builds it, or only the targets named after it. $TARE_CMAKE_ARGS go to the configuration. A
# subshell, because CMake looks for presets in the current directory and the caller keeps its own.
build() (
  preset=$1
  shift
  command=(cmake --build --preset "$preset" ${1:+--target "$@"})
  cd "$root"
  # shellcheck disable=SC2086  # several arguments in one variable
  quietly cmake --preset "$preset" ${TARE_CMAKE_ARGS-}
  # A terminal gets ninja's own progress, which stays on one line.
  if [ -t 2 ]; then "${command[@]}" >&2; else quietly "${command[@]}"; fi
)
