# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# submission.sh - plugin auth on the submission port: login, TLS, and whose address it is

case_daemon submission

refused() {
    local where=$1 reply=$2
    shift 2
    tagged "$@"
    expect_reply "$where" "$reply"
    expect_equal 0 "$(copies_anywhere)"
}

delivered() {
    tagged "$@"
    expect_reply . "250 2.0.0"
    expect_equal 1 "$(copies alice)"
}

# HELO is refused by a rule of the profile for strangers; a login brings another profile.
held_refusal_passed() {
    refused "MAIL FROM" "550 5.7.1 You are not mx.example.com" send --helo mx.example.com
    delivered submit_as bob --helo mx.example.com
}

it "no login" refused "MAIL FROM" "530 5.7.0 Authentication required" submit --tls
it "neither TLS nor login" refused "MAIL FROM" "530 5.7.0 Must issue a STARTTLS command first" submit
it "a login with its own address" delivered submit_as bob
it "a login with the address of another" refused "MAIL FROM" \
    "553 5.7.1 <carol@example.com>: Sender address rejected: not owned by user bob" \
    submit_as bob --from carol@example.com
it "an address of several logins" delivered submit_as carol --from team@example.com
it "an address of a domain that belongs to the login" delivered submit_as bob --from any@bob.example.com
it "a From: header of another" refused . "550 5.7.1 From: address not owned by user bob" \
    submit_as bob --header "From: Carol <carol@example.com>"
it "the plain port asks for no login" delivered send
it "a refusal at HELO is held until MAIL and a login passes it" held_refusal_passed
