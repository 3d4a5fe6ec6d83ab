/* SPDX-License-Identifier: MIT */
/*
 * test_replay_message.c - files that are messages, and files that are not, in an MTA's pieces
 */
#include "door/replay_message.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(literal) literal, sizeof(literal) - 1

/* Fields are written "Name|value\n", one after the other. */
static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *fields;
	const char *body;
	size_t body_len;
} cases[] = {
	{"lines end in LF", TEXT("A: 1\nB: 2\n\nbody\n"), "A|1\nB|2\n", TEXT("body\r\n")},
	{"lines end in CRLF", TEXT("A: 1\r\nB: 2\r\n\r\nbody\r\n"), "A|1\nB|2\n", TEXT("body\r\n")},
	{"a folded field is one field with LF", TEXT("A: 1\r\n 2\r\n\t3\r\n\r\n"), "A|1\n 2\n\t3\n",
		TEXT("")},
	{"one blank behind the colon is dropped", TEXT("A:  1\nB:2\nC:\t3\nD:\n"),
		"A| 1\nB|2\nC|\t3\nD|\n", TEXT("")},
	{"blanks before the colon are no part of the name", TEXT("A : 1\nB\t:2\n\n"), "A|1\nB|2\n",
		TEXT("")},
	{"a message without a body", TEXT("A: 1\n"), "A|1\n", TEXT("")},
	{"no end of line at the end of the header", TEXT("A: 1"), "A|1\n", TEXT("")},
	{"no end of line at the end of the body", TEXT("A: 1\n\nx"), "A|1\n", TEXT("x\r\n")},
	{"a CR at the end of the body", TEXT("A: 1\n\nx\r"), "A|1\n", TEXT("x\r\r\n")},
	{"no header at all", TEXT("\nbody\n"), "", TEXT("body\r\n")},
	{"a line that is no field begins the body", TEXT("A: 1\nno field here\n\nx\n"), "A|1\n",
		TEXT("no field here\r\n\r\nx\r\n")},
	{"a continuation of nothing is body", TEXT(" A: 1\n\nx\n"), "", TEXT(" A: 1\r\n\r\nx\r\n")},
	{"an empty name is no field", TEXT(": 1\n"), "", TEXT(": 1\r\n")},
	{"a name with eight bits is no field", TEXT("\xc3\xa4: 1\n"), "", TEXT("\xc3\xa4: 1\r\n")},
	{"a mailbox's first line is skipped", TEXT("From a@b Mon Nov 23\nA: 1\n\nx\n"), "A|1\n",
		TEXT("x\r\n")},
	{"a From field is not a mailbox's line", TEXT("From : a@b\n\n"), "From|a@b\n", TEXT("")},
	{"an empty file", TEXT(""), "", TEXT("")},
	{"only line ends", TEXT("\n\n\n"), "", TEXT("\r\n\r\n")},
	{"a bare CR stays", TEXT("A: 1\r2\n\nx\ry\n"), "A|1\r2\n", TEXT("x\ry\r\n")},
	{"a NUL ends the value, not the field", TEXT("A: 1\0002\nB: 3\n\n"), "A|1\nB|3\n",
		TEXT("")},
	{"a NUL in a name is no field", TEXT("A\000B: 1\n"), "", TEXT("A\000B: 1\r\n")},
};

static void
read_fields(struct replay_message *m, char *out, size_t size)
{
	struct replay_field f;

	out[0] = '\0';
	while (replay_message_field(m, &f)) {
		ck_assert_uint_lt(strlen(out) + strlen(f.name) + strlen(f.value) + 3, size);
		strcat(strcat(strcat(strcat(out, f.name), "|"), f.value), "\n");
	}
	ck_assert(!replay_message_field(m, &f));
}

START_TEST(a_file_in_pieces)
{
	const unsigned char *data;
	struct replay_message m;
	char fields[200];
	size_t len;

	replay_message_init(&m, cases[_i].text, cases[_i].len);
	read_fields(&m, fields, sizeof(fields));
	ck_assert_msg(strcmp(fields, cases[_i].fields) == 0, "%s: \"%s\"", cases[_i].name, fields);
	bool any = replay_message_body(&m, &data, &len);

	ck_assert_msg(any == (len > 0), "%s", cases[_i].name);
	ck_assert_msg(len == cases[_i].body_len && memcmp(data, cases[_i].body, len) == 0,
		"%s: body of %zu octets \"%.*s\"", cases[_i].name, len, (int)len,
		(const char *)data);
	ck_assert(!replay_message_body(&m, &data, &len));
	replay_message_fini(&m);
}
END_TEST

/* A signature may cover the blank that is dropped. */
START_TEST(what_had_no_blank_says_so)
{
	static const char text[] = "A: 1\nB:2\nC:\n 3\nD:\nE:  5\n\n";
	static const bool glued[] = {false, true, true, true, false};
	struct replay_message m;
	struct replay_field f;

	replay_message_init(&m, text, strlen(text));
	for (size_t i = 0; i < sizeof(glued) / sizeof(*glued); i++) {
		ck_assert(replay_message_field(&m, &f));
		ck_assert_msg(f.glued == glued[i], "%s", f.name);
	}
	replay_message_fini(&m);
}
END_TEST

/* Around the end of a chunk no octet is lost and no line end is torn or doubled. */
START_TEST(a_long_body_is_whole)
{
	size_t len = REPLAY_CHUNK - 4 + (size_t)_i;
	char *text = malloc(len + 1);
	const unsigned char *data;
	struct replay_message m;
	size_t total = 0, got;
	unsigned char last = 0;

	memset(text, 'x', len);
	text[0] = '\n';
	text[len - 2] = '\n';
	replay_message_init(&m, text, len);
	struct replay_field f;

	ck_assert(!replay_message_field(&m, &f));
	while (replay_message_body(&m, &data, &got)) {
		ck_assert_uint_le(got, REPLAY_CHUNK);
		total += got;
		last = data[got - 1];
	}
	/* The first line end is the header's; one CR more, and the end of the last line. */
	ck_assert_uint_eq(total, len - 1 + 1 + 2);
	ck_assert_uint_eq(last, '\n');
	replay_message_fini(&m);
	free(text);
}
END_TEST

START_TEST(a_huge_field_is_one_field)
{
	size_t len = (size_t)10 << 20;
	char *text = malloc(len + 8);
	struct replay_message m;
	struct replay_field f;

	memcpy(text, "X: ", 3);
	memset(text + 3, 'a', len);
	memcpy(text + 3 + len, "\n\n", 2);
	replay_message_init(&m, text, len + 5);
	ck_assert(replay_message_field(&m, &f));
	ck_assert_uint_eq(strlen(f.value), len);
	ck_assert(!replay_message_field(&m, &f));
	replay_message_fini(&m);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("replay_message");
	TCase *group = tcase_create("replay_message");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, group);
	tcase_add_test(group, what_had_no_blank_says_so);
	tcase_add_loop_test(group, a_file_in_pieces, 0, (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_loop_test(group, a_long_body_is_whole, 0, 10);
	tcase_add_test(group, a_huge_field_is_one_field);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
