# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# greylist.sh - who comes for the first time must come again; behind Postfix also a queue that does

case_config greylist
rm -rf "$CM_DIR/run/greylist"
daemon_start

readonly WAITS='451 4.7.1 Greylisted, try again in '

# from_client ADDRESS [SWAKS-OPTION...]: a message of that client.
from_client() {
    mta_client "$1" - -
    tagged send "${CLIENT_OPTIONS[@]}" "${@:2}"
}

# passes ADDRESS SENDER: it is taken.
passes() {
    from_client "$1" --from "$2"
    [ "$(copies alice)" -eq 1 ]
}

expect_waits() {
    from_client "$1" --from "$2"
    expect_reply "RCPT TO" "$WAITS"
    expect_equal 0 "$(copies_anywhere)"
}

# Each attempt is a connection; the first has to be refused, however slow this machine is.
comes_again() {
    expect_waits 127.0.2.5 ann@again.example.org
    wait_until 20 passes 127.0.2.6 ann@again.example.org || expect_reply "RCPT TO" "250 "
    passes 127.0.2.7 ann@again.example.org || expect_reply "RCPT TO" "250 "
    expect_waits 127.0.2.5 bob@again.example.org
}

one_of_two() {
    from_client 127.0.2.5 --from ann@two.example.org --to alice@example.com,carol@example.com
    expect_reply "RCPT TO:<alice" "$WAITS"
    expect_reply "RCPT TO:<carol" "250 "
    expect_equal 0 "$(copies alice)"
    expect_equal 1 "$(copies carol)"
}

null_sender() {
    from_client 127.0.2.5 --from '<>' --to dave@example.com
    expect_reply "RCPT TO" "250 "
    expect_refusal "$WAITS"
    expect_equal 0 "$(copies_anywhere)"
}

login() {
    tagged submit_as bob
    expect_equal 1 "$(copies alice)"
}

# What was written is read by the next daemon, also after a crash.
next_daemon() {
    daemon_start
    expect_waits 127.0.2.5 "$1@next.example.org"
    wait_until 20 passes 127.0.2.5 "$1@next.example.org" || expect_reply "RCPT TO" "250 "
    # A crash takes what was not yet in the file.
    [ "$1" = daemon_stop ] || sleep 1
    "$1"
    daemon_start
    passes 127.0.2.5 "$1@next.example.org" || expect_reply "RCPT TO" "250 "
    daemon_log "from=<$1@next.example.org> .*greylist=known" >/dev/null ||
        differs "greylist=known in the log" "$(daemon_log "$1@next.example.org" | tail -n 1)"
}

# --- a real queue ------------------------------------------------------------------------------

queue_message() {
    TAG="X-Case: $BASHPID.$RANDOM."
    printf 'From: ann@example.org\nSubject: hello\n%s\n\nHello\n' "$TAG" |
        postfix_inject ann@queue.example.org alice@example.com
}

queue_waits() {
    [ -n "$(postfix_deferred)" ]
}

queue_delivers() {
    postfix_retry
    mta_wait_delivered
    [ "$(copies alice)" -eq 1 ] && ! queue_waits
}

queue_retries() {
    queue_message
    wait_until 10 queue_waits || differs "a message that waits in the queue" "$(mta_log 'status=' | tail -n 1)"
    mta_log "to=<alice@example.com>.* status=deferred .*said: 451 4[.]7[.]1 Greylisted, try again in 2 seconds" >/dev/null ||
        differs "the filter's words in Postfix's log" "$(mta_log 'status=' | tail -n 1)"
    wait_until 20 queue_delivers || differs "a delivered message" "$(mta_log 'status=' | tail -n 1)"
    # The next one of the same sender never waits.
    queue_message
    wait_until 10 queue_delivers || differs "a second message" "$(mta_log 'status=' | tail -n 1)"
    daemon_log "from=<ann@queue.example.org> .*greylist=known" >/dev/null ||
        differs "greylist=known in the log" "$(daemon_log 'queue.example.org' | tail -n 1)"
}

it "who comes again passes, from any address of the network" comes_again
it "of two recipients one waits" one_of_two
it "the null sender is answered at RCPT and waits after DATA" null_sender
it "who has logged in does not wait" login
[ "$MTA_NAME" != postfix ] || it "a message waits in Postfix's queue and is delivered with its next attempt" queue_retries
daemon_stop
it "who has passed is known to the next daemon" next_daemon daemon_stop
it "who has passed is known after a crash" next_daemon daemon_kill
