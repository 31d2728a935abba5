#!/usr/bin/env bash
# Builds Tare on an x86-64 for several processors with several compilers and checks on each that one seed gives one
# result: the digests of tests/digests.txt, and on those that are no x86-64 also the tests of core and layers.
#   bash tests/machines.sh [NAME]...     the names that this prints; all if none is given
# Foreign are arm64, i386 with SSE2 and s390x, which is big-endian. Their compilers and an emulator, qemu-user, are
# Debian packages; the libraries for them are unpacked in build-machines. It takes about an hour on two cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

folder=$root/build-machines
wanted=("$@")
checked=0 failed=0
cd "$root"

# machine NAME CLASS RUNNER CMAKE_ARGUMENT...
machine() {
  local name=$1 class=$2 runner=$3 build=$folder/$1 test tests=() outcome
  shift 3
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
  if [ -n "$runner" ]; then tests=(core_test core_float_test layers_test); fi
  say "$name: building"
  quietly cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Any -DTARE_MARCH= "$@"
  quietly cmake --build "$build" --target tare "${tests[@]}"
  say "$name: checking"
  # shellcheck disable=SC2086  # the runner is several words
  if outcome=$(sh tests/digests.sh "$class" $runner "$build/tare"); then :; else failed=1 outcome="$outcome: WRONG"; fi
  for test in "${tests[@]}"; do
    # shellcheck disable=SC2086
    if quietly $runner "$build/tests/$test"; then outcome="$outcome; $test passed"; else failed=1 outcome="$outcome; $test FAILED"; fi
  done
  say "$name: ${outcome#digests: }"
  checked=$((checked + 1))
}

# foreign NAME CLASS DEBIAN_ARCHITECTURE TRIPLE PROCESSOR RUNNER FLAGS
foreign() {
  local sysroot=$folder/libraries-$3
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $1 "* ]]; then return; fi
  install_missing qemu-user "g++-$4"
  unpack_libraries "$3" "$sysroot"
  machine "$1" "$2" "$6" "-DCMAKE_CXX_FLAGS_ANY=$7 -DNDEBUG" -DCMAKE_CXX_COMPILER="$4-g++" \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$5" -DCMAKE_LIBRARY_ARCHITECTURE="${4/i686/i386}" \
    "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags,-rpath,$sysroot/lib/${4/i686/i386}" \
    -DCMAKE_FIND_ROOT_PATH="$sysroot" -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY \
    -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY
}

# unpack_libraries DEBIAN_ARCHITECTURE FOLDER: without installing them, as apt would take them for this machine's.
unpack_libraries() {
  local lists=$folder/lists package
  if [ -e "$2/complete" ]; then return; fi
  mkdir -p "$lists/partial" "$2/packages"
  local apt=(apt-get -q -o "Dir::State::lists=$lists" -o APT::Architectures::="$(dpkg --print-architecture)"
    -o APT::Architectures::="$1" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  "${apt[@]}" update >/dev/null 2>&1 || true  # one list of several may be missing; what is needed is asked for below
  # With what libcurl needs itself, but for what comes with the compiler.
  mapfile -t curl < <(apt-cache "${apt[@]:1}" --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} \
    depends "libcurl4:$1" | grep -E "^[a-z].*:$1\$" | grep -vE '^(libc6|libgcc-s1|gcc-.*-base|libcrypt1|debconf.*):')
  (cd "$2/packages" && quietly "${apt[@]}" download \
    {libfmt9,libfmt-dev,zlib1g,zlib1g-dev,libpng16-16,libpng-dev,libcurl4-openssl-dev,libssl-dev}:"$1" "${curl[@]}" \
    libeigen3-dev libcli11-dev nlohmann-json3-dev doctest-dev)
  for package in "$2"/packages/*.deb; do dpkg -x "$package" "$2"; done
  touch "$2/complete"
}

install_missing "${build_packages[@]}" clang
machine x86-64-v3-g++-O1 fused "" "-DCMAKE_CXX_FLAGS_ANY=-O1 -DNDEBUG" -DTARE_MARCH=x86-64-v3
machine x86-64-v3-clang-O3 fused "" "-DCMAKE_CXX_FLAGS_ANY=-O3 -DNDEBUG" -DTARE_MARCH=x86-64-v3 \
  -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
if grep -q avx512vl /proc/cpuinfo; then
  machine x86-64-v4-g++-O3 fused "" "-DCMAKE_CXX_FLAGS_ANY=-O3 -DNDEBUG" -DTARE_MARCH=x86-64-v4
else
  say "x86-64-v4-g++-O3: left out, this processor has no AVX-512"
fi
machine x86-64-g++-O2 separate "" "-DCMAKE_CXX_FLAGS_ANY=-O2 -DNDEBUG"
foreign arm64-g++-O2 fused arm64 aarch64-linux-gnu aarch64 "qemu-aarch64 -L /usr/aarch64-linux-gnu" -O2
# An x86-64 processor runs programs for i386 itself.
foreign i386-g++-O2 separate i386 i686-linux-gnu i386 \
  "/usr/i686-linux-gnu/lib/ld-linux.so.2 --library-path /usr/i686-linux-gnu/lib" "-O2 -msse2 -mfpmath=sse"
foreign s390x-g++-O1 separate s390x s390x-linux-gnu s390x "qemu-s390x -L /usr/s390x-linux-gnu" -O1

if [ "$checked" -eq 0 ]; then say "no machine is called ${wanted[*]}"; exit 1; fi
exit "$failed"
