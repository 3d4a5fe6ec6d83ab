# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# ratelimit_redis.sh - the Redis server is killed: what on_store_error says, what `status` says, and the way back

if ! reason=$( (redis_need) 2>&1); then
    printf '%s\n' "$reason"
    echo "skipped ratelimit_redis" >>"$E2E_RESULTS"
    exit 0
fi
redis_start "$CM_DIR/run/redis.sock"
case_daemon ratelimit_redis

# store_is STATE: what `chainmail status` says of the store.
store_is() {
    "$CM_BIN" status --config "$CM_CONF" | grep -qE "^store +cluster +$1( |\$)"
}

expect_store() {
    wait_until 10 store_is "$1" || differs "a store that is $1" "$("$CM_BIN" status --config "$CM_CONF")"
}

# expect_answers SENDER ANSWER...: to as many recipients of a message, each a connection.
expect_answers() {
    local answer
    for answer in "${@:2}"; do
        send --from "$1"
        expect_reply "RCPT TO" "$answer"
    done
    mta_wait_delivered
}

readonly OVER='450 4.7.28 Recipient limit of 2 per week exceeded, try again in 4 days; 2 used'

counts() {
    expect_store ok
    expect_answers a@memory.example.org "250 " "250 " "$OVER"
    expect_answers a@wait.example.org "250 " "250 " "$OVER"
    expect_answers a@pass.example.org "250 " "250 " "$OVER"
}

# The first to ask finds it away; nobody waits for it.
away() {
    expect_store away
    "$CM_BIN" status --config "$CM_CONF" | grep -E '^store' | grep -qE 'redis\.sock' ||
        differs "which server is away" "$("$CM_BIN" status --config "$CM_CONF")"
    # Counted in memory, which is empty at first.
    expect_answers a@memory.example.org "250 " "250 " "$OVER"
    expect_answers a@wait.example.org "451 4.3.0 Temporary problem, please try again later"
    expect_answers a@pass.example.org "250 " "250 " "250 "
}

# The server comes back empty, and counts from there.
back() {
    expect_store ok
    expect_answers a@memory.example.org "250 " "250 " "$OVER"
    expect_answers a@wait.example.org "250 " "250 " "$OVER"
    expect_answers a@pass.example.org "250 " "250 " "$OVER"
}

it "limits are counted in Redis" counts
redis_kill
it "Redis is killed: counted in memory, told to wait, or let pass, and status says so" away
redis_start "$CM_DIR/run/redis.sock"
it "Redis is back: counted there again, and status says so" back
