#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD [--rounds N] [--messages N] [--seconds S] [--json] - Chainmail beside a filter that does nothing
#
# Both run at the same time and negotiate the same; in each round each is given the same messages over 1, 16 and
# 64 connections, one after the other, and they take turns in going first. CPU is that of the whole process.
# Prints the medians of all rounds; a ratio is the median of the ratios of the rounds.
set -u -o pipefail

usage() {
	echo "usage: run.sh BUILD [--rounds N] [--messages N] [--seconds S] [--json]" >&2
	exit 2
}

B=build
rounds=5
messages=8000
seconds=20
json=
while [ $# -gt 0 ]; do
	case $1 in
	--json) json=yes ;;
	--messages) messages=${2:?}; shift ;;
	--rounds) rounds=${2:?}; shift ;;
	--seconds) seconds=${2:?}; shift ;;
	-*) usage ;;
	*) B=$1 ;;
	esac
	shift
done

here=$(cd "$(dirname "$0")" && pwd)
for program in chainmail tests/load tests/noop; do
	[ -x "$B/$program" ] || { echo "bench: $B/$program is missing; run: make bench" >&2; exit 1; }
done
work=$(mktemp -d /tmp/bench.XXXXXX)
chainmail_pid=
noop_pid=

stop() {
	for pid in $chainmail_pid $noop_pid; do
		kill "$pid" 2>/dev/null
	done
	for pid in $chainmail_pid $noop_pid; do
		wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# wait_for SOCKET PID WHAT: until it accepts, at most 10 s.
wait_for() {
	for _ in $(seq 100); do
		"$B/tests/load" "unix:$1" --show-negotiation >"$work/terms" 2>/dev/null && return 0
		kill -0 "$2" 2>/dev/null || break
		sleep 0.1
	done
	echo "bench: $3 does not serve $1" >&2
	cat "$work"/*.log >&2
	exit 1
}

engine=${CHAINMAIL_ENGINE:-native}
sed -e "s|@ENGINE@|$engine|g" -e "s|@DIR@|$work|g" -e "s|@HERE@|$here|g" "$here/bench.conf" >"$work/filter.conf"
"$B/chainmail" serve --config "$work/filter.conf" >"$work/chainmail.log" 2>&1 </dev/null &
chainmail_pid=$!
wait_for "$work/milter.sock" "$chainmail_pid" chainmail
terms=$(cat "$work/terms")
# The words of $terms are arguments.
# shellcheck disable=SC2086
"$B/tests/noop" "unix:$work/noop.sock" $terms >"$work/noop.log" 2>&1 </dev/null &
noop_pid=$!
wait_for "$work/noop.sock" "$noop_pid" noop
if [ "$terms" != "$(cat "$work/terms")" ]; then
	echo "bench: the two negotiate different things: $terms / $(cat "$work/terms")" >&2
	exit 1
fi

# Ticks of utime and stime; the name in field 2 may hold blanks.
ticks() {
	sed 's/^.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

field() {
	sed "s/.*\"$1\": \([0-9.]*\).*/\1/" "$work/figures"
}

# measure NAME PID SOCKET CONNECTIONS ROUND: a line for the table goes to $work/rows.
measure() {
	local before after
	before=$(ticks "$2")
	if ! "$B/tests/load" "unix:$work/$3" --connections "$4" --messages "$messages" \
		--size 4096 --rcpts 2 --per-connection 10 --seconds "$seconds" --login alice \
		>"$work/figures"; then
		echo "bench: load on $1 with $4 connections failed: $(cat "$work/figures")" >&2
		cat "$work/$1.log" >&2
		exit 1
	fi
	after=$(ticks "$2")
	echo "$4 $1 $5 $(field messages_per_s) $((after - before)) $(field messages)" \
		"$(field p50_ms) $(field p99_ms) $(field longest_command_ms)" >>"$work/rows"
}

for round in $(seq "$rounds"); do
	for connections in 1 16 64; do
		if [ $((round % 2)) = 1 ]; then
			measure chainmail "$chainmail_pid" milter.sock "$connections" "$round"
			measure noop "$noop_pid" noop.sock "$connections" "$round"
		else
			measure noop "$noop_pid" noop.sock "$connections" "$round"
			measure chainmail "$chainmail_pid" milter.sock "$connections" "$round"
		fi
	done
done

awk -v json="$json" -v rounds="$rounds" -v hz="$(getconf CLK_TCK)" -v terms="$terms" \
	-f "$here/table.awk" "$work/rows"
