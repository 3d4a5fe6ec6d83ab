/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_flip.c - one bit of a signed message is another: it never passes
 */
#include <ctype.h>

#include "dkim_sign.h"
#include "table.h"

static const char letter[] = "From: ann@example.org\r\nSubject: hi there\r\n\r\nHello Bob\r\n";

static const struct {
	const struct dkim_engine *engine;
	const char *canon;
	bool relaxed;
} ways[] = {
	{&dkim_native, "simple/simple", false},
	{&dkim_native, "relaxed/relaxed", true},
	{&dkim_opendkim, "simple/simple", false},
	{&dkim_opendkim, "relaxed/relaxed", true},
};

/* All but b= and what follows it on its line. */
static bool
covered(const char *text, const char *at)
{
	const char *b = strstr(text, "\tb=");

	return at < b || at >= strstr(b, "\r\n");
}

/* Up to the end of its last field. */
static bool
in_header(const char *text, const char *at)
{
	return at < strstr(text, "\r\n\r\n") + 2;
}

static bool
in_name(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n' && at[-1] != ':')
		at--;
	return at == text || (at[-1] == '\n' && at[0] != '\t');
}

/* libopendkim takes more for white space than the standard does. */
static bool
is_blank(const struct dkim_engine *e, char c)
{
	return taglist_blank(c) || (e == &dkim_opendkim && isspace((unsigned char)c));
}

/* Relaxed, the case of a name is nothing, nor is which white space of a header it is. */
static bool
matters(const struct dkim_engine *e, const char *text, const char *at, int bit)
{
	char now = (char)(*at ^ (1 << bit));

	if (!in_header(text, at))
		return true;
	return !(is_blank(e, *at) && is_blank(e, now)) && !(bit == 5 && in_name(text, at));
}

static bool
passes(const char *text, size_t len, const struct dkim_engine *e, const struct dkim_case_key *key)
{
	struct dkim_case c;

	dkim_case_init(&c, text, len, true);
	dkim_case_verify(&c, e, "example.org", INT64_C(1800000000), 100, key, 1, &dkim_case_strict);
	dkim_case_fini(&c);
	return c.found.count > 0 && c.all[0].code == DKIM_PASS;
}

START_TEST(a_bit_that_is_flipped_never_passes)
{
	char p[64], record[128], tags[256], *text, *was;
	const struct dkim_case_key key = {"sel._domainkey.example.org", record};
	size_t len = strlen(letter), flips = 0;
	EVP_PKEY *pair = dkim_sign_new_key(0);

	dkim_sign_public(pair, false, p);
	snprintf(record, sizeof(record), "k=ed25519; p=%s", p);
	snprintf(tags, sizeof(tags),
		"v=1; a=ed25519-sha256; d=example.org; s=sel; h=From:From:Subject; c=%s",
		ways[_i].canon);
	text = dkim_sign(tags, pair, letter, &len);
	was = strdup(text);
	ck_assert(passes(text, len, ways[_i].engine, &key));
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; covered(was, was + i) && bit < 8; bit++) {
			text[i] = (char)(was[i] ^ (1 << bit));
			if (!ways[_i].relaxed || matters(ways[_i].engine, was, was + i, bit))
				ck_assert_msg(!passes(text, len, ways[_i].engine, &key),
					"octet %zu of %zu, bit %d", i, len, bit);
			flips++;
		}
		text[i] = was[i];
	}
	ck_assert_uint_gt(flips, 1500);
	free(was);
	free(text);
	EVP_PKEY_free(pair);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_flip");
	TCase *tc = tcase_create("dkim_flip");

	tcase_add_loop_test(tc, a_bit_that_is_flipped_never_passes, 0, LENGTH(ways));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
