# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# dns.sh - SPF, DNS lists and names of clients, asked of a real DNS server that a test can stop

if ! reason=$( (dns_need) 2>&1); then
    printf '%s\n' "$reason"
    echo "skipped dns" >>"$E2E_RESULTS"
    exit 0
fi
dns_make "$CASES_DIR"
cp "$E2E_DIR/conf/dns/root.zone" "$DNS_DIR"
dns_start
case_daemon dns

# from_client ADDRESS NAME REVERSE [SWAKS-OPTION...]: a message of that client.
from_client() {
    mta_client "$1" "$2" "$3"
    tagged send "${CLIENT_OPTIONS[@]}" "${@:4}"
}

# expect_results REGEX: our field in alice's copy, in one line.
expect_results() {
    local results
    delivered_file alice
    results=$(sed '/^$/q' "$MESSAGE" | tr -d '\r' | sed -e ':a' -e '$!N' -e 's/\n[ \t]\{1,\}/ /' -e 'ta' -e 'P' -e 'D' |
        sed -n 's/^Authentication-Results: //p')
    [[ $results =~ ^mx\.example\.com\;\ $1$ ]] || differs "$1" "$results"
}

passes() {
    from_client 127.0.2.5 mail.example.net mail.example.net
    expect_results "iprev=pass .*policy\.iprev=127\.0\.2\.5; spf=pass .*smtp\.mailfrom=example\.org; spf=none .*smtp\.helo=client\.example\.org"
    expect_no_line "$MESSAGE" '^X-(SPF-Result|rDNS):'
}

# refused REPLY ADDRESS NAME REVERSE [SWAKS-OPTION...]
refused() {
    from_client "${@:2}"
    expect_reply "MAIL FROM" "$1"
    expect_equal 0 "$(copies_anywhere)"
}

without_name() {
    from_client 127.0.2.6 - -
    expect_results "iprev=permerror .*; spf=pass .*"
    expect_line "$MESSAGE" '^X-rDNS: no_ptr'
}

# tagged_as RESULT SENDER
tagged_as() {
    from_client 127.0.2.5 mail.example.net mail.example.net --from "$2"
    expect_results "iprev=pass .*; spf=$1 .*smtp\.mailfrom=${2#*@}; .*"
    expect_line "$MESSAGE" "^X-SPF-Result: $1"
}

# No SPF record, list or reverse name speaks for this client.
login() {
    tagged submit_as bob
    delivered_file alice
}

takes_later() {
    from_client 127.0.2.5 mail.example.net mail.example.net --from ann@later.example.org
    [[ $(reply_to .) == "250 2.0.0"* ]]
}

# What was known before (the client's name, the list's word) is still known; the domain was never asked about. A
# failure may be remembered for some seconds.
server_stopped() {
    dns_stop
    from_client 127.0.2.5 mail.example.net mail.example.net --from ann@later.example.org
    expect_reply "MAIL FROM" "451 4.7.24 "
    expect_equal 0 "$(copies_anywhere)"
    from_client 127.0.2.5 mail.example.net mail.example.net
    expect_equal 1 "$(copies alice)"
    dns_start
    wait_until 20 takes_later || expect_reply . "250 2.0.0"
}

it "a client that may send for the domain passes, and the field says so" passes
it "a client that may not is refused" refused "550 5.7.23 " 127.0.2.8 - -
it "a listed client is refused, with the list's text" refused "554 5.7.1 Service unavailable; Client host [127.0.2.9] blocked using bl.example; ask postmaster@bl.example" \
    127.0.2.9 listed.example.net listed.example.net
it "a client whose name is not its own is refused" refused "550 5.7.25 " 127.0.2.7 - mail.example.net
it "a client without a name is tagged" without_name
it "a soft failure is tagged" tagged_as softfail ann@soft.example.org
it "a record that is wrong is tagged" tagged_as permerror ann@wrong.example.org
it "who has logged in is not checked" login
it "without a DNS server a sender waits, and is taken when it is back" server_stopped
