# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# auth_results.sh - Authentication-Results: ours on top of everything, and none that a stranger wrote as us

case_daemon auth_results

# header_of FILE: the header section, each field on one line.
header_of() {
    sed '/^$/q' "$1" | awk '/^[ \t]/ { sub(/^[ \t]+/, " "); field = field $0; next }
        field != "" { print field } { field = $0 } END { print field }'
}

# expect_results WANTED...: the fields of that name, in their order.
expect_results() {
    expect_equal "$(printf '%s\n' "${@/#/Authentication-Results: }")" \
        "$(header_of "$MESSAGE" | grep -i '^authentication-results *:')"
}

above_the_field_of_the_mta() {
    tagged send
    delivered_file alice
    expect_results "mx.example.com; none"
    expect_equal "Authentication-Results: mx.example.com; none" \
        "$(header_of "$MESSAGE" | grep -E -m 1 '^(Authentication-Results|Received):')"
}

login_is_published() {
    tagged submit_as bob
    delivered_file alice
    expect_results "mx.example.com; auth=pass smtp.auth=bob"
}

# send_lines LINE...: a message that begins with these lines, as they are; MESSAGE is alice's copy.
send_lines() {
    TAG="X-Case: $BASHPID.$RANDOM."
    smtp_open && smtp "EHLO client.example.org" && smtp "MAIL FROM:<ann@example.org>" &&
        smtp "RCPT TO:<alice@example.com>" && smtp DATA || differs "a session" "$SMTP_REPLY"
    smtp_text "$@" "$TAG" "Subject: hello" "" "text"
    smtp . || differs "250" "$SMTP_REPLY"
    smtp_close
    mta_wait_delivered
    delivered_file alice
}

hundred_forged() {
    local i lines=() foreign=()
    for i in $(seq 100); do
        lines+=("Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=bank.example ($i)")
        ((i % 10)) && continue
        foreign+=("mx.example.org; spf=pass ($i)")
        lines+=("Authentication-Results: mx.example.org; spf=pass ($i)")
    done
    send_lines "${lines[@]}"
    expect_results "mx.example.com; none" "${foreign[@]}"
}

gone() {
    send_lines "$@"
    expect_results "mx.example.com; none"
}

it "ours stands above the field of the MTA" above_the_field_of_the_mta
it "a login is published" login_is_published
it "a hundred forged fields are gone, foreign ones are not" hundred_forged
it "a forged field in small letters is gone" gone "authentication-results: mx.example.com; spf=pass"
it "a forged field with a blank before the colon is gone" gone "Authentication-Results : mx.example.com; spf=pass"
it "a forged field without a blank behind the colon is gone" gone "Authentication-Results:mx.example.com;spf=pass"
it "a forged field with comments and quotes is gone" gone 'Authentication-Results: (a (b)) "MX.example.com." (c) 1; spf=pass'
it "a forged field over several lines is gone" gone "Authentication-Results:" " mx.example.com" $'\t1' " ; spf=pass"
it "a field without an id is gone" gone "Authentication-Results: spf=pass smtp.mailfrom=bank.example"
it "an empty field is gone" gone "Authentication-Results:"
