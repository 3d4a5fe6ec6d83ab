#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""spf_diff.py DRIVER [COUNT] [SEED] - our SPF check and python3-spf on the same made-up zones

Each case is a small zone, a client and a sender, made by a seeded generator: the same seed gives the same cases. Both
checks read the same zone, ours as a file, python3-spf through its one function that asks DNS. Results must be equal,
and explanations where both fail. Where the two are known to read the standard differently, the difference is counted
under the section of RFC 7208 that decides it; any other one fails the run and is printed with its zone.
"""
import random
import re
import socket
import subprocess
import sys
import tempfile

import spf

DOMAINS = ["d%d.test" % i for i in range(6)]
HOSTS = ["h%d.d%d.test" % (i, i % 3) for i in range(6)]
CLIENTS = ["192.0.2.10", "192.0.2.77", "198.51.100.10", "2001:db8::10", "2001:db8:1::5", "::ffff:192.0.2.10"]
SENDERS = ["ann@%s", "a.b-c+d@%s", "postmaster@%s"]
NETWORKS = ["ip4:192.0.2.0/24", "ip4:192.0.2.10", "ip4:192.0.2.64/26", "ip4:0.0.0.0/0", "ip4:198.51.100.10/31",
            "ip6:2001:db8::/32", "ip6:2001:db8::10", "ip6:::/0", "ip6:2001:db8:1::/47", "ip4:192.0.2.256",
            "ip4:192.0.2.1/33", "ip6:2001:db8::/129", "ip4:192.0.2.010", "ip6:::ffff:192.0.2.10", "ip4:", "ip6"]
MACROS = ["%{i}", "%{ir}", "%{l}", "%{l-}", "%{lr+-.}", "%{d}", "%{d1}", "%{d2r}", "%{o}", "%{h}", "%{v}", "%{s}", "%{p}",
          "%{L}", "%{D2}", "%%", "%_", "%-", "%{t}", "%{x}", "%{d0}", "%{d!}", "%{", "%(d)", "%"]
CIDRS = ["/24", "/0", "/32", "//64", "/24//64", "//0", "/33", "//129", "/024", "/", "/24/64"]
EXPLANATIONS = ["Not %{i} for %{d}", "%{s} from %{c} (%{h})", "%{S}%_100%%", "wrong %{q}", "f\u00fcr", "plain", ""]
# How often, of 100: kept low, so that most cases are decided by what both agree to look at.
NONSENSE, FAULT = 6, 4

# (section, what is different): a difference of these kinds is explained.
VOIDS = "4.6.4: we count a term that finds nothing once, python3-spf each question"
TERMS = "4.6.4: python3-spf counts a redirect that is not followed"
MX = "5.4: we stop at the host that matches, python3-spf asks for all hosts first"
PTR = "5.5: a fault of DNS in ptr is no match, for python3-spf a temperror"
EARLY = "4.6: python3-spf expands all macros, and so asks for the names of the client, before it evaluates"
TWICE = "6: unknown modifiers may stand twice, for python3-spf they may not"
SELF = "5.2: an include of the own domain is an error when it is evaluated, for python3-spf wherever it stands"
PERCENT = "7.1: %% may stand last, for python3-spf it may not"
MACRO = "7.1: a macro without }, with 0 parts or another delimiter is an error, which python3-spf overlooks"


def chance(rng, percent):
    return rng.randrange(100) < percent


def domain_spec(rng):
    name = rng.choice(DOMAINS + HOSTS)
    if chance(rng, 25):
        macro = rng.choice(MACROS[:18] if not chance(rng, NONSENSE) else MACROS)
        name = rng.choice([macro + "." + name, macro, name + "." + macro])
    if chance(rng, NONSENSE):
        name = rng.choice(["", "museum", "x..test", "x.123", "x.test.", "-", "a_b.test", "x.te-st", "x.test-"])
    return name


def mechanism(rng):
    kind = rng.choice(["a", "a", "mx", "mx", "ptr", "include", "include", "exists", "ip", "ip", "all"])
    sign = rng.choice(["", "", "", "+", "-", "~", "?"])
    if kind == "ip":
        return sign + rng.choice(NETWORKS[:9] if not chance(rng, NONSENSE) else NETWORKS)
    if kind == "all":
        return sign + ("all" if not chance(rng, NONSENSE) else rng.choice(["all:x.test", "all/8", "All"]))
    text = sign + kind
    if kind in ("include", "exists") or chance(rng, 50):
        text += ":" + domain_spec(rng)
    if kind in ("a", "mx") and chance(rng, 30):
        text += rng.choice(CIDRS[:6] if not chance(rng, NONSENSE) else CIDRS)
    return text


def modifier(rng):
    kind = rng.choice(["exp", "exp", "redirect", "x-unknown"])
    return kind + "=" + domain_spec(rng)


def record(rng):
    terms = [mechanism(rng) for _ in range(rng.randrange(5))]
    terms += [modifier(rng) for _ in range(rng.randrange(3)) if chance(rng, 50)]
    if chance(rng, 60):
        terms.append(rng.choice(["-all", "-all", "~all", "?all", "redirect=" + rng.choice(DOMAINS)]))
    if chance(rng, 20):
        rng.shuffle(terms)
    if chance(rng, NONSENSE):
        terms.append(rng.choice(["foo", "foo:bar", "a:", "1x=y", "-exp=d1.test", ",", "a\u00e4", "moo=%{d}", "=", ":"]))
    version = "v=spf1" if not chance(rng, NONSENSE) else rng.choice(["V=SPF1", "v=spf10", "v=spf2.0/pra", "v=spf1,"])
    return rng.choice([" ", " ", "  "]).join([version] + terms)


def reverse(ip):
    """Names of PTR records, for the clients that can have one."""
    if ":" not in ip:
        return ".".join(reversed(ip.split("."))) + ".in-addr.arpa"
    return ".".join(reversed("".join("%02x" % c for c in socket.inet_pton(socket.AF_INET6, ip)))) + ".ip6.arpa"


def make_zone(rng):
    """A list of (name, type, value); type None: every question for the name fails."""
    zone = []
    for name in DOMAINS:
        if not chance(rng, 15):
            zone.append((name, "TXT", record(rng)))
        if chance(rng, 10):
            zone.append((name, "TXT", rng.choice(EXPLANATIONS + [record(rng)])))
        for host in rng.sample(HOSTS, rng.randrange(4)):
            zone.append((name, "MX", host))
    for name in DOMAINS + HOSTS:
        for ip in rng.sample(CLIENTS[:5] + ["203.0.113.1", "2001:db8:2::1"], rng.randrange(3)):
            zone.append((name, "AAAA" if ":" in ip else "A", ip))
    for ip in CLIENTS[:5]:
        for host in rng.sample(HOSTS + DOMAINS, rng.randrange(3)):
            zone.append((reverse(ip), "PTR", host))
    if chance(rng, FAULT * 5):
        zone.append((rng.choice(DOMAINS + HOSTS + [reverse(CLIENTS[0])]), None, None))
    return zone


def written(zone):
    for name, kind, value in zone:
        if kind is None:
            yield "%s timeout" % name
        elif kind == "TXT":
            data = value.encode("utf-8")
            yield '%s TXT "%s"' % (name, "".join(chr(c) if 0x20 <= c < 0x7F and c not in b'"\\' else "\\%03d" % c
                                                 for c in data))
        else:
            yield "%s %s %s%s" % (name, kind, "10 " if kind == "MX" else "", value)


def lookup_in(zone):
    failing = {name for name, kind, _ in zone if kind is None}

    def lookup(name, qtype, strict=True, timeout=None):
        name = name.lower().rstrip(".")
        found = [(kind, value) for owner, kind, value in zone if owner == name and kind == qtype]
        if not found and name in failing:
            raise spf.TempError("DNS timeout")
        return [((name, kind), (value.encode("utf-8"),) if kind == "TXT" else (10, value) if kind == "MX" else value)
                for kind, value in found]

    return lookup


def theirs(case):
    """Result, explanation, and why."""
    zone, client, helo, sender = case
    spf.DNSLookup = lookup_in([(n, k, v) for n, k, v in zone])
    query = spf.query(i=client, s=sender, h=helo, strict=True, timeout=1, querytime=0)
    query.set_default_explanation("DEFAULT")
    query.t = "0"  # %{t}: our driver's clock stands still
    try:
        result, _, explanation = query.check()
    except (UnicodeError, ValueError) as error:
        return "permerror", "", str(error)
    return result, explanation if result == "fail" and explanation != "DEFAULT" else "", getattr(query, "prob", "")


def explained(case, our, their):
    """The kind of a known difference, or None."""
    zone = case[0]
    texts = [value for _, kind, value in zone if kind == "TXT"]
    fault = any(kind is None for _, kind, _ in zone)
    named = any("%{p" in text or "%{P" in text for text in texts)
    if "nothing in DNS" in our[4] or "Void lookup limit" in their[2]:
        return VOIDS
    if "Too many DNS lookups" in their[2] and any("redirect=" in text for text in texts):
        return TERMS
    if their[0] == "temperror" and fault:
        if any("ptr" in text for text in texts) or named:
            return PTR if not named else EARLY
        return MX if any("mx" in text for text in texts) else None
    if "MUST appear at most once" in their[2] and any(text.count("x-unknown=") > 1 for text in texts):
        return TWICE
    if "trivial recursion" in their[2]:
        return SELF
    if "invalid-macro-char" in their[2] and any(re.search("%%( |/|$)", text) for text in texts):
        return PERCENT
    if (our[0], their[0], their[1]) == ("fail", "fail", "") and our[1].endswith("%"):
        return PERCENT
    if our[0] == "permerror" and "macro" in our[4] and re.search("%{[^} ]*\"|%{d[0!]}", our[4]):
        return MACRO
    return None


def make_cases(rng, count):
    for _ in range(count):
        helo = rng.choice(HOSTS)
        sender = rng.choice(SENDERS) % rng.choice(DOMAINS)
        yield make_zone(rng), rng.choice(CLIENTS), helo, sender


def ours(driver, cases):
    """Name, result, explanation, lookups, voids, problem of each."""
    with tempfile.TemporaryDirectory() as target:
        with open(target + "/cases", "w", encoding="ascii") as f:
            for number, (zone, client, helo, sender) in enumerate(cases):
                with open("%s/%d" % (target, number), "w", encoding="ascii") as out:
                    out.write("\n".join(written(zone)) + "\n")
                f.write("\t".join((str(number), str(number), client, helo, sender)) + "\n")
        run = subprocess.run([driver, "--print", target + "/cases"], stdout=subprocess.PIPE, check=True, timeout=300)
    return [line.split("\t")[1:] for line in run.stdout.decode("ascii").splitlines()]


def main(driver, count=3000, seed=1):
    cases = list(make_cases(random.Random(int(seed)), int(count)))
    known, same, failed, results = {}, 0, 0, {}
    for case, our in zip(cases, ours(driver, cases)):
        our = [our[0], our[1], our[2], our[3], our[4]]
        their = theirs(case)
        if our[0] == their[0] and our[1] == their[1]:
            same += 1
            results[our[0]] = results.get(our[0], 0) + 1
            continue
        kind = explained(case, our, their)
        if kind is not None:
            known[kind] = known.get(kind, 0) + 1
            continue
        failed += 1
        print("FAIL %s from %s: ours %s, theirs %s\n  %s" % (case[3], case[1], our, their,
                                                             "\n  ".join(written(case[0]))))
    print("the same: " + ", ".join("%s %d" % pair for pair in sorted(results.items())))
    for kind in sorted(known):
        print("known difference, %d times: %s" % (known[kind], kind))
    print("%d passed, %d failed" % (same + sum(known.values()), failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
