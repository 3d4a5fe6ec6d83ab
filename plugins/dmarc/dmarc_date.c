/* SPDX-License-Identifier: MIT */
/*
 * dmarc_date.c - days of reports, in UTC
 *
 * Without the C library's calendar, which knows a time zone and takes months that there are not.
 */
#include <stdio.h>
#include <string.h>

#include "dmarc_store.h"

#define YEAR_FIRST 1970
#define YEAR_LAST  9999

static bool
leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
days_of_month(int64_t year, int64_t month)
{
	static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && leap(year));
}

void
dmarc_date(char out[DMARC_DATE_SIZE], int64_t time)
{
	int64_t days = time / DMARC_DAY, year = YEAR_FIRST, month = 1;

	while (days >= 365 + leap(year) && year < YEAR_LAST)
		days -= 365 + leap(year++);
	while (month < 12 && days >= days_of_month(year, month))
		days -= days_of_month(year, month++);
	snprintf(out, DMARC_DATE_SIZE, "%04u-%02u-%02u", (unsigned)year % 10000,
		(unsigned)month % 100, (unsigned)(days + 1) % 100);
}

/* So many digits at text; -1: there are others. */
static int64_t
number(const char *text, size_t digits)
{
	int64_t value = 0;

	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = 10 * value + (text[i] - '0');
	}
	return value;
}

int64_t
dmarc_date_read(const char *text)
{
	int64_t year, month, day, days = 0;

	if (strlen(text) + 1 != DMARC_DATE_SIZE || text[4] != '-' || text[7] != '-')
		return -1;
	year = number(text, 4);
	month = number(text + 5, 2);
	day = number(text + 8, 2);
	if (year < YEAR_FIRST || month < 1 || month > 12 || day < 1 ||
		day > days_of_month(year, month))
		return -1;
	for (int64_t y = YEAR_FIRST; y < year; y++)
		days += 365 + leap(y);
	for (int64_t m = 1; m < month; m++)
		days += days_of_month(year, m);
	return (days + day - 1) * DMARC_DAY;
}
