# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# crash.sh - kill -9 of the daemon under load: no message is lost, none is delivered twice

case_config reload

readonly KILLS=${E2E_KILLS:-5}
# More than are sent until the last kill; load_stop ends it.
readonly MESSAGES=$((KILLS * 4000))

load_has_failed() {
    [ "$(load_failures '')" -gt "$1" ]
}

kill_under_load() {
    local round failures
    daemon_start
    load_begin "$MESSAGES"
    for round in $(seq "$KILLS"); do
        load_flows "$round"
        failures=$(load_failures '')
        daemon_kill
        wait_until 10 load_has_failed "$failures" || differs "an attempt that met a dead daemon" "none in round $round"
        daemon_start
    done
    load_stop
    load_end
    load_books
    expect_at_least "$KILLS" "$(load_failures '')" "attempts that met a dead daemon"
    expect_equal 0 "$(load_kept)"
}

# Dead for good: the MTA answers for it, nobody gets mail unchecked.
dead_means_later() {
    daemon_start
    daemon_kill
    tagged send
    expect_refusal "4"
    expect_equal 0 "$(copies_anywhere)"
}

it "$KILLS kills under load: every message delivered once or still with its sender" kill_under_load
it "a dead daemon is a temporary failure" dead_means_later
