# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# mta_differences.sh - all that the tests know of how Postfix and Sendmail differ
#
# Sourced by mta_use. One function for each difference, with both sides in it; docs/SENDMAIL.md says the
# same for people. How each one is made, started and looked into is in mta_NAME.sh.

# pick POSTFIX SENDMAIL: the side of the MTA under test.
pick() {
    case $MTA_NAME in
    postfix) printf '%s\n' "$1" ;;
    sendmail) printf '%s\n' "$2" ;;
    esac
}

# Answers to a client on standard input, with the words of the filter alone. Sendmail puts the address in
# front of them: "550 5.7.1 <bob@example.com>... No thanks".
filter_words() {
    case $MTA_NAME in
    postfix) cat ;;
    sendmail) sed -E 's/^([45][0-9]{2} [0-9.]+) <[^>]*>[.]{3} /\1 /' ;;
    esac
}

# hold_line ID: the log line of a message in quarantine, as a regular expression.
hold_line() {
    pick "$1: milter-hold: END-OF-MESSAGE .*milter triggers HOLD action" \
        "$1: milter=chainmail, quarantine="
}
