#!/bin/sh
# fuzz.sh - one target under ctest: the saved corpus, then new inputs.
#
#   fuzz.sh PROGRAM CORPUS WORK SECONDS BYTES_MAX
#
# Up to half a minute: seed and number of inputs (250 a second asked for) are
# fixed, so that a run of the tests is the run before.  Longer: for that time, on
# new territory; the seed is said.
# What is found is left in WORK as crash-..., timeout-... or oom-...; the corpus
# in the tree is only read.
set -eu
program=$1 corpus=$2 work=$3 seconds=$4 bytes_max=$5

if [ "$seconds" -le 30 ]; then
    set -- -runs="$((seconds * 250))" -max_total_time=120 -seed=1
else
    seed=$(date +%s)
    echo "$program: $seconds s, seed $seed"
    set -- -max_total_time="$seconds" -seed="$seed"
fi
rm -rf "$work"
mkdir -p "$work/new"
cd "$work"
exec "$program" "$@" -max_len="$bytes_max" -timeout=60 -rss_limit_mb=2048 \
    -print_final_stats=0 -close_fd_mask=1 -verbosity=0 \
    -artifact_prefix="$work/" "$work/new" "$corpus"
