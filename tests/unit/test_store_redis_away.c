/* SPDX-License-Identifier: MIT */
/*
 * test_store_redis_away.c - a Redis server that is killed, hangs, is slow, full, or no master
 *
 * No call may take longer than its time, and after a failure none may wait at all. Bounds are
 * generous: what is not kept takes ten times as long.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/worker.h"
#include "store_redis_case.h"

#define TIMEOUT	 (200 * REDIS_MS)
#define RECOVERS (5 * REDIS_SEC + REDIS_GENEROUS)
#define OPENS	 (REDIS_SEC + REDIS_GENEROUS)
/* Together they would take far longer than that if each waited. */
#define CALLS	   400
#define CALLS_MOST REDIS_GENEROUS

static struct redis_server server;
static struct cm_store *store;

/* Where a server that hangs is told by the time it takes, timeout is short. */
static bool
begin(int64_t timeout)
{
	if (!redis_is_there())
		return false;
	redis_begin(&server, NULL);
	store = redis_case_open(&server, timeout);
	redis_case_until(store, CM_STORE_OK, RECOVERS);
	return true;
}

static void
end(void)
{
	store_close(store);
	redis_end(&server);
}

/* No call waits for a server that is known to be away. */
static void
nobody_waits(void)
{
	int64_t began = clock_now();

	for (int i = 0; i < CALLS; i++)
		ck_assert_int_eq(redis_case_add(store), CM_STORE_AWAY);
	ck_assert_int_lt(clock_now() - began, CALLS_MOST);
}

/* It is, or will be at once: a busy machine may be slow for a moment. */
static void
is_away(bool away)
{
	struct store_health health;

	store_health(store, &health);
	for (int i = 0; i < REDIS_WAIT_MOST && health.away != away; i++) {
		usleep(REDIS_WAIT_US);
		store_health(store, &health);
	}
	ck_assert_msg(health.away == away, "%s", health.words);
	ck_assert((health.away_since != 0) == away);
	if (away)
		ck_assert_str_ne(health.words, "");
}

/* --- under load --- */

#define CLIENTS 4

static atomic_bool enough;
static _Atomic int64_t longest;

static void *
load(void *context)
{
	(void)context;
	while (!atomic_load(&enough)) {
		int64_t began = clock_now(), took;
		enum cm_store_status status = redis_case_add(store);

		took = clock_now() - began;
		if (took > atomic_load(&longest))
			atomic_store(&longest, took);
		if (status != CM_STORE_OK)
			usleep(1000);
	}
	return NULL;
}

/* What is done to the server, and undone. */
static void
kill_it(void)
{
	redis_kill(&server);
}

static void
start_it(void)
{
	redis_start(&server, NULL);
}

static void
stop_it(void)
{
	kill(server.pid, SIGSTOP);
}

static void
continue_it(void)
{
	kill(server.pid, SIGCONT);
}

static const struct {
	const char *name;
	void (*harm)(void);
	void (*heal)(void);
} harms[] = {
	{"killed and started again", kill_it, start_it},
	{"hangs and goes on", stop_it, continue_it},
};

START_TEST(nobody_waits_for_a_server_that_is)
{
	pthread_t threads[CLIENTS];
	int64_t opened, closed;

	if (!begin(TIMEOUT))
		return;
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, load, NULL), 0);
	usleep(50000);
	harms[_i].harm();
	opened = redis_case_until(store, CM_STORE_AWAY, OPENS);
	usleep(100000);
	nobody_waits();
	is_away(true);
	harms[_i].heal();
	closed = redis_case_until(store, CM_STORE_OK, RECOVERS);
	is_away(false);
	atomic_store(&enough, true);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_msg(atomic_load(&longest) < TIMEOUT + REDIS_GENEROUS, "%s: a call took %lld us",
		harms[_i].name, (long long)atomic_load(&longest));
	fprintf(stderr, "redis %s: away after %lld ms, back after %lld ms, longest call %lld ms\n",
		harms[_i].name, (long long)opened / 1000, (long long)closed / 1000,
		(long long)atomic_load(&longest) / 1000);
	end();
}
END_TEST

START_TEST(short_deadline_is_kept)
{
	static const int64_t deadlines[] = {0, -REDIS_SEC, REDIS_MS, 20 * REDIS_MS};
	int64_t began, number;

	if (!begin(REDIS_PATIENT))
		return;
	stop_it();
	for (int i = 0; i < LENGTH(deadlines); i++) {
		began = clock_now();
		ck_assert_int_eq(store_add(store, "n", 1, 1, 0, began + deadlines[i], &number),
			CM_STORE_AWAY);
		ck_assert_int_lt(clock_now() - began, REDIS_GENEROUS);
	}
	/* That some had no time is not the server's fault. */
	is_away(false);
	continue_it();
	ck_assert_int_eq(redis_case_add(store), CM_STORE_OK);
	end();
}
END_TEST

START_TEST(slow_server_is_away_until_it_answers)
{
	char said[64];
	int fd;

	if (!begin(TIMEOUT))
		return;
	fd = redis_connect(&server);
	ck_assert_int_eq(write(fd, "DEBUG SLEEP 0.5\r\n", 17), 17);
	redis_case_until(store, CM_STORE_AWAY, OPENS);
	ck_assert_int_gt(read(fd, said, sizeof(said)), 0);
	close(fd);
	redis_case_until(store, CM_STORE_OK, RECOVERS);
	is_away(false);
	end();
}
END_TEST

START_TEST(emptied_server_is_a_new_one)
{
	static const char *const emptied[] = {"FLUSHALL", "SCRIPT FLUSH"};
	bool taken;

	if (!begin(REDIS_PATIENT))
		return;
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(redis_case_reserve(store, "l", 2, &taken), CM_STORE_OK);
			ck_assert_int_eq(taken, i < 2);
		}
		for (int i = 0; i < LENGTH(emptied); i++)
			redis_do(&server, "%s", emptied[i]);
	}
	end();
}
END_TEST

/* --- connecting --- */

static int64_t
one_call(const char *const *servers, size_t count)
{
	struct store_config config = redis_case_config(servers, count, TIMEOUT);
	int64_t began;

	store = redis_case_open_config(&config);
	began = clock_now();
	ck_assert_int_eq(redis_case_add(store), CM_STORE_AWAY);
	return clock_now() - began;
}

START_TEST(nobody_there_is_away)
{
	static const char *const nobody[] = {
		"unix:/nonexistent/socket", "127.0.0.1:1", "[::1]:1", "no..name:6379"};
	int64_t took = one_call(&nobody[_i], 1);

	ck_assert_int_lt(took, TIMEOUT + REDIS_GENEROUS);
	redis_case_until(store, CM_STORE_AWAY, OPENS);
	usleep(100000);
	nobody_waits();
	store_close(store);
}
END_TEST

START_TEST(store_that_is_started_knows_without_being_asked)
{
	const char *nobody[] = {"127.0.0.1:1"};
	struct store_config config = redis_case_config(nobody, 1, TIMEOUT);
	struct err err;

	store = redis_case_open_config(&config);
	is_away(false);
	ck_assert(store_start(store, &err));
	is_away(true);
	nobody_waits();
	store_close(store);
}
END_TEST

/* Its queue takes connections, and nobody reads what comes there. */
static int
listen_silently(struct redis_server *s, int backlog)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	s->port = ntohs(address.sin_port);
	snprintf(s->where, sizeof(s->where), "127.0.0.1:%u", s->port);
	return fd;
}

START_TEST(server_that_says_nothing_is_away)
{
	struct redis_server silent = {0};
	int fd = listen_silently(&silent, 100), others[2] = {-1, -1};
	const char *servers[] = {silent.where};
	int64_t took;

	/* A queue that is full answers no connection at all. */
	if (_i == 1) {
		close(fd);
		fd = listen_silently(&silent, 0);
		for (int i = 0; i < LENGTH(others); i++)
			others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		for (int i = 0; i < LENGTH(others); i++) {
			struct sockaddr_in address = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				.sin_port = htons((uint16_t)silent.port)};

			(void)connect(others[i], (struct sockaddr *)&address, sizeof(address));
		}
	}
	took = one_call(servers, 1);
	ck_assert_int_ge(took, TIMEOUT);
	ck_assert_int_lt(took, TIMEOUT + REDIS_GENEROUS);
	nobody_waits();
	store_close(store);
	close(fd);
	for (int i = 0; i < LENGTH(others); i++) {
		if (others[i] >= 0)
			close(others[i]);
	}
}
END_TEST

START_TEST(next_server_is_asked)
{
	struct redis_server second = {0};
	const char *servers[] = {"127.0.0.1:1", server.where, second.where};
	struct store_config config = redis_case_config(servers, 3, REDIS_PATIENT);

	if (!redis_is_there())
		return;
	/* The second takes no writes. */
	redis_begin(&server, (const char *const[]){"--replicaof", "127.0.0.1", "1", NULL});
	redis_begin(&second, NULL);
	store = redis_case_open_config(&config);
	ck_assert_int_eq(redis_case_add(store), CM_STORE_OK);
	end();
	redis_end(&second);
}
END_TEST

/* --- the password --- */

static void
write_password(char path[TEMP_NAME_SIZE], const char *text, mode_t mode)
{
	int fd = temp_file(path, "password");

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

#define HUNDRED                                              \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

static const struct {
	const char *name, *line;
	mode_t mode;
	const char *refused; /* when the store is opened */
	enum cm_store_status status;
} passwords[] = {
	{"the right one", "s3cret%s\nmore\n", 0600, NULL, CM_STORE_OK},
	{"without an end of line", "s3cret%s", 0640, NULL, CM_STORE_OK},
	{"a wrong one", "wrong\n", 0600, NULL, CM_STORE_AWAY},
	{"one that others may read", "s3cret%s\n", 0604, "others may use it", CM_STORE_AWAY},
	{"one that the group may write", "s3cret%s\n", 0660, "chmod 600", CM_STORE_AWAY},
	{"one without end", THOUSAND THOUSAND, 0600, "too long", CM_STORE_AWAY},
	{"an empty one", "\ns3cret%s\n", 0600, "is empty", CM_STORE_AWAY},
};

START_TEST(password_is_asked_and_its_file_looked_at)
{
	const char *servers[] = {server.where};
	struct store_config config = redis_case_config(servers, 1, REDIS_PATIENT);
	char path[TEMP_NAME_SIZE];
	struct store_health health;
	struct err err = {""};

	if (!redis_is_there())
		return;
	redis_begin(&server, (const char *const[]){"--requirepass", "s3cret%s", NULL});
	write_password(path, passwords[_i].line, passwords[_i].mode);
	config.password_file = path;
	store = store_open(&config, &err);
	ck_assert_msg((store == NULL) == (passwords[_i].refused != NULL), "%s: %s",
		passwords[_i].name, err.text);
	if (store == NULL) {
		ck_assert_msg(strstr(err.text, passwords[_i].refused) != NULL, "%s", err.text);
	} else {
		ck_assert_msg(
			redis_case_add(store) == passwords[_i].status, "%s", passwords[_i].name);
		store_health(store, &health);
		ck_assert_msg(health.away == (passwords[_i].status != CM_STORE_OK), "%s",
			passwords[_i].name);
		ck_assert_ptr_null(strstr(health.words, "wrong\n"));
	}
	unlink(path);
	end();
}
END_TEST

START_TEST(server_that_wants_a_password_is_away_without)
{
	struct store_health health;

	if (!redis_is_there())
		return;
	redis_begin(&server, (const char *const[]){"--requirepass", "secret", NULL});
	store = redis_case_open(&server, REDIS_PATIENT);
	ck_assert_int_eq(redis_case_add(store), CM_STORE_AWAY);
	store_health(store, &health);
	ck_assert_ptr_nonnull(strstr(health.words, "NOAUTH"));
	end();
}
END_TEST

static bool
show_none(void *context, const void *key, size_t len, const struct store_value *value)
{
	(void)context;
	(void)key;
	(void)len;
	(void)value;
	return true;
}

/* What docs/STORES.md says that a user must be allowed to do is enough. */
START_TEST(few_rights_are_enough)
{
	static const char rights[] =
		"resetkeys ~test:* -@all +auth +role +script +evalsha +time +get +set +del +pttl "
		"+pexpire +exists +type +incrby +sadd +scard +smembers +pfadd +pfcount +scan";
	int64_t deadline = clock_now() + 60 * REDIS_SEC, number;
	struct store_value found;
	struct arena arena;
	bool taken;

	if (!redis_is_there())
		return;
	redis_begin(&server, NULL);
	redis_do(&server, "ACL SETUSER default %s", rights);
	store = redis_case_open(&server, REDIS_PATIENT);
	arena_init(&arena, 1024);
	ck_assert_int_eq(store_set(store, "k", 1, "v", 1, REDIS_SEC, deadline), CM_STORE_OK);
	ck_assert_int_eq(store_get(store, "k", 1, deadline, &arena, &found), CM_STORE_OK);
	ck_assert_int_eq(store_delete(store, "k", 1, deadline), CM_STORE_OK);
	ck_assert_int_eq(
		store_add(store, "n", 1, INT64_MAX, REDIS_SEC, deadline, &number), CM_STORE_OK);
	ck_assert_int_eq(store_add(store, "n", 1, 1, REDIS_SEC, deadline, &number), CM_STORE_OK);
	for (int i = 0; i < 70; i++)
		ck_assert_int_eq(store_add_member(store, "s", 1, &i, sizeof(i), 60 * REDIS_SEC,
					 deadline, &number),
			CM_STORE_OK);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(redis_case_reserve(store, "l", 1, &taken), CM_STORE_OK);
	ck_assert(!taken);
	ck_assert_int_eq(store_each(store, "", 0, show_none, NULL), CM_STORE_OK);
	arena_fini(&arena);
	end();
}
END_TEST

/* --- what a server refuses --- */

START_TEST(server_without_room_is_full_and_there)
{
	static char value[STORE_VALUE_MOST];
	enum cm_store_status status = CM_STORE_OK;
	struct store_health health;
	struct store_value found;
	struct arena arena;
	int64_t number;
	bool taken;

	if (!begin(REDIS_PATIENT))
		return;
	arena_init(&arena, 1024);
	redis_do(&server, "SET test:old value");
	redis_do(&server, "CONFIG SET maxmemory 1mb");
	redis_do(&server, "CONFIG SET maxmemory-policy noeviction");
	for (int i = 0; i < 100 && status == CM_STORE_OK; i++)
		status = store_set(
			store, &i, sizeof(i), value, sizeof(value), 0, clock_now() + REDIS_PATIENT);
	ck_assert_int_eq(status, CM_STORE_FULL);
	ck_assert_int_eq(redis_case_add(store), CM_STORE_FULL);
	ck_assert_int_eq(redis_case_reserve(store, "l", 10, &taken), CM_STORE_FULL);
	ck_assert_int_eq(
		store_add_member(store, "s", 1, "m", 1, 0, clock_now() + REDIS_PATIENT, &number),
		CM_STORE_FULL);
	ck_assert_int_eq(store_get(store, "old", 3, clock_now() + REDIS_PATIENT, &arena, &found),
		CM_STORE_OK);
	is_away(false);
	store_health(store, &health);
	ck_assert(health.full);
	ck_assert_str_eq(health.words, "the server has no room (maxmemory)");
	redis_do(&server, "CONFIG SET maxmemory 0");
	ck_assert_int_eq(redis_case_reserve(store, "l", 10, &taken), CM_STORE_OK);
	ck_assert(taken);
	arena_fini(&arena);
	end();
}
END_TEST

static void
make_replica(void)
{
	redis_do(&server, "REPLICAOF 127.0.0.1 1");
}

static void
make_master(void)
{
	redis_do(&server, "REPLICAOF NO ONE");
}

static void
want_replicas(void)
{
	redis_do(&server, "CONFIG SET min-replicas-to-write 1");
}

static void
want_none(void)
{
	redis_do(&server, "CONFIG SET min-replicas-to-write 0");
}

static void await_word(const struct redis_server *, const char *command, const char *word);

/* Where the file of its data should be there is a directory. */
static void
break_disk(void)
{
	char path[TEMP_NAME_SIZE + 16];

	snprintf(path, sizeof(path), "%s/dump.rdb", server.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	redis_do(&server, "CONFIG SET save \"3600 1\"");
	redis_do(&server, "BGSAVE");
	await_word(&server, "INFO persistence", "rdb_last_bgsave_status:err");
}

static void
mend_disk(void)
{
	char path[TEMP_NAME_SIZE + 16];

	snprintf(path, sizeof(path), "%s/dump.rdb", server.dir);
	ck_assert_int_eq(rmdir(path), 0);
	redis_do(&server, "BGSAVE");
	await_word(&server, "INFO persistence", "rdb_last_bgsave_status:ok");
}

/* What is the matter may be told by an operation, or by who looks at the server when it connects.
 */
static const struct {
	const char *word, *other;
	void (*harm)(void);
	void (*heal)(void);
} refusals[] = {
	{"no master", "READONLY", make_replica, make_master},
	{"NOREPLICAS", "NOREPLICAS", want_replicas, want_none},
	{"MISCONF", "MISCONF", break_disk, mend_disk},
};

/* Nobody waits for it, and who looks is told what is the matter. */
START_TEST(server_that_takes_no_writes_is_away)
{
	struct store_health health;

	if (!begin(REDIS_PATIENT))
		return;
	refusals[_i].harm();
	redis_case_until(store, CM_STORE_AWAY, OPENS);
	usleep(100000);
	nobody_waits();
	is_away(true);
	store_health(store, &health);
	ck_assert_msg(strstr(health.words, refusals[_i].word) != NULL ||
			      strstr(health.words, refusals[_i].other) != NULL,
		"%s", health.words);
	refusals[_i].heal();
	redis_case_until(store, CM_STORE_OK, RECOVERS);
	is_away(false);
	end();
}
END_TEST

/* --- Sentinel --- */

static void
begin_sentinel(struct redis_server *s, const struct redis_server *master)
{
	char path[TEMP_NAME_SIZE + 16];
	FILE *file;

	*s = (struct redis_server){.port = redis_free_port(), .sentinel = true};
	ck_assert(temp_dir(s->dir, "sentinel"));
	snprintf(s->where, sizeof(s->where), "127.0.0.1:%u", s->port);
	snprintf(path, sizeof(path), "%s/conf", s->dir);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file,
		"sentinel monitor mail 127.0.0.1 %u 1\n"
		"sentinel down-after-milliseconds mail 500\n"
		"sentinel failover-timeout mail 3000\n",
		master->port);
	ck_assert_int_eq(fclose(file), 0);
	redis_start(s, NULL);
}

/* Until the word is among what is said. */
static void
await_word(const struct redis_server *s, const char *command, const char *word)
{
	char said[4096] = "";

	for (int i = 0; i < REDIS_WAIT_MOST && strstr(said, word) == NULL; i++) {
		usleep(REDIS_WAIT_US);
		redis_ask(s, said, sizeof(said), command);
	}
	ck_assert_msg(strstr(said, word) != NULL, "%s: no %s in: %s", command, word, said);
}

/* Long enough for Sentinel to notice, to agree with itself, and to tell. */
#define FAILOVER (30 * REDIS_SEC)

START_TEST(failover_is_followed)
{
	struct redis_server replica, sentinel;
	const char *servers[] = {"127.0.0.1:1", sentinel.where};
	struct store_config config = redis_case_config(servers, 2, REDIS_PATIENT);
	char port[8];
	bool taken;

	if (!redis_is_there())
		return;
	redis_begin_port(&server, NULL);
	snprintf(port, sizeof(port), "%u", server.port);
	redis_begin_port(&replica, (const char *const[]){"--replicaof", "127.0.0.1", port, NULL});
	await_word(&replica, "INFO replication", "master_link_status:up");
	begin_sentinel(&sentinel, &server);
	await_word(&sentinel, "SENTINEL master mail", "num-slaves\r\n$1\r\n1");
	config.sentinel = "mail";
	store = redis_case_open_config(&config);
	ck_assert_int_eq(redis_case_reserve(store, "l", 1, &taken), CM_STORE_OK);
	ck_assert(taken);
	await_word(&replica, "EXISTS test:l", ":1");
	redis_kill(&server);
	fprintf(stderr, "redis failover: back after %lld ms\n",
		(long long)redis_case_until(store, CM_STORE_OK, FAILOVER) / 1000);
	/* The new master knows what was taken. */
	ck_assert_int_eq(redis_case_reserve(store, "l", 1, &taken), CM_STORE_OK);
	ck_assert(!taken);
	end();
	redis_end(&sentinel);
	redis_end(&replica);
}
END_TEST

START_TEST(master_that_sentinel_does_not_know_is_away)
{
	struct redis_server sentinel;
	const char *servers[] = {sentinel.where};
	struct store_config config = redis_case_config(servers, 1, REDIS_PATIENT);
	struct store_health health;

	if (!redis_is_there())
		return;
	redis_begin_port(&server, NULL);
	begin_sentinel(&sentinel, &server);
	config.sentinel = "other";
	store = redis_case_open_config(&config);
	ck_assert_int_eq(redis_case_add(store), CM_STORE_AWAY);
	store_health(store, &health);
	ck_assert_ptr_nonnull(strstr(health.words, "knows no master other"));
	end();
	redis_end(&sentinel);
}
END_TEST

/* --- machines --- */

#define MACHINES 2
#define THREADS	 16
#define TOKENS	 1000
#define TURNS	 80

struct machine {
	struct cm_store *store;
	atomic_int taken, refused;
};

static void *
take_tokens(void *context)
{
	struct machine *m = context;

	for (int i = 0; i < TURNS; i++) {
		bool taken;

		if (redis_case_reserve(m->store, "l", TOKENS, &taken) == CM_STORE_OK)
			atomic_fetch_add(taken ? &m->taken : &m->refused, 1);
	}
	return NULL;
}

/* Of a process of its own; what it took and what it was refused goes to out. */
static void
run_machine(int out)
{
	struct machine m = {.store = redis_case_open(&server, REDIS_PATIENT)};
	pthread_t threads[THREADS];
	int counts[2];

	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, take_tokens, &m) != 0)
			_exit(1);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	counts[0] = atomic_load(&m.taken);
	counts[1] = atomic_load(&m.refused);
	store_close(m.store);
	_exit(write(out, counts, sizeof(counts)) == sizeof(counts) ? 0 : 1);
}

START_TEST(two_machines_never_take_one_token_too_many)
{
	int pipes[2], taken = 0, refused = 0;
	pid_t pids[MACHINES];

	if (!redis_is_there())
		return;
	redis_begin(&server, NULL);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	for (int i = 0; i < MACHINES; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			run_machine(pipes[1]);
	}
	for (int i = 0; i < MACHINES; i++) {
		int status, counts[2];

		ck_assert_int_eq(read(pipes[0], counts, sizeof(counts)), sizeof(counts));
		taken += counts[0];
		refused += counts[1];
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(taken, TOKENS);
	ck_assert_int_eq(refused, MACHINES * THREADS * TURNS - TOKENS);
	close(pipes[0]);
	close(pipes[1]);
	redis_end(&server);
}
END_TEST

/* --- workers --- */

static atomic_int served;
static _Atomic int64_t waited;

static bool
serve(void *context, void *own)
{
	int64_t began = clock_now();

	(void)context;
	(void)own;
	worker_busy(&served);
	ck_assert_int_eq(redis_case_add(store), CM_STORE_AWAY);
	atomic_store(&waited, clock_now() - began);
	worker_idle();
	atomic_fetch_add(&served, 1);
	return false;
}

static bool
unwanted(void *job)
{
	return job == &served;
}

START_TEST(wait_that_nobody_wants_any_more_ends)
{
	struct worker_work work = {.serve = serve, .running = 1, .most = 1};
	struct worker_pool *pool;
	struct err err;

	if (!begin(REDIS_PATIENT))
		return;
	stop_it();
	pool = worker_pool_start(&work, &err);
	ck_assert_ptr_nonnull(pool);
	for (int i = 0; i < REDIS_WAIT_MOST && worker_pool_count(pool).waiting == 0; i++)
		usleep(REDIS_WAIT_US);
	worker_cancel_where(pool, unwanted);
	for (int i = 0; i < REDIS_WAIT_MOST && atomic_load(&served) == 0; i++)
		usleep(REDIS_WAIT_US);
	ck_assert_int_eq(atomic_load(&served), 1);
	ck_assert_int_lt(atomic_load(&waited), REDIS_PATIENT / 2);
	ck_assert(worker_pool_stop(pool, REDIS_PATIENT));
	continue_it();
	end();
}
END_TEST

/* Calls whose time is over, and that nobody wants any more, both at once and again and again. */
static bool
serve_briefly(void *context, void *own)
{
	int64_t number;

	(void)context;
	(void)own;
	worker_busy(&served);
	(void)store_add(store, "n", 1, 1, 0, clock_now() + REDIS_MS, &number);
	worker_idle();
	return !atomic_load(&enough);
}

START_TEST(wait_may_end_twice_at_once)
{
	struct worker_work work = {.serve = serve_briefly, .running = 8, .most = 8};
	struct redis_server silent = {0};
	int fd = listen_silently(&silent, 100);
	const char *servers[] = {silent.where};
	struct store_config config = redis_case_config(servers, 1, REDIS_PATIENT);
	struct store_health health = {.away = false};
	struct worker_pool *pool;
	struct err err;

	store = redis_case_open_config(&config);
	pool = worker_pool_start(&work, &err);
	ck_assert_ptr_nonnull(pool);
	while (!health.away) {
		worker_cancel_where(pool, unwanted);
		store_health(store, &health);
	}
	atomic_store(&enough, true);
	ck_assert(worker_pool_stop(pool, REDIS_PATIENT));
	store_close(store);
	close(fd);
}
END_TEST

/* --- what is said --- */

static int
count_lines(const char *path, const char *word)
{
	char line[1024];
	FILE *file = fopen(path, "r");
	int count = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, word) != NULL;
	fclose(file);
	return count;
}

START_TEST(one_line_says_that_it_went_and_one_that_it_is_back)
{
	struct log_config config = {.target = LOG_TARGET_FILE, .level = LOG_LEVEL_INFO};
	char path[TEMP_NAME_SIZE];
	struct err err;
	int fd;

	if (!begin(REDIS_PATIENT))
		return;
	fd = temp_file(path, "log");
	ck_assert_int_ge(fd, 0);
	close(fd);
	config.path = path;
	ck_assert_msg(log_open(&config, 1, &err), "%s", err.text);
	/* The second time is in the same minute. */
	for (int i = 0; i < 2; i++) {
		redis_kill(&server);
		redis_case_until(store, CM_STORE_AWAY, OPENS);
		nobody_waits();
		redis_start(&server, NULL);
		redis_case_until(store, CM_STORE_OK, RECOVERS);
	}
	ck_assert_int_eq(count_lines(path, "store r is away: unix:"), 1);
	ck_assert_int_eq(count_lines(path, "store r is back: unix:"), 1);
	log_close();
	unlink(path);
	end();
}
END_TEST

static const struct {
	const char *name, *server, *prefix, *words;
} settings[] = {
	{"a path that is too long",
		"unix:/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"", "at most 107 octets"},
	{"a path that is none", "unix:socket", "", "begins with /"},
	{"no port", "localhost", "", "HOST:PORT"},
	{"a port that is none", "localhost:redis", "", "HOST:PORT"},
	{"no host", ":6379", "", "HOST:PORT"},
	{"a prefix without end", "localhost:6379",
		"pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
		"pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
		"pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
		"longer than 200"},
};

START_TEST(settings_that_cannot_be_are_refused)
{
	const char *servers[] = {settings[_i].server};
	struct store_config config = redis_case_config(servers, 1, TIMEOUT);
	struct err err = {""};

	config.prefix = settings[_i].prefix;
	ck_assert_msg(store_open(&config, &err) == NULL, "%s", settings[_i].name);
	ck_assert_msg(strstr(err.text, settings[_i].words) != NULL, "%s: %s", settings[_i].name,
		err.text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store redis away");
	TCase *tc = tcase_create("away");

	tcase_add_loop_test(tc, nobody_waits_for_a_server_that_is, 0, LENGTH(harms));
	tcase_add_test(tc, short_deadline_is_kept);
	tcase_add_test(tc, slow_server_is_away_until_it_answers);
	tcase_add_test(tc, emptied_server_is_a_new_one);
	tcase_add_loop_test(tc, nobody_there_is_away, 0, 4);
	tcase_add_test(tc, store_that_is_started_knows_without_being_asked);
	tcase_add_loop_test(tc, server_that_says_nothing_is_away, 0, 2);
	tcase_add_test(tc, next_server_is_asked);
	tcase_add_loop_test(tc, password_is_asked_and_its_file_looked_at, 0, LENGTH(passwords));
	tcase_add_test(tc, server_that_wants_a_password_is_away_without);
	tcase_add_test(tc, few_rights_are_enough);
	tcase_add_test(tc, server_without_room_is_full_and_there);
	tcase_add_loop_test(tc, server_that_takes_no_writes_is_away, 0, LENGTH(refusals));
	tcase_add_test(tc, failover_is_followed);
	tcase_add_test(tc, master_that_sentinel_does_not_know_is_away);
	tcase_add_test(tc, two_machines_never_take_one_token_too_many);
	tcase_add_test(tc, wait_that_nobody_wants_any_more_ends);
	tcase_add_test(tc, wait_may_end_twice_at_once);
	tcase_add_test(tc, one_line_says_that_it_went_and_one_that_it_is_back);
	tcase_add_loop_test(tc, settings_that_cannot_be_are_refused, 0, LENGTH(settings));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
