#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""arc_yaml.py SUITE DIR - a suite in ValiMail's YAML format as files

Each case becomes DIR/N.eml, each section DIR/N.keys with lines "NAME<tab>TXT", and the cases lines of DIR/cases
(their form is in arc.c). Rules of the format: cv is what comes out, and an empty one the end of a chain that says
itself that it is broken, which RFC 8617 section 5.2 step 2 calls fail.
"""
import sys

import yaml


def main(suite, target):
    with open(suite, "rb") as f, open(target + "/cases", "w", encoding="ascii") as cases:
        number = 0
        for section in (s for s in yaml.safe_load_all(f) if s):
            keys = "%d.keys" % number
            with open("%s/%s" % (target, keys), "w", encoding="latin-1") as out:
                for name, text in (section.get("txt-records") or {}).items():
                    out.write("%s\t%s\n" % (name, text))
            for title, test in section["tests"].items():
                message = "%d.eml" % number
                with open("%s/%s" % (target, message), "wb") as out:
                    out.write(test["message"].encode("utf-8"))
                wanted = (test["cv"] or "").strip().lower() or "fail"
                cases.write("\t".join((title, message, keys, wanted)) + "\n")
                number += 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
