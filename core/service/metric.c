/* SPDX-License-Identifier: MIT */
/*
 * metric.c - counters that are told by name and labels
 *
 * A metric is kept under its name, a label set as the text that Prometheus reads, so that telling
 * them needs no work. Nothing is ever forgotten: a counter that vanished would look like a restart.
 */
#include "metric.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#define LETTERS	 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS	 "0123456789"
#define PREFIX	 "chainmail_rule_"
#define SUFFIX	 "_total"
#define OVERFLOW PREFIX "metric_overflow" SUFFIX

struct set {
	char *labels;
	uint64_t value;
};

struct metric {
	char *name, *overflow_labels;
	struct table by_labels; /* struct set */
	struct set *sets[METRIC_SETS_MOST];
	size_t count;
	uint64_t lost; /* counts of label sets that found no room */
};

/* lock protects the registry; what it points to is never moved or freed. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct table by_name; /* struct metric */
static struct metric *metrics[METRICS_MOST];
static size_t metric_total;
static uint64_t lost; /* counts of metrics that found no room */

static bool
is_word(const char *name)
{
	size_t len = strspn(name, LETTERS DIGITS);

	return name[len] == '\0' && len > 0 && len < METRIC_NAME_SIZE &&
	       strchr(DIGITS, name[0]) == NULL;
}

bool
metric_name_ok(const char *name)
{
	return is_word(name);
}

bool
metric_label_ok(const char *name)
{
	return is_word(name) && strncmp(name, "__", 2) != 0;
}

/* --- texts --- */

static void
add_value(struct buf *b, const char *value)
{
	for (size_t i = 0; value[i] != '\0' && i + 1 < METRIC_VALUE_SIZE; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c == '"' || c == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, c < ' ' || c >= 0x7f ? '?' : (char)c);
	}
}

static void
write_labels(struct buf *b, const struct metric_label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_printf(b, "%s%s=\"", i > 0 ? "," : "", labels[i].name);
		add_value(b, labels[i].value);
		buf_add_char(b, '"');
	}
}

/* "x" and "x_total" are one metric. */
static void
write_name(struct buf *b, const char *name)
{
	size_t len = strlen(name), suffix = strlen(SUFFIX);
	bool has = len > suffix && strcmp(name + len - suffix, SUFFIX) == 0;

	buf_printf(b, PREFIX "%s%s", name, has ? "" : SUFFIX);
}

static char *
copy(const struct buf *b)
{
	char *text = mem_alloc(b->len + 1);

	memcpy(text, b->data, b->len + 1);
	return text;
}

/* --- the registry, with the lock --- */

static struct metric *
find_metric(const struct buf *name)
{
	struct metric *m = table_get(&by_name, name->data);
	struct buf b;

	if (m != NULL || metric_total == METRICS_MOST)
		return m;
	m = mem_zalloc(1, sizeof(*m));
	m->name = copy(name);
	buf_init(&b, 0);
	write_labels(&b, &(struct metric_label){"metric", m->name}, 1);
	m->overflow_labels = copy(&b);
	buf_fini(&b);
	table_init(&m->by_labels);
	(void)table_add(&by_name, m->name, m);
	metrics[metric_total++] = m;
	return m;
}

static struct set *
find_set(struct metric *m, const struct buf *labels)
{
	struct set *s = table_get(&m->by_labels, labels->data);

	if (s != NULL || m->count == METRIC_SETS_MOST)
		return s;
	s = mem_zalloc(1, sizeof(*s));
	s->labels = copy(labels);
	(void)table_add(&m->by_labels, s->labels, s);
	m->sets[m->count++] = s;
	return s;
}

/* What is full now for the first time, to be said without the lock. */
enum full { FULL_NOT, FULL_METRICS, FULL_SETS };

static enum full
count_in(const struct buf *name, const struct buf *labels)
{
	struct metric *m = find_metric(name);
	struct set *s = m == NULL ? NULL : find_set(m, labels);

	if (s != NULL)
		s->value++;
	else if (m == NULL)
		return ++lost == 1 ? FULL_METRICS : FULL_NOT;
	else
		return ++m->lost == 1 ? FULL_SETS : FULL_NOT;
	return FULL_NOT;
}

void
metric_count(const char *name, const struct metric_label *labels, size_t count)
{
	struct buf full_name, text;
	enum full full;

	buf_init(&full_name, 0);
	buf_init(&text, 0);
	write_name(&full_name, name);
	write_labels(&text, labels, count);
	pthread_mutex_lock(&lock);
	full = count_in(&full_name, &text);
	pthread_mutex_unlock(&lock);
	if (full == FULL_METRICS)
		log_write(LOG_LEVEL_WARN,
			"metric %s: there are %u metrics of rules already; it is counted "
			"as " OVERFLOW,
			full_name.data, METRICS_MOST);
	if (full == FULL_SETS)
		log_write(LOG_LEVEL_WARN,
			"metric %s: there are %u label sets already; {%s} and further ones are "
			"counted as " OVERFLOW
			"; labels are for what has few values, never for logins or addresses",
			full_name.data, METRIC_SETS_MOST, text.data);
	buf_fini(&text);
	buf_fini(&full_name);
}

/* --- reading --- */

/* One more than there can be: sets, and an overflow of each metric and of all. */
#define SAMPLES_MOST (METRICS_MOST * (METRIC_SETS_MOST + 1) + 1)

static int
by_text(const void *a, const void *b)
{
	const struct metric_sample *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->labels, y->labels);
}

static size_t
take_metric(const struct metric *m, struct metric_sample *out)
{
	size_t n = 0;

	for (size_t i = 0; i < m->count; i++)
		out[n++] = (struct metric_sample){m->name, m->sets[i]->labels, m->sets[i]->value};
	if (m->lost > 0)
		out[n++] = (struct metric_sample){OVERFLOW, m->overflow_labels, m->lost};
	return n;
}

void
metric_each(void (*each)(void *, const struct metric_sample *), void *context)
{
	struct metric_sample *samples = mem_zalloc(SAMPLES_MOST, sizeof(*samples));
	size_t n = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < metric_total; i++)
		n += take_metric(metrics[i], samples + n);
	if (lost > 0)
		samples[n++] = (struct metric_sample){OVERFLOW, "", lost};
	pthread_mutex_unlock(&lock);
	qsort(samples, n, sizeof(*samples), by_text);
	for (size_t i = 0; i < n; i++)
		each(context, &samples[i]);
	free(samples);
}
