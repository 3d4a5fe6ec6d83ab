#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# uninstall.sh [BUILD] - make install and make uninstall change nothing but what is ours
#
# Everything happens below a directory of its own: as a package is made (DESTDIR), and with a private
# PREFIX. Directories of others, empty ones and ones with an unusual mode, must be as they were.
set -u

cd "$(dirname "$0")/.." || exit 1
# A build of its own and of install.sh, for the paths are compiled in.
build=${1:-build}/elsewhere
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
passed=0
failed=0

# expect WHAT STATUS: one result; what make said is shown with a failure.
expect() {
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "not ok: $1" >&2
	sed 's/^/    /' "$work/out" >&2
}

# Names, kinds, modes and content of all below a directory.
picture() {
	(cd "$1" && find . -printf '%p %y %m\n' && find . -type f -exec cksum {} +) | sort
}

# target NAME VARIABLE...: make, without what it was called with itself.
target() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u DESTDIR -u PREFIX -u SYSCONFDIR -u LIBDIR -u DATADIR \
		make -j"$(nproc)" --no-print-directory B="$build" OPT=-O1 "$@" >"$work/out" 2>&1
}

same() {
	picture "$1" | diff "$2" - >>"$work/out"
}

missing() {
	! ls -d "$@" >>"$work/out" 2>&1
}

# A machine with empty directories, a mode of its own and somebody else's file.
make_root() {
	mkdir -p "$1"/{etc,usr/local/{include,lib,sbin,share/man/man8}}
	chmod 2775 "$1/usr/local/sbin" "$1/usr/local/lib"
	echo other >"$1/usr/local/sbin/other"
}

# What install must have put below ROOT, with the prefix and the directory of the configuration.
installed() {
	[ -x "$1$2/sbin/chainmail" ] && [ -s "$1$2/lib/chainmail/access.so" ] &&
		[ -s "$1$2/include/chainmail/plugin.h" ] && [ -s "$1$2/share/chainmail/filter.conf.example" ] &&
		[ -s "$1$2/share/chainmail/scripts/helo_checks.lua" ] && [ -d "$1$3" ] &&
		grep -q "^.It Pa $3/filter.conf" "$1$2/share/man/man8/chainmail.8" &&
		grep -q "^.It Pa $2/lib/chainmail/" "$1$2/share/man/man8/chainmail.8" &&
		[ -s "$1$2/share/man/man5/filter.conf.5" ]
}

root=$work/root
make_root "$root"
# The shared directories that install may leave behind.
mkdir -p "$root/usr/local/share/man/man5" "$root/usr/local/share/man/man7"
picture "$root" >"$work/before"
target install DESTDIR="$root"
expect "make install DESTDIR=DIR succeeds" $?
installed "$root" /usr/local /etc/chainmail
expect "everything is below DESTDIR/usr/local and DESTDIR/etc/chainmail" $?
[ "$(stat -c %a "$root/usr/local/sbin")" = 2775 ]
expect "a directory that was there keeps its mode" $?
target uninstall DESTDIR="$root"
expect "make uninstall succeeds" $?
same "$root" "$work/before"
expect "after make uninstall all is as before" $?
! grep -iE 'error|cannot|ignored' "$work/out" >/dev/null
expect "make uninstall does not speak of errors" $?
target uninstall DESTDIR="$root" && same "$root" "$work/before"
expect "a second make uninstall changes nothing" $?

target install DESTDIR="$root" && echo 'main { }' >"$root/etc/chainmail/filter.conf" &&
	target uninstall DESTDIR="$root"
expect "make uninstall with a configuration succeeds" $?
[ -s "$root/etc/chainmail/filter.conf" ] && grep -q 'stays.*/etc/chainmail' "$work/out"
expect "the configuration stays, and that is said" $?

mkdir "$work/own"
picture /etc/chainmail >"$work/etc" 2>/dev/null
target install PREFIX="$work/own/inst"
expect "make install PREFIX=DIR succeeds" $?
installed "" "$work/own/inst" "$work/own/inst/etc/chainmail"
expect "with another PREFIX all is below it, the configuration, too" $?
picture /etc/chainmail 2>/dev/null | diff "$work/etc" - >>"$work/out"
expect "with another PREFIX /etc/chainmail is not touched" $?
target uninstall PREFIX="$work/own/inst"
expect "make uninstall PREFIX=DIR succeeds" $?
missing "$work/own/inst"/{lib,share,include,etc}/chainmail && [ -z "$(find "$work/own" ! -type d)" ]
expect "after it, no file and no directory of ours is left" $?

echo "uninstall: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
