# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# client.sh - SMTP clients: whole messages with swaks, single steps by hand, many at once
#
# Sourced after mta.sh. Every function ends within bounded time, whatever the server does. The
# dialogue of the last message stays in CLIENT_TALK, where reply_to looks answers up.

CLIENT_TALK=
readonly CLIENT_TIMEOUT=20

client_need() {
    need_commands swaks/swaks perl/perl timeout/coreutils
    perl -MNet::SSLeay -e 1 2>/dev/null ||
        lacking "missing packages: libnet-ssleay-perl (swaks needs it for TLS)" "run: make deps"
}

# client_begin DIR: where the dialogue is kept.
client_begin() {
    client_need
    CLIENT_TALK=$1/talk
}

# --- whole messages ----------------------------------------------------------------------------

# send [SWAKS-OPTION...]: one message to the plain port, by default from ann@example.org to alice.
# A later option of the same name wins. True when the server took the message.
send() {
    timeout "$CLIENT_TIMEOUT" swaks --server 127.0.0.1 --port "$MTA_PORT" --timeout 10 \
        --helo client.example.org --from ann@example.org --to alice@example.com \
        --suppress-data "$@" >"$CLIENT_TALK" 2>&1
}

# submit [SWAKS-OPTION...]: the same to the submission port; add login_as and TLS as wanted.
submit() {
    send --port "$MTA_SUBMISSION_PORT" --from bob@example.com "$@"
}

# submit_as LOGIN [SWAKS-OPTION...]: submission with TLS and a login.
submit_as() {
    local login=$1
    shift
    submit --tls --auth PLAIN --auth-user "$login" --auth-password "$SITE_PASSWORD" "$@"
}

# reply_to COMMAND: the server's answer to the first command that begins so ("RCPT TO:<bob", "." for
# the end of the message, "connect"); the lines of a long answer joined by " / ". Of several EHLO,
# the first.
reply_to() {
    awk -v command="$1" '
        BEGIN { if (command == "connect") hit = 1 }
        /^ [-~]> / {
            if (answer) exit
            sent = substr($0, 5)
            hit = command == "." ? sent ~ /^([.]|[0-9]+ lines sent)$/ : index(sent, command) == 1
        }
        hit && /^<[-~*]/ {
            line = substr($0, 5)
            answer = answer ? answer " / " line : line
        }
        END { print answer }' "$CLIENT_TALK" | filter_words
}

# The first answer that refuses something; empty when nothing was refused.
first_refusal() {
    sed -n 's/^<[-~*][*] //p' "$CLIENT_TALK" | grep -m 1 '^[45]' | filter_words
}

# --- step by step ------------------------------------------------------------------------------

# smtp_open [PORT [ADDRESS]]: a connection to type commands into; its greeting is in SMTP_REPLY.
smtp_open() {
    exec {smtp_fd}<>"/dev/tcp/${2:-127.0.0.1}/${1:-$MTA_PORT}" || return 1
    smtp_read
}

smtp_read() {
    local line
    SMTP_REPLY=
    while read -r -t "$CLIENT_TIMEOUT" -u "$smtp_fd" line; do
        line=${line%$'\r'}
        SMTP_REPLY=${SMTP_REPLY:+$SMTP_REPLY / }$line
        [ "${line:3:1}" = - ] || return 0
    done
    SMTP_REPLY=${SMTP_REPLY:-no answer}
    return 1
}

# smtp LINE: sends a command and reads its answer into SMTP_REPLY; true for 2yz and 3yz.
smtp() {
    printf '%s\r\n' "$1" >&"$smtp_fd" && smtp_read
    [[ $SMTP_REPLY == [23]* ]]
}

# smtp_text LINE...: lines of a message, which nobody answers.
smtp_text() {
    printf '%s\r\n' "$@" >&"$smtp_fd"
}

smtp_close() {
    exec {smtp_fd}>&-
}
