# Completion of connectctl for bash.

_connectctl()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local commands="status plugins flows runs show parked retry release discard
        tail alerts quarantine check reload"
    local options="--socket --json --no-colour --version --help"
    local command="" index

    for ((index = 1; index < COMP_CWORD; index++)); do
        case " $commands " in
        *[[:space:]]"${COMP_WORDS[index]}"[[:space:]]*)
            command=${COMP_WORDS[index]}
            break
            ;;
        esac
    done
    case $before in
    --socket | -s) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --state)
        COMPREPLY=($(compgen -W "queued ready active waiting held parked done
            discarded" -- "$word"))
        return
        ;;
    --reason | --flow | --limit | --before | --run | --lines) return ;;
    esac
    case $command in
    runs) options="$options --state --flow --limit --before" ;;
    show) options="$options --unmasked --full" ;;
    parked) options="$options --limit --before" ;;
    retry) options="$options --as-was" ;;
    discard) options="$options --reason" ;;
    tail) options="$options --run --lines" ;;
    quarantine) options="$options --unmasked --limit --before" ;;
    check) [[ $word != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return ;;
    "") [[ $word != -* ]] && options=$commands ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
}
complete -F _connectctl connectctl
