# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# verdicts.sh - every verdict at every stage where it is legal, as the client and the mailbox see it

case_daemon verdicts

# Where the client is told: what happens at connect and HELO is held until MAIL, what happens after
# DATA may be told at the end of the message.
told_at() {
    case $1 in
    connect | helo | mail) echo 'MAIL FROM' ;;
    *) [ -z "$(reply_to .)" ] && echo DATA || echo . ;;
    esac
}

order() {
    local order=$1-$2
    case $1 in
    connect)
        mta_client 127.0.2.1 "$order.test"
        tagged send "${CLIENT_OPTIONS[@]}"
        ;;
    helo) tagged send --helo "$order.test" ;;
    *) tagged send --from "$order@example.org" ;;
    esac
}

refused() {
    order "$1" "$2"
    expect_reply "$(told_at "$1")" "$3 refused at $1"
    expect_equal 0 "$(copies_anywhere)"
}

reject_at() {
    refused "$1" reject "550 5.7.1"
}

tempfail_at() {
    refused "$1" tempfail "451 4.7.1"
}

# Accepted: delivered, and the last link did not see it any more.
accept_at() {
    order "$1" accept
    expect_reply . "250 2.0.0"
    delivered_file alice
    expect_no_line "$MESSAGE" '^X-Late:'
}

discard_at() {
    order "$1" discard
    expect_reply . "250 2.0.0"
    expect_equal 0 "$(copies_anywhere)"
    expect_equal "" "$(held_copies)"
}

quarantine_at() {
    local held
    order "$1" quarantine
    expect_reply . "250 2.0.0"
    held=$(held_copies)
    expect_equal 1 "$(grep -c . <<<"$held")"
    expect_equal 0 "$(copies_anywhere)"
    mta_log "$(hold_line "$held")" || differs "a log line $(hold_line "$held")" "$(mta_log "$held")"
}

no_verdict() {
    tagged send
    expect_reply . "250 2.0.0"
    delivered_file alice
    expect_line "$MESSAGE" '^X-Late: yes'
}

# A link that cannot tell: its on_error (tempfail, unless said otherwise) decides.
failed_at() {
    order "$1" failed
    expect_reply "$(told_at "$1")" "451 4.3.0"
    expect_equal 0 "$(copies_anywhere)"
}

# --- RCPT: for this recipient alone --------------------------------------------------------------

order_rcpt() {
    tagged send --to "alice+rcpt-$1@example.com,bob@example.com"
    expect_reply "RCPT TO:<bob" "250 2.1.5"
    expect_reply . "250 2.0.0"
    expect_equal 1 "$(copies bob)"
}

rcpt_refused() {
    order_rcpt "$1"
    expect_reply "RCPT TO:<alice" "$2 refused at rcpt"
    expect_equal 0 "$(copies alice)"
}

rcpt_accept() {
    order_rcpt accept
    expect_reply "RCPT TO:<alice" "250 2.1.5"
    expect_equal 1 "$(copies alice)"
}

rcpt_discard() {
    order_rcpt discard
    expect_reply "RCPT TO:<alice" "250 2.1.5"
    expect_equal 0 "$(copies alice)"
}

# Quarantine is an edit of the message, so it holds all of it.
rcpt_quarantine() {
    tagged send --to "alice+rcpt-quarantine@example.com,bob@example.com"
    expect_reply . "250 2.0.0"
    expect_equal 1 "$(held_copies | grep -c .)"
    expect_equal 0 "$(copies_anywhere)"
}

rcpt_only_one_refused() {
    tagged send --to "alice+rcpt-reject@example.com"
    expect_refusal "550 5.7.1 refused at rcpt"
    expect_equal 0 "$(copies_anywhere)"
}

# --- the table -----------------------------------------------------------------------------------

it "no verdict: delivered, every link saw it" no_verdict

for verdict in reject tempfail accept discard quarantine; do
    for stage in connect helo mail data headers message; do
        it "$verdict at $stage" "${verdict}_at" "$stage"
    done
done
for verdict in reject tempfail accept discard quarantine failed; do
    for stage in header body; do
        it "$verdict at $stage, by a C plugin" "${verdict}_at" "$stage"
    done
done
it "reject at rcpt: one of two recipients" rcpt_refused reject "550 5.7.1"
it "tempfail at rcpt: one of two recipients" rcpt_refused tempfail "451 4.7.1"
it "accept at rcpt: the last link does not see that recipient" rcpt_accept
it "discard at rcpt: only that recipient gets nothing" rcpt_discard
it "quarantine at rcpt: the message is held" rcpt_quarantine
it "reject at rcpt: the only recipient" rcpt_only_one_refused
