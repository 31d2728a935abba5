#!/usr/bin/env bash
# Installs what is missing, builds Tare and trains on MNIST:   bash apps/demo.sh [OPTIONS OF `tare train`]
# Works from any directory; relative paths among the options are the caller's.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

mirrors=(https://storage.googleapis.com/cvdf-datasets/mnist https://ossci-datasets.s3.amazonaws.com/mnist)
# The four original files (LeCun, Cortes, Burges) and their SHA-256.
mnist="
train-images-idx3-ubyte 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609
train-labels-idx1-ubyte 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c
t10k-images-idx3-ubyte 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6
t10k-labels-idx1-ubyte f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"

# Whether a folder has all four files, raw or compressed, under either of their usual names.
has_mnist() {
  local name hash
  while read -r name hash; do
    [ -z "$name" ] || [ -e "$1/$name" ] || [ -e "$1/$name.gz" ] || [ -e "$1/${name/-idx/.idx}" ] ||
      [ -e "$1/${name/-idx/.idx}.gz" ] || return 1
  done <<<"$mnist"
}

# Fetches all four files into a folder. A file gets its name only when its contents are right, so that an interrupted
# or intercepted download leaves nothing that looks like data.
fetch_mnist() {
  local name hash mirror
  mkdir -p "$1"
  while read -r name hash; do
    [ -n "$name" ] || continue
    for mirror in "${mirrors[@]}"; do
      say "Fetching $mirror/$name.gz"
      if curl --fail --silent --show-error --location --connect-timeout 10 --speed-limit 1000 --speed-time 20 \
        --output "$1/$name.gz.part" "$mirror/$name.gz"; then
        if echo "$hash  $1/$name.gz.part" | sha256sum --check --status; then
          mv "$1/$name.gz.part" "$1/$name.gz" && continue 2
        fi
        say "That is not the file it should be (its SHA-256 differs)."
      fi
    done
    rm -f "$1/$name.gz.part"
    return 1
  done <<<"$mnist"
}

fetch=yes
for option in "$@"; do
  case $option in --data | --data=* | -h | --help) fetch=no ;; esac
done
packages=("${build_packages[@]}")
for folder in "${TARE_DATA-}" "$root/data/mnist" "$root/../shared/mnist"; do  # the last: beside several checkouts
  if [ -n "$folder" ] && has_mnist "$folder"; then
    export TARE_DATA=$folder  # said by name, because the caller's directory may be another
    fetch=no
    break
  fi
done
if [ "$fetch" = yes ]; then packages+=(curl ca-certificates); fi

install_missing "${packages[@]}"
say "Building Tare"
build release tare_program
if [ "$fetch" = yes ]; then
  if fetch_mnist "$root/data/mnist"; then
    export TARE_DATA=$root/data/mnist
  else
    say "MNIST could not be fetched; training on the built-in digits."
  fi
fi
say "Training: tare train $*"
exec "$root/build/tare" train "$@"
