# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# postfix.sh - a private Postfix: makes it, starts it, stops it, looks into its queue and log
#
# Sourced after lib.sh. Everything lives below one directory (configuration, queue, data, mailboxes,
# certificate, logins, log), listens on 127.0.0.1 only, and leaves /etc/postfix and the system's own
# queue alone, whether a Postfix runs there or not. It needs root, for Postfix starts as root; it
# needs no systemd, no syslog and no DNS. It can deliver to its own mailboxes and nowhere else.
#
# Set before postfix_make (all optional):
#   PF_PORT, PF_SUBMISSION_PORT   fixed ports instead of free ones
#   PF_MILTER                     where the filter listens (default unix:DIR/milter.sock); "" for none
#   PF_MILTER_TIMEOUT             how long Postfix waits for the filter (default 10s)
# Set by postfix_make: PF_DIR and both ports.

readonly PF_HOST=mx.example.com
readonly PF_MAILBOXES='alice bob carol dave erin load'
readonly PF_LOGINS='bob carol'
readonly PF_PASSWORD='correct horse'

# --- requirements ------------------------------------------------------------------------------

postfix_need() {
    need_root
    need_commands postfix/postfix postqueue/postfix openssl/openssl saslpasswd2/sasl2-bin \
        perl/perl setpriv/util-linux
    local user
    for user in postfix nobody; do
        id -u "$user" >/dev/null 2>&1 || lacking "this machine has no user \"$user\"" \
            "install the package postfix completely: apt-get install --reinstall postfix base-passwd"
    done
    getent group postfix >/dev/null || lacking "this machine has no group \"postfix\"" \
        "install the package postfix completely: apt-get install --reinstall postfix"
    [ -n "$(find /usr/lib -path '*/sasl2/libplain.so*')" ] ||
        lacking "missing packages: libsasl2-modules" "run: make deps"
}

# Postfix's own users must be able to reach the directory, which a private TMPDIR may forbid.
postfix_need_reachable() {
    setpriv --reuid=postfix --regid=postfix --clear-groups test -x "$1/." ||
        die "user postfix cannot enter $1" "set TMPDIR to a directory that every user may pass, such as /tmp"
}

postfix_need_port() {
    port_free "$1" || die "port $1 of 127.0.0.1 is in use, the private Postfix cannot listen there" \
        "see who has it: ss -ltnp 'sport = :$1'; or leave $2 unset for a free port"
}

# --- making ------------------------------------------------------------------------------------

postfix_choose_ports() {
    local free
    need_port_number PF_PORT
    need_port_number PF_SUBMISSION_PORT
    free=$(free_ports 2) || exit 1
    : "${PF_PORT:=${free% *}}" "${PF_SUBMISSION_PORT:=${free#* }}"
    [ "$PF_PORT" != "$PF_SUBMISSION_PORT" ] ||
        die "PF_PORT and PF_SUBMISSION_PORT are both $PF_PORT" "give two different ports"
    postfix_need_port "$PF_PORT" PF_PORT
    postfix_need_port "$PF_SUBMISSION_PORT" PF_SUBMISSION_PORT
}

# Empty lists where the defaults would read the machine's own files or trust its own networks.
postfix_write_main() {
    cat <<END
compatibility_level = 3.6
config_directory = $PF_DIR/conf
queue_directory = $PF_DIR/queue
data_directory = $PF_DIR/data
maillog_file = $PF_DIR/log/mail.log
maillog_file_prefixes = $PF_DIR

myhostname = $PF_HOST
mydomain = example.com
myorigin = example.com
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
disable_dns_lookups = yes
enable_long_queue_ids = yes

# Mail for these domains lands in maildirs; everything else is refused and could not leave anyway.
virtual_mailbox_domains = example.com, example.org
virtual_mailbox_base = $PF_DIR/mail
virtual_mailbox_maps = texthash:$PF_DIR/conf/mailboxes
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
default_transport = error:this private Postfix sends no mail out
relay_transport = error:this private Postfix sends no mail out
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.1
message_size_limit = 30000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0

smtpd_tls_cert_file = $PF_DIR/tls/cert.pem
smtpd_tls_key_file = $PF_DIR/tls/key.pem
smtpd_tls_loglevel = 0
cyrus_sasl_config_path = $PF_DIR/conf/sasl
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain =

smtpd_milters = ${PF_MILTER-unix:$PF_DIR/milter.sock}
milter_default_action = tempfail
milter_connect_timeout = ${PF_MILTER_TIMEOUT:-10s}
milter_command_timeout = ${PF_MILTER_TIMEOUT:-10s}
milter_content_timeout = ${PF_MILTER_TIMEOUT:-10s}

# Tests make mistakes on purpose and in bulk; Postfix need not slow them down.
default_process_limit = 50
in_flow_delay = 0
max_idle = 5s
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
END
}

# No service is chrooted and none listens but the two smtpd.
postfix_write_master() {
    cat <<END
127.0.0.1:$PF_PORT inet n - n - - smtpd
127.0.0.1:$PF_SUBMISSION_PORT inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=may
  -o smtpd_tls_auth_only=yes
  -o smtpd_sasl_auth_enable=yes
anvil     unix  -  -  n  -     1  anvil
bounce    unix  -  -  n  -     0  bounce
cleanup   unix  n  -  n  -     0  cleanup
defer     unix  -  -  n  -     0  bounce
discard   unix  -  -  n  -     -  discard
error     unix  -  -  n  -     -  error
flush     unix  n  -  n  1000? 0  flush
pickup    unix  n  -  n  60    1  pickup
postlog   unix-dgram n - n -   1  postlogd
proxymap  unix  -  -  n  -     -  proxymap
qmgr      unix  n  -  n  300   1  qmgr
retry     unix  -  -  n  -     -  error
rewrite   unix  -  -  n  -     -  trivial-rewrite
showq     unix  n  -  n  -     -  showq
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
trace     unix  -  -  n  -     0  bounce
virtual   unix  -  n  n  -     -  virtual
END
}

# The sender domain has a mailbox for everything, so that bounces can be seen, too.
postfix_write_mailboxes() {
    local name
    for name in $PF_MAILBOXES; do
        printf '%s@example.com %s/\n' "$name" "$name"
    done
    printf '@example.org outside/\n'
}

postfix_make_certificate() {
    mkdir -m 0700 "$PF_DIR/tls"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj "/CN=$PF_HOST" -keyout "$PF_DIR/tls/key.pem" -out "$PF_DIR/tls/cert.pem" 2>"$PF_DIR/tls/log" ||
        die "openssl made no certificate in $PF_DIR/tls: $(tail -n 1 "$PF_DIR/tls/log")" "check: openssl version"
}

# smtpd has given up root when it opens the password file, so the group must be able to read it.
# Debian's Postfix looks for smtpd.conf in the folder sasl beside main.cf, whatever main.cf says.
postfix_make_logins() {
    local db=$PF_DIR/conf/sasl/sasldb2 name
    mkdir -m 0750 "$PF_DIR/conf/sasl"
    cat >"$PF_DIR/conf/sasl/smtpd.conf" <<END
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $db
mech_list: PLAIN LOGIN
log_level: 0
END
    for name in $PF_LOGINS; do
        printf '%s' "$PF_PASSWORD" | saslpasswd2 -p -c -f "$db" -u "$PF_HOST" "$name" ||
            die "saslpasswd2 could not add the login $name to $db" "check the package sasl2-bin"
    done
    chgrp -R postfix "$PF_DIR/conf/sasl"
    chmod 0640 "$PF_DIR/conf/sasl"/*
}

# postfix_make DIR: writes a complete private Postfix below DIR, an existing directory. Starts nothing.
postfix_make() {
    PF_DIR=$1
    postfix_need
    postfix_need_reachable "$PF_DIR"
    postfix_choose_ports
    mkdir "$PF_DIR"/{conf,queue,data,mail,log}
    chown postfix "$PF_DIR/data"
    chown nobody "$PF_DIR/mail"
    postfix_write_main >"$PF_DIR/conf/main.cf"
    postfix_write_master >"$PF_DIR/conf/master.cf"
    postfix_write_mailboxes >"$PF_DIR/conf/mailboxes"
    postfix_make_certificate
    postfix_make_logins
}

# --- running -----------------------------------------------------------------------------------

postfix_pid() {
    sed -n '1s/[^0-9]//gp' "$PF_DIR/queue/pid/master.pid" 2>/dev/null
}

# Postfix itself tests the lock on the pid file, so an old file with a reused number means "no".
postfix_running() {
    postfix -c "$PF_DIR/conf" status >/dev/null 2>&1
}

postfix_answers() {
    perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 2) or exit 1;
        exit !(<$s> =~ /^220 /)' "$PF_PORT" 2>/dev/null
}

postfix_fail() {
    tail -n 5 "$PF_DIR/log/mail.log" "$PF_DIR/log/start" 2>/dev/null | sed 's/^/    /' >&2
    die "$1" "the lines above are its log"
}

# postfix_start: starts it and waits until it greets. A milter that is away does not matter here.
postfix_start() {
    cleanup_add postfix_stop
    postfix -c "$PF_DIR/conf" start >"$PF_DIR/log/start" 2>&1 ||
        postfix_fail "the private Postfix in $PF_DIR did not start"
    wait_until 10 postfix_running || postfix_fail "the private Postfix in $PF_DIR ended at once"
}

# The master leads a process group of its own; an empty group means that all its parts are gone. Dead
# ones that nobody collects (a container without init) do not count, so a signal 0 would not do.
postfix_group_gone() {
    ! sed 's/.*) //' /proc/[0-9]*/stat 2>/dev/null | grep -q "^[^Z] [0-9]* $1 "
}

# postfix_stop: ends the Postfix of PF_DIR and no other. Doing it twice is harmless.
postfix_stop() {
    local pid
    postfix_running || return 0
    pid=$(postfix_pid)
    kill -TERM "$pid"
    wait_until 10 postfix_group_gone "$pid" && return 0
    kill -KILL -- "-$pid"
    wait_until 5 postfix_group_gone "$pid" || die "parts of Postfix $pid will not end" "look: ps -g $pid"
}

# postfix_set NAME=VALUE...: changes main.cf and makes the running Postfix read it.
postfix_set() {
    postconf -c "$PF_DIR/conf" -e "$@" && postfix -c "$PF_DIR/conf" reload >>"$PF_DIR/log/start" 2>&1
}

# --- looking into it ---------------------------------------------------------------------------

# postfix_queue [QUEUE...]: the queue ids in these queues (all, when none is named), one a line.
postfix_queue() {
    [ $# -gt 0 ] || set -- maildrop incoming active deferred hold
    (cd "$PF_DIR/queue" && find "$@" -type f -printf '%f\n')
}

postfix_hold_queue() {
    postfix_queue hold
}

# postfix_show ID: envelope, header and body of a queued message.
postfix_show() {
    postcat -c "$PF_DIR/conf" -q "$1"
}

postfix_idle() {
    [ -z "$(postfix_queue maildrop incoming active)" ]
}

# postfix_wait_delivered [SECONDS]: waits until nothing is on its way. Held mail stays where it is.
postfix_wait_delivered() {
    wait_until "${1:-20}" postfix_idle ||
        die "mail still on its way after ${1:-20} s: $(postfix_queue maildrop incoming active | tr '\n' ' ')"
}

# postfix_mailbox NAME...: the files of the messages delivered to these mailboxes.
postfix_mailbox() {
    local name
    for name in "$@"; do
        [ ! -d "$PF_DIR/mail/$name/new" ] || find "$PF_DIR/mail/$name/new" -type f
    done
}

# postfix_delivered NAME TEXT: the files in that mailbox that contain TEXT.
postfix_delivered() {
    [ ! -d "$PF_DIR/mail/$1/new" ] || grep -rlF -- "$2" "$PF_DIR/mail/$1/new" || true
}

# postfix_log [PATTERN]: log lines that match.
postfix_log() {
    grep -E -- "${1:-.}" "$PF_DIR/log/mail.log"
}
