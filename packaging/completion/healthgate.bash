# bash completion for healthgate(8). Commands and options are asked of the program itself, gates of the daemon.

# Prints the commands, one a line.
_healthgate_commands() { "$1" --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'; }

# Prints the options of a command, those that take a value with a `=` at their end; of `--gate.NAME.KEY=VALUE` what comes
# before the first word that only stands for another.
_healthgate_options() {
  "$1" "$2" --help 2>/dev/null | awk '/^  (-.,|   ) --[a-z]/ {
    for (i = 1; i <= 2; i++) if ($i ~ /^--/) {
      takes_value = $(i + 1) ~ /^[A-Z]+$|\|/
      placeholder = sub(/[A-Z].*/, "", $i)
      print $i (takes_value && !placeholder ? "=" : "")
    }
  }'
}

# Prints the gates of the daemon that the words so far mean.
_healthgate_gates() {
  "$@" 2>/dev/null | sed -n 's/^\([a-z][a-z0-9_]*\)  *[A-Z][A-Z ]*  *port .*/\1/p'
}

_healthgate() {
  local program=${COMP_WORDS[0]} current previous words command word
  local -a where=()
  COMPREPLY=()
  # `=` and `:` end words for bash; here they do not
  words=${COMP_LINE:0:COMP_POINT}
  current=${words##* }
  read -ra words <<<"$words"
  command=${words[1]:-}
  if [ "$current" = "$command" ] || [ -z "$command" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_healthgate_commands "$program") --help --version" -- "$current")
    return
  fi
  previous=${words[-1]}
  if [ -n "$current" ]; then previous=${words[-2]}; fi
  case "$previous $current" in
    "-c "* | "--config "* | "--control "*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    *" --config="* | *" --control="*) mapfile -t COMPREPLY < <(compgen -f -- "${current#*=}") ;;
    "--state "* | *" --state="*) mapfile -t COMPREPLY < <(compgen -W 'open closed' -- "${current#--state=}") ;;
    "--for "* | *" --for="*) mapfile -t COMPREPLY < <(compgen -W '5m 30m 2h 12h' -- "${current#--for=}") ;;
    "--reason "* | *" --reason="*) ;;
    *" -"*)
      mapfile -t COMPREPLY < <(compgen -W "$(_healthgate_options "$program" "$command")" -- "$current")
      if [[ ${COMPREPLY[0]:-} == *[=.] ]]; then compopt -o nospace 2>/dev/null; fi
      ;;
    *)
      for word in "${!words[@]}"; do
        case ${words[word]} in
          -c | --config | --control) where+=("${words[word]}" "${words[word + 1]:-}") ;;
          --config=* | --control=*) where+=("${words[word]}") ;;
        esac
      done
      if "$program" "$command" --help 2>/dev/null | grep -q '^usage:.*GATE'; then
        mapfile -t COMPREPLY < <(compgen -W "$(_healthgate_gates "$program" status "${where[@]}")" -- "$current")
      fi
      ;;
  esac
}
complete -o default -F _healthgate healthgate
