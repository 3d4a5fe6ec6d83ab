/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - the daemon: starts, serves, drains, ends
 *
 * Everything here happens on the main thread. Its signals are blocked before the first other thread
 * is made and read from a descriptor, so no code runs inside of a signal handler.
 */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "chain/live.h"
#include "control.h"
#include "door/conversation.h"
#include "door/milter.h"
#include "host/generation.h"
#include "host/probe.h"
#include "identity.h"
#include "load.h"
#include "notify.h"
#include "service/notice.h"
#include "service/ring_writer.h"

#define FILES_WANTED 65536
/* How often the main thread looks after what sends no signal, in ms. */
#define TICK	   1000
#define DRAIN_TICK 50

struct daemon {
	const char *config;
	int signals;	    /* descriptor */
	char *pid_file;	    /* as written; NULL: none */
	int64_t next_alive; /* when the service manager wants a sign of life */
	enum daemon_end end;
};

/* --- signals --- */

static bool
open_signals(struct daemon *d, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_errno(err, "signals");
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signals >= 0 || err_errno(err, "signals");
}

static void
tell_alive(struct daemon *d)
{
	int64_t interval = notify_interval();

	if (interval == 0 || clock_now() < d->next_alive)
		return;
	notify_alive();
	d->next_alive = clock_now() + interval;
}

/* The next signal, or 0 after at most ms milliseconds. */
static int
next_signal(struct daemon *d, int ms)
{
	struct pollfd p = {.fd = d->signals, .events = POLLIN};
	struct signalfd_siginfo info;

	tell_alive(d);
	if (poll(&p, 1, notify_wait(ms)) <= 0 ||
		read(d->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

/* --- start --- */

/* Each session takes a descriptor; without one MTAs wait, and libmilter spins. */
static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool
open_listeners(const struct generation *g, struct err *err)
{
	if (g->listener_count == 0)
		return err_set(err, "%s has no listener; add one, so that mail can come", g->path);
	for (size_t i = 0; i < g->listener_count; i++) {
		const struct listener_settings *l = &g->listeners[i];

		if (l->type == LISTENER_CONTROL ? !control_open(l, err) : !milter_open(l, err))
			return false;
	}
	return true;
}

static bool
write_pid(struct daemon *d, const char *path, struct err *err)
{
	FILE *out;

	if (path == NULL)
		return true;
	out = fopen(path, "we");
	if (out == NULL || fprintf(out, "%ld\n", (long)getpid()) < 0 || fclose(out) != 0)
		return err_errno(err, "main.pid_file %s", path);
	d->pid_file = strdup(path);
	return true;
}

/*
 * What the user may not read must show now, not at the first reload: so the configuration that
 * root read is read again.
 */
static struct generation *
reload_as_user(struct daemon *d, struct generation *g)
{
	generation_drop(g);
	return load_config(d->config, LOAD_WARNINGS);
}

static void
warn_about_user(const struct generation *g)
{
	if (geteuid() == 0 && g->main.user == NULL)
		log_write(LOG_LEVEL_WARN,
			"running as root; set main.user to a user of its own, such as chainmail");
}

/* The log is where people look later; who started the daemon may have been nobody. */
static void
warn_left_out(const struct chain *chain)
{
	for (size_t i = 0; i < chain->link_count; i++) {
		const struct link *l = chain->links[i];

		if (l->left_out != NULL)
			log_write(LOG_LEVEL_WARN,
				"script %s is left out: %s; mend it, and: chainmail reload",
				l->name, l->left_out);
	}
}

static void
say_started(const struct generation *g)
{
	struct buf sockets;

	buf_init(&sockets, 0);
	for (size_t i = 0; i < g->listener_count; i++)
		buf_printf(&sockets, "%s%s", i > 0 ? ", " : "", g->listeners[i].socket);
	log_write(LOG_LEVEL_INFO, "chainmail " CHAINMAIL_VERSION " serves %s (%s, generation %u)",
		sockets.data, g->path, g->number);
	buf_fini(&sockets);
}

static void
remove_files(struct daemon *d)
{
	control_stop();
	milter_stop();
	/* The directory may be root's, and then the file is overwritten by the next start. */
	if (d->pid_file != NULL && unlink(d->pid_file) != 0)
		log_write(LOG_LEVEL_DEBUG, "%s: %s", d->pid_file, strerror(errno));
	free(d->pid_file);
	d->pid_file = NULL;
}

static enum daemon_end
fail_start(struct daemon *d, const struct err *err)
{
	fprintf(stderr, "chainmail: %s\n", err->text);
	remove_files(d);
	return DAEMON_NOT_BOUND;
}

/* The last things done as the user who started it. */
static bool
prepare(struct daemon *d, const struct generation *g, struct err *err)
{
	return open_listeners(g, err) && write_pid(d, g->main.pid_file, err) &&
	       identity_drop(g->main.user, g->main.group, err);
}

static enum daemon_end
start(struct daemon *d)
{
	bool root = geteuid() == 0;
	struct generation *g = load_config(d->config, root ? LOAD_NOTHING : LOAD_WARNINGS);
	struct err err;

	if (g == NULL)
		return DAEMON_REFUSED;
	if (!prepare(d, g, &err)) {
		generation_drop(g);
		return fail_start(d, &err);
	}
	if (root && (g = reload_as_user(d, g)) == NULL) {
		remove_files(d);
		return DAEMON_REFUSED;
	}
	if (!generation_start(g, &err) || !log_open(g->logs, g->log_count, &err) ||
		!log_start(&err) || !ring_writer_start(&err)) {
		generation_drop(g);
		return fail_start(d, &err);
	}
	load_recorder(g);
	generation_swap(g);
	warn_about_user(g);
	warn_left_out(&g->chain);
	if (!notice_start(&err) || !milter_start(&g->main, &err) || !control_start(d->config, &err))
		return fail_start(d, &err);
	say_started(g);
	probe_begin();
	return DAEMON_OK;
}

/* --- serve, drain, end --- */

static bool
ends(int signal)
{
	return signal == SIGTERM || signal == SIGINT;
}

/* Until a signal ends it, or the engine does. */
static void
serve(struct daemon *d)
{
	for (;;) {
		int signal = next_signal(d, TICK);

		if (ends(signal))
			return;
		if (signal != 0)
			(void)reload_config(d->config, NULL);
		live_end_modes();
		if (milter_failed()) {
			log_write(LOG_LEVEL_ERROR, "the milter engine ended by itself");
			d->end = DAEMON_NOT_BOUND;
			return;
		}
	}
}

/* A message is open, or its answer on the way. */
static bool
unfinished(void)
{
	return conversations_messages() > 0 || milter_unsent() > 0;
}

/* Open messages may end; those of sessions that hang are given up after the time. */
static void
drain(struct daemon *d)
{
	struct generation *g = generation_hold();
	int64_t deadline = clock_now() + g->main.drain_timeout_us;

	generation_drop(g);
	milter_drain();
	conversations_drain();
	notify_stopping();
	if (conversations_messages() > 0)
		log_write(LOG_LEVEL_INFO, "ending: %u messages are open", conversations_messages());
	while (unfinished() && clock_now() < deadline && !milter_failed()) {
		if (ends(next_signal(d, DRAIN_TICK)))
			return;
	}
	/* The last message ended in a callback; the engine may still be writing its reply. */
	next_signal(d, 4 * DRAIN_TICK);
	if (conversations_messages() > 0)
		log_write(LOG_LEVEL_WARN,
			"%u messages are still open; their senders keep them and try again",
			conversations_messages());
}

static void
flush_stores(void)
{
	struct generation *g = generation_hold();

	generation_flush(g);
	generation_drop(g);
}

enum daemon_end
daemon_run(const char *config)
{
	struct daemon d = {.config = config, .end = DAEMON_OK};
	struct err err;

	mem_tune();
	raise_limits();
	if (!open_signals(&d, &err))
		return fail_start(&d, &err);
	d.end = start(&d);
	if (d.end == DAEMON_OK) {
		notify_ready();
		serve(&d);
		drain(&d);
		control_stop();
		probe_end();
		notice_stop();
		remove_files(&d);
		flush_stores();
		ring_writer_stop();
		log_write(LOG_LEVEL_INFO, "chainmail " CHAINMAIL_VERSION " ended");
	}
	log_stop();
	return d.end;
}
