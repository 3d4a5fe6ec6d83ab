# SPDX-License-Identifier: MIT
"""dkim_suite.py DIRECTORY OUT - the messages and keys of dkimpy's tests as cases of tests/conformance/dkim

DIRECTORY is tests/data of dkimpy. Its tests sign with keys that are not among the data, so what is held against
these messages is what they came with: three that others signed, and records in which keys stand.
"""

import os
import sys

RSA = "test._domainkey.football.example.com"
ED25519 = "brisbane._domainkey.football.example.com"
# RFC 8463 appendix A.2.
ED25519_KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
# Google's in 2013, as dkimpy's test_dkim.py has it.
GMAIL_KEY = (
    "k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Kd87/UeJjenpabgbFwh+eBCsSTrqmwIYYvywlbhbqoo2DymndFkbjOVIPIldNs"
    "/m40KF+yzMn1skyoxcTUGCQs8g3FgD2Ap3ZB5DekAo5wMmk4wimDO+U8QzI3SD07y2+07wlNWwIt8svnxgdxGkVbbhzY8i+RQ9DpSVpPbF7ykQxtKXkv"
    "/ahW3KjViiAH+ghvvIhkx4xYSIc9oSwVmAl5OctMEeWUwg8Istjqz8BZeTWbf41fbNhte7Y+YqZOwq1Sd0DbvYAD9NOZK9vlfuac0598HY+vtSBczUiK"
    "ERHv1yRbcaQtZFh5wtiRrN04BLUTD21MycBX5jYchHjPY/wIDAQAB"
)
# What the RSA signature of rfc6376.signed.msg comes to with the record of a file.
RECORDS = [
    ("test.txt", "pass"),
    ("test2.txt", "pass"),
    ("badversion.txt", "permerror"),
    ("badk.txt", "permerror"),
    ("test_bad.txt", "permerror"),
    ("test_tlsrpt.txt", "permerror"),
]
UNSIGNED = ["ed25519test.msg", "rfc6376.msg", "test.message", "test_extra.message", "test_nofrom.message"]


def main(directory, out):
    def path(name):
        return os.path.join(directory, name)

    def record(name):
        with open(path(name), encoding="ascii") as f:
            return f.read().strip()

    lines = []

    def case(name, message, want, keys=()):
        lines.append("\t".join(["case", name, path(message), "1600000000", want]))
        for key, text in keys:
            lines.append("\t".join(["key", key, text] if text is not None else ["key", key]))

    ed25519 = (ED25519, ED25519_KEY)
    for name, want in RECORDS:
        case("rfc6376.signed.msg with " + name, "rfc6376.signed.msg", "pass " + want, [ed25519, (RSA, record(name))])
    case("rfc6376.signed.msg without DNS", "rfc6376.signed.msg", "temperror temperror", [(ED25519, None), (RSA, None)])
    case("rfc6376.signed.msg without keys", "rfc6376.signed.msg", "permerror permerror")
    case("test2.message", "test2.message", "pass", [("20120113._domainkey.gmail.com", GMAIL_KEY)])
    case("ed25519test2.msg", "ed25519test2.msg", "pass", [("sed._domainkey.test.ex", record("eximtest.dns"))])
    case("message.mbox", "message.mbox", "permerror")
    for name in UNSIGNED:
        case(name, name, "none")
    with open(out, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
