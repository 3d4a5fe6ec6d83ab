#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dkim_ours.py CHAINMAIL [COUNT] [SEED] - what we sign passes python3-dkim and libopendkim

Each case is a message made by a seeded generator: the same seed gives the same cases, but for the keys. Chainmail signs it in
one of four canonicalizations, with an RSA and an Ed25519 key that `chainmail dkim genkey` has made; the fields are put
above the message, as a mail server does, and both verifiers must pass both signatures. Then one octet of the body is
changed, and none may pass.
"""
import ctypes
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import dkim

DOMAIN = "example.org"
CANONS = ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"]
SELECTORS = ["r", "e"]
WORDS = [b"hello", b"Bob", b"a", b"x" * 70, "b\u00fccher".encode(), b"\xff\xfe", b"=20", b"--", b".", b"..", b"-- ", b"From "]
SPACES = [b" ", b" ", b" ", b"  ", b"\t", b" \t "]
# In the middle of a line, and as a whole one: what is no line break must not become one.
EDGES = [b"\r", b"\r\r", b"a\rb", b" ", b"\t", b".", b"..", b"x" * 998, b"\x00", b"\x0b\x0c"]


class OpenDkim:
    """libopendkim, with keys from a file."""

    SETOPT, FLAGS, QUERYMETHOD, QUERYINFO, MINKEYBITS = 1, 0, 6, 7, 14
    FILE = 1
    PASSED, MATCH = 0x04, 0

    def __init__(self, keys):
        self.lib = ctypes.CDLL("libopendkim.so.11")
        for name in ("dkim_init", "dkim_verify"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.handle = ctypes.c_void_p(self.lib.dkim_init(None, None))
        self.option(self.QUERYMETHOD, ctypes.c_int(self.FILE))
        path = ctypes.create_string_buffer(keys.encode(), 1024)
        self.option(self.QUERYINFO, path)

    def option(self, which, value):
        if self.lib.dkim_options(self.handle, self.SETOPT, which, ctypes.byref(value), ctypes.sizeof(value)):
            raise RuntimeError("libopendkim refuses option %d" % which)

    def passing(self, fields, body):
        """How many signatures pass."""
        status = ctypes.c_int()
        message = ctypes.c_void_p(self.lib.dkim_verify(self.handle, b"id", None, ctypes.byref(status)))
        for field in fields:
            self.lib.dkim_header(message, field, ctypes.c_size_t(len(field)))
        self.lib.dkim_eoh(message)
        if body:
            self.lib.dkim_body(message, body, ctypes.c_size_t(len(body)))
        self.lib.dkim_eom(message, None)
        count, signatures = ctypes.c_int(), ctypes.POINTER(ctypes.c_void_p)()
        self.lib.dkim_getsiglist(message, ctypes.byref(signatures), ctypes.byref(count))
        passed = 0
        for i in range(count.value):
            signature = ctypes.c_void_p(signatures[i])
            # An eom ends with the first that passes.
            self.lib.dkim_sig_process(message, signature)
            passed += bool(self.lib.dkim_sig_getflags(signature) & self.PASSED) and \
                self.lib.dkim_sig_getbh(signature) == self.MATCH
        self.lib.dkim_free(message)
        return passed


def passing_dkimpy(text, records):
    """How many signatures pass."""
    def ask(name, **_):
        return records.get(name.decode().rstrip("."), "").encode() or None

    passed = 0
    for i in range(len(SELECTORS)):
        try:
            passed += dkim.DKIM(text).verify(idx=i, dnsfunc=ask)
        except (dkim.DKIMException, ValueError):
            pass
    return passed


def line(rng):
    if rng.random() < 0.1:
        return rng.choice(EDGES)
    text = b"".join(rng.choice(WORDS) + rng.choice(SPACES) for _ in range(rng.randrange(8)))
    return text if rng.random() < 0.3 else text.rstrip()


def folded(rng):
    text = b" ".join(rng.choice(WORDS[:5]) for _ in range(rng.randrange(1, 9)))
    return text.replace(b" ", rng.choice([b" ", b"\r\n ", b"\r\n\t", b"  "]), rng.randrange(3))


def message(rng):
    fields = [b"From: Ann <ann@example.org>", b"Subject: " + folded(rng), b"Date: Thu, 1 Jan 2026 00:00:00 +0000"]
    fields += [rng.choice([b"To", b"Cc", b"X-Test", b"List-Id", b"reply-to"]) + b": " + folded(rng)
               for _ in range(rng.randrange(6))]
    rng.shuffle(fields)
    body = b"".join(line(rng) + b"\r\n" for _ in range(rng.choice([0, 1, 3, 10, 100])))
    return fields, body + b"\r\n" * rng.choice([0, 0, 1, 3])


def changed(rng, body):
    """One octet of a word is another one; None: there is no word."""
    places = [i for i, c in enumerate(body) if c not in b"\r\n \t\x00"]
    if not places:
        return None
    at = rng.choice(places)
    return body[:at] + (b"y" if body[at:at + 1] != b"y" else b"z") + body[at + 1:]


class Signer:
    def __init__(self, chainmail, work):
        self.chainmail, self.work, self.records = chainmail, work, {}
        self.place = os.path.join(work, "m.eml")
        for selector in SELECTORS:
            kind = ["--ed25519"] if selector == "e" else []
            record = self.run("dkim", "genkey", DOMAIN, selector, "--key-dir", os.path.join(work, "dkim"), *kind)
            self.records["%s._domainkey.%s" % (selector, DOMAIN)] = record.split("as one line: ")[1].strip()
        self.write("signing.table", "%s %s %s\n" % (DOMAIN, DOMAIN, " ".join(SELECTORS)))
        plugins = os.path.join(os.path.dirname(os.path.abspath(chainmail)), "plugins")
        for i, canon in enumerate(CANONS):
            self.write("%d.conf" % i, "main { plugin_dir = \"%s\" }\nlistener l { socket = unix:m.sock }\n"
                       "profile all { chain = [ dkim ] }\nplugin dkim { sign_domains = signing.table; sign_for = local;\n"
                       "    sign_canonicalization = %s }\n" % (plugins, canon))

    def run(self, *args):
        run = subprocess.run([self.chainmail, *args], check=False, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError("%s: %s%s" % (" ".join(args), run.stdout, run.stderr))
        return run.stdout

    def write(self, name, text):
        with open(os.path.join(self.work, name), "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(os.path.join(self.work, name), 0o600)

    def sign(self, fields, body, canon):
        """The fields that a mail server puts above the others."""
        with open(self.place, "wb") as f:
            f.write(b"\r\n".join(fields) + b"\r\n\r\n" + body)
        out = json.loads(self.run("explain", "--json", self.place, "-c", os.path.join(self.work, "%d.conf" % canon),
                                  "--from", "ann@example.org", "--to", "b@example.com"))
        made = []
        for edit in out["edits"]:
            made.insert(edit["index"], edit["name"] + ": " + edit["value"].replace("\n", "\r\n"))
        return [field.encode() for field in made]


def main(chainmail, count, seed):
    rng = random.Random(seed)
    failed, asked = 0, {}
    with tempfile.TemporaryDirectory() as work:
        signer = Signer(chainmail, work)
        keys = os.path.join(work, "keys")
        with open(keys, "w", encoding="ascii") as f:
            f.writelines("%s %s\n" % item for item in signer.records.items())
        opendkim = OpenDkim(keys)
        for n in range(count):
            (fields, body), canon = message(rng), rng.randrange(len(CANONS))
            fields = signer.sign(fields, body, canon) + fields
            other = changed(rng, body)
            for what, text, want in (("signed", body, 2), ("changed", other, 0)):
                if text is None:
                    continue
                whole = b"\r\n".join(fields) + b"\r\n\r\n" + text
                got = {"dkimpy": passing_dkimpy(whole, signer.records)}
                # libopendkim takes a CR alone for a line break, which RFC 6376 section 3.4.3 does not.
                if not re.search(b"\r(?!\n)", text):
                    got["libopendkim"] = opendkim.passing(fields, text)
                for who, passed in got.items():
                    asked[who] = asked.get(who, 0) + 1
                    if passed != want:
                        failed += 1
                        print("%d, %s, %s: %s passes %d of 2\n%r" % (n, CANONS[canon], what, who, passed, whole))
    verified = ", ".join("%s %d times" % item for item in sorted(asked.items()))
    print("dkim_ours: %d messages, seed %d, asked %s, %d differences" % (count, seed, verified, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int((sys.argv + ["", ""])[2] or 100), int((sys.argv + ["", "", ""])[3] or 1)))
