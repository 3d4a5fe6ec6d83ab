#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh [BUILD [MTA]] - eight messages through a private Postfix (or Sendmail) with Chainmail attached
#
# Starts both in a directory of their own, sends real mail with swaks, prints for each message what
# the client saw and why, and stops everything again. Exits non-zero when a result is not the
# expected one. Rules and configuration: demo/. MTA_PORT and MTA_SUBMISSION_PORT choose the ports.
set -u

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$E2E_DIR/mta.sh"
. "$E2E_DIR/client.sh"
. "$E2E_DIR/daemon.sh"

steps=0
failures=0

# step TITLE WHAT: the heading of one message.
step() {
    steps=$((steps + 1))
    ok=yes
    printf '\n%s%d. %s%s\n   mail   %s\n' "$bold" "$steps" "$1" "$plain" "$2"
}

unexpected() {
    ok=no
    printf '   %sNOT AS EXPECTED: expected %s, saw %s%s\n' "$bold" "$1" "${2:-nothing}" "$plain"
}

# saw COMMAND EXPECTED LABEL: what the client was told after COMMAND; it must begin with EXPECTED.
saw() {
    local reply
    reply=$(reply_to "$1")
    printf '   saw    %s: %s\n' "$3" "${reply:-nothing}"
    [[ $reply == "$2"* ]] || unexpected "$2" "$reply"
}

# found WANTED-COUNT WHERE FILES: how many copies of the message are where they should be.
found() {
    local count
    count=$(printf '%s' "$3" | grep -c .)
    [ "$count" -eq "$1" ] || unexpected "$1 message(s) in $2" "$count"
}

why() {
    printf '   why    %s\n' "$1"
    [ "$ok" = yes ] || failures=$((failures + 1))
}

# mail OPTION...: a message that can be found again by the number of its step.
mail() {
    send --header "X-Demo: step $steps." "$@"
    mta_wait_delivered 10
}

in_mailbox() {
    mta_delivered "$1" "X-Demo: step $steps."
}

in_any_mailbox() {
    local name
    for name in $SITE_MAILBOXES outside; do
        in_mailbox "$name"
    done
}

in_hold_queue() {
    local id
    for id in $(mta_held); do
        mta_show "$id" | grep -qF "X-Demo: step $steps." && printf '%s\n' "$id"
    done
}

# --- the eight messages ------------------------------------------------------------------------

accepted() {
    step "Accepted" "ann@example.org to alice@example.com"
    mail
    saw . "250 2.0.0" "end of message"
    found 1 "alice's mailbox" "$(in_mailbox alice)"
    why "no link of profile inbound objects; it is in alice's mailbox"
}

refused_at_helo() {
    step "Refused at HELO by a Lua rule" "from a host that calls itself mx.example.com, our own name"
    mail --helo mx.example.com
    saw "MAIL FROM" "550 5.7.1" "MAIL FROM"
    why "rule our_name.lua refuses the name; a refusal at HELO is held until MAIL, where clients listen"
}

no_login() {
    step "Submission without login" "bob@example.com to alice@example.com, submission port, TLS"
    submit --tls --header "X-Demo: step $steps."
    saw "MAIL FROM" "530 5.7.0" "MAIL FROM"
    why "profile submission runs plugin auth, which wants a login"
}

foreign_sender() {
    step "Sender not owned by the login" "carol@example.com, sent with bob's login and password"
    submit_as bob --from carol@example.com --header "X-Demo: step $steps."
    saw AUTH "235" "AUTH"
    saw "MAIL FROM" "553 5.7.1" "MAIL FROM"
    why "the map logins gives carol@example.com to the login carol alone"
}

one_of_three() {
    step "One of three recipients refused" "ann@example.org to alice, dave and erin"
    mail --to alice@example.com,dave@example.com,erin@example.com
    saw "RCPT TO:<alice" "250 2.1.5" "RCPT TO alice"
    saw "RCPT TO:<dave" "550 5.2.1" "RCPT TO dave"
    saw "RCPT TO:<erin" "250 2.1.5" "RCPT TO erin"
    saw . "250 2.0.0" "end of message"
    found 1 "alice's mailbox" "$(in_mailbox alice)"
    found 0 "dave's mailbox" "$(in_mailbox dave)"
    found 1 "erin's mailbox" "$(in_mailbox erin)"
    why "the map recipients refuses dave; the others get the message"
}

later() {
    step "Temporary failure" "busy@example.org to alice@example.com"
    mail --from busy@example.org
    saw "MAIL FROM" "451 4.7.1" "MAIL FROM"
    why "the map senders says tempfail: the sender keeps the message and tries again"
}

discarded() {
    step "Discarded" "junk@example.org to alice@example.com"
    mail --from junk@example.org
    saw . "250 2.0.0" "end of message"
    found 0 "all mailboxes" "$(in_any_mailbox)"
    found 0 "the hold queue" "$(in_hold_queue)"
    why "the map senders says discard: the client is told 250, the message is gone"
}

quarantined() {
    local held
    step "Quarantined" "odd@example.org to alice@example.com"
    mail --from odd@example.org
    saw . "250 2.0.0" "end of message"
    held=$(in_hold_queue)
    found 1 "the hold queue" "$held"
    found 0 "alice's mailbox" "$(in_mailbox alice)"
    why "the map senders says quarantine: $MTA_TITLE holds it as ${held:-?} until a person decides"
}

# --- all of it ---------------------------------------------------------------------------------

bold='' plain=''
if [ -t 1 ]; then
    bold=$'\033[1m' plain=$'\033[0m'
fi

summary_lines() {
    printf '\n%sWhat Chainmail logged, a line for each message and refused recipient:%s\n' "$bold" "$plain"
    daemon_log ' verdict=' | sed 's/^/   /'
    # Lines of single recipients have no time.
    [ "$(daemon_log ' time=' | wc -l)" -eq "$steps" ] || {
        failures=$((failures + 1))
        printf '   NOT AS EXPECTED: expected %d lines\n' "$steps"
    }
}

closing_line() {
    if [ "$failures" -eq 0 ]; then
        printf '\nAll %d ended as expected. Everything is stopped and removed; only packages stay.\n' "$steps"
    else
        printf '\n%d of %d did not end as expected. Everything is stopped.\n' "$failures" "$steps"
        exit 1
    fi
}

cleanup_begin
E2E_BUILD=$(cd "${1:-$E2E_DIR/../../build}" 2>/dev/null && pwd) || die "there is no build directory $1" "run: make all"
mta_use "${2:-postfix}"
mta_need
private_dir demo
dir=$PRIVATE_DIR
client_begin "$dir"
daemon_make "$dir" "$E2E_BUILD"
MTA_MILTER=unix:$CM_SOCKET
mta_make "$dir"
daemon_configure "$E2E_DIR/demo"
daemon_start
mta_start
printf 'A private %s listens on 127.0.0.1, port %s (mail from outside) and port %s (submission),\n' \
    "$MTA_TITLE" "$MTA_PORT" "$MTA_SUBMISSION_PORT"
printf 'with Chainmail attached. Configuration and rules: tests/e2e/demo/\n'

accepted
refused_at_helo
no_login
foreign_sender
one_of_three
later
discarded
quarantined

mta_stop
daemon_stop 15 || failures=$((failures + 1))
summary_lines
closing_line
