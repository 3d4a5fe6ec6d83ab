#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dkim_diff.py BUILD [COUNT] [SEED] - what others sign passes here, and what was changed afterwards does not

Each case is a message made by a seeded generator, signed by python3-dkim or by libopendkim, with keys made for
this run. Half of them are changed in one octet after that; then python3-dkim is asked, too, and both must say the same.
"""
import base64
import os
import random
import subprocess
import sys
import tempfile

import dkim

DOMAIN = "example.org"
NOW = "4000000000"
WORDS = ["hello", "Bob", "a", "x" * 70, "b\u00fccher".encode().decode("latin-1"), "=20", "--", "0123456789", ".", "-- "]
SPACES = [" ", " ", " ", "  ", "\t", " \t "]
RSA_BITS = [1024, 2048, 4096]


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


class Key:
    """A key pair in a file, and its record."""

    def __init__(self, directory, name, bits):
        self.selector, self.bits = name, bits
        self.path = os.path.join(directory, name + ".pem")
        if bits:
            openssl("genrsa", "-traditional", "-out", self.path, str(bits))
            public = openssl("rsa", "-in", self.path, "-pubout", "-outform", "DER")
            kind = "rsa"
            with open(self.path, "rb") as f:
                self.private = f.read()
        else:
            openssl("genpkey", "-algorithm", "ED25519", "-out", self.path)
            public = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-32:]
            seed = openssl("pkey", "-in", self.path, "-outform", "DER")[-32:]
            kind, self.private = "ed25519", base64.b64encode(seed)
        self.record = "v=DKIM1; k=%s; p=%s" % (kind, base64.b64encode(public).decode())
        self.name = "%s._domainkey.%s" % (name, DOMAIN)


def line(rng):
    words = [rng.choice(WORDS) + rng.choice(SPACES) for _ in range(rng.randrange(8))]
    text = "".join(words)
    return text if rng.random() < 0.3 else text.rstrip()


def folded(rng):
    text = " ".join(rng.choice(WORDS[:4]) for _ in range(rng.randrange(1, 9)))
    return text.replace(" ", rng.choice([" ", "\r\n ", "\r\n\t", "  "]), rng.randrange(3))


def message(rng):
    fields = ["From: Ann <ann@example.org>", "To: " + folded(rng), "Subject: " + folded(rng), "Date: Thu, 1 Jan 2026 00:00:00 +0000"]
    fields += ["X-Test-%d:%s%s" % (rng.randrange(3), rng.choice([" ", "", "\t"]), folded(rng)) for _ in range(rng.randrange(4))]
    rng.shuffle(fields)
    body = "".join(line(rng) + "\r\n" for _ in range(rng.choice([0, 1, 3, 10, 100])))
    body += "\r\n" * rng.choice([0, 0, 1, 3])
    return ("\r\n".join(fields) + "\r\n\r\n" + body).encode("latin-1")


def sign_dkimpy(rng, text, key):
    canon = tuple(rng.choice([b"simple", b"relaxed"]) for _ in range(2))
    algorithm = b"rsa-sha256" if key.bits else b"ed25519-sha256"
    field = dkim.sign(text, key.selector.encode(), DOMAIN.encode(), key.private, canonicalize=canon,
                      signature_algorithm=algorithm, length=rng.random() < 0.2)
    return field + text


def sign_opendkim(rng, text, key, build):
    # With Ed25519 and a simple header it signs a field that is folded in another way than the one it gives.
    header = rng.choice(["simple", "relaxed"]) if key.bits else "relaxed"
    canon = header + "/" + rng.choice(["simple", "relaxed"])
    # The library loses the keys that it signs with, which is none of ours.
    run = subprocess.run([build + "/tests/conformance/dkim_sign", key.path, key.selector, DOMAIN, canon], input=text,
                         stdout=subprocess.PIPE, check=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    # The library folds its field with LF and tabs; a field on its way has CRLF.
    head, rest = run.stdout[:-len(text)], text
    return head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + rest


def change(rng, text, keys):
    """One octet of the message, of its header as well as of its body, but no line break; and what dkimpy says then."""
    while True:
        at = rng.randrange(len(text))
        if text[at] in b"\r\n":
            continue
        changed = text[:at] + bytes([rng.choice(b"abc ;=:")]) + text[at + 1:]
        try:
            return changed, "pass" if passes(changed, keys) else "!pass"
        except dkim.MessageFormatError:  # no message any more, for dkimpy
            continue


def passes(text, keys):
    def ask(name, **_):
        return next((k.record.encode() for k in keys if k.name + "." == name.decode()), None)

    signature = dkim.DKIM(text)
    try:
        return signature.verify(dnsfunc=ask)
    except (dkim.DKIMException, ValueError):  # a signature that cannot be used
        return False


def main(build, count, seed):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as work:
        keys = [Key(work, "k%d" % bits, bits) for bits in RSA_BITS + [0]]
        lines = []
        for n in range(count):
            key, text = rng.choice(keys), message(rng)
            by_opendkim = rng.random() < 0.5
            text = sign_opendkim(rng, text, key, build) if by_opendkim else sign_dkimpy(rng, text, key)
            want = "pass"
            if n % 2:
                text, want = change(rng, text, keys)
            path = os.path.join(work, "%d.eml" % n)
            with open(path, "wb") as f:
                f.write(text)
            name = "%d, signed by %s%s" % (n, "libopendkim" if by_opendkim else "dkimpy", ", then changed" if n % 2 else "")
            lines.append("\t".join(["case", name, path, NOW, want]))
            lines += ["\t".join(["key", k.name, k.record]) for k in keys]
        cases = os.path.join(work, "cases")
        with open(cases, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        run = subprocess.run([build + "/tests/conformance/dkim", cases], check=False, stdout=subprocess.PIPE, text=True)
        sys.stdout.write(run.stdout)
        if run.returncode:
            keep = os.environ.get("DKIM_DIFF_KEEP")
            if keep:
                subprocess.run(["cp", "-r", work, keep], check=False)
            print("dkim_diff: seed %d" % seed)
        return run.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int((sys.argv + ["", ""])[2] or 200), int((sys.argv + ["", "", ""])[3] or 1)))
