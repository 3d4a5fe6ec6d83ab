# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# facts.sh - what the MTA tells by arguments and macros, as rules and plugins see it

case_daemon facts

# told FIELD REGEX: what the rule was told, in alice's copy.
told() {
    expect_line "$MESSAGE" "^X-$1: $2\$"
}

# from_client ADDRESS NAME [REVERSE]: a message of that client.
from_client() {
    mta_client "$@"
    tagged send "${CLIENT_OPTIONS[@]}"
    delivered_file alice
}

client_with_name() {
    from_client 127.0.2.5 mail.example.net
    told Client "127.0.2.5 mail.example.net mail.example.net"
    told Server "127.0.0.1 $MTA_PORT $SITE_HOST .*"
    told Helo client.example.org
    told Envelope "<ann@example.org> 1 <alice@example.com>"
    told Auth none
    told Tls none
}

client_without_name() {
    from_client 127.0.2.6 -
    told Client "127.0.2.6 unknown unknown"
}

# A name is only a name when it leads back to the client.
client_with_forged_name() {
    from_client 127.0.2.7 - forged.example.net
    told Client "127.0.2.7 unknown forged.example.net"
}

client_of_ipv6() {
    local line
    TAG="X-Case: $BASHPID.$RANDOM."
    mta_open_ipv6 six.example.net || { echo "this machine has no ::1" && return; }
    for line in 'EHLO [IPv6:2001:db8::7]' 'MAIL FROM:<ann@example.org>' 'RCPT TO:<alice@example.com>' DATA; do
        smtp "$line" || differs "success of $line" "$SMTP_REPLY"
    done
    smtp_text 'Subject: six' "$TAG" '' 'Six.'
    smtp . || differs "250 for the message" "$SMTP_REPLY"
    mta_wait_delivered
    delivered_file alice
    told Client "::1 six.example.net .*"
    told Server "$(pick 127.0.0.1 ::1) .*"
    told Helo '\[IPv6:2001:db8::7\]'
}

login_and_tls() {
    tagged submit_as bob
    delivered_file alice
    told Auth "bob PLAIN"
    told Tls "TLSv1.[23] (128|256)"
    told Server "127.0.0.1 $MTA_SUBMISSION_PORT $SITE_HOST $(submission_daemon)"
}

queue_id() {
    tagged send
    delivered_file alice
    told Queue-Id "$(told_id)"
    daemon_log "^chainmail\[[0-9]+\]: $(told_id): id=.* verdict=accept" >/dev/null ||
        differs "a log line that begins with $(told_id)" "$(daemon_log verdict= | tail -n 1)"
}

# The blank behind the colon is no part of the value, a second one and folding are.
field_values() {
    tagged send --header 'X-Test:  two blanks' --header $'X-Test: folded\n\tand more' --header 'X-Test:none'
    delivered_file alice
    told Test-1 '\[ two blanks\]'
    told Test-2 '\[folded\|	and more\]'
    told Test-3 '\[none\]'
}

# The MTA refuses zoe; the plugin that wants to know is told.
unknown_recipient() {
    tagged send --to zoe@example.com,alice@example.com
    expect_reply "RCPT TO:<zoe" "550 5.1.1"
    delivered_file alice
    expect_line "$MESSAGE" '^X-Refused: 1 of 1: .*[Uu]nknown'
}

# The second message of a connection knows nothing of the first.
after_reset() {
    local line
    TAG="X-Case: $BASHPID.$RANDOM."
    smtp_open || differs "a greeting" "$SMTP_REPLY"
    for line in 'EHLO client.example.org' 'MAIL FROM:<bob@example.com>' 'RCPT TO:<carol@example.com>' RSET \
        'EHLO again.example.org' 'MAIL FROM:<ann@example.org>' 'RCPT TO:<alice@example.com>' DATA; do
        smtp "$line" || differs "success of $line" "$SMTP_REPLY"
    done
    smtp_text 'Subject: again' "$TAG" '' 'Again.'
    smtp . || differs "250 for the message" "$SMTP_REPLY"
    mta_wait_delivered
    delivered_file alice
    told Envelope "<ann@example.org> 1 <alice@example.com>"
    told Helo again.example.org
    expect_equal 0 "$(copies carol)"
}

it "a client with a name" client_with_name
it "a client without a name" client_without_name
it "a client whose reverse name is not its own" client_with_forged_name
it "a client of IPv6" client_of_ipv6
it "login, TLS and the port" login_and_tls
it "the queue id is that of the client's receipt" queue_id
it "field values as received" field_values
it "a recipient that the MTA refuses by itself" unknown_recipient
it "a second message after RSET and another EHLO" after_reset
