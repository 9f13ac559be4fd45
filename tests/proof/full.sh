#!/bin/bash
# full.sh - the long matrices, part by part, each resumable.
#
#   full.sh BUILD [PART...]   BUILD: a build directory with CONNECT_TEST_CLOCK
#   full.sh BUILD list        the parts and how far each is
#
# A part is a harness (crash) or a part of one (crash.canonical); without PART:
# all.  A part is worked off in chunks; what is done is kept in build-full, so a
# run that was stopped, by Ctrl-C too, goes on where it was.  A part that is done
# is not run again: remove build-full to begin anew.  Exit code 0: all parts
# asked for are done and held.
set -eu

build=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
state=$root/build-full
programs="crash/crash disk/disk sim/sim fault/fault_erp fault/fault_web
  history/history"
chunks_max=40 # of a part: how much a stopped run loses at most

mkdir -p "$state/figures"
failed=0

# parts: PROGRAM PART COUNT [CHUNK], of all harnesses; CHUNK: cases that belong
# together.
parts() {
    local program
    for program in $programs; do
        [ -x "$build/tests/$program" ] || continue
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
# members called max_... the greatest.
report() {
    echo
    echo "| part | cases | lost | doubled | further |"
    echo "| --- | ---: | ---: | ---: | --- |"
    find "$state/figures" -name '*.json' | sort | while read -r file; do
        sed "s|^|${file##*/} |" "$file"
    done | awk '
        { name = $1; sub(/\.[0-9]+\.json$/, "", name)
          line = $0; sub(/^[^{]*[{]/, "", line); sub(/[}]$/, "", line)
          if (!(name in known)) { known[name] = 1; order[++names] = name }
          count = split(line, members, ",")
          for (at = 1; at <= count; at++) {
              if (split(members[at], pair, ":") != 2) continue
              key = pair[1]; gsub(/[" ]/, "", key)
              if (pair[2] !~ /^[ ]*[0-9.]+$/) continue
              value = pair[2] + 0
              if (!((name, key) in sum)) {
                  sum[name, key] = 0
                  if (key != "cases" && key != "lost" && key != "doubled")
                      more[name] = more[name] (more[name] ? " " : "") key
              }
              if (key ~ /^max_/) {
                  if (value > sum[name, key]) sum[name, key] = value
              } else sum[name, key] += value
          } }
        END { for (at = 1; at <= names; at++) {
              name = order[at]; text = ""
              count = split(more[name], keys, " ")
              for (k = 1; k <= count; k++)
                  text = text (k > 1 ? ", " : "") keys[k] " " sum[name, keys[k]]
              printf "| %s | %d | %d | %d | %s |\n", name, sum[name, "cases"],
                  sum[name, "lost"], sum[name, "doubled"], text } }'
}

if [ "${1:-}" = list ]; then
    parts | while read -r program part count _; do
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
report
exit $failed
