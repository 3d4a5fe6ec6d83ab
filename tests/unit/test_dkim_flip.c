/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_flip.c - one bit of a signed message, its signature or its key is another: it never
 * passes
 */
#include <ctype.h>

#include "dkim_sign.h"
#include "table.h"

static const char letter[] = "From: ann@example.org\r\nSubject: hi there\r\n\r\nHello Bob\r\n";

/* Each algorithm, canonicalization and engine; the library, which is slow, not all together. */
static const struct {
	const struct dkim_engine *engine;
	const char *canon;
	bool rsa, header, body; /* relaxed */
} ways[] = {
	{&dkim_native, "simple/simple", false, false, false},
	{&dkim_native, "simple/relaxed", false, false, true},
	{&dkim_native, "relaxed/simple", false, true, false},
	{&dkim_native, "relaxed/relaxed", false, true, true},
	{&dkim_native, "simple/simple", true, false, false},
	{&dkim_native, "simple/relaxed", true, false, true},
	{&dkim_native, "relaxed/simple", true, true, false},
	{&dkim_native, "relaxed/relaxed", true, true, true},
	{&dkim_opendkim, "simple/simple", false, false, false},
	{&dkim_opendkim, "relaxed/relaxed", false, true, true},
	{&dkim_opendkim, "simple/relaxed", true, false, true},
	{&dkim_opendkim, "relaxed/simple", true, true, false},
};

/* A message that is signed, and its key. */
static struct {
	EVP_PKEY *pair;
	char *text, record[4200];
	size_t len;
} made;

static void
make(int way)
{
	char p[4096], tags[256];
	const char *type = ways[way].rsa ? "rsa" : "ed25519";

	made.len = strlen(letter);
	made.pair = dkim_sign_new_key(ways[way].rsa ? 1024 : 0);
	dkim_sign_public(made.pair, false, p);
	snprintf(made.record, sizeof(made.record), "k=%s; p=%s", type, p);
	snprintf(tags, sizeof(tags),
		"v=1; a=%s-sha256; d=example.org; s=sel; h=From:From:Subject; c=%s", type,
		ways[way].canon);
	made.text = dkim_sign(tags, made.pair, letter, &made.len);
}

static void
forget(void)
{
	EVP_PKEY_free(made.pair);
	free(made.text);
}

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
matters(int way, const char *text, const char *at, int bit)
{
	char now = (char)(*at ^ (1 << bit));

	if (!in_header(text, at) || !ways[way].header)
		return true;
	return !(is_blank(ways[way].engine, *at) && is_blank(ways[way].engine, now)) &&
	       !(bit == 5 && in_name(text, at));
}

static bool
passes(int way, const char *text, const char *record)
{
	const struct dkim_case_key key = {"sel._domainkey.example.org", record};
	struct dkim_case c;

	dkim_case_init(&c, text, made.len, true);
	dkim_case_verify(&c, ways[way].engine, "example.org", INT64_C(1800000000), 100, &key, 1,
		&dkim_case_strict);
	dkim_case_fini(&c);
	return c.found.count > 0 && c.all[0].code == DKIM_PASS;
}

START_TEST(a_bit_that_is_flipped_never_passes)
{
	size_t flips = 0;
	char *was;

	make(_i);
	was = strdup(made.text);
	ck_assert(passes(_i, made.text, made.record));
	for (size_t i = 0; i < made.len; i++) {
		for (int bit = 0; covered(was, was + i) && bit < 8; bit++) {
			made.text[i] = (char)(was[i] ^ (1 << bit));
			if (matters(_i, was, was + i, bit))
				ck_assert_msg(!passes(_i, made.text, made.record),
					"octet %zu of %zu, bit %d", i, made.len, bit);
			flips++;
		}
		made.text[i] = was[i];
	}
	ck_assert_uint_gt(flips, 1500);
	free(was);
	forget();
}
END_TEST

/* Of the signature itself: the octets that b= stands for, which more than one text may say. */
START_TEST(a_bit_of_the_signature_that_is_flipped_never_passes)
{
	size_t flips = 0, len;
	unsigned char octets[256];
	char *b, *end;

	make(_i);
	b = strstr(made.text, "\tb=") + 3;
	end = strstr(b, "\r\n");
	len = taglist_base64(b, (size_t)(end - b), octets, sizeof(octets));
	ck_assert_uint_ge(len, 64);
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			char changed[400];

			octets[i] ^= (unsigned char)(1 << bit);
			ck_assert(taglist_write_base64(octets, len, changed, sizeof(changed)));
			octets[i] ^= (unsigned char)(1 << bit);
			ck_assert_uint_eq(strlen(changed), (size_t)(end - b));
			memcpy(b, changed, strlen(changed));
			ck_assert_msg(!passes(_i, made.text, made.record),
				"octet %zu of %zu, bit %d", i, len, bit);
			flips++;
		}
	}
	ck_assert_uint_ge(flips, 512);
	forget();
}
END_TEST

/* Of the key, as far as it becomes another one: a few bits of its frame say nothing. */
START_TEST(a_bit_of_the_key_that_is_flipped_never_passes)
{
	size_t flips = 0, len;
	unsigned char octets[512];
	const char *p;

	make(_i);
	p = strstr(made.record, "p=") + 2;
	len = taglist_base64(p, strlen(p), octets, sizeof(octets));
	ck_assert_uint_ge(len, 32);
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			const struct dkim_key *key;
			char record[1000];
			bool same;

			octets[i] ^= (unsigned char)(1 << bit);
			snprintf(record, sizeof(record), "%.*s", (int)(p - made.record),
				made.record);
			ck_assert(taglist_write_base64(octets, len, record + strlen(record),
				sizeof(record) - strlen(record)));
			octets[i] ^= (unsigned char)(1 << bit);
			key = dkim_key_get(record, strlen(record));
			same = key->pkey != NULL && EVP_PKEY_eq(key->pkey, made.pair) == 1;
			dkim_key_drop(key);
			if (same)
				continue;
			ck_assert_msg(!passes(_i, made.text, record), "octet %zu of %zu, bit %d", i,
				len, bit);
			flips++;
		}
	}
	/* All but the frame. */
	ck_assert_uint_ge(flips, ways[_i].rsa ? 1024 : 256);
	forget();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_flip");
	TCase *tc = tcase_create("dkim_flip");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_bit_that_is_flipped_never_passes, 0, LENGTH(ways));
	tcase_add_loop_test(
		tc, a_bit_of_the_signature_that_is_flipped_never_passes, 0, LENGTH(ways));
	tcase_add_loop_test(tc, a_bit_of_the_key_that_is_flipped_never_passes, 0, LENGTH(ways));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
