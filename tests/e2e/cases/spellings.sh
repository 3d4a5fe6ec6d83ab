# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# spellings.sh - odd spellings of a recipient that an MTA takes: a rule sees the mailbox it delivers to

case_daemon verdicts

# talk RECIPIENT: a message to this path and to bob; the answer to the path is in ANSWER.
talk() {
    TAG="X-Case: $BASHPID.$RANDOM."
    smtp_open && smtp "EHLO client.example.org" && smtp "MAIL FROM:<sender@example.org>" ||
        differs "a session" "$SMTP_REPLY"
    smtp "RCPT TO:$1"
    ANSWER=$(filter_words <<<"$SMTP_REPLY")
    smtp "RCPT TO:<bob@example.com>" && smtp DATA || differs "a session" "$SMTP_REPLY"
    smtp_text "$TAG" "Subject: hello" "" "text"
    smtp . || differs "250" "$SMTP_REPLY"
    smtp_close
    mta_wait_delivered
}

# ANY in a spelling stands for the local part.
spelt() {
    echo "${1//ANY/$2}"
}

delivered_to_the_mailbox() {
    talk "$(spelt "$1" alice+plain)"
    [[ $ANSWER == "250 "* ]] || differs "250" "$ANSWER"
    expect_equal 1 "$(copies alice)"
}

refused() {
    talk "$(spelt "$1" alice+rcpt-reject)"
    [[ $ANSWER == "550 5.7.1 refused at rcpt"* ]] || differs "550 5.7.1 refused at rcpt" "$ANSWER"
    expect_equal 0 "$(copies alice)"
}

discarded() {
    talk "$(spelt "$1" alice+rcpt-discard)"
    [[ $ANSWER == "250 "* ]] || differs "250" "$ANSWER"
    expect_equal 0 "$(copies alice)"
    expect_equal 1 "$(copies bob)"
}

unclear() {
    talk "$(spelt "$1" alice)"
    [[ $ANSWER == "$(refused_spelling)"* ]] || differs "$(refused_spelling)" "$ANSWER"
    expect_equal 0 "$(copies alice)"
}

for path in '< ANY@example.com >' '<ANY@example.com(c)>' '<(c)ANY@example.com>' '<ANY @example.com>' \
    '<<ANY@example.com>>' '<@a.b:ANY@example.com>' '<@a.b,@c.d: ANY@Example.COM.>' '<"ANY"@example.com>' \
    '<(a (b) \) c)ANY@example.com>' 'ANY@example.com'; do
    it "$path is delivered to the mailbox" delivered_to_the_mailbox "$path"
    it "$path is refused by a rule for the mailbox" refused "$path"
    it "$path is discarded" discarded "$path"
done
for path in '<ANY@example.com' '<ANY%example.com>' '<"ANY@example.com">' '<"ANY%example.com">' '<example.com!ANY>' '<"ANY@example.com>' '<\ANY@example.com>' '<ANY@example.com(>' \
    '<"AL"ANY@example.com>' '<ANY x@example.com>' 'x<ANY@example.com>'; do
    it "$path is refused by the core or by the MTA" unclear "$path"
done
