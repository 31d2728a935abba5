#!/usr/bin/env bash
# Makes the Debian packages twice, in two folders, and compares them byte by byte; asks lintian; installs them in a clean
# root of this machine's Debian, and there trains, predicts, and builds the examples with what was installed. Needs
# root and a mirror of Debian.   bash tests/packages.sh [FOLDER]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

folder=$(realpath -m "${1:-$(mktemp -d)}")
if [ $# -eq 0 ]; then trap 'rm -rf "$folder"' EXIT; fi
install_missing "${build_packages[@]}" git dpkg-dev lintian debootstrap
cd "$root"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)  # the day of the last change
export SOURCE_DATE_EPOCH

for build in one another; do
  say "Making the packages in $build"
  # shellcheck disable=SC2086  # several arguments in one variable
  quietly cmake --preset package -B "$folder/$build" ${TARE_CMAKE_ARGS-}
  quietly cmake --build "$folder/$build"
  quietly cpack --config "$folder/$build/CPackConfig.cmake"
done
packages=("$folder"/one/packages/*.deb)
[ ${#packages[@]} -eq 4 ] || { say "expected 4 packages, found ${#packages[@]}"; exit 1; }
for package in "${packages[@]}"; do
  cmp "$package" "$folder/another/packages/$(basename "$package")"
done
say "Both times the same bytes: ${packages[*]##*/}"

say "Asking lintian"
lintian --allow-root --fail-on error --tag-display-limit 0 "${packages[@]}"

say "Installing them in a clean root"
clean=$folder/root
. /etc/os-release
mirror=$(sed -n -E 's/^deb (\[[^]]*\] )?(http[^ ]*) .*/\2/p; s/^URIs: *([^ ]*).*/\1/p' /etc/apt/sources.list \
  /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 || true)
quietly debootstrap --variant=minbase "$VERSION_CODENAME" "$clean" "${mirror:-http://deb.debian.org/debian}"
cp /etc/resolv.conf "$clean/etc/" 2>/dev/null || true
cp /etc/apt/apt.conf.d/* "$clean/etc/apt/apt.conf.d/" 2>/dev/null || true
mkdir "$clean/packages"
cp "${packages[@]}" "$clean/packages"
inside() { chroot "$clean" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive HOME=/root "$@"; }
quietly inside sh -c 'apt-get update && apt-get install -y --no-install-recommends /packages/*.deb'
inside tare train --data digits --steps 100 --quiet --threads 1 --save /model.safetensors
inside tare data make /digits >/dev/null
inside tare eval /model.safetensors --data /digits --json | grep -q test_accuracy
inside sh -c 'test -s /usr/share/man/man1/tare.1.gz && test -s /usr/share/bash-completion/completions/tare'

say "Building the examples there"
quietly inside apt-get install -y --no-install-recommends g++ cmake make pkg-config
inside sh -c '
  set -eu
  cp -r /usr/share/doc/tare-examples/examples /examples
  cmake -S /examples -B /examples/build >/log && cmake --build /examples/build >/log
  ctest --test-dir /examples/build --no-tests=error >/log || { cat /log; exit 1; }
  grep "tests passed" /log
  g++ -std=c++20 -O1 /examples/xor.cpp -o /xor $(pkg-config --cflags --libs tare) && /xor
  g++ -std=c++20 -O1 /examples/own_op.cpp -o /own_op $(pkg-config --cflags --libs tare_double) && /own_op
  apt-get remove -y tare libtare-dev libtare0.1 tare-examples >/log && ! ls -R /usr | grep -i libtare'
say "The packages work"
