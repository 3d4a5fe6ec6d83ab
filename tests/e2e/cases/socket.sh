# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# socket.sh - whose socket it is: a live daemon keeps its own, a dead one's is taken over

case_config reload

# refused STATUS PATTERN: a second daemon with the same configuration.
refused() {
    local output status
    output=$(timeout 20 "$CM_BIN" serve --config "$CM_CONF" 2>&1)
    status=$?
    expect_equal "$1" "$status"
    grep -qE -- "$2" <<<"$output" || differs "words like $2" "$output"
}

delivers() {
    tagged send
    expect_reply . "250 2.0.0"
    expect_equal 1 "$(copies alice)"
}

live_socket() {
    daemon_start
    refused 69 "$CM_SOCKET"
    delivers
}

stale_socket() {
    daemon_start
    daemon_kill
    [ -S "$CM_SOCKET" ] || differs "a stale socket" "no $CM_SOCKET"
    daemon_start
    delivers
}

# What is no socket is somebody's file.
foreign_file() {
    rm -f "$CM_SOCKET"
    echo precious >"$CM_SOCKET"
    refused 69 "$CM_SOCKET"
    expect_equal precious "$(cat "$CM_SOCKET")"
    rm "$CM_SOCKET"
}

socket_rights() {
    daemon_start
    expect_equal "660 $MTA_GROUP" "$(stat -c '%a %G' "$CM_SOCKET")"
    expect_equal "$CM_USER" "$(stat -c %U "/proc/$CM_PID")"
}

removed_at_end() {
    daemon_start
    daemon_stop 15 || differs "a daemon that ends with success" "status $?"
    [ ! -e "$CM_SOCKET" ] || differs "no socket after the end" "$CM_SOCKET"
}

it "the socket of a live daemon is left alone, the second daemon refuses to start" live_socket
it "the socket of a dead daemon is replaced" stale_socket
it "a file that is no socket is left alone" foreign_file
it "mode and group of the socket are as configured, the daemon gave up root" socket_rights
it "the socket is gone after the end" removed_at_end
