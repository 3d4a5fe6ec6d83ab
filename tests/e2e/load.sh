# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# load.sh - mail in bulk while something happens to the daemon, and the books afterwards
#
# Sourced by run.sh. Bounded in count and time: LOAD_MESSAGES messages, LOAD_SECONDS at most.

readonly LOAD_CLIENTS=8
readonly LOAD_SECONDS=${E2E_SECONDS:-150}

# load_begin MESSAGES: load.pl in the background; what became of each message goes to LOAD_RESULT.
load_begin() {
    LOAD_MESSAGES=$1
    LOAD_NAME=load.$BASHPID
    LOAD_RESULT=$CASES_DIR/$LOAD_NAME
    perl "$E2E_DIR/load.pl" "$MTA_PORT" "$LOAD_CLIENTS" "$1" "$LOAD_SECONDS" "$LOAD_NAME" >"$LOAD_RESULT" &
    LOAD_PID=$!
    cleanup_add end_child "$LOAD_PID"
}

load_taken() {
    grep -c '^taken ' "$LOAD_RESULT"
}

load_has_taken() {
    [ "$(load_taken)" -ge "$1" ]
}

# load_flows ROUND: mail has flowed since now.
load_flows() {
    local taken
    taken=$(load_taken)
    wait_until 20 load_has_taken $((taken + 20)) || differs "mail flows again in round $1" "$(load_taken) taken, $taken before"
}

# load_stop: no more messages begin, as many were sent as it took.
load_stop() {
    kill -USR1 "$LOAD_PID" || differs "load until here" "its end before: send more messages"
    LOAD_MESSAGES=
}

# load_end: waits for the load, then for the deliveries.
load_end() {
    wait "$LOAD_PID" || differs "load that ends with success" "status $?"
    cleanup_drop end_child "$LOAD_PID"
    mta_wait_delivered 30
}

# The numbers of all delivered messages of this load, sorted, copies included.
load_delivered() {
    local files
    mapfile -t files < <(mta_mailbox load)
    [ ${#files[@]} -eq 0 ] || printf '%s\0' "${files[@]}" | xargs -0 cat | sed -n "s/^X-Load: \($LOAD_NAME-[0-9]*\).*/\1/p" | sort
}

# load_books: every message is either delivered, once, or still with its sender, who was told so.
load_books() {
    [ -z "$LOAD_MESSAGES" ] || expect_equal "$LOAD_MESSAGES" "$(grep -cE '^(taken|kept) ' "$LOAD_RESULT")"
    sed -n 's/^taken //p' "$LOAD_RESULT" | sort >"$LOAD_RESULT.taken"
    load_delivered >"$LOAD_RESULT.delivered"
    diff "$LOAD_RESULT.taken" "$LOAD_RESULT.delivered" ||
        differs "delivered what was taken, each message once" "the differences above"
}

# load_kept: how many messages nobody took.
load_kept() {
    grep -c '^kept ' "$LOAD_RESULT"
}

# load_failures REGEX: how many attempts failed at such a step with such an answer.
load_failures() {
    grep -cE "^failed [^ ]+ $1" "$LOAD_RESULT"
}
