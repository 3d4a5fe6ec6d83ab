/* SPDX-License-Identifier: MIT */
/*
 * control_metrics.c - what the daemon and its rules have counted, as Prometheus reads it
 *
 * Each metric is a row, which reads counters that are there anyway; nothing is counted here. Labels
 * come from closed sets or from filter.conf, whose names need no quotes, and never from mail.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "chain/breaker.h"
#include "chain/live.h"
#include "control_client.h"
#include "door/conversation.h"
#include "host/generation.h"
#include "load.h"
#include "service/dns_type.h"
#include "service/map.h"
#include "service/metric.h"
#include "service/resolver.h"
#include "service/store.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

#define LABELS_SIZE 400u
#define VALUE_SIZE  32u

struct teller {
	struct control_client *client;
	const struct generation *g;
	const struct control_metric *row;
};

static int64_t began; /* of the main thread, before there are clients; seconds since 1970 */

void
control_metrics_begin(void)
{
	began = clock_wall();
}

/* --- one sample --- */

/* value NULL: number. */
static void
tell_sample(struct control_client *c, const char *name, const char *labels, const char *value,
	int64_t number)
{
	const struct cm_cell cells[] = {
		{"name", name, 0}, {"labels", labels, 0}, {"value", value, number}};
	bool bare = labels[0] == '\0';
	struct buf line;

	buf_init(&line, 0);
	buf_printf(&line, "%s%s%s%s ", name, bare ? "" : "{", labels, bare ? "" : "}");
	if (value != NULL)
		buf_add_str(&line, value);
	else
		buf_printf(&line, "%lld", (long long)number);
	control_row(c, NULL, cells, COUNT(cells));
	control_say(c, line.data);
	buf_fini(&line);
}

static void
tell_head(struct control_client *c, const char *name, const char *type, const char *help)
{
	struct buf line;

	buf_init(&line, 0);
	if (help != NULL) {
		buf_printf(&line, "# HELP %s %s", name, help);
		control_say(c, line.data);
		buf_clear(&line);
	}
	buf_printf(&line, "# TYPE %s %s", name, type);
	control_say(c, line.data);
	buf_fini(&line);
}

static void __attribute__((format(printf, 3, 4)))
tell(struct teller *t, int64_t number, const char *format, ...)
{
	char labels[LABELS_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(labels, sizeof(labels), format, args);
	va_end(args);
	tell_sample(t->client, t->row->name, labels, NULL, number);
}

static void
tell_one(struct teller *t, int64_t number)
{
	tell_sample(t->client, t->row->name, "", NULL, number);
}

static const char *
seconds(int64_t us, char out[VALUE_SIZE])
{
	snprintf(out, VALUE_SIZE, "%lld.%06lld", (long long)(us / CLOCK_SEC),
		(long long)(us % CLOCK_SEC));
	return out;
}

static int64_t
read_count(const _Atomic uint64_t *count)
{
	return (int64_t)atomic_load_explicit(count, memory_order_relaxed);
}

/* --- the daemon --- */

static void
tell_build(struct teller *t)
{
	tell(t, 1, "version=\"%s\"", CHAINMAIL_VERSION);
}

static void
tell_connections(struct teller *t)
{
	tell_one(t, conversations_open());
}

static void
tell_connections_total(struct teller *t)
{
	tell_one(t, (int64_t)conversations_begun());
}

static void
tell_generation(struct teller *t)
{
	tell_one(t, t->g->number);
}

static void
tell_loaded(struct teller *t)
{
	tell_one(t, t->g->loaded);
}

static void
tell_reloads(struct teller *t)
{
	tell(t, (int64_t)reload_count(RELOAD_OK), "result=\"ok\"");
	tell(t, (int64_t)reload_count(RELOAD_REFUSED), "result=\"refused\"");
}

/* --- links --- */

static void
tell_breakers(struct teller *t)
{
	for (size_t i = 0; i < t->g->chain.link_count; i++) {
		const struct link *l = t->g->chain.links[i];

		if (l->breaker != NULL)
			tell(t, (int64_t)breaker_look(l->breaker).state, "plugin=\"%s\"", l->name);
	}
}

static void
tell_errors(struct teller *t)
{
	struct live_error latest[LIVE_ERRORS];
	uint64_t counts[FAILURE_KINDS];

	for (size_t i = 0; i < t->g->chain.link_count; i++) {
		const struct link *l = t->g->chain.links[i];

		(void)live_errors(l, counts, latest);
		for (unsigned kind = 0; kind < FAILURE_KINDS; kind++)
			tell(t, (int64_t)counts[kind], "plugin=\"%s\",kind=\"%s\"", l->name,
				failure_name((enum failure)kind));
	}
}

/* Those that are not 0: most of what there could be never is. */
static void
tell_verdicts_of(struct teller *t, const char *name, const _Atomic uint64_t *counts)
{
	for (unsigned stage = 0; stage < CM_STAGE_COUNT; stage++) {
		for (unsigned v = 0; v < COUNT_VERDICTS; v++) {
			int64_t count = read_count(&counts[stage * COUNT_VERDICTS + v]);

			if (count > 0)
				tell(t, count, "plugin=\"%s\",stage=\"%s\",verdict=\"%s\"", name,
					stages[stage].name,
					count_verdict_name((enum count_verdict)v));
		}
	}
}

static void
tell_verdicts(struct teller *t)
{
	for (size_t i = 0; i < t->g->chain.link_count; i++) {
		const struct link *l = t->g->chain.links[i];

		tell_verdicts_of(t, l->name, l->live->counts.said[0]);
	}
}

static void
tell_shadow(struct teller *t)
{
	for (size_t i = 0; i < t->g->chain.link_count; i++) {
		const struct link *l = t->g->chain.links[i];

		tell_verdicts_of(t, l->name, l->live->counts.shadow[0]);
	}
}

/* --- profiles --- */

static void
tell_outcomes(struct teller *t, const char *name, const _Atomic uint64_t counts[COUNT_OUTCOMES])
{
	for (unsigned i = 0; i < COUNT_OUTCOMES; i++)
		tell(t, read_count(&counts[i]), "profile=\"%s\",verdict=\"%s\"", name,
			count_outcome_name((enum count_outcome)i));
}

static void
tell_messages(struct teller *t)
{
	for (size_t i = 0; i < t->g->chain.profile_count; i++)
		tell_outcomes(
			t, t->g->chain.profiles[i].name, t->g->chain.profiles[i].counts->messages);
}

static void
tell_recipients(struct teller *t)
{
	for (size_t i = 0; i < t->g->chain.profile_count; i++)
		tell_outcomes(t, t->g->chain.profiles[i].name,
			t->g->chain.profiles[i].counts->recipients);
}

static void
tell_histogram(struct teller *t, const struct profile *p)
{
	char name[100], labels[LABELS_SIZE], value[VALUE_SIZE];
	int64_t sum = 0;

	snprintf(name, sizeof(name), "%s_bucket", t->row->name);
	for (size_t i = 0; i < COUNT_BUCKETS; i++) {
		bool last = i == COUNT_BUCKETS - 1;

		sum += read_count(&p->counts->took[i]);
		snprintf(labels, sizeof(labels), "profile=\"%s\",le=\"%s\"", p->name,
			last ? "+Inf" : seconds(count_bounds[i], value));
		tell_sample(t->client, name, labels, NULL, sum);
	}
	snprintf(labels, sizeof(labels), "profile=\"%s\"", p->name);
	snprintf(name, sizeof(name), "%s_sum", t->row->name);
	tell_sample(t->client, name, labels, seconds(read_count(&p->counts->took_us), value), 0);
	snprintf(name, sizeof(name), "%s_count", t->row->name);
	tell_sample(t->client, name, labels, NULL, sum);
}

static void
tell_took(struct teller *t)
{
	for (size_t i = 0; i < t->g->chain.profile_count; i++)
		tell_histogram(t, &t->g->chain.profiles[i]);
}

/* --- services --- */

static struct resolver_counts
dns_counts(const struct teller *t)
{
	struct resolver_counts counts = {0};

	if (t->g->chain.resolver != NULL)
		resolver_count(t->g->chain.resolver, &counts);
	return counts;
}

static void
tell_dns_hits(struct teller *t)
{
	tell_one(t, (int64_t)dns_counts(t).hits);
}

static void
tell_dns_flying(struct teller *t)
{
	tell_one(t, (int64_t)dns_counts(t).in_flight);
}

static void
tell_dns_asked(struct teller *t)
{
	struct resolver_counts counts = dns_counts(t);

	for (size_t i = 0; i < dns_type_count; i++)
		tell(t, (int64_t)counts.asked[dns_types[i].type], "type=\"%s\"", dns_types[i].name);
}

static void
tell_maps(struct teller *t)
{
	for (size_t i = 0; i < t->g->map_count; i++)
		tell(t, (int64_t)map_count(t->g->maps[i]), "map=\"%s\"", map_name(t->g->maps[i]));
}

static void
tell_store_sizes(struct teller *t)
{
	struct store_health h;

	for (size_t i = 0; i < t->g->store_count; i++) {
		store_health(t->g->stores[i], &h);
		if (h.octets >= 0)
			tell(t, h.octets, "store=\"%s\"", store_name(t->g->stores[i]));
	}
}

static void
tell_store_troubles(struct teller *t)
{
	struct store_health h;

	for (size_t i = 0; i < t->g->store_count; i++) {
		store_health(t->g->stores[i], &h);
		tell(t, h.away || h.full, "store=\"%s\"", store_name(t->g->stores[i]));
	}
}

/* --- the process --- */

static int64_t
in_us(const struct timeval *time)
{
	return (int64_t)time->tv_sec * CLOCK_SEC + time->tv_usec;
}

static void
tell_cpu(struct teller *t)
{
	struct rusage used;
	char value[VALUE_SIZE];

	if (getrusage(RUSAGE_SELF, &used) == 0)
		tell_sample(t->client, t->row->name, "",
			seconds(in_us(&used.ru_utime) + in_us(&used.ru_stime), value), 0);
}

static void
tell_files(struct teller *t)
{
	DIR *dir = opendir("/proc/self/fd");
	int64_t count = 0;

	if (dir == NULL)
		return;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(dir);
	tell_one(t, count - 1); /* that of the directory */
}

static void
tell_memory(struct teller *t)
{
	FILE *in = fopen("/proc/self/statm", "re");
	long all, resident;

	if (in == NULL)
		return;
	if (fscanf(in, "%ld %ld", &all, &resident) == 2)
		tell_one(t, (int64_t)resident * sysconf(_SC_PAGESIZE));
	fclose(in);
}

static void
tell_began(struct teller *t)
{
	tell_one(t, began);
}

/* --- the table --- */

const struct control_metric control_metrics[] = {
	{"chainmail_breaker_state", "gauge", "plugin",
		"of links with trip_after: 0 closed, 1 open (it tripped), 2 one message tries it",
		tell_breakers},
	{"chainmail_build_info", "gauge", "version", "always 1", tell_build},
	{"chainmail_config_generation", "gauge", "", "number of the running configuration",
		tell_generation},
	{"chainmail_config_load_timestamp_seconds", "gauge", "", "when it was loaded", tell_loaded},
	{"chainmail_config_reloads_total", "counter", "result",
		"reloads: ok, or refused, and the old one goes on", tell_reloads},
	{"chainmail_connections", "gauge", "", "clients of mail servers that are connected",
		tell_connections},
	{"chainmail_connections_total", "counter", "", "all of them since the start",
		tell_connections_total},
	{"chainmail_dns_cache_hits_total", "counter", "",
		"questions of checks that were answered from the cache or were asked already",
		tell_dns_hits},
	{"chainmail_dns_inflight", "gauge", "", "questions that wait for an answer",
		tell_dns_flying},
	{"chainmail_dns_queries_total", "counter", "type", "questions to DNS servers",
		tell_dns_asked},
	{"chainmail_errors_total", "counter", "plugin, kind",
		"calls that failed: error, timeout, memory, or input that the mail server does not "
		"give",
		tell_errors},
	{"chainmail_map_entries", "gauge", "map", "keys of the map", tell_maps},
	{"chainmail_message_duration_seconds", "histogram", "profile, le",
		"time that checks took of a message, waits for DNS and stores included", tell_took},
	{"chainmail_messages_total", "counter", "profile, verdict",
		"messages: accept, discard, quarantine, reject, tempfail, or abandoned by the "
		"client",
		tell_messages},
	{"chainmail_recipients_total", "counter", "profile, verdict",
		"recipients, by what became of them or their message", tell_recipients},
	{"chainmail_shadow_verdicts_total", "counter", "plugin, stage, verdict",
		"what links said that are only watched", tell_shadow},
	{"chainmail_store_bytes", "gauge", "store", "what the store holds, where it is known",
		tell_store_sizes},
	{"chainmail_store_degraded", "gauge", "store", "1: it is away or full",
		tell_store_troubles},
	{"chainmail_verdicts_total", "counter", "plugin, stage, verdict",
		"what links said: accept, discard, reject, tempfail", tell_verdicts},
	{"process_cpu_seconds_total", "counter", "", "processor time of the daemon", tell_cpu},
	{"process_open_fds", "gauge", "", "descriptors that are open", tell_files},
	{"process_resident_memory_bytes", "gauge", "", "memory that is in use", tell_memory},
	{"process_start_time_seconds", "gauge", "", "when the daemon began", tell_began},
};

const size_t control_metric_count = COUNT(control_metrics);

/* --- what rules count --- */

/* Of lines that Prometheus reads, those that are said of a metric once. */
struct told {
	struct control_client *client;
	const char *name; /* of the latest */
};

static void
tell_rule(void *context, const struct metric_sample *m)
{
	struct told *told = context;

	if (told->name == NULL || strcmp(told->name, m->name) != 0)
		tell_head(told->client, m->name, "counter", NULL);
	told->name = m->name;
	tell_sample(told->client, m->name, m->labels, NULL, (int64_t)m->value);
}

bool
control_metrics_tell(struct control_client *c, const struct command_words *words, char *why)
{
	struct generation *g = generation_hold();
	struct told told = {.client = c};

	(void)words;
	(void)why;
	for (size_t i = 0; i < control_metric_count; i++) {
		struct teller t = {c, g, &control_metrics[i]};

		tell_head(c, t.row->name, t.row->type, t.row->help);
		t.row->tell(&t);
	}
	generation_drop(g);
	metric_each(tell_rule, &told);
	return true;
}
