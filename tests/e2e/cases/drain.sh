# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# drain.sh - TERM: messages that have begun are finished, new ones come later

case_config reload

readonly DRAINS=${E2E_DRAINS:-3}
# More than are sent until the last drain; load_stop ends it.
readonly MESSAGES=$((DRAINS * 4000))

# A client in the middle of its message when TERM arrives.
open_message_finishes() {
    local line mark
    daemon_start
    smtp_open || differs "a greeting" "$SMTP_REPLY"
    for line in 'EHLO client.example.org' 'MAIL FROM:<ann@example.org>' 'RCPT TO:<alice@example.com>'; do
        smtp "$line" || differs "an open message" "$SMTP_REPLY"
    done
    mark=$(daemon_log_mark)
    kill -TERM "$CM_PID"
    wait_until 10 daemon_log_since "$mark" 'ending: ' || differs "a log line of the drain" "$(daemon_log_since "$mark" .)"
    smtp DATA || differs "354 for the open message" "$SMTP_REPLY"
    smtp_text 'Subject: drain' '' 'Still here.'
    smtp . || differs "250 for the open message" "$SMTP_REPLY"
    smtp 'MAIL FROM:<ann@example.org>'
    [[ $SMTP_REPLY == 4* ]] || differs "a temporary failure for the next message" "$SMTP_REPLY"
    smtp_close
    daemon_stop 15 || differs "a daemon that ends with success" "status $?"
}

# Only sessions that had no message yet may be told to come later.
drain_under_load() {
    local round
    daemon_start
    load_begin "$MESSAGES"
    for round in $(seq "$DRAINS"); do
        load_flows "$round"
        daemon_stop 15 || differs "a daemon that ends with success" "status $?"
        daemon_start
    done
    load_stop
    load_end
    load_books
    expect_equal 0 "$(load_kept)"
    expect_equal 0 "$(load_failures '(RCPT|DATA|message) ')"
}

it "an open message is finished, the next one is told to come later" open_message_finishes
it "$DRAINS restarts under load: no message that has begun fails" drain_under_load
