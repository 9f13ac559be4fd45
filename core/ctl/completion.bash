# Completion of connectctl for bash.

_connectctl()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local commands="status doctor plugins flows runs show parked reasons retry
        diff edit settle replay release discard tail alerts quarantine check
        backup reload"
    local options="--socket --json --no-colour --version --help"
    local filter="--state --flow --code --contains --instance --type --key"
    local many="--all --yes $filter" page="--limit --before"
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
    --socket | -s | --config | --file)
        COMPREPLY=($(compgen -f -- "$word"))
        return
        ;;
    --state)
        COMPREPLY=($(compgen -W "queued ready active waiting held parked done
            discarded" -- "$word"))
        return
        ;;
    --reason | --flow | --limit | --before | --run | --lines | --code | \
        --contains | --instance | --type | --key | --step | --reference)
        return
        ;;
    esac
    case $command in
    doctor) options="$options --config" ;;
    runs | parked) options="$options $filter $page" ;;
    show) options="$options --unmasked --full" ;;
    retry) options="$options --as-was --unmasked $many" ;;
    diff) options="$options --unmasked" ;;
    edit) options="$options --reason --step --file --yes" ;;
    settle) options="$options --happened --absent --reference --reason" ;;
    replay) options="$options --shadow --unmasked --reason" ;;
    release) options="$options $many" ;;
    discard) options="$options --reason $many" ;;
    tail) options="$options --run --lines" ;;
    alerts) options="$options ack --all" ;;
    quarantine)
        options="$options replay discard --unmasked --instance --reason $page"
        ;;
    check) [[ $word != -* ]] && COMPREPLY=($(compgen -f -- "$word")) && return ;;
    backup)
        [[ $word != -* ]] && COMPREPLY=($(compgen -d -- "$word")) && return
        ;;
    "") [[ $word != -* ]] && options=$commands ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
}
complete -F _connectctl connectctl
