/* SPDX-License-Identifier: MIT */
/*
 * test_ratelimit_rules.c - the pure parts of plugin ratelimit: limits, lines of a map, keys, words
 */
#include <stdlib.h>
#include <string.h>

#include "../../plugins/ratelimit/ratelimit.h"
#include "table.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* --- lines of a map --- */

static const struct {
	const char *line;
	enum ratelimit_line kind;
	struct cm_limit limit;
	int64_t unit;
} lines[] = {
	{"200/1h", RATELIMIT_LIMITED, {1, {{200, HOUR, 0}}, false}, 1},
	{"200/1h 1000/1d", RATELIMIT_LIMITED, {2, {{200, HOUR, 0}, {1000, DAY, 0}}, false}, 1},
	{" 200/1h,1000/1d ", RATELIMIT_LIMITED, {2, {{200, HOUR, 0}, {1000, DAY, 0}}, false}, 1},
	{"1000/1d 200/1h burst=50", RATELIMIT_LIMITED,
		{2, {{1000, DAY, 0}, {200, HOUR, 50}}, false}, 1},
	{"burst=50 200/1h", RATELIMIT_LIMITED, {1, {{200, HOUR, 50}}, false}, 1},
	{"1/1h30min", RATELIMIT_LIMITED, {1, {{1, 90 * MINUTE, 0}}, false}, 1},
	{"5/500ms", RATELIMIT_LIMITED, {1, {{5, SECOND / 2, 0}}, false}, 1},
	{"3/2w", RATELIMIT_LIMITED, {1, {{3, 14 * DAY, 0}}, false}, 1},
	{"50M/1h", RATELIMIT_LIMITED, {1, {{50 << 20, HOUR, 0}}, false}, 1},
	{"999999999/1h", RATELIMIT_LIMITED, {1, {{999999999, HOUR, 0}}, false}, 1},
	/* More than a store can count. */
	{"2G/1d", RATELIMIT_LIMITED, {1, {{512 << 20, DAY, 0}}, false}, 4},
	{"2147483649/1d", RATELIMIT_LIMITED, {1, {{(512 << 20) + 1, DAY, 0}}, false}, 4},
	{"2G/1d 100/1h burst=2000", RATELIMIT_LIMITED,
		{2, {{512 << 20, DAY, 0}, {25, HOUR, 500}}, false}, 4},
	/* A small message is not counted as a megabyte. */
	{"1024G/1w 50M/1d", RATELIMIT_LIMITED,
		{2, {{512 << 20, 7 * DAY, 0}, {25600, DAY, 0}}, false}, 2048},
	{"1048576G/1w", RATELIMIT_LIMITED, {1, {{512 << 20, 7 * DAY, 0}}, false}, 2 << 20},
	{"2000G/1d", RATELIMIT_LIMITED, {1, {{2000 << 18, DAY, 0}}, false}, 4096},
	{"-1", RATELIMIT_INHERIT, {0}, 0},
	{"0", RATELIMIT_UNLIMITED, {0}, 0},
	{" -1", RATELIMIT_INHERIT, {0}, 0},
	{"class:staff", RATELIMIT_CLASS, {0}, 0},
};

START_TEST(line_is_read)
{
	struct ratelimit_limit l = {0};
	enum ratelimit_line kind;
	const char *name;
	char why[200] = "";

	ck_assert_msg(ratelimit_parse(lines[_i].line, &kind, &l, &name, why, sizeof(why)), "%s: %s",
		lines[_i].line, why);
	ck_assert(ratelimit_check_line(lines[_i].line, why, sizeof(why)));
	ck_assert_int_eq(kind, lines[_i].kind);
	if (kind == RATELIMIT_CLASS)
		ck_assert_str_eq(name, "class:staff");
	if (kind != RATELIMIT_LIMITED)
		return;
	ck_assert_int_eq(l.unit, lines[_i].unit);
	ck_assert_uint_eq(l.limit.windows, lines[_i].limit.windows);
	for (size_t i = 0; i < l.limit.windows; i++) {
		const struct cm_limit_window *is = &l.limit.window[i];
		const struct cm_limit_window *wanted = &lines[_i].limit.window[i];

		ck_assert_msg(is->count == wanted->count, "%s: %lld", lines[_i].line,
			(long long)is->count);
		ck_assert_int_eq(is->period_us, wanted->period_us);
		ck_assert_int_eq(is->burst, wanted->burst);
	}
}
END_TEST

static const struct {
	const char *line, *why;
} wrong[] = {
	{"", "\"\": a rate is wanted, such as 100/1h; or -1, 0, class:NAME"},
	{"-2", "\"-2\": a digit is wanted"},
	{"00", "\"00\": a rate is COUNT/TIME, such as 100/1h"},
	{"200", "\"200\": a rate is COUNT/TIME, such as 100/1h"},
	{"200/", "\"200/\": a digit is wanted"},
	{"200/h", "\"200/h\": a digit is wanted"},
	{"200/1", "\"200/1\": a time has a unit: ms s min h d w"},
	{"200/1m", "\"200/1m\": a time has a unit: ms s min h d w"},
	{"200/0s", "\"200/0s\": a time must be more than nothing"},
	{"200/1hour", "\"200/1hour\": a digit is wanted"},
	{"0/1h", "\"0/1h\": a rate's count is 1 to 1048576G; to allow nothing is for access"},
	{"200/1h;300/1d", "\"200/1h;300/1d\": a digit is wanted"},
	{"2 00/1h", "\"2 00/1h\": a rate is COUNT/TIME, such as 100/1h"},
	{"200T/1h", "\"200T/1h\": a rate is COUNT/TIME, such as 100/1h"},
	{"200/1h 300/60min", "\"200/1h 300/60min\": two rates of one period"},
	{"1/1s 1/2s 1/3s 1/4s 1/5s 1/6s 1/7s 1/8s 1/9s",
		"\"1/1s 1/2s 1/3s 1/4s 1/5s 1/6s 1/7s 1/8s 1/9s\": more than 8 rates"},
	{"burst=5", "\"burst=5\": a rate is wanted, such as 100/1h; or -1, 0, class:NAME"},
	{"5/1h burst=0", "\"5/1h burst=0\": burst= must be more than nothing"},
	{"5/1h burst=", "\"5/1h burst=\": a digit is wanted"},
	{"5/1h burst=5 burst=5", "\"5/1h burst=5 burst=5\": burst= stands there twice"},
	{"99999999999999999999/1h", "\"99999999999999999999/1h\": a number is too large"},
	{"1/99999999999999999999s", "\"1/99999999999999999999s\": a number is too large"},
	{"9999999999G/1h", "\"9999999999G/1h\": a number is too large"},
	{"1/9999999w", "\"1/9999999w\": a number is too large"},
	{"class:", "\"class:\": a digit is wanted"},
	{"staff", "\"staff\": a digit is wanted"},
};

START_TEST(line_is_refused)
{
	char why[200] = "";

	ck_assert(!ratelimit_check_line(wrong[_i].line, why, sizeof(why)));
	ck_assert_str_eq(why, wrong[_i].why);
}
END_TEST

/* --- costs --- */

static const struct {
	const char *line;
	int64_t amount, cost;
} costs[] = {
	{"50M/1h", 1, 1},
	{"50M/1h", 0, 0},
	{"2G/1h", 0, 0},
	{"2G/1h", 1, 1},
	{"2G/1h", 1024, 256},
	{"2G/1h", 1025, 257},
	{"50M/1h", INT64_C(1) << 50, CM_LIMIT_COUNT_MOST},
	{"50M/1h", INT64_MAX, CM_LIMIT_COUNT_MOST},
	{"2G/1h", INT64_MAX, CM_LIMIT_COUNT_MOST},
};

START_TEST(cost)
{
	struct ratelimit_limit l;
	enum ratelimit_line kind;
	const char *name;
	char why[200];

	ck_assert(ratelimit_parse(costs[_i].line, &kind, &l, &name, why, sizeof(why)));
	ck_assert_int_eq(ratelimit_cost(&l, costs[_i].amount), costs[_i].cost);
}
END_TEST

/* --- keys --- */

static const struct {
	const char *text, *folded, *kept;
} parts[] = {
	{"bob", "x/bob", "x/bob"},
	{"Bob@Example.COM", "x/bob@example.com", "x/Bob@Example.COM"},
	{"a/b", "x/a%2Fb", "x/a%2Fb"},
	{"100%", "x/100%25", "x/100%25"},
	{"a\nb\t\x01\x7f", "x/a%0Ab%09%01%7F", "x/a%0Ab%09%01%7F"},
	{"J\xc3\x96RG", "x/j\xc3\x96rg", "x/J\xc3\x96RG"},
	{"192.0.2.0/24", "x/192.0.2.0%2F24", "x/192.0.2.0%2F24"},
	{"", "x/", "x/"},
};

START_TEST(part_of_a_key)
{
	char out[64];
	size_t len;

	for (int fold = 0; fold < 2; fold++) {
		const char *wanted = fold ? parts[_i].folded : parts[_i].kept;

		memcpy(out, "x", 2);
		len = ratelimit_append(out, sizeof(out), 1, parts[_i].text, fold);
		ck_assert_uint_eq(len, strlen(wanted));
		out[len] = '\0';
		ck_assert_str_eq(out, wanted);
		ck_assert_uint_eq(ratelimit_append(NULL, 0, 1, parts[_i].text, fold), len);
		/* Nothing is written behind the end. */
		memset(out, '#', sizeof(out));
		ck_assert_uint_eq(ratelimit_append(out, 3, 1, parts[_i].text, fold), len);
		ck_assert_int_eq(out[3], '#');
	}
}
END_TEST

/* Two keys are one only where their parts are the same. */
START_TEST(parts_cannot_be_mistaken)
{
	static const char *const pairs[][2] = {{"a", "b"}, {"a/b", ""}, {"", "a/b"}, {"a%2Fb", ""},
		{"a/", "b"}, {"a", "/b"}, {"a%", "2Fb"}};
	char keys[LENGTH(pairs)][64];

	for (int i = 0; i < LENGTH(pairs); i++) {
		size_t len = 1;

		keys[i][0] = 'x';
		for (int k = 0; k < 2; k++)
			len = ratelimit_append(keys[i], 64, len, pairs[i][k], false);
		keys[i][len] = '\0';
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(keys[i], keys[k]);
	}
}
END_TEST

/* --- words --- */

static const struct {
	int64_t us;
	const char *period, *brief, *wait;
} times[] = {
	{HOUR, "hour", "1h", "60 minutes"},
	{2 * HOUR, "2 hours", "2h", "2 hours"},
	{90 * MINUTE, "90 minutes", "90min", "90 minutes"},
	{DAY, "day", "1d", "24 hours"},
	{2 * DAY, "2 days", "2d", "2 days"},
	{7 * DAY, "week", "1w", "7 days"},
	{30 * DAY, "30 days", "30d", "30 days"},
	{MINUTE, "minute", "1min", "1 minute"},
	{SECOND, "second", "1s", "1 second"},
	{36 * SECOND, "36 seconds", "36s", "36 seconds"},
	{SECOND / 2, "500 milliseconds", "500ms", "1 second"},
	{36 * HOUR, "36 hours", "36h", "36 hours"},
};

START_TEST(time_in_words)
{
	char out[RATELIMIT_WORDS];

	ratelimit_period(times[_i].us, out);
	ck_assert_str_eq(out, times[_i].period);
	ratelimit_short(times[_i].us, out);
	ck_assert_str_eq(out, times[_i].brief);
	ratelimit_wait(times[_i].us, out);
	ck_assert_str_eq(out, times[_i].wait);
}
END_TEST

static const struct {
	int64_t us;
	const char *wait;
} waits[] = {
	{0, "1 second"},
	{1, "1 second"},
	{SECOND + 1, "1 second"},
	{SECOND + 2, "2 seconds"},
	{59 * SECOND, "59 seconds"},
	{MINUTE - 1, "60 seconds"},
	{MINUTE + 2, "2 minutes"},
	{12 * MINUTE, "12 minutes"},
	{2 * HOUR - 1, "120 minutes"},
	{2 * HOUR + 2, "3 hours"},
	{2 * DAY + 2, "3 days"},
};

START_TEST(wait_is_never_too_short)
{
	char out[RATELIMIT_WORDS];

	ratelimit_wait(waits[_i].us, out);
	ck_assert_str_eq(out, waits[_i].wait);
}
END_TEST

static const struct {
	int64_t amount;
	const char *count, *octets;
} amounts[] = {
	{0, "0", "0 octets"},
	{1, "1", "1 octet"},
	{1023, "1023", "1023 octets"},
	{1024, "1024", "1 KB"},
	{1536, "1536", "1.5 KB"},
	{50 << 20, "52428800", "50 MB"},
	{(50 << 20) + 1, "52428801", "50 MB"},
	{INT64_C(1) << 50, "1125899906842624", "1 PB"},
	{-1, "-1", "-1 octets"},
	{INT64_MIN, "-9223372036854775808", "-9223372036854775808 octets"},
};

START_TEST(amount_in_words)
{
	char out[RATELIMIT_WORDS];

	ratelimit_amount(amounts[_i].amount, false, out);
	ck_assert_str_eq(out, amounts[_i].count);
	ratelimit_amount(amounts[_i].amount, true, out);
	ck_assert_str_eq(out, amounts[_i].octets);
}
END_TEST

START_TEST(text_of_a_reply)
{
	char why[200] = "";

	ck_assert(ratelimit_check_text(
		"100% of %{limit}: %{key} %{used} %{retry}", why, sizeof(why)));
	ck_assert(!ratelimit_check_text("over %{limits}", why, sizeof(why)));
	ck_assert_str_eq(why, "\"%{limits}\" is none of %{burst}, %{client_ip}, %{count}, %{key}, "
			      "%{limit}, %{period}, %{retry}, %{used}, %{what}");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ratelimit rules");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, line_is_read, 0, LENGTH(lines));
	tcase_add_loop_test(t, line_is_refused, 0, LENGTH(wrong));
	tcase_add_loop_test(t, cost, 0, LENGTH(costs));
	tcase_add_loop_test(t, part_of_a_key, 0, LENGTH(parts));
	tcase_add_test(t, parts_cannot_be_mistaken);
	tcase_add_loop_test(t, time_in_words, 0, LENGTH(times));
	tcase_add_loop_test(t, wait_is_never_too_short, 0, LENGTH(waits));
	tcase_add_loop_test(t, amount_in_words, 0, LENGTH(amounts));
	tcase_add_test(t, text_of_a_reply);
	suite_add_tcase(suite, t);
	return table_run(suite);
}
