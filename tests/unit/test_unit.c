/* SPDX-License-Identifier: MIT */
/*
 * test_unit.c - durations, sizes, rates, percentages and yes/no as text
 */
#include "conf/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define SEC  INT64_C(1000000)
#define MIN  (60 * SEC)
#define HOUR (60 * MIN)
#define DAY  (24 * HOUR)

typedef const char *reader(const char *, int64_t *, const char **);

/* bad: octets understood before the mistake; -1: all is well. */
static const struct {
	reader *read;
	const char *text;
	int64_t value;
	int bad;
	const char *why;
} numbers[] = {
	{unit_duration, "5s", 5 * SEC, -1, NULL},
	{unit_duration, "5ms", 5000, -1, NULL},
	{unit_duration, "5min", 5 * MIN, -1, NULL},
	{unit_duration, "1h30min", HOUR + 30 * MIN, -1, NULL},
	{unit_duration, "1w2d3h4min5s6ms", 9 * DAY + 3 * HOUR + 4 * MIN + 5 * SEC + 6000, -1, NULL},
	{unit_duration, "36d", 36 * DAY, -1, NULL},
	{unit_duration, "0", 0, -1, NULL},
	{unit_duration, "0s", 0, -1, NULL},
	{unit_duration, "15250284452w", 0, 0, "too large"},
	{unit_duration, "15250284w", 15250284 * 7 * DAY, -1, NULL},
	{unit_duration, "15250284w1w", 0, 9, "too large"},
	{unit_duration, "99999999999999999999s", 0, 0, "too large"},
	{unit_duration, "5", 0, 1, "unit missing"},
	{unit_duration, "1h30", 0, 4, "unit missing"},
	{unit_duration, "5weeks", 0, 1, "not a time unit"},
	{unit_duration, "5m", 0, 1, "not a time unit"},
	{unit_duration, "5S", 0, 1, "not a time unit"},
	{unit_duration, "1.5h", 0, 1, "not a time unit"},
	{unit_duration, "5 s", 0, 1, "not a time unit"},
	{unit_duration, "1h 30min", 0, 1, "not a time unit"},
	{unit_duration, "-5s", 0, 0, "a digit is wanted here"},
	{unit_duration, "s", 0, 0, "a digit is wanted here"},
	{unit_duration, "", 0, 0, "a digit is wanted here"},
	{unit_int, "0", 0, -1, NULL},
	{unit_int, "42", 42, -1, NULL},
	{unit_int, "-42", -42, -1, NULL},
	{unit_int, "9223372036854775807", INT64_MAX, -1, NULL},
	{unit_int, "9223372036854775808", 0, 0, "too large"},
	{unit_int, "4x", 0, 1, "a digit is wanted here"},
	{unit_int, "0x10", 0, 1, "a digit is wanted here"},
	{unit_int, "--1", 0, 1, "a digit is wanted here"},
	{unit_int, "-", 0, 1, "a digit is wanted here"},
	{unit_int, "+1", 0, 0, "a digit is wanted here"},
	{unit_int, " 1", 0, 0, "a digit is wanted here"},
	{unit_int, "1 ", 0, 1, "a digit is wanted here"},
	{unit_int, "", 0, 0, "a digit is wanted here"},
	{unit_mode, "0660", 0660, -1, NULL},
	{unit_mode, "660", 0660, -1, NULL},
	{unit_mode, "2775", 02775, -1, NULL},
	{unit_mode, "0680", 0, 2, "a digit from 0 to 7 is wanted here"},
	{unit_mode, "rw", 0, 0, "a digit from 0 to 7 is wanted here"},
	{unit_mode, "7", 0, 0, "three or four digits"},
	{unit_mode, "00660", 0, 0, "three or four digits"},
	{unit_mode, "", 0, 0, "a digit from 0 to 7 is wanted here"},
	{unit_percent, "10%", 1000, -1, NULL},
	{unit_percent, "0%", 0, -1, NULL},
	{unit_percent, "100%", 10000, -1, NULL},
	{unit_percent, "100.00%", 10000, -1, NULL},
	{unit_percent, "0.5%", 50, -1, NULL},
	{unit_percent, "12.34%", 1234, -1, NULL},
	{unit_percent, "12.345%", 0, 5, "% is wanted here"},
	{unit_percent, "12.%", 0, 3, "one or two digits"},
	{unit_percent, "100.01%", 0, 0, "more than 100%"},
	{unit_percent, "101%", 0, 0, "more than 100%"},
	{unit_percent, "10", 0, 2, "unit missing"},
	{unit_percent, "10%%", 0, 2, "% is wanted here"},
	{unit_percent, "%", 0, 0, "a digit is wanted here"},
	{unit_size, "50M", 50 << 20, -1, NULL},
	{unit_size, "1k", 1024, -1, NULL},
	{unit_size, "1K", 1024, -1, NULL},
	{unit_size, "1G", 1 << 30, -1, NULL},
	{unit_size, "4096", 4096, -1, NULL},
	{unit_size, "8589934592G", 0, 0, "too large"},
	{unit_size, "50MB", 0, 2, "not a size unit"},
	{unit_size, "50m", 0, 2, "not a size unit"},
	{unit_size, "1M1k", 0, 1, "not a size unit"},
	{unit_size, "1.5M", 0, 1, "not a size unit"},
	{unit_size, "M", 0, 0, "a digit is wanted here"},
	{unit_time, "1970-01-01 01:00", 0, -1, NULL},
	{unit_time, "1970-01-02", 86400 - 3600, -1, NULL},
	{unit_time, "2026-12-31 08:00", 1798700400, -1, NULL},
	{unit_time, "2024-02-29 00:00", 1709161200, -1, NULL},
	{unit_time, "2026-02-29", 0, 0, "there is no such time"},
	{unit_time, "2026-13-01", 0, 0, "there is no such time"},
	{unit_time, "2026-12-31 24:00", 0, 0, "there is no such time"},
	{unit_time, "2026-12-31 08:0", 0, 15, "YYYY-MM-DD or \"YYYY-MM-DD hh:mm\" is wanted"},
	{unit_time, "2026-12-31T08:00", 0, 10, "YYYY-MM-DD or \"YYYY-MM-DD hh:mm\" is wanted"},
	{unit_time, "2026-12-31 08:00:00", 0, 16, "YYYY-MM-DD or \"YYYY-MM-DD hh:mm\" is wanted"},
	{unit_time, "31.12.2026", 0, 2, "YYYY-MM-DD or \"YYYY-MM-DD hh:mm\" is wanted"},
	{unit_time, "", 0, 0, "YYYY-MM-DD or \"YYYY-MM-DD hh:mm\" is wanted"},
};

START_TEST(number_with_its_unit_is_read_or_its_mistake_found)
{
	const char *text = numbers[_i].text;
	const char *why = NULL;
	int64_t value;
	const char *bad;

	setenv("TZ", "UTC-1", 1); /* an hour east of Greenwich */
	bad = numbers[_i].read(text, &value, &why);
	ck_assert_msg((bad == NULL) == (numbers[_i].bad < 0), "%s: %s", text, bad);
	if (bad == NULL) {
		ck_assert_msg(value == numbers[_i].value, "%s: %" PRId64, text, value);
		return;
	}
	ck_assert_msg(bad == text + numbers[_i].bad, "%s: at %s", text, bad);
	ck_assert_msg(strcmp(why, numbers[_i].why) == 0, "%s: %s", text, why);
}
END_TEST

/* Berlin sets its clocks in 2026 at 02:00 of March 29 and at 03:00 of October 25. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define OVER   "that is over"
#define NEVER  "there is no such time"
#define TWICE  "the clocks show that time twice, for they are set back; write another"
#define WHEN   "YYYY-MM-DD, \"YYYY-MM-DD hh:mm\", hh:mm, \"tomorrow hh:mm\" or +2h is wanted"

static const struct {
	const char *now, *text, *is; /* is: as unit_time() reads it; NULL: it is none */
	const char *why;
} whens[] = {
	{"2026-11-26 21:00", "2026-12-01", "2026-12-01 00:00", NULL},
	{"2026-11-26 21:00", "2026-12-01 08:00", "2026-12-01 08:00", NULL},
	{"2026-11-26 21:00", "tomorrow 08:00", "2026-11-27 08:00", NULL},
	{"2026-11-26 21:00", "tomorrow", "2026-11-27 00:00", NULL},
	{"2026-11-26 21:00", "today 23:59", "2026-11-26 23:59", NULL},
	{"2026-11-26 21:00", "21:01", "2026-11-26 21:01", NULL},
	{"2026-11-26 21:00", "21:00", "2026-11-27 21:00", NULL},
	{"2026-11-26 21:00", "08:00", "2026-11-27 08:00", NULL},
	{"2026-12-31 21:00", "08:00", "2027-01-01 08:00", NULL},
	{"2026-11-26 21:00", "+2h", "2026-11-26 23:00", NULL},
	{"2026-11-26 21:00", "+1d30min", "2026-11-27 21:30", NULL},
	{"2026-03-28 12:00", "tomorrow 03:30", "2026-03-29 03:30", NULL},
	{"2026-03-28 12:00", "+1d", "2026-03-29 13:00", NULL},
	{"2026-03-29 00:30", "tomorrow 08:00", "2026-03-30 08:00", NULL},
	{"2026-10-24 23:30", "tomorrow", "2026-10-25 00:00", NULL},
	{"2026-03-28 12:00", "tomorrow 02:30", NULL, NEVER},
	{"2026-03-28 12:00", "02:30", NULL, NEVER},
	{"2026-10-24 12:00", "tomorrow 02:30", NULL, TWICE},
	{"2026-10-24 12:00", "2026-10-25 02:30", NULL, TWICE},
	{"2026-11-26 21:00", "2026-02-30", NULL, NEVER},
	{"2026-11-26 21:00", "tomorrow 25:00", NULL, NEVER},
	{"2026-11-26 21:00", "today 20:59", NULL, OVER},
	{"2026-11-26 21:00", "today", NULL, OVER},
	{"2026-11-26 21:00", "2026-11-26 21:00", NULL, OVER},
	{"2026-11-26 21:00", "+0", NULL, OVER},
	{"2026-11-26 21:00", "+2", NULL, "unit missing"},
	{"2026-11-26 21:00", "+", NULL, "a digit is wanted here"},
	{"2026-11-26 21:00", "2h", NULL, WHEN},
	{"2026-11-26 21:00", "tomorrow8:00", NULL, WHEN},
	{"2026-11-26 21:00", "tomorrow ", NULL, WHEN},
	{"2026-11-26 21:00", "monday", NULL, WHEN},
	{"2026-11-26 21:00", "", NULL, WHEN},
};

START_TEST(time_that_people_type_is_read)
{
	const char *why = NULL;
	int64_t now, wanted = 0, value;

	setenv("TZ", BERLIN, 1);
	ck_assert_ptr_null(unit_time(whens[_i].now, &now, &why));
	if (whens[_i].is != NULL)
		ck_assert_ptr_null(unit_time(whens[_i].is, &wanted, &why));
	if (unit_when(whens[_i].text, now, &value, &why) != NULL)
		ck_assert_msg(whens[_i].is == NULL && strcmp(why, whens[_i].why) == 0, "%s: %s",
			whens[_i].text, why);
	else
		ck_assert_msg(whens[_i].is != NULL && value == wanted, "%s: %" PRId64,
			whens[_i].text, value);
}
END_TEST

static const struct {
	const char *text;
	int64_t count, period;
	int bad;
	const char *why;
} rates[] = {
	{"100/1h", 100, HOUR, -1, NULL},
	{"1/1h30min", 1, HOUR + 30 * MIN, -1, NULL},
	{"0/1d", 0, DAY, -1, NULL},
	{"2k/1h", 2048, HOUR, -1, NULL},
	{"1G/1d", INT64_C(1) << 30, DAY, -1, NULL},
	{"9999999999G/1d", 0, 0, 10, "too large"},
	{"1T/1d", 0, 0, 1, "/ is wanted here"},
	{"1MM/1d", 0, 0, 2, "/ is wanted here"},
	{"100", 0, 0, 3, "unit missing"},
	{"100/", 0, 0, 4, "a digit is wanted here"},
	{"100/h", 0, 0, 4, "a digit is wanted here"},
	{"100/1", 0, 0, 5, "unit missing"},
	{"100/1hour", 0, 0, 5, "not a time unit"},
	{"100/0s", 0, 0, 4, "the time must be more than nothing"},
	{"100 / 1h", 0, 0, 3, "/ is wanted here"},
	{"/1h", 0, 0, 0, "a digit is wanted here"},
};

START_TEST(rate_is_read_or_its_mistake_found)
{
	const char *text = rates[_i].text;
	const char *why = NULL;
	struct cm_rate rate;
	const char *bad = unit_rate(text, &rate, &why);

	ck_assert_msg((bad == NULL) == (rates[_i].bad < 0), "%s: %s", text, bad);
	if (bad == NULL) {
		ck_assert_int_eq(rate.count, rates[_i].count);
		ck_assert_int_eq(rate.period_us, rates[_i].period);
		return;
	}
	ck_assert_msg(bad == text + rates[_i].bad, "%s: at %s", text, bad);
	ck_assert_msg(strcmp(why, rates[_i].why) == 0, "%s: %s", text, why);
}
END_TEST

START_TEST(yes_and_no_are_all_there_is)
{
	static const char *const others[] = {"true", "on", "1", "Yes", "", "yes ", "n"};
	const char *why;
	bool value = false;

	ck_assert_ptr_null(unit_bool("yes", &value, &why));
	ck_assert(value);
	ck_assert_ptr_null(unit_bool("no", &value, &why));
	ck_assert(!value);
	for (int i = 0; i < LENGTH(others); i++)
		ck_assert_ptr_eq(unit_bool(others[i], &value, &why), others[i]);
}
END_TEST

static const struct {
	int64_t us;
	const char *text;
} texts[] = {
	{0, "0s"},
	{999, "0s"},
	{1000, "1ms"},
	{90 * SEC, "1min30s"},
	{HOUR + 30 * MIN, "1h30min"},
	{14 * DAY, "14d"},
	{36 * DAY + 23 * HOUR + 59 * MIN + 59 * SEC + 999000, "36d23h59min59s999ms"},
	{INT64_MAX, "106751991d4h54s775ms"},
};

START_TEST(durations_are_written_as_they_are_read)
{
	char text[32];
	const char *why;
	int64_t again;

	unit_duration_text(texts[_i].us, text);
	ck_assert_str_eq(text, texts[_i].text);
	ck_assert_ptr_null(unit_duration(text, &again, &why));
	ck_assert_int_eq(again, texts[_i].us / 1000 * 1000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("unit");
	TCase *t = tcase_create("unit");

	tcase_add_loop_test(
		t, number_with_its_unit_is_read_or_its_mistake_found, 0, LENGTH(numbers));
	tcase_add_loop_test(t, time_that_people_type_is_read, 0, LENGTH(whens));
	tcase_add_loop_test(t, rate_is_read_or_its_mistake_found, 0, LENGTH(rates));
	tcase_add_test(t, yes_and_no_are_all_there_is);
	tcase_add_loop_test(t, durations_are_written_as_they_are_read, 0, LENGTH(texts));
	suite_add_tcase(s, t);
	return table_run(s);
}
