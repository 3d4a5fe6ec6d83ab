#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""psl.py DRIVER FILE - what is registered of a name, by the vectors of the public suffix list

FILE is its tests.txt: a name and what is registered of it, or "null", in each line. U-labels are compared as A-labels.
"""
import subprocess
import sys


def to_ascii(name):
    return name.lower() if name.isascii() else name.encode("idna").decode("ascii").lower()


def main(driver, path):
    with open(path, encoding="utf-8") as f:
        lines = [line.split() for line in f if line.strip() and not line.startswith("//")]
    vectors = [(name, wanted) for name, wanted in lines if name != "null"]
    run = subprocess.run([driver, "--psl"], input="\n".join(name for name, _ in vectors) + "\n", encoding="utf-8",
                         stdout=subprocess.PIPE, check=True, timeout=60)
    failed = 0
    for (name, wanted), got in zip(vectors, run.stdout.splitlines()):
        right = "-" if wanted == "null" else to_ascii(wanted)
        if got != right:
            failed += 1
            print("FAIL %s: %s, want %s" % (name, got, right))
    print("%d passed, %d failed" % (len(vectors) - failed, failed))
    return failed != 0 or not vectors


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
