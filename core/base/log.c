/* SPDX-License-Identifier: MIT */
/*
 * log.c - log lines and log records
 *
 * Keeps the set of open targets. The lock below protects which set is current: writers share it,
 * log_open() and log_close() take it alone. The level is an atomic number, so a line that nobody
 * wants costs one load.
 */
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "log_line.h"
#include "log_sink.h"
#include "mem.h"

struct log_set {
	unsigned count;
	struct log_sink targets[];
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct log_set *current; /* NULL: standard error */
static atomic_int most = LOG_LEVEL_INFO;

static void
set_free(struct log_set *set)
{
	if (set == NULL)
		return;
	for (unsigned i = 0; i < set->count; i++)
		log_sink_close(&set->targets[i]);
	free(set);
}

static struct log_set *
set_new(const struct log_config *configs, unsigned count, struct err *err)
{
	struct log_set *set =
		mem_alloc(mem_sum(sizeof(*set), mem_product(count, sizeof(set->targets[0]))));

	set->count = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!log_sink_open(&set->targets[i], &configs[i], err)) {
			set_free(set);
			return NULL;
		}
		set->count++;
	}
	return set;
}

static int
set_level(const struct log_set *set)
{
	int level = LOG_LEVEL_ERROR;

	if (set == NULL)
		return LOG_LEVEL_INFO;
	for (unsigned i = 0; i < set->count; i++) {
		if ((int)set->targets[i].config.level > level)
			level = (int)set->targets[i].config.level;
	}
	return level;
}

static void
swap(struct log_set *set)
{
	struct log_set *old;

	pthread_rwlock_wrlock(&lock);
	old = current;
	current = set;
	atomic_store(&most, set_level(set));
	pthread_rwlock_unlock(&lock);
	set_free(old);
}

static bool
target_wants(const struct log_sink *t, const struct log_entry *e)
{
	return e->text == NULL ? t->config.summary : e->level <= t->config.level;
}

static void
write_all(struct log_entry *e)
{
	struct log_sink early;

	e->wall = clock_wall();
	e->pid = (int)getpid();
	pthread_rwlock_rdlock(&lock);
	if (current == NULL) {
		log_sink_early(&early);
		log_sink_write(&early, e);
	}
	for (unsigned i = 0; current != NULL && i < current->count; i++) {
		if (target_wants(&current->targets[i], e))
			log_sink_write(&current->targets[i], e);
	}
	pthread_rwlock_unlock(&lock);
}

bool
log_open(const struct log_config *configs, unsigned count, struct err *err)
{
	struct log_set *set = count == 0 ? NULL : set_new(configs, count, err);
	struct err *notes;

	if (count != 0 && set == NULL)
		return false;
	notes = mem_zalloc(count, sizeof(*notes));
	for (unsigned i = 0; i < count; i++)
		notes[i] = set->targets[i].note;
	swap(set);
	for (unsigned i = 0; i < count; i++) {
		if (notes[i].text[0] != '\0')
			log_write(LOG_LEVEL_WARN, "%s", notes[i].text);
	}
	free(notes);
	return true;
}

void
log_close(void)
{
	swap(NULL);
}

bool
log_wanted(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&most, memory_order_relaxed);
}

void
log_write(enum log_level level, const char *format, ...)
{
	struct log_entry e = {.level = level};
	struct buf text;
	va_list args;

	if (!log_wanted(level))
		return;
	buf_init(&text, LOG_LINE_MOST);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	e.text = text.data;
	write_all(&e);
	buf_fini(&text);
}

void
log_record(const char *queue_id, const struct log_field *fields, unsigned count)
{
	struct log_entry e = {
		.level = LOG_LEVEL_INFO, .queue_id = queue_id, .fields = fields, .count = count};

	write_all(&e);
}
