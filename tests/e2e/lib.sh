# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# lib.sh - what every end-to-end script shares: messages, clean-up, waiting, free ports
#
# Sourced, never run. It knows nothing of mail. A script calls cleanup_begin once and then registers,
# with cleanup_add, the undoing of everything it starts, so that INT, TERM and an early exit leave
# nothing behind. E2E_KEEP=1 keeps the directories for a look at them.

# Where these scripts are.
E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The system's own commands stand there, and su may have left them out.
PATH=$PATH:/usr/sbin:/sbin

# Exit status that means "this machine cannot run it" (not root, a package is missing).
readonly EX_LACKING=77

# die WHAT [HINT]: what happened and where; then what to do about it. Ends the script.
die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    [ $# -lt 2 ] || printf '    %s\n' "$2" >&2
    exit 1
}

# lacking WHAT [HINT]: as die, for a machine that cannot run the tests at all.
lacking() {
    (die "$@") || exit "$EX_LACKING"
}

need_root() {
    [ "$(id -u)" -eq 0 ] ||
        lacking "needs root: mail servers run their parts as several users" "run it as root or in a container"
}

# need_commands NAME/PACKAGE...: every command, or the list of packages to install.
need_commands() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%/*}" >/dev/null || missing+=("${pair##*/}")
    done
    [ ${#missing[@]} -eq 0 ] ||
        lacking "missing packages: $(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')" "run: make deps"
}

# cleanup_begin: from here on the commands given to cleanup_add run, last first, however the script ends.
cleanup_begin() {
    cleanup_jobs=() children=()
    trap cleanup_run EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

cleanup_add() {
    cleanup_jobs+=("$(printf '%q ' "$@")")
}

# cleanup_drop COMMAND...: the latest such command need not run any more, whatever was added behind it.
cleanup_drop() {
    local i job
    job=$(printf '%q ' "$@")
    for ((i = ${#cleanup_jobs[@]} - 1; i >= 0; i--)); do
        [ "${cleanup_jobs[i]}" != "$job" ] || break
    done
    [ "$i" -ge 0 ] || die "the clean-up has no job $*" "drop what was added, once"
    cleanup_jobs=("${cleanup_jobs[@]:0:i}" "${cleanup_jobs[@]:i+1}")
}

# A second Ctrl-C must not cut the clean-up short.
cleanup_run() {
    local status=$? i
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    for ((i = ${#cleanup_jobs[@]} - 1; i >= 0; i--)); do
        eval "${cleanup_jobs[i]}"
    done
    exit "$status"
}

remove_dir() {
    if [ -n "${E2E_KEEP:-}" ]; then
        printf 'kept for you: %s\n' "$1" >&2
    else
        rm -rf -- "$1"
    fi
}

# private_dir NAME: makes a directory that other users may pass through, removed at the end; its path
# is in PRIVATE_DIR. (No command substitution: its subshell would lose the clean-up.)
private_dir() {
    [ -d "${TMPDIR:-/tmp}" ] || die "there is no directory ${TMPDIR:-/tmp}" \
        "make it, or set TMPDIR to another directory that every user may pass"
    PRIVATE_DIR=$(mktemp -d "${TMPDIR:-/tmp}/chainmail-$1.XXXXXX") ||
        die "cannot make a directory in ${TMPDIR:-/tmp}" "set TMPDIR to a place with free space"
    cleanup_add remove_dir "$PRIVATE_DIR"
    chmod 0755 "$PRIVATE_DIR"
    # 107 octets fit into a unix socket's address, and the socket's name comes behind the directory.
    [ ${#PRIVATE_DIR} -le 80 ] || die "$PRIVATE_DIR: path too long for sockets" "set TMPDIR to a shorter path"
}

# wait_until SECONDS COMMAND...: true as soon as COMMAND succeeds, false after SECONDS, or three times as
# long: machines may be busy with other things.
wait_until() {
    local end=$((SECONDS + 3 * $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# run_child COMMAND...: runs a part of the script (a function, too) as a process of its own and gives
# its exit status. When this shell is told to end, the part is told first and cleans up after itself.
run_child() {
    local pid status
    ( cleanup_begin; "$@" ) &
    pid=$!
    cleanup_add end_child "$pid"
    wait "$pid"
    status=$?
    cleanup_drop end_child "$pid"
    return "$status"
}

# start_child COMMAND...: the same, without waiting for it; wait_children waits for all of them, and is
# true when each one succeeded.
start_child() {
    ( cleanup_begin; "$@" ) &
    cleanup_add end_child "$!"
    children+=("$!")
}

wait_children() {
    local pid status=0
    for pid in "${children[@]}"; do
        wait "$pid" || status=1
    done
    return "$status"
}

end_child() {
    kill -TERM "$1" 2>/dev/null && wait "$1"
}

# processes_below DIR: one line for each process that stands there or was started with a path below it.
processes_below() {
    local proc words
    for proc in /proc/[0-9]*; do
        words=$(tr '\0' ' ' 2>/dev/null <"$proc/cmdline")
        case $(readlink "$proc/cwd" 2>/dev/null)/$words in
        *"$1/"*) echo "${proc#/proc/} $words" ;;
        esac
    done
}

process_gone() {
    ! kill -0 "$1" 2>/dev/null
}

# need_port_number NAME: that variable, where it is set, holds a port's number.
need_port_number() {
    [[ -z ${!1:-} ]] || [[ ${!1} =~ ^[1-9][0-9]{0,4}$ && ${!1} -le 65535 ]] ||
        die "$1=${!1} is not a port" "give a number from 1 to 65535, or leave $1 unset for a free port"
}

# The port can be bound on 127.0.0.1 now.
port_free() {
    perl -MIO::Socket::INET -e '
        exit !IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 1, ReuseAddr => 1)' "$1"
}

# free_ports COUNT: different free ports of 127.0.0.1, below the range that clients take theirs from.
free_ports() {
    perl -MIO::Socket::INET -e '
        my ($want, @held) = @ARGV;
        for (1 .. 1000) {
            my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1,
                LocalPort => 20000 + int rand 10000) or next;
            push @held, $s;
            last if @held == $want;
        }
        exit 1 if @held < $want;
        print join(" ", map { $_->sockport } @held), "\n"' "$1" ||
        die "no free port between 20000 and 30000 on 127.0.0.1" "look for who holds them: ss -ltnp"
}
