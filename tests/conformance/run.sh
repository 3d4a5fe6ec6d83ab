#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD WHAT [SUITE] - hold the checks against what others wrote
#
# WHAT is "suite": the cases of SUITE, a file in openspf's YAML format; "diff": python3-spf on zones made up here;
# "dkim": the messages in the directory SUITE, dkimpy's; "dkim-diff": messages made up here that dkimpy and libopendkim sign.
# The suites are not part of this project: where one is not there, that is said, and nothing fails. Nor does it
# without Debian's modules for Python, unless everything must run (CHAINMAIL_NO_SKIP).
set -u

build=$1
what=$2
suite=${3-}
here=$(dirname "$0")
# Debian's, which has Debian's modules.
python=/usr/bin/python3

skip() {
	echo "SKIP conformance: $*" >&2
}

# need MODULE PACKAGE
need() {
	"$python" -c "import $1" 2>/dev/null && return
	skip "Python has no module $1 (Debian: apt-get install $2)"
	[ -z "${CHAINMAIL_NO_SKIP-}" ]
	exit
}

suite() {
	need yaml python3-yaml
	[ -r "$suite" ] || {
		skip "there is no suite $suite; give one: make conformance SPF_SUITE=FILE"
		exit 0
	}
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	"$python" "$here/spf_yaml.py" "$suite" "$work" && "$build/tests/conformance/spf" "$work/cases"
}

diff() {
	need spf python3-spf
	"$python" "$here/spf_diff.py" "$build/tests/conformance/spf" "${SPF_DIFF_CASES-2000}" "${SPF_DIFF_SEED-1}"
}

dkim() {
	[ -r "$suite/rfc6376.signed.msg" ] || {
		skip "there is no suite $suite; give one: make conformance DKIM_SUITE=DIRECTORY"
		exit 0
	}
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	"$python" "$here/dkim_suite.py" "$suite" "$work/cases" && "$build/tests/conformance/dkim" "$work/cases"
}

dkim_diff() {
	need dkim python3-dkim
	need nacl python3-nacl
	"$python" "$here/dkim_diff.py" "$build" "${DKIM_DIFF_CASES-200}" "${DKIM_DIFF_SEED-1}"
}

case $what in
suite | diff | dkim) $what ;;
dkim-diff) dkim_diff ;;
*) echo "usage: run.sh BUILD suite FILE | diff | dkim DIRECTORY | dkim-diff" >&2 && exit 2 ;;
esac
