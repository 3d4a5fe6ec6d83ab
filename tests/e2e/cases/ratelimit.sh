# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# ratelimit.sh - limits are exact, give back what did not come about, and are remembered

case_config ratelimit
rm -rf "$CM_DIR/run/ratelimit"
daemon_start

# rcpts COUNT [NAME]: as many different addresses of one mailbox, as swaks takes them.
rcpts() {
    seq -s , -f "${2-alice}+%g@example.com" "$1"
}

# The answers to RCPT TO in the dialogues of FILE..., one a line.
rcpt_answers() {
    awk '/^ [-~]> / { rcpt = $2 ~ /^RCPT$/ } rcpt && /^<[-~*]/ { print substr($0, 5) }' "$@" | filter_words
}

# expect_exactly COUNT ALL REFUSAL FILE...: of ALL recipients COUNT are taken, and all others refused with a
# reply that matches.
expect_exactly() {
    rcpt_answers "${@:4}" >"$CASES_DIR/answers"
    expect_equal "$2" "$(wc -l <"$CASES_DIR/answers")"
    expect_equal "$1" "$(grep -c '^250 ' "$CASES_DIR/answers")"
    expect_equal "$(($2 - $1))" "$(grep -cE "^$3 \(id [^ ]+\)$" "$CASES_DIR/answers")"
    expect_equal "$1" "$(copies_anywhere)"
}

# In a week a hundred are one each 101 minutes.
readonly OVER='450 4[.]7[.]28 Recipient limit of 100 per week exceeded'
readonly AGAIN=', try again in 10[01] minutes; 100 used'

one_session() {
    tagged submit_as bob --to "$(rcpts 200)"
    expect_exactly 100 200 "$OVER by this message alone$AGAIN" "$CLIENT_TALK"
    # Nothing is left, and nothing was taken by those who were refused.
    tagged submit_as bob --to "$(rcpts 3)"
    expect_exactly 0 3 "$OVER$AGAIN" "$CLIENT_TALK"
    expect_used 100 login bob
}

# parallel COMMAND...: the message from 16 sessions at once, each to 13 recipients; their dialogues are TALKS.
parallel() {
    local i pid pids=()
    TAG="X-Case: $BASHPID.$RANDOM."
    TALKS=()
    for i in $(seq 16); do
        TALKS+=("$CLIENT_TALK.$i")
        (CLIENT_TALK=$CLIENT_TALK.$i; "$1" --header "$TAG" --to "$(rcpts 13 "alice+$i")" "${@:2}") &
        pids+=("$!")
    done
    # A message of which no recipient was taken fails.
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
    mta_wait_delivered 60
}

carol_submits() {
    submit_as carol --from carol@example.com "$@"
}

sessions_of_a_login() {
    parallel carol_submits
    expect_exactly 100 208 "$OVER$AGAIN" "${TALKS[@]}"
    expect_used 100 login carol
}

sessions_of_a_client() {
    mta_client 127.0.2.100 - -
    parallel send "${CLIENT_OPTIONS[@]}" --from '<>'
    expect_exactly 100 208 "$OVER$AGAIN" "${TALKS[@]}"
    expect_used 100 client 127.0.2.100
}

# --- what is given back ------------------------------------------------------------------------

# used LINK KEY: what `chainmail limit show` says.
used() {
    "$CM_BIN" limit show "$2" --config "$CM_CONF" | awk -v link="$1" '$1 == link { print $3; exit }'
}

is_used() {
    [ "$(used "$2" "$3")" = "$1" ]
}

# expect_used COUNT LINK KEY. The end of a session is heard of a moment later.
expect_used() {
    wait_until 10 is_used "$@" || differs "$1 used of $2 by $3" "$(used "$2" "$3")"
}

# expect_full_limit SENDER: five may be written to, and no sixth.
expect_full_limit() {
    expect_used 0 sender "$1"
    tagged send --from "$1" --to "$(rcpts 6)"
    expect_exactly 5 6 "450 4[.]7[.]28 Recipient limit of 5 per week exceeded by this message alone, try again in 34 hours; 5 used" "$CLIENT_TALK"
    expect_used 5 sender "$1"
}

refused_at_its_end() {
    tagged send --from end@give.example.org --to "$(rcpts 5)" --header 'Subject: refuse me'
    expect_reply . "550 5.7.1 Refused at its end"
    expect_full_limit end@give.example.org
}

# open_message SENDER: five recipients of it are taken.
open_message() {
    local i
    smtp_open && smtp 'EHLO client.example.org' && smtp "MAIL FROM:<$1>" || differs "an open message" "$SMTP_REPLY"
    for i in 1 2 3 4 5; do
        smtp "RCPT TO:<alice+$i@example.com>" || differs "recipient $i" "$SMTP_REPLY"
    done
    expect_used 5 sender "$1"
}

# Postfix tells the filter of RSET together with the next command.
reset_by_the_client() {
    open_message reset@give.example.org
    smtp RSET || differs "250 for RSET" "$SMTP_REPLY"
    smtp 'MAIL FROM:<another@give.example.org>' || differs "250 for MAIL" "$SMTP_REPLY"
    expect_full_limit reset@give.example.org
    smtp_close
}

lost_in_data() {
    open_message lost@give.example.org
    smtp DATA || differs "354 for DATA" "$SMTP_REPLY"
    smtp_text 'Subject: lost' '' 'The next line does not'
    smtp_close
    expect_full_limit lost@give.example.org
}

# All commands in one write, before any answer.
pipelined() {
    local i commands answers=()
    smtp_open && smtp 'EHLO client.example.org' || differs "250 for EHLO" "$SMTP_REPLY"
    mapfile -t commands < <(echo 'MAIL FROM:<pipe@give.example.org>'
        printf 'RCPT TO:<alice+%s@example.com>\n' 1 2 3 4 5 6 7
        echo DATA)
    smtp_text "${commands[@]}"
    for i in "${!commands[@]}"; do
        smtp_read
        answers[i]=${SMTP_REPLY%% *}
    done
    expect_equal '250 250 250 250 250 250 450 450 354' "${answers[*]}"
    smtp_text 'Subject: hello' '' 'All at once'
    smtp . || differs "250 for the message" "$SMTP_REPLY"
    smtp_close
    expect_used 5 sender pipe@give.example.org
}

# --- what is remembered ------------------------------------------------------------------------

reload_in_a_message() {
    open_message reload@keep.example.org
    "$CM_BIN" reload --config "$CM_CONF" >/dev/null || differs "a reload" "$(daemon_log . | tail -n 1)"
    smtp DATA || differs "354 for DATA" "$SMTP_REPLY"
    smtp_text 'Subject: hello' '' 'Over a reload'
    smtp . || differs "250 for the message" "$SMTP_REPLY"
    expect_used 5 sender reload@keep.example.org
    smtp 'MAIL FROM:<reload@keep.example.org>' || differs "a second message" "$SMTP_REPLY"
    ! smtp 'RCPT TO:<alice@example.com>' || differs "a refusal" "$SMTP_REPLY"
    smtp_close
}

known_after_a_crash() {
    tagged send --from crash@keep.example.org --to "$(rcpts 3)"
    expect_equal 3 "$(copies alice)"
    # What was counted within `sync` may be lost.
    sleep 1
    daemon_kill
    daemon_start
    expect_used 3 sender crash@keep.example.org
    tagged send --from crash@keep.example.org --to "$(rcpts 6)"
    expect_exactly 2 6 "450 4[.]7[.]28 Recipient limit of 5 per week exceeded( by this message alone)?, try again in 34 hours; 5 used" "$CLIENT_TALK"
}

# --- administrators ----------------------------------------------------------------------------

# Before: who was at his limit in the tests above.
listed_and_reset() {
    local listed
    listed=$("$CM_BIN" limit list --over 80% --config "$CM_CONF" | awk '$1 == "login" { print $2, $3, $4 }' | sort)
    expect_equal 'bob 100/1w 100
carol 100/1w 100' "$listed"
    "$CM_BIN" limit reset bob --config "$CM_CONF" >/dev/null || differs "bob reset" "an error"
    expect_used 0 login bob
    expect_used 100 login carol
    tagged submit_as bob
    expect_equal 1 "$(copies alice)"
}

it "of 200 recipients in one session exactly 100 are taken and delivered" one_session
it "of 208 recipients in 16 sessions of one login exactly 100 are taken and delivered" sessions_of_a_login
it "of 208 recipients in 16 sessions of one client exactly 100 are taken and delivered" sessions_of_a_client
it "a message that another link refuses at its end gives all back" refused_at_its_end
it "RSET gives all back" reset_by_the_client
it "a client that disconnects in the middle of DATA gives all back" lost_in_data
it "pipelining changes nothing" pipelined
it "a message that is open over a reload counts" reload_in_a_message
it "those who are near their limit are listed, and can be reset" listed_and_reset
daemon_stop
daemon_start
it "what was counted is known after a crash" known_after_a_crash
