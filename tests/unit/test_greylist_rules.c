/* SPDX-License-Identifier: MIT */
/*
 * test_greylist_rules.c - what a visit makes of a record, and where records are kept
 */
#include "../../plugins/greylist/greylist.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

#define NOW INT64_C(1800000000)
#define US  GREYLIST_SECOND

static const struct greylist_config config = {
	.delay_us = 300 * US,
	.window_us = 14400 * US,
	.remember_us = 3000000 * US,
	.prefix_v4 = 24,
	.prefix_v6 = 64,
};

static const struct {
	const char *name;
	bool there;
	int64_t first, last; /* seconds ago */
	uint32_t passes;
	enum greylist_outcome outcome;
	int64_t wait, ttl; /* seconds */
	uint32_t passes_then;
} visits[] = {
	{"nobody knows it", false, 0, 0, 0, GREYLIST_NEW, 300, 14400, 0},
	{"it comes back at once", true, 0, 0, 0, GREYLIST_EARLY, 300, 0, 0},
	{"a second too early", true, 299, 299, 0, GREYLIST_EARLY, 1, 0, 0},
	{"just in time", true, 300, 300, 0, GREYLIST_PASSED, 0, 3000000, 1},
	{"at the end of the window", true, 14400, 14400, 0, GREYLIST_PASSED, 0, 3000000, 1},
	{"a second too late", true, 14401, 14401, 0, GREYLIST_NEW, 300, 14400, 0},
	{"it has passed, not long ago", true, 5000, 4000, 1, GREYLIST_KNOWN, 0, 0, 1},
	{"it has passed a sixteenth ago", true, 187500, 187500, 1, GREYLIST_KNOWN, 0, 0, 1},
	{"a second more", true, 187501, 187501, 1, GREYLIST_KNOWN, 0, 3000000, 2},
	{"long ago, and was here since", true, 9000000, 2999999, 7, GREYLIST_KNOWN, 0, 3000000, 8},
	{"too long ago", true, 9000000, 3000001, 7, GREYLIST_NEW, 300, 14400, 0},
	{"the clock was set back", true, -3600, -3600, 0, GREYLIST_NEW, 300, 14400, 0},
	{"the clock was set back, and it has passed", true, -3600, -3600, 1, GREYLIST_KNOWN, 0,
		3000000, 2},
	{"the clock was set forward", true, 86400, 86400, 0, GREYLIST_NEW, 300, 14400, 0},
};

START_TEST(visit_is_judged)
{
	struct greylist_record r = {
		visits[_i].there, NOW - visits[_i].first, NOW - visits[_i].last, visits[_i].passes};
	int64_t wait, ttl;
	enum greylist_outcome outcome = greylist_decide(&config, &r, NOW, &wait, &ttl);

	ck_assert_msg(
		outcome == visits[_i].outcome, "%s: %s", visits[_i].name, greylist_names[outcome]);
	ck_assert_msg(wait == visits[_i].wait, "%s: %lld", visits[_i].name, (long long)wait);
	ck_assert_msg(ttl == visits[_i].ttl * US, "%s", visits[_i].name);
	ck_assert_uint_eq(r.passes, visits[_i].passes_then);
	if (outcome == GREYLIST_NEW)
		ck_assert_int_eq(r.first, NOW);
}
END_TEST

START_TEST(record_survives_its_octets)
{
	struct greylist_record r = {true, NOW, NOW + 1, 7}, back;
	unsigned char octets[GREYLIST_RECORD];

	greylist_encode(&r, octets);
	greylist_decode(&back, octets, sizeof(octets));
	ck_assert(back.there);
	ck_assert_int_eq(back.first, NOW);
	ck_assert_int_eq(back.last, NOW + 1);
	ck_assert_uint_eq(back.passes, 7);
	for (size_t len = 0; len < sizeof(octets); len++) {
		greylist_decode(&back, octets, len);
		ck_assert(!back.there);
	}
	octets[0]++;
	greylist_decode(&back, octets, sizeof(octets));
	ck_assert(!back.there);
}
END_TEST

/* Machines of any byte order share a store. */
START_TEST(record_is_the_same_on_every_machine)
{
	static const unsigned char wanted[GREYLIST_RECORD] = {1, 0x08, 0x07, 0x06, 0x05, 0x04, 0, 0,
		0, 0x09, 0x07, 0x06, 0x05, 0x04, 0, 0, 0, 0x44, 0x33, 0x22, 0x11};
	struct greylist_record r = {true, 0x0405060708, 0x0405060709, 0x11223344};
	unsigned char octets[GREYLIST_RECORD];

	greylist_encode(&r, octets);
	ck_assert_mem_eq(octets, wanted, sizeof(wanted));
}
END_TEST

/* Whoever can write into the store must not make us calculate with such times. */
START_TEST(record_of_no_time_is_none)
{
	const int at[] = {1, 9};
	unsigned char octets[GREYLIST_RECORD];
	struct greylist_record r = {true, NOW, NOW, 1};

	greylist_encode(&r, octets);
	octets[at[_i] + 7] = 0x80;
	greylist_decode(&r, octets, sizeof(octets));
	ck_assert(!r.there);
}
END_TEST

static const struct {
	const char *name;
	bool there;
	uint32_t passes;
	int64_t after;
	bool allowed;
} sources[] = {
	{"nobody knows it", false, 9, 3, false},
	{"two of three", true, 2, 3, false},
	{"three of three", true, 3, 3, true},
	{"as many as you like, and it is off", true, 1000, 0, false},
	{"a person has allowed it, and it is off", true, GREYLIST_FOR_EVER, 0, true},
};

START_TEST(source_is_allowed)
{
	struct greylist_config c = config;
	struct greylist_record from = {sources[_i].there, NOW, NOW, sources[_i].passes};

	c.allow_after = sources[_i].after;
	ck_assert_msg(greylist_allowed(&c, &from) == sources[_i].allowed, "%s", sources[_i].name);
}
END_TEST

/* remember is 3,000,000 s, a sixteenth of it 187,500 s. */
static const struct {
	const char *name;
	int64_t last; /* seconds ago */
	uint32_t passes;
	bool renewed;
} renewals[] = {
	{"just now", 0, 5, false},
	{"at a sixteenth of its time", 187500, 5, false},
	{"behind that", 187501, 5, true},
	{"the clock was set back", -1, 5, true},
	{"what a person has allowed ends when he said", 187501, GREYLIST_FOR_EVER, false},
};

START_TEST(allowance_is_renewed)
{
	struct greylist_record from = {true, 0, NOW - renewals[_i].last, renewals[_i].passes};
	bool renewed = greylist_renew(&config, &from, NOW);

	ck_assert_msg(renewed == renewals[_i].renewed, "%s", renewals[_i].name);
	ck_assert_int_eq(from.last, renewed ? NOW : NOW - renewals[_i].last);
}
END_TEST

static const struct {
	const char *sender, *same;
} senders[] = {
	{"<>", "<>"},
	{"", ""},
	{"ann@example.org", "ann@example.org"},
	{"Ann.Lee+x@example.org", "Ann.Lee+x@example.org"},
	{"bob2@example.org", "bob2@example.org"},
	{"123456@example.org", "123456@example.org"},
	{"deadbeef01@example.org", "deadbeef01@example.org"},
	{"only-local-42", "only-local-#"},
	/* VERP: the number of the message, and the recipient. */
	{"list-return-1234-bob=example.com@example.org",
		"list-return-#-bob=example.com@example.org"},
	{"bounces+12-ab34-bob=example.com@example.org", "bounces+#-#-bob=example.com@example.org"},
	{"0100018c2f9b4e11-8f1a3b2c-6a7b-4d5e-9f10-abcdef012345-000000@example.org",
		"#-#-#-#-#-#-#@example.org"},
	/* A group of a UUID has no figure now and then. */
	{"0100018c2f9b4e11-8f1a3b2c-6a7b-face-beef-abcdef012345-000000@example.org",
		"#-#-#-#-#-#-#@example.org"},
	{"x-deadbeef-6a7b-face-beef-abcdefabcdef@example.org", "x-#-#-#-#-#@example.org"},
	{"x-deadbeef-6a7b-face-beef-abcdefabcdefa@example.org",
		"x-deadbeef-#-face-beef-abcdefabcdefa@example.org"},
	/* Nobody's number is that long (Amazon). */
	{"20240115101502f3a0b2c1d4e54f6a8b7c9d0e1f2a3b4c@example.org", "#@example.org"},
	{"0123456789abcdef01234567@example.org", "#@example.org"},
	{"0123456789abcdef0123456@example.org", "0123456789abcdef0123456@example.org"},
	{"facade-effaced@example.org", "facade-effaced@example.org"},
	{"a-dad1@example.org", "a-#@example.org"},
	{"a-ad1@example.org", "a-ad1@example.org"},
	{"a-bob1@example.org", "a-bob1@example.org"},
	{"\"x 12 y\"@example.org", "\"x # y\"@example.org"},
	/* The domain is not looked at. */
	{"a-1@12.example.org", "a-#@12.example.org"},
	{"\"a@1\"@12.example.org", "\"a@#\"@12.example.org"},
	/* BATV. */
	{"prvs=3456abcdef=ann@example.org", "ann@example.org"},
	{"PRVS=3456abcdef=ann.lee@example.org", "ann.lee@example.org"},
	{"btv1==345abc6def7==ann@example.org", "ann@example.org"},
	{"msprvs1=19000abcdefg=bounces-123-4@example.org", "bounces-#-#@example.org"},
	{"prvs=3456abcdef=12345@example.org", "12345@example.org"},
	{"prvs=3456abcdef=@example.org", "prvs=#=@example.org"},
	{"prvs=@x=y", "prvs=@x=y"},
	/* SRS. */
	{"SRS0=Hz9k=VX=example.net=ann@example.org", "SRS0=#=#=example.net=ann@example.org"},
	{"srs0=Qa1b=2A=example.net=ann@example.org", "srs0=#=#=example.net=ann@example.org"},
	{"SRS1=uvw=example.net==Hz9k=VX=example.com=ann@example.org",
		"SRS1=#=example.net==#=#=example.com=ann@example.org"},
	/* With other separators behind the tag (postsrsd), and Microsoft's. */
	{"SRS0+Hz9k=VX=example.net=ann@example.org", "SRS0+#=#=example.net=ann@example.org"},
	{"srs0-Qa1b=2A=example.net=ann@example.org", "srs0-#=#=example.net=ann@example.org"},
	{"jane+SRS=zQ7lk=IX=example.net=ann@example.org",
		"jane+SRS=#=#=example.net=ann@example.org"},
	{"bounces+SRS=44ldt=IX@example.org", "bounces+SRS=#=#@example.org"},
	{"x+SRS@example.org", "x+SRS@example.org"},
	{"a@x+SRS=b=c", "a@x+SRS=b=c"},
	{"SRS0=@example.org", "SRS0=@example.org"},
	{"SRS0=a", "SRS0=#"},
};

START_TEST(sender_stays_the_same)
{
	const char *sender = senders[_i].sender;
	size_t size = strlen(sender) + 1;
	char *out = malloc(size);

	greylist_sender(sender, out, size);
	ck_assert_str_eq(out, senders[_i].same);
	free(out);
}
END_TEST

static const struct {
	const char *ip, *network; /* NULL: no address */
} networks[] = {
	{"203.0.113.77", "203.0.113.0/24"},
	{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
	{"::1", "::/64"},
	{"nonsense", NULL},
	{"", NULL},
};

START_TEST(client_has_a_network)
{
	char out[100];
	bool good = greylist_network(&config, networks[_i].ip, out, sizeof(out));

	ck_assert_msg(good == (networks[_i].network != NULL), "%s", networks[_i].ip);
	if (good)
		ck_assert_str_eq(out, networks[_i].network);
}
END_TEST

static const struct {
	const char *ip, *site;
	int64_t v4, v6; /* prefixes that count */
} sites[] = {
	{"203.0.113.77", "203.0.113.0/24", 24, 64},
	{"203.0.113.77", "203.0.113.0/24", 32, 64},
	{"203.0.113.77", "203.0.0.0/16", 16, 64},
	{"2001:db8:1:2:3:4:5:6", "2001:db8:1::/48", 24, 64},
	{"2001:db8:1:2:3:4:5:6", "2001:db8::/32", 24, 32},
	{"nonsense", NULL, 24, 64},
};

START_TEST(client_has_a_site)
{
	const struct greylist_config c = {.prefix_v4 = sites[_i].v4, .prefix_v6 = sites[_i].v6};
	char out[100];
	bool good = greylist_site(&c, sites[_i].ip, out, sizeof(out));

	ck_assert_msg(good == (sites[_i].site != NULL), "%s", sites[_i].ip);
	if (good)
		ck_assert_str_eq(out, sites[_i].site);
}
END_TEST

static const struct {
	const char *term;
	bool anywhere;
} terms[] = {
	{"all", true},
	{"+ALL", true},
	{"ip4:0.0.0.0/0", true},
	{"ip4:128.0.0.0/1", true},
	{"+ip6:2000::/3", true},
	{"a/0", true},
	{"mx:example.org/7//64", true},
	{"a:example.org//0", true},
	{"ip4:16.0.0.0/8", false},
	{"ip4:203.0.113.0/24", false},
	{"ip4:203.0.113.1", false},
	{"ip6:2001:db8::/32", false},
	{"a//64", false},
	{"include:all", false},
	{"a:all.example.org", false},
	{"exists:%{i}/x.example.org", false},
	{"", false},
};

START_TEST(term_matches_anybody)
{
	ck_assert_msg(greylist_matches_anybody(terms[_i].term) == terms[_i].anywhere, "%s",
		terms[_i].term);
}
END_TEST

START_TEST(odd_prefixes_are_masked)
{
	struct greylist_config odd = config;
	char out[100];

	odd.prefix_v4 = 19;
	ck_assert(greylist_network(&odd, "203.0.127.77", out, sizeof(out)));
	ck_assert_str_eq(out, "203.0.96.0/19");
	odd.prefix_v4 = 32;
	ck_assert(greylist_network(&odd, "203.0.127.77", out, sizeof(out)));
	ck_assert_str_eq(out, "203.0.127.77/32");
}
END_TEST

START_TEST(key_says_what_it_is_of)
{
	const char *const parts[] = {"203.0.113.0/24", "a/b%c d@example.org", "\x01\xff"};
	char key[GREYLIST_KEY_SIZE], part[GREYLIST_PART_SIZE];

	greylist_key(key, "grey", "triple", parts, 3);
	ck_assert_str_eq(
		key, "greylist/grey/triple/203.0.113.0%2f24/a%2fb%25c%20d@example.org/%01%ff");
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(greylist_part(key, 3 + i, part));
		ck_assert_str_eq(part, parts[i]);
	}
	ck_assert(greylist_written_part(key, 3, part));
	ck_assert_str_eq(part, "203.0.113.0%2f24");
	ck_assert(!greylist_part(key, 6, part));
	ck_assert(!greylist_written_part(key, 6, part));
}
END_TEST

START_TEST(key_of_nothing_is_where_all_begin)
{
	struct greylist_keys keys;
	char key[GREYLIST_KEY_SIZE];

	greylist_key(key, "g/x", "", NULL, 0);
	ck_assert_str_eq(key, "greylist/g%2fx/");
	greylist_keys(&keys, "g/x", "example.org", "<>");
	greylist_key_of(key, &keys, GREYLIST_KEY_FROM);
	ck_assert_str_eq(key, "greylist/g%2fx/from/example.org");
	greylist_key_of(key, &keys, GREYLIST_KEY_PASSED);
	ck_assert_str_eq(key, "greylist/g%2fx/passed/example.org");
	greylist_keys_rcpt(&keys, "somebody.else@example.com");
	greylist_keys_rcpt(&keys, "b@example.com");
	greylist_key_of(key, &keys, GREYLIST_KEY_TRIPLE);
	ck_assert_str_eq(key, "greylist/g%2fx/triple/example.org/<>/b@example.com");
	greylist_key_of(key, &keys, GREYLIST_KEY_CLAIM);
	ck_assert_str_eq(key, "greylist/g%2fx/claim/example.org/<>/b@example.com");
}
END_TEST

static const struct {
	const char *name;
	char c;
	size_t count, begin; /* octets of the part in front of its hash; 0: there is none */
} long_parts[] = {
	{"what fits is as it is", 'a', 128, 0},
	{"one more is hashed", 'a', 129, 128},
	{"as long as you like", 'a', 10000, 128},
	{"escapes that fit", '/', 42, 0},
	{"no escape is cut", '/', 43, 126},
	{"many escapes", '\xff', 3000, 126},
};

START_TEST(long_part_is_hashed)
{
	size_t count = long_parts[_i].count, begin = long_parts[_i].begin;
	char *text = malloc(count + 1), part[GREYLIST_PART_SIZE], other[GREYLIST_PART_SIZE];

	memset(text, long_parts[_i].c, count);
	text[count] = '\0';
	greylist_write_part(part, text);
	text[count - 1]++;
	greylist_write_part(other, text);
	ck_assert_msg(strcmp(part, other) != 0, "%s", long_parts[_i].name);
	if (begin > 0) {
		ck_assert_uint_eq(strlen(part), begin + 17);
		ck_assert_int_eq(part[begin], '~');
		ck_assert_mem_eq(part, other, begin);
	} else {
		ck_assert_ptr_null(strchr(part, '~'));
	}
	free(text);
}
END_TEST

START_TEST(longest_key_fits)
{
	char text[5000], key[GREYLIST_KEY_SIZE], part[GREYLIST_PART_SIZE];
	const char *const parts[] = {text, text, text};

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	greylist_key(key, text, "triple", parts, 3);
	ck_assert_uint_lt(strlen(key), sizeof(key) - 1);
	greylist_write_part(part, text);
	ck_assert_str_eq(strrchr(key, '/') + 1, part);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("greylist_rules");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, visit_is_judged, 0, LENGTH(visits));
	tcase_add_test(tc, record_survives_its_octets);
	tcase_add_test(tc, record_is_the_same_on_every_machine);
	tcase_add_loop_test(tc, record_of_no_time_is_none, 0, 2);
	tcase_add_loop_test(tc, source_is_allowed, 0, LENGTH(sources));
	tcase_add_loop_test(tc, allowance_is_renewed, 0, LENGTH(renewals));
	tcase_add_loop_test(tc, sender_stays_the_same, 0, LENGTH(senders));
	tcase_add_loop_test(tc, client_has_a_network, 0, LENGTH(networks));
	tcase_add_loop_test(tc, client_has_a_site, 0, LENGTH(sites));
	tcase_add_loop_test(tc, term_matches_anybody, 0, LENGTH(terms));
	tcase_add_test(tc, odd_prefixes_are_masked);
	tcase_add_test(tc, key_says_what_it_is_of);
	tcase_add_test(tc, key_of_nothing_is_where_all_begin);
	tcase_add_loop_test(tc, long_part_is_hashed, 0, LENGTH(long_parts));
	tcase_add_test(tc, longest_key_fits);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
