/* SPDX-License-Identifier: MIT */
/*
 * test_explain_typed.c - SMTP as it is typed, whatever it is: lines, messages, paths
 */
#include "cli/explain_typed.h"

#include <string.h>

#include "base/buf.h"
#include "table.h"

static FILE *
typed(const char *text, size_t len)
{
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	rewind(f);
	return f;
}

static const struct {
	const char *name, *text;
	size_t len;
	enum typed how;
	const char *line; /* NULL: not looked at */
} lines[] = {
	{"a line", "QUIT\nx", 6, TYPED_LINE, "QUIT"},
	{"a line that ends as SMTP has it", "QUIT\r\n", 6, TYPED_LINE, "QUIT"},
	{"a return inside", "QU\rIT\n", 6, TYPED_LINE, "QU\rIT"},
	{"an empty line", "\n", 1, TYPED_LINE, ""},
	{"a last line without an end", "QUIT", 4, TYPED_LINE, "QUIT"},
	{"nothing", "", 0, TYPED_END, NULL},
	{"a NUL", "QU\0IT\n", 6, TYPED_NUL, NULL},
};

START_TEST(line_is_read)
{
	char line[TYPED_LINE_MOST];
	FILE *in = typed(lines[_i].text, lines[_i].len);

	ck_assert_int_eq(typed_line(in, line), lines[_i].how);
	if (lines[_i].line != NULL)
		ck_assert_str_eq(line, lines[_i].line);
	fclose(in);
}
END_TEST

START_TEST(line_without_an_end_is_dropped_and_the_next_one_read)
{
	enum { MOST = 1 << 20 };
	char *text = malloc(MOST), line[TYPED_LINE_MOST];
	FILE *in;

	memset(text, 'x', MOST);
	memcpy(text + MOST - 6, "\nQUIT\n", 6);
	in = typed(text, MOST);
	free(text);
	ck_assert_int_eq(typed_line(in, line), TYPED_TOO_LONG);
	ck_assert_int_eq(typed_line(in, line), TYPED_LINE);
	ck_assert_str_eq(line, "QUIT");
	ck_assert_int_eq(typed_line(in, line), TYPED_END);
	fclose(in);
}
END_TEST

/* Of every length about the bound: what fits is whole, what does not says so. */
START_TEST(longest_line_is_whole)
{
	char text[TYPED_LINE_MOST + 8], line[TYPED_LINE_MOST];

	for (size_t len = TYPED_LINE_MOST - 4; len < TYPED_LINE_MOST + 4; len++) {
		FILE *in;

		memset(text, 'x', len);
		text[len] = '\n';
		in = typed(text, len + 1);
		ck_assert_int_eq(
			typed_line(in, line), len < TYPED_LINE_MOST ? TYPED_LINE : TYPED_TOO_LONG);
		ck_assert_uint_eq(strlen(line), len < TYPED_LINE_MOST ? len : 0);
		fclose(in);
	}
}
END_TEST

static const struct {
	const char *name, *text;
	enum typed how;
	const char *message, *next; /* the line behind it */
} messages[] = {
	{"a message", "A: b\n\nc\n.\nQUIT\n", TYPED_LINE, "A: b\n\nc\n", "QUIT"},
	{"line ends of SMTP", "A: b\r\n\r\n.\r\nQUIT\r\n", TYPED_LINE, "A: b\r\n\r\n", "QUIT"},
	{"no message at all", ".\nQUIT\n", TYPED_LINE, "", "QUIT"},
	{"dots in front", "..\n..a\n.b\n...\n.\n", TYPED_LINE, ".\n.a\nb\n..\n", NULL},
	{"a dot that is not alone", "a.\n. \n.\n", TYPED_LINE, "a.\n \n", NULL},
	{"no end", "A: b\n", TYPED_END, NULL, NULL},
	{"a dot without an end of its line", "A: b\n.", TYPED_END, NULL, NULL},
};

START_TEST(message_is_read)
{
	char line[TYPED_LINE_MOST];
	struct buf message;
	FILE *in = typed(messages[_i].text, strlen(messages[_i].text));

	buf_init(&message, 0);
	ck_assert_int_eq(typed_message(in, &message), messages[_i].how);
	if (messages[_i].message != NULL)
		ck_assert_str_eq(message.data, messages[_i].message);
	if (messages[_i].next != NULL) {
		ck_assert_int_eq(typed_line(in, line), TYPED_LINE);
		ck_assert_str_eq(line, messages[_i].next);
	}
	buf_fini(&message);
	fclose(in);
}
END_TEST

/* In many lines, and in one: who types without end is no trouble for the machine's memory. */
START_TEST(message_has_a_bound)
{
	static const size_t every[] = {70, SIZE_MAX};
	char line[TYPED_LINE_MOST];
	struct buf message;

	buf_init(&message, 0);
	for (int k = 0; k < LENGTH(every); k++) {
		FILE *in = tmpfile();

		for (size_t i = 1; i < 3 * TYPED_MESSAGE_MOST; i++)
			putc(i % every[k] == 0 ? '\n' : 'x', in);
		/* What is left of a line that was dropped is no end. */
		fputs(".", in);
		fputs("\n.\nQUIT\n", in);
		rewind(in);
		ck_assert_int_eq(typed_message(in, &message), TYPED_TOO_LONG);
		ck_assert_uint_le(message.size, 2 * TYPED_MESSAGE_MOST + 1000);
		ck_assert_int_eq(typed_line(in, line), TYPED_LINE);
		ck_assert_str_eq(line, "QUIT");
		fclose(in);
	}
	buf_fini(&message);
}
END_TEST

static const struct {
	const char *name, *text;
	bool good;
	const char *path, *args[3];
} paths[] = {
	{"a path", "FROM:<a@b>", true, "<a@b>", {NULL}},
	{"in any letters, behind a blank", "from: <a@b>", true, "<a@b>", {NULL}},
	{"without brackets", "FROM:a@b SIZE=1", true, "a@b", {"SIZE=1", NULL}},
	{"the null sender", "FROM:<>", true, "<>", {NULL}},
	{"nothing", "FROM:", true, "", {NULL}},
	{"parameters", "FROM:<a@b>  SIZE=1 \tBODY=8BITMIME", true, "<a@b>",
		{"SIZE=1", "BODY=8BITMIME", NULL}},
	{"a bracket in quotes", "FROM:<\"a> \\\"b\"@c> X", true, "<\"a> \\\"b\"@c>", {"X", NULL}},
	{"quotes without an end", "FROM:<\"a> b", true, "<\"a> b", {NULL}},
	{"a bracket without an end", "FROM:<a@b SIZE=1", true, "<a@b SIZE=1", {NULL}},
	{"what sticks to the bracket is the path's", "FROM:<a@b>x y", true, "<a@b>x y", {NULL}},
	{"another word", "TO:<a@b>", false, NULL, {NULL}},
	{"no colon", "FROM <a@b>", false, NULL, {NULL}},
};

START_TEST(path_is_cut)
{
	char text[100];
	struct typed_path out;

	snprintf(text, sizeof(text), "%s", paths[_i].text);
	ck_assert(typed_path(text, "FROM", &out) == paths[_i].good);
	if (!paths[_i].good)
		return;
	ck_assert_str_eq(out.path, paths[_i].path);
	for (int i = 0; i < 3; i++) {
		ck_assert((out.args[i] == NULL) == (paths[_i].args[i] == NULL));
		if (out.args[i] == NULL)
			break;
		ck_assert_str_eq(out.args[i], paths[_i].args[i]);
	}
}
END_TEST

START_TEST(parameters_have_a_bound)
{
	char text[200] = "FROM:<>";
	struct typed_path out;

	for (int i = 0; i < 80; i++)
		strcat(text, " x");
	ck_assert(typed_path(text, "FROM", &out));
	ck_assert_ptr_nonnull(out.args[TYPED_ARGS_MOST - 1]);
	ck_assert_ptr_null(out.args[TYPED_ARGS_MOST]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("explain_typed");
	TCase *tc = tcase_create("typed");

	tcase_add_loop_test(tc, line_is_read, 0, LENGTH(lines));
	tcase_add_test(tc, line_without_an_end_is_dropped_and_the_next_one_read);
	tcase_add_test(tc, longest_line_is_whole);
	tcase_add_loop_test(tc, message_is_read, 0, LENGTH(messages));
	tcase_add_test(tc, message_has_a_bound);
	tcase_add_loop_test(tc, path_is_cut, 0, LENGTH(paths));
	tcase_add_test(tc, parameters_have_a_bound);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
