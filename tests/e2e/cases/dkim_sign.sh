# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# dkim_sign.sh - mail that is signed on the submission port arrives as it was signed, whatever is in it

# Debian's, which has Debian's modules.
if ! /usr/bin/python3 -c 'import dkim' 2>/dev/null; then
    echo "Python has no module dkim: apt-get install python3-dkim"
    echo "skipped dkim_sign" >>"$E2E_RESULTS"
    exit 0
fi

# Keys as an administrator makes them; root makes them for the daemon's user.
make_keys() {
    local selector name=$CM_DIR/records
    rm -rf "$CM_DIR/dkim" "$name"
    for selector in r2026 e2026 r2099; do
        "$CM_BIN" dkim genkey example.com "$selector" $([ "$selector" != e2026 ] || echo --ed25519) -c "$CM_CONF" 2>&1 |
            sed -n "s/^; the value as one line: /$selector._domainkey.example.com /p" >>"$name"
    done
    sed -E 's/^([^ ]+) (.*)$/\1 TXT "\2"/' "$name" >"$CM_DIR/zone"
}

daemon_configure "$E2E_DIR/conf"
daemon_configure "$E2E_DIR/conf/dkim_sign"
make_keys
case_daemon dkim_sign

readonly BOTH="r2026=pass e2026=pass"

# expect_signatures WANTED: of alice's copy.
expect_signatures() {
    delivered_file alice
    expect_equal "$1" "$(/usr/bin/python3 "$E2E_DIR/dkim_verify.py" "$CM_DIR/records" "$MESSAGE" 2>&1 | tail -n 1)"
}

# submitted WANTED SENDER LINE...: a message to the submission port from a client without a login, by hand.
submitted() {
    TAG="X-Case: $BASHPID.$RANDOM."
    smtp_open "$MTA_SUBMISSION_PORT" && smtp "EHLO client.example.org" &&
        smtp "MAIL FROM:<$2>${BODY_TYPE:+ BODY=$BODY_TYPE}" &&
        smtp "RCPT TO:<alice@example.com>" && smtp DATA || differs "a session" "$SMTP_REPLY"
    smtp_text "$TAG" "${@:3}"
    smtp . || differs "250" "$SMTP_REPLY"
    smtp_close
    mta_wait_delivered
    expect_signatures "$1"
}

by_login() {
    tagged submit_as "$1" --from "$2" --header "From: $3"
    expect_signatures "$4"
}

incoming() {
    tagged send --from bob@example.com --header "From: bob@example.com"
    expect_signatures none
}

readonly HEAD=("From: Bob <bob@example.com>" "Subject: a folded" $'\t  subject' "To: alice@example.com"
    "Date: Thu, 26 Nov 2026 10:00:00 +0000" "Message-ID: <1@example.com>")

edits() {
    submitted "$BOTH" bob@example.com "${HEAD[@]}" "X-Edit: yes" "" text
    expect_line "$MESSAGE" '^Subject: \[edited\] a folded'
    expect_line "$MESSAGE" '^Reply-To: inserted@example.com'
    expect_no_line "$MESSAGE" '^X-Edit:'
}

long_lines() {
    submitted "$BOTH" bob@example.com "${HEAD[@]}" "" "$(printf 'x%.0s' {1..990})" "$(printf 'y %.0s' {1..490})"
}

eight_bits() {
    BODY_TYPE=8BITMIME submitted "$BOTH" bob@example.com "${HEAD[@]}" "MIME-Version: 1.0" "Content-Type: text/plain; charset=utf-8" \
        "Content-Transfer-Encoding: 8bit" "" $'gr\xc3\xbc\xc3\x9fe' $'\xe4\xf6'
}

# What DNS serves is compared with the key.
check_keys() {
    "$CM_BIN" dkim check example.com r2026 -c "$CM_CONF" --zone "$CM_DIR/zone" &&
        "$CM_BIN" dkim check example.com e2026 -c "$CM_CONF" --zone "$CM_DIR/zone" || exit 1
    sed 's/^r2026/r2000/' "$CM_DIR/zone" >"$CM_DIR/another"
    ! "$CM_BIN" dkim check example.com r2026 -c "$CM_CONF" --zone "$CM_DIR/another"
}

# What the submission port has signed comes to the other port, as another server would bring it.
verified_here() {
    local results text
    submitted "$BOTH" bob@example.com "${HEAD[@]}" "" "text " "..dots" $'gr\xc3\xbc\xc3\x9fe' "" ""
    # Without what the delivery has put above the signatures.
    text=$(sed -n '/^DKIM-Signature:/,$p' "$MESSAGE" && echo .)
    TAG="X-Again: $BASHPID.$RANDOM."
    smtp_open && smtp "EHLO client.example.org" && smtp "MAIL FROM:<bob@example.com>" &&
        smtp "RCPT TO:<bob@example.com>" && smtp DATA || differs "a session" "$SMTP_REPLY"
    smtp_text "$TAG"
    printf '%s' "${text%.}" | sed -e 's/^\./../' -e 's/\r*$/\r/' >&"$smtp_fd"
    smtp . || differs "250" "$SMTP_REPLY"
    smtp_close
    mta_wait_delivered
    delivered_file bob
    results=$(sed '/^$/q' "$MESSAGE" | tr -d '\r' | sed -e ':a' -e '$!N' -e 's/\n[ \t]\{1,\}/ /' -e 'ta' -e 'P' -e 'D' |
        sed -n 's/^Authentication-Results: //p')
    [[ $results =~ ^mx\.example\.com\;\ dkim=pass\ header\.d=example\.com\ header\.s=r2026\ .*\;\ dkim=pass\ header\.d=example\.com\ header\.s=e2026\ .*$ ]] ||
        differs "both signatures pass" "$results"
}

it "a login with its own address" by_login bob bob@example.com bob@example.com "$BOTH"
it "a login with the address of another" by_login bob bob@example.com carol@example.com none
it "mail from outside in our name" incoming
it "a plain message" submitted "$BOTH" bob@example.com "${HEAD[@]}" "" text
it "no Date:, which Sendmail adds" submitted "$BOTH" bob@example.com "${HEAD[@]::4}" "" text
it "a name with a dot and no quotes" submitted "$BOTH" bob@example.com "From: Bob Q. Public <bob@example.com>" "${HEAD[@]:1}" "" text
it "a name with an apostrophe" submitted "$BOTH" bob@example.com "${HEAD[@]::3}" "To: O'Hara <alice@example.com>" "${HEAD[@]:4}" "" text
it "a bounce" submitted "$BOTH" "" "${HEAD[@]}" "" text
it "no body" submitted "$BOTH" bob@example.com "${HEAD[@]}" ""
it "empty lines at the end" submitted "$BOTH" bob@example.com "${HEAD[@]}" "" text "" "" ""
it "blanks at the ends of lines" submitted "$BOTH" bob@example.com "${HEAD[@]}" "" "text " $'\ttext\t' " "
it "lines with dots in front" submitted "$BOTH" bob@example.com "${HEAD[@]}" "" "..." "..text" ".. " ". ."
it "lines of a thousand octets" long_lines
it "eight bits" eight_bits
it "fields that a signature does not cover" submitted "$BOTH" bob@example.com "X-A: 1" "${HEAD[@]}" "X-B: 2" "" text
it "edits before the signature" edits
it "a stranger's author" submitted none bob@example.com "From: ann@example.org" "" text
it "it comes back and is verified" verified_here
it "dkim check compares DNS with the keys" check_keys
