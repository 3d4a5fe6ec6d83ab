/* SPDX-License-Identifier: MIT */
/*
 * replay_report.c - what `chainmail replay` found, for people and for programs
 *
 * What strangers wrote is escaped.
 */
#include "replay_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "json_print.h"

/* Names on one line. */
#define NAMES_MOST   10u
#define NUMBER_SIZE  40u
#define VALUE_OCTETS 200u

void
replay_report_init(struct replay_report *r, bool json)
{
	*r = (struct replay_report){.json = json, .listed = json_array()};
	tally_init(&r->logins);
	tally_init(&r->untried);
}

void
replay_report_fini(struct replay_report *r)
{
	for (size_t i = 0; i < r->pair_count; i++) {
		free(r->pairs[i].then);
		free(r->pairs[i].now);
		tally_fini(&r->pairs[i].by);
	}
	free(r->pairs);
	tally_fini(&r->logins);
	tally_fini(&r->untried);
	json_decref(r->listed);
}

bool
replay_report_differs(const struct replay_report *r)
{
	return r->pair_count > 0;
}

/* --- one session --- */

static void
add_escaped(struct buf *out, const char *text)
{
	struct buf b;

	buf_init(&b, VALUE_OCTETS);
	text_escape(&b, text, strlen(text));
	buf_printf(out, "%s%s", b.data, buf_cut(&b) ? "..." : "");
	buf_fini(&b);
}

static void
add_day(struct buf *out, const struct kept *k)
{
	time_t at = (time_t)(k->wall / CLOCK_SEC);
	char day[32];
	struct tm tm;

	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
	buf_add_str(out, day);
}

static void
add_envelope(struct buf *out, const struct kept *k)
{
	const struct kept_event *first = kept_find(k, NULL, CM_STAGE_RCPT), *e = first;
	size_t more = 0;

	buf_add_str(out, "  from=");
	add_escaped(out, k->events->name);
	buf_add_str(out, " to=");
	add_escaped(out, first == NULL ? "-" : first->name);
	while (e != NULL && (e = kept_find(k, e, CM_STAGE_RCPT)) != NULL)
		more++;
	if (more > 0)
		buf_printf(out, "+%zu", more);
}

static void
print_change(const struct replay_change *c)
{
	const struct kept *k = c->kept;
	const char *login = kept_macro(k, "{auth_authen}");
	struct buf out;

	buf_init(&out, 0);
	add_day(&out, k);
	buf_add_str(&out, "  id=");
	add_escaped(&out, k->id);
	buf_add_str(&out, " queue_id=");
	add_escaped(&out, k->queue_id == NULL ? "-" : k->queue_id);
	buf_add_str(&out, " client=");
	add_escaped(&out, k->client_ip[0] == '\0' ? "local" : k->client_ip);
	buf_add_str(&out, " auth=");
	add_escaped(&out, login == NULL ? "-" : login);
	add_envelope(&out, k);
	buf_printf(&out, "  by=%s", c->by == NULL ? "-" : c->by);
	if (c->reply->code != 0) {
		buf_printf(&out, " reply=\"%d %s ", c->reply->code, c->reply->status);
		add_escaped(&out, c->reply->text);
		buf_add_char(&out, '"');
	}
	printf("%s\n", out.data);
	buf_fini(&out);
}

/* Octets that are no UTF-8 are U+FFFD. */
static void
set_text(json_t *o, const char *name, const char *text)
{
	struct buf b;

	if (text == NULL)
		return;
	buf_init(&b, 0);
	text_json(&b, text, strlen(text));
	json_object_set_new(o, name, json_loads(b.data, JSON_DECODE_ANY, NULL));
	buf_fini(&b);
}

static void
list_json(struct replay_report *r, const struct replay_change *c)
{
	const struct kept *k = c->kept;
	const struct kept_event *to = kept_find(k, NULL, CM_STAGE_RCPT);
	json_t *o = json_object();

	json_object_set_new(o, "at", json_integer(k->wall / CLOCK_SEC));
	set_text(o, "id", k->id);
	set_text(o, "queue_id", k->queue_id);
	set_text(o, "client", k->client_ip);
	set_text(o, "login", kept_macro(k, "{auth_authen}"));
	set_text(o, "from", k->events->name);
	set_text(o, "to", to == NULL ? NULL : to->name);
	set_text(o, "then", c->then);
	set_text(o, "now", c->now);
	set_text(o, "by", c->by);
	if (c->reply->code != 0) {
		json_object_set_new(o, "code", json_integer(c->reply->code));
		set_text(o, "status", c->reply->status);
		set_text(o, "text", c->reply->text);
	}
	json_array_append_new(r->listed, o);
}

static struct replay_pair *
pair_of(struct replay_report *r, const char *then, const char *now)
{
	struct replay_pair *p;

	for (size_t i = 0; i < r->pair_count; i++) {
		if (strcmp(r->pairs[i].then, then) == 0 && strcmp(r->pairs[i].now, now) == 0)
			return &r->pairs[i];
	}
	r->pairs = mem_grow(r->pairs, (r->pair_count + 1) * sizeof(*r->pairs));
	p = &r->pairs[r->pair_count++];
	*p = (struct replay_pair){.then = strdup(then), .now = strdup(now)};
	tally_init(&p->by);
	return p;
}

void
replay_report_change(struct replay_report *r, const struct replay_change *c)
{
	struct replay_pair *p = pair_of(r, c->then, c->now);
	const char *login = kept_macro(c->kept, "{auth_authen}");
	char by[160];

	snprintf(by, sizeof(by), "%s%s%s%s", c->by == NULL ? "nobody" : c->by,
		c->became == NULL ? "" : " (now ", c->became == NULL ? "" : c->became,
		c->became == NULL ? "" : ")");
	p->count++;
	tally_add(&p->by, by);
	if (login != NULL)
		tally_add(&r->logins, login);
	if (r->list_then == NULL || strcmp(r->list_then, c->then) != 0 ||
		strcmp(r->list_now, c->now) != 0)
		return;
	if (r->json)
		list_json(r, c);
	else
		print_change(c);
}

/* --- all of them --- */

/* "197 133" */
static const char *
grouped(size_t n, char out[NUMBER_SIZE])
{
	char digits[NUMBER_SIZE];
	int len = snprintf(digits, sizeof(digits), "%zu", n), used = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[used++] = ' ';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

/* "spf 39, zen 2"; with brackets "ann (2), scanner (1)". */
static void
print_names(struct tally *t, bool brackets)
{
	char number[NUMBER_SIZE];
	struct buf out;

	buf_init(&out, 0);
	tally_sort(t);
	for (size_t i = 0; i < t->count && i < NAMES_MOST; i++) {
		buf_add_str(&out, i > 0 ? ", " : "");
		add_escaped(&out, t->rows[i]->name);
		if (brackets || t->count > 1)
			buf_printf(&out, brackets ? " (%s)" : " %s",
				grouped(t->rows[i]->count, number));
	}
	if (t->count > NAMES_MOST)
		buf_printf(&out, " and %zu more", t->count - NAMES_MOST);
	printf("%s\n", out.data);
	buf_fini(&out);
}

static void
print_count(const char *what, size_t n, const char *words)
{
	char number[NUMBER_SIZE];

	if (n > 0)
		printf("%-22s %8s   %s\n", what, grouped(n, number), words);
}

static void
print_pairs(struct replay_report *r)
{
	char number[NUMBER_SIZE];

	for (size_t i = 0; i < r->pair_count; i++) {
		struct replay_pair *p = &r->pairs[i];

		printf("%-10s -> %-8s %8s   by ", p->then, p->now, grouped(p->count, number));
		print_names(&p->by, false);
	}
	if (r->logins.count > 0) {
		printf("%-22s %8s   ", "logins affected", grouped(r->logins.count, number));
		print_names(&r->logins, true);
	}
}

/* What the verdicts above do not say. */
static void
print_unknown(struct replay_report *r)
{
	print_count("as they were", r->stood_in,
		"answers of plugins that need the body, which was not kept");
	print_count("without an opinion", r->without,
		"plugins that need the body, which was not kept, and were not asked then");
	print_count("unfinished", r->unfinished,
		"were refused then: what would have followed is not known");
	print_count("DNS not recorded", r->unasked,
		"questions whose answers nobody had then: answered as temporary faults");
	for (size_t i = 0; i < r->untried.count; i++)
		print_count("not tried", r->untried.rows[i]->count, r->untried.rows[i]->name);
	print_count("skipped", r->damaged, "places that are damaged or of another version");
}

static void
print_text(struct replay_report *r, int64_t us, bool against)
{
	char number[NUMBER_SIZE];

	printf("%s recorded session%s, %" PRId64 ".%" PRId64
	       " s, no network (recorded DNS answers)\n",
		grouped(r->sessions, number), r->sessions == 1 ? "" : "s", us / CLOCK_SEC,
		us % CLOCK_SEC / (100 * CLOCK_MS));
	printf("%-22s %8s%s\n", "same verdict", grouped(r->same, number),
		against ? "   in both configurations" : "");
	print_pairs(r);
	print_unknown(r);
	if (r->pair_count > 0)
		printf("which: chainmail replay ... --list %s,%s\n", r->pairs[0].then,
			r->pairs[0].now);
}

static json_t *
json_names(struct tally *t, const char *name)
{
	json_t *list = json_array();

	tally_sort(t);
	for (size_t i = 0; i < t->count; i++) {
		json_t *o = json_object();

		set_text(o, name, t->rows[i]->name);
		json_object_set_new(o, "sessions", json_integer((json_int_t)t->rows[i]->count));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
json_pairs(struct replay_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->pair_count; i++) {
		json_t *o = json_object();

		set_text(o, "then", r->pairs[i].then);
		set_text(o, "now", r->pairs[i].now);
		json_object_set_new(o, "sessions", json_integer((json_int_t)r->pairs[i].count));
		json_object_set_new(o, "by", json_names(&r->pairs[i].by, "link"));
		json_array_append_new(list, o);
	}
	return list;
}

static void
print_json(struct replay_report *r)
{
	const struct {
		const char *name;
		size_t count;
	} counts[] = {{"sessions", r->sessions}, {"same", r->same}, {"as_they_were", r->stood_in},
		{"without_opinion", r->without}, {"unfinished", r->unfinished},
		{"dns_not_recorded", r->unasked}, {"damaged", r->damaged},
		{"not_tried", tally_total(&r->untried)}};
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		json_object_set_new(o, counts[i].name, json_integer((json_int_t)counts[i].count));
	json_object_set_new(o, "changed", json_pairs(r));
	json_object_set_new(o, "logins", json_names(&r->logins, "login"));
	json_object_set_new(o, "not_tried_why", json_names(&r->untried, "why"));
	if (r->list_then != NULL)
		json_object_set(o, "list", r->listed);
	json_print(o);
	json_decref(o);
}

void
replay_report_print(struct replay_report *r, int64_t us, bool against)
{
	if (r->json)
		print_json(r);
	else if (r->list_then == NULL)
		print_text(r, us, against);
}
