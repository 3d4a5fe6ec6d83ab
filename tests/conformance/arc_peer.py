#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""arc_peer.py ARC CASES SEED - seals of ours are good to python3-dkim, and its seals to us

ARC is the program arc of this directory. Messages are made up from the seed: odd white space, folds, fields that
repeat, empty bodies. Each is sealed by one of both, one to four times; the other must find the chain good, and
neither one with a bit of something signed turned over. Keys are made anew each time.
"""
import os
import random
import subprocess
import sys
import tempfile

import dkim

NOW = 1700000000
HOPS = 4


def key(directory, name, bits):
    path = os.path.join(directory, name + ".pem")
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, str(bits)], check=True, capture_output=True)
    os.chmod(path, 0o600)
    public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout"], check=True, capture_output=True).stdout
    text = "".join(line for line in public.decode().splitlines() if "-----" not in line)
    return path, "v=DKIM1; k=rsa; p=" + text


def blanks(rng):
    return rng.choice([" ", "  ", "\t", " \t ", "\r\n ", " \r\n\t"])


def words(rng):
    return blanks(rng).join(rng.choice(["alpha", "Beta", "g=m;ma", "x:y", "caf=C3=A9", "(c)"])
                            for _ in range(rng.randint(1, 12)))


def message(rng):
    names = ["Subject", "To", "Cc", "Date", "Message-ID", "X-Odd", "Received", "MIME-Version", "List-Id", "subject"]
    fields = ["From:%sAnn <ann@example.org>" % rng.choice(["", " ", "\t"])]
    fields += ["%s:%s%s" % (rng.choice(names), rng.choice(["", " ", " \t"]), words(rng))
               for _ in range(rng.randint(0, 9))]
    rng.shuffle(fields)
    lines = [rng.choice(["", " ", "\t \t", words(rng).replace("\r\n", ""), "  x  ", "."])
             for _ in range(rng.randint(0, 12))]
    # python3-dkim keeps a blank at the end of a body without a last line break, which SMTP does not have.
    body = "\r\n".join(lines + [rng.choice(["\r\n", "\r\n\r\n\r\n", "x"])])
    return ("\r\n".join(fields) + "\r\n\r\n" + body).encode()


class Peers:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.keys = {"%d.example" % i: key(directory, "k%d" % i, bits) for i, bits in enumerate((1024, 2048))}
        with open(os.path.join(directory, "keys"), "w", encoding="ascii") as f:
            for domain, (_, text) in self.keys.items():
                f.write("s._domainkey.%s\t%s\n" % (domain, text))

    def dns(self, name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        return self.keys[name.rstrip(".").removeprefix("s._domainkey.")][1].encode()

    def write(self, text):
        path = os.path.join(self.directory, "message")
        with open(path, "wb") as f:
            f.write(text)
        return path

    def ours_seal(self, text, domain, cv):
        out = subprocess.run([self.program, "--seal", self.keys[domain][0], domain, "s", cv,
                              "mx.%s; spf=pass smtp.mailfrom=example.org" % domain, str(NOW), self.write(text)],
                             check=True, capture_output=True).stdout
        return out.replace(b"\n", b"\r\n") + text

    def theirs_seal(self, text, domain, cv):
        status = b"" if cv == "none" else b"; arc=" + cv.encode()
        results = b"Authentication-Results: mx; spf=pass smtp.mailfrom=example.org" + status + b"\r\n"
        with open(self.keys[domain][0], "rb") as f:
            fields = dkim.arc_sign(results + text, b"s", domain.encode(), f.read(), b"mx", timestamp=NOW)
        assert len(fields) == 3, "python3-dkim did not seal"
        return b"".join(fields) + text

    def ours(self, text):
        self.write(text)
        cases = os.path.join(self.directory, "cases")
        with open(cases, "w", encoding="ascii") as f:
            f.write("case\tmessage\tkeys\n")
        out = subprocess.run([self.program, "--print", cases], check=True, capture_output=True).stdout
        return out.decode("utf-8", "replace").rstrip("\n").split("\t")[1:]

    def theirs(self, text):
        try:
            cv, _, why = dkim.arc_verify(text, dnsfunc=self.dns)
        except (dkim.DKIMException, ValueError, KeyError, IndexError, UnicodeDecodeError) as e:
            return "fail", str(e)
        return (cv or b"fail").decode(), why


def signed_places(text):
    """Offsets of octets that a signature covers, whatever is done to white space: letters of values of ARC, of the
    sender's name, of the body."""
    head, _, body = text.partition(b"\r\n\r\n")
    places = [i for i in range(len(head) + 4, len(text)) if text[i:i + 1].isalnum()]
    at = 0
    for line in head.split(b"\r\n"):
        if not line.startswith((b" ", b"\t")):
            wanted = line.lower().startswith((b"arc-", b"from:"))
            skip = line.index(b":") + 1
        else:
            skip = 0
        if wanted:
            places += [i for i in range(at + skip, at + len(line)) if text[i:i + 1].isalnum()]
        at += len(line) + 2
    return places


def main(program, cases, seed):
    rng = random.Random(seed)
    counts = {"ours": 0, "theirs": 0, "turned": 0}
    with tempfile.TemporaryDirectory() as directory:
        peers = Peers(program, directory)
        for case in range(cases):
            text = message(rng)
            for hop in range(rng.randint(1, HOPS)):
                domain = rng.choice(sorted(peers.keys))
                who = rng.choice(["ours", "theirs"])
                seal = peers.ours_seal if who == "ours" else peers.theirs_seal
                text = seal(text, domain, "none" if hop == 0 else "pass")
                counts[who] += 1
                for judge in (peers.ours, peers.theirs):
                    result = judge(text)
                    if result[0] != "pass":
                        sys.stdout.buffer.write(text + b"\n")
                        sys.exit("case %d, set %d sealed by %s: %s says %s" % (case, hop + 1, who, judge.__name__,
                                                                              result))
            place = rng.choice(signed_places(text))
            turned = text[:place] + bytes([text[place] ^ 1 << rng.randrange(5)]) + text[place + 1:]
            if text[place:place + 1].lower() != turned[place:place + 1].lower():
                counts["turned"] += 1
                result = peers.ours(turned)
                if result[0] == "pass":
                    sys.stdout.buffer.write(turned + b"\n")
                    sys.exit("case %d: a bit at %d is another, and we say %s" % (case, place, result))
    print("%d messages: %d seals of ours, %d of python3-dkim, all good to both; %d bits turned over, none of them"
          % (cases, counts["ours"], counts["theirs"], counts["turned"]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
