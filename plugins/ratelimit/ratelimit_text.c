/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_text.c - what people read: replies, and why
 *
 * A text of filter.conf may hold %{limit} and its like. What comes from the network is the key, in
 * which nothing is left that could make two lines of one.
 */
#include "ratelimit.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))
#define HEADER_MOST   128u

struct text {
	size_t len, size;
	char *out;
};

/* What does not fit is left out. */
static void
add_octets(struct text *t, const char *octets, size_t len)
{
	size_t room = t->size - 1 - t->len;

	len = len < room ? len : room;
	memcpy(t->out + t->len, octets, len);
	t->len += len;
	t->out[t->len] = '\0';
}

static void
add(struct text *t, const char *more)
{
	add_octets(t, more, strlen(more));
}

/* --- times and amounts --- */

/* Largest first. upto: a wait of so many of the smaller unit is told in it. */
static const struct unit {
	int64_t us, upto;
	const char *name, *brief;
} units[] = {
	{INT64_C(604800000000), 0, "week", "w"},
	{INT64_C(86400000000), INT64_C(172800000000), "day", "d"},
	{INT64_C(3600000000), INT64_C(7200000000), "hour", "h"},
	{INT64_C(60000000), INT64_C(60000000), "minute", "min"},
	{INT64_C(1000000), INT64_C(0), "second", "s"},
	{INT64_C(1000), 0, "millisecond", "ms"},
};

/* The largest of which it is a multiple. */
static const struct unit *
unit_of(int64_t us)
{
	size_t i = 0;

	while (i + 1 < LENGTH(units) && us % units[i].us != 0)
		i++;
	return &units[i];
}

void
ratelimit_short(int64_t us, char out[RATELIMIT_WORDS])
{
	const struct unit *u = unit_of(us);

	snprintf(out, RATELIMIT_WORDS, "%lld%s", (long long)(us / u->us), u->brief);
}

static const char *
plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

void
ratelimit_period(int64_t us, char out[RATELIMIT_WORDS])
{
	const struct unit *u = unit_of(us);

	if (us == u->us)
		memcpy(out, u->name, strlen(u->name) + 1);
	else
		snprintf(out, RATELIMIT_WORDS, "%lld %ss", (long long)(us / u->us), u->name);
}

void
ratelimit_wait(int64_t us, char out[RATELIMIT_WORDS])
{
	const struct unit *u = &units[1];
	int64_t n;

	while (us < u->upto)
		u++;
	/* A store adds one for what it rounds. */
	us -= us > 0;
	n = us / u->us + (us % u->us != 0);
	n = n > 0 ? n : 1;
	snprintf(out, RATELIMIT_WORDS, "%lld %s%s", (long long)n, u->name, plural(n));
}

/* Every recipient's result has two, and printf() takes longer than a step in the store. */
static void
write_number(int64_t number, char out[RATELIMIT_WORDS])
{
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	char digits[RATELIMIT_WORDS];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		digits[--at] = '-';
	memcpy(out, digits + at, sizeof(digits) - at);
}

void
ratelimit_amount(int64_t amount, bool octets, char out[RATELIMIT_WORDS])
{
	static const char *const names[] = {"octet", "KB", "MB", "GB", "TB", "PB"};
	double n = (double)amount;
	size_t i = 0;

	if (!octets) {
		write_number(amount, out);
		return;
	}
	for (; n >= 1024 && i + 1 < LENGTH(names); i++)
		n /= 1024;
	if (i == 0)
		snprintf(out, RATELIMIT_WORDS, "%lld octet%s", (long long)amount, plural(amount));
	else
		snprintf(out, RATELIMIT_WORDS, "%.*f %s", n < (double)(int64_t)n + 0.05 ? 0 : 1, n,
			names[i]);
}

/* --- the reply --- */

/* What is refused, and what of it is counted. */
static const struct {
	const char *what, *counted;
} words[] = {
	[RATELIMIT_MESSAGES] = {"Message", "messages"},
	[RATELIMIT_RECIPIENTS] = {"Recipient", "recipients"},
	[RATELIMIT_DISTINCT] = {"Distinct recipient", "different recipients"},
	[RATELIMIT_BYTES] = {"Size", "octets"},
	[RATELIMIT_CONNECTIONS] = {"Connection", "connections"},
	[RATELIMIT_ERRORS] = {"Error", "errors"},
};

struct refusal {
	struct cm_session *s;
	const struct ratelimit_config *config;
	const char *key;
	const struct ratelimit_answer *answer;
};

static const struct cm_limit_window *
window_of(const struct ratelimit_answer *a)
{
	return &a->limit->limit.window[a->store.window];
}

static void
add_amount(struct text *t, const struct refusal *r, int64_t count)
{
	char words_of[RATELIMIT_WORDS];

	ratelimit_amount(
		count * r->answer->limit->unit, r->config->count == RATELIMIT_BYTES, words_of);
	add(t, words_of);
}

static void
add_burst(struct text *t, const struct refusal *r)
{
	add_amount(t, r, r->answer->store.limit);
}

static void
add_client_ip(struct text *t, const struct refusal *r)
{
	add(t, cm_client(r->s)->ip);
}

static void
add_count(struct text *t, const struct refusal *r)
{
	add(t, words[r->config->count].counted);
}

static void
add_key(struct text *t, const struct refusal *r)
{
	add(t, r->key);
}

static void
add_limit(struct text *t, const struct refusal *r)
{
	add_amount(t, r, window_of(r->answer)->count);
}

static void
add_period(struct text *t, const struct refusal *r)
{
	char period[RATELIMIT_WORDS];

	ratelimit_period(window_of(r->answer)->period_us, period);
	add(t, period);
}

static void
add_retry(struct text *t, const struct refusal *r)
{
	char wait[RATELIMIT_WORDS];

	ratelimit_wait(r->answer->store.retry_us, wait);
	add(t, wait);
}

static void
add_used(struct text *t, const struct refusal *r)
{
	add_amount(t, r, r->answer->store.used);
}

static void
add_what(struct text *t, const struct refusal *r)
{
	add(t, words[r->config->count].what);
}

static const struct variable {
	const char *name;
	void (*add)(struct text *, const struct refusal *);
} variables[] = {
	{"%{burst}", add_burst},
	{"%{client_ip}", add_client_ip},
	{"%{count}", add_count},
	{"%{key}", add_key},
	{"%{limit}", add_limit},
	{"%{period}", add_period},
	{"%{retry}", add_retry},
	{"%{used}", add_used},
	{"%{what}", add_what},
};

/* The variable that text begins with; NULL: none. */
static const struct variable *
find_variable(const char *text)
{
	if (text[0] != '%')
		return NULL;
	for (size_t i = 0; i < LENGTH(variables); i++) {
		if (strncmp(variables[i].name, text, strlen(variables[i].name)) == 0)
			return &variables[i];
	}
	return NULL;
}

bool
ratelimit_check_text(const char *text, char *why, size_t why_size)
{
	for (const char *p = text; (p = strstr(p, "%{")) != NULL; p++) {
		if (find_variable(p) != NULL)
			continue;
		snprintf(why, why_size,
			"\"%.40s\" is none of %%{burst}, %%{client_ip}, %%{count}, %%{key}, "
			"%%{limit}, %%{period}, %%{retry}, %%{used}, %%{what}",
			p);
		return false;
	}
	return true;
}

/* RFC 5322 section 2.2; the host takes no longer one. */
bool
ratelimit_check_header(const char *text, char *why, size_t why_size)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~' && text[len] != ':')
		len++;
	if (len > 0 && len <= HEADER_MOST && text[len] == '\0')
		return true;
	snprintf(why, why_size, "\"%.60s\" is not the name of a header field", text);
	return false;
}

static void
expand(struct text *t, const char *text, const struct refusal *r)
{
	while (*text != '\0') {
		const struct variable *v = find_variable(text);
		size_t len = v == NULL ? 1 + strcspn(text + 1, "%") : strlen(v->name);

		if (v == NULL)
			add_octets(t, text, len);
		else
			v->add(t, r);
		text += len;
	}
}

/* "Recipient limit of 50 at once (200 per hour) exceeded, try again in 18 seconds; 50 used" */
static void
add_usual(struct text *t, const struct refusal *r)
{
	const struct ratelimit_answer *a = r->answer;

	expand(t, "%{what} limit of ", r);
	expand(t,
		a->store.limit == window_of(a)->count ? "%{limit} per %{period}"
						      : "%{burst} at once (%{limit} per %{period})",
		r);
	expand(t, a->alone ? " exceeded by this message alone" : " exceeded", r);
	if (!a->store.never)
		expand(t, ", try again in %{retry}; %{used} used", r);
}

void
ratelimit_reply(struct cm_session *s, const struct ratelimit_subject *subject,
	const struct ratelimit_answer *a, char out[RATELIMIT_TEXT_SIZE])
{
	const struct refusal r = {s, cm_config(s), subject->shown, a};
	struct text t = {0, RATELIMIT_TEXT_SIZE, out};
	const char *text = r.config->text;

	out[0] = '\0';
	/* Of blanks alone there is nothing to read. */
	if (text != NULL && text[strspn(text, " \t")] != '\0')
		expand(&t, text, &r);
	else
		add_usual(&t, &r);
}

/* "bob: 183 of 200 recipients per hour" */
void
ratelimit_explain(struct cm_session *s, const struct ratelimit_subject *subject,
	const struct ratelimit_answer *a)
{
	const struct refusal r = {s, cm_config(s), subject->shown, a};
	char reason[256] = "";
	struct text t = {0, sizeof(reason), reason};

	add_key(&t, &r);
	add(&t, ": ");
	add_used(&t, &r);
	add(&t, " of ");
	add_burst(&t, &r);
	if (r.config->count != RATELIMIT_BYTES) {
		add(&t, " ");
		add_count(&t, &r);
	}
	if (a->store.limit != window_of(a)->count) {
		add(&t, " at once, ");
		add_limit(&t, &r);
	}
	add(&t, " per ");
	add_period(&t, &r);
	if (a->outcome == RATELIMIT_OVER)
		expand(&t, a->store.never ? ", too large by itself" : ", again in %{retry}", &r);
	if (a->memory)
		add(&t, " (in memory: the store is away)");
	cm_reason(s, "%s", reason);
}
