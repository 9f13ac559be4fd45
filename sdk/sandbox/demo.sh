#!/bin/bash
# demo.sh - the main job on your own machine: a deal won in a simulated Streak
# becomes a sales order in a simulated SYSPRO.
#
#   demo.sh          shows the story, then stays up until Ctrl-C
#   demo.sh --once   shows the story; exit 0 and the order number as the last
#                    word when the deal carries it
set -u
umask 022 # the daemon refuses plugins that others may write

usage() {
    cat <<'END'
usage: demo.sh [--once] [--help]

Installs what is missing (Debian 12, as root), builds into build/, starts the two
simulators and connectd on free ports of the loopback address, and moves a deal
to Closed-Won.  Without --once everything stays up for you to try, until Ctrl-C.
END
}

once=
case "${1:-}" in
'') ;;
--once) once=1 ;;
--help | -h)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 2
    ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/build
work=$(mktemp -d "${TMPDIR:-/tmp}/connect-demo.XXXXXX")
pids=

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\033[1m' dim=$'\033[2m' green=$'\033[32m' red=$'\033[31m' plain=$'\033[0m'
else
    bold= dim= green= red= plain=
fi
step() { printf '%s\n' "${bold}==>${plain} $*"; }
said() { printf '    %s\n' "$*"; }

# Everything that was started ends, the daemon first; nothing stays behind.
clean() {
    trap - EXIT INT TERM
    for pid in $pids; do
        kill "$pid" 2>/dev/null
    done
    for pid in $pids; do
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}

fail() {
    printf '%s\n' "${red}demo: $1${plain}" >&2
    [ -n "${2:-}" ] && [ -s "$2" ] && {
        echo "the last lines of $(basename "$2"):" >&2
        tail -n 15 "$2" >&2
    }
    clean
    exit 1
}
trap 'clean; exit 130' INT TERM
trap clean EXIT

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local seconds=$1 what=$2
    shift 2
    for _ in $(seq $((seconds * 10))); do
        "$@" && return 0
        sleep 0.1
    done
    fail "waited $seconds s for $what" "$work/connectd.log"
}

step "Preparing"
"$here/packages.sh" build || fail "packages are missing (see above)"
if [ ! -f "$build/CMakeCache.txt" ]; then
    cmake -G Ninja -S "$root" -B "$build" -DCONNECT_TESTS=OFF \
        >"$work/cmake.log" 2>&1 || fail "cmake failed" "$work/cmake.log"
fi
cmake --build "$build" >"$work/build.log" 2>&1 ||
    fail "the build failed" "$work/build.log"

connectd=$build/core/connectd
ctl=$build/core/ctl/connectctl

get() { curl -sf --max-time 5 "$@"; }
put() { curl -sf --max-time 5 -H 'Content-Type: application/json' -d "$2" "$1"; }

# Start a program that writes its port to a file.
start() {
    local name=$1
    shift
    "$@" --port-file "$work/$name.port" >"$work/$name.log" 2>&1 &
    pids="$! $pids"
    wait_for 15 "$name to listen" test -s "$work/$name.port"
    [ -s "$work/$name.port" ] || fail "$name did not start" "$work/$name.log"
}

step "Starting the simulators"
start streak-sim "$build/sdk/sandbox/streak-sim" --port 0
start syspro-sim "$build/sdk/sandbox/syspro-sim" --port 0
streak=http://127.0.0.1:$(cat "$work/streak-sim.port")
syspro=http://127.0.0.1:$(cat "$work/syspro-sim.port")
said "Streak at $streak, SYSPRO at $syspro"

world=$(get "$streak/_sim/world") || fail "the Streak simulator does not answer"
pipeline=$(printf '%s' "$world" |
    sed -n 's/.*"name":"Sales","key":"\([^"]*\)".*/\1/p')
[ -n "$pipeline" ] || fail "no pipeline Sales in the Streak simulator"

# A port that nobody listens on; the address must be known to Streak, so the
# kernel cannot choose it at the last moment.
free_port() {
    local port
    for _ in $(seq 50); do
        port=$((12000 + RANDOM % 20000)) # below those the kernel gives out
        (: </dev/tcp/127.0.0.1/$port) 2>/dev/null || {
            echo $port
            return
        }
    done
}
port=$(free_port)

step "Starting connectd"
mkdir -m 700 "$work/data" "$work/secrets"
secret() { (umask 077 && printf '%s' "$2" >"$work/secrets/$1"); }
random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
secret streak.key sandbox-streak-key
secret streak.token "$(random)"
secret streak.path "$(random)"
secret syspro.password 's3cret+1'
cp -r "$root/config/records" "$root/config/flows" "$work/"
configure() {
    sed -e "s|http://127.0.0.1:8081/|$streak/|" \
        -e "s|http://127.0.0.1:8082/|$syspro/|" \
        -e "s|\"public_address\": \"[^\"]*\"|\"public_address\": \"http://127.0.0.1:$port\"|" \
        -e "s|\"port\": 8080|\"port\": $port|" \
        -e "s|/run/connect/admin.sock|$work/admin.sock|" \
        -e "s|/var/lib/connect|$work/data|" \
        -e "s|\"records\": \"records\"|\"records\": \"records\", \"plugins\": \"$build/plugins\"|" \
        -e "s|PIPELINE_KEY|$pipeline|" \
        "$root/config/connect.json" >"$work/connect.json"
}
configure
"$connectd" --check "$work/connect.json" >"$work/check.log" 2>&1 ||
    fail "the configuration has mistakes" "$work/check.log"
# Somebody may take the port between looking and listening: then another one.
for _ in 1 2 3 4 5; do
    "$connectd" --port-file "$work/connectd.port" "$work/connect.json" \
        >"$work/connectd.log" 2>&1 &
    daemon=$!
    for _ in $(seq 150); do
        [ -s "$work/connectd.port" ] && break 2
        kill -0 $daemon 2>/dev/null || break
        sleep 0.1
    done
    grep -q 'address already in use' "$work/connectd.log" ||
        fail "connectd did not start" "$work/connectd.log"
    port=$(free_port)
    configure
done
[ -s "$work/connectd.port" ] || fail "no port is free" "$work/connectd.log"
pids="$daemon $pids"
export CONNECT_SOCKET=$work/admin.sock
said "webhooks at http://127.0.0.1:$port/in/streak/..., people: connectctl"

registered() {
    [ "$(get -u sandbox-streak-key: "$streak/api/v2/pipelines/$pipeline/webhooks" |
        grep -o '"targetUrl"' | wc -l)" -ge 3 ]
}
wait_for 20 "the webhooks to be registered in Streak" registered
said "webhooks registered in Streak"

step "A salesperson moves a deal to Closed-Won"
box=$(put "$streak/_sim/boxes" '{"name":"Bayside summer order","pipeline":"Sales",
  "stage":"Quoted","organization":"Bayside Tools Ltd",
  "fields":{"Order lines":"A100; 3; 149.90\nB200; 10; 12.50"}}' |
    sed -n 's/^{"key":"\([^"]*\)".*/\1/p')
[ -n "$box" ] || fail "the deal could not be made in the Streak simulator"
put "$streak/_sim/boxes/$box" '{"stage":"Closed-Won"}' >/dev/null ||
    fail "the deal could not be moved in the Streak simulator"
said "deal \"Bayside summer order\": 3 x A100 at 149.90, 10 x B200 at 12.50"

# The story, as the daemon's own history tells it, until the box has the number.
box_field() {
    get "$streak/_sim/boxes/$box" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}
seen=$(get --unix-socket "$CONNECT_SOCKET" "http://connect/v1/history?limit=1000" |
    grep -o '"sequence":[0-9]*' | tail -n 1 | cut -d: -f2)
story() {
    local entry act path
    while IFS= read -r entry; do
        seen=$(printf '%s' "$entry" | sed -n 's/.*"sequence":\([0-9]*\).*/\1/p')
        act=$(printf '%s' "$entry" | sed -n 's/.*"act":"\([^"]*\)".*/\1/p')
        path=$(printf '%s' "$entry" | sed -n 's/.*"path":"\([^"]*\)".*/\1/p')
        case $path:$act in
        :event.accepted) said "webhook accepted, its record is on disk" ;;
        post:delivery.sending)
            said "deal read from Streak and mapped to a sales order"
            said "order posted to SYSPRO (the intent was on disk first)"
            ;;
        post:delivery.done) said "order number found in SYSPRO" ;;
        post:delivery.adopted) said "another event of the deal: its order exists, nothing sent" ;;
        box:delivery.done) said "number and status written to the deal" ;;
        comment:delivery.done) said "comment written to the deal" ;;
        *:delivery.in_doubt) said "no answer: SYSPRO will be asked whether it has the order" ;;
        *:run.parked) said "parked: a person must look (connectctl parked)" ;;
        esac
    done < <(get --unix-socket "$CONNECT_SOCKET" \
        "http://connect/v1/history?after=${seen:-0}&limit=1000" |
        sed 's/},{/}\n{/g' | grep '"sequence"')
}
number=
for _ in $(seq 300); do
    story
    number=$(box_field 'SYSPRO order')
    [ -n "$number" ] && break
    kill -0 "${pids%% *}" 2>/dev/null || fail "connectd ended" "$work/connectd.log"
    sleep 0.1
done
[ -n "$number" ] || {
    "$ctl" parked >&2
    fail "the deal has no order number after 30 s; see above what is parked" \
        "$work/connectd.log"
}
story
printf '%s\n' "${green}The deal carries SYSPRO sales order $number${plain}"

if [ -z "$once" ]; then
    run=$("$ctl" --json runs 2>/dev/null | grep -o '"run":[0-9]*' | head -n 1 | cut -d: -f2)
    cat <<END

${bold}Everything stays up until Ctrl-C.${plain}  Try:

  export CONNECT_SOCKET=$CONNECT_SOCKET
  $ctl status
  $ctl runs
  $ctl show $run
  ${dim}# another deal${plain}
  curl -s $streak/_sim/boxes -d '{"name":"Test","pipeline":"Sales","stage":"Closed-Won","organization":"Northgate Metals","fields":{"Order lines":"B200; 5; 12.50"}}'
  ${dim}# the ERP commits and the line goes dead: still one order${plain}
  curl -s $syspro/_sim/faults -d '{"fault":"cut_after_commit","match":"/Transaction/Post","count":1}'
  ${dim}# what the ERP holds${plain}
  curl -s $syspro/_sim/orders

  configuration and log: $work/connect.json, $work/connectd.log
END
    trap 'printf "\nstopping\n"; clean; exit 0' INT TERM
    wait "${pids%% *}"
    fail "connectd ended by itself" "$work/connectd.log"
fi
clean
printf 'Done: the deal was won in Streak and is SYSPRO sales order %s\n' "$number"
