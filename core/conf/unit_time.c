/* SPDX-License-Identifier: MIT */
/*
 * unit_time.c - dates and times of day as text
 *
 * Local time, as people who run a mail server think. What that leaves open is said and not guessed.
 */
#include <string.h>
#include <time.h>

#include "unit.h"

#define SECOND INT64_C(1000000)

static const char date_wanted[] = "YYYY-MM-DD or \"YYYY-MM-DD hh:mm\" is wanted";
static const char no_such_time[] = "there is no such time";

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Where text stops looking like shape, in which 0 stands for any digit. */
static size_t
match_shape(const char *text, const char *shape)
{
	size_t i = 0;

	while (shape[i] != '\0' && (shape[i] == '0' ? is_digit(text[i]) : text[i] == shape[i]))
		i++;
	return i;
}

static int
two_digits(const char *p)
{
	return 10 * (p[0] - '0') + (p[1] - '0');
}

static bool
same_minute(const struct tm *a, const struct tm *b)
{
	return a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday && a->tm_hour == b->tm_hour &&
	       a->tm_min == b->tm_min;
}

/* The moment that clocks show so, with and without daylight saving; false: they never do. */
static bool
moment(const struct tm *t, int dst, time_t *value)
{
	struct tm back = *t;

	back.tm_isdst = dst;
	*value = mktime(&back);
	/* mktime() turns February 30 into March 2, and what is left out into the hour behind it. */
	return same_minute(&back, t) && (dst < 0 || back.tm_isdst == dst);
}

static bool
to_seconds(const struct tm *t, int64_t *seconds, const char **why)
{
	time_t value, winter, summer;

	*why = no_such_time;
	if (!moment(t, -1, &value))
		return false;
	*why = "the clocks show that time twice, for they are set back; write another";
	if (moment(t, 0, &winter) && moment(t, 1, &summer) && winter != summer)
		return false;
	*seconds = (int64_t)value;
	return true;
}

static void
set_clock(struct tm *t, const char *hh_mm)
{
	t->tm_hour = two_digits(hh_mm);
	t->tm_min = two_digits(hh_mm + 3);
}

const char *
unit_time(const char *text, int64_t *seconds, const char **why)
{
	static const char shape[] = "0000-00-00 00:00";
	size_t len = match_shape(text, shape);
	bool with_clock = len == strlen(shape);
	struct tm t = {.tm_isdst = -1};

	*seconds = 0;
	*why = date_wanted;
	if (text[len] != '\0' || (!with_clock && len != strlen("0000-00-00")))
		return text + len;
	t.tm_year = 100 * two_digits(text) + two_digits(text + 2) - 1900;
	t.tm_mon = two_digits(text + 5) - 1;
	t.tm_mday = two_digits(text + 8);
	if (with_clock)
		set_clock(&t, text + 11);
	return to_seconds(&t, seconds, why) ? NULL : text;
}

/* --- what people type --- */

static const struct {
	const char *word;
	int days;
} days[] = {{"today", 0}, {"tomorrow", 1}};

/* That clock on the day so many days from now; "" is its beginning. */
static bool
on_day(int64_t now, int day, const char *clock, int64_t *seconds, const char **why)
{
	time_t at = (time_t)now;
	struct tm t;

	*why = no_such_time;
	if (localtime_r(&at, &t) == NULL)
		return false;
	t = (struct tm){.tm_year = t.tm_year,
		.tm_mon = t.tm_mon,
		.tm_mday = t.tm_mday + day,
		.tm_hour = 12,
		.tm_isdst = -1};
	/* Noon is on every day; it makes a date of July 32. */
	if (mktime(&t) == (time_t)-1)
		return false;
	t.tm_hour = t.tm_min = 0;
	if (*clock != '\0')
		set_clock(&t, clock);
	return to_seconds(&t, seconds, why);
}

static bool
is_clock(const char *text)
{
	return match_shape(text, "00:00") == 5 && text[5] == '\0';
}

/* "today", "tomorrow 08:00"; false: it is none of these. */
static bool
read_day(const char *text, int *day, const char **clock)
{
	for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++) {
		size_t len = strlen(days[i].word);

		if (strncmp(text, days[i].word, len) != 0)
			continue;
		*day = days[i].days;
		*clock = text + len + (text[len] == ' ');
		return text[len] == '\0' || (text[len] == ' ' && is_clock(*clock));
	}
	*day = 0;
	*clock = text;
	return is_clock(text);
}

static const char *
read_span(const char *text, int64_t now, int64_t *seconds, const char **why)
{
	int64_t us;
	const char *bad = unit_duration(text, &us, why);

	if (bad == NULL)
		*seconds = now + us / SECOND;
	return bad;
}

const char *
unit_when(const char *text, int64_t now, int64_t *seconds, const char **why)
{
	const char *bad = NULL, *clock;
	int day;

	*seconds = 0;
	if (text[0] == '+') {
		bad = read_span(text + 1, now, seconds, why);
	} else if (read_day(text, &day, &clock)) {
		bad = on_day(now, day, clock, seconds, why) ? NULL : text;
		/* The clock alone is the next time that it shows so. */
		if (bad == NULL && clock == text && *seconds <= now)
			bad = on_day(now, 1, clock, seconds, why) ? NULL : text;
	} else {
		bad = unit_time(text, seconds, why);
		if (*why == date_wanted)
			*why = "YYYY-MM-DD, \"YYYY-MM-DD hh:mm\", hh:mm, \"tomorrow hh:mm\" or +2h "
			       "is wanted";
	}
	if (bad != NULL)
		return bad;
	*why = "that is over";
	return *seconds > now ? NULL : text;
}
