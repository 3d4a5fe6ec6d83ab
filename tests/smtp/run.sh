#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD - the client, the runner and the transcripts, in this order
#
# First the client is held against packets recorded from a Postfix, then the runner against a filter with known
# answers (it must also see what is wrong), then the daemon's signals, then all transcripts are played against the daemon: with each
# engine, once by one client, once by several at the same time. Both engines must send the same packets. For the thread
# sanitizer one client alone is of no interest.
set -u

B=${1:-build}
here=$(dirname "$0")
work=$(mktemp -d) || exit 1
pids=
# Of what still runs, only what was started here.
trap 'kill $pids 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# What the programs leave when they are ended goes with it.
export TMPDIR="$work"
chmod 755 "$work"
# A key that others can read is refused, and a clone has no such mode.
chmod 600 "$here/arc_seal.pem"
passed=0
failed=0
names=
slow=
alone=yes
case $B in *asan* | *tsan*) slow=--slow ;; esac
case $B in *tsan*) alone= ;; esac
TSAN_OPTIONS="suppressions=$(realpath "$here/../tsan.supp") history_size=7 ${TSAN_OPTIONS-}"
export TSAN_OPTIONS

# count NAME STATUS FILE: adds the last line of FILE, "N passed, N failed".
count() {
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$3" | tail -n 1)
	if [ -z "$line" ]; then
		line="0 passed, 1 failed"
		echo "FAIL $1: ended with status $2 and without a count"
	elif [ "$2" != 0 ] && [ "${line#*, }" = "0 failed" ]; then
		line="${line%%,*}, 1 failed"
		echo "FAIL $1: ended with status $2, and counts no failure"
	fi
	passed=$((passed + ${line%% *}))
	line=${line#*, }
	failed=$((failed + ${line%% *}))
}

# bound COMMAND...: ends with the shell that waits for it.
bound() {
	setpriv --pdeathsig TERM "$@"
}

# start NAME COMMAND...: in the background; they wait for answers, most of the time.
start() {
	name=$1
	shift
	{
		"$@" >"$work/$name" 2>&1
		echo $? >"$work/$name.status"
	} &
	pids="$pids $!"
	names="$names $name"
}

# finish: waits for what was started and counts; the output is shown only where something failed.
finish() {
	wait
	for name in $names; do
		status=$(cat "$work/$name.status" 2>/dev/null || echo unknown)
		[ "$status" = 0 ] || cat "$work/$name"
		count "$name" "$status" "$work/$name"
		echo "$name: $(tail -n 1 "$work/$name")"
	done
	pids=
	names=
}

# try NAME COMMAND...: the same, alone.
try() {
	start "$@"
	finish
}

runner() {
	bound "$B/tests/transcript" $slow --daemon "$@"
}

# Each transcript says in its line "# fails: ..." what the runner must say of it.
must_fail() {
	good=0
	bad=0
	runner "$B/tests/selftest_filter" "$@" >"$work/out" 2>&1
	shift 2
	for file; do
		wanted=$(sed -n 's/^# fails: //p' "$file")
		if grep -qF -- "$wanted" "$work/out"; then
			good=$((good + 1))
		else
			bad=$((bad + 1))
			echo "FAIL $file: the runner did not say: $wanted"
		fi
	done
	[ "$bad" = 0 ] || cat "$work/out"
	echo "$good passed, $bad failed"
	[ "$bad" = 0 ]
}

try client bound "$B/tests/test_mta" "$here/postfix-3.7.11"
try runner-answers runner "$B/tests/selftest_filter" --config "$here/selftest/answers.conf" "$here"/selftest/*.smtp
try runner-noreply runner "$B/tests/selftest_filter" --config "$here/selftest/noreply.conf" \
	"$here"/selftest/content.smtp "$here"/selftest/edits.smtp "$here"/selftest/recipients.smtp \
	"$here"/selftest/verdicts.smtp
try runner-faults must_fail --config "$here/selftest/answers.conf" "$here"/selftest/bad/*.smtp
try runner-death must_fail --config "$here/selftest/answers.conf" "$here"/selftest/die/*.smtp
# Ids are made of the time.
packets() {
	sed -E 's/\(id [0-9A-Za-z]+\)/(id ID)/g' "$work/wire.$1"
}

same_packets() {
	packets native >"$work/packets.native"
	packets libmilter >"$work/packets.libmilter"
	plays=$(grep -c '^[^ ]' "$work/packets.native")
	if diff "$work/packets.native" "$work/packets.libmilter" | head -n 20 | grep . || [ "$plays" = 0 ]; then
		echo "0 passed, 1 failed"
		return 1
	fi
	echo "$plays plays, $(grep -c '^ ' "$work/packets.native") packets"
	echo "1 passed, 0 failed"
}

for engine in native libmilter; do
	start "daemon-$engine" bound "$B/tests/test_daemon" "$B/chainmail" "$engine" $slow
done
finish
if [ -n "$alone" ]; then
	for engine in native libmilter; do
		start "transcripts-$engine" runner "$B/chainmail" --engine "$engine" --wire "$work/wire.$engine" "$here"/*.smtp
	done
	finish
	try engines-agree same_packets
fi
for engine in native libmilter; do
	start "together-$engine" runner "$B/chainmail" --engine "$engine" -j 8 "$here"/*.smtp
done
finish

# A sanitizer's own library wants to be the first.
if [ -z "$slow" ]; then
	printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$(realpath "$B/tests/faults.so")" "$(realpath "$B/chainmail")" \
		>"$work/faulty"
	chmod +x "$work/faulty"
	start faults runner "$work/faulty" "$here"/*.smtp
	start faults-together runner "$work/faulty" -j 8 "$here"/*.smtp
	finish
fi

# Reloads, and hostile clients, while others must be served.
try reloads runner "$B/chainmail" -j 8 --hup 20 "$here"/*.smtp
try storm bound "$B/tests/storm" "$B/chainmail" "$here/verdicts.conf" 300 3 $slow
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
