#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [BUILD] [--mta NAME] [--engine NAME] [CASE...] - end-to-end tests: Chainmail behind a private MTA
#
# Runs every file of cases/ (or those named) behind each MTA with each milter engine (or those named), one
# line for each test, and a closing line. The MTAs run side by side, for tests mostly wait. A case file says what it tests
# with `it NAME COMMAND...`; see cases.sh. Skips, with the reason, an MTA that this machine cannot run. E2E_KEEP=1 keeps the directories
# with configuration and logs.
set -u

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$E2E_DIR/mta.sh"
. "$E2E_DIR/client.sh"
. "$E2E_DIR/daemon.sh"
. "$E2E_DIR/cases.sh"
. "$E2E_DIR/load.sh"
. "$E2E_DIR/dns.sh"
. "$E2E_DIR/redis.sh"

usage() {
    echo "usage: run.sh [BUILD] [--mta NAME] [--engine NAME] [CASE...]" >&2
    exit 2
}

# Sets E2E_BUILD, mtas, engines and names.
read_arguments() {
    local words=()
    mtas=$MTAS engines=$CM_ENGINES
    while [ $# -gt 0 ]; do
        case $1 in
        --mta) mtas=${2:?}; shift ;;
        --engine) engines=${2:?}; shift ;;
        -*) usage ;;
        *) words+=("$1") ;;
        esac
        shift
    done
    E2E_BUILD=$(cd "${words[0]-$E2E_DIR/../../build}" 2>/dev/null && pwd) ||
        die "there is no build directory ${words[0]-build}" "run: make all"
    names=("${words[@]:1}")
    [ ${#names[@]} -gt 0 ] || mapfile -t names < <(cd "$E2E_DIR/cases" && ls -- *.sh)
    names=("${names[@]%.sh}")
    for name in "${names[@]}"; do
        [ -f "$E2E_DIR/cases/$name.sh" ] || die "there is no case $name" "choose from: $(ls "$E2E_DIR/cases")"
    done
}

# run_mta NAME: all cases behind one MTA, which runs all the time. Each engine is a daemon of its own.
run_mta() {
    local reason name
    mta_use "$1"
    if ! reason=$( (mta_need; client_need; need_commands smtp-source/postfix cc/gcc) 2>&1); then
        printf '%s\n' "$reason"
        printf '%s\n' "${names[@]/#/skipped }" >>"$E2E_RESULTS"
        return
    fi
    mkdir "$E2E_TOP/$1"
    client_begin "$E2E_TOP/$1"
    daemon_make "$E2E_TOP/$1" "$E2E_BUILD"
    cases_begin "$E2E_TOP/$1"
    MTA_MILTER=unix:$CM_SOCKET
    mta_make "$E2E_TOP/$1"
    mta_start
    for CM_ENGINE in $engines; do
        for name in "${names[@]}"; do
            run_child case_run "$name"
        done
    done
}

# Those of the MTAs end a moment after their master.
nothing_left() {
    [ -z "$(processes_below "$E2E_TOP")" ]
}

read_arguments "$@"
cleanup_begin
private_dir e2e
E2E_TOP=$PRIVATE_DIR
E2E_RESULTS=$E2E_TOP/results
: >"$E2E_RESULTS"
for mta in $mtas; do
    start_child run_mta "$mta"
done
wait_children || result 'not ok' "every MTA runs to the end"
wait_until 5 nothing_left ||
    result 'not ok' "what a test starts ends with it" "$(processes_below "$E2E_TOP" | sed 's/^/#   /')"
results_end
