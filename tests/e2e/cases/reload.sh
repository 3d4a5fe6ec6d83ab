# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# reload.sh - HUP: a new configuration under load, and a broken one that changes nothing

case_daemon reload

readonly BATCH=100
readonly RELOADS=${E2E_RELOADS:-5}

# set_version TEXT: another version of the rule, put into place whole.
set_version() {
    sed "s/version [^\"]*/version $1/" "$E2E_DIR/conf/reload/probe.lua" >"$CM_DIR/probe.lua.new"
    mv "$CM_DIR/probe.lua.new" "$CM_DIR/probe.lua"
}

hup() {
    kill -HUP "$CM_PID"
}

probe_says() {
    send --from probe@example.org
    [[ $(reply_to "MAIL FROM") == "550 5.7.1 version $1"* ]]
}

# Waits for the version, without the noise of the attempts before.
expect_version() {
    wait_until 10 probe_says "$1" || expect_reply "MAIL FROM" "550 5.7.1 version $1"
}

reload() {
    set_version 1
    hup
    expect_version 1
}

# steady_load FILE: batches of messages until FILE is gone, which holds their number. smtp-source ends with a
# failure at the first session that is not served.
steady_load() {
    local batches=0
    while [ -e "$1" ]; do
        smtp-source -s 8 -m "$BATCH" -f ann@example.org -t load@example.com "127.0.0.1:$MTA_PORT" || return
        batches=$((batches + 1))
        echo "$batches" >"$1.sent"
    done
}

reload_under_load() {
    local before pid i running=$CASES_DIR/running
    before=$(mta_mailbox load | wc -l)
    : >"$running"
    steady_load "$running" &
    pid=$!
    for i in $(seq 11 $((10 + RELOADS))); do
        set_version "$i"
        hup
        expect_version "$i"
    done
    rm "$running"
    wait "$pid" || differs "no failed session" "smtp-source ended with status $?"
    mta_wait_delivered 30
    expect_equal "$((BATCH * $(cat "$running.sent")))" "$(($(mta_mailbox load | wc -l) - before))"
}

# broken_refused NAME LOG-PATTERN: after break_NAME the old generation stays and the log says why the new one was refused.
broken_refused() {
    local mark
    set_version 2
    hup
    expect_version 2
    mark=$(daemon_log_mark)
    "break_$1"
    hup
    wait_until 10 daemon_log_since "$mark" "$2" || differs "a log line $2" "$(daemon_log_since "$mark" .)"
    probe_says 2 || expect_reply "MAIL FROM" "550 5.7.1 version 2"
    daemon_configure "$E2E_DIR/conf/reload"
    set_version 3
    hup
    expect_version 3
}

break_configuration() {
    echo 'profile broken { chian = [ ] }' >>"$CM_DIR/filter.conf"
}

break_script() {
    echo 'function mail(m' >"$CM_DIR/probe.lua"
}

break_missing() {
    rm "$CM_DIR/probe.lua"
}

it "HUP brings the new rule" reload
it "$RELOADS reloads under load, no failed session" reload_under_load
it "a broken configuration is refused, the old one runs on" broken_refused configuration 'filter[.]conf:[0-9]+:[0-9]+: error'
it "a broken script is refused, the old one runs on" broken_refused script 'probe[.]lua:[0-9]+'
it "a missing script is refused, the old one runs on" broken_refused missing 'probe[.]lua'
