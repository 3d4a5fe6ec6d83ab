# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# dns.sh - a private DNS server: unpacks NSD, makes its directory, starts and ends it
#
# Sourced by run.sh. It is the root of all names for whoever asks it: one zone file knows everything, and what
# is not in it does not exist. It listens on 127.0.0.1 alone. NSD is unpacked into the build directory and never
# installed, so no service of the machine begins to run.

readonly DNS_USER=nobody

dns_program() {
    printf '%s/nsd/usr/sbin/nsd\n' "$E2E_BUILD"
}

# One MTA unpacks, the other waits for it.
dns_need() {
    local words
    words=$(flock "$E2E_BUILD" sh "$E2E_DIR/../deps.sh" --unpack "$E2E_BUILD/nsd" nsd 2>&1) ||
        lacking "there is no NSD: $words"
    words=$(ldd "$(dns_program)" | sed -n 's/^[[:blank:]]*\(.*\) => not found.*/\1/p' | tr '\n' ' ')
    [ -z "$words" ] || lacking "NSD lacks the libraries $words" "run: make deps"
}

dns_write() {
    cat <<END
server:
    ip-address: 127.0.0.1@$DNS_PORT
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "$DNS_DIR"
    zonelistfile: "$DNS_DIR/zones"
    xfrdfile: "$DNS_DIR/xfrd"
    xfrdir: "$DNS_DIR"
    pidfile: "$DNS_DIR/pid"
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: "."
    zonefile: "root.zone"
END
}

# dns_make DIR: a directory DNS_DIR below DIR, and a port; the zone file is to be put there as root.zone.
dns_make() {
    DNS_PID=
    DNS_DIR=$(mktemp -d "$1/dns.XXXXXX") || exit 1
    chmod 0755 "$DNS_DIR"
    chown "$DNS_USER" "$DNS_DIR"
    DNS_PORT=$(free_ports 1) || exit 1
    dns_write >"$DNS_DIR/nsd.conf"
}

dns_answers() {
    perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Proto => "udp") or exit 1;
        $s->send(pack("n6 C n n", 1, 0, 1, 0, 0, 0, 0, 6, 1));
        my $bits = "";
        vec($bits, fileno $s, 1) = 1;
        exit !(select($bits, undef, undef, 0.5) && defined $s->recv(my $answer, 512))' "$DNS_PORT"
}

dns_up_or_gone() {
    process_gone "$DNS_PID" || dns_answers
}

# dns_start: starts it and waits until it answers.
dns_start() {
    [ -n "$DNS_PID" ] || cleanup_add dns_stop
    setpriv --reuid="$DNS_USER" --regid="$(id -g "$DNS_USER")" --clear-groups \
        "$(dns_program)" -d -c "$DNS_DIR/nsd.conf" >>"$DNS_DIR/log" 2>&1 &
    DNS_PID=$!
    wait_until 10 dns_up_or_gone && ! process_gone "$DNS_PID" && return 0
    sed 's/^/    /' "$DNS_DIR/log" >&2
    die "the private NSD in $DNS_DIR did not start" "the lines above are what it said"
}

# Questions are then refused by the kernel, as those to a machine where nothing listens.
dns_stop() {
    [ -n "$DNS_PID" ] || return 0
    kill -TERM "$DNS_PID" 2>/dev/null
    wait_until 10 process_gone "$DNS_PID" || kill -KILL "$DNS_PID"
    wait "$DNS_PID" 2>/dev/null
    DNS_PID=
}
