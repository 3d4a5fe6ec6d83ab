#!/bin/sh
# run.sh BUILD TEST... - run the unit tests, stop at nothing, fail if one failed
#
# A test's time is spent waiting, most of it, so there are more of them at once than cores.
set -u

# One test of many; what it says stands together.
if [ "$1" = --one ]; then
	out=$(mktemp) || exit 1
	"$2" >"$out" 2>&1 && echo >>"$TMPDIR/passed" || echo "not ok: $2" >>"$out"
	flock "$TMPDIR" cat "$out"
	exit 0
fi

# What a test leaves when it is ended goes with its directory.
TMPDIR=$(mktemp -d) || exit 1
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$TMPDIR"
export TMPDIR

build=$1
shift
export CHAINMAIL_BUILD="$build"
TSAN_OPTIONS="suppressions=$(realpath "$(dirname "$0")/../tsan.supp") history_size=7 ${TSAN_OPTIONS-}"
export TSAN_OPTIONS
# Check allows 4 s a test, which a busy machine does not keep; a test that hangs is found later as well.
export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT-60}"
jobs=$(($(nproc) * 2))
# Under the sanitizers they wait less, and all takes longer.
case $build in *asan* | *tsan*) export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER-5}" jobs=$(nproc) ;; esac

: >"$TMPDIR/passed"
printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh "$0" --one
passed=$(wc -l <"$TMPDIR/passed")
echo "unit: $passed passed, $(($# - passed)) failed"
[ "$passed" -eq $# ] && [ "$passed" -gt 0 ]
