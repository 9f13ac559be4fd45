#!/bin/sh
# Includes in core/ point one way, and some rooms are kept free of some headers.
#
#   include-direction.sh <source directory>
set -u
core=$1/core
failed=0

complain() {
    echo "$1"
    failed=1
}

# A room, and the rooms it may include.
below=
for room in base config store net plugin flow daemon admin; do
    below="$below $room"
    for file in "$core/$room"/*.[ch]; do
        [ -f "$file" ] || continue
        for other in $(sed -n 's/^# *include "\([a-z_]*\)\/.*/\1/p' "$file" |
            sort -u); do
            case " $below " in
            *" $other "*) ;;
            *) complain "${file#"$1"/}: $room must not include $other" ;;
            esac
        done
    done
done

# forbid <room> <pattern> <reason>
forbid() {
    for file in "$core/$1"/*.[ch]; do
        [ -f "$file" ] || continue
        if grep -qE "^# *include [<\"]($2)" "$file"; then
            complain "${file#"$1"/}: $3"
        fi
    done
}
forbid flow 'uv\.h|curl/|sqlite3|pthread|threads\.h|stdatomic' \
    'core/flow is a state machine: no loop, network, store or thread header'
for room in base config net plugin flow daemon admin ctl; do
    forbid $room 'sqlite3' 'SQL stays in core/store'
done
forbid ctl '(store|net|plugin|flow|daemon|admin)/' \
    'connectctl knows the admin API only'

# Plugins and what is shipped to their authors see the contract and the kit,
# never the core.  The simulators may use core/base.
for file in $(find "$1/plugins" "$1/sdk" "$1/tests/kit" -name '*.[ch]' \
    -not -path '*/sandbox/*' 2>/dev/null); do
    if grep -qE '^# *include "(base|config|store|net|plugin|flow|daemon|admin)/' \
        "$file"; then
        complain "${file#"$1"/}: must not include the core"
    fi
done
exit $failed
