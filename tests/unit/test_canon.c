/* SPDX-License-Identifier: MIT */
/*
 * test_canon.c - header fields and bodies as signatures see them, in whatever pieces they come
 *
 * What is hashed is not seen, so each case says what it should have been, and that is hashed.
 */
#include <openssl/evp.h>
#include <string.h>

#include "../../plugins/lib/canon.h"
#include "table.h"

static void
hash(const void *data, size_t len, unsigned char out[DIGEST_SIZE])
{
	ck_assert_int_eq(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL), 1);
}

/* --- digest ------------------------------------------------------------------------------------
 */

START_TEST(pieces_hash_as_the_whole)
{
	static const size_t sizes[] = {1, 7, 100, 1023, 1024, 1025, 4095, 4096, 4097, 6000};
	unsigned char data[8192], want[DIGEST_SIZE], got[DIGEST_SIZE];
	size_t step = sizes[_i];
	struct digest d;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	ck_assert(digest_init(&d));
	for (size_t at = 0; at < sizeof(data); at += step)
		digest_put(&d, data + at, at + step < sizeof(data) ? step : sizeof(data) - at);
	ck_assert(digest_end(&d, got));
	digest_fini(&d);
	hash(data, sizeof(data), want);
	ck_assert_mem_eq(got, want, sizeof(want));
}
END_TEST

/* Whatever is still in the buffer, and without a word to the original. */
START_TEST(a_copy_goes_on_by_itself)
{
	static const size_t sizes[] = {0, 1, 1023, 1024, 4096, 5000};
	unsigned char data[8192], want[DIGEST_SIZE], got[DIGEST_SIZE];
	size_t half = sizes[_i];
	struct digest d, copy;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	ck_assert(digest_init(&d));
	digest_put(&d, data, half);
	ck_assert(digest_copy(&copy, &d));
	digest_put(&copy, data + half, sizeof(data) - half);
	ck_assert(digest_end(&copy, got));
	hash(data, sizeof(data), want);
	ck_assert_mem_eq(got, want, sizeof(want));
	ck_assert(digest_end(&d, got));
	hash(data, half, want);
	ck_assert_mem_eq(got, want, sizeof(want));
	digest_fini(&copy);
	digest_fini(&d);
}
END_TEST

/* --- header fields ------------------------------------------------------------------------------
 */

static const struct {
	const char *what, *name, *value, *simple, *relaxed;
} fields[] = {
	/* RFC 6376 section 3.4.5. */
	{"the standard's first", "A", " X", "A: X", "a:X"},
	{"the standard's second", "B ", " Y\t\r\n\tZ  ", "B : Y\t\r\n\tZ  ", "b:Y Z"},
	{"no blank", "Subject", "hello", "Subject:hello", "subject:hello"},
	{"an empty value", "Subject", "", "Subject:", "subject:"},
	{"white space alone", "Subject", " \t", "Subject: \t", "subject:"},
	{"lines that end in LF", "To", " a,\n b,\n\tc", "To: a,\r\n b,\r\n\tc", "to:a, b, c"},
	{"a fold behind the colon", "To", "\n a", "To:\r\n a", "to:a"},
	{"a CR alone is no white space", "To", " a\rb", "To: a\rb", "to:a\rb"},
	{"a vertical tab is none either", "To", " a\v b", "To: a\v b", "to:a\v b"},
	{"eight bits", "X-\xc9", " \xe9 ", "X-\xc9: \xe9 ", "x-\xc9:\xe9"},
};

static void
hash_field(enum canon canon, const char *name, const char *value, size_t from, size_t to,
	unsigned char out[DIGEST_SIZE])
{
	const struct canon_field f = {name, value, strlen(name), strlen(value)};
	struct digest d;

	ck_assert(digest_init(&d));
	canon_field(&d, canon, &f, from, to);
	ck_assert(digest_end(&d, out));
	digest_fini(&d);
}

static void
field_is(enum canon canon, int row, const char *text)
{
	unsigned char got[DIGEST_SIZE], want[DIGEST_SIZE];

	hash_field(canon, fields[row].name, fields[row].value, 0, 0, got);
	hash(text, strlen(text), want);
	ck_assert_msg(memcmp(got, want, sizeof(want)) == 0, "%s: not %s", fields[row].what, text);
}

START_TEST(what_a_field_becomes)
{
	field_is(CANON_SIMPLE, _i, fields[_i].simple);
	field_is(CANON_RELAXED, _i, fields[_i].relaxed);
}
END_TEST

/* What is left out is marked: its octets are digits. */
static const struct {
	enum canon canon;
	const char *value, *want;
} cuts[] = {
	{CANON_SIMPLE, " a=x; b=12\n 34 ; c=y", "F: a=x; b=; c=y"},
	{CANON_RELAXED, " a=x; b=12\n 34 ; c=y", "f:a=x; b=; c=y"},
	{CANON_RELAXED, " a=x;  b=1234", "f:a=x; b="},
	{CANON_SIMPLE, " b= 1\r\n 2 ", "F: b="},
};

START_TEST(a_part_counts_as_not_there)
{
	const char *value = cuts[_i].value, *b = strstr(value, "b=") + 2;
	unsigned char got[DIGEST_SIZE], want[DIGEST_SIZE];

	hash_field(cuts[_i].canon, "F", value, (size_t)(b - value),
		(size_t)(b - value) + strcspn(b, ";"), got);
	hash(cuts[_i].want, strlen(cuts[_i].want), want);
	ck_assert_mem_eq(got, want, sizeof(want));
}
END_TEST

/* --- bodies -------------------------------------------------------------------------------------
 */

#define SIXTY "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh"

static const struct {
	const char *what, *body, *simple, *relaxed;
} bodies[] = {
	/* RFC 6376 section 3.4.5. */
	{"the standard's", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
	{"nothing", "", "\r\n", ""},
	{"an empty line", "\r\n", "\r\n", ""},
	{"empty lines", "\r\n\r\n\r\n", "\r\n", ""},
	{"a line of white space", " \t\r\n", " \t\r\n", ""},
	{"white space without a line break", " ", " \r\n", ""},
	{"no line break at the end", "a", "a\r\n", "a\r\n"},
	{"blanks at the end", "a \t", "a \t\r\n", "a\r\n"},
	{"empty lines inside stay", "\r\na\r\n\r\n\r\nb\r\n\r\n", "\r\na\r\n\r\n\r\nb\r\n",
		"\r\na\r\n\r\n\r\nb\r\n"},
	{"lines of white space at the end", "a\r\n \r\n\t\r\n", "a\r\n \r\n\t\r\n", "a\r\n"},
	{"lines of white space inside", "a\r\n \r\n\t\r\nb\r\n", "a\r\n \r\n\t\r\nb\r\n",
		"a\r\n\r\n\r\nb\r\n"},
	{"white space in front of a line", "\t a\r\n  b\r\n", "\t a\r\n  b\r\n", " a\r\n b\r\n"},
	{"one tab", "a\tb\r\n", "a\tb\r\n", "a b\r\n"},
	{"a CR alone", "a\rb\r\r\nc\r", "a\rb\r\r\nc\r\r\n", "a\rb\r\r\nc\r\r\n"},
	{"CR alone, after a blank", "a \rb \r", "a \rb \r\r\n", "a \rb \r\r\n"},
	{"LF alone is no line break", "a \nb\n\r\n\n", "a \nb\n\r\n\n\r\n", "a \nb\n\r\n\n\r\n"},
	{"LF, CR", "\n\r\n\r\n", "\n\r\n", "\n\r\n"},
	{"long lines", SIXTY SIXTY SIXTY "\r\n" SIXTY SIXTY "  " SIXTY "\r\n",
		SIXTY SIXTY SIXTY "\r\n" SIXTY SIXTY "  " SIXTY "\r\n",
		SIXTY SIXTY SIXTY "\r\n" SIXTY SIXTY " " SIXTY "\r\n"},
	{"words", SIXTY " a b\r\nc " SIXTY " d\te " SIXTY "\r\n\r\n" SIXTY " \r\n",
		SIXTY " a b\r\nc " SIXTY " d\te " SIXTY "\r\n\r\n" SIXTY " \r\n",
		SIXTY " a b\r\nc " SIXTY " d e " SIXTY "\r\n\r\n" SIXTY "\r\n"},
};

/* In pieces of that size. */
static uint64_t
hash_body(enum canon canon, uint64_t limit, const char *body, size_t len, size_t piece,
	unsigned char out[DIGEST_SIZE])
{
	struct canon_body b;

	ck_assert(canon_body_init(&b, canon, limit));
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		/* A copy: what is read behind its end is seen. */
		unsigned char *data = malloc(n);

		memcpy(data, body + at, n);
		canon_body_put(&b, data, n);
		free(data);
	}
	ck_assert(canon_body_end(&b, out));
	canon_body_fini(&b);
	return b.length;
}

static void
body_is(enum canon canon, int row, const char *text)
{
	unsigned char got[DIGEST_SIZE], want[DIGEST_SIZE];
	size_t len = strlen(bodies[row].body);

	hash(text, strlen(text), want);
	for (size_t piece = 1; piece <= len + 1; piece++) {
		uint64_t length = hash_body(canon, CANON_ALL, bodies[row].body, len, piece, got);

		ck_assert_msg(memcmp(got, want, sizeof(want)) == 0, "%s in pieces of %zu: not %s",
			bodies[row].what, piece, text);
		ck_assert_uint_eq(length, strlen(text));
	}
}

START_TEST(what_a_body_becomes)
{
	body_is(CANON_SIMPLE, _i, bodies[_i].simple);
	body_is(CANON_RELAXED, _i, bodies[_i].relaxed);
}
END_TEST

/* What the standard says, octet by octet and with all in memory. */
static size_t
by_the_book(enum canon canon, const char *in, size_t len, char *out)
{
	size_t n = 0, end;

	for (size_t i = 0; i < len; i++) {
		bool wsp = in[i] == ' ' || in[i] == '\t';
		bool crlf = in[i] == '\r' && i + 1 < len && in[i + 1] == '\n';

		if (canon == CANON_RELAXED && wsp && n > 0 && out[n - 1] == ' ')
			continue;
		if (canon == CANON_RELAXED && crlf && n > 0 && out[n - 1] == ' ')
			n--;
		out[n++] = canon == CANON_RELAXED && wsp ? ' ' : in[i];
	}
	if (canon == CANON_RELAXED && n > 0 && out[n - 1] == ' ')
		n--;
	for (end = n; end >= 2 && memcmp(out + end - 2, "\r\n", 2) == 0;)
		end -= 2;
	if (end > 0 || canon == CANON_SIMPLE) {
		memcpy(out + end, "\r\n", 2);
		end += 2;
	}
	return end;
}

/* Of few octets, for these are the ones that matter. */
START_TEST(random_bodies_become_what_the_standard_says)
{
	static const char octets[] = "  \t\r\n\r\nabcd";
	unsigned char got[DIGEST_SIZE], want[DIGEST_SIZE];
	unsigned seed = (unsigned)_i + 1;
	char body[256], out[512];

	for (int round = 0; round < 2000; round++) {
		enum canon canon = round % 2 == 0 ? CANON_SIMPLE : CANON_RELAXED;
		size_t len = (size_t)(rand_r(&seed) % (int)sizeof(body)), n;
		size_t choice = round % 3 == 0 ? sizeof(octets) - 1 : 30;
		uint64_t limit;

		for (size_t i = 0; i < len; i++) {
			size_t at = (size_t)rand_r(&seed) % choice;

			body[i] = at < sizeof(octets) - 1 ? octets[at] : 'x';
		}
		n = by_the_book(canon, body, len, out);
		limit = round % 5 == 0 ? (uint64_t)rand_r(&seed) % (n + 10) : CANON_ALL;
		hash(out, limit < n ? (size_t)limit : n, want);
		hash_body(canon, limit, body, len, 1 + (size_t)rand_r(&seed) % 200, got);
		ck_assert_msg(memcmp(got, want, sizeof(want)) == 0, "round %d", round);
	}
}
END_TEST

static const struct {
	uint64_t limit;
	const char *body, *hashed;
	int tail; /* 1: something is not signed; -1: the limit is larger than the body */
} limits[] = {
	{3, "ab\r\ncd\r\n", "ab\r", 1},
	{4, "ab\r\ncd\r\n", "ab\r\n", 1},
	{8, "ab\r\ncd\r\n", "ab\r\ncd\r\n", 0},
	{8, "ab\r\ncd\r\n\r\n\r\n", "ab\r\ncd\r\n", 0},
	{9, "ab\r\ncd\r\n", "ab\r\ncd\r\n", -1},
	{0, "a", "", 1},
	{0, "", "", 0},
};

START_TEST(a_limit_ends_what_is_hashed)
{
	const char *body = limits[_i].body;
	unsigned char got[DIGEST_SIZE], want[DIGEST_SIZE];

	hash(limits[_i].hashed, strlen(limits[_i].hashed), want);
	for (size_t piece = 1; piece < 12; piece++) {
		uint64_t length =
			hash_body(CANON_RELAXED, limits[_i].limit, body, strlen(body), piece, got);

		ck_assert_mem_eq(got, want, sizeof(want));
		ck_assert_int_eq(
			(length > limits[_i].limit) - (length < limits[_i].limit), limits[_i].tail);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("canon");
	TCase *tc = tcase_create("canon");

	tcase_add_loop_test(tc, pieces_hash_as_the_whole, 0, 10);
	tcase_add_loop_test(tc, a_copy_goes_on_by_itself, 0, 6);
	tcase_add_loop_test(tc, what_a_field_becomes, 0, LENGTH(fields));
	tcase_add_loop_test(tc, a_part_counts_as_not_there, 0, LENGTH(cuts));
	tcase_add_loop_test(tc, what_a_body_becomes, 0, LENGTH(bodies));
	tcase_add_loop_test(tc, random_bodies_become_what_the_standard_says, 0, 20);
	tcase_add_loop_test(tc, a_limit_ends_what_is_hashed, 0, LENGTH(limits));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
