#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""corpus.py DIR KEYS [--slow N] - the messages that filters are compared on, and the DNS that belongs to them

Writes, always the same:
  DIR/index          a line for each message: client, HELO, login or -, sender, recipients, class, file; tabs between.
                     Lines of one client that follow each other are one SMTP session
  DIR/mail/          the messages, lines end in CRLF
  DIR/local.conf     their records for Unbound
  DIR/slow/          N messages in the same form, each of a domain whose DNS takes two seconds
  DIR/hostile.zone   the records of both, for the server of tests/dns

KEYS holds rsa.pem and ed25519.pem, which sign nothing else.
"""
import argparse
import base64
import os
import random
import subprocess
import types

import dkim
import nacl.signing

SIGNED_AT = 1700000000
DELAY_MS = 2000

OURS = ("198.51.100.%d", "2001:db8:1::%x")  # clients that SPF allows
THEIRS = ("203.0.113.%d", "2001:db8:bad::%x")

ALLOWED = "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:1::/48 -all"
BY_INCLUDE = "v=spf1 a:mail.%d include:_spf.%d -all"
BY_MX = "v=spf1 mx -all"

# Class, messages, SPF record, whose clients, signatures, DMARC record.
CLASSES = [
    ("aligned", 110, ALLOWED, OURS, ["rsa"], "p=reject"),
    ("aligned-both", 20, ALLOWED, OURS, ["rsa", "ed25519"], "p=quarantine; adkim=s"),
    ("aligned-ed25519", 40, BY_INCLUDE, OURS, ["ed25519"], "p=reject; rua=mailto:dmarc@example.org"),
    ("body-changed", 30, ALLOWED, OURS, ["rsa changed"], "p=reject"),
    ("broken-record", 10, "v=spf1 ip4:198.51.100 -all", THEIRS, [], None),
    ("forged", 20, ALLOWED, THEIRS, ["rsa changed"], "p=reject"),
    ("forwarded", 25, ALLOWED, THEIRS, ["rsa"], "p=reject"),
    ("neutral", 15, "v=spf1 ip4:198.51.100.0/24 ?all", THEIRS, [], "p=quarantine"),
    ("no-answer", 5, None, THEIRS, [], None),
    ("no-key", 15, ALLOWED, OURS, ["rsa unknown"], "p=reject"),
    ("no-records", 40, None, THEIRS, [], None),
    ("null-sender", 20, ALLOWED, OURS, [], "p=reject"),
    ("offer", 15, ALLOWED, OURS, ["rsa"], "p=reject"),
    ("softfail", 20, "v=spf1 ip4:198.51.100.0/24 ~all", THEIRS, [], "p=none"),
    ("submission", 36, ALLOWED, THEIRS, [], "p=reject"),
    ("third-party", 15, ALLOWED, OURS, ["rsa"], "p=none"),
    ("two-from", 4, ALLOWED, OURS, [], "p=reject"),
    ("unsigned", 40, BY_MX, OURS, [], "p=reject"),
]
# The octets of a message, and how many have them: half, a third, an eighth, a few.
SIZES = [(2_000, 0.5), (20_000, 1 / 3), (200_000, 1 / 8), (2_000_000, 1 / 160)]
MANY = [(50, 6), (200, 2)]  # recipients of messages of the first class
PER_DOMAIN = 5

WORDS = ("about account after again agenda always annual answer before board budget called change contract could "
         "customer delivery details every figures forward invoice letter market meeting minutes morning number offer "
         "office order other payment please project question receive report schedule second should signed summary "
         "team their thanks through today together under update version visit week where which without would").split()


def key_record(pem, kind):
    der = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"],
                         check=True, capture_output=True).stdout
    octets = der if kind == "rsa" else der[-32:]
    return "v=DKIM1; k=%s; p=%s" % (kind, base64.b64encode(octets).decode())


def private_key(pem, kind):
    if kind == "rsa":
        return open(pem, "rb").read()
    der = subprocess.run(["openssl", "pkey", "-in", pem, "-outform", "DER"], check=True, capture_output=True).stdout
    return base64.b64encode(nacl.signing.SigningKey(der[-32:]).encode())


class Corpus:
    def __init__(self, directory, keys):
        self.directory = directory
        self.random = random.Random(8)
        self.private = {kind: private_key(f"{keys}/{kind}.pem", kind) for kind in ("rsa", "ed25519")}
        self.public = {kind: key_record(f"{keys}/{kind}.pem", kind) for kind in ("rsa", "ed25519")}
        self.records = []

    # --- text ---------------------------------------------------------------------------------------------------

    def sentence(self):
        words = [self.random.choice(WORDS) for _ in range(self.random.randint(5, 14))]
        return " ".join(words).capitalize() + "."

    def text(self, octets):
        lines, size = [], 0
        while size < octets:
            lines.append(self.sentence() if self.random.random() < 0.9 else "")
            size += len(lines[-1]) + 2
        return "\r\n".join(lines) + "\r\n"

    def html(self, octets):
        return "<html><body>\r\n" + self.text(octets).replace("\r\n\r\n", "\r\n</p><p>\r\n") + "</body></html>\r\n"

    def attachment(self, octets):
        return base64.encodebytes(self.random.randbytes(octets * 3 // 4)).decode().replace("\n", "\r\n")

    def part(self, boundary, content_type, text, encoding="7bit"):
        return (f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
                f"{text}\r\n")

    # Content type and body: text, HTML, or text with attachments. No two parts that say the same (alternative): rspamd
    # compares those word by word, which would be most of its work.
    def content(self, octets, number):
        if octets < 10_000 or (octets < 100_000 and number % 2):
            return "text/plain; charset=us-ascii", self.text(octets)
        if octets < 100_000:
            return "text/html; charset=us-ascii", self.html(octets)
        boundary = "=_%016x" % self.random.getrandbits(64)
        body = self.part(boundary, "text/plain; charset=us-ascii", self.text(2_000))
        for i in range(2):
            body += self.part(boundary, f"application/pdf; name=\"part{i}.pdf\"", self.attachment(octets // 2),
                              "base64")
        return f"multipart/mixed;\r\n\tboundary=\"{boundary}\"", body + f"--{boundary}--\r\n"

    # --- one message --------------------------------------------------------------------------------------------

    def header(self, row, domain, author, helo, client, content_type, number):
        subject = ("[offer] " if row[0] == "offer" else "") + self.sentence()
        lines = [
            f"Received: from desk.{domain} (desk.{domain} [192.0.2.{number % 250 + 1}])\r\n"
            f"\tby {helo} (Postfix) with ESMTPS id 4X{number:08X}\r\n"
            f"\tfor <user0@example.com>; Tue, 14 Nov 2023 22:13:{number % 60:02d} +0000 (UTC)",
            f"From: \"Ann Example\" <{author}>",
            "To: Bob Example <user0@example.com>",
            f"Subject: {subject}",
            f"Date: Tue, 14 Nov 2023 22:13:{number % 60:02d} +0000",
            f"Message-ID: <{number:06d}.{self.random.getrandbits(64):016x}@{domain}>",
            "MIME-Version: 1.0",
            f"Content-Type: {content_type}",
            "Content-Transfer-Encoding: 7bit",
            "X-Mailer: corpus 1.0",
        ]
        if row[0] == "two-from":
            lines.insert(2, "From: somebody@two.example.com")
        return "\r\n".join(lines) + "\r\n\r\n"

    # All kinds of canonicalization; mostly that which most senders take.
    def sign(self, message, how, domain, number):
        kind, *broken = how.split()
        selector = "unknown" if broken == ["unknown"] else kind
        header, body = [(b"relaxed", b"relaxed"), (b"relaxed", b"simple"), (b"relaxed", b"relaxed"),
                        (b"simple", b"simple")][number % 4]
        field = dkim.sign(message, selector.encode(), domain.encode(), self.private[kind],
                          canonicalize=(header, body), signature_algorithm=f"{kind}-sha256".encode(),
                          include_headers=[b"from", b"to", b"subject", b"date", b"message-id", b"mime-version",
                                           b"content-type"])
        return field

    def message(self, row, octets, number, domain, author, helo, client, signer):
        content_type, body = self.content(octets, number)
        unsigned = (self.header(row, domain, author, helo, client, content_type, number) + body).encode()
        signatures = b"".join(self.sign(unsigned, how, signer, number) for how in row[4])
        if any("changed" in how for how in row[4]):
            head, rest = unsigned.split(b"\r\n\r\n", 1)
            unsigned = head + b"\r\n\r\nA list added this line.\r\n" + rest
        return signatures + unsigned

    # --- DNS ----------------------------------------------------------------------------------------------------

    def add(self, name, kind, value):
        self.records.append((name, kind, value))

    def publish(self, row, domain):
        _, _, spf, _, signatures, dmarc = row
        if spf:
            self.add(domain, "TXT", spf.replace("%d", domain))
        if spf == BY_INCLUDE:
            self.add(f"mail.{domain}", "A", "198.51.100.255")
            self.add(f"_spf.{domain}", "TXT", ALLOWED)
        if spf == BY_MX:
            for i in range(2):
                self.add(domain, "MX", f"{10 + i} mx{i}.{domain}.")
            # All clients that may send; the first name is not theirs.
            self.add(f"mx0.{domain}", "A", "192.0.2.1")
            for k in range(1, PER_DOMAIN + 1):
                self.add(f"mx1.{domain}", "A", OURS[0] % k)
                self.add(f"mx1.{domain}", "AAAA", OURS[1] % k)
        self.add(f"mail.{domain}", "TXT", ALLOWED)
        for kind in ("rsa", "ed25519"):
            if any(how.split() in ([kind], [kind, "changed"]) for how in signatures):
                self.add(f"{kind}._domainkey.{domain}", "TXT", self.public[kind])
        if dmarc:
            self.add(f"_dmarc.{domain}", "TXT", f"v=DMARC1; {dmarc}")

    # --- all of it ----------------------------------------------------------------------------------------------

    def sizes(self, count):
        sizes = []
        for octets, share in reversed(SIZES[1:]):
            sizes += [octets] * round(count * share)
        sizes += [SIZES[0][0]] * (count - len(sizes))
        self.random.shuffle(sizes)
        return sizes

    def entry(self, row, place, number, octets):
        name = row[0]
        domain = f"{name}-{place // PER_DOMAIN}-example.net"
        if name == "no-answer":
            domain = f"servfail.d{place}.away-example.net"
        elif place % PER_DOMAIN == 0:
            self.publish(row, domain)
        author, signer, sender, login = f"ann@{domain}", domain, f"ann.{number}@{domain}", "-"
        helo = f"mail.{domain}"
        if name == "no-answer":
            helo = "mail.aligned-0-example.net"
        if name == "third-party":
            # The service sends, signs and takes bounces in its own name.
            author = f"news@shop-{place // PER_DOMAIN}-example.net"
            self.add(f"_dmarc.shop-{place // PER_DOMAIN}-example.net", "TXT", f"v=DMARC1; {row[5]}")
        if name == "null-sender":
            sender, author, signer = "", f"mailer-daemon@{helo}", helo
            self.add(f"_dmarc.{helo}", "TXT", f"v=DMARC1; {row[5]}")
        if name == "submission":
            login = f"login{place}"
            helo = f"[192.0.2.{place + 1}]"
        client = row[3][number % 4 == 0] % (place % PER_DOMAIN + 1)
        message = self.message(row, octets, number, domain, author, helo, client, signer)
        return [client, helo, login, sender, 1, name, message]

    def entries(self):
        rows = [(row, place) for row in CLASSES for place in range(row[1])]
        self.random.shuffle(rows)
        entries = [self.entry(row, place, number, octets)
                   for number, ((row, place), octets) in enumerate(zip(rows, self.sizes(len(rows))))]
        plain = [e for e in entries if e[5] == "aligned" and len(e[6]) < 10_000]
        for count, messages in MANY:
            for _ in range(messages):
                plain.pop()[4] = count
        return entries

    # One in eight sessions has a second message.
    def with_seconds(self, entries):
        out = []
        for i, entry in enumerate(entries):
            out.append(entry)
            if i % 8 == 0 and len(entry[6]) < 10_000:
                out.append(entry)
        return out

    def write(self, directory, entries):
        os.makedirs(f"{directory}/mail", exist_ok=True)
        files = {}
        with open(f"{directory}/index", "w", encoding="ascii") as index:
            for client, helo, login, sender, rcpts, name, message in entries:
                if id(message) not in files:
                    files[id(message)] = f"mail/{len(files):04d}"
                    with open(f"{directory}/{files[id(message)]}", "wb") as out:
                        out.write(message)
                to = ",".join(f"user{i}@example.com" for i in range(rcpts))
                print(client, helo, login, sender, to, name, files[id(message)], sep="\t", file=index)

    # Everything else does not exist, but for names that the other server does not answer.
    def write_local(self):
        with open(f"{self.directory}/local.conf", "w", encoding="ascii") as out:
            print("server:\n    local-zone: \".\" static", file=out)
            print("    local-zone: \"away-example.net.\" transparent", file=out)
            for name, kind, value in dict.fromkeys(self.records):
                if kind == "TXT":
                    value = " ".join('"%s"' % value[i:i + 250] for i in range(0, len(value), 250))
                print(f"    local-data: '{name}. 3600 IN {kind} {value}'", file=out)

    def write_slow(self, count):
        row = ("slow", count, ALLOWED, OURS, ["ed25519"], "p=reject")
        entries, zone = [], []
        for number in range(count):
            domain = f"s{number}.slow-example.net"
            helo, client = "mail.aligned-0-example.net", OURS[0] % (number % 250 + 1)
            message = self.message(row, 1_000, number, domain, f"ann@{domain}", helo, client, domain)
            entries.append([client, helo, "-", f"ann@{domain}", 1, "slow", message])
            for name, value in ((domain, ALLOWED), (f"ed25519._domainkey.{domain}", self.public["ed25519"]),
                                (f"_dmarc.{domain}", "v=DMARC1; p=reject")):
                zone += [f"{name} do d{DELAY_MS}", f"{name} TXT \"{value}\""]
        self.write(f"{self.directory}/slow", entries)
        with open(f"{self.directory}/hostile.zone", "w", encoding="ascii") as out:
            for name, kind, value in dict.fromkeys(self.records):
                zone.append(f"{name} {kind} \"{value}\"" if kind == "TXT" else f"{name} {kind} {value}")
            out.write("\n".join(zone) + "\n")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("directory")
    arguments.add_argument("keys")
    arguments.add_argument("--slow", type=int, default=64)
    options = arguments.parse_args()
    # The time of a signature is part of it.
    dkim.time = types.SimpleNamespace(time=lambda: SIGNED_AT)
    corpus = Corpus(options.directory, options.keys)
    entries = corpus.entries()
    corpus.write(options.directory, corpus.with_seconds(entries))
    corpus.write_local()
    corpus.write_slow(options.slow)


main()
