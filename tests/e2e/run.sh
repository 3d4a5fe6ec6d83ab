#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [BUILD [CASE...]] - end-to-end tests: Chainmail behind a private Postfix
#
# Runs every file of cases/ (or those named), one line for each test, and a closing line. A case file
# says what it tests with `it NAME COMMAND...`; see cases.sh. Skips, with the reason, on a machine
# that cannot run a Postfix at all. E2E_KEEP=1 keeps the directory with configuration and logs.
set -u

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$E2E_DIR/postfix.sh"
. "$E2E_DIR/client.sh"
. "$E2E_DIR/daemon.sh"
. "$E2E_DIR/cases.sh"
. "$E2E_DIR/load.sh"

build=${1:-$E2E_DIR/../../build}
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then
    mapfile -t names < <(cd "$E2E_DIR/cases" && printf '%s\n' *.sh)
    set -- "${names[@]%.sh}"
fi

# A machine without root or packages is said so once, and every case file counts as skipped.
if ! reason=$( (postfix_need; client_need; need_commands smtp-source/postfix cc/gcc) 2>&1); then
    printf '%s\n%d passed, %d failed, %d skipped (%s)\n' "$reason" 0 0 $# "$(head -n 1 <<<"$reason")"
    # Where everything must run (CI), nothing may be left out.
    [ -z "${CHAINMAIL_NO_SKIP-}" ]
    exit
fi

cleanup_begin
private_dir e2e
dir=$PRIVATE_DIR
client_begin "$dir"
daemon_make "$dir" "$build"
cases_begin "$dir"
PF_MILTER=unix:$CM_SOCKET
postfix_make "$dir"
postfix_start
for name in "$@"; do
    [ -f "$E2E_DIR/cases/$name.sh" ] || die "there is no case $name" "choose from: $(ls "$E2E_DIR/cases")"
    run_child case_run "$name"
done
cases_end
