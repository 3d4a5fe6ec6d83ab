# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# notify.sh - a rule mails a person through the MTA, and does not see its own mail again

case_daemon notify

# notices: how many dave has, of all engines so far.
notices() {
    mta_delivered dave "Auto-Submitted: auto-generated" | grep -c .
}

told() {
    [ "$(notices)" -gt "$before" ]
}

# The notice passes our milter on its way: it is accepted there, and nobody is told of it.
tells_once() {
    local mark before
    mark=$(daemon_log_mark)
    before=$(notices)
    tagged send --to alice@example.com || differs "a message that is taken" "$(first_refusal)"
    wait_until 20 told || differs "a notice to dave" "none"
    expect_line "$(mta_delivered dave "Auto-Submitted: auto-generated" | tail -n 1)" "^Subject: =\\?UTF-8\\?B\\?"
    expect_equal 1 "$(daemon_log_since "$mark" 'from=<> to=<dave@example.com> .*reason="a notice of ours"' | wc -l)"
    expect_equal $((before + 1)) "$(notices)"
    expect_equal 1 "$(daemon_log_since "$mark" 'notice to <dave@example.com> .*: sent' | wc -l)"
}

it "a rule tells dave of a message, and not of what it told" tells_once
