#!/usr/bin/env bash
# What bash completes after `tare`:   bash tests/apps/completion.sh PROGRAM SOURCE_ROOT
set -euo pipefail
PATH=$(dirname "${1:?usage: completion.sh PROGRAM SOURCE_ROOT}"):$PATH
source "${2:?}/apps/packages/tare.bash"

# LINE, of which the last word is begun, and what is offered for it.
expect() {
  local line=$1 expected=$2
  read -r -a COMP_WORDS <<<"$line"
  if [[ $line == *' ' ]]; then COMP_WORDS+=(""); fi
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _tare
  if [ "${COMPREPLY[*]}" != "$expected" ]; then
    echo "completion: \"$line\": expected \"$expected\", found \"${COMPREPLY[*]}\"" >&2
    exit 1
  fi
}

expect 'tare t' 'train tape'
expect 'tare --v' '--version'
expect 'tare data ' 'make fetch show'
expect 'tare data m' 'make'
expect 'tare train --ch' '--checkpoint --checkpoint-every'
expect 'tare train --norm ba' ''
expect 'tare data show --p' '--png'
expect 'tare eval model.safetensors --wo' '--worst'
for command in train eval predict cancel gradcheck compare tape bench fold data; do
  expect "tare $command" "$command"
done
echo "completion: all is offered that was expected"
