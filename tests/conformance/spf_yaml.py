#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""spf_yaml.py SUITE DIR - a suite in openspf's YAML format as zone files and a list of cases

Each section becomes DIR/zone-N and its cases lines of DIR/cases (their form is in spf.c). Rules of the format: a
record type that is not listed has no data, a name that is not listed does not exist, TIMEOUT is a failure of every
type that is not listed, values of SPF are served as TXT unless the name has TXT of its own, which NONE takes away.
"""
import sys

import yaml

TYPES = ("A", "AAAA", "MX", "PTR", "TXT")


def octets(text):
    """Octets of a YAML value; the suites write 8-bit octets as characters up to U+00FF."""
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def escaped(data):
    return "".join(chr(c) if 0x20 <= c < 0x7F and c not in b'"\\' else "\\%03d" % c for c in data)


def name(text):
    return escaped(octets(text)).replace(" ", "\\032").replace("#", "\\035")


def possible(text):
    """DNS has no empty labels and none over 63 octets; a zone that lists one means that it does not exist."""
    labels = octets(text).rstrip(b".").split(b".")
    return all(0 < len(label) < 64 for label in labels) and len(octets(text).rstrip(b".")) < 254


def value(kind, data):
    if kind == "TXT":
        strings = data if isinstance(data, list) else [data]
        return '"%s"' % escaped(b"".join(octets(s) for s in strings))
    if kind == "MX":
        return "%d %s" % (data[0], name(data[1]) or ".")
    if kind in ("PTR", "CNAME"):
        return name(data)
    return str(data)


def lines(owner, records):
    pairs = [p for r in records if isinstance(r, dict) for p in r.items()]
    if not any(kind == "TXT" for kind, _ in pairs):
        pairs = [("TXT" if kind == "SPF" else kind, data) for kind, data in pairs]
    pairs = [(kind, data) for kind, data in pairs if kind != "SPF" and data != "NONE"]
    for kind, data in pairs:
        yield "%s %s %s" % (name(owner), kind, value(kind, data))
    if "TIMEOUT" in records:
        for kind in TYPES:
            if kind not in (k for k, _ in pairs):
                yield "%s %s timeout" % (name(owner), kind)


def field(text):
    return octets(text).replace(b"\t", b" ")


def case(zone, title, test):
    wanted = test["result"]
    wanted = wanted if isinstance(wanted, list) else [wanted]
    fields = (zone, title, test["host"], test["helo"] or "", test["mailfrom"] or "", ",".join(wanted),
              test.get("explanation", "-"))
    return b"\t".join(field(f) for f in fields) + b"\n"


def main(suite, target):
    with open(suite, "rb") as f, open(target + "/cases", "wb") as cases:
        for number, section in enumerate(s for s in yaml.safe_load_all(f) if s):
            zone = "zone-%d" % number
            with open("%s/%s" % (target, zone), "w", encoding="ascii") as out:
                for owner, records in section["zonedata"].items():
                    for line in lines(owner, records) if possible(owner) else ():
                        out.write(line + "\n")
            for title, test in section["tests"].items():
                cases.write(case(zone, title, test))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
