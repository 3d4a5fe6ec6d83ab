/* SPDX-License-Identifier: MIT */
/*
 * test_greylist_rules.c - what a visit makes of a record, and where records are kept
 */
#include "../../plugins/greylist/greylist.h"

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
	{"it has passed", true, 5000, 4000, 1, GREYLIST_KNOWN, 0, 3000000, 2},
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
	char key[GREYLIST_KEY_SIZE], part[64], longest[GREYLIST_KEY_SIZE];

	ck_assert(greylist_key(key, "grey", "triple", parts, 3));
	ck_assert_str_eq(
		key, "greylist/grey/triple/203.0.113.0%2f24/a%2fb%25c%20d@example.org/%01%ff");
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(greylist_part(key, 3 + i, part, sizeof(part)));
		ck_assert_str_eq(part, parts[i]);
	}
	ck_assert(!greylist_part(key, 6, part, sizeof(part)));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(!greylist_key(key, "grey", "triple", (const char *const[]){longest}, 1));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("greylist_rules");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, visit_is_judged, 0, LENGTH(visits));
	tcase_add_test(tc, record_survives_its_octets);
	tcase_add_loop_test(tc, client_has_a_network, 0, LENGTH(networks));
	tcase_add_test(tc, odd_prefixes_are_masked);
	tcase_add_test(tc, key_says_what_it_is_of);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
