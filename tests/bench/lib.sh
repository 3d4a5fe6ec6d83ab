# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# lib.sh - what the benchmarks share: a directory, filters that are started and ended, figures
#
# Sourced, with B (the build directory), engine, json and here (this folder) set. What a configuration may name besides:
# dns, where the hostile DNS server listens; chain, links of a profile; store, settings of one. Everything that is
# started ends with the script.

work=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX")
pids=()

stop() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${pids[@]}"; do
		wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -Hn)"

# need FILE...: of the build directory.
need() {
	local program
	for program; do
		[ -x "$B/$program" ] || { echo "bench: $B/$program is missing; run: make bench bench-dns bench-peers bench-state" >&2; exit 1; }
	done
}

say() {
	[ -n "$json" ] || echo "$*" >&2
}

# wait_for NAME PID: until it accepts, at most 2 min; what it negotiates goes to $work/NAME.terms.
wait_for() {
	for _ in $(seq 1200); do
		"$B/tests/load" "unix:$work/$1.sock" --show-negotiation >"$work/$1.terms" 2>/dev/null && return 0
		kill -0 "$2" 2>/dev/null || break
		sleep 0.1
	done
	echo "bench: $1 does not serve" >&2
	cat "$work"/*.log >&2
	exit 1
}

# serve NAME CONF: Chainmail on $work/NAME.sock; its pid goes to $served.
serve() {
	sed -e "s|@DIR@|$work|g" -e "s|@ENGINE@|$engine|g" -e "s|@HERE@|$here|g" -e "s|@BUILD@|$(realpath "$B")|g" \
		-e "s|@DNS@|${dns-}|g" -e "s|@NAME@|$1|g" -e "s|@CHAIN@|${chain-}|g" -e "s|@STORE@|${store-}|g" \
		"$here/$2" >"$work/$1.conf"
	"$B/chainmail" serve --config "$work/$1.conf" >"$work/$1.log" 2>&1 </dev/null &
	served=$!
	pids+=("$served")
	wait_for "$1" "$served"
}

# Kilobytes of memory that a process has.
resident() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

# hold COUNT SOCKET: opens idle connections; their process is $idle, until its input is closed.
hold() {
	mkfifo "$work/hold"
	"$B/tests/idle" "unix:$work/$2.sock" "$1" <"$work/hold" >"$work/held" 2>&1 &
	idle=$!
	exec 9>"$work/hold"
	for _ in $(seq 600); do
		grep -q open "$work/held" && return
		kill -0 "$idle" 2>/dev/null || break
		sleep 0.1
	done
	echo "bench: $1 idle connections: $(cat "$work/held")" >&2
	exit 1
}

release() {
	exec 9>&-
	wait "$idle"
	rm -f "$work/hold"
}

# The hostile DNS server; $dns is its address.
start_dns() {
	mkfifo "$work/dns.in"
	"$B/tests/hostile_dns" <"$work/dns.in" >"$work/dns.out" &
	pids+=("$!")
	exec 8>"$work/dns.in"
	for _ in $(seq 100); do
		! grep -q port "$work/dns.out" || break
		sleep 0.1
	done
	dns=127.0.0.1@$(sed -n 's/^port //p' "$work/dns.out")
}

# Ticks of utime and stime; the name in field 2 may hold blanks.
ticks() {
	sed 's/^.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

field() {
	sed "s/.*\"$1\": \([0-9.]*\).*/\1/" "$work/figures"
}

# A Redis server of our own, $redis; false where there is none. Debian's package of the tools has its program by another name.
start_redis() {
	local program
	program=$(command -v redis-server || command -v valkey-server || command -v redis-check-rdb) || return 1
	(exec -a redis-server "$program" --port 0 --unixsocket "$work/redis.socket" --save '' --appendonly no \
		--dir "$work") >"$work/redis-server.log" 2>&1 </dev/null &
	redis=$!
	pids+=("$redis")
	for _ in $(seq 100); do
		[ ! -S "$work/redis.socket" ] || return 0
		sleep 0.1
	done
	echo "bench: the Redis server does not start: $(cat "$work/redis-server.log")" >&2
	exit 1
}
