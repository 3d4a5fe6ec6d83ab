#!/bin/bash
# SPDX-License-Identifier: MIT
# dns.sh BUILD [--rounds N] [--seconds S] [--connections C] [--engine E] [--json] - Chainmail beside slow and silent DNS servers
#
# Three questions; the DNS server is that of tests/dns, on loopback:
#   slow    C connections whose senders' domains are answered at once, with and without C others whose domains are
#           answered after 2 s, each domain for the first time; both take turns in going first
#   silent  100 questions a second that are answered, with and without 5,000 in flight that never are
#   known   a question whose answer is in the cache, with one and two threads, and libunbound's own time for it
# Medians of all rounds; a ratio is the median of the ratios of the rounds.
set -u -o pipefail

usage() {
	echo "usage: dns.sh BUILD [--rounds N] [--seconds S] [--connections C] [--engine E] [--json]" >&2
	exit 2
}

B=build
rounds=5
seconds=10
connections=64
engine=native
json=
while [ $# -gt 0 ]; do
	case $1 in
	--connections) connections=${2:?}; shift ;;
	--engine) engine=${2:?}; shift ;;
	--json) json=yes ;;
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
need chainmail plugins/spf.so tests/load tests/bench_dns tests/hostile_dns

# load SECONDS FROM [OPTION...]: messages of 1 KB over $connections connections.
load() {
	local length=$1 from=$2
	shift 2
	"$B/tests/load" "unix:$work/dns.sock" --connections "$connections" --messages 10000000 --size 1024 \
		--seconds "$length" --from "$from" "$@"
}

# measure alone|beside ROUND: a line for the table goes to $work/rows.
measure() {
	local slow='' before after
	if [ "$1" = beside ]; then
		load "$((seconds + 3))" "alice@d2000.r$2-#.example" >"$work/slow" &
		slow=$!
	fi
	# The slow ones are all waiting then. The others pause, too: alone that costs some virtual machines a twentieth.
	sleep 2
	before=$(ticks "$served")
	if ! load "$seconds" "alice@ok.h#.example" --senders 1000 >"$work/figures"; then
		echo "bench: the load failed: $(cat "$work/figures")" >&2
		cat "$work/dns.log" >&2
		exit 1
	fi
	after=$(ticks "$served")
	echo "$1 $2 $(field messages_per_s) $(field p50_ms) $(field p99_ms) $((after - before)) $(field messages)" >>"$work/rows"
	[ -n "$slow" ] || return 0
	wait "$slow" || { echo "bench: the slow load failed: $(cat "$work/slow")" >&2; exit 1; }
	cp "$work/slow" "$work/figures"
	echo "slow $2 $(field messages_per_s) $(field p50_ms) $(field p99_ms)" >>"$work/rows"
}

start_dns
serve dns dns.conf
# Every domain that is answered at once is known then, in all rounds.
load 2 "alice@ok.h#.example" --senders 1000 >/dev/null
for round in $(seq "$rounds"); do
	say "round $round of $rounds: slow domains"
	order="alone beside"
	[ $((round % 2)) = 1 ] || order="beside alone"
	for scene in $order; do
		measure "$scene" "$round"
	done
done

say "silent names"
for scene in alone silent; do
	"$B/tests/bench_dns" "$dns" "$scene" 20 >"$work/$scene.json" ||
		{ echo "bench: $scene: $(cat "$work/$scene.json")" >&2; exit 1; }
done
say "what is known"
"$B/tests/bench_dns" "$dns" known >"$work/known.json" || { echo "bench: known failed" >&2; exit 1; }

awk -v json="$json" -v rounds="$rounds" -v hz="$(getconf CLK_TCK)" -v connections="$connections" -v alone="$(cat "$work/alone.json")" \
	-v silent="$(cat "$work/silent.json")" -v known="$(cat "$work/known.json")" \
	-f "$here/median.awk" -f "$here/dns.awk" "$work/rows"
