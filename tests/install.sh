#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# install.sh BUILD - what `make install` puts below a PREFIX works there, whatever was built before
set -eu

cd "$(dirname "$0")/.."
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "install: $*" >&2
	exit 1
}

# installed PREFIX: the daemon there finds its own plugins and looks for its own filter.conf.
installed() {
	make --no-print-directory -s install B="$build" PREFIX="$1" SYSCONFDIR="$1/etc" >"$work/log" ||
		{ cat "$work/log" >&2 && fail "make install PREFIX=$1"; }
	"$1/sbin/chainmail" plugins >"$work/out" || fail "$1: no plugins"
	grep -q '^auth ' "$work/out" || fail "$1: the plugins are not found"
	! "$1/sbin/chainmail" check >"$work/out" || fail "$1: a configuration that is not there is good"
	grep -q "^$1/etc/filter.conf: " "$work/out" || fail "$1: another configuration is read"
}

installed "$work/one"
installed "$work/two"
make --no-print-directory all B="$build" PREFIX="$work/two" SYSCONFDIR="$work/two/etc" >"$work/log"
! grep -q CC "$work/log" || fail "the same flags build it again"
make --no-print-directory -s uninstall B="$build" PREFIX="$work/two" >/dev/null 2>&1
[ -z "$(find "$work/two" -type f)" ] || fail "uninstall leaves $(find "$work/two" -type f)"
echo "install: works at two places"
