# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: MIT
# filters.sh - starts the filters that peers.sh compares, and the DNS that all of them ask
#
# Sourced by peers.sh inside of its namespaces, after lib.sh. Each contestant has a socket, maybe that of a second
# filter that comes after it, and processes. A filter that a contestant needs and that does not start ends the benchmark.

declare -A socket_of then_of pids_of
no_replies=0xff080 # SMFIP_NR_* of all steps

# fill FILE: of peers/, with its places filled in.
fill() {
	sed -e "s|@DIR@|$work|g" -e "s|@HERE@|$here|g" -e "s|@CORPUS@|$corpus|g" -e "s|@CORES@|$(nproc)|g" \
		-e "s|@CACHE@|$cache|g" -e "s|@PORT@|${port-}|g" "$here/peers/$1" >"$work/$1"
}

# launch NAME COMMAND...: in the background; its pid goes to $served.
launch() {
	"${@:2}" >"$work/$1.log" 2>&1 </dev/null &
	served=$!
	pids+=("$served")
}

# contestant NAME SOCKET PID...: the socket is one of $work.
contestant() {
	socket_of[$1]=unix:$work/$2.sock
	pids_of[$1]=${*:3}
}

start_noop() {
	# Postfix must be able to connect.
	umask 000
	launch "$1" "$B/tests/noop" "unix:$work/$1.sock" "${@:2}"
	umask 022
	wait_for "$1" "$served"
	contestant "$1" "$1" "$served"
}

start_rspamd() {
	mkdir "$work/rspamd"
	start_redis || { echo "bench: there is no redis-server; run: make deps" >&2; exit 1; }
	fill rspamd.conf
	launch rspamd rspamd --insecure --no-fork --config "$work/rspamd.conf"
	wait_for rspamd "$served"
	contestant rspamd rspamd "$served" "$redis"
}

start_opendkim() {
	local first
	fill opendkim.conf
	fill opendmarc.conf
	launch opendkim opendkim -f -x "$work/opendkim.conf"
	first=$served
	wait_for opendkim "$first"
	launch opendmarc opendmarc -f -c "$work/opendmarc.conf"
	wait_for opendmarc "$served"
	contestant opendkim+opendmarc opendkim "$first" "$served"
	then_of[opendkim+opendmarc]=unix:$work/opendmarc.sock
}

start_chainmail() {
	store=$2
	serve "$1" peers/chainmail.conf
	contestant "$1" "$1" "$served"
}

# hostile_dns PORT: the server of tests/dns with the zones of the corpus; its port goes to $port.
hostile_dns() {
	rm -f "$work/dns.in"
	mkfifo "$work/dns.in"
	"$B/tests/hostile_dns" --port "$1" --zone "$corpus/hostile.zone" <"$work/dns.in" >"$work/dns.out" 2>&1 &
	served=$!
	pids+=("$served")
	exec 8>"$work/dns.in"
	for _ in $(seq 100); do
		! grep -q port "$work/dns.out" || break
		sleep 0.1
	done
	port=$(sed -n 's/^port //p' "$work/dns.out")
	[ -n "$port" ] || { echo "bench: the hostile DNS server: $(cat "$work/dns.out")" >&2; exit 1; }
}

start_resolver() {
	hostile_dns 0
	fill unbound.conf
	launch unbound unbound -d -c "$work/unbound.conf"
	resolver=$served
	echo "nameserver 127.0.0.1" >"$work/resolv.conf"
	mount --bind "$work/resolv.conf" /etc/resolv.conf
}

# dns_slow: the hostile server in place of Unbound, which takes more than twice as long for what takes two seconds: it
# asks again meanwhile, and does not hear the first answer any more.
dns_slow() {
	kill "$resolver"
	wait "$resolver" 2>/dev/null
	hostile_dns 53
	resolver=$served
}

dns_fast() {
	kill "$resolver"
	wait "$resolver" 2>/dev/null
	launch unbound unbound -d -c "$work/unbound.conf"
	resolver=$served
}

# Another Debian may need other libraries than peers/packages names.
check_libraries() {
	local program missing
	for program in rspamd opendkim opendmarc unbound; do
		missing=$(ldd "$(command -v "$program")" | sed -n 's/^[[:blank:]]*\(.*\) => not found.*/\1/p' | tr '\n' ' ')
		[ -z "$missing" ] && continue
		echo "bench: $program lacks $missing; run: make deps; or add their packages to tests/bench/peers/packages" >&2
		exit 1
	done
}

# Programs and libraries of the peers appear below /usr, in this mount namespace alone.
enter() {
	mount -t overlay overlay -o "lowerdir=$peers/usr:/usr" /usr ||
		{ echo "bench: cannot lay $peers over /usr in a mount namespace; run it as root" >&2; exit 1; }
	check_libraries
	ip link set lo up
	chmod 0711 "$work"
}

start_all() {
	enter
	start_resolver
	start_noop noop-answers
	start_noop noop-silent --steps $no_replies
	start_rspamd
	start_opendkim
	start_chainmail chainmail-memory "type = memory"
	start_chainmail chainmail-lmdb "type = lmdb; path = $work/lmdb"
}

# tree PID...: these and their descendants.
tree() {
	local pid
	for pid; do
		echo "$pid"
		# Words are process ids.
		# shellcheck disable=SC2046
		tree $(cat "/proc/$pid/task"/*/children 2>/dev/null)
	done
}

# of_tree NAME: processes of that contestant.
of_tree() {
	# shellcheck disable=SC2086
	tree ${pids_of[$1]}
}

tree_ticks() {
	local pid sum=0
	for pid in $(of_tree "$1"); do
		sum=$((sum + $(ticks "$pid")))
	done
	echo "$sum"
}

# KB; what processes share counts once.
tree_memory() {
	local pid
	for pid in $(of_tree "$1"); do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Pss:/ { sum += $2 } END { print sum }'
}

# KB; what processes share counts once for each.
tree_peak() {
	local pid
	for pid in $(of_tree "$1"); do
		cat "/proc/$pid/status"
	done | awk '/^VmHWM:/ { sum += $2 } END { print sum }'
}
