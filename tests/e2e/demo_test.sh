#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo_test.sh [BUILD] - the demo's words and status, when all is well and when it is not
#
# After each run nothing of it may be left: no file below its TMPDIR, no process that lives there.
set -u

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$E2E_DIR/mta.sh"

passed=0
failed=0

# expect WHAT COMMAND...: one result; the demo's output is shown with a failure.
expect() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    printf 'not ok: %s (status %s)\n' "$what" "$status" >&2
    sed 's/^/#   /' "$dir/out" >&2
}

nothing_left() {
    [ -z "$(find "$dir/tmp" -mindepth 1)" ] && [ -z "$(processes_below "$dir/tmp")" ]
}

says() {
    grep -qF -- "$1" "$dir/out"
}

# demo NAME=VALUE...: runs it with these variables; its end is in status.
demo() {
    env -u E2E_KEEP -u MTA_PORT -u MTA_SUBMISSION_PORT TMPDIR="$dir/tmp" "$@" \
        bash "$E2E_DIR/demo.sh" "$build" >"$dir/out" 2>&1
    status=$?
}

# refused WORDS NAME=VALUE...: it ends with status 1, says so, and leaves nothing.
refused() {
    local words=$1
    shift
    demo "$@"
    expect "the demo refuses $*" test "$status" = 1
    expect "the demo says: $words" says "$words"
    expect "nothing is left after $*" nothing_left
}

all_well() {
    demo
    expect "the demo succeeds" test "$status" = 0
    expect "it shows eight messages" says "8. Quarantined"
    expect "it says how all ended" says "All 8 ended as expected."
    expect "it says what stays" says "only packages stay"
    expect "nothing is left after the demo" nothing_left
}

occupied_port() {
    local port
    port=$(free_ports 1)
    perl -MIO::Socket::INET -e '
        $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 1) and sleep 60' "$port" &
    cleanup_add kill "$!"
    wait_until 5 eval "! port_free $port"
    refused "port $port of 127.0.0.1 is in use" MTA_PORT="$port"
}

has_begun() {
    says "1. Accepted" || process_gone "$1"
}

# Ended in the middle by whoever lost patience.
interrupted() {
    local pid
    : >"$dir/out"
    TMPDIR="$dir/tmp" bash "$E2E_DIR/demo.sh" "$build" >"$dir/out" 2>&1 &
    pid=$!
    wait_until 30 has_begun "$pid"
    kill -TERM "$pid"
    wait "$pid"
    status=$?
    expect "TERM ends the demo" test "$status" = 143
    expect "nothing is left after TERM" nothing_left
}

# A machine without root or packages is said so once.
mta_use postfix
if ! reason=$( (mta_need; need_commands swaks/swaks) 2>&1); then
    printf 'demo: skipped: %s\n' "$(head -n 1 <<<"$reason")"
    [ -z "${CHAINMAIL_NO_SKIP-}" ]
    exit
fi

build=${1:-$E2E_DIR/../../build}
cleanup_begin
private_dir demotest
dir=$PRIVATE_DIR
mkdir -m 0755 "$dir/tmp"
all_well
occupied_port
refused "MTA_PORT=abc is not a port" MTA_PORT=abc
refused "MTA_SUBMISSION_PORT=70000 is not a port" MTA_SUBMISSION_PORT=70000
refused "there is no directory $dir/none" TMPDIR="$dir/none"
interrupted
printf 'demo: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
