#!/bin/bash
# SPDX-License-Identifier: MIT
#
# miltertest.sh [BUILD [SESSION...]] - whole milter sessions by Debian's miltertest, with each engine
#
# A second opinion that nobody here wrote: miltertest plays the MTA, the sessions are in miltertest/.
# Needs neither root nor an MTA. Prints one line for each session and a closing line.
set -u

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$E2E_DIR/daemon.sh"

readonly SESSION_SECONDS=60

passed=0
failed=0

# One session by name; its words are shown when it fails.
session() {
    local words mark lib=$E2E_DIR/miltertest/lib
    mark=$(daemon_log_mark)
    if words=$(timeout "$SESSION_SECONDS" miltertest -D SOCKET="unix:$CM_SOCKET" \
        -D LIB="$lib" -D SESSION="$E2E_DIR/miltertest/$1.lua" -s "$lib/run.lua" 2>&1); then
        passed=$((passed + 1))
        printf 'ok %d - %s: %s\n' $((passed + failed)) "$CM_ENGINE" "$1"
        return
    fi
    failed=$((failed + 1))
    printf 'not ok %d - %s: %s\n' $((passed + failed)) "$CM_ENGINE" "$1"
    sed 's/^/#   /' <<<"$words"
    daemon_log_since "$mark" . | tail -n 8 | sed 's/^/#   log: /'
}

if ! reason=$(need_commands miltertest/miltertest perl/perl 2>&1); then
    printf '%s\n0 passed, 0 failed, all skipped (%s)\n' "$reason" "$(head -n 1 <<<"$reason")"
    # Where everything must run (CI), nothing may be left out.
    [ -z "${CHAINMAIL_NO_SKIP-}" ]
    exit
fi

build=${1:-$E2E_DIR/../../build}
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then
    mapfile -t names < <(cd "$E2E_DIR/miltertest" && printf '%s\n' *.lua)
    set -- "${names[@]%.lua}"
fi

# All sessions NAME... with one daemon.
sessions() {
    local part name
    for part in '' access edits submission miltertest; do
        daemon_configure "$E2E_DIR/conf/$part"
    done
    daemon_start
    for name in "$@"; do
        session "$name"
    done
    daemon_stop 15 || {
        echo "not ok - $CM_ENGINE: the daemon ends with success: status $?"
        failed=$((failed + 1))
    }
}

cleanup_begin
private_dir miltertest
daemon_make "$PRIVATE_DIR" "$build"
for CM_ENGINE in $CM_ENGINES; do
    sessions "$@"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
