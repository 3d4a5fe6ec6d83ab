# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# edits.sh - every kind of edit, seen in the delivered message

case_daemon edits

# edit NAME [SWAKS-OPTION...]: a message that asks for this edit; MESSAGE is alice's copy.
edit() {
    local name=$1
    shift
    tagged send --header "X-Edit: $name" "$@"
    expect_reply . "250 2.0.0"
    delivered_file alice
}

line_number() {
    grep -nm 1 -- "$2" "$1" | cut -d: -f1
}

add_header() {
    edit add
    expect_line "$MESSAGE" '^X-Added: yes$'
}

add_two_headers() {
    edit add_two
    expect_equal "$(added_order first second)" "$(sed -n 's/^X-Two: //p' "$MESSAGE" | tr '\n' ' ' | sed 's/ $//')"
}

insert_header() {
    edit insert
    expect_line "$MESSAGE" '^X-First: yes$'
    [ "$(line_number "$MESSAGE" '^X-First:')" -lt "$(line_number "$MESSAGE" '^Received:')" ] ||
        differs "X-First above Received" "$(head -n 8 "$MESSAGE")"
}

# The field of the MTA itself is the first one of the message as it will be delivered.
insert_below_received() {
    edit insert_one --header "X-First: as sent"
    expect_equal "X-Second: yes" "$(sed '1,/^Received:/d' "$MESSAGE" | grep -m 1 '^[^[:blank:]]')"
}

set_header() {
    edit set --header "Subject: first subject"
    expect_line "$MESSAGE" '^Subject: another subject$'
    expect_no_line "$MESSAGE" 'first subject'
}

set_missing_header() {
    edit set_missing
    expect_line "$MESSAGE" '^X-Missing: now here$'
}

remove_header() {
    edit remove --header "X-Secret: inside" --header "X-Public: outside"
    expect_no_line "$MESSAGE" '^X-Secret:'
    expect_line "$MESSAGE" '^X-Public: outside$'
}

prefix_subject() {
    edit prefix --header "Subject: hello"
    expect_line "$MESSAGE" '^Subject: \[TAG\] hello$'
}

add_recipient() {
    edit add_rcpt
    expect_equal 1 "$(copies carol)"
}

drop_recipient() {
    edit drop_rcpt --to alice@example.com,bob@example.com
    expect_equal 0 "$(copies bob)"
}

set_sender() {
    edit sender
    expect_line "$MESSAGE" '^Return-Path: <new@example.org>$'
}

replace_body() {
    edit body --body 'The body as sent.'
    expect_line "$MESSAGE" '^Another body[.]$'
    expect_no_line "$MESSAGE" 'as sent'
}

asked_early() {
    edit none --from early@example.org
    expect_line "$MESSAGE" '^X-Early: yes$'
}

all_at_once() {
    edit "add insert remove prefix sender body add_rcpt" --header "Subject: hello" \
        --header "X-Secret: inside"
    expect_line "$MESSAGE" '^X-Added: yes$'
    expect_line "$MESSAGE" '^X-First: yes$'
    expect_no_line "$MESSAGE" '^X-Secret:'
    expect_line "$MESSAGE" '^Subject: \[TAG\] hello$'
    expect_line "$MESSAGE" '^Return-Path: <new@example.org>$'
    expect_line "$MESSAGE" '^Another body[.]$'
    expect_equal 1 "$(copies carol)"
}

it "a header is added" add_header
it "two headers of one name are added" add_two_headers
it "a header is inserted above everything" insert_header
it "a header is inserted below the field of the MTA" insert_below_received
it "a header is set" set_header
it "a header that is not there is set" set_missing_header
it "a header is removed" remove_header
it "the subject gets a prefix" prefix_subject
it "a recipient is added" add_recipient
it "a recipient is dropped" drop_recipient
it "the sender is set" set_sender
it "the body is replaced, by a C plugin" replace_body
it "an edit asked for at MAIL is made at the end" asked_early
it "seven edits of one message" all_at_once
