/* SPDX-License-Identifier: MIT */
/*
 * test_milter_decode.c - packets of the milter protocol, whole, half and wrong
 */
#include "door/milter_decode.h"

#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "table.h"

#define MOST 1000u

/* Octets that end where valgrind and sanitizers notice a look behind them. */
static char *
exactly(const char *bytes, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	memcpy(copy, bytes, len);
	return copy;
}

/* --- frames --- */

static const struct {
	const char *bytes;
	size_t len;
	enum milter_framing is;
	unsigned char command;
	size_t data_len, size;
} frames[] = {
	{"", 0, MILTER_PART, 0, 0, 0},
	{"\0\0\0", 3, MILTER_PART, 0, 0, 0},
	{"\0\0\0\1", 4, MILTER_PART, 0, 0, 0},
	{"\0\0\0\0", 4, MILTER_BROKEN, 0, 0, 0},
	{"\0\0\0\0Q", 5, MILTER_BROKEN, 0, 0, 0},
	{"\0\0\0\1Q", 5, MILTER_PACKET, 'Q', 0, 5},
	{"\0\0\0\1Q\0\0", 7, MILTER_PACKET, 'Q', 0, 5},
	{"\0\0\0\3Hab", 7, MILTER_PACKET, 'H', 2, 7},
	{"\0\0\0\3Ha", 6, MILTER_PART, 'H', 2, 7},
	{"\0\0\3\xe9L", 5, MILTER_PART, 'L', 1000, 1005},
	{"\0\0\3\xeaL", 5, MILTER_LARGE, 'L', 0, 1006},
	{"\0\0\3\xeaLabc", 8, MILTER_LARGE, 'L', 3, 1006},
	{"\x7f\xff\xff\xffM", 5, MILTER_LARGE, 'M', 0, 0x80000003u},
	{"\x80\0\0\0M", 5, MILTER_LARGE, 'M', 0, 0x80000004u},
	{"\xff\xff\xff\xffM", 5, MILTER_LARGE, 'M', 0, 0x100000003u},
};

START_TEST(frame_is_whole_half_or_wrong)
{
	struct milter_packet p = {0};
	char *bytes = exactly(frames[_i].bytes, frames[_i].len);

	ck_assert_int_eq(milter_frame(&p, bytes, frames[_i].len, MOST), frames[_i].is);
	ck_assert_uint_eq(p.command, frames[_i].command);
	ck_assert_uint_eq(p.len, frames[_i].data_len);
	ck_assert_uint_eq(p.size, frames[_i].size);
	free(bytes);
}
END_TEST

/* --- arguments --- */

/* mistake: a part of it; NULL: the arguments are right. */
static const struct {
	enum milter_shape shape;
	const char *data;
	size_t len;
	const char *mistake;
} arguments[] = {
	{MILTER_NOTHING, "", 0, NULL},
	{MILTER_NOTHING, "x", 1, "has arguments"},
	{MILTER_OCTETS, "", 0, NULL},
	{MILTER_OCTETS, "a\0b", 3, NULL},
	{MILTER_TEXT, "a", 2, NULL},
	{MILTER_TEXT, "", 1, NULL},
	{MILTER_TEXT, "", 0, "NUL"},
	{MILTER_TEXT, "abc", 3, "NUL"},
	{MILTER_TEXT, "a\0b", 4, "one text"},
	{MILTER_PAIR, "a\0b", 4, NULL},
	{MILTER_PAIR, "a\0", 3, NULL},
	{MILTER_PAIR, "", 0, "two texts"},
	{MILTER_PAIR, "a", 2, "two texts"},
	{MILTER_PAIR, "a\0b", 3, "two texts"},
	{MILTER_PAIR, "a\0b\0c", 6, "two texts"},
	{MILTER_PATH, "<a>", 4, NULL},
	{MILTER_PATH, "<a>\0SIZE=1\0B", 13, NULL},
	{MILTER_PATH, "", 0, "address"},
	{MILTER_PATH, "<a>", 3, "address"},
	{MILTER_PATH, "<a>\0SIZE=1", 10, "parameter"},
	{MILTER_CLIENT, "h\0U", 3, NULL},
	{MILTER_CLIENT,
		"h\0"
		"4\0\x19"
		"192.0.2.1",
		15, NULL},
	{MILTER_CLIENT,
		"h\0"
		"6\0\x19"
		"IPv6:2001:db8::1",
		22, NULL},
	{MILTER_CLIENT,
		"h\0"
		"6\0\x19"
		"fe80::1%eth0",
		18, NULL},
	{MILTER_CLIENT, "h\0L\0\0/run/x", 12, NULL},
	{MILTER_CLIENT, "", 0, "host name"},
	{MILTER_CLIENT, "h", 2, "host name"},
	{MILTER_CLIENT, "h\0", 3, "family"},
	{MILTER_CLIENT, "h\0X", 3, "family"},
	{MILTER_CLIENT,
		"h\0"
		"4",
		3, "port"},
	{MILTER_CLIENT,
		"h\0"
		"4\0",
		4, "port"},
	{MILTER_CLIENT,
		"h\0"
		"4\0\x19",
		5, "address"},
	{MILTER_CLIENT,
		"h\0"
		"4\0\x19"
		"192.0.2.1",
		14, "address"},
	{MILTER_CLIENT,
		"h\0"
		"4\0\x19"
		"192.0.2.1\0x",
		17, "address"},
	{MILTER_CLIENT,
		"h\0"
		"4\0\x19"
		"nobody",
		12, "is none"},
	{MILTER_CLIENT,
		"h\0"
		"4\0\x19"
		"",
		6, "is none"},
	{MILTER_OFFER, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", 12, NULL},
	{MILTER_OFFER, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff\0\0", 14, NULL},
	{MILTER_OFFER, "\0\0\0\6\0\0\1\xff\0\x1f\xff", 11, "short"},
	{MILTER_MACRO_SET, "C", 1, NULL},
	{MILTER_MACRO_SET, "Cj\0mx", 6, NULL},
	{MILTER_MACRO_SET, "", 0, "no command"},
	{MILTER_MACRO_SET, "Cj", 3, "without a value"},
	{MILTER_MACRO_SET, "Cj", 2, "NUL"},
	{MILTER_MACRO_SET, "Cj\0mx", 5, "NUL"},
};

START_TEST(arguments_are_checked)
{
	struct milter_args a;
	char *data = exactly(arguments[_i].data, arguments[_i].len);
	const char *mistake = milter_decode(&a, arguments[_i].shape, data, arguments[_i].len);

	if (arguments[_i].mistake == NULL)
		ck_assert_msg(mistake == NULL, "%s", mistake);
	else
		ck_assert_msg(mistake != NULL && strstr(mistake, arguments[_i].mistake) != NULL,
			"wanted %s, got %s", arguments[_i].mistake, mistake);
	free(data);
}
END_TEST

START_TEST(a_path_has_its_parameters)
{
	struct milter_args a;

	ck_assert_ptr_null(milter_decode(&a, MILTER_PATH, "<a@b>\0SIZE=1\0BODY=8BITMIME", 27));
	ck_assert_str_eq(a.text, "<a@b>");
	ck_assert_str_eq(a.parameters[0], "SIZE=1");
	ck_assert_str_eq(a.parameters[1], "BODY=8BITMIME");
	ck_assert_ptr_null(a.parameters[2]);
}
END_TEST

START_TEST(parameters_are_bounded)
{
	char data[2 * (MILTER_PARAMETERS + 2)];
	struct milter_args a;

	for (size_t i = 0; i < sizeof(data); i += 2)
		memcpy(data + i, "p", 2);
	ck_assert_ptr_null(milter_decode(&a, MILTER_PATH, data, sizeof(data)));
	ck_assert_str_eq(a.parameters[MILTER_PARAMETERS - 1], "p");
	ck_assert_ptr_null(a.parameters[MILTER_PARAMETERS]);
}
END_TEST

START_TEST(a_client_has_address_and_port)
{
	struct milter_args a;
	char text[NET_TEXT];

	ck_assert_ptr_null(milter_decode(&a, MILTER_CLIENT,
		"h\0"
		"6\x9c\x40"
		"::ffff:192.0.2.7",
		22));
	ck_assert_str_eq(a.text, "h");
	ck_assert_uint_eq(a.port, 40000);
	ck_assert(a.known);
	net_text(&a.address, text);
	ck_assert_str_eq(text, "192.0.2.7");
	ck_assert_ptr_null(milter_decode(&a, MILTER_CLIENT, "h\0U", 3));
	ck_assert(!a.known);
	ck_assert_uint_eq(a.port, 0);
}
END_TEST

START_TEST(an_empty_offer_means_the_first_version)
{
	struct milter_args a;

	ck_assert_ptr_null(milter_decode(&a, MILTER_OFFER, "\0\0\0\2\0\0\0\0\0\0\0\0", 12));
	ck_assert_uint_eq(a.version, 2);
	ck_assert_uint_eq(a.offer.actions, SMFI_V1_ACTS);
	ck_assert_uint_eq(a.offer.steps, SMFI_V1_PROT);
}
END_TEST

START_TEST(macros_come_in_pairs)
{
	struct milter_args a;

	ck_assert_ptr_null(milter_decode(&a, MILTER_MACRO_SET,
		"Mi\0"
		"1234\0{x}\0",
		13));
	ck_assert_uint_eq(a.command, 'M');
	ck_assert_str_eq(milter_next_text(&a.data, &a.len), "i");
	ck_assert_str_eq(milter_next_text(&a.data, &a.len), "1234");
	ck_assert_str_eq(milter_next_text(&a.data, &a.len), "{x}");
	ck_assert_str_eq(milter_next_text(&a.data, &a.len), "");
	ck_assert_ptr_null(milter_next_text(&a.data, &a.len));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("milter_decode");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, frame_is_whole_half_or_wrong, 0, LENGTH(frames));
	tcase_add_loop_test(t, arguments_are_checked, 0, LENGTH(arguments));
	tcase_add_test(t, a_path_has_its_parameters);
	tcase_add_test(t, parameters_are_bounded);
	tcase_add_test(t, a_client_has_address_and_port);
	tcase_add_test(t, an_empty_offer_means_the_first_version);
	tcase_add_test(t, macros_come_in_pairs);
	suite_add_tcase(suite, t);
	return table_run(suite);
}
