#!/bin/bash
# control.sh - with a seeded mistake the harness must find something.
#
#   control.sh MISTAKE WORD HARNESS ARGUMENT...
#
# MISTAKE is switched on (core/base/seeded.h).  A harness that merely ends badly
# does not count: it must end by itself, with an exit code that means failed (1,
# or cmocka's number of failures), and have said "N WORD" with N above 0, such as
# "3 doubled".  77: the harness is not permitted on this machine.
set -u

mistake=$1 word=$2
shift 2
output=$(CONNECT_BUG=$mistake "$@" 2>&1)
code=$?
echo "$output" | tail -n 12
[ $code = 77 ] && exit 77
if [ $code = 0 ] || [ $code -ge 64 ]; then
    echo "control: the harness ended with $code, not as one that found something"
    exit 1
fi
echo "$output" | grep -Eq "[1-9][0-9]* $word" || {
    echo "control: nothing was $word"
    exit 1
}
echo "control: $mistake was seen"
