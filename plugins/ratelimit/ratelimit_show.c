/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_show.c - what was counted, in rows for programs and lines for people
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ratelimit.h"

#define SECOND	   INT64_C(1000000)
#define TIME_WORDS 32u
#define HUNDREDTHS 10000

/* What is counted, and what is said of what is left. */
static const struct {
	const char *counted, *left, *behind;
} words[] = {
	[RATELIMIT_MESSAGES] = {" messages", "", " more messages"},
	[RATELIMIT_RECIPIENTS] = {" recipients", "next message may have ", " recipients"},
	[RATELIMIT_DISTINCT] = {" different recipients", "next message may have ",
		" recipients that are new"},
	[RATELIMIT_BYTES] = {"", "next message may have ", ""},
	[RATELIMIT_CONNECTIONS] = {" connections", "", " more connections"},
	[RATELIMIT_ERRORS] = {" errors", "", " more errors"},
};

/* A window of a bucket, now. */
struct window {
	int64_t used, of, left; /* in what is counted */
	int64_t next_us;	/* until one fits */
	int64_t full_us;	/* until all of it is there again */
	int64_t fullness;	/* hundredths of a percent */
	const struct cm_limit_window *window;
	int64_t unit;
};

/* False: the store does not answer. */
static bool
look(struct cm_session *s, struct ratelimit_bucket *b, struct window *w)
{
	struct ratelimit_answer a = ratelimit_look(s, b, 1);
	int64_t used = a.store.used, of = a.store.limit;

	if ((a.outcome != RATELIMIT_OK && a.outcome != RATELIMIT_OVER) || of <= 0)
		return false;
	w->window = &b->limit.limit.window[a.store.window];
	w->unit = b->limit.unit;
	w->used = used * w->unit;
	w->of = of * w->unit;
	w->left = used < of ? (of - used) * w->unit : 0;
	/* A store adds one for what it rounds. */
	w->next_us = a.store.retry_us - (a.store.retry_us > 0);
	w->full_us =
		(int64_t)((double)used * (double)w->window->period_us / (double)w->window->count);
	w->fullness = used * HUNDREDTHS / of;
	return true;
}

int64_t
ratelimit_fullness(struct cm_session *s, struct ratelimit_bucket *b)
{
	struct window w;

	return look(s, b, &w) ? w.fullness : -1;
}

/* Of a bucket that has one window alone, so that each is looked at. */
static bool
look_at_window(struct cm_session *s, struct ratelimit_bucket *b, size_t i, struct window *w,
	struct ratelimit_bucket *one)
{
	*one = *b;
	one->limit.limit.windows = 1;
	one->limit.limit.window[0] = b->limit.limit.window[i];
	return look(s, one, w);
}

/* --- rows --- */

static int64_t
seconds(int64_t us)
{
	return (us + SECOND - 1) / SECOND;
}

static bool
row(struct cm_session *s, const char *key, const struct window *w)
{
	char rate[64], period[RATELIMIT_WORDS];
	int64_t now = cm_time(s);

	ratelimit_short(w->window->period_us, period);
	snprintf(rate, sizeof(rate), "%lld/%s", (long long)(w->window->count * w->unit), period);
	const struct cm_cell cells[] = {
		{"key", key, 0},
		{"limit", rate, 0},
		{"used", NULL, w->used},
		{"of", NULL, w->of},
		{"left", NULL, w->left},
		{"next_in", NULL, seconds(w->next_us)},
		{"next_at", NULL, now + seconds(w->next_us)},
		{"full_at", NULL, now + seconds(w->full_us)},
	};

	return cm_row(s, cells, sizeof(cells) / sizeof(*cells));
}

bool
ratelimit_list_bucket(
	struct cm_session *s, const struct ratelimit_subject *who, struct ratelimit_bucket *b)
{
	struct window w;

	if (!look(s, b, &w))
		return false;
	(void)row(s, ratelimit_readable(s, who), &w);
	return true;
}

/* --- lines --- */

/* "10:52" of today, else with the day; in local time, and not before it is. */
static void
minute_words(int64_t now, int64_t at, char out[TIME_WORDS])
{
	time_t moments[2] = {(time_t)now, (time_t)(at + 59)};
	struct tm today, then;
	bool same;

	localtime_r(&moments[0], &today);
	localtime_r(&moments[1], &then);
	same = today.tm_year == then.tm_year && today.tm_yday == then.tm_yday;
	strftime(out, TIME_WORDS, same ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
}

/* "outbound_limit  bob  183 of 200 recipients / 1h  full again 10:52" */
static void
say_window(struct cm_session *s, const char *key, const struct window *w)
{
	const struct ratelimit_config *config = cm_config(s);
	bool octets = config->count == RATELIMIT_BYTES;
	int64_t rate = w->window->count * w->unit;
	char used[RATELIMIT_WORDS], of[RATELIMIT_WORDS], period[RATELIMIT_WORDS];
	char per[RATELIMIT_WORDS + 16] = "", full[TIME_WORDS] = "now";

	ratelimit_amount(rate, octets, of);
	/* What there is at once may be less than what there is in the period. */
	if (w->of != rate) {
		snprintf(per, sizeof(per), " at once, %s", of);
		ratelimit_amount(w->of, octets, of);
	}
	ratelimit_amount(w->used, octets, used);
	ratelimit_short(w->window->period_us, period);
	if (w->used > 0)
		minute_words(cm_time(s), cm_time(s) + seconds(w->full_us), full);
	cm_say(s, "%s  %s  %s of %s%s%s / %s  full%s %s", cm_link_name(s), key, used, of,
		words[config->count].counted, per, period, w->used > 0 ? " again" : "", full);
}

static void
say_left(struct cm_session *s, int64_t left, int64_t next_us)
{
	const struct ratelimit_config *config = cm_config(s);
	char amount[RATELIMIT_WORDS], at[TIME_WORDS], wait[RATELIMIT_WORDS];

	ratelimit_amount(left, config->count == RATELIMIT_BYTES, amount);
	cm_say(s, "%s%s%s; exempt: no", words[config->count].left, amount,
		words[config->count].behind);
	if (next_us == 0) {
		cm_say(s, "next message now");
		return;
	}
	ratelimit_wait(next_us + 1, wait);
	minute_words(cm_time(s), cm_time(s) + seconds(next_us), at);
	cm_say(s, "next message %s, in %s", at, wait);
}

static void
show_unlimited(struct cm_session *s, const struct ratelimit_subject *who, const char *key)
{
	bool exempt = who->kind == RATELIMIT_IS_EXEMPT;
	const struct cm_cell cells[] = {
		{"key", key, 0},
		{"limit", exempt ? "exempt" : "unlimited", 0},
	};

	(void)cm_row(s, cells, sizeof(cells) / sizeof(*cells));
	cm_say(s, "%s  %s  no limit; exempt: %s", cm_link_name(s), key, exempt ? "yes" : "no");
}

bool
ratelimit_show_subject(struct cm_session *s, struct ratelimit_subject *who)
{
	const char *key = ratelimit_readable(s, who);
	int64_t left = INT64_MAX, next_us = 0;

	if (who->kind != RATELIMIT_IS_LIMITED) {
		show_unlimited(s, who, key);
		return true;
	}
	for (size_t i = 0; i < who->bucket_count; i++) {
		struct ratelimit_bucket *b = &who->bucket[i];

		for (size_t k = 0; k < b->limit.limit.windows; k++) {
			struct ratelimit_bucket one;
			struct window w;

			if (!look_at_window(s, b, k, &w, &one))
				return false;
			(void)row(s, key, &w);
			say_window(s, key, &w);
			left = w.left < left ? w.left : left;
			next_us = w.next_us > next_us ? w.next_us : next_us;
		}
	}
	say_left(s, left, next_us);
	return true;
}
