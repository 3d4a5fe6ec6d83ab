#!/bin/bash
# SPDX-License-Identifier: MIT
#
# recursion.sh [BUILD] - own recursion from the root, and DNSSEC, in a network namespace of its own (root)
#
# Without resolvers the daemon begins at the root servers. Here one of their addresses belongs to the loopback
# of a namespace, where a real NSD serves a root zone that we signed, and another the zones below it: one
# signed, one whose signature is spoiled, one without. `chainmail dns` must find what is there, and say whether
# DNSSEC vouches for it. Nothing leaves the namespace.
set -u

build=$(realpath "${1:-build}")
here=$(dirname "$(realpath "$0")")

if [ -z "${RECURSION_INSIDE-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "recursion: needs root: it makes a network namespace" >&2 && exit 1; }
	words=$(flock "$build" sh "$here/../deps.sh" --unpack "$build/nsd" nsd 2>&1) ||
		{ echo "recursion: there is no NSD: $words" >&2 && exit 1; }
	RECURSION_INSIDE=yes exec unshare --net "$0" "$build"
fi

# a.root-servers.net to m.root-servers.net, as of libunbound 1.17.
ROOTS="198.41.0.4 199.9.14.201 170.247.170.2 192.33.4.12 199.7.91.13 192.203.230.10 192.5.5.241 192.112.36.4
	198.97.190.53 192.36.148.17 192.58.128.30 193.0.14.129 199.7.83.42 202.12.27.33"
BELOW=192.0.2.53
passed=0
failed=0
servers=
work=$(mktemp -d) || exit 1
end() {
	for pid in $servers; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

ip link set lo up || exit 1
for address in $ROOTS $BELOW; do
	ip addr add "$address/32" dev lo || exit 1
done
cd "$work" || exit 1

# zone NAME FILE: the lines every zone has.
soa() {
	printf '$TTL 300\n@ SOA ns.test. root.test. 1 3600 600 86400 60\n'
}

# sign ZONE FILE: signs it; the records for its parent are appended to FILE.ds.
sign() {
	key=$(ldns-keygen -a ECDSAP256SHA256 -k "$1") || exit 1
	ldns-key2ds -n -2 "$key.key" >>"$2.ds"
	ldns-signzone -o "$1" -n "$2" "$key" || exit 1
	cat "$key.key" >"$2.key"
}

{
	soa
	echo '@ NS ns'
	echo "ns A $BELOW"
	echo 'www A 192.0.2.1'
	echo 'www TXT "v=spf1 -all"'
} >signed.zone
sed 's/192.0.2.1$/192.0.2.2/' signed.zone >plain.zone
sed 's/192.0.2.1$/192.0.2.3/' signed.zone >spoiled.zone
sign signed.example. signed.zone
sign spoiled.example. spoiled.zone
# What was signed says something else now.
sed -i 's/192\.0\.2\.3$/192.0.2.66/' spoiled.zone.signed
{
	soa
	echo "@ NS a.root-servers.net."
	echo "a.root-servers.net. A ${ROOTS%% *}"
	for zone in signed spoiled plain; do
		echo "$zone.example. NS ns.$zone.example."
		echo "ns.$zone.example. A $BELOW"
	done
	cat signed.zone.ds spoiled.zone.ds
} >root.zone
sign . root.zone

# serve WHO "ADDRESS..." NAME=FILE...
serve() {
	who=$1 addresses=$2
	shift 2
	{
		printf 'server:\n server-count: 1\n username: ""\n chroot: ""\n'
		for address in $addresses; do
			printf ' ip-address: %s@53\n' "$address"
		done
		printf ' database: ""\n zonesdir: "%s"\n pidfile: ""\n rrl-ratelimit: 0\n' "$work"
		printf ' zonelistfile: "%s"\n xfrdfile: "%s"\n xfrdir: "%s"\n' "$work/$who.list" \
			"$work/$who.xfrd" "$work"
		printf 'remote-control:\n control-enable: no\n'
		for zone; do
			printf 'zone:\n name: "%s"\n zonefile: "%s"\n' "${zone%%=*}" "${zone#*=}"
		done
	} >"$who.conf"
	"$build/nsd/usr/sbin/nsd" -d -c "$who.conf" >"$who.log" 2>&1 &
	servers="$servers $!"
}

serve root "$ROOTS" .=root.zone.signed
serve below $BELOW signed.example=signed.zone.signed spoiled.example=spoiled.zone.signed plain.example=plain.zone

configure() {
	{
		echo 'main { authserv_id = mx.test }'
		echo 'listener l { socket = inet:10025@127.0.0.1 }'
		echo 'profile p { chain = [ ] }'
		echo "dns { timeout = 10s; $2 }"
	} >"$1.conf"
}

configure trusting 'dnssec = no'
configure checking "dnssec = yes; trust_anchor = root.zone.key"

# want CONFIGURATION TYPE NAME ANSWER DNSSEC: how the question must end.
want() {
	said=$("$build/chainmail" dns -c "$1.conf" "$2" "$3" 2>&1)
	answer=$(printf '%s\n' "$said" | head -n 1)
	state=$(printf '%s\n' "$said" | sed -n 's/^dnssec *//p')
	if [ "$answer" = "$4" ] && [ "$state" = "$5" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s: %s %s: wanted %s (%s), got:\n%s\n' "$1" "$2" "$3" "$4" "$5" "$said"
	fi
}

# The servers are up once they have answered.
tries=0
until "$build/chainmail" dns -c trusting.conf A www.plain.example >/dev/null 2>&1 || [ $tries = 50 ]; do
	tries=$((tries + 1))
	sleep 0.1
done

want trusting A www.signed.example 192.0.2.1 off
want trusting TXT www.plain.example '"v=spf1 -all"' off
want trusting A www.spoiled.example 192.0.2.66 off
want trusting A nobody.plain.example 'no such name' off
want trusting A www.nowhere.example 'no such name' off
want checking A www.signed.example 192.0.2.1 secure
want checking TXT www.signed.example '"v=spf1 -all"' secure
want checking A nobody.signed.example 'no such name' secure
want checking A www.plain.example 192.0.2.2 insecure
want checking A www.spoiled.example 'DNSSEC says that the answer is forged' insecure
[ "$failed" = 0 ] || tail -n 5 ./*.log
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
