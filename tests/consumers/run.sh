#!/usr/bin/env bash
# Builds the programs of this folder from outside, as others build theirs, and runs them: with Tare installed, as a part
# of their project, and through FetchContent; static and shared; for release, and for debugging with the sanitizers.
#   bash tests/consumers/run.sh [FOLDER]
#   bash tests/consumers/run.sh --built BUILD [OPTION OF cmake]...
# FOLDER keeps what is built. --built: only with the library that stands in a build folder already.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../apps/setup.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${1-}" = --built ]; then
  built=$(realpath "$2")
  shift 2
  folder=$work
else
  built=
  folder=$(realpath -m "${1:-$work}")
fi
install_missing "${build_packages[@]}"
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all"

# configure and build: SOURCE FOLDER [ARGUMENT]...
make() {
  local source=$1 build=$2
  shift 2
  quietly cmake -S "$source" -B "$build" -G Ninja ${TARE_CMAKE_ARGS-} "$@"
  quietly cmake --build "$build"
}

# Configures, builds and runs the programs: FOLDER [ARGUMENT]...
use() {
  make "$root/tests/consumers" "$@"
  quietly ctest --test-dir "$1" --output-on-failure -j "$(nproc)" --no-tests=error
}

if [ -n "$built" ]; then
  use "$folder/consumers" -Dtare_DIR="$built" "$@"
  exit
fi

count=0
for shared in OFF ON; do
  for kind in Release Debug; do
    flags=()
    if [ $kind = Debug ]; then flags=("-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1 $sanitizers"); fi
    name=$(echo "$kind-shared-$shared" | tr '[:upper:]' '[:lower:]')
    prefix=$folder/prefix-$name
    # Another folder for libraries than the usual one, and no program: what is asked for is what is there.
    make "$root" "$folder/tare-$name" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib64 \
      -DBUILD_SHARED_LIBS=$shared -DCMAKE_BUILD_TYPE=$kind "${flags[@]}" -DTARE_MARCH= -DTARE_HWCAPS= \
      -DTARE_BUILD_PROGRAM=OFF
    quietly cmake --install "$folder/tare-$name"
    test -d "$prefix/lib64/cmake/tare" || { say "nothing in $prefix/lib64"; exit 1; }
    for way in installed subdirectory fetch; do
      say "Tare $way, $name"
      use "$folder/$way-$name" -DTARE_WAY=$way -Dtare_DIR="$prefix/lib64/cmake/tare" \
        -DBUILD_SHARED_LIBS=$shared -DCMAKE_BUILD_TYPE=$kind "${flags[@]}"
      count=$((count + 1))
    done
    # By pkg-config, without CMake, and from the build folder.
    if command -v pkg-config >/dev/null && [ $kind = Release ]; then
      export PKG_CONFIG_PATH=$prefix/lib64/pkgconfig
      for library in tare tare_double; do
        # shellcheck disable=SC2046  # several arguments
        g++ -std=c++20 -O1 "$root/tests/consumers/own_headers/main.cpp" -o "$folder/by-pkg-config" \
          $(pkg-config --cflags --libs $library) -Wl,-rpath,"$prefix/lib64"
        "$folder/by-pkg-config"
      done
    fi
  done
done
# The core alone, for which Eigen and fmt are enough.
say "Tare without what reads and writes files"
missing=()
for package in PNG ZLIB nlohmann_json CLI11 CURL OpenSSL; do missing+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"); done
quietly cmake -S "$root/tests/consumers" -B "$folder/core-only" -G Ninja ${TARE_CMAKE_ARGS-} -DTARE_WAY=subdirectory \
  "${missing[@]}"
quietly cmake --build "$folder/core-only" --target core_only own_headers strict_tare
for program in core_only own_headers strict_tare; do "$folder/core-only/$program"; done
say "Tare was used in $((count + 1)) ways"
