# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# mta_postfix.sh - a private Postfix: writes it, starts it, ends it, looks into its queue
#
# Taken by mta_use of mta.sh, which says what each function is for. It is the installed Postfix with
# a configuration, a queue and a data directory of its own.

readonly MTA_TITLE=Postfix
# The group that smtpd reaches the filter's socket with.
readonly MTA_GROUP=postfix

mta_need() {
    mta_need_site
    need_commands postfix/postfix postqueue/postfix
    id -u postfix >/dev/null 2>&1 || lacking "this machine has no user postfix" \
        "install the package postfix completely: apt-get install --reinstall postfix"
    getent group postfix >/dev/null || lacking "this machine has no group postfix" \
        "install the package postfix completely: apt-get install --reinstall postfix"
}

# --- making ------------------------------------------------------------------------------------

# Empty lists where the defaults would read the machine's own files or trust its own networks.
postfix_write_main() {
    cat <<END
compatibility_level = 3.6
config_directory = $MTA_DIR/conf
queue_directory = $MTA_DIR/queue
data_directory = $MTA_DIR/data
maillog_file = $MTA_DIR/log/mail.log
maillog_file_prefixes = $MTA_DIR

myhostname = $SITE_HOST
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
virtual_mailbox_base = $MTA_DIR/mail
virtual_mailbox_maps = texthash:$MTA_DIR/conf/mailboxes
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
default_transport = error:this private Postfix sends no mail out
relay_transport = error:this private Postfix sends no mail out
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.1
message_size_limit = 30000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0

smtpd_tls_cert_file = $MTA_DIR/tls/cert.pem
smtpd_tls_key_file = $MTA_DIR/tls/key.pem
smtpd_tls_loglevel = 0
cyrus_sasl_config_path = $MTA_DIR/conf/sasl
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain =

smtpd_milters = ${MTA_MILTER-}
milter_default_action = tempfail
milter_connect_timeout = ${MTA_MILTER_TIMEOUT:-10}s
milter_command_timeout = ${MTA_MILTER_TIMEOUT:-10}s
milter_content_timeout = ${MTA_MILTER_TIMEOUT:-10}s

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

# No service is chrooted and none listens but the two smtpd. What is injected comes back to the plain port, from
# a queue of its own: as another server would bring it.
postfix_write_master() {
    cat <<END
127.0.0.1:$MTA_PORT inet n - n - - smtpd
127.0.0.1:$MTA_SUBMISSION_PORT inet n - n - - smtpd
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
  -o content_filter=another:[127.0.0.1]:$MTA_PORT
another   unix  -  -  n  -     -  smtp
  -o myhostname=another.example.net
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
    for name in $SITE_MAILBOXES; do
        printf '%s@example.com %s/\n' "$name" "$name"
    done
    printf '@example.org outside/\n'
}

# smtpd has given up root when it opens the password file, so the group must be able to read it.
# Debian's Postfix looks for smtpd.conf in the folder sasl beside main.cf, whatever main.cf says.
mta_write() {
    mta_need_reachable postfix "$MTA_DIR"
    mkdir "$MTA_DIR/data"
    chown postfix "$MTA_DIR/data"
    postfix_write_main >"$MTA_DIR/conf/main.cf"
    postfix_write_master >"$MTA_DIR/conf/master.cf"
    postfix_write_mailboxes >"$MTA_DIR/conf/mailboxes"
    mta_make_logins postfix smtpd.conf
}

# --- running -----------------------------------------------------------------------------------

postfix_pid() {
    sed -n '1s/[^0-9]//gp' "$MTA_DIR/queue/pid/master.pid" 2>/dev/null
}

# Postfix itself tests the lock on the pid file, so an old file with a reused number means "no".
postfix_running() {
    postfix -c "$MTA_DIR/conf" status >/dev/null 2>&1
}

mta_launch() {
    postfix -c "$MTA_DIR/conf" start >"$MTA_DIR/log/start" 2>&1 && wait_until 10 postfix_running
}

# The master leads a process group of its own; an empty group means that all its parts are gone. Dead
# ones that nobody collects (a container without init) do not count, so a signal 0 would not do.
postfix_group_gone() {
    ! sed 's/.*) //' /proc/[0-9]*/stat 2>/dev/null | grep -q "^[^Z] [0-9]* $1 "
}

# postfix stop would wait for the mail in transit.
mta_stop() {
    local pid
    postfix_running || return 0
    pid=$(postfix_pid)
    kill -TERM "$pid"
    wait_until 10 postfix_group_gone "$pid" && return 0
    kill -KILL -- "-$pid"
    wait_until 5 postfix_group_gone "$pid" || die "parts of Postfix $pid will not end" "look: ps -g $pid"
}

# --- looking into it ---------------------------------------------------------------------------

# postfix_queue QUEUE...: the queue ids in these queues.
postfix_queue() {
    (cd "$MTA_DIR/queue" && find "$@" -type f -printf '%f\n')
}

mta_on_its_way() {
    postfix_queue maildrop incoming active
}

mta_held() {
    postfix_queue hold
}

mta_release() {
    postsuper -c "$MTA_DIR/conf" -H "$1" && postqueue -c "$MTA_DIR/conf" -i "$1"
}

# postfix_inject SENDER RECIPIENT...: the message on standard input into the queue of the other server.
postfix_inject() {
    sendmail -C "$MTA_DIR/conf" -f "$1" -- "${@:2}"
}

postfix_deferred() {
    postfix_queue deferred
}

# Tries all of the queue again.
postfix_retry() {
    postqueue -c "$MTA_DIR/conf" -f
}

mta_show() {
    postcat -c "$MTA_DIR/conf" -q "$1"
}

# XCLIENT, which the private Postfix allows to 127.0.0.1.
mta_client() {
    local name=$2 reverse=${3-$2}
    [ "$name" != - ] || name='[UNAVAILABLE]'
    [ "$reverse" != - ] || reverse='[UNAVAILABLE]'
    CLIENT_OPTIONS=(--xclient-addr "$1" --xclient-name "$name" --xclient-reverse-name "$reverse")
}

mta_open_ipv6() {
    smtp_open && smtp 'EHLO client.example.org' && smtp "XCLIENT ADDR=IPV6:::1 NAME=$1"
}
