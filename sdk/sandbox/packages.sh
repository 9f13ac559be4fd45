#!/bin/sh
# packages.sh - what Connect needs from Debian 12, and installs it if missing.
#
#   packages.sh build   to build and run the sandbox
#   packages.sh test    to run the tests as well
#
# Does nothing, and needs neither root nor a network, when all are there.
set -eu

build="gcc libc6-dev cmake ninja-build pkg-config
  libuv1-dev libcurl4-openssl-dev libcjson-dev libltdl-dev
  libsqlite3-dev libxml2-dev libjq-dev libsodium-dev libssl-dev
  libmicrohttpd-dev libseccomp-dev uthash-dev
  curl ca-certificates"
test="g++ clang libclang-rt-14-dev libcmocka-dev openssl binutils sqlite3 git
  e2fsprogs xfsprogs"

case "${1:-build}" in
build) wanted=$build ;;
test) wanted="$build $test" ;;
*)
    echo "usage: packages.sh build | test" >&2
    exit 2
    ;;
esac

missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
        grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "These Debian packages are missing; install them as root:" >&2
    echo "  apt-get install$missing" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
