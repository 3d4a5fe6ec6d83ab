# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# dmarc.sh - what the author's domain wants becomes of mail behind a real mail server, and what is kept of it

case_daemon dmarc
chmod 0711 "$CM_DIR/run"

readonly OWNER=127.0.7.1 LIST=127.0.7.65 STRANGER=127.0.7.200

# written_by ADDRESS FROM [SWAKS-OPTION...]: a message of that client with that From:.
written_by() {
    mta_client "$1" - -
    tagged send "${CLIENT_OPTIONS[@]}" --header "From: $2" "${@:3}"
}

# expect_result WANTED: Authentication-Results of alice's copy says so of DMARC.
expect_result() {
    local field
    delivered_file alice
    field=$(sed '/^$/q' "$MESSAGE" | tr -d '\n' | tr '\t' ' ')
    [[ $field == *"dmarc=$1"* ]] || differs "dmarc=$1" "$field"
}

own_mail() {
    written_by $OWNER "Ann <ann@strict.example>" --from ann@strict.example
    expect_result "pass (p=reject dis=none) header.from=strict.example"
}

forged() {
    written_by $STRANGER "Ann <ann@strict.example>" --from x@forger.example
    expect_reply . "550 5.7.26 Unauthenticated email from strict.example is not accepted due to the domain's DMARC policy"
    expect_equal 0 "$(copies_anywhere)"
}

held() {
    written_by $STRANGER "Ann <ann@held.example>" --from x@forger.example
    expect_reply . "250 2.0.0"
    expect_equal 0 "$(copies_anywhere)"
    expect_equal 1 "$(held_copies | grep -c .)"
}

dns_fails() {
    written_by $STRANGER "Ann <ann@slow.example>" --from x@forger.example
    expect_reply . "451 4.4.3 DMARC of slow.example cannot be checked now"
}

two_authors() {
    written_by $STRANGER "ann@strict.example, bob@held.example" --from x@forger.example
    expect_reply . "550 5.6.0 The From: field has addresses of several domains"
}

by_a_list() {
    written_by $LIST "Ann <ann@strict.example>" --from friends@lists.example --header "List-Id: <friends.lists.example>"
    expect_reply . "250 2.0.0"
    expect_equal 1 "$(held_copies | grep -c .)"
}

ask() {
    "$CM_BIN" dmarc "$@" --socket "$CM_DIR/run/control.sock" -c "$CM_CONF"
}

records_are_shown() {
    [[ $(ask show mail.strict.example) == *"mail.strict.example  strict.example"* ]] ||
        differs "the domain of the policy" "$(ask show mail.strict.example)"
}

# Today's report is made tomorrow; of yesterday there is nothing.
reports() {
    local today
    today=$(date -u +%F)
    expect_equal "" "$(ask report --out "$CM_DIR")"
    expect_equal "chainmail dmarc: that day has not ended (in UTC)" "$(ask report --day "$today" 2>&1)"
}

it "mail of the domain itself is delivered, and marked" own_mail
it "forged mail is refused" forged
it "mail is held where the domain wants that" held
it "mail waits while DNS fails" dns_fails
it "two author domains are one too many" two_authors
it "what a list sends is held, not refused" by_a_list
it "what DNS says is shown" records_are_shown
it "a report is for a day that has ended" reports
