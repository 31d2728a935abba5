# Completion for tare in bash: commands, and each command's options, as --help lists them.
_tare() {
  local word=${COMP_WORDS[COMP_CWORD]} i words
  local -a command=()
  # The command, and of `tare data` the second one.
  for ((i = 1; i < COMP_CWORD && i <= 2; ++i)); do
    [[ ${COMP_WORDS[i]} == -* ]] && break
    [[ $i -eq 2 && ${COMP_WORDS[1]} != data ]] && break
    command+=("${COMP_WORDS[i]}")
  done
  if [[ $word == -* ]]; then
    words=$(tare "${command[@]}" --help 2>/dev/null | grep -o -E -e '^ *(-h,)?--[a-z][a-z-]*' | grep -o -e '--.*')
  else
    words=$(tare "${command[@]}" --help 2>/dev/null | sed -n '/^Subcommands:/,$ s/^  \([a-z][a-z]*\)  .*/\1/p')
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _tare tare  # files, where there is nothing else to say
