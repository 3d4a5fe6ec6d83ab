/* SPDX-License-Identifier: MIT */
/*
 * test_store_daemons.c - real daemons that share a Redis server, and one whose server goes
 *
 * Each daemon is a process of this build's chainmail with the plugin ratelimit; its clients speak
 * the milter protocol as an MTA does. What is counted is what the clients were told.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../smtp/daemon.h"
#include "../smtp/logfile.h"
#include "../smtp/mta.h"
#include "redis_server.h"

#define PATIENCE_MS 60000
#define DAEMONS	    2
#define CLIENTS	    16
#define MESSAGES    20
#define RCPTS	    4
/* Fewer than are asked for, and more than one daemon's clients take before the other begins. */
#define TOKENS 1000

static struct redis_server server;
static struct daemon daemons[DAEMONS];

/* --- daemons --- */

/* A file of this build: the test is build/tests/unit/test_store_daemons. */
static void
built(char out[PATH_MAX], const char *name)
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 32);

	ck_assert_int_gt(len, 0);
	out[len] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(out, '/') = '\0';
	strcat(out, name);
}

static void
write_config(char path[TEMP_NAME_SIZE], const char *settings)
{
	char plugins[PATH_MAX];
	int fd = temp_file(path, "conf");
	FILE *file = fdopen(fd, "w");

	ck_assert_ptr_nonnull(file);
	built(plugins, "/plugins");
	fprintf(file,
		"main { plugin_dir = \"%s\"; authserv_id = mx.example.com; drain_timeout = 1s }\n"
		"log { target = stderr; summary = no }\n"
		"listener test { engine = @ENGINE@; socket = \"unix:@DIR@/milter.sock\" }\n"
		"listener people { type = control; socket = \"unix:@DIR@/control.sock\" }\n"
		"store cluster { type = redis; servers = [ \"%s\" ]; timeout = 2s }\n"
		"profile all { chain = [ quota ] }\n"
		"plugin quota { type = ratelimit; key = [ auth_user ]; %s }\n",
		plugins, server.where, settings);
	ck_assert_int_eq(fclose(file), 0);
}

static void
start_daemon(struct daemon *d, const char *settings)
{
	char program[PATH_MAX], path[TEMP_NAME_SIZE], why[256] = "";
	bool started;

	built(program, "/chainmail");
	write_config(path, settings);
	started = daemon_start(d, program, path, "native", PATIENCE_MS, why, sizeof(why));
	unlink(path);
	if (!started)
		daemon_print_log(d);
	ck_assert_msg(started, "%s", why);
}

static void
end_daemon(struct daemon *d)
{
	char why[256] = "";
	bool good = d->pid == 0 || daemon_stop(d, PATIENCE_MS, why, sizeof(why));

	if (!good)
		daemon_print_log(d);
	ck_assert_msg(good, "%s", why);
	daemon_clean(d);
}

static void
kill_daemon(struct daemon *d)
{
	kill(d->pid, SIGKILL);
	ck_assert_int_eq(waitpid(d->pid, &d->status, 0), d->pid);
	d->pid = 0;
}

/* --- clients --- */

static bool
well(enum mta_status status)
{
	return status < MTA_REJECT;
}

/* NULL: the daemon is gone. */
static struct mta *
greet(const struct daemon *d)
{
	struct mta *m = mta_open(d->address, PATIENCE_MS);

	if (m == NULL)
		return NULL;
	mta_macro(m, "{auth_authen}", "bob");
	if (mta_negotiate(m, &mta_offer_postfix) == MTA_NEGOTIATED &&
		well(mta_connect(m, "mail.example.org", "203.0.113.7", 40000)) &&
		well(mta_helo(m, "mail.example.org")))
		return m;
	mta_close(m);
	return NULL;
}

static bool
begin_message(struct mta *m)
{
	const char *from = "<bob@example.org>";

	return well(mta_mail(m, &from, 1));
}

static enum mta_status
rcpt(struct mta *m)
{
	const char *to = "<a@example.com>";

	return mta_rcpt(m, &to, 1);
}

static bool
end_message(struct mta *m)
{
	return well(mta_data(m)) && well(mta_header(m, "Subject", " hello")) && well(mta_eoh(m)) &&
	       well(mta_body(m, "hello\r\n", 7)) && well(mta_eom(m));
}

struct counts {
	int delivered; /* recipients of messages that were accepted */
	int refused;
	int gone; /* the connection broke */
};

/* reset: the MTA thinks better of it. */
static bool
message(struct mta *m, unsigned rcpts, bool reset, struct counts *c)
{
	int taken = 0;

	if (!begin_message(m))
		return false;
	for (unsigned i = 0; i < rcpts; i++) {
		enum mta_status status = rcpt(m);

		if (status >= MTA_SHUTDOWN)
			return false;
		if (well(status))
			taken++;
		else
			c->refused++;
	}
	if (reset || taken == 0)
		mta_abort(m);
	else if (end_message(m))
		c->delivered += taken;
	else
		return false;
	return true;
}

struct client {
	pthread_t thread;
	const struct daemon *daemon;
	unsigned number;
	struct counts counts;
};

static atomic_int messages;

static void *
run_client(void *context)
{
	struct client *c = context;
	struct mta *m = greet(c->daemon);

	for (unsigned i = 0; m != NULL && i < MESSAGES; i++) {
		atomic_fetch_add(&messages, 1);
		if (message(m, 1 + (i + c->number) % RCPTS, i % 4 == 3, &c->counts))
			continue;
		mta_close(m);
		m = NULL;
	}
	c->counts.gone += m == NULL;
	if (m != NULL)
		mta_quit(m);
	mta_close(m);
	return NULL;
}

static void
add(struct counts *sum, const struct counts *c)
{
	sum->delivered += c->delivered;
	sum->refused += c->refused;
	sum->gone += c->gone;
}

/* Of all clients of both daemons; kill: the first daemon is killed at its work. */
static struct counts
run_clients(bool kill)
{
	static struct client clients[DAEMONS * CLIENTS];
	struct counts sum = {0};

	atomic_store(&messages, 0);
	for (unsigned i = 0; i < DAEMONS * CLIENTS; i++) {
		clients[i] = (struct client){.daemon = &daemons[i % DAEMONS], .number = i};
		ck_assert_int_eq(
			pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
	}
	while (kill && atomic_load(&messages) < DAEMONS * CLIENTS * MESSAGES / 8)
		usleep(1000);
	if (kill)
		kill_daemon(&daemons[0]);
	for (unsigned i = 0; i < DAEMONS * CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		add(&sum, &clients[i].counts);
	}
	return sum;
}

/* One recipient after another, until there is none left. */
static void
take_the_rest(const struct daemon *d, struct counts *sum)
{
	struct counts c = {0};
	struct mta *m = greet(d);

	ck_assert_ptr_nonnull(m);
	while (c.refused == 0)
		ck_assert_msg(message(m, 1, false, &c), "%s", mta_text(m));
	mta_quit(m);
	mta_close(m);
	add(sum, &c);
}

/* --- never one too many --- */

static const struct {
	const char *name;
	bool kill;
} machines[] = {
	{"two daemons deliver to as many as one may", false},
	{"a daemon that is killed makes it less, and never more", true},
};

START_TEST(daemons_share_one_limit)
{
	char limit[64];
	struct counts sum;

	if (!redis_is_there())
		return;
	redis_begin(&server, NULL);
	snprintf(limit, sizeof(limit), "limit = %d/365d", TOKENS);
	for (int i = 0; i < DAEMONS; i++)
		start_daemon(&daemons[i], limit);
	sum = run_clients(machines[_i].kill);
	take_the_rest(&daemons[1], &sum);
	ck_assert_int_gt(sum.refused, 0);
	if (machines[_i].kill) {
		/* What it held, at most one message of each client, stays reserved for a while. */
		ck_assert_int_gt(sum.gone, 0);
		ck_assert_int_le(sum.delivered, TOKENS);
		ck_assert_int_ge(sum.delivered, TOKENS - CLIENTS * RCPTS);
	} else {
		ck_assert_int_eq(sum.gone, 0);
		ck_assert_msg(sum.delivered == TOKENS, "%s: %d", machines[_i].name, sum.delivered);
	}
	for (int i = 0; i < DAEMONS; i++)
		end_daemon(&daemons[i]);
	redis_end(&server);
}
END_TEST

/* --- a server that goes and comes back --- */

/* What `chainmail status` says of the store. */
static bool
status_says(const struct daemon *d, const char *words)
{
	char program[PATH_MAX], command[2 * PATH_MAX], line[1024];
	bool said = false;
	FILE *out;

	built(program, "/chainmail");
	snprintf(command, sizeof(command), "'%s' status --json --socket %s/control.sock", program,
		d->directory);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	while (fgets(line, sizeof(line), out) != NULL)
		said = said || (strstr(line, "cluster") != NULL && strstr(line, words) != NULL);
	ck_assert_int_eq(pclose(out), 0);
	return said;
}

static void
await_status(const struct daemon *d, const char *words)
{
	bool said = false;

	for (int i = 0; i < 300 && !said; i++) {
		said = status_says(d, words);
		if (!said)
			usleep(20000);
	}
	ck_assert_msg(said, "chainmail status does not say %s of the store", words);
}

/* How many of some recipients of one message are taken; the message is delivered to those. */
static int
taken(const struct daemon *d, unsigned rcpts)
{
	struct counts c = {0};
	struct mta *m = greet(d);

	ck_assert_ptr_nonnull(m);
	ck_assert_msg(message(m, rcpts, false, &c), "%s", mta_text(m));
	mta_quit(m);
	mta_close(m);
	return c.delivered;
}

static void
check_taken(const struct daemon *d, const char *name, int wanted)
{
	int delivered = taken(d, 5);

	ck_assert_msg(delivered == wanted, "%s: %d of 5, not %d", name, delivered, wanted);
}

#define QUOTA "limit = 4/365d; on_store_error = "

static const struct {
	const char *name, *settings;
	int away;  /* of five recipients while the server is away */
	int again; /* of five more */
	int back;  /* of five when it is there: it knows of two, and of one that it could not say */
} outcomes[] = {
	{"memory counts on its own, and forgets it", QUOTA "memory", 4, 0, 1},
	{"tempfail takes none", QUOTA "tempfail", 0, 0, 1},
	{"skip takes all, and counts none", QUOTA "skip", 5, 5, 1},
};

START_TEST(each_does_what_its_setting_says)
{
	struct daemon *d = &daemons[0];

	if (!redis_is_there())
		return;
	redis_begin(&server, NULL);
	start_daemon(d, outcomes[_i].settings);
	ck_assert_int_eq(taken(d, 2), 2);
	ck_assert(status_says(d, "\"ok\""));
	kill(server.pid, SIGSTOP);
	/* One that waits for the answer finds out. */
	check_taken(d, outcomes[_i].name, outcomes[_i].away);
	await_status(d, "\"away\"");
	check_taken(d, outcomes[_i].name, outcomes[_i].again);
	kill(server.pid, SIGCONT);
	await_status(d, "\"ok\"");
	check_taken(d, outcomes[_i].name, outcomes[_i].back);
	/* However many asked. */
	ck_assert_uint_eq(logfile_count(d->log, 0, "*store cluster is away*"), 1);
	ck_assert_uint_eq(logfile_count(d->log, 0, "*store cluster is back*"), 1);
	end_daemon(d);
	redis_end(&server);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store daemons");
	TCase *tc = tcase_create("daemons");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, daemons_share_one_limit, 0, LENGTH(machines));
	tcase_add_loop_test(tc, each_does_what_its_setting_says, 0, LENGTH(outcomes));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
