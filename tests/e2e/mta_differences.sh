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

# filter_words: answers to a client on standard input, with the words of the filter alone. To replies of
# three codes Sendmail adds the address: "550 5.7.1 <bob@example.com>... No thanks".
filter_words() {
    case $MTA_NAME in
    postfix) cat ;;
    sendmail) sed -E 's/^((450|550|553) [0-9.]+) .*[.]{3} /\1 /' ;;
    esac
}

# refused_spelling: how the answer begins to a path that is no address. Sendmail looks at most of them itself
# and finds other words: unbalanced, relaying, unknown.
refused_spelling() {
    pick "501 5.1.3 " 5
}

# told_id: the queue id that the client was told with the 250 at the end.
told_id() {
    reply_to . | sed -nE "$(pick 's/.*queued as ([A-Za-z0-9]+).*/\1/p' 's/^250 2.0.0 ([A-Za-z0-9]+) .*/\1/p')"
}

# submission_daemon: {daemon_name} of the submission port. Postfix has one name for all unless
# milter_macro_daemon_name is set, Sendmail one for each line of DAEMON_OPTIONS.
submission_daemon() {
    pick "$SITE_HOST" MSA
}

# added_order NAME...: in which order fields of one name stand that were added one after the other. Sendmail
# puts each in front of the first field of that name, not at the end.
added_order() {
    pick "$*" "$(printf '%s\n' "$@" | tac | tr '\n' ' ' | sed 's/ $//')"
}

# hold_line ID: the log line of a message in quarantine, as a regular expression.
hold_line() {
    pick "$1: milter-hold: END-OF-MESSAGE .*milter triggers HOLD action" \
        "$1: milter=chainmail, quarantine="
}
