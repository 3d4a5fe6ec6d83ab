/* SPDX-License-Identifier: MIT */
/*
 * unit.c - durations, sizes, rates, percentages and yes/no as text
 *
 * Units are tables; one reader of digits checks every number for overflow.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

const char unit_missing[] = "unit missing";
const char unit_not_of_size[] = "not a size unit";
const char unit_not_of_time[] = "not a time unit";

static const char digit_wanted[] = "a digit is wanted here";
static const char too_large[] = "too large";

struct factor {
	const char *name;
	int64_t value;
};

#define SECOND INT64_C(1000000)

/* Smallest first; the table is also read backwards. */
static const struct factor time_units[] = {
	{"ms", 1000},
	{"s", SECOND},
	{"min", 60 * SECOND},
	{"h", 3600 * SECOND},
	{"d", 24 * 3600 * SECOND},
	{"w", 7 * 24 * 3600 * SECOND},
};

static const struct factor size_units[] = {
	{"k", INT64_C(1) << 10},
	{"K", INT64_C(1) << 10},
	{"M", INT64_C(1) << 20},
	{"G", INT64_C(1) << 30},
};

#define COUNT_OF(table) (sizeof(table) / sizeof(*(table)))

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits from *text on and leaves it behind them. */
static bool
read_number(const char **text, int64_t *value, const char **why)
{
	const char *p = *text;
	int64_t sum = 0;

	if (!is_digit(*p)) {
		*why = digit_wanted;
		return false;
	}
	for (; is_digit(*p); p++) {
		int digit = *p - '0';

		if (__builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_add_overflow(sum, digit, &sum)) {
			*why = too_large;
			return false;
		}
	}
	*value = sum;
	*text = p;
	return true;
}

/* The unit that ends before a digit or at the end of text. */
static const struct factor *
find_unit(const struct factor *units, size_t count, const char *text)
{
	size_t len = strcspn(text, "0123456789");

	for (size_t i = 0; i < count; i++) {
		if (strlen(units[i].name) == len && strncmp(text, units[i].name, len) == 0)
			return &units[i];
	}
	return NULL;
}

const char *
unit_bool(const char *text, bool *value, const char **why)
{
	*why = "yes or no";
	*value = strcmp(text, "yes") == 0;
	return *value || strcmp(text, "no") == 0 ? NULL : text;
}

const char *
unit_duration(const char *text, int64_t *us, const char **why)
{
	int64_t sum = 0;

	*us = 0;
	if (strcmp(text, "0") == 0)
		return NULL;
	do {
		const char *start = text;
		const struct factor *unit;
		int64_t number;

		if (!read_number(&text, &number, why))
			return text;
		unit = find_unit(time_units, COUNT_OF(time_units), text);
		*why = *text == '\0' ? unit_missing : unit_not_of_time;
		if (unit == NULL)
			return text;
		*why = too_large;
		if (__builtin_mul_overflow(number, unit->value, &number) ||
			__builtin_add_overflow(sum, number, &sum))
			return start;
		text += strlen(unit->name);
	} while (*text != '\0');
	*us = sum;
	return NULL;
}

const char *
unit_int(const char *text, int64_t *value, const char **why)
{
	bool negative = *text == '-';
	const char *p = text + negative;

	if (!read_number(&p, value, why))
		return p;
	*why = digit_wanted;
	if (negative)
		*value = -*value;
	return *p == '\0' ? NULL : p;
}

const char *
unit_mode(const char *text, int64_t *mode, const char **why)
{
	size_t len = strspn(text, "01234567");

	*mode = 0;
	*why = "a digit from 0 to 7 is wanted here";
	if (len == 0 || text[len] != '\0')
		return text + len;
	*why = "three or four digits";
	if (len < 3 || len > 4)
		return text;
	for (; *text != '\0'; text++)
		*mode = *mode * 8 + (*text - '0');
	return NULL;
}

const char *
unit_percent(const char *text, int64_t *hundredths, const char **why)
{
	const char *start = text;
	int64_t whole;
	int64_t fraction = 0;

	*hundredths = 0;
	if (!read_number(&text, &whole, why))
		return text;
	if (*text == '.') {
		*why = "one or two digits";
		if (!is_digit(*++text))
			return text;
		fraction = 10 * (*text++ - '0');
		if (is_digit(*text))
			fraction += *text++ - '0';
	}
	*why = *text == '\0' ? unit_missing : "% is wanted here";
	if (strcmp(text, "%") != 0)
		return text;
	*why = "more than 100%";
	if (whole > 100 || (whole == 100 && fraction > 0))
		return start;
	*hundredths = 100 * whole + fraction;
	return NULL;
}

const char *
unit_rate(const char *text, struct cm_rate *rate, const char **why)
{
	const char *bad;

	*rate = (struct cm_rate){0};
	if (!read_number(&text, &rate->count, why))
		return text;
	for (size_t i = 0; i < COUNT_OF(size_units); i++) {
		if (*text != size_units[i].name[0])
			continue;
		*why = too_large;
		if (__builtin_mul_overflow(rate->count, size_units[i].value, &rate->count))
			return text;
		text++;
		break;
	}
	*why = *text == '\0' ? unit_missing : "/ is wanted here";
	if (*text != '/')
		return text;
	bad = unit_duration(++text, &rate->period_us, why);
	if (bad != NULL)
		return bad;
	*why = "the time must be more than nothing";
	return rate->period_us > 0 ? NULL : text;
}

const char *
unit_size(const char *text, int64_t *octets, const char **why)
{
	const char *start = text;
	const struct factor *unit;
	int64_t number;

	*octets = 0;
	if (!read_number(&text, &number, why))
		return text;
	unit = find_unit(size_units, COUNT_OF(size_units), text);
	*why = unit_not_of_size;
	if (*text != '\0' && (unit == NULL || text[strlen(unit->name)] != '\0'))
		return text;
	*why = too_large;
	if (unit != NULL && __builtin_mul_overflow(number, unit->value, &number))
		return start;
	*octets = number;
	return NULL;
}

/* Weeks are left out: people read 14d more easily than 2w. */
void
unit_duration_text(int64_t us, char *out)
{
	size_t used = 0;

	for (size_t i = COUNT_OF(time_units) - 1; i-- > 0;) {
		int64_t count = us / time_units[i].value;

		if (count <= 0)
			continue;
		us -= count * time_units[i].value;
		used += (size_t)snprintf(
			out + used, 32 - used, "%lld%s", (long long)count, time_units[i].name);
	}
	if (used == 0)
		snprintf(out, 32, "0s");
}
