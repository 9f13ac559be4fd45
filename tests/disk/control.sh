#!/bin/bash
# control.sh - with a seeded mistake the harness must say lost or doubled.
#
#   control.sh MISTAKE WORD HARNESS ARGUMENT...
#
# MISTAKE is switched on (core/base/seeded.h); WORD is "lost" or "doubled".  A
# harness that merely ends badly does not count: it must end with 1 and its
# figures must count at least one WORD.  77: not permitted on this machine.
set -u

mistake=$1 word=$2
shift 2
output=$(CONNECT_BUG=$mistake "$@" 2>&1)
code=$?
echo "$output" | tail -n 12
[ $code = 77 ] && exit 77
if [ $code != 1 ]; then
    echo "control: the harness ended with $code, not 1"
    exit 1
fi
echo "$output" | grep -Eq "cases, .*\b[1-9][0-9]* $word" || {
    echo "control: nothing was $word"
    exit 1
}
echo "control: $mistake was seen"
