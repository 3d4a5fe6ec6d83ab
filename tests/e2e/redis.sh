# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# redis.sh - a private Redis server on a unix socket: starts and kills it
#
# Sourced by run.sh. It keeps nothing on a disk and listens on no port. Debian's package of the server starts a
# service; its program is also that of redis-check-rdb, in the package of the tools, and goes by its name.

redis_program() {
    command -v redis-server || command -v valkey-server || command -v redis-check-rdb
}

redis_need() {
    redis_program >/dev/null || lacking "missing packages: redis-tools" "run: make deps"
}

redis_answers() {
    perl -MIO::Socket::UNIX -e 'exit !IO::Socket::UNIX->new(Peer => $ARGV[0])' "$REDIS_SOCKET"
}

# redis_start SOCKET: an empty one, that every user may reach who reaches the socket.
redis_start() {
    REDIS_SOCKET=$1
    (exec -a redis-server "$(redis_program)" --port 0 --unixsocket "$1" --unixsocketperm 777 --dir "$CASES_DIR" \
        --save '' --appendonly no --daemonize no --logfile '') >"$CASES_DIR/redis.log" 2>&1 &
    REDIS_PID=$!
    cleanup_add redis_kill
    wait_until 10 redis_answers || die "Redis did not start" "$(tail -n 3 "$CASES_DIR/redis.log")"
}

redis_kill() {
    [ -n "${REDIS_PID-}" ] || return 0
    kill -KILL "$REDIS_PID" 2>/dev/null
    wait "$REDIS_PID" 2>/dev/null
    REDIS_PID=
    rm -f "$REDIS_SOCKET"
}
