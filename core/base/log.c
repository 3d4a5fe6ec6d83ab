/* SPDX-License-Identifier: MIT */
/*
 * log.c - log lines and log records
 *
 * Keeps the set of open targets. The lock below protects which set is current: writers share it,
 * log_open() and log_close() take it alone. The level is an atomic number, so a line that nobody
 * wants costs one load. Between log_start() and log_stop() lines are written by a thread of their
 * own; at other times by whoever logs them.
 */
#include "log.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "log_line.h"
#include "log_queue.h"
#include "log_recent.h"
#include "log_sink.h"
#include "mem.h"

/* What comes within this time of a write waits for the next: a burst is few writes. */
#define PAUSE_NS   2000000L
#define LINES_MOST 65536u /* octets of one write */

struct log_set {
	int pid;
	unsigned count;
	struct log_sink targets[];
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct log_set *current; /* NULL: standard error */
static atomic_int most = LOG_LEVEL_INFO;
static pthread_t writer;
static atomic_bool writing;    /* the writer runs */
static struct log_batch batch; /* the writer's, or of who holds the lock alone */

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

	set->pid = (int)getpid();
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

/* --- the writer --- */

/* Lines of one sink that stand together. */
struct lines {
	struct buf text;
	unsigned sink, count;
};

static void
lines_write(struct lines *l)
{
	if (l->count > 0)
		log_sink_put(&current->targets[l->sink], l->text.data, l->text.len, l->count);
	buf_clear(&l->text);
	l->count = 0;
}

static void
lines_add(struct lines *l, const struct log_queue_head *head, const char *line)
{
	if (l->sink != head->sink)
		lines_write(l);
	l->sink = head->sink;
	l->count++;
	buf_add(&l->text, line, head->len);
	/* A datagram is one line, and a pipe takes whole lines of a bounded size alone. */
	if (!current->targets[l->sink].is_regular || l->text.len > LINES_MOST)
		lines_write(l);
}

/* With the lock held, shared by the writer or alone by who changes the set. */
static void
write_waiting(void)
{
	struct lines l = {.count = 0};
	struct log_queue_head head;
	const char *line;
	size_t at = 0;

	log_queue_take(&batch);
	buf_init(&l.text, 0);
	while ((line = log_batch_next(&batch, &at, &head)) != NULL)
		lines_add(&l, &head, line);
	lines_write(&l);
	for (unsigned i = 0; batch.lost > 0 && i < current->count; i++)
		atomic_fetch_add(&current->targets[i].lost, batch.lost);
	buf_fini(&l.text);
}

static void *
run_writer(void *unused)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	(void)unused;
	while (log_queue_wait()) {
		/* Nobody may change the set between taking lines for it and writing them. */
		pthread_rwlock_rdlock(&lock);
		if (current != NULL)
			write_waiting();
		pthread_rwlock_unlock(&lock);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

bool
log_start(struct err *err)
{
	sigset_t all, old;
	int problem;

	log_queue_begin();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	problem = pthread_create(&writer, NULL, run_writer, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (problem != 0)
		return err_set(err, "no thread for the log: %s", strerror(problem));
	atomic_store(&writing, true);
	return true;
}

void
log_stop(void)
{
	if (!atomic_exchange(&writing, false))
		return;
	log_queue_end();
	pthread_join(writer, NULL);
	pthread_rwlock_wrlock(&lock);
	if (current != NULL)
		write_waiting();
	pthread_rwlock_unlock(&lock);
	free(batch.data);
	batch = (struct log_batch){0};
}

/* --- the set --- */

static void
swap(struct log_set *set)
{
	struct log_set *old;

	pthread_rwlock_wrlock(&lock);
	if (current != NULL && atomic_load(&writing))
		write_waiting();
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
hand_over(unsigned sink, const struct log_entry *e)
{
	struct buf line;

	buf_init(&line, 0);
	log_sink_render(&line, &current->targets[sink], e);
	log_queue_put(sink, line.data, line.len);
	buf_fini(&line);
}

static void
write_all(struct log_entry *e)
{
	struct log_sink early;

	e->wall = clock_wall();
	pthread_rwlock_rdlock(&lock);
	e->pid = current == NULL ? (int)getpid() : current->pid;
	if (current == NULL) {
		log_sink_early(&early);
		log_sink_write(&early, e);
	}
	for (unsigned i = 0; current != NULL && i < current->count; i++) {
		if (!target_wants(&current->targets[i], e))
			continue;
		if (atomic_load(&writing))
			hand_over(i, e);
		else
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
	log_recent_put(&e);
}
