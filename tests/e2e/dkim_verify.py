#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dkim_verify.py RECORDS FILE - what python3-dkim says of each signature of a delivered message, from the top

RECORDS has lines "NAME VALUE", as DNS would serve them.
"""
import re
import sys

import dkim


def main(records, message):
    with open(records, encoding="ascii") as f:
        known = dict(line.rstrip("\n").split(" ", 1) for line in f)
    with open(message, "rb") as f:
        text = re.sub(b"(?<!\r)\n", b"\r\n", f.read())
    head = re.split(b"\r\n\r\n", text, maxsplit=1)[0]
    results = []
    for i, selector in enumerate(re.findall(rb"(?ims)^dkim-signature:.*?[ ;\t]s=([^;]+);", head)):
        try:
            good = dkim.DKIM(text).verify(idx=i, dnsfunc=lambda name, **_: known.get(name.decode().rstrip("."), "").encode())
        except dkim.DKIMException as problem:
            good = False
            print(problem, file=sys.stderr)
        results.append("%s=%s" % (selector.decode(), "pass" if good else "fail"))
    print(" ".join(results) or "none")


if __name__ == "__main__":
    main(*sys.argv[1:])
