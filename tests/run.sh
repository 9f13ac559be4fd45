#!/bin/bash
# run.sh - builds Connect in every way that counts and runs all tests.
#
#   run.sh                the default run, under 15 minutes on two cores
#   run.sh --full [PART]  the long matrices, resumable part by part; without
#                         PART all of them; "list" shows the parts
#
# Installs what is missing (Debian 12, as root).  Ends with ctest's summary.
set -eu
umask 022 # the daemon refuses plugins that others may write

usage() {
    cat <<'END'
usage: run.sh [--help] | run.sh --full [PART...]

Builds with gcc (warnings are errors), clang with the fuzz targets, ASan with
UBSan, TSan, and once more with the seeded mistakes; runs the tests under ctest
and ends with its summary.  Build directories: build-test, build-clang,
build-asan, build-tsan, build-control beside build.

--full runs the proof at its full size: the harnesses (crash, disk, sim, fault,
history; or a part of one, such as crash.canonical), "controls", "fuzz".
It is cut into chunks; what is done is remembered in build-full, and the next
--full goes on there.  --full list shows how far each part is.
END
}

full=
case "${1:-}" in
'') ;;
--full)
    full=1
    shift
    ;;
--help | -h)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
sdk/sandbox/packages.sh test

# configure NAME COMPILER [OPTION...]; then build it.
build() {
    local name=$1 compiler=$2
    shift 2
    echo "== $name ($compiler $*)"
    CC=$compiler cmake -G Ninja -S . -B "build-$name" "$@" >"build-$name.log" 2>&1 ||
        { cat "build-$name.log"; exit 1; }
    cmake --build "build-$name" >>"build-$name.log" 2>&1 ||
        { grep -E -A5 'error|FAILED' "build-$name.log" | head -60; exit 1; }
    rm -f "build-$name.log"
}

# What the sanitizers look for.
export LSAN_OPTIONS="print_suppressions=0"
export ASAN_OPTIONS="detect_leaks=1:abort_on_error=1:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1"

build_test() { build test gcc -DCONNECT_TEST_CLOCK=ON; }
build_clang() { build clang clang -DCONNECT_FUZZ=ON "$@"; }
build_control() {
    build control gcc -DCONNECT_SEEDED_BUGS=ON -DCONNECT_TEST_CLOCK=ON
}
controls() {
    build_control
    echo "== controls: each seeded mistake must be seen"
    ctest --test-dir build-control -j2 -L control --output-on-failure
}
fuzz() {
    ctest --test-dir build-clang -j2 -L fuzz --output-on-failure
}

# full_part NAME: what is no harness.
full_part() {
    case $1 in
    controls) controls ;;
    fuzz)
        build_clang -DCONNECT_FUZZ_SECONDS=60
        fuzz
        build_clang -DCONNECT_FUZZ_SECONDS=4
        ;;
    *) return 1 ;;
    esac
}

if [ -n "$full" ]; then
    build_test
    if [ $# = 0 ]; then
        full_part controls
        tests/proof/full.sh build-test
        full_part fuzz
        exit 0
    fi
    harnesses=()
    for part; do
        case $part in
        controls | fuzz) full_part "$part" ;;
        *) harnesses+=("$part") ;;
        esac
    done
    [ ${#harnesses[@]} = 0 ] || tests/proof/full.sh build-test "${harnesses[@]}"
    exit 0
fi

build_clang
build asan gcc "-DCONNECT_SANITIZE=address;undefined" -DCONNECT_TEST_CLOCK=ON
build tsan gcc -DCONNECT_SANITIZE=thread -DCONNECT_TEST_CLOCK=ON
build_test

echo "== fuzz targets: saved inputs, then new ones for a few seconds each"
fuzz
echo "== unit tests under ASan and UBSan"
ctest --test-dir build-asan -j2 -L unit --output-on-failure
echo "== unit tests of what has threads under TSan"
ctest --test-dir build-tsan -j2 -L threads --output-on-failure
controls
echo "== everything"
ctest --test-dir build-test -j2 --output-on-failure
