#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD [--rounds N] [--messages N] [--seconds S] [--engine E] [--json] - Chainmail beside a filter that does nothing
#
# Four questions, each asked of filters that run at the same time and negotiate the same:
#   width   messages over 1, 16, 64 and 256 connections: Chainmail without a link and with three links, each beside
#           a no-op libmilter filter; they take turns in going first
#   idle    16 busy connections beside 0, 1,000 and 10,000 that say nothing, and the memory of those
#   burst   1,000 sessions become ready together for a check that waits 5 s, while fresh ones ask for nothing
#   waiting 200 sessions wait 2 s for DNS in a Lua rule, while fresh ones run the same rule and ask for nothing
# CPU is that of the whole process. Medians of all rounds; a ratio is the median of the ratios of the rounds.
set -u -o pipefail

usage() {
	echo "usage: run.sh BUILD [--rounds N] [--messages N] [--seconds S] [--engine E] [--json]" >&2
	exit 2
}

B=build
rounds=5
messages=8000
seconds=20
engine=native
json=
while [ $# -gt 0 ]; do
	case $1 in
	--engine) engine=${2:?}; shift ;;
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
# shellcheck source-path=SCRIPTDIR
. "$here/lib.sh"
need chainmail tests/load tests/noop tests/idle tests/burst tests/hostile_dns tests/plugins/slow.so

# noop NAME AS: a no-op filter that negotiates what AS does.
noop() {
	# The words of the terms are arguments.
	# shellcheck disable=SC2046
	"$B/tests/noop" "unix:$work/$1.sock" $(cat "$work/$2.terms") >"$work/$1.log" 2>&1 </dev/null &
	served=$!
	pids+=("$served")
	wait_for "$1" "$served"
	cmp -s "$work/$1.terms" "$work/$2.terms" && return
	echo "bench: the two negotiate different things: $(cat "$work/$1.terms") / $(cat "$work/$2.terms")" >&2
	exit 1
}

# measure SCENE LEVEL FILTER ROUND PID SOCKET CONNECTIONS: a line for the table goes to $work/rows.
measure() {
	local before after
	before=$(ticks "$5")
	if ! "$B/tests/load" "unix:$work/$6.sock" --connections "$7" --messages "$messages" --size 4096 --rcpts 2 \
		--per-connection 10 --seconds "$seconds" --login alice >"$work/figures"; then
		echo "bench: load on $6 with $7 connections failed: $(cat "$work/figures")" >&2
		cat "$work/$6.log" >&2
		exit 1
	fi
	after=$(ticks "$5")
	echo "$1 $2 $3 $4 $(field messages_per_s) $((after - before)) $(field messages)" \
		"$(field p50_ms) $(field p99_ms) $(field longest_command_ms)" >>"$work/rows"
}

# pair SCENE LEVEL ROUND CONNECTIONS: both filters of the scene, taking turns.
pair() {
	local order="chainmail noop" filter
	[ $(($3 % 2)) = 1 ] || order="noop chainmail"
	for filter in $order; do
		if [ "$filter" = chainmail ]; then
			measure "$1" "$2" chainmail "$3" "${pid_of[$1]}" "$1" "$4"
		else
			measure "$1" "$2" noop "$3" "${noop_of[$1]}" "$1-noop" "$4"
		fi
	done
}

declare -A pid_of noop_of
serve noop-chain noop.conf
pid_of[noop-chain]=$served
noop noop-chain-noop noop-chain
noop_of[noop-chain]=$served
serve three-links three_links.conf
pid_of[three-links]=$served
noop three-links-noop three-links
noop_of[three-links]=$served
empty=$(resident "${pid_of[noop-chain]}")

for round in $(seq "$rounds"); do
	say "round $round of $rounds: widths"
	for scene in noop-chain three-links; do
		for connections in 1 16 64 256; do
			pair "$scene" "$connections" "$round" "$connections"
		done
	done
	say "round $round of $rounds: idle connections"
	for count in 0 1000 10000; do
		[ "$count" = 0 ] || hold "$count" noop-chain
		[ "$count" = 0 ] || echo "memory $count $(($(resident "${pid_of[noop-chain]}") - empty))" >>"$work/rows"
		measure idle "$count" chainmail "$round" "${pid_of[noop-chain]}" noop-chain 16
		[ "$count" = 0 ] || release
	done
done

say "burst: 1000 sessions wait 5 s"
serve burst burst.conf
"$B/tests/burst" "unix:$work/burst.sock" 1000 >"$work/burst.json" ||
	{ echo "bench: burst failed: $(cat "$work/burst.json")" >&2; exit 1; }

say "waiting: 200 sessions wait 2 s in a rule"
start_dns
serve waiting waiting.conf
"$B/tests/burst" "unix:$work/waiting.sock" 200 >"$work/waiting.json" ||
	{ echo "bench: waiting failed: $(cat "$work/waiting.json")" >&2; exit 1; }

awk -v json="$json" -v rounds="$rounds" -v hz="$(getconf CLK_TCK)" -v terms="$(cat "$work/three-links.terms")" \
	-v burst="$(cat "$work/burst.json")" -v waiting="$(cat "$work/waiting.json")" -f "$here/median.awk" -f "$here/table.awk" "$work/rows"
