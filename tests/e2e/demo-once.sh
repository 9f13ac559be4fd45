#!/bin/sh
# demo-once.sh - the demo ends well and leaves nothing behind.
#
#   demo-once.sh SOURCE
#
# Exit code 77 (skipped) when the demo's build directory cannot be written.
set -u
source=$1

fail() {
    echo "demo-once: $1" >&2
    exit 1
}

[ -w "$source" ] || exit 77
[ ! -e "$source/build" ] || [ -w "$source/build" ] || exit 77

TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/connect-e2e-demo.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

"$source/sdk/sandbox/demo.sh" --once >"$TMPDIR/said"
code=$?
cat "$TMPDIR/said"
[ $code -eq 0 ] || fail "exit code $code"

word=$(tail -n 1 "$TMPDIR/said" | sed 's/.* //')
case $word in
'' | *[!0-9]*) fail "the last word is no order number: $word" ;;
esac

# Whatever the demo started knows its directory by name (grep itself does not).
left=$(grep -l "$TMPDIR/[c]onnect-demo" /proc/[0-9]*/cmdline 2>/dev/null)
[ -z "$left" ] || fail "left behind: $left"
left=$(find "$TMPDIR" -mindepth 1 ! -name said)
[ -z "$left" ] || fail "files left behind: $left"
