#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# install.sh BUILD - what `make install` puts below a PREFIX works there, whatever was built before
set -eu

cd "$(dirname "$0")/.."
# That of uninstall.sh, too, for the paths are compiled in.
build=$1/elsewhere
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# target NAME VARIABLE...: make, without what it was called with itself.
target() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -j"$(nproc)" --no-print-directory B="$build" OPT=-O1 "$@"
}

fail() {
	echo "install: $*" >&2
	exit 1
}

# installed PREFIX: the daemon there finds its own plugins and looks for its own filter.conf.
installed() {
	target -s install PREFIX="$1" SYSCONFDIR="$1/etc" >"$work/log" ||
		{ cat "$work/log" >&2 && fail "make install PREFIX=$1"; }
	"$1/sbin/chainmail" plugins >"$work/out" || fail "$1: no plugins"
	grep -q '^auth ' "$work/out" || fail "$1: the plugins are not found"
	! "$1/sbin/chainmail" check >"$work/out" || fail "$1: a configuration that is not there is good"
	grep -q "^$1/etc/filter.conf: " "$work/out" || fail "$1: another configuration is read"
}

installed "$work/one"
installed "$work/two"
target all PREFIX="$work/two" SYSCONFDIR="$work/two/etc" >"$work/log"
! grep -q CC "$work/log" || fail "the same flags build it again"
target -s uninstall PREFIX="$work/two" >/dev/null 2>&1
[ -z "$(find "$work/two" -type f)" ] || fail "uninstall leaves $(find "$work/two" -type f)"
echo "install: works at two places"
