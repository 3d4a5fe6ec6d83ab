#!/bin/bash
# SPDX-License-Identifier: MIT
# record.sh BUILD [--rounds N] [--messages N] [--connections C] [--engine E] [--json] - what keeping sessions costs
#
# The chain of three_links.conf, which looks at every message, in three daemons that get the same load in turns: one that
# keeps nothing, one that keeps sessions, one that keeps bodies, too. Every session must be kept: a lost one ends the
# benchmark. CPU is that of the whole daemon, with the thread that writes. A ratio is the median of those of the rounds.
set -u -o pipefail

usage() {
	echo "usage: record.sh BUILD [--rounds N] [--messages N] [--connections C] [--engine E] [--json]" >&2
	exit 2
}

B=build
rounds=9
messages=8000
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

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/lib.sh"
need chainmail tests/load

# start NAME SECTION: three_links.conf with that section, on a socket of its own.
start() {
	sed -e "s|three-links.sock|$1.sock|" "$here/three_links.conf" >"$work/three-links.$1"
	printf '%s\nlistener people { type = control; socket = unix:@DIR@/%s.control }\n' "$2" "$1" >>"$work/three-links.$1"
	sed -i -e "s|@HERE@|$here|g" "$work/three-links.$1"
	(here=$work && serve "$1" "three-links.$1" && echo "$served" >"$work/$1.pid")
	pid_of[$1]=$(cat "$work/$1.pid")
	pids+=("${pid_of[$1]}")
}

# measure FILTER ROUND: a line for the table goes to $work/rows.
measure() {
	local before after
	before=$(ticks "${pid_of[$1]}")
	if ! "$B/tests/load" "unix:$work/$1.sock" --connections "$connections" --messages "$messages" --size 4096 --rcpts 2 \
		--per-connection 10 --seconds 60 --login alice --from alice@example.org >"$work/figures"; then
		echo "bench: load on $1 failed: $(cat "$work/figures")" >&2
		tail -n 3 "$work/$1.log" >&2
		exit 1
	fi
	after=$(ticks "${pid_of[$1]}")
	echo "record $1 $2 $(field messages_per_s) $((after - before)) $(field messages)" \
		"$(field p50_ms) $(field p99_ms) $(field longest_command_ms)" >>"$work/rows"
}

# all_kept FILTER: none of its sessions was lost.
all_kept() {
	"$B/chainmail" status --json --socket "$work/$1.control" >"$work/status"
	grep -q "\"kept\":$((rounds * messages)),\"lost\":0" "$work/status" && return
	echo "bench: $1 has lost sessions: $(cat "$work/status")" >&2
	exit 1
}

declare -A pid_of
filters="without sessions bodies"
start without ""
start sessions "record { path = $work/sessions; max_size = 128M }"
start bodies "record { path = $work/bodies; max_size = 128M; max_body = 64k }"

order=$filters
for round in $(seq "$rounds"); do
	say "round $round of $rounds"
	for filter in $order; do
		measure "$filter" "$round"
	done
	# Who was first is last.
	order="${order#* } ${order%% *}"
done
sleep 1
all_kept sessions
all_kept bodies

awk -v json="$json" -v rounds="$rounds" -v hz="$(getconf CLK_TCK)" -v filters="$filters" -v connections="$connections" \
	-f "$here/median.awk" -f "$here/record.awk" "$work/rows"
