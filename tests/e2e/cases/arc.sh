# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# arc.sh - ARC sets are still true when a mail server has added and delivered them

# make_key: a key, and DNS that has it.
make_key() {
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$CM_DIR/arc.pem" 2>/dev/null
    chmod 600 "$CM_DIR/arc.pem"
    [ "$(id -u)" -ne 0 ] || chown "$CM_USER" "$CM_DIR/arc.pem"
    printf 'arc._domainkey.example.com TXT "v=DKIM1; k=rsa; p=%s"\n' \
        "$(openssl pkey -in "$CM_DIR/arc.pem" -pubout | sed '/^-/d' | tr -d '\n')" >"$CM_DIR/arc.zone"
}

make_key
case_daemon arc

# expect_chain RESULT...: what the next server finds in MESSAGE.
expect_chain() {
    local found
    found=$(cd "$CM_DIR" && "$E2E_BUILD/chainmail" explain "$MESSAGE" -c filter.conf --client 203.0.113.9 \
        --helo mx.example.com --from ann@example.org --to bob@example.net | sed -n 's/^result *arc\.//p')
    printf '%s\n' "$@" | while read -r line; do
        grep -qx -- "$line" <<<"$found" || differs "$line" "$found"
    done
}

# expect_peer: so does python3-dkim.
expect_peer() {
    local python=/usr/bin/python3
    "$python" -c 'import dkim' 2>/dev/null || {
        echo "SKIP arc: Python has no module dkim (Debian: apt-get install python3-dkim)" >&2
        [ -z "${CHAINMAIL_NO_SKIP-}" ]
        return
    }
    expect_equal "pass" "$("$python" - "$MESSAGE" "$CM_DIR/arc.zone" <<'END'
import sys, dkim
message = open(sys.argv[1], "rb").read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
key = open(sys.argv[2], "rb").read().split(b'"')[1]
cv, _, why = dkim.arc_verify(message, dnsfunc=lambda name, timeout=5: key)
print(cv.decode() if cv == b"pass" else why)
END
)"
}

first_set() {
    tagged send --header 'Subject: =?utf-8?q?caf=C3=A9?= and  two blanks' --body $'Hello\n\n  Ann \n\n\n'
    delivered_file alice
    expect_chain 'result = pass' 'sets = 1' 'oldest_pass = 0'
    expect_peer
    expect_equal "ARC-Seal ARC-Message-Signature ARC-Authentication-Results" \
        "$(sed '/^$/q' "$MESSAGE" | grep -o '^ARC-[A-Za-z-]*' | paste -sd' ')"
}

# again: what was delivered is sent once more.
again() {
    local first
    first=$(mktemp -p "$CASES_DIR")
    grep -vE '^(Return-Path|X-Original-To|Delivered-To|X-Case|From [^:])' "$MESSAGE" >"$first"
    tagged send --data "@$first"
}

second_set() {
    first_set
    again
    delivered_file alice
    expect_chain 'result = pass' 'sets = 2' 'oldest_pass = 0' 'sealers = example.com,example.com'
    expect_peer
}

changed_on_the_way() {
    first_set
    sed -i 's/^Hello/Goodbye/' "$MESSAGE"
    again
    expect_refusal "550 5.7.29 ARC validation failure: the message signature of example.com: the body"
}

it "the first ARC set is true behind a mail server" first_set
it "the second one, too" second_set
it "a message that was changed on the way is refused" changed_on_the_way
