#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dmarc_diff.py DRIVER [COUNT] [SEED] - our DMARC check and a second one, on the same made-up zones

Debian has no implementation of RFC 9989 to compare with: those it has read RFC 7489, or let domains vouch for others
(an organizational domain that is cut off one label too early). So the second one is here: straight from the text, with
sets and lists, no state machine, no shortcut, and every name walked. Each case is a small zone, an author domain and
what SPF and DKIM vouch for, made by a seeded generator: the same seed gives the same cases. All that comes out must be
equal: result, alignment of each, organizational domain, whose policy, and what it wants.
"""
import random
import re
import subprocess
import sys
import tempfile

LABELS = ["a", "b", "mail", "x"]
TOPS = ["test", "co.test", "org"]
FAULT = object()


def chance(rng, percent):
    return rng.randrange(100) < percent


# --- the second one --------------------------------------------------------------------------------------------------

def parse(text):
    """Tags of a record, or None (sections 4.7, 4.8)."""
    parts = text.split(";")
    if not re.fullmatch(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*", parts[0]):
        return None
    tags = {}
    for part in parts[1:]:
        match = re.fullmatch(r"[ \t]*([A-Za-z]+)[ \t]*=[ \t]*(.*?)[ \t]*", part)
        if match:
            tags.setdefault(match.group(1).lower(), match.group(2).lower())
    return tags


def record_at(zone, name):
    """The record of a name, None, or FAULT (section 4.10, step 2)."""
    entry = zone.get("_dmarc." + name, [])
    if entry is FAULT:
        return FAULT
    records = [tags for tags in map(parse, entry) if tags is not None]
    return records[0] if len(records) == 1 else None


def walk(zone, name):
    """All records from a name upwards, or FAULT."""
    found = []
    labels = name.split(".")
    targets = [labels] + [labels[i:] for i in range(max(1, len(labels) - 7), len(labels))]
    for target in targets:
        record = record_at(zone, ".".join(target))
        if record is FAULT:
            return FAULT, found
        if record is not None:
            found.append((".".join(target), record))
            if record.get("psd") in ("y", "n"):
                break
    return None, found


def organization(name, found):
    """Section 4.10.2."""
    for place, record in found:
        if record.get("psd") == "n":
            return place
        if record.get("psd") == "y" and place != name:
            return ".".join(name.split(".")[-len(place.split(".")) - 1:])
    return min((place for place, _ in found), key=lambda place: place.count("."), default=name)


def policy(name, org, found):
    """Whose record counts, and it (section 4.10.1)."""
    places = dict(found)
    for place in [name, org]:
        if place in places:
            return place, places[place]
    for place, record in found:
        if record.get("psd") == "y":
            return place, record
    return None, None


def valid_uri(uri):
    uri = uri.strip(" \t").split("!")[0].strip(" \t")
    return bool(re.fullmatch(r"mailto:[^@ ]+@[^@ ]+|(?!mailto:)[a-z][a-z0-9+.-]*:[!-~]+", uri))


def exists(zone, name):
    return any(entry == name or entry.endswith("." + name) for entry in zone)


def wanted(zone, name, place, record, failed):
    """What becomes of mail that fails; None: DMARC says nothing."""
    words = ("none", "quarantine", "reject")
    if any(record.get(tag, "none") not in words for tag in ("p", "sp", "np")):
        return "none" if any(map(valid_uri, record.get("rua", "").split(","))) else None
    request = record.get("p", "none")
    if place != name:
        request = record.get("sp", request)
        if failed and "np" in record and not exists(zone, name):
            request = record["np"]
    if record.get("t") == "y":
        request = {"reject": "quarantine"}.get(request, "none")
    return request


def theirs(zone, author, ids):
    fault, found = walk(zone, author)
    org = organization(author, found)
    if fault is FAULT and author not in dict(found):
        return "temperror", 0, 0, "-", "-", "-"
    place, record = policy(author, org, found)
    shown_org = "-" if fault is FAULT else org
    if place is None or wanted(zone, author, place, record, False) is None:
        return "none", 0, 0, shown_org, "-", "-"
    aligned, unclear = {"spf": 0, "dkim": 0}, False
    for kind, passes, name in ids:
        strict = record.get("aspf" if kind == "spf" else "adkim") == "s"
        if name == author:
            state = True
        elif strict:
            state = False
        elif fault is FAULT:
            # The organization is above what the two have in common, if they have anything.
            state = None if name.split(".")[-1] == author.split(".")[-1] else False
        else:
            its_fault, its = walk(zone, name)
            within = name == org or name.endswith("." + org)
            state = (None if within else False) if its_fault is FAULT else organization(name, its) == org
        if passes and state:
            aligned[kind] = 1
        unclear |= state is None or (state and not passes)
    result = "pass" if any(aligned.values()) else "temperror" if unclear else "fail"
    request = wanted(zone, author, place, record, result == "fail")
    return result, aligned["spf"], aligned["dkim"], shown_org, place, request


# --- cases -----------------------------------------------------------------------------------------------------------

def make_name(rng):
    depth = rng.choice([0, 1, 1, 1, 2, 2, 3, 7, 8, 9])
    return ".".join([rng.choice(LABELS) for _ in range(depth)] + [rng.choice(["example.", "other.", ""]) + rng.choice(TOPS)])


def make_record(rng):
    requests = ["none", "quarantine", "reject", "Reject"] + (["bogus", ""] if chance(rng, 10) else [])
    tags = []
    if not chance(rng, 5):
        tags.append("p=" + rng.choice(requests))
    for tag, values, often in (("sp", requests, 30), ("np", requests, 30), ("psd", ["y", "n", "u", "x"], 30),
                               ("adkim", ["s", "r", "x"], 25), ("aspf", ["s", "r", "x"], 25), ("t", ["y", "n"], 20),
                               ("rua", ["mailto:a@b.test", "mailto:a@b.test!10m", "nobody", "x, mailto:c@d.test"], 30),
                               ("pct", ["0", "x"], 10), ("foo", ["bar"], 5), ("p", requests, 3)):
        if chance(rng, often):
            tags.append("%s%s=%s%s" % (tag if chance(rng, 90) else tag.upper(), rng.choice(["", "", " "]),
                                       rng.choice(["", "", " "]), rng.choice(values)))
    rng.shuffle(tags)
    version = "v=DMARC1" if chance(rng, 90) else rng.choice(["v=DMARC2", "V = DMARC1", "v=dmarc1", "v=DMARC1 x", " v=DMARC1"])
    return rng.choice(["; ", ";", " ; "]).join([version] + tags) + rng.choice(["", ";", " ; "])


def above(name):
    labels = name.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]


def make_case(rng):
    author = make_name(rng)
    names = [author] + [make_name(rng) for _ in range(2)]
    names += [rng.choice(above(author)), "y." + rng.choice(above(author)), "y." + author]
    places = sorted({place for name in names for place in above(name)})
    zone = {}
    for place in rng.sample(places, rng.randrange(min(5, len(places)) + 1)) + above(author)[:2]:
        if chance(rng, 65):
            zone["_dmarc." + place] = [make_record(rng) for _ in range(2 if chance(rng, 8) else 1)]
            if chance(rng, 10):
                zone["_dmarc." + place].append("some other text")
    if chance(rng, 12):
        zone["_dmarc." + rng.choice(above(author) + places)] = FAULT
    for name in names:
        if chance(rng, 50):
            zone[name] = []
    ids = [(kind, chance(rng, 85), rng.choice(names)) for kind in rng.sample(["spf", "dkim", "dkim"], rng.randrange(4))]
    ids = [i for n, i in enumerate(ids) if i[0] == "dkim" or "spf" not in [j[0] for j in ids[:n]]]
    return zone, author, ids


def written(zone):
    for name, records in zone.items():
        if records is FAULT:
            yield "%s servfail" % name
        elif not name.startswith("_dmarc."):
            yield "%s A 192.0.2.1" % name
        else:
            for record in records:
                yield '%s TXT "%s"' % (name, record)


def ours(driver, cases):
    with tempfile.TemporaryDirectory() as target:
        with open(target + "/cases", "w", encoding="ascii") as f:
            for number, (zone, author, ids) in enumerate(cases):
                with open("%s/%d" % (target, number), "w", encoding="ascii") as out:
                    out.write("\n".join(written(zone)) + "\n")
                f.write("%d\t%s\t%s\n" % (number, author, " ".join(k + (":" if p else "?") + n for k, p, n in ids)))
        run = subprocess.run([driver, target + "/cases"], stdout=subprocess.PIPE, check=True, timeout=300)
    for line in run.stdout.decode("ascii").splitlines():
        code, spf, dkim, org, place, request, questions = line.split("\t")
        yield (code, int(spf), int(dkim), org, place, request), int(questions)


def main(driver, count=3000, seed=1):
    rng = random.Random(int(seed))
    cases = [make_case(rng) for _ in range(int(count))]
    same, failed, most = {}, 0, 0
    for (zone, author, ids), (our, questions) in zip(cases, ours(driver, cases)):
        their = theirs(zone, author, ids)
        most = max(most, questions)
        if our == their:
            same[our[0]] = same.get(our[0], 0) + 1
            continue
        failed += 1
        if failed <= 10:
            print("FAIL %s, %s: ours %s, theirs %s\n  %s" % (author, ids, our, their, "\n  ".join(written(zone))))
    print("the same: " + ", ".join("%s %d" % pair for pair in sorted(same.items())))
    print("%d passed, %d failed; %d questions at most" % (sum(same.values()), failed, most))
    return failed != 0 or len(same) < 4


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
