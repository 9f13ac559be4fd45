#!/bin/bash
# run.sh - builds Connect in every way that counts and runs all tests.
#
#   run.sh                the default run, under 15 minutes on two cores
#   run.sh --full         the long matrices as well
#
# Installs what is missing (Debian 12, as root).  Ends with ctest's summary.
set -eu
umask 022 # the daemon refuses plugins that others may write

usage() {
    cat <<'END'
usage: run.sh [--full] [--help]

Builds with gcc (warnings are errors), clang with the fuzz targets, ASan with
UBSan, and TSan, runs the tests under ctest and ends with its summary.  Build directories: build-test,
build-clang, build-asan, build-tsan beside build.
END
}

case "${1:-}" in
'') ;;
--full) export CONNECT_FULL=1 ;; # read by the tests that have more to give
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

build clang clang -DCONNECT_FUZZ=ON
build asan gcc "-DCONNECT_SANITIZE=address;undefined" -DCONNECT_TEST_CLOCK=ON
build tsan gcc -DCONNECT_SANITIZE=thread -DCONNECT_TEST_CLOCK=ON
build test gcc -DCONNECT_TEST_CLOCK=ON

echo "== fuzz targets: saved inputs, then new ones for a few seconds each"
ctest --test-dir build-clang -j2 -L fuzz --output-on-failure
echo "== unit tests under ASan and UBSan"
ctest --test-dir build-asan -j2 -L unit --output-on-failure
echo "== unit tests of what has threads under TSan"
ctest --test-dir build-tsan -j2 -L threads --output-on-failure
echo "== everything"
ctest --test-dir build-test -j2 --output-on-failure
