# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# mta.sh - the mail server under test: what Postfix and Sendmail have in common here
#
# Sourced after lib.sh; `mta_use NAME` then takes mta_NAME.sh and what mta_differences.sh says of it.
# Either one is private: everything lives below one directory (configuration, queue, mailboxes,
# certificate, logins, log), listens on 127.0.0.1 only, and leaves the system's own mail server alone,
# whether one runs there or not. It needs root, for both start as root; it needs no systemd, no syslog
# and no DNS. It delivers to its own mailboxes and nowhere else.
#
# Each mta_NAME.sh has the same functions:
#   mta_need             what the machine lacks, if anything (see lacking)
#   mta_write            writes the rest of MTA_DIR; ports, certificate and directories are there
#   mta_launch           starts it; true when it runs
#   mta_stop             ends all its processes and no others; doing it twice is harmless
#   mta_on_its_way       queue ids of mail that is being received or delivered, one a line
#   mta_held             queue ids of mail in quarantine
#   mta_release ID       ends the quarantine of a message; it is delivered soon
#   mta_show ID          envelope, header and body of a queued message
#   mta_client ADDR NAME [REVERSE]
#                        CLIENT_OPTIONS becomes what makes swaks a client of that address (of 127.0.2.0/24),
#                        that verified name and that reverse name; - is none
#   mta_open_ipv6 NAME   smtp_open as a client of the address ::1 with that name; false without IPv6
#
# Set before mta_make (all optional):
#   MTA_PORT, MTA_SUBMISSION_PORT   fixed ports instead of free ones
#   MTA_MILTER                      where the filter listens, as Postfix writes it; "" for none
#   MTA_MILTER_TIMEOUT              seconds it waits for the filter (default 10)
# Set by mta_use: MTA_NAME, MTA_TITLE, MTA_GROUP. Set by mta_make: MTA_DIR and both ports.

readonly MTAS='postfix sendmail'
readonly SITE_HOST=mx.example.com
readonly SITE_MAILBOXES='alice bob carol dave erin load'
readonly SITE_LOGINS='bob carol'
readonly SITE_PASSWORD='correct horse'

# mta_use NAME: which one.
mta_use() {
    MTA_NAME=$1
    case " $MTAS " in
    *" $1 "*) ;;
    *) die "there is no MTA $1" "choose from: $MTAS" ;;
    esac
    # shellcheck source=/dev/null
    . "$E2E_DIR/mta_$1.sh"
    # shellcheck source=SCRIPTDIR/mta_differences.sh
    . "$E2E_DIR/mta_differences.sh"
}

# --- requirements ------------------------------------------------------------------------------

# What both need; mta_need of each calls it.
mta_need_site() {
    need_root
    need_commands openssl/openssl saslpasswd2/sasl2-bin perl/perl setpriv/util-linux
    id -u nobody >/dev/null 2>&1 || lacking "this machine has no user nobody" \
        "apt-get install --reinstall base-passwd"
    [ -n "$(find /usr/lib -path '*/sasl2/libplain.so*')" ] ||
        lacking "missing packages: libsasl2-modules" "run: make deps"
}

# mta_need_reachable USER DIR: who delivers must reach the directory, which a private TMPDIR may forbid.
mta_need_reachable() {
    setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups test -x "$2/." ||
        die "user $1 cannot enter $2" "set TMPDIR to a directory that every user may pass, such as /tmp"
}

mta_need_port() {
    port_free "$1" || die "port $1 of 127.0.0.1 is in use, the private $MTA_TITLE cannot listen there" \
        "see who has it: ss -ltnp 'sport = :$1'; or leave $2 unset for a free port"
}

# --- making ------------------------------------------------------------------------------------

mta_choose_ports() {
    local free
    need_port_number MTA_PORT
    need_port_number MTA_SUBMISSION_PORT
    free=$(free_ports 2) || exit 1
    : "${MTA_PORT:=${free% *}}" "${MTA_SUBMISSION_PORT:=${free#* }}"
    [ "$MTA_PORT" != "$MTA_SUBMISSION_PORT" ] ||
        die "MTA_PORT and MTA_SUBMISSION_PORT are both $MTA_PORT" "give two different ports"
    mta_need_port "$MTA_PORT" MTA_PORT
    mta_need_port "$MTA_SUBMISSION_PORT" MTA_SUBMISSION_PORT
}

mta_make_certificate() {
    mkdir -m 0700 "$MTA_DIR/tls"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj "/CN=$SITE_HOST" -keyout "$MTA_DIR/tls/key.pem" -out "$MTA_DIR/tls/cert.pem" 2>"$MTA_DIR/tls/log" ||
        die "openssl made no certificate in $MTA_DIR/tls: $(tail -n 1 "$MTA_DIR/tls/log")" "check: openssl version"
}

# mta_make_logins GROUP FILE: logins for Cyrus SASL, whose configuration is conf/sasl/FILE. Only root
# and GROUP can read them.
mta_make_logins() {
    local db=$MTA_DIR/conf/sasl/sasldb2 name
    mkdir -m 0750 "$MTA_DIR/conf/sasl"
    cat >"$MTA_DIR/conf/sasl/$2" <<END
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $db
mech_list: PLAIN LOGIN
log_level: 0
END
    for name in $SITE_LOGINS; do
        printf '%s' "$SITE_PASSWORD" | saslpasswd2 -p -c -f "$db" -u "$SITE_HOST" "$name" ||
            die "saslpasswd2 could not add the login $name to $db" "check the package sasl2-bin"
    done
    chgrp -R "$1" "$MTA_DIR/conf/sasl"
    chmod 0640 "$MTA_DIR/conf/sasl"/*
}

# mta_make DIR: a complete private server below DIR, an existing directory. Starts nothing.
mta_make() {
    MTA_DIR=$1
    mta_need
    mta_need_reachable nobody "$MTA_DIR"
    mta_choose_ports
    mkdir "$MTA_DIR"/{conf,queue,mail,log}
    chown nobody "$MTA_DIR/mail"
    mta_make_certificate
    mta_write
}

# --- running -----------------------------------------------------------------------------------

mta_answers() {
    perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 2) or exit 1;
        exit !(<$s> =~ /^220 /)' "$MTA_PORT" 2>/dev/null
}

# mta_start: starts it and waits until it runs. A milter that is away does not matter here.
mta_start() {
    cleanup_add mta_stop
    mta_launch && return 0
    tail -n 5 "$MTA_DIR/log"/* 2>/dev/null | sed 's/^/    /' >&2
    die "the private $MTA_TITLE in $MTA_DIR did not start" "the lines above are its log"
}

# --- looking into it ---------------------------------------------------------------------------

mta_idle() {
    [ -z "$(mta_on_its_way)" ]
}

# mta_wait_delivered [SECONDS]: waits until nothing is on its way. Held mail stays where it is.
mta_wait_delivered() {
    wait_until "${1:-20}" mta_idle ||
        die "mail still on its way after ${1:-20} s: $(mta_on_its_way | tr '\n' ' ')"
}

# mta_mailbox NAME...: the files of the messages delivered to these mailboxes.
mta_mailbox() {
    local name
    for name in "$@"; do
        [ ! -d "$MTA_DIR/mail/$name/new" ] || find "$MTA_DIR/mail/$name/new" -type f
    done
}

# mta_delivered NAME TEXT: the files in that mailbox that contain TEXT.
mta_delivered() {
    [ ! -d "$MTA_DIR/mail/$1/new" ] || grep -rlF -- "$2" "$MTA_DIR/mail/$1/new" || true
}

# mta_log [PATTERN]: log lines that match.
mta_log() {
    grep -E -- "${1:-.}" "$MTA_DIR/log/mail.log"
}
