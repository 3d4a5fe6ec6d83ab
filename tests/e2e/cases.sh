# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# cases.sh - how a case file runs, and what it can expect
#
# Sourced by run.sh. A case file is sourced in a process of its own; it takes its configuration
# from a directory of conf/ with case_daemon or case_config, and runs tests with `it`. Every test is a process, too, so what
# it changes or starts ends with it. An expectation that does not hold prints what was expected and
# what was seen, and ends the test.

cases_begin() {
    CASES_DIR=$1/cases
    mkdir "$CASES_DIR"
    local plugin
    for plugin in "$E2E_DIR/orders.c" "$E2E_DIR/../unit/plugins/refused.c"; do
        cc -shared -fPIC -O1 -I"$E2E_DIR/../../include" \
            -o "$CM_DIR/plugins/$(basename "$plugin" .c).so" "$plugin" || die "$plugin does not compile"
    done
}

# The closing line; the exit status of the whole run. Where everything must run (CI), nothing may be
# left out, and elsewhere a machine that can run nothing fails nothing.
results_end() {
    local passed failed skipped
    passed=$(grep -c '^ok' "$E2E_RESULTS")
    failed=$(grep -c '^not ok' "$E2E_RESULTS")
    skipped=$(grep -c '^skipped' "$E2E_RESULTS")
    printf '%d passed, %d failed%s\n' "$passed" "$failed" "$([ "$skipped" -eq 0 ] || echo ", $skipped case files skipped")"
    [ "$failed" -eq 0 ] && { [ "$skipped" -eq 0 ] || [ -z "${CHAINMAIL_NO_SKIP-}" ]; } &&
        [ $((passed + skipped)) -gt 0 ]
}

# case_run NAME: one case file. When it cannot even begin, that is a failed test.
case_run() {
    # shellcheck source=/dev/null
    . "$E2E_DIR/cases/$1.sh"
}

# result ok|'not ok' NAME [DETAILS]: whole, for other MTAs report at the same time.
result() {
    local number
    {
        flock 9
        number=$(($(wc -l <"$E2E_RESULTS") + 1))
        printf '%s\n' "$1" >>"$E2E_RESULTS"
        printf '%s %d - %s\n%s' "$1" "$number" "${MTA_NAME:+$MTA_NAME, $CM_ENGINE: }$2" "${3:+$3$'\n'}"
    } 9>>"$E2E_RESULTS.lock"
}

# it NAME COMMAND...: one test. When it fails, its output and what the daemon logged are shown.
it() {
    local name=$1 mark
    shift
    mark=$(daemon_log_mark)
    : >"$CLIENT_TALK"
    if run_child "$@" >"$CASES_DIR/output" 2>&1; then
        result ok "$name"
        return
    fi
    result 'not ok' "$name" "$(sed 's/^/#   /' "$CASES_DIR/output"
        daemon_log_since "$mark" . | tail -n 8 | sed 's/^/#   log: /')"
}

# case_config NAME: takes the configuration conf/NAME, which `chainmail check` must accept.
case_config() {
    local output
    daemon_configure "$E2E_DIR/conf"
    daemon_configure "$E2E_DIR/conf/$1"
    output=$(daemon_check 2>&1) && return 0
    result 'not ok' "configuration $1 is accepted" "$(sed 's/^/#   /' <<<"$output")"
    exit 1
}

# case_daemon NAME: the same, and one daemon that serves all tests of the file.
case_daemon() {
    case_config "$1"
    daemon_start
}

# --- expectations ------------------------------------------------------------------------------

# differs EXPECTED SEEN: ends the test.
differs() {
    printf 'expected %s, saw %s\n' "$1" "${2:-nothing}"
    grep -E '^( [-~]> |<[-~*])' "$CLIENT_TALK" | grep -v '^<[-~]  250-' | sed 's/^/    /'
    exit 1
}

# expect_reply COMMAND BEGINNING: what the client was told after that command.
expect_reply() {
    local reply
    reply=$(reply_to "$1")
    [[ $reply == "$2"* ]] || differs "$2 after $1" "$reply"
}

# expect_refusal BEGINNING: the first refusal of the dialogue, at whatever command.
expect_refusal() {
    local reply
    reply=$(first_refusal)
    [[ $reply == "$1"* ]] || differs "$1" "$reply"
}

expect_equal() {
    [ "$1" = "$2" ] || differs "$1" "$2"
}

# expect_at_least COUNT SEEN WHAT
expect_at_least() {
    [ "$2" -ge "$1" ] || differs "at least $1 $3" "$2"
}

# expect_line FILE REGEX: the delivered message has such a line.
expect_line() {
    grep -qE -- "$2" "$1" || differs "a line $2" "$(cat "$1")"
}

expect_no_line() {
    ! grep -E -- "$2" "$1" || differs "no line $2" "$(cat "$1")"
}

# --- messages that can be found again ----------------------------------------------------------

# tagged COMMAND...: runs send, submit or submit_as with a header of this test alone; waits until
# everything is delivered. TAG is the text to look for.
tagged() {
    local command=$1
    shift
    TAG="X-Case: $BASHPID.$RANDOM."
    if [ "$command" = submit_as ]; then
        set -- "$1" --header "$TAG" "${@:2}"
    else
        set -- --header "$TAG" "$@"
    fi
    "$command" "$@"
    mta_wait_delivered
}

# copies MAILBOX: how many copies of the tagged message it has.
copies() {
    mta_delivered "$1" "$TAG" | grep -c .
}

copies_anywhere() {
    local name total=0
    for name in $SITE_MAILBOXES outside; do
        total=$((total + $(copies "$name")))
    done
    echo "$total"
}

# The queue ids of held copies.
held_copies() {
    local id
    for id in $(mta_held); do
        ! mta_show "$id" | grep -qF -- "$TAG" || echo "$id"
    done
}

# delivered_file MAILBOX: the one copy there; anything but one copy ends the test.
delivered_file() {
    expect_equal 1 "$(copies "$1")"
    MESSAGE=$(mta_delivered "$1" "$TAG")
}
