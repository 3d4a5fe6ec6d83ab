#!/bin/bash
# SPDX-License-Identifier: MIT
# lua.sh BUILD [--rounds N] [--sessions N] [--engine E] - what a Lua rule costs beside a plugin in C, both of them empty
#
# First the crossing into Lua and back, and what a Lua state holds (lua.c); then what open sessions hold of two daemons that
# run at the same time, one with each. Each session has sent a message before. As many as descriptors allow, at most N.
set -u -o pipefail

usage() {
	echo "usage: lua.sh BUILD [--rounds N] [--sessions N] [--engine E]" >&2
	exit 2
}

B=build
rounds=31
sessions=10000
engine=native
json=
while [ $# -gt 0 ]; do
	case $1 in
	--engine) engine=${2:?}; shift ;;
	--rounds) rounds=${2:?}; shift ;;
	--sessions) sessions=${2:?}; shift ;;
	-*) usage ;;
	*) B=$1 ;;
	esac
	shift
done

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/lib.sh"
need chainmail tests/load tests/idle tests/bench_lua tests/plugins/empty.so

"$B/tests/bench_lua" "$B/tests/plugins" "$rounds"
status=$?

# A daemon keeps some descriptors for itself.
files=$(ulimit -n)
[ "$files" = unlimited ] || [ "$sessions" -le $((files - 300)) ] || {
	sessions=$((files - 300))
	say "only $sessions sessions: a process may have $files descriptors"
}

echo
echo "| open sessions | with an empty plugin in C, KB of each | with an empty rule in Lua |"
echo "| --- | --- | --- |"
declare -A pid_of each empty
for chain in empty rule; do
	serve "$chain" lua.conf
	pid_of[$chain]=$served
	empty[$chain]=$(resident "$served")
done
for count in 1000 "$sessions"; do
	for chain in empty rule; do
		hold "$count" "$chain"
		each[$chain]=$(awk -v kb=$(($(resident "${pid_of[$chain]}") - empty[$chain])) -v n="$count" 'BEGIN { printf "%.2f", kb / n }')
		release
	done
	echo "| $count | ${each[empty]} | ${each[rule]} |"
done
exit "$status"
