#!/bin/sh
# Trains small networks in many ways and compares digests of what they end with, which are in tests/digests.txt: the
# log (its first six columns), the model, the model folded, and what both score (precision, recall and losses follow
# from the rest, and the data's name is another everywhere). One seed must give one digest on every processor of a class: `fused`, those with fused multiply-add,
# or `separate`, those without.
#   sh tests/digests.sh CLASS PROGRAM...             PROGRAM may be an emulator and its arguments, too
#   sh tests/digests.sh --update CLASS PROGRAM...    writes what is found into tests/digests.txt
set -eu
usage='usage: digests.sh [--update] fused|separate PROGRAM...'
update=
if [ "${1-}" = --update ]; then update=yes; shift; fi
class=${1:?$usage}
[ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }
case $class in fused|separate) ;; *) echo "$usage" >&2; exit 2 ;; esac
shift
table=$(cd "$(dirname "$0")" && pwd)/digests.txt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

digest() { sha256sum | cut -c 1-16; }

# The first images of the built-in digits: NAME COUNT, and the count as four octal bytes.
first_images() {
  mkdir -p "$folder/digits"
  { printf '\0\0\010\003%b\0\0\0\034\0\0\0\034' "$3"; tail -c +17 "$folder/all/$1-images-idx3-ubyte" | head -c $(($2 * 784)); } \
    >"$folder/digits/$1-images-idx3-ubyte"
  { printf '\0\0\010\001%b' "$3"; tail -c +9 "$folder/all/$1-labels-idx1-ubyte" | head -c "$2"; } \
    >"$folder/digits/$1-labels-idx1-ubyte"
}
"$@" data make --quiet "$folder/all"
first_images train 1500 '\0\0\005\0334'
first_images t10k 301 '\0\0\001\0055'

# Runs the program, and shows its notices only if it fails.
run() {
  "$@" 2>"$folder/notices" || { cat "$folder/notices" >&2; return 1; }
}

# Prints the digest of what training with the options gives: OPTIONS PROGRAM...
trained() {
  options=$1
  shift
  case $options in
    "--data "*) data=${options#--data } data=${data%% *} ;;
    *) data=$folder/digits options="--data $data $options" ;;
  esac
  # shellcheck disable=SC2086  # several options
  run "$@" train $options --seed 7 --log-every 1 --log "$folder/log.csv" --save "$folder/model" >"$folder/summary"
  run "$@" eval "$folder/model" --data "$data" --json >"$folder/scores"
  case $options in
    *"--norm "*) : >"$folder/folded" ;;  # has no BatchNorm
    *)
      run "$@" fold "$folder/model" "$folder/folded" >"$folder/summary"
      run "$@" eval "$folder/folded" --data "$data" --json >>"$folder/scores"
      ;;
  esac
  { cut -d , -f 1-6 "$folder/log.csv"; cat "$folder/model" "$folder/folded"
    sed 's/"data":"[^"]*",//; s/"seconds":[^,]*,//; s/"precision":.*"confusions":/"confusions":/; s/,"loss":[^}]*//g' "$folder/scores"
  } | digest
}

checked=0 different=0
while read -r fused separate what; do
  case $fused in '#'*) echo "$fused $separate $what" >>"$folder/table"; continue ;; esac
  if [ "$what" = "the built-in digits" ]; then
    found=$(cat "$folder"/all/* | digest)
  else
    found=$(trained "$what" "$@")
  fi
  if [ "$class" = fused ]; then expected=$fused fused=$found; else expected=$separate separate=$found; fi
  echo "$fused $separate $what" >>"$folder/table"
  checked=$((checked + 1))
  if [ "$found" != "$expected" ]; then
    different=$((different + 1))
    echo "digests: $what: expected $expected, found $found" >&2
  fi
done <"$table"
if [ -n "$update" ]; then cp "$folder/table" "$table"; exit 0; fi
[ "$checked" -gt 0 ] || { echo "digests: $table has none" >&2; exit 1; }
echo "digests: $((checked - different)) of $checked are those of processors with multiply and add $class"
[ "$different" -eq 0 ]
