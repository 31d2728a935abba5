#!/usr/bin/env bash
# What bash and zsh complete after `tare`, and whether the manual is one:   bash tests/apps/completion.sh PROGRAM
set -euo pipefail
PATH=$(dirname "${1:?usage: completion.sh PROGRAM}"):$PATH
source <(tare help --bash)

# LINE, of which the last word is begun, and what is offered for it. As bash has it, = is a word of its own.
expect() {
  local line=$1 expected=$2
  read -r -a COMP_WORDS <<<"${line//=/ = }"
  if [[ $line == *[\ =] ]]; then COMP_WORDS+=(""); fi
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
expect 'tare train --norm ba' 'batch'
expect 'tare train --norm=' 'batch layer none'
expect 'tare train --hidden 3 --optimizer adam' 'adam adamw'
expect 'tare train --save mo' ''
expect 'tare data show --p' '--png'
expect 'tare eval model.safetensors --wo' '--worst'
expect 'tare eval mod' ''
commands=$(tare --help | sed -n '/^Commands/,/^$/ s/^  \([a-z][a-z]*\)  .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 11 ]
for command in $commands; do
  expect "tare $command" "$command"
done

# Every command's options stand in the manual.
manual=$(tare help --man)
for command in $commands; do
  for option in $(tare help "$command" | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
    grep -q -F -e "${option//-/\\-}" <<<"$manual" || { echo "manual: there is no $option" >&2; exit 1; }
  done
done
if command -v man >/dev/null; then
  complaints=$(tare help --man | man --warnings -l - 2>&1 >/dev/null)
  [ -z "$complaints" ] || { echo "manual: $complaints" >&2; exit 1; }
fi

# In zsh, typed into a terminal.
if command -v zsh >/dev/null; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  tare help --zsh >"$folder/_tare"
  cat >"$folder/type.zsh" <<'ZSH'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; PS1=''; bindkey '^I' complete-word"
zpty -w shell 'print READY'
zpty -r shell output '*READY*READY*'
zpty -w -n shell "$2"$'\t'
sleep 0.1
zpty -w -n shell $'\C-a: \n'  # what stands there is printed by nobody, and seen all the same
zpty -w shell 'print DONE'
zpty -r shell output '*DONE*DONE*'
print -r -- "$output"
ZSH
  for line in 'tare tra:train' 'tare data fe:fetch' 'tare train --checkpoint-e:--checkpoint-every' \
    'tare train --norm lay:layer'; do
    found=$(zsh -f "$folder/type.zsh" "$folder" "${line%%:*}" </dev/null)
    grep -q -F -e "${line#*:}" <<<"$found" || {
      echo "completion in zsh: \"${line%%:*}\": expected \"${line#*:}\", found \"$found\"" >&2
      exit 1
    }
  done
fi
echo "completion: all is offered that was expected"
