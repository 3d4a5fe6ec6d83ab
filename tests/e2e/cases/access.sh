# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# access.sh - plugin access: clients, HELO names, senders and recipients in maps

case_daemon access

# refused WHERE REPLY SWAKS-OPTION...
refused() {
    local where=$1 reply=$2
    shift 2
    tagged send "$@"
    expect_reply "$where" "$reply"
    expect_equal 0 "$(copies_anywhere)"
}

# refused_client ADDRESS NAME REPLY
refused_client() {
    mta_client "$1" "$2"
    refused "MAIL FROM" "$3" "${CLIENT_OPTIONS[@]}"
}

one_recipient_refused() {
    tagged send --to "alice@example.com,$1@example.com"
    expect_reply "RCPT TO:<$1" "$2"
    expect_equal 1 "$(copies alice)"
    expect_equal 0 "$(copies "$1")"
}

discarded() {
    tagged send --from junk@example.org
    expect_reply . "250 2.0.0"
    expect_equal 0 "$(copies_anywhere)"
}

quarantined() {
    tagged send --from odd@example.org
    expect_reply . "250 2.0.0"
    expect_equal 0 "$(copies_anywhere)"
    expect_equal 1 "$(held_copies | grep -c .)"
}

delivered_to_alice() {
    [ "$(copies alice)" -eq 1 ]
}

released() {
    quarantined
    mta_release "$(held_copies)"
    wait_until 20 delivered_to_alice || expect_equal 1 "$(copies alice)"
    expect_equal "" "$(held_copies)"
}

map_now_refuses() {
    send --to bob@example.com
    [[ $(first_refusal) == "550 5.2.1 Bob has left"* ]]
}

# The map says reload = 1s; no signal is sent.
newer_map_file() {
    tagged send --to bob@example.com
    expect_equal 1 "$(copies bob)"
    echo 'bob@example.com reject 550 5.2.1 Bob has left' >>"$CM_DIR/recipients"
    wait_until 10 map_now_refuses >/dev/null || expect_refusal "550 5.2.1 Bob has left"
}

it "a listed network is refused" refused_client 127.0.2.7 mail.example.net \
    "554 5.7.1 Your network is not welcome"
it "a listed network waits" refused_client 127.0.2.20 mail.example.net \
    "450 4.7.1 Your network is asked to wait"
it "a listed client name is refused" refused_client 127.0.2.100 bad.example.net \
    "554 5.7.1 Your host is not welcome"
it "a listed HELO name is refused" refused "MAIL FROM" "550 5.7.1 Your name is not welcome" \
    --helo liar.example.net
it "a listed sender is refused" refused "MAIL FROM" "550 5.7.1 Your address is not welcome" \
    --from bad@example.org
it "a listed sender is told to come later" refused "MAIL FROM" "451 4.7.1 Try again in five minutes" \
    --from busy@example.org
it "a listed recipient is refused, the other is served" one_recipient_refused dave "550 5.2.1 Dave has left"
it "a listed recipient is refused for now, the other is served" one_recipient_refused erin "450 4.2.1 Erin is moving"
it "mail of a listed sender is discarded" discarded
it "mail of a listed sender is held" quarantined
it "mail that was held is delivered when a person lets it go" released
it "a newer map file is used without a restart" newer_map_file
