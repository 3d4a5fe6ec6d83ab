# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# mta_sendmail.sh - a private Sendmail: unpacks it, writes it, starts it, ends it, looks into its queue
#
# Taken by mta_use of mta.sh, which says what each function is for. Debian's packages of Sendmail and
# Postfix exclude each other, their files do not: this Sendmail is unpacked into the build directory and
# never installed. sendmail/ holds its configuration, its mailer and the machine as it sees it.

readonly MTA_TITLE=Sendmail
# Sendmail opens the filter's socket as root.
readonly MTA_GROUP=mail

readonly SM_UNPACKED=$E2E_BUILD/sendmail
readonly SM_BIN=$SM_UNPACKED/usr/libexec/sendmail/sendmail

mta_need() {
    mta_need_site
    need_commands m4/m4 setsid/util-linux cc/gcc
    local words
    words=$(sh "$E2E_DIR/../deps.sh" --unpack "$SM_UNPACKED" sendmail 2>&1) || lacking "there is no Sendmail: $words"
    words=$(ldd "$SM_BIN" | sed -n 's/^[[:blank:]]*\(.*\) => not found.*/\1/p' | tr '\n' ' ')
    [ -z "$words" ] || lacking "Sendmail lacks the libraries $words" "run: make deps"
}

# --- making ------------------------------------------------------------------------------------

sendmail_fill() {
    local milter ipv6
    milter="INPUT_MAIL_FILTER(\`chainmail', \`S=local:${MTA_MILTER#unix:}, F=T, T=$(sendmail_milter_times)')"
    ipv6="DAEMON_OPTIONS(\`Name=MTA6, Family=inet6, Addr=::1, Port=$MTA_PORT, M=A')"
    sendmail_ipv6 || ipv6=
    sed -e "s|@MILTER@|${MTA_MILTER:+$milter}|" -e "s|@IPV6@|$ipv6|" -e "s|@MAILBOXES@|$SITE_MAILBOXES|" -e "s|@DIR@|$MTA_DIR|g" -e "s|@HOST@|$SITE_HOST|g" \
        -e "s|@PORT@|$MTA_PORT|g" -e "s|@SUBMISSION_PORT@|$MTA_SUBMISSION_PORT|g" "$1"
}

# Does the loopback have IPv6, with that port free?
sendmail_ipv6() {
    perl -MIO::Socket::IP -e '
        exit !IO::Socket::IP->new(LocalHost => "::1", LocalPort => $ARGV[0], Listen => 1, ReuseAddr => 1)' "$MTA_PORT"
}

sendmail_milter_times() {
    local seconds=${MTA_MILTER_TIMEOUT:-10}s
    echo "C:$seconds;S:$seconds;R:$seconds;E:$seconds"
}

# The m4 files include each other by names relative to that directory.
sendmail_compile() {
    local cf=$SM_UNPACKED/usr/share/sendmail/cf
    m4 -D_CF_DIR_="$cf/" "$cf/m4/cf.m4" "$1" ||
        die "m4 made no sendmail.cf of $1" "check the package sendmail-cf in $SM_UNPACKED"
}

mta_write() {
    chmod 0700 "$MTA_DIR/queue"
    chmod 0600 "$MTA_DIR"/tls/*
    printf '127.0.0.1 localhost\n' >"$MTA_DIR/conf/hosts"
    printf 'hosts files\naliases files\n' >"$MTA_DIR/conf/switch"
    cp "$E2E_DIR/sendmail/deliver" "$MTA_DIR/conf"
    sendmail_fill "$E2E_DIR/sendmail/sendmail.mc.in" >"$MTA_DIR/conf/sendmail.mc"
    sendmail_compile "$MTA_DIR/conf/sendmail.mc" >"$MTA_DIR/conf/sendmail.cf"
    cc -shared -fPIC -O1 -DHOSTS="\"$MTA_DIR/conf/hosts\"" -DLOG="\"$MTA_DIR/log/mail.log\"" \
        -o "$MTA_DIR/conf/world.so" "$E2E_DIR/sendmail/world.c" ||
        die "tests/e2e/sendmail/world.c does not compile"
    # It takes no password file that a group can read.
    mta_make_logins root Sendmail.conf
    chmod 0600 "$MTA_DIR/conf/sasl"/*
}

# --- running -----------------------------------------------------------------------------------

# Its processes are those that stand in its queue, deliveries included, which leave the process group.
sendmail_processes() {
    find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -lname "$MTA_DIR/queue" 2>/dev/null | cut -d/ -f3
}

sendmail_gone() {
    [ -z "$(sendmail_processes)" ]
}

sendmail_up_or_gone() {
    process_gone "$SM_PID" || mta_answers
}

mta_launch() {
    LD_PRELOAD=$MTA_DIR/conf/world.so setsid "$SM_BIN" -bD -C "$MTA_DIR/conf/sendmail.cf" >"$MTA_DIR/log/start" 2>&1 &
    SM_PID=$!
    wait_until 10 sendmail_up_or_gone && ! process_gone "$SM_PID"
}

mta_stop() {
    local pid
    [ -n "${SM_PID-}" ] || return 0
    kill -TERM "$SM_PID" 2>/dev/null
    wait "$SM_PID" 2>/dev/null
    SM_PID=
    wait_until 10 sendmail_gone && return 0
    for pid in $(sendmail_processes); do
        kill -KILL "$pid"
    done
    wait_until 5 sendmail_gone || die "parts of the private Sendmail will not end: $(sendmail_processes)"
}

# --- looking into it ---------------------------------------------------------------------------

# sendmail_queue KIND: q is an envelope, t one that is being written, h one in quarantine.
sendmail_queue() {
    find "$MTA_DIR/queue" -name "[$1]f*" -printf '%f\n' | cut -c 3-
}

mta_on_its_way() {
    sendmail_queue qt
}

mta_held() {
    sendmail_queue h
}

sendmail_run() {
    LD_PRELOAD=$MTA_DIR/conf/world.so "$SM_BIN" -C "$MTA_DIR/conf/sendmail.cf" "$@"
}

mta_release() {
    sendmail_run -qQ "-qI$1" -Q && sendmail_run "-qI$1"
}

mta_show() {
    cat "$MTA_DIR/queue/hf$1" "$MTA_DIR/queue/df$1"
}

# Sendmail believes nobody about another client, so the client uses another address of the loopback
# network, and the file of names has its name. Looked up, a name that is not the client's leads elsewhere.
sendmail_names() {
    printf '127.0.0.1 localhost\n'
    [ "$2" != "$3" ] && printf '127.0.2.254 %s\n' "$3"
    [ "$3" = - ] || printf '%s %s\n' "$1" "$3"
}

mta_client() {
    sendmail_names "$1" "$2" "${3-$2}" >"$MTA_DIR/conf/hosts"
    CLIENT_OPTIONS=(--local-interface "$1")
}

mta_open_ipv6() {
    printf '::1 %s\n' "$1" >"$MTA_DIR/conf/hosts"
    smtp_open "$MTA_PORT" ::1
}
