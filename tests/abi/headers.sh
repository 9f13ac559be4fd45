#!/bin/sh
# Each public header alone compiles in every language it promises, without a
# word from the compiler.
#
#   headers.sh <include directory> [compiler ...]
set -u
include=$1
shift
[ $# -gt 0 ] || set -- gcc clang
warnings="-Wall -Wextra -Wpedantic -Wpadded -Werror"
failed=0
for header in $(cd "$include" && find connect -name '*.h' | sort); do
    for compiler in "$@"; do
        command -v "$compiler" >/dev/null || continue
        for standard in c99 c11 c17 c++11 c++14 c++17 c++20; do
            case $standard in
            c++*) language=c++ ;;
            *) language=c ;;
            esac
            echo "#include <$header>" |
                "$compiler" -x $language -std=$standard $warnings \
                    -fsyntax-only -I "$include" - || {
                echo "$header: fails with $compiler -std=$standard"
                failed=1
            }
        done
    done
done
exit $failed
