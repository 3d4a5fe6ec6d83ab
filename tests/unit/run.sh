#!/bin/sh
# run.sh BUILD TEST... - run the unit tests, stop at nothing, fail if one failed
set -u

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
case $build in *asan* | *tsan*) export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER-5}" ;; esac
failed=0
passed=0
for test in "$@"; do
	if "$test"; then
		passed=$((passed + 1))
	else
		echo "not ok: $test" >&2
		failed=$((failed + 1))
	fi
done
echo "unit: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
