# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# daemon.sh - one Chainmail daemon: makes its directory, starts, reloads, ends and kills it
#
# Sourced after lib.sh, and after mta_use where there is an MTA. The daemon's directory belongs to the
# user it runs as, with the group of the MTA, so that the MTA reaches the socket and nobody else does.
# CM_ENGINE is the engine of its listener (default: native).

readonly CM_USER=nobody
readonly CM_ENGINES='native libmilter'

# daemon_make DIR BUILD: the directory DIR/filter for configuration, rules, plugins and socket.
daemon_make() {
    CM_DIR=$1/filter
    CM_BUILD=$(cd "$2" 2>/dev/null && pwd) || die "there is no build directory $2" "run: make all"
    CM_BIN=$CM_BUILD/chainmail
    CM_SOCKET=$CM_DIR/run/milter.sock
    CM_CONF=$CM_DIR/filter.conf
    CM_LOG=$CM_DIR/log
    CM_PID=
    CM_MTA_GROUP=${MTA_GROUP:-postfix}
    [ -x "$CM_BIN" ] || die "there is no $CM_BIN" "run: make all"
    mkdir -p "$CM_DIR/run" "$CM_DIR/plugins"
    cp "$CM_BUILD"/plugins/*.so "$CM_DIR/plugins" || die "there are no plugins in $CM_BUILD/plugins" "run: make all"
    : >"$CM_LOG"
    [ "$(id -u)" -eq 0 ] || return 0
    if getent group "$CM_MTA_GROUP" >/dev/null; then
        chown "$CM_USER:$CM_MTA_GROUP" "$CM_DIR/run"
        chmod 2710 "$CM_DIR/run"
    fi
}

# daemon_fill TEMPLATE: the template with its @PLACES@ filled in, to standard output. Lines that only
# root can follow are left out for others, and the MTA's group where there is no MTA.
daemon_fill() {
    local drop='@NOTHING@'
    [ "$(id -u)" -eq 0 ] || drop='@(USER|GROUP|MTA_GROUP)@'
    getent group "$CM_MTA_GROUP" >/dev/null || drop="$drop|@MTA_GROUP@"
    sed -E -e "/$drop/d" -e "s|@DIR@|$CM_DIR|g" -e "s|@USER@|$CM_USER|g" \
        -e "s|@GROUP@|$(id -gn "$CM_USER")|g" -e "s|@MTA_GROUP@|$CM_MTA_GROUP|g" \
        -e "s|@SUBMISSION_PORT@|${MTA_SUBMISSION_PORT:-587}|g" \
        -e "s|@MTA_PORT@|${MTA_PORT:-25}|g" -e "s|@DNS_PORT@|${DNS_PORT:-53}|g" -e "s|@ENGINE@|${CM_ENGINE:-native}|g" "$1"
}

# daemon_configure SOURCE: takes every file of the directory SOURCE; *.in are templates.
daemon_configure() {
    local file name
    for file in "$1"/*; do
        name=$(basename "$file")
        [ -f "$file" ] || continue
        case $name in
        *.in) daemon_fill "$file" >"$CM_DIR/${name%.in}" ;;
        *) cp "$file" "$CM_DIR/$name" ;;
        esac
    done
}

daemon_answers() {
    perl -MIO::Socket::UNIX -e 'exit !IO::Socket::UNIX->new(Peer => $ARGV[0])' "$CM_SOCKET"
}

daemon_up_or_gone() {
    process_gone "$CM_PID" || daemon_answers
}

# daemon_start: starts it with CM_CONF and waits until it takes connections. Its words go to CM_LOG.
daemon_start() {
    [ -n "$CM_PID" ] || cleanup_add daemon_stop
    "$CM_BIN" serve --config "$CM_CONF" >>"$CM_LOG" 2>&1 &
    CM_PID=$!
    wait_until 10 daemon_up_or_gone && ! process_gone "$CM_PID" && return 0
    sed 's/^/    /' "$CM_LOG" >&2
    die "chainmail serve --config $CM_CONF did not start" "the lines above are what it said"
}

# daemon_stop [SECONDS]: TERM, and waits for its drain. True when it ended in time and with success.
# After the time it is killed, so that nothing stays.
daemon_stop() {
    local status
    [ -n "$CM_PID" ] || return 0
    kill -TERM "$CM_PID" 2>/dev/null
    wait_until "${1:-15}" process_gone "$CM_PID" || kill -KILL "$CM_PID"
    wait "$CM_PID" 2>/dev/null
    status=$?
    CM_PID=
    return "$status"
}

# Kills it at once, as a crash would, and waits until its socket is free; a test that is not its parent sees no more
# than that it is gone.
daemon_kill() {
    kill -KILL "$CM_PID"
    wait "$CM_PID" 2>/dev/null
    wait_until 10 process_gone "$CM_PID" || die "the daemon $CM_PID does not end, though it was killed"
    CM_PID=
}

# daemon_log PATTERN: lines of its log that match.
daemon_log() {
    grep -E -- "$1" "$CM_LOG"
}

# The number of log lines so far; daemon_log_since gives those behind it.
daemon_log_mark() {
    wc -l <"$CM_LOG"
}

# daemon_log_since MARK PATTERN
daemon_log_since() {
    tail -n "+$(($1 + 1))" "$CM_LOG" | grep -E -- "$2"
}

# What `chainmail check` says about the configuration.
daemon_check() {
    "$CM_BIN" check --config "$CM_CONF"
}
