/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_limit.c - limits: of the settings, and of the lines of a map
 *
 * A store counts to a thousand million and no further, so many octets are counted in larger units:
 * the smallest that does, for each message is rounded up to one.
 */
#include "ratelimit.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))
#define UNIT_STEP     INT64_C(2)
#define COUNT_MOST    (INT64_C(1) << 50)
#define CLASS	      "class:"
#define SEPARATORS    ", \t"

/* --- limits --- */

static int64_t
units(int64_t amount, int64_t unit)
{
	return amount / unit + (amount % unit != 0);
}

int64_t
ratelimit_cost(const struct ratelimit_limit *l, int64_t amount)
{
	int64_t cost = units(amount, l->unit);

	return cost < CM_LIMIT_COUNT_MOST ? cost : CM_LIMIT_COUNT_MOST;
}

/* The one with the shortest period is what a burst is about. */
static size_t
shortest(const struct cm_rates *rates)
{
	size_t at = 0;

	for (size_t i = 1; i < rates->count; i++) {
		if (rates->items[i].period_us < rates->items[at].period_us)
			at = i;
	}
	return at;
}

static const char *
find_mistake(const struct cm_rates *rates)
{
	if (rates->count > CM_LIMIT_WINDOWS)
		return "more than 8 rates";
	for (size_t i = 0; i < rates->count; i++) {
		if (rates->items[i].count < 1 || rates->items[i].count > COUNT_MOST)
			return "a rate's count is 1 to 1048576G; to allow nothing is for access";
		for (size_t k = 0; k < i; k++) {
			if (rates->items[k].period_us == rates->items[i].period_us)
				return "two rates of one period";
		}
	}
	return NULL;
}

bool
ratelimit_make(struct ratelimit_limit *l, const struct cm_rates *rates, int64_t burst, char *why,
	size_t why_size)
{
	const char *mistake = find_mistake(rates);
	int64_t most = burst;

	*l = (struct ratelimit_limit){.unit = 1};
	if (mistake != NULL) {
		snprintf(why, why_size, "%s", mistake);
		return false;
	}
	for (size_t i = 0; i < rates->count; i++)
		most = rates->items[i].count > most ? rates->items[i].count : most;
	while (most / l->unit >= CM_LIMIT_COUNT_MOST)
		l->unit *= UNIT_STEP;
	l->limit.windows = rates->count;
	for (size_t i = 0; i < rates->count; i++)
		l->limit.window[i] = (struct cm_limit_window){
			units(rates->items[i].count, l->unit), rates->items[i].period_us, 0};
	l->limit.window[shortest(rates)].burst = units(burst, l->unit);
	return true;
}

/* --- the map --- */

struct reader {
	const char *at;
	const char *mistake; /* NULL: none */
};

static bool
wrong(struct reader *r, const char *mistake)
{
	r->mistake = mistake;
	return false;
}

static bool
read_number(struct reader *r, int64_t *number)
{
	int64_t sum = 0;

	if (*r->at < '0' || *r->at > '9')
		return wrong(r, "a digit is wanted");
	for (; *r->at >= '0' && *r->at <= '9'; r->at++) {
		sum = 10 * sum + *r->at - '0';
		if (sum > COUNT_MOST)
			return wrong(r, "a number is too large");
	}
	*number = sum;
	return true;
}

struct factor {
	const char *name;
	int64_t value;
};

/* Longer names first, where one begins with another. */
static const struct factor sizes[] = {{"k", INT64_C(1) << 10}, {"K", INT64_C(1) << 10},
	{"M", INT64_C(1) << 20}, {"G", INT64_C(1) << 30}},
			   times[] = {
				   {"ms", 1000},
				   {"min", INT64_C(60000000)},
				   {"s", INT64_C(1000000)},
				   {"h", INT64_C(3600000000)},
				   {"d", INT64_C(86400000000)},
				   {"w", INT64_C(604800000000)},
};

static bool
read_unit(struct reader *r, const struct factor *factors, size_t count, int64_t *number)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(factors[i].name);

		if (strncmp(r->at, factors[i].name, len) != 0)
			continue;
		r->at += len;
		if (*number > COUNT_MOST / factors[i].value)
			return wrong(r, "a number is too large");
		*number *= factors[i].value;
		return true;
	}
	return false;
}

static bool
read_count(struct reader *r, int64_t *count)
{
	return read_number(r, count) &&
	       (read_unit(r, sizes, LENGTH(sizes), count) || r->mistake == NULL);
}

static bool
read_period(struct reader *r, int64_t *us)
{
	*us = 0;
	do {
		int64_t part;

		if (!read_number(r, &part))
			return false;
		if (!read_unit(r, times, LENGTH(times), &part))
			return wrong(r, r->mistake != NULL ? r->mistake
							   : "a time has a unit: ms s min h d w");
		*us += part;
		if (*us > COUNT_MOST)
			return wrong(r, "a number is too large");
	} while (*r->at != '\0' && strchr(SEPARATORS, *r->at) == NULL);
	return *us > 0 || wrong(r, "a time must be more than nothing");
}

static bool
read_rate(struct reader *r, struct cm_rate *rate)
{
	if (!read_count(r, &rate->count))
		return false;
	if (*r->at != '/')
		return wrong(r, "a rate is COUNT/TIME, such as 100/1h");
	r->at++;
	return read_period(r, &rate->period_us);
}

static bool
read_burst(struct reader *r, int64_t *burst)
{
	r->at += strlen("burst=");
	if (*burst != 0)
		return wrong(r, "burst= stands there twice");
	if (!read_count(r, burst))
		return false;
	return *burst > 0 || wrong(r, "burst= must be more than nothing");
}

/* "200/1h 1000/1d burst=50" */
static bool
read_rates(struct reader *r, struct cm_rate items[CM_LIMIT_WINDOWS], size_t *count, int64_t *burst)
{
	while (*(r->at += strspn(r->at, SEPARATORS)) != '\0') {
		bool good;

		if (strncmp(r->at, "burst=", strlen("burst=")) == 0)
			good = read_burst(r, burst);
		else if (*count == CM_LIMIT_WINDOWS)
			return wrong(r, "more than 8 rates");
		else
			good = read_rate(r, &items[(*count)++]);
		if (!good)
			return false;
		if (*r->at != '\0' && strchr(SEPARATORS, *r->at) == NULL)
			return wrong(r, "a blank is wanted between rates");
	}
	return *count > 0 || wrong(r, "a rate is wanted, such as 100/1h; or -1, 0, class:NAME");
}

static bool
parse_rates(const char *line, struct ratelimit_limit *l, char *why, size_t why_size)
{
	struct cm_rate items[CM_LIMIT_WINDOWS];
	struct reader r = {.at = line};
	struct cm_rates rates = {.items = items};
	int64_t burst = 0;

	if (read_rates(&r, items, &rates.count, &burst))
		return ratelimit_make(l, &rates, burst, why, why_size);
	snprintf(why, why_size, "%s", r.mistake);
	return false;
}

bool
ratelimit_parse(const char *line, enum ratelimit_line *kind, struct ratelimit_limit *l,
	const char **name, char *why, size_t why_size)
{
	line += strspn(line, SEPARATORS);
	*name = line;
	*kind = RATELIMIT_LIMITED;
	if (strcmp(line, "-1") == 0)
		*kind = RATELIMIT_INHERIT;
	else if (strcmp(line, "0") == 0)
		*kind = RATELIMIT_UNLIMITED;
	else if (strncmp(line, CLASS, strlen(CLASS)) == 0 && line[strlen(CLASS)] != '\0')
		*kind = RATELIMIT_CLASS;
	else
		return parse_rates(line, l, why, why_size);
	return true;
}

bool
ratelimit_check_line(const char *line, char *why, size_t why_size)
{
	struct ratelimit_limit l;
	enum ratelimit_line kind;
	const char *name;
	char what[100] = "";

	if (ratelimit_parse(line, &kind, &l, &name, what, sizeof(what)))
		return true;
	snprintf(why, why_size, "\"%.60s\": %s", line, what);
	return false;
}

/* --- the start --- */

/* Octets alone may be so many that they are counted in larger units. */
static const char *
find_misfit(const struct ratelimit_config *config)
{
	if (config->limit.count == 0 && config->limits == NULL)
		return "needs limit, such as 200/1h, or limits, a map of them";
	if (config->limit.count == 0 && config->burst > 0)
		return "burst goes with limit; lines of limits have their own";
	if (config->count != RATELIMIT_BYTES && config->all.unit > 1)
		return "only octets can be so many";
	return NULL;
}

bool
ratelimit_start(void *settings, char *why, size_t why_size)
{
	struct ratelimit_config *config = settings;
	const char *misfit;

	if (!ratelimit_start_key(config, why, why_size) ||
		!ratelimit_make(&config->all, &config->limit, config->burst, why, why_size))
		return false;
	config->limited = config->limit.count > 0;
	config->all.limit.strict = config->update != 0;
	misfit = find_misfit(config);
	if (misfit != NULL)
		snprintf(why, why_size, "%s", misfit);
	return misfit == NULL;
}
