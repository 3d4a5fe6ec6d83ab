#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD WHAT [SUITE] - hold the checks against what others wrote
#
# WHAT is "suite": the cases of SUITE, a file in openspf's YAML format; "diff": python3-spf on zones made up here;
# "dmarc": a second reading of RFC 9989 on such zones; "psl": SUITE, vectors of the public suffix list; "arc": the cases
# of SUITE, a file in ValiMail's YAML format; "arc-peer": python3-dkim on messages made up here; "dkim": the messages in the
# directory SUITE, dkimpy's; "dkim-diff": messages made up here that dkimpy and libopendkim sign;
# or "dkim-ours": messages made up here that we sign.
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

# cases NAME: those of the suite, converted by NAME_yaml.py for the program NAME.
cases() {
	need yaml python3-yaml
	[ -r "$suite" ] || {
		skip "there is no suite $suite; give one: make conformance $(echo "$1" | tr a-z A-Z)_SUITE=FILE"
		exit 0
	}
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	"$python" "$here/$1_yaml.py" "$suite" "$work" && "$build/tests/conformance/$1" "$work/cases"
}

suite() {
	cases spf
}

arc() {
	cases arc
}

arc_peer() {
	need dkim python3-dkim
	need authres python3-authres
	"$python" "$here/arc_peer.py" "$build/tests/conformance/arc" "${ARC_PEER_CASES-60}" "${ARC_PEER_SEED-1}"
}

diff() {
	need spf python3-spf
	"$python" "$here/spf_diff.py" "$build/tests/conformance/spf" "${SPF_DIFF_CASES-2000}" "${SPF_DIFF_SEED-1}"
}

dmarc() {
	"$python" "$here/dmarc_diff.py" "$build/tests/conformance/dmarc" "${DMARC_DIFF_CASES-3000}" "${DMARC_DIFF_SEED-1}"
}

psl() {
	[ -r "$suite" ] || {
		skip "there is no suite $suite; give one: make check-conformance PSL_SUITE=FILE"
		exit 0
	}
	"$python" "$here/psl.py" "$build/tests/conformance/dmarc" "$suite"
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

dkim_ours() {
	need dkim python3-dkim
	"$python" -c 'import ctypes; ctypes.CDLL("libopendkim.so.11")' 2>/dev/null || {
		skip "there is no libopendkim.so.11 (Debian: apt-get install libopendkim11)"
		[ -z "${CHAINMAIL_NO_SKIP-}" ]
		exit
	}
	"$python" "$here/dkim_ours.py" "$build/chainmail" "${DKIM_OURS_CASES-300}" "${DKIM_OURS_SEED-1}"
}

case $what in
suite | diff | dmarc | psl | arc | dkim) $what ;;
arc-peer | dkim-diff | dkim-ours) "$(echo "$what" | tr - _)" ;;
*) echo "usage: run.sh BUILD suite|psl|arc FILE | run.sh BUILD dkim DIRECTORY | run.sh BUILD diff|dmarc|arc-peer|dkim-diff|dkim-ours" >&2 && exit 2 ;;
esac
