# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# record.sh - why was it refused, and what would another configuration have done, by the ids of a real mail server

case_daemon record

# explained ID: what chainmail says of the session is in $output, its exit status is kept.
explained() {
    output=$("$CM_BIN" explain "$1" -c "$CM_CONF" 2>&1)
}

has_explanation() {
    explained "$1"
    [[ $output == session* ]]
}

# latest_id NAME: of the latest message with that word in its log line.
latest_id() {
    grep -- "$1" "$CM_LOG" | grep -o '\bid=[A-Za-z0-9]*' | tail -n 1 | cut -d= -f2
}

by_queue_id() {
    tagged send --to alice@example.com
    expect_reply . "250 2.0.0"
    # The mail server tells the client, and writes it into its own log.
    local queue_id
    queue_id=$(sed -nE 's/^chainmail\[[0-9]+\]: ([^: ]+): id=.*verdict=accept.*/\1/p' "$CM_LOG" | tail -n 1)
    wait_until 10 has_explanation "$queue_id" || differs "a kept session" "$output"
    [[ $output == *"queue_id=$queue_id"*"verdict   accept"* ]] || differs "its session" "$output"
}

by_our_id() {
    tagged send --to carol@example.com
    expect_refusal "550 5.7.1 Carol has left"
    local id
    id=$(latest_id verdict=reject)
    wait_until 10 has_explanation "$id" || differs "a kept session" "$output"
    explained "$id"
    expect_equal 1 "$?"
    [[ $output == *"550 5.7.1 Carol has left"* ]] || differs "its refusal" "$output"
}

replayed() {
    output=$("$CM_BIN" replay --config "$CM_CONF" --record "$CM_DIR/run/record" 2>&1)
    expect_equal 0 "$?"
    sed 's/carol@example.com reject/alice@example.com reject/' "$CM_CONF" >"$CM_DIR/new.conf"
    output=$("$CM_BIN" replay --config "$CM_DIR/new.conf" --record "$CM_DIR/run/record" 2>&1)
    expect_equal 1 "$?"
    [[ $output == *"accept     -> reject "*"reject     -> accept "* ]] || differs "both differences" "$output"
}

it "a message by the mail server's id" by_queue_id
it "a refusal by ours" by_our_id
it "what another configuration says to both" replayed
