# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# dkim.sh - signatures survive a mail server on their way to the filter, simple ones with each blank
#
# The signatures were made with the private key of RFC 8463 appendix A.2.

case_daemon dkim

FIELDS=("From: Ann <ann@example.org>" "To:" " Alice <alice@example.com>" "Subject:hello" "X-Empty:" "X-Two:  two blanks"
    "X-Folded: a" $'\tb' "  c")
BODY=("Hello  Alice " "" "")
SIMPLE=(
    'DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple;'
    ' d=football.example.com; i=@football.example.com; q=dns/txt;'
    ' s=brisbane; t=1528637909; h=from : to : subject : x-empty : x-two :'
    ' x-folded; bh=ciTMez3XwCcVftUz9YIvZF6UY6abJXk+YBaUUMV0kDQ=;'
    ' b=z9ifIt29V2iV4VVHLVJY9rWZyVH1QiCvqKkkBrT+zCD36WqXXNPAWE/zknb45nQu8RaHS'
    ' 9zJO13soWjy2paMCg=='
)
RELAXED=(
    'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;'
    ' d=football.example.com; i=@football.example.com; q=dns/txt;'
    ' s=brisbane; t=1528637909; h=from : to : subject : x-empty : x-two :'
    ' x-folded; bh=+kuxulZ7MkxvrZj1LNFkEtOUvi0M2/80KBPP0duHSfw=;'
    ' b=PsRsFU9JAySOGwNYGRd8kS6tPs4c3yXWR45jZEyjbLXfctn7JyfsCN5UeDfhmnLz8oPEt'
    ' gxPtdG7vAnpf1YzCA=='
)

# send_lines LINE...: a message of these lines, as they are; MESSAGE is alice's copy.
send_lines() {
    TAG="X-Case: $BASHPID.$RANDOM."
    smtp_open && smtp "EHLO client.example.org" && smtp "MAIL FROM:<ann@example.org>" &&
        smtp "RCPT TO:<alice@example.com>" && smtp DATA || differs "a session" "$SMTP_REPLY"
    smtp_text "$TAG" "$@"
    smtp . || differs "250" "$SMTP_REPLY"
    smtp_close
    mta_wait_delivered
    delivered_file alice
}

# expect_results REGEX: our field, in one line.
expect_results() {
    local results
    results=$(sed '/^$/q' "$MESSAGE" | tr -d '\r' | sed -e ':a' -e '$!N' -e 's/\n[ \t]\{1,\}/ /' -e 'ta' -e 'P' -e 'D' |
        sed -n 's/^Authentication-Results://p')
    [[ $results =~ ^\ mx\.example\.com\;\ $1$ ]] || differs " mx.example.com; $1" "$results"
}

simple() {
    send_lines "${SIMPLE[@]}" "${FIELDS[@]}" "" "${BODY[@]}"
    expect_results "dkim=pass header\.d=football\.example\.com .*"
}

relaxed() {
    send_lines "${RELAXED[@]}" "${FIELDS[@]}" "" "${BODY[@]}"
    expect_results "dkim=pass header\.d=football\.example\.com .*"
}

changed() {
    send_lines "${RELAXED[@]}" "${FIELDS[@]}" "" "${BODY[@]}" "and something more"
    expect_results 'dkim=fail reason="the body is not what was signed" header\.d=.*'
}

# Fields of ours have one blank behind the colon, who ever puts it there.
unsigned() {
    send_lines "${FIELDS[@]}" "" "${BODY[@]}"
    expect_results "dkim=none"
    expect_line "$MESSAGE" '^X-DKIM-Result: none'
}

it "a simple signature passes, with blanks that lack behind colons" simple
it "a relaxed signature passes" relaxed
it "a body that was added to fails" changed
it "a message without a signature says so" unsigned
