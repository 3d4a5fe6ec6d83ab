#!/bin/bash
# SPDX-License-Identifier: MIT
# state.sh BUILD [--rounds N] [--messages N] [--connections C] [--engine E] [--json] - what rate limit and greylist cost
#
# The same chain of access, auth, SPF and a Lua rule without links that keep state, and with `ratelimit` (recipients of a
# network, two windows) and `greylist`, in each type of store. All get the same load in turns: 5,000 clients, each in a
# network of its own, with two senders who write to two recipients, 20,000 triples; half of the domains have an SPF pass.
#
#   known   every triple has passed before: what most mail is
#   new     no triple was ever seen: every recipient must wait, which the chain without state does not ask of anyone
#
# Every recipient's answer is counted, and a wrong one ends the benchmark. CPU is that of the whole daemon, without the
# Redis server's, which makes its chain slow, so that gets a quarter of the messages. Medians of all rounds; a ratio is the median of the ratios of the rounds.
set -u -o pipefail

usage() {
	echo "usage: state.sh BUILD [--rounds N] [--messages N] [--connections C] [--engine E] [--json]" >&2
	exit 2
}

B=build
rounds=9
messages=10000
connections=16
engine=native
json=
while [ $# -gt 0 ]; do
	case $1 in
	--connections) connections=${2:?}; shift ;;
	--engine) engine=${2:?}; shift ;;
	--json) json=yes ;;
	--messages) messages=${2:?}; shift ;;
	--rounds) rounds=${2:?}; shift ;;
	-*) usage ;;
	*) B=$1 ;;
	esac
	shift
done

clients=5000
per_connection=2
rcpts=2
senders=$((clients * per_connection))

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/lib.sh"
need chainmail plugins/greylist.so plugins/ratelimit.so plugins/spf.so tests/load

# Of every second domain all clients may send.
write_zone() {
	awk -v clients="$clients" 'BEGIN {
		print "mail.example.org TXT \"v=spf1 ?all\""
		for (i = 0; i < clients; i++)
			printf "c%d.example TXT \"v=spf1 %s ?all\"\n", i, i % 2 ? "ip4:10.0.0.0/11" : "ip4:192.0.2.0/24"
	}' >"$work/zone"
}

# load FILTER MESSAGES FROM WAITING: figures go to $work/figures; WAITING recipients must be told to wait.
load() {
	if ! "$B/tests/load" "unix:$work/$1.sock" --connections "$connections" --messages "$2" --size 4096 --rcpts "$rcpts" \
		--per-connection "$per_connection" --seconds 60 --clients "$clients" --senders "$senders" --from "$3" \
		--to "user#@example.com" --may-defer >"$work/figures" ||
		[ "$(field messages)" != "$2" ] || [ "$(field deferred_rcpts)" != "$4" ]; then
		echo "bench: $1: $2 messages from $3, of whose recipients $4 must wait: $(cat "$work/figures")" >&2
		tail -n 3 "$work/$1.log" >&2
		exit 1
	fi
}

# measure SCENE FILTER ROUND MESSAGES FROM WAITING: a line for the table goes to $work/rows.
measure() {
	local before after
	before=$(ticks "${pid_of[$2]}")
	load "$2" "$4" "$5" "$6"
	after=$(ticks "${pid_of[$2]}")
	echo "$1 $2 $3 $(field messages_per_s) $((after - before)) $(field messages)" \
		"$(field p50_ms) $(field p99_ms) $(field longest_command_ms)" >>"$work/rows"
}

# share FILTER: its messages in a round.
share() {
	[ "$1" = redis ] && echo $((messages / 4)) || echo "$messages"
}

# start FILTER CHAIN STORE: Chainmail with that chain and that store.
start() {
	chain=$2
	store=$3
	serve "$1" state.conf
	pid_of[$1]=$served
}

declare -A pid_of
filters="without memory lmdb"
write_zone
start without "access, auth, spf, rule" "type = memory"
with="access, auth, inbound_limit, spf, greylist, rule"
start memory "$with" "type = memory"
start lmdb "$with" "type = lmdb\n    path = $work/lmdb"
if start_redis; then
	start redis "$with" "type = redis\n    servers = [ \"unix:$work/redis.socket\" ]\n    timeout = 1s"
	filters="$filters redis"
else
	say "there is no redis-server: no row of it"
fi

say "20000 triples make themselves known"
for filter in ${filters#without}; do
	load "$filter" "$senders" "s#@c%.example" $((senders * rcpts))
done
# As long as delay, of a clock that counts seconds.
sleep 2
for filter in $filters; do
	load "$filter" "$senders" "s#@c%.example" 0
done

# Many short rounds, for whatever else runs on the machine disturbs one and not the next. What is known is sent three
# times over: it is what is wanted, and a second is too short to tell a tenth.
order=$filters
for round in $(seq "$rounds"); do
	say "round $round of $rounds: known and new triples"
	for filter in $order; do
		measure known "$filter" "$round" $((3 * $(share "$filter"))) "s#@c%.example" 0
	done
	for filter in $order; do
		waiting=$(($(share "$filter") * rcpts))
		[ "$filter" != without ] || waiting=0
		measure new "$filter" "$round" "$(share "$filter")" "r${round}n#@c%.example" "$waiting"
	done
	# Who was first is last.
	order="${order#* } ${order%% *}"
done

awk -v json="$json" -v rounds="$rounds" -v hz="$(getconf CLK_TCK)" -v filters="$filters" -v connections="$connections" \
	-f "$here/median.awk" -f "$here/state.awk" "$work/rows"
