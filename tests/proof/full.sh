#!/bin/bash
# full.sh - the long matrices, part by part, each resumable.
#
#   full.sh BUILD [PART...]   BUILD: a build directory with CONNECT_TEST_CLOCK
#   full.sh BUILD list        the parts and how far each is
#
# A part is a harness (crash) or a part of one (crash.canonical); without PART:
# all.  A part is worked off in chunks; what is done is kept in build-full, so a
# run that was stopped, by Ctrl-C too, goes on where it was.  A part that is done
# is not run again: remove build-full to begin anew.  Each chunk's figures name
# the commit they were made with, and the report says so.  Exit code 0: all parts
# asked for are done and held; 77: but some cannot run here; 1: one did not hold,
# or the coverage is less than the parts owe together.
set -euo pipefail

build=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
state=$root/build-full
programs="crash/crash disk/disk sim/sim fault/fault_erp fault/fault_web
  history/history"
chunks_max=40 # of a part: how much a stopped run loses at most

mkdir -p "$state/figures"
failed=0
skipped=
commit=$(git -C "$root" describe --always --dirty --abbrev=7 2>/dev/null ||
    echo unknown)

# parts: PROGRAM PART COUNT [CHUNK], of all harnesses; CHUNK: cases that belong
# together.
parts() {
    local program
    for program in $programs; do
        [ -x "$build/tests/$program" ] || {
            echo "full.sh: $build/tests/$program is not built" >&2
            return 2
        }
        "$build/tests/$program" --list |
            while read -r part count chunk; do
                echo "$program $part $count $chunk"
            done
    done
}

done_of() { cat "$state/$1.done" 2>/dev/null || echo 0; }

# work PROGRAM PART COUNT [CHUNK]: the chunks that are left.
work() {
    local program=$1 part=$2 count=$3 chunk=${4:-} name from left code started
    name=${program##*/}.$part
    [ -n "$chunk" ] || chunk=$(((count + chunks_max - 1) / chunks_max))
    from=$(done_of "$name")
    while [ "$from" -lt "$count" ]; do
        left=$((count - from))
        [ "$left" -gt "$chunk" ] && left=$chunk
        started=$SECONDS
        rm -f "$state/$name.chunk"
        code=0
        "$build/tests/$program" --part "$part" --from "$from" --count "$left" \
            --figures "$state/$name.chunk" >"$state/$name.log" 2>&1 || code=$?
        case $code in
        0) ;;
        77)
            echo "$name: skipped: $(tail -n 1 "$state/$name.log")"
            skipped="$skipped $name"
            return
            ;;
        *)
            tail -n 30 "$state/$name.log" >&2
            echo "$name: FAILED between case $from and $((from + left)); the" \
                "whole output is in $state/$name.log" >&2
            failed=1
            return
            ;;
        esac
        echo "{\"commit $commit\":1}" >>"$state/$name.chunk"
        mv "$state/$name.chunk" "$state/figures/$name.$from.json"
        from=$((from + left))
        echo "$from" >"$state/$name.done"
        echo "$name: $from of $count ($((SECONDS - started)) s)"
    done
}

chosen() {
    local name=$1 part
    shift
    [ $# -gt 0 ] || return 0
    for part; do
        case $name in "$part" | "$part".*) return 0 ;; esac
    done
    return 1
}

# The sums over all chunks, as a table for people and for GUARANTEES.md; of
# members called max_... the greatest.  Members called "cell ..." are how often
# something was seen, and "cells_owed" how often each should have been.
report() {
    echo
    echo "| part | cases | lost | doubled | further | commits |"
    echo "| --- | ---: | ---: | ---: | --- | --- |"
    find "$state/figures" -name '*.json' | sort | while read -r file; do
        sed "s|^|${file##*/} |" "$file"
    done | awk '
        { name = $1; sub(/\.[0-9]+\.json$/, "", name)
          line = $0; sub(/^[^{]*[{]/, "", line); sub(/[}]$/, "", line)
          if (!(name in known)) { known[name] = 1; order[++names] = name }
          count = split(line, members, ",")
          for (at = 1; at <= count; at++) {
              if (split(members[at], pair, ":") != 2) continue
              key = pair[1]; gsub(/"/, "", key)
              if (pair[2] !~ /^[ ]*[0-9.]+$/) continue
              value = pair[2] + 0
              if (key ~ /^commit /) {
                  sub(/^commit /, "", key)
                  if (!((name, key) in made)) {
                      made[name, key] = 1
                      commits[name] = commits[name] (commits[name] ? ", " : "") key
                  }
                  continue
              }
              if (key ~ /^cell /) {
                  sub(/^cell /, "", key)
                  if (!((name, key) in cell))
                      cells[name] = cells[name] (cells[name] ? "," : "") key
                  cell[name, key] += value
                  continue
              }
              if (key == "cells_owed") { owed[name] += value; continue }
              if (!((name, key) in sum)) {
                  sum[name, key] = 0
                  if (key != "cases" && key != "lost" && key != "doubled")
                      more[name] = more[name] (more[name] ? "," : "") key
              }
              if (key ~ /^max_/) {
                  if (value > sum[name, key]) sum[name, key] = value
              } else sum[name, key] += value
          } }
        function figure(name, key) {
              return (name, key) in sum ? sprintf("%d", sum[name, key]) : "" }
        END { for (at = 1; at <= names; at++) {
              name = order[at]; text = ""
              count = split(more[name], keys, ",")
              for (k = 1; k <= count; k++)
                  text = text (k > 1 ? ", " : "") keys[k] " " sum[name, keys[k]]
              count = split(cells[name], keys, ",")
              rarest = ""
              for (k = 1; k <= count; k++)
                  if (rarest == "" || cell[name, keys[k]] < cell[name, rarest])
                      rarest = keys[k]
              if (count) text = text ", " count " cells, the rarest seen " \
                  cell[name, rarest] " times (" rarest ")"
              printf "| %s | %s | %s | %s | %s | %s |\n", name,
                  figure(name, "cases"), figure(name, "lost"),
                  figure(name, "doubled"), text, commits[name]
              for (k = 1; k <= count; k++)
                  if (cell[name, keys[k]] < int(owed[name])) {
                      printf "%s: seen %d times, owed %d: %s\n", name,
                          cell[name, keys[k]], owed[name], keys[k]
                      short = 1
                  } }
              exit short }'
}

if [ "${1:-}" = list ]; then
    known=$(parts)
    echo "$known" | while read -r program part count _; do
        name=${program##*/}.$part
        echo "$name $(done_of "$name") of $count"
    done
    exit 0
fi
known=$(parts)
for part; do
    echo "$known" | awk -v want="$part" '{ n = split($1, f, "/"); name = f[n] "." $2;
        if (name == want || f[n] == want) found = 1 } END { exit !found }' || {
        echo "full.sh: no part \"$part\"; see: tests/run.sh --full list" >&2
        exit 2
    }
done
while read -r program part count chunk; do
    if chosen "${program##*/}.$part" "$@"; then
        work "$program" "$part" "$count" "$chunk"
    fi
done <<<"$known"
report || failed=1
[ -z "$skipped" ] || echo "skipped:$skipped" >&2
[ $failed != 0 ] || [ -z "$skipped" ] || exit 77
exit $failed
