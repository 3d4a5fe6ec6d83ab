/* SPDX-License-Identifier: MIT */
/*
 * test_spf_check.c - plugin spf: the rules of RFC 7208 sections 4 to 7, one by one
 */
#include "../conformance/spf_zone.h"
#include "table.h"
#include "temp.h"

#define CLIENT	"192.0.2.10"
#define CLIENT6 "2001:db8::10"

static char dir[TEMP_NAME_SIZE], path[TEMP_NAME_SIZE + 16];

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-spf"));
	snprintf(path, sizeof(path), "%s/zone", dir);
}

static void
teardown(void)
{
	remove(path);
	remove(dir);
}

/* record: the SPF record of example.org, or NULL; zone: more lines. */
static void
check(const char *record, const char *zone, const char *ip, const char *helo, const char *sender,
	struct spf_result *result)
{
	FILE *f = fopen(path, "w");
	struct spf_zone z;

	ck_assert_ptr_nonnull(f);
	if (record != NULL)
		fprintf(f, "example.org TXT \"%s\"\n", record);
	fputs(zone == NULL ? "" : zone, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert(spf_zone_open(&z, path));
	spf_zone_check(&z, ip, helo, sender, result);
	ck_assert_uint_le(result->questions, SPF_MAX_QUESTIONS);
	/* Those that were begun and not needed are counted, too. */
	ck_assert_uint_ge(result->questions, z.count);
	spf_zone_close(&z);
}

/* --- results -------------------------------------------------------------------------------------
 */

#define MX3                                                                  \
	"example.org MX 10 a.example.org\nexample.org MX 20 b.example.org\n" \
	"a.example.org A 192.0.2.9\nb.example.org A 192.0.2.10\n"
#define PTR "10.2.0.192.in-addr.arpa PTR host.example.org\nhost.example.org A 192.0.2.10\n"

static const struct {
	const char *rule, *record, *zone;
	const char *client; /* NULL: CLIENT */
	enum spf_code code;
	const char *mechanism; /* NULL: not looked at */
} results[] = {
	/* Section 4.3, 4.4, 4.5: finding the record. */
	{"4.4: no such name is none", NULL, "other.example.org A 192.0.2.1\n", NULL, SPF_NONE, ""},
	{"4.4: no TXT is none", NULL, "example.org A 192.0.2.1\n", NULL, SPF_NONE, ""},
	{"4.4: a time-out is a temporary error", NULL, "example.org TXT timeout\n", NULL,
		SPF_TEMPERROR, ""},
	{"4.4: a failed server is a temporary error", NULL, "example.org TXT servfail\n", NULL,
		SPF_TEMPERROR, ""},
	{"4.4: a refusal is a temporary error", NULL, "example.org TXT refused\n", NULL,
		SPF_TEMPERROR, ""},
	{"4.4: a forged answer is a temporary error", NULL, "example.org TXT bogus\n", NULL,
		SPF_TEMPERROR, ""},
	{"4.5: other texts do not count", "v=spf1 -all", "example.org TXT \"google-site=1\"\n",
		NULL, SPF_FAIL, "-all"},
	{"4.5: the version ends at a space", "v=spf10 -all", NULL, NULL, SPF_NONE, ""},
	{"4.5: the version's case does not matter", "V=SPF1 -all", NULL, NULL, SPF_FAIL, "-all"},
	{"4.5: the version is all there may be", "v=spf1", NULL, NULL, SPF_NEUTRAL, "default"},
	{"4.5: two records are an error", "v=spf1 -all", "example.org TXT \"v=spf1\"\n", NULL,
		SPF_PERMERROR, ""},
	{"4.5: a record behind a CNAME counts", NULL,
		"example.org CNAME www.example.org\nwww.example.org TXT \"v=spf1 -all\"\n", NULL,
		SPF_FAIL, "-all"},
	{"3.3: strings are joined without a space", NULL,
		"example.org TXT \"v=spf1 ip4:192.0\" \".2.10 -all\"\n", NULL, SPF_PASS,
		"ip4:192.0.2.10"},
	/* Section 4.6: evaluation. */
	{"4.6: an error behind the match counts", "v=spf1 +all nonsense", NULL, NULL, SPF_PERMERROR,
		""},
	{"4.6.1: names of mechanisms have no case", "v=spf1 -ALL", NULL, NULL, SPF_FAIL, "-ALL"},
	{"4.6.2: no qualifier is a pass", "v=spf1 all", NULL, NULL, SPF_PASS, "all"},
	{"4.6.2: + passes", "v=spf1 +all", NULL, NULL, SPF_PASS, "+all"},
	{"4.6.2: ? is neutral", "v=spf1 ?all", NULL, NULL, SPF_NEUTRAL, "?all"},
	{"4.6.2: ~ is a softfail", "v=spf1 ~all", NULL, NULL, SPF_SOFTFAIL, "~all"},
	{"4.6.2: the first match counts", "v=spf1 ?ip4:192.0.2.10 -all", NULL, NULL, SPF_NEUTRAL,
		"?ip4:192.0.2.10"},
	{"4.7: no match is neutral", "v=spf1 ip4:198.51.100.1", NULL, NULL, SPF_NEUTRAL, "default"},
	{"4.6.4: ten terms may ask",
		"v=spf1 a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x -all",
		"b.x A 192.0.2.1\n", NULL, SPF_FAIL, "-all"},
	{"4.6.4: an eleventh may not",
		"v=spf1 a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x -all",
		"b.x A 192.0.2.1\n", NULL, SPF_PERMERROR, ""},
	{"4.6.4: terms behind the match do not count",
		"v=spf1 a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:b.x a:c.x a:b.x -all",
		"b.x A 192.0.2.1\nc.x A 192.0.2.10\n", NULL, SPF_PASS, "a:c.x"},
	{"4.6.4: terms of includes count together",
		"v=spf1 include:i.x include:i.x include:i.x include:i.x -all",
		"i.x TXT \"v=spf1 a:b.x a:b.x\"\nb.x A 192.0.2.1\n", NULL, SPF_PERMERROR, ""},
	{"4.6.4: networks do not count",
		"v=spf1 ip4:192.0.2.1 ip4:192.0.2.1 ip4:192.0.2.1 ip4:192.0.2.1 ip4:192.0.2.1 "
		"ip4:192.0.2.1 ip4:192.0.2.1 ip4:192.0.2.1 ip4:192.0.2.1 ip4:192.0.2.1 "
		"ip4:192.0.2.1 ip4:192.0.2.1 -all",
		NULL, NULL, SPF_FAIL, "-all"},
	{"4.6.4: two terms may find nothing", "v=spf1 a:n1.x a:n2.x -all", NULL, NULL, SPF_FAIL,
		"-all"},
	{"4.6.4: a third may not", "v=spf1 a:n1.x a:n2.x exists:n3.x -all", NULL, NULL,
		SPF_PERMERROR, ""},
	{"4.6.4: a name without data is nothing found", "v=spf1 a:m.x mx:m.x exists:m.x -all",
		"m.x TXT \"here\"\n", NULL, SPF_PERMERROR, ""},
	{"4.6.4: an MX whose hosts have no such address is one term", "v=spf1 mx -all", MX3,
		CLIENT6, SPF_FAIL, "-all"},
	{"4.6.4: ten hosts in an MX are too many", "v=spf1 mx -all",
		"example.org MX 1 a.x\nexample.org MX 1 b.x\nexample.org MX 1 c.x\n"
		"example.org MX 1 d.x\nexample.org MX 1 e.x\nexample.org MX 1 f.x\n"
		"example.org MX 1 g.x\nexample.org MX 1 h.x\nexample.org MX 1 i.x\n"
		"example.org MX 1 j.x\nexample.org MX 1 k.x\n",
		NULL, SPF_PERMERROR, ""},
	{"4.8: a domain-spec may be a macro alone", "v=spf1 a:%{h} -all",
		"mail.example.org A 192.0.2.10\n", NULL, SPF_PASS, "a:%{h}"},
	/* Section 5.1: all. */
	{"5.1: all takes no value", "v=spf1 -all:x.org", NULL, NULL, SPF_PERMERROR, ""},
	{"5.1: nothing behind all is evaluated", "v=spf1 -all a:slow.x", "slow.x timeout\n", NULL,
		SPF_FAIL, "-all"},
	{"5.1: a redirect beside all has no effect", "v=spf1 -all redirect=r.x",
		"r.x TXT \"v=spf1 +all\"\n", NULL, SPF_FAIL, "-all"},
	/* Section 5.2: include. */
	{"5.2: a pass matches", "v=spf1 include:i.x -all", "i.x TXT \"v=spf1 ip4:192.0.2.0/24\"\n",
		NULL, SPF_PASS, "include:i.x"},
	{"5.2: a pass takes the qualifier", "v=spf1 ~include:i.x -all", "i.x TXT \"v=spf1 +all\"\n",
		NULL, SPF_SOFTFAIL, "~include:i.x"},
	{"5.2: a fail does not match", "v=spf1 include:i.x ?all", "i.x TXT \"v=spf1 -all\"\n", NULL,
		SPF_NEUTRAL, "?all"},
	{"5.2: a softfail does not match", "v=spf1 include:i.x -all", "i.x TXT \"v=spf1 ~all\"\n",
		NULL, SPF_FAIL, "-all"},
	{"5.2: neutral does not match", "v=spf1 include:i.x -all", "i.x TXT \"v=spf1 ?all\"\n",
		NULL, SPF_FAIL, "-all"},
	{"5.2: none is an error", "v=spf1 include:i.x -all", "i.x A 192.0.2.1\n", NULL,
		SPF_PERMERROR, ""},
	{"5.2: an error is an error", "v=spf1 include:i.x -all", "i.x TXT \"v=spf1 x\"\n", NULL,
		SPF_PERMERROR, ""},
	{"5.2: a temporary error is one", "v=spf1 include:i.x -all", "i.x timeout\n", NULL,
		SPF_TEMPERROR, ""},
	{"5.2: needs a domain", "v=spf1 include -all", NULL, NULL, SPF_PERMERROR, ""},
	{"5.2: the record of an include may redirect", "v=spf1 include:i.x -all",
		"i.x TXT \"v=spf1 redirect=r.x\"\nr.x TXT \"v=spf1 +all\"\n", NULL, SPF_PASS,
		"include:i.x"},
	/* Section 5.3: a. */
	{"5.3: the domain's own address", "v=spf1 a -all", "example.org A 192.0.2.10\n", NULL,
		SPF_PASS, "a"},
	{"5.3: IPv6 clients need AAAA", "v=spf1 a -all",
		"example.org A 192.0.2.10\nexample.org AAAA 2001:db8::10\n", CLIENT6, SPF_PASS,
		"a"},
	{"5.3: a prefix", "v=spf1 a/28 -all", "example.org A 192.0.2.1\n", NULL, SPF_PASS, "a/28"},
	{"5.3: outside of a prefix", "v=spf1 a/30 -all", "example.org A 192.0.2.1\n", NULL,
		SPF_FAIL, "-all"},
	{"5.3: two prefixes", "v=spf1 a/32//64 -all", "example.org AAAA 2001:db8::ff\n", CLIENT6,
		SPF_PASS, "a/32//64"},
	{"5.3: /0 matches any address", "v=spf1 a/0 -all", "example.org A 198.51.100.1\n", NULL,
		SPF_PASS, "a/0"},
	{"5.3: /0 needs an address", "v=spf1 a/0 -all", "example.org AAAA 2001:db8::1\n", NULL,
		SPF_FAIL, "-all"},
	{"5.3: one of several addresses", "v=spf1 a -all",
		"example.org A 192.0.2.1\nexample.org A 192.0.2.10\n", NULL, SPF_PASS, "a"},
	{"5.3: a temporary fault", "v=spf1 a:slow.x -all", "slow.x A timeout\n", NULL,
		SPF_TEMPERROR, ""},
	/* Section 5.4: mx. */
	{"5.4: an address of a host", "v=spf1 mx -all", MX3, NULL, SPF_PASS, "mx"},
	{"5.4: a prefix", "v=spf1 mx/28 -all", MX3, "192.0.2.15", SPF_PASS, "mx/28"},
	{"5.4: /0 needs a host with an address", "v=spf1 mx/0 -all",
		"example.org MX 10 none.example.org\n", NULL, SPF_FAIL, "-all"},
	{"5.4: /0 matches any address", "v=spf1 mx/0 -all", MX3, "203.0.113.1", SPF_PASS, "mx/0"},
	{"5.4: the domain's address is no MX", "v=spf1 mx -all", "example.org A 192.0.2.10\n", NULL,
		SPF_FAIL, "-all"},
	{"5.4: the null MX has no address", "v=spf1 mx -all", "example.org MX 0 .\n", NULL,
		SPF_FAIL, "-all"},
	{"5.4: a temporary fault of a host", "v=spf1 mx -all",
		"example.org MX 10 slow.x\nslow.x timeout\n", NULL, SPF_TEMPERROR, ""},
	{"5.4: a fault behind the match does not count", "v=spf1 mx -all",
		MX3 "example.org MX 30 slow.x\nslow.x timeout\n", NULL, SPF_PASS, "mx"},
	/* Section 5.5: ptr. */
	{"5.5: a validated name below the domain", "v=spf1 ptr -all", PTR, NULL, SPF_PASS, "ptr"},
	{"5.5: another domain's name", "v=spf1 ptr:x.org -all", PTR, NULL, SPF_FAIL, "-all"},
	{"5.5: part of a label is not below", "v=spf1 ptr:st.example.org -all", PTR, NULL, SPF_FAIL,
		"-all"},
	{"5.5: a name without the address is not validated", "v=spf1 ptr -all",
		"10.2.0.192.in-addr.arpa PTR host.example.org\nhost.example.org A 192.0.2.11\n",
		NULL, SPF_FAIL, "-all"},
	{"5.5: a fault is no match", "v=spf1 ptr -all", "10.2.0.192.in-addr.arpa timeout\n", NULL,
		SPF_FAIL, "-all"},
	{"5.5: the fault of a name is no match", "v=spf1 ptr -all",
		PTR "10.2.0.192.in-addr.arpa PTR slow.example.org\nslow.example.org timeout\n",
		NULL, SPF_PASS, "ptr"},
	{"5.5: takes no prefix", "v=spf1 ptr/24 -all", PTR, NULL, SPF_PERMERROR, ""},
	/* Section 5.6: ip4, ip6. */
	{"5.6: an address", "v=spf1 ip4:192.0.2.10 -all", NULL, NULL, SPF_PASS, "ip4:192.0.2.10"},
	{"5.6: a network", "v=spf1 ip4:192.0.2.128/24 -all", NULL, NULL, SPF_PASS,
		"ip4:192.0.2.128/24"},
	{"5.6: odd prefixes", "v=spf1 ip4:192.0.2.12/29 -all", NULL, NULL, SPF_PASS, NULL},
	{"5.6: ... and their edge", "v=spf1 ip4:192.0.2.16/28 -all", NULL, NULL, SPF_FAIL, NULL},
	{"5.6: /0", "v=spf1 ip4:0.0.0.0/0 -all", NULL, NULL, SPF_PASS, NULL},
	{"5.6: /0 is of its family", "v=spf1 ip4:0.0.0.0/0 -all", NULL, CLIENT6, SPF_FAIL, NULL},
	{"5.6: IPv6", "v=spf1 ip6:2001:db8::/32 -all", NULL, CLIENT6, SPF_PASS, NULL},
	{"5.6: IPv6, odd prefixes", "v=spf1 ip6:2001:db8::18/123 -all", NULL, CLIENT6, SPF_PASS,
		NULL},
	{"5.6: ... and their edge", "v=spf1 ip6:2001:db8::20/124 -all", NULL, CLIENT6, SPF_FAIL,
		NULL},
	{"5: a mapped client is IPv4", "v=spf1 ip4:192.0.2.10 -all", NULL, "::ffff:192.0.2.10",
		SPF_PASS, NULL},
	{"5: a mapped network is none of IPv4", "v=spf1 ip6:::ffff:192.0.2.10 -all", NULL, NULL,
		SPF_FAIL, NULL},
	{"5: the loopback has no privilege", "v=spf1 -all", NULL, "127.0.0.1", SPF_FAIL, "-all"},
	{"5: nor has that of IPv6", "v=spf1 -all", NULL, "::1", SPF_FAIL, "-all"},
	{"5.6: no short addresses", "v=spf1 ip4:192.0.2 -all", NULL, NULL, SPF_PERMERROR, ""},
	{"5.6: no leading zeros", "v=spf1 ip4:192.0.2.010 -all", NULL, NULL, SPF_PERMERROR, ""},
	{"5.6: no prefix beyond 32", "v=spf1 ip4:192.0.2.0/33 -all", NULL, NULL, SPF_PERMERROR, ""},
	{"5.6: no prefix with a zero", "v=spf1 ip4:192.0.2.0/024 -all", NULL, NULL, SPF_PERMERROR,
		""},
	{"5.6: no prefix beyond 128", "v=spf1 ip6:2001:db8::/129 -all", NULL, NULL, SPF_PERMERROR,
		""},
	{"5.6: an address is needed", "v=spf1 ip4 -all", NULL, NULL, SPF_PERMERROR, ""},
	/* Section 5.7: exists. */
	{"5.7: any address", "v=spf1 exists:e.x -all", "e.x A 127.0.0.2\n", NULL, SPF_PASS,
		"exists:e.x"},
	{"5.7: asks for A, whatever the client is", "v=spf1 exists:e.x -all", "e.x A 127.0.0.2\n",
		CLIENT6, SPF_PASS, "exists:e.x"},
	{"5.7: AAAA is not A", "v=spf1 exists:e.x -all", "e.x AAAA ::1\n", CLIENT6, SPF_FAIL,
		"-all"},
	{"5.7: takes no prefix", "v=spf1 exists:e.x/24 -all", NULL, NULL, SPF_PERMERROR, ""},
	{"5.7: a temporary fault", "v=spf1 exists:slow.x -all", "slow.x timeout\n", NULL,
		SPF_TEMPERROR, ""},
	/* Section 6.1: redirect. */
	{"6.1: replaces the record", "v=spf1 redirect=r.x", "r.x TXT \"v=spf1 -all\"\n", NULL,
		SPF_FAIL, "-all"},
	{"6.1: stands anywhere", "v=spf1 redirect=r.x ip4:192.0.2.10", "r.x TXT \"v=spf1 -all\"\n",
		NULL, SPF_PASS, "ip4:192.0.2.10"},
	{"6.1: none is an error", "v=spf1 redirect=r.x", NULL, NULL, SPF_PERMERROR, ""},
	{"6.1: twice is an error", "v=spf1 redirect=r.x redirect=r.x", NULL, NULL, SPF_PERMERROR,
		""},
	{"6.1: takes no qualifier", "v=spf1 ?redirect=r.x", NULL, NULL, SPF_PERMERROR, ""},
	{"6.1: a temporary fault", "v=spf1 redirect=slow.x", "slow.x timeout\n", NULL,
		SPF_TEMPERROR, ""},
	{"6.1: the domain of a redirect is the new %{d}", "v=spf1 redirect=r.x",
		"r.x TXT \"v=spf1 a:%{d} -all\"\nr.x A 192.0.2.10\n", NULL, SPF_PASS, "a:%{d}"},
	{"6.1: no name of several labels is an error", "v=spf1 redirect=%{v}", NULL, NULL,
		SPF_PERMERROR, ""},
	/* Section 6: other modifiers. */
	{"6: unknown modifiers have no effect", "v=spf1 x-.1=%{d}/%{t} -all", NULL, NULL, SPF_FAIL,
		"-all"},
	{"6: but must be well-formed", "v=spf1 x=%{z} -all", NULL, NULL, SPF_PERMERROR, ""},
	{"6: a name begins with a letter", "v=spf1 1x=y -all", NULL, NULL, SPF_PERMERROR, ""},
	{"6.2: exp twice is an error", "v=spf1 exp=e.x exp=e.x -all", NULL, NULL, SPF_PERMERROR,
		""},
	{"6.2: exp needs a domain", "v=spf1 exp= -all", NULL, NULL, SPF_PERMERROR, ""},
	/* Section 7.1 and 12: syntax. */
	{"7.1: c, r and t are for explanations", "v=spf1 exists:%{t}.x -all", NULL, NULL,
		SPF_PERMERROR, ""},
	{"7.1: a last label of digits", "v=spf1 a:192.0.2.10 -all", NULL, NULL, SPF_PERMERROR, ""},
	{"7.1: a last label with a hyphen at its end", "v=spf1 a:x.org- -all", NULL, NULL,
		SPF_PERMERROR, ""},
	{"7.1: one label", "v=spf1 a:museum -all", NULL, NULL, SPF_PERMERROR, ""},
	{"7.1: a last dot", "v=spf1 a:x.org. -all", "x.org A 192.0.2.10\n", NULL, SPF_PASS,
		"a:x.org."},
	{"7.1: a %", "v=spf1 a:x%.org -all", NULL, NULL, SPF_PERMERROR, ""},
	{"7.1: a macro that is not closed", "v=spf1 a:%{d -all", NULL, NULL, SPF_PERMERROR, ""},
	{"7.1: a NUL", NULL, "example.org TXT \"v=spf1 a:x\\000.org -all\"\n", NULL, SPF_PERMERROR,
		""},
	{"7.1: a NUL in a macro", NULL, "example.org TXT \"v=spf1 a:%{d\\000} -all\"\n", NULL,
		SPF_PERMERROR, ""},
	{"12: an 8-bit octet", NULL, "example.org TXT \"v=spf1 a:x\\228.org -all\"\n", NULL,
		SPF_PERMERROR, ""},
	{"12: a tab is no space", NULL, "example.org TXT \"v=spf1 a\\009-all\"\n", NULL,
		SPF_PERMERROR, ""},
	{"12: many spaces are one", "v=spf1   -all  ", NULL, NULL, SPF_FAIL, "-all"},
	/* Section 4.8: names that DNS cannot have. */
	{"4.8: an empty label matches nothing", "v=spf1 a:x..org -all", NULL, NULL, SPF_FAIL,
		"-all"},
	{"4.8: a label of 64 octets matches nothing",
		"v=spf1 a:0123456789012345678901234567890123456789012345678901234567890123.org "
		"-all",
		NULL, NULL, SPF_FAIL, "-all"},
	{"4.8: a label of 63 octets is one",
		"v=spf1 a:012345678901234567890123456789012345678901234567890123456789012.org -all",
		"012345678901234567890123456789012345678901234567890123456789012.org A "
		"192.0.2.10\n",
		NULL, SPF_PASS, NULL},
};

START_TEST(rule)
{
	const char *client = results[_i].client == NULL ? CLIENT : results[_i].client;
	struct spf_result r;

	check(results[_i].record, results[_i].zone, client, "mail.example.org", "ann@example.org",
		&r);
	ck_assert_msg(r.code == results[_i].code, "%s: %s (%s)", results[_i].rule,
		spf_code_name(r.code), r.problem);
	if (results[_i].mechanism != NULL)
		ck_assert_msg(strcmp(r.mechanism, results[_i].mechanism) == 0, "%s: \"%s\"",
			results[_i].rule, r.mechanism);
	ck_assert_msg((r.problem[0] != '\0') == (r.code == SPF_NONE || r.code == SPF_TEMPERROR ||
							r.code == SPF_PERMERROR),
		"%s: \"%s\"", results[_i].rule, r.problem);
}
END_TEST

/* --- explanations --------------------------------------------------------------------------------
 */

static const struct {
	const char *rule, *record, *zone, *explanation;
} explanations[] = {
	{"6.2: a fail is explained", "v=spf1 exp=e.x -all", "e.x TXT \"Not %{i} for %{d}\"\n",
		"Not 192.0.2.10 for example.org"},
	{"6.2: the domain may hold macros", "v=spf1 exp=%{l}.%{d} -all",
		"ann.example.org TXT \"Ann\"\n", "Ann"},
	{"6.2: strings are joined", "v=spf1 exp=e.x -all", "e.x TXT \"a b\" \"c\"\n", "a bc"},
	{"6.2: a softfail is not", "v=spf1 exp=e.x ~all", "e.x TXT \"No\"\n", ""},
	{"6.2: an error is not", "v=spf1 exp=e.x x", "e.x TXT \"No\"\n", ""},
	{"6.2: no such name", "v=spf1 exp=e.x -all", NULL, ""},
	{"6.2: a fault of DNS changes nothing", "v=spf1 exp=e.x -all", "e.x timeout\n", ""},
	{"6.2: two texts", "v=spf1 exp=e.x -all", "e.x TXT \"a\"\ne.x TXT \"b\"\n", ""},
	{"6.2: a wrong macro", "v=spf1 exp=e.x -all", "e.x TXT \"see %(d)\"\n", ""},
	{"6.2: an octet that is not ASCII", "v=spf1 exp=e.x -all", "e.x TXT \"f\\195\\188r\"\n",
		""},
	{"6.2: control characters", "v=spf1 exp=e.x -all", "e.x TXT \"a\\013\\010b\"\n", ""},
	{"6.2: that of an include does not count", "v=spf1 include:i.x -all",
		"i.x TXT \"v=spf1 exp=e.x -all\"\ne.x TXT \"Not mine\"\n", ""},
	{"6.2: that of the including record does", "v=spf1 include:i.x exp=o.x -all",
		"i.x TXT \"v=spf1 exp=e.x -all\"\ne.x TXT \"Not mine\"\no.x TXT \"Mine\"\n",
		"Mine"},
	{"6.2: that of an include's include does not", "v=spf1 include:i.x -all",
		"i.x TXT \"v=spf1 exp=e.x include:j.x ?all\"\nj.x TXT \"v=spf1 -all\"\n"
		"e.x TXT \"Not mine\"\n",
		""},
	{"6.2: that of a redirect does", "v=spf1 redirect=r.x exp=o.x",
		"r.x TXT \"v=spf1 exp=e.x -all\"\ne.x TXT \"Of %{d}, for %{o}\"\no.x TXT \"Old\"\n",
		"Of r.x, for example.org"},
	{"6.2: a redirect without one has none", "v=spf1 redirect=r.x exp=o.x",
		"r.x TXT \"v=spf1 -all\"\no.x TXT \"Old\"\n", ""},
	{"7.2: macros for explanations", "v=spf1 exp=e.x -all", "e.x TXT \"%{c} %{r} %{t}\"\n",
		"192.0.2.10 unknown 0"},
	{"7.2: signs", "v=spf1 exp=e.x -all", "e.x TXT \"100%% a%_b%-c\"\n", "100% a b%20c"},
	{"7.3: the name of the client, unknown", "v=spf1 exp=e.x -all", "e.x TXT \"%{p}\"\n",
		"unknown"},
	{"7.3: the name of the client", "v=spf1 exp=e.x -all", PTR "e.x TXT \"%{p}\"\n",
		"host.example.org"},
	{"7.3: the domain's own name goes first", "v=spf1 exp=e.x -all",
		PTR "10.2.0.192.in-addr.arpa PTR example.org\nexample.org A 192.0.2.10\n"
		    "e.x TXT \"%{p}\"\n",
		"example.org"},
	{"7.3: then names below it", "v=spf1 exp=e.x -all",
		"10.2.0.192.in-addr.arpa PTR other.net\nother.net A 192.0.2.10\n" PTR
		"e.x TXT \"%{p}\"\n",
		"host.example.org"},
};

START_TEST(explanation)
{
	struct spf_result r;

	check(explanations[_i].record, explanations[_i].zone, CLIENT, "mail.example.org",
		"ann@example.org", &r);
	ck_assert_msg(strcmp(r.explanation, explanations[_i].explanation) == 0, "%s: \"%s\"",
		explanations[_i].rule, r.explanation);
}
END_TEST

/* --- identities ----------------------------------------------------------------------------------
 */

static const struct {
	const char *rule, *helo, *sender;
	enum spf_code code;
	const char *explanation;
} identities[] = {
	{"2.4: the sender's domain", "h.example.net", "ann@example.org", SPF_FAIL,
		"ann@example.org example.org"},
	{"2.4: a null sender is the postmaster of the HELO name", "example.org", "", SPF_FAIL,
		"postmaster@example.org example.org"},
	{"4.3: no local part is the postmaster", "h.x", "@example.org", SPF_FAIL,
		"postmaster@example.org example.org"},
	{"4.3: a last dot", "h.x", "ann@example.org.", SPF_FAIL, "ann@example.org example.org"},
	{"4.3: case does not matter", "h.x", "ann@EXAMPLE.org", SPF_FAIL,
		"ann@EXAMPLE.org EXAMPLE.org"},
	{"4.3: one label", "localhost", "", SPF_NONE, ""},
	{"4.3: one label and a dot", "org.", "", SPF_NONE, ""},
	{"4.3: an address literal", "[192.0.2.1]", "", SPF_NONE, ""},
	{"4.3: an IPv6 literal", "[IPv6:2001:db8::1.2.3.4]", "", SPF_NONE, ""},
	{"4.3: an address", "192.0.2.1", "", SPF_NONE, ""},
	{"4.3: nothing", "", "", SPF_NONE, ""},
	{"4.3: an empty label", "example..org", "", SPF_NONE, ""},
	{"4.3: an octet that is not ASCII", "h.x", "ann@ex\xc3\xa4mple.org", SPF_NONE, ""},
	{"4.3: a blank", "example.org x", "", SPF_NONE, ""},
};

START_TEST(identity)
{
	struct spf_result r;

	check("v=spf1 exp=e.x -all", "e.x TXT \"%{s} %{d}\"\n", CLIENT, identities[_i].helo,
		identities[_i].sender, &r);
	ck_assert_msg(r.code == identities[_i].code, "%s: %s", identities[_i].rule,
		spf_code_name(r.code));
	ck_assert_msg(strcmp(r.explanation, identities[_i].explanation) == 0, "%s: \"%s\"",
		identities[_i].rule, r.explanation);
	if (r.code == SPF_NONE)
		ck_assert_uint_eq(r.questions, 0);
}
END_TEST

START_TEST(client_without_address_is_none)
{
	struct spf_result r;

	check("v=spf1 -all", NULL, "", "mail.example.org", "ann@example.org", &r);
	ck_assert_int_eq(r.code, SPF_NONE);
	ck_assert_uint_eq(r.questions, 0);
}
END_TEST

static const struct cm_dns_answer *
give_up(void *ctx, const char *name, enum cm_dns_type type)
{
	static const struct cm_dns_answer given_up = {.status = CM_DNS_CANCELLED, .name = ""};

	(void)ctx;
	(void)name;
	(void)type;
	return &given_up;
}

/* The MTA hung up, or the daemon ends: a zone file has no word for that. */
START_TEST(question_that_was_given_up_is_a_temporary_error)
{
	const struct spf_dns dns = {.lookup = give_up};
	const struct spf_query query = {.ip = CLIENT,
		.local = "ann",
		.domain = "example.org",
		.helo = "mail.example.org",
		.receiver = "unknown",
		.dns = &dns};
	struct spf_result r;

	spf_check(&query, &r);
	ck_assert_int_eq(r.code, SPF_TEMPERROR);
	ck_assert_str_eq(r.problem, "example.org TXT: the question was given up");
}
END_TEST

/* --- costs ---------------------------------------------------------------------------------------
 */

static const struct {
	const char *name, *record, *zone;
	enum spf_code code;
	unsigned lookups, voids, questions;
} costs[] = {
	{"networks cost the record alone", "v=spf1 ip4:192.0.2.10 a mx -all", NULL, SPF_PASS, 0, 0,
		1},
	{"each term is one", "v=spf1 a:b.x include:i.x -all",
		"b.x A 192.0.2.1\ni.x TXT \"v=spf1 exists:n.x\"\n", SPF_FAIL, 3, 1, 4},
	{"an MX asks for its hosts", "v=spf1 mx -all", MX3, SPF_PASS, 1, 0, 4},
	{"names of the client are found once", "v=spf1 ptr:x.org exists:%{p}.x ptr -all", PTR,
		SPF_PASS, 3, 1, 4},
	{"an explanation is one question, and no term", "v=spf1 exp=n.x -all", NULL, SPF_FAIL, 0, 0,
		2},
	{"names that cannot be are not asked for", "v=spf1 a:x..org -all", NULL, SPF_FAIL, 1, 0, 1},
};

START_TEST(cost)
{
	struct spf_result r;

	check(costs[_i].record, costs[_i].zone, CLIENT, "mail.example.org", "ann@example.org", &r);
	ck_assert_msg(r.code == costs[_i].code && r.lookups == costs[_i].lookups &&
			      r.voids == costs[_i].voids && r.questions == costs[_i].questions,
		"%s: %s, %u lookups, %u voids, %u questions", costs[_i].name, spf_code_name(r.code),
		r.lookups, r.voids, r.questions);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spf_check");
	TCase *t = tcase_create("spf_check");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, rule, 0, LENGTH(results));
	tcase_add_loop_test(t, explanation, 0, LENGTH(explanations));
	tcase_add_loop_test(t, identity, 0, LENGTH(identities));
	tcase_add_test(t, client_without_address_is_none);
	tcase_add_test(t, question_that_was_given_up_is_a_temporary_error);
	tcase_add_loop_test(t, cost, 0, LENGTH(costs));
	suite_add_tcase(s, t);
	return table_run(s);
}
