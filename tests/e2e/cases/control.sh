# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# control.sh - an administrator asks the daemon while mail is served, and others mean harm to its socket

case_daemon control
chmod 0711 "$CM_DIR/run"

readonly CONTROL=$CM_DIR/run/control.sock
readonly MESSAGES=400

# ask WORD...: as an administrator types it.
ask() {
    "$CM_BIN" "$@" --socket "$CONTROL" -c "$CM_CONF"
}

# ask_as USER GROUP WORD...: as somebody else.
ask_as() {
    setpriv --reuid "$1" --regid "$2" --clear-groups "$CM_BIN" "${@:3}" --socket "$CONTROL" -c "$CM_CONF"
}

# expect_words TEXT WORD...: the command prints the text.
expect_words() {
    local output
    output=$(ask "${@:2}" 2>&1)
    [[ $output == *"$1"* ]] || differs "$1" "$output"
}

# expect_status STATUS COMMAND...
expect_status() {
    "${@:2}" >/dev/null 2>&1
    expect_equal "$1" "$?"
}

# A login sends, is counted, is seen by name, and begins anew.
limit_of_a_login() {
    submit_as bob --to alice@example.com,carol@example.com || differs "a message that is taken" "$(first_refusal)"
    expect_words "outbound_limit  bob  2 of 200 recipients / 1h  full again " limit show bob
    expect_words "next message may have 198 recipients; exempt: no" limit show bob
    expect_words "per_client  127.0.0.1/bob  2 of 100 recipients / 1h" limit show 127.0.0.1/bob
    expect_words '"login":"bob","rcpts":2,"messages":1,"refused":0,"addresses":1' top logins --by recipients --for 1h --json
    expect_equal "" "$(ask limit list --over 80%)"
    expect_words "outbound_limit  bob  done (was 2)" limit reset bob
    expect_words "outbound_limit  bob  0 of 200 recipients / 1h" limit show bob
}

greylist_by_hand() {
    mta_client 127.0.9.5 - -
    tagged send "${CLIENT_OPTIONS[@]}" --from ann@hand.example.org --to carol@example.com
    expect_refusal "451 4.7.1 Greylisted"
    expect_words "waiting" greylist show 127.0.9.7
    expect_words "127.0.9.0/24" greylist allow 127.0.9.0/24 --for 90d
    tagged send "${CLIENT_OPTIONS[@]}" --from ann@hand.example.org --to carol@example.com ||
        differs "a message that is taken" "$(first_refusal)"
    expect_status 0 ask greylist forget 127.0.9.0/24
    expect_equal "" "$(ask greylist show 127.0.9.7)"
}

# The group looks, root changes, all others are kept out by the socket's mode.
rights() {
    expect_equal "660" "$(stat -c %a "$CONTROL")"
    expect_status 0 ask_as daemon "$CM_MTA_GROUP" limit show bob
    expect_status 1 ask_as daemon "$CM_MTA_GROUP" limit reset bob
    expect_status 1 ask_as daemon "$CM_MTA_GROUP" reload
    expect_status 1 ask_as daemon daemon limit show bob
    expect_status 0 ask limit reset bob
}

usage() {
    expect_status 64 ask limit list --ovre 80%
    expect_status 64 ask limit
    expect_status 64 ask top logins --for 2d
    expect_status 1 ask limit show 10.0.0.0/7 --link client_limit
    expect_words 'unknown option "--ovre", did you mean --over?' limit list --ovre 80%
}

# Each answer is that of one configuration, whichever runs meanwhile.
reload_meanwhile() {
    local i pid
    for i in $(seq 20); do ask reload >/dev/null || exit 1; done &
    pid=$!
    for i in $(seq 40); do
        ask limit list --json >"$CASES_DIR/list" || differs "a list" "status $?"
        [[ $(<"$CASES_DIR/list") == "["*"]" ]] || differs "an array" "$(<"$CASES_DIR/list")"
    done
    wait "$pid" || differs "twenty reloads" "a failure"
}

# As that user. It ends with the test, even where nobody can end it any more.
storm_begin() {
    setpriv --reuid "$1" --regid "$CM_MTA_GROUP" --clear-groups --pdeathsig KILL \
        perl - "$CONTROL" <"$E2E_DIR/control_storm.pl" >"$CASES_DIR/storm.$1" &
    cleanup_add end_child "$!"
}

storm_ready() {
    grep -q ready "$CASES_DIR/storm.$1"
}

memory_of_daemon() {
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$CM_PID/status"
}

# Three users take all they can: root is answered, every message is delivered, and memory has an end.
storm() {
    local i user
    load_begin "$MESSAGES"
    for user in 1 2 3; do
        storm_begin "$user"
    done
    for user in 1 2 3; do
        wait_until 60 storm_ready "$user" || differs "a thousand connections of user $user" "fewer"
    done
    for i in $(seq 20); do
        ask limit list >/dev/null || differs "an answer for root in the storm" "status $?"
    done
    load_end
    load_books
    expect_equal "$MESSAGES" "$(load_taken)"
    expect_equal 0 "$(load_failures '')"
    [ "$(memory_of_daemon)" -lt 300000 ] || differs "less than 300 MB" "$(memory_of_daemon) kB"
}

# The places of who hung up are free.
after_the_storm() {
    expect_status 0 ask_as daemon "$CM_MTA_GROUP" status
}

away() {
    daemon_stop || differs "a daemon that ends with success" "status $?"
    expect_status 3 ask status
    daemon_start
    expect_status 0 ask status
}

if [ "$(id -u)" -eq 0 ]; then
    it "a login's limit is shown, listed and reset" limit_of_a_login
    it "the greylist is shown, opened and forgotten by hand" greylist_by_hand
    it "the group of the socket looks, root changes" rights
    it "mistakes have exit codes and suggestions" usage
    it "lists are whole while the daemon reloads" reload_meanwhile
    it "clients that mean harm hold up neither mail nor root" storm
    it "there is room after the storm" wait_until 40 after_the_storm
    daemon_stop
    it "a daemon that is away is said, and a new one is found" away
fi
