/* SPDX-License-Identifier: MIT */
/*
 * test_store_redis_hostile.c - answers that no Redis server gives
 *
 * A server of the test's own greets as one should, or not, and says what a table or chance wants.
 * Nothing may be believed, and nothing may harm: the sanitizers run this as well.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/arena.h"
#include "service/store_redis_reply.h"
#include "store_redis_case.h"

/* Longer than one answer takes; what never comes is waited for that long. */
#define TIMEOUT (50 * REDIS_MS)

#define NAME	 "$40\r\n0123456789abcdef0123456789abcdef01234567\r\n"
#define GREETING "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n" NAME NAME NAME

struct fake {
	char dir[TEMP_NAME_SIZE];
	char where[TEMP_NAME_SIZE + 16];
	int listener;
	pthread_t thread;
	atomic_bool stop;
	const char *greeting, *answer;
	size_t greeting_len, answer_len;
	unsigned repeat; /* the answer's end: so many times its last octets */
	size_t repeat_len;
	int64_t takes; /* for an operation, by a clock that stands still */
};

static struct fake fake;

/* --- the server --- */

static bool
say(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* The first of an operation may come together with the end of the greeting. */
static bool
is_operation(const char *heard, size_t len)
{
	static const char *const verbs[] = {
		"\r\nGET\r\n", "\r\nSET\r\n", "\r\nDEL\r\n", "\r\nEVALSHA\r\n", "\r\nSCAN\r\n"};

	for (int i = 0; i < LENGTH(verbs); i++) {
		if (memmem(heard, len, verbs[i], strlen(verbs[i])) != NULL)
			return true;
	}
	return false;
}

static void
serve(int fd)
{
	static char heard[65536];
	const struct fake *f = &fake;
	ssize_t n;

	if (!say(fd, f->greeting, f->greeting_len))
		return;
	while ((n = recv(fd, heard, sizeof(heard), 0)) > 0) {
		if (!is_operation(heard, (size_t)n))
			continue;
		clock_advance(f->takes);
		if (!say(fd, f->answer, f->answer_len))
			return;
		for (unsigned i = 0; i < f->repeat; i++) {
			if (!say(fd, f->answer + f->answer_len - f->repeat_len, f->repeat_len))
				return;
		}
	}
}

static void *
run_fake(void *context)
{
	(void)context;
	while (!atomic_load(&fake.stop)) {
		int fd = accept(fake.listener, NULL, NULL);

		if (fd < 0)
			break;
		serve(fd);
		close(fd);
	}
	return NULL;
}

static void
begin_fake(const char *greeting, size_t greeting_len, const char *answer, size_t answer_len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	fake = (struct fake){.greeting = greeting,
		.greeting_len = greeting_len,
		.answer = answer,
		.answer_len = answer_len};
	ck_assert(temp_dir(fake.dir, "fake"));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", fake.dir);
	snprintf(fake.where, sizeof(fake.where), "unix:%s/s", fake.dir);
	fake.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fake.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fake.listener, 100), 0);
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, run_fake, NULL), 0);
}

/* The store is closed: no connection is open. */
static void
end_fake(void)
{
	atomic_store(&fake.stop, true);
	shutdown(fake.listener, SHUT_RDWR);
	pthread_join(fake.thread, NULL);
	close(fake.listener);
	unlink(fake.where + 5);
	rmdir(fake.dir);
}

static struct cm_store *
open_fake(int64_t timeout)
{
	const char *servers[] = {fake.where};
	struct store_config config = redis_case_config(servers, 1, timeout);

	return redis_case_open_config(&config);
}

/* --- every operation --- */

enum ask { ASK_GET, ASK_SET, ASK_DELETE, ASK_ADD, ASK_MEMBER, ASK_LIMIT, ASK_EACH, ASKS };

static const struct cm_limit two_windows = {
	2, {{10, 60 * REDIS_SEC, 0}, {100, 3600 * REDIS_SEC, 0}}, false};

static bool
show_any(void *context, const void *key, size_t len, const struct store_value *value)
{
	unsigned *shown = context;

	ck_assert_ptr_nonnull(key);
	ck_assert_uint_lt(len + value->len, 1u << 20);
	return ++*shown < 1000;
}

static void
check_limit(const struct cm_limit_answer *a)
{
	ck_assert_uint_lt(a->window, two_windows.windows);
	ck_assert_int_ge(a->used, 0);
	ck_assert_int_ge(a->limit, 0);
	ck_assert_int_ge(a->retry_us, 0);
	ck_assert_int_ge(a->reserved_at, 0);
}

/* Whatever was said, what comes out can be used. */
static enum cm_store_status
ask_one(struct cm_store *store, enum ask ask, struct arena *arena, int64_t deadline)
{
	static const struct cm_limit_take take = {CM_LIMIT_RESERVE, 1, 0, 0};
	struct cm_limit_answer a;
	enum cm_store_status status = CM_STORE_AWAY;
	struct store_value found;
	unsigned shown = 0;
	int64_t number;

	switch (ask) {
	case ASK_GET:
		status = store_get(store, "k", 1, deadline, arena, &found);
		ck_assert(status == CM_STORE_OK || found.data == NULL);
		ck_assert_uint_le(found.len, STORE_VALUE_MOST);
		return status;
	case ASK_SET:
		return store_set(store, "k", 1, "v", 1, 0, deadline);
	case ASK_DELETE:
		return store_delete(store, "k", 1, deadline);
	case ASK_ADD:
		return store_add(store, "k", 1, 1, 0, deadline, &number);
	case ASK_MEMBER:
		return store_add_member(store, "k", 1, "m", 1, 0, deadline, &number);
	case ASK_LIMIT:
		status = store_limit(store, "k", 1, &two_windows, &take, deadline, &a);
		check_limit(&a);
		return status;
	case ASK_EACH:
		return store_each(store, "", 0, show_any, &shown);
	case ASKS:
		break;
	}
	return status;
}

static enum cm_store_status
ask(enum ask what, int64_t timeout)
{
	struct cm_store *store = open_fake(timeout);
	int64_t began = clock_now();
	enum cm_store_status status;
	struct arena arena;

	arena_init(&arena, 1024);
	status = ask_one(store, what, &arena, began + 60 * REDIS_SEC);
	ck_assert_int_lt(clock_now() - began, timeout + REDIS_GENEROUS);
	arena_fini(&arena);
	store_close(store);
	return status;
}

/* --- what is no answer at all --- */

#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *name;
	const char *answer;
	size_t len;
	unsigned repeat;
	size_t repeat_len;
} strange[] = {
	{"nothing", TEXT(""), 0, 0},
	{"another protocol", TEXT("HTTP/1.1 200 OK\r\n\r\n"), 0, 0},
	{"a zero octet", TEXT("\0"), 0, 0},
	{"all kinds of octets", TEXT("\377\376\0\1\r\n\n\r"), 0, 0},
	{"a line without end", TEXT("+aaaaaaaaaaaaaaaa"), 1000000, 16},
	{"a number without end", TEXT(":1111111111111111"), 1000000, 16},
	{"a number that is none", TEXT(":1x\r\n"), 0, 0},
	{"a number that is too great", TEXT(":99999999999999999999\r\n"), 0, 0},
	{"an empty number", TEXT(":\r\n"), 0, 0},
	{"half a text", TEXT("$10\r\nabc"), 0, 0},
	{"a text of less than nothing", TEXT("$-5\r\n"), 0, 0},
	{"a text that is too long", TEXT("$9223372036854775807\r\n"), 0, 0},
	{"a text that is too long, and comes", TEXT("$100000000\r\naaaaaaaaaaaaaaaa"), 1000000, 16},
	{"a text whose length is none", TEXT("$ten\r\n"), 0, 0},
	{"a list that is too long", TEXT("*2147483647\r\n"), 0, 0},
	{"a list of more than there are numbers", TEXT("*9223372036854775807\r\n"), 0, 0},
	{"a list of less than nothing", TEXT("*-2\r\n"), 0, 0},
	{"half a list", TEXT("*3\r\n:1\r\n"), 0, 0},
	{"a long list of long lists", TEXT("*65536\r\n"), 1000000, 8},
	{"lists in lists", TEXT("*1\r\n"), 1000, 4},
	{"a long list of nothing that never ends", TEXT("*65536\r\n*60000\r\n$-1\r\n"), 1000000, 5},
	{"an empty list", TEXT("*0\r\n"), 0, 0},
	{"a list in a list of lists", TEXT("*1\r\n*1\r\n*1\r\n:1\r\n"), 0, 0},
	{"RESP3: a double", TEXT(",1.5\r\n"), 0, 0},
	{"RESP3: a map", TEXT("%1\r\n+a\r\n+b\r\n"), 0, 0},
	{"RESP3: a push", TEXT(">1\r\n+a\r\n"), 0, 0},
	{"RESP3: null", TEXT("_\r\n"), 0, 0},
	{"an error without words", TEXT("-\r\n"), 0, 0},
	{"an error that is a format", TEXT("-%s%n%s%n%s%n\r\n"), 0, 0},
	{"an error of control characters", TEXT("-ERR \33[31m\1\2\r\n"), 0, 0},
	{"scripts that are forgotten again and again",
		TEXT("-NOSCRIPT a\r\n" NAME NAME NAME "-NOSCRIPT b\r\n"), 0, 0},
	{"scripts that are forgotten, and then no name",
		TEXT("-NOSCRIPT a\r\n:1\r\n:2\r\n:3\r\n+x\r\n"), 0, 0},
	{"a server that is loading", TEXT("-LOADING Redis is loading\r\n"), 0, 0},
	{"answers that nobody waits for", TEXT("+x\r\n+x\r\n+x\r\n+x\r\n+x\r\n"), 0, 0},
	{"a queue", TEXT("+QUEUED\r\n+QUEUED\r\n"), 0, 0},
};

START_TEST(what_is_no_answer_is_away)
{
	begin_fake(TEXT(GREETING), strange[_i].answer, strange[_i].len);
	fake.repeat = strange[_i].repeat;
	fake.repeat_len = strange[_i].repeat_len;
	for (enum ask a = 0; a < ASKS; a++) {
		enum cm_store_status status = ask(a, TIMEOUT);

		ck_assert_msg(status == CM_STORE_AWAY, "%s: operation %d: %d", strange[_i].name,
			(int)a, (int)status);
	}
	end_fake();
}
END_TEST

/* The same before a connection is one. */
START_TEST(strange_greeting_is_away)
{
	begin_fake(strange[_i].answer, strange[_i].len, TEXT("+OK\r\n"));
	fake.repeat = 0;
	ck_assert_msg(ask(ASK_SET, TIMEOUT) == CM_STORE_AWAY, "%s", strange[_i].name);
	end_fake();
}
END_TEST

static const struct {
	const char *name, *greeting;
	enum cm_store_status status;
} greetings[] = {
	{"a master", GREETING "+OK\r\n", CM_STORE_OK},
	{"a proxy that knows no roles", "-ERR unknown command\r\n" NAME NAME NAME "+OK\r\n",
		CM_STORE_OK},
	{"a replica", "*5\r\n+slave\r\n+x\r\n:1\r\n+y\r\n:1\r\n" NAME NAME NAME "+OK\r\n",
		CM_STORE_AWAY},
	{"a Sentinel", "*2\r\n$8\r\nsentinel\r\n*0\r\n" NAME NAME NAME "+OK\r\n", CM_STORE_AWAY},
	{"no role", "*0\r\n" NAME NAME NAME "+OK\r\n", CM_STORE_AWAY},
	{"a role that is a list", "*1\r\n*1\r\n:1\r\n" NAME NAME NAME "+OK\r\n", CM_STORE_AWAY},
	{"a name that is too short", "*1\r\n+master\r\n$2\r\nab\r\n" NAME NAME "+OK\r\n",
		CM_STORE_AWAY},
	{"a name that is no number",
		"*1\r\n+master\r\n$40\r\n0123456789abcdef0123456789abcdef0123456\n\r\n" NAME NAME
		"+OK\r\n",
		CM_STORE_AWAY},
	{"scripts are forbidden", "*1\r\n+master\r\n-NOPERM no\r\n", CM_STORE_AWAY},
	{"too many clients", "-ERR max number of clients reached\r\n", CM_STORE_AWAY},
};

/* What comes too early for an operation stands in its place: only its end is said later. */
START_TEST(greeting_decides)
{
	size_t len = strlen(greetings[_i].greeting);
	bool good = greetings[_i].status == CM_STORE_OK;

	begin_fake(greetings[_i].greeting, good ? len - 5 : len, TEXT("+OK\r\n"));
	ck_assert_msg(ask(ASK_SET, good ? REDIS_PATIENT : TIMEOUT) == greetings[_i].status, "%s",
		greetings[_i].name);
	end_fake();
}
END_TEST

/* --- what is an answer, but not to that --- */

static const struct {
	const char *name;
	enum ask ask;
	const char *answer;
	size_t len;
	enum cm_store_status status;
} shapes[] = {
	{"a value", ASK_GET, TEXT("$2\r\nab\r\n:-1\r\n"), CM_STORE_OK},
	{"a value that ends", ASK_GET, TEXT("$2\r\nab\r\n:5\r\n"), CM_STORE_OK},
	{"a value that ends after all times", ASK_GET, TEXT("$2\r\nab\r\n:9223372036854775807\r\n"),
		CM_STORE_OK},
	{"no value", ASK_GET, TEXT("$-1\r\n:-2\r\n"), CM_STORE_NONE},
	{"a value that is a number", ASK_GET, TEXT(":5\r\n:5\r\n"), CM_STORE_AWAY},
	{"a value without a time", ASK_GET, TEXT("$2\r\nab\r\n-ERR\r\n"), CM_STORE_AWAY},
	{"a value that is a word", ASK_GET, TEXT("+OK\r\n:5\r\n"), CM_STORE_AWAY},
	{"done", ASK_SET, TEXT("+OK\r\n"), CM_STORE_OK},
	{"done, with a zero octet", ASK_SET, TEXT("$3\r\nOK\0\r\n"), CM_STORE_AWAY},
	{"not done", ASK_SET, TEXT("$-1\r\n"), CM_STORE_AWAY},
	{"no room", ASK_SET, TEXT("-OOM command not allowed\r\n"), CM_STORE_FULL},
	{"no room at all", ASK_SET, TEXT("-OOM\r\n"), CM_STORE_FULL},
	{"a word that begins like no room", ASK_SET, TEXT("-OOMPH\r\n"), CM_STORE_AWAY},
	{"no room, in version 6", ASK_LIMIT,
		TEXT("-ERR Error running script (call to f_0): @user_script:1: -OOM command\r\n"),
		CM_STORE_FULL},
	{"one deleted", ASK_DELETE, TEXT(":1\r\n"), CM_STORE_OK},
	{"none deleted", ASK_DELETE, TEXT(":0\r\n"), CM_STORE_NONE},
	{"a counter", ASK_ADD, TEXT("$2\r\n-5\r\n"), CM_STORE_OK},
	{"a counter that is no number", ASK_ADD, TEXT("$2\r\n5x\r\n"), CM_STORE_AWAY},
	{"a counter with a zero octet", ASK_ADD, TEXT("$2\r\n5\0\r\n"), CM_STORE_AWAY},
	{"a counter that is too great", ASK_ADD, TEXT("$20\r\n99999999999999999999\r\n"),
		CM_STORE_AWAY},
	{"an empty counter", ASK_ADD, TEXT("$0\r\n\r\n"), CM_STORE_AWAY},
	{"a count", ASK_MEMBER, TEXT(":7\r\n"), CM_STORE_OK},
	{"a set of nobody", ASK_MEMBER, TEXT(":0\r\n"), CM_STORE_AWAY},
	{"a limit", ASK_LIMIT, TEXT("*7\r\n:1\r\n:0\r\n:1\r\n:5\r\n:10\r\n:0\r\n:9\r\n"),
		CM_STORE_OK},
	{"a limit after its scripts were loaded", ASK_LIMIT,
		TEXT("-NOSCRIPT no\r\n" NAME NAME NAME
		     "*7\r\n:1\r\n:0\r\n:1\r\n:5\r\n:10\r\n:0\r\n:9\r\n"),
		CM_STORE_OK},
	{"a limit of a window that is not there", ASK_LIMIT,
		TEXT("*7\r\n:1\r\n:0\r\n:2\r\n:5\r\n:10\r\n:0\r\n:9\r\n"), CM_STORE_AWAY},
	{"a limit of a window before all", ASK_LIMIT,
		TEXT("*7\r\n:1\r\n:0\r\n:-1\r\n:5\r\n:10\r\n:0\r\n:9\r\n"), CM_STORE_AWAY},
	{"a limit that is neither", ASK_LIMIT,
		TEXT("*7\r\n:2\r\n:0\r\n:0\r\n:5\r\n:10\r\n:0\r\n:9\r\n"), CM_STORE_AWAY},
	{"a limit whose time is past all", ASK_LIMIT,
		TEXT("*7\r\n:0\r\n:0\r\n:0\r\n:5\r\n:10\r\n:9223372036854775807\r\n:9\r\n"),
		CM_STORE_AWAY},
	{"a limit of words", ASK_LIMIT,
		TEXT("*7\r\n$1\r\n1\r\n:0\r\n:0\r\n:5\r\n:10\r\n:0\r\n:9\r\n"), CM_STORE_AWAY},
	{"a limit that says too little", ASK_LIMIT,
		TEXT("*6\r\n:1\r\n:0\r\n:1\r\n:5\r\n:10\r\n:0\r\n"), CM_STORE_AWAY},
	{"nothing to show", ASK_EACH, TEXT("*2\r\n$1\r\n0\r\n*0\r\n"), CM_STORE_OK},
	{"keys of others", ASK_EACH, TEXT("*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n:5\r\n"), CM_STORE_OK},
	{"a place that is too long", ASK_EACH,
		TEXT("*2\r\n$30\r\n111111111111111111111111111111\r\n*0\r\n"), CM_STORE_AWAY},
	{"a place that is a number", ASK_EACH, TEXT("*2\r\n:0\r\n*0\r\n"), CM_STORE_AWAY},
	{"no keys", ASK_EACH, TEXT("*2\r\n$1\r\n0\r\n$-1\r\n"), CM_STORE_AWAY},
};

START_TEST(answer_must_have_its_shape)
{
	enum cm_store_status status;

	begin_fake(TEXT(GREETING), shapes[_i].answer, shapes[_i].len);
	status = ask(shapes[_i].ask, REDIS_PATIENT);
	ck_assert_msg(status == shapes[_i].status, "%s: %d", shapes[_i].name, (int)status);
	end_fake();
}
END_TEST

/* Each step says that there are more. */
START_TEST(walk_without_end_is_ended)
{
	struct cm_store *store;
	int64_t began;
	unsigned shown = 0;

	begin_fake(TEXT(GREETING), TEXT("*2\r\n$1\r\n7\r\n*0\r\n"));
	store = open_fake(REDIS_PATIENT);
	clock_freeze(1800000000);
	fake.takes = 100 * REDIS_MS;
	began = clock_now();
	ck_assert_int_eq(store_each(store, "", 0, show_any, &shown), CM_STORE_AWAY);
	ck_assert_int_ge(clock_now() - began, 600 * REDIS_SEC);
	ck_assert_uint_eq(shown, 0);
	store_close(store);
	clock_thaw();
	end_fake();
}
END_TEST

/* --- what an error means --- */

static const struct {
	const char *name, *text;
	enum redis_trouble trouble;
} errors[] = {
	{"an operation that is wrong", "WRONGTYPE Operation against a key", REDIS_TROUBLE},
	{"a key that is elsewhere in a cluster", "MOVED 3999 127.0.0.1:6381", REDIS_NOT_SERVING},
	{"a key that is moving", "ASK 3999 127.0.0.1:6381", REDIS_NOT_SERVING},
	{"a cluster with holes", "CLUSTERDOWN Hash slot not served", REDIS_NOT_SERVING},
	{"a script of others that does not end", "BUSY Redis is busy running a script",
		REDIS_NOT_SERVING},
	{"a disk that is full", "MISCONF Redis is configured to save", REDIS_NOT_SERVING},
	{"a master alone", "NOREPLICAS Not enough good replicas to write.", REDIS_NOT_SERVING},
	{"a replica", "READONLY You can't write against a read only replica.", REDIS_NOT_SERVING},
	{"a replica without its master", "MASTERDOWN Link with MASTER is down", REDIS_NOT_SERVING},
	{"a start", "LOADING Redis is loading the dataset in memory", REDIS_NOT_SERVING},
	{"a password that is wanted", "NOAUTH Authentication required.", REDIS_NOT_SERVING},
	{"no room", "OOM command not allowed when used memory > 'maxmemory'.", REDIS_FULL},
	{"a word that begins like another", "MOVEDX", REDIS_TROUBLE},
	{"one inside a script, in version 6",
		"ERR Error running script (call to f_0): @user_script:1: -NOREPLICAS Not enough",
		REDIS_NOT_SERVING},
};

START_TEST(error_means_what_its_first_word_says)
{
	char text[128];
	struct redis_reply r = {.kind = REDIS_ERROR, .text = text};

	r.len = (size_t)snprintf(text, sizeof(text), "%s", errors[_i].text);
	ck_assert_msg(redis_trouble(&r) == errors[_i].trouble, "%s: %d", errors[_i].name,
		(int)redis_trouble(&r));
}
END_TEST

/* --- Sentinels --- */

/* @ is the directory of the test. */
static const struct {
	const char *name, *host, *port, *words;
} masters[] = {
	{"a path of this machine", "unix:@/t", "6379", "the address it says is none"},
	{"a path that goes up", "../t", "6379", "the address it says is none"},
	{"no address", "", "6379", "must be unix:/PATH or HOST:PORT"},
	{"a port that is none", "127.0.0.1", "x", "the port it says is none"},
	{"a port that is too long", "127.0.0.1", "123456", "must be unix:/PATH or HOST:PORT"},
	{"no port", "127.0.0.1", "", "must be unix:/PATH or HOST:PORT"},
	{"nobody", "127.0.0.1", "1", "Connection refused"},
};

/* What the store says of itself after one operation, which fails. */
static void
words_of(const struct store_config *config, struct store_health *health)
{
	struct cm_store *store = redis_case_open_config(config);

	ck_assert_int_eq(redis_case_add(store), CM_STORE_AWAY);
	store_health(store, health);
	store_close(store);
}

START_TEST(sentinel_is_not_believed)
{
	const char *servers[] = {fake.where};
	struct store_config config = redis_case_config(servers, 1, REDIS_PATIENT);
	const char *at = strchr(masters[_i].host, '@');
	char host[128], answer[256];
	struct store_health health;

	begin_fake("", 0, TEXT(""));
	snprintf(host, sizeof(host), "%s", masters[_i].host);
	if (at != NULL)
		snprintf(host, sizeof(host), "unix:%s%s", fake.dir, at + 1);
	snprintf(answer, sizeof(answer), "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(host), host,
		strlen(masters[_i].port), masters[_i].port);
	fake.greeting = answer;
	fake.greeting_len = strlen(answer);
	config.sentinel = "mail";
	words_of(&config, &health);
	ck_assert_msg(strstr(health.words, masters[_i].words) != NULL, "%s: %s", masters[_i].name,
		health.words);
	end_fake();
}
END_TEST

/* Redis itself repeats what stands behind a command that it does not know. */
START_TEST(password_is_not_repeated)
{
	static const char refusal[] =
		"-ERR unknown command 'AUTH', with args beginning with: 's3cret' \r\n";
	const char *servers[] = {fake.where};
	struct store_config config = redis_case_config(servers, 1, REDIS_PATIENT);
	char path[TEMP_NAME_SIZE];
	struct store_health health;
	int fd = temp_file(path, "password");

	ck_assert_int_eq(write(fd, "s3cret\n", 7), 7);
	close(fd);
	begin_fake(TEXT(refusal), TEXT(""));
	config.password_file = path;
	words_of(&config, &health);
	ck_assert_ptr_nonnull(strstr(health.words, "AUTH"));
	ck_assert_msg(strstr(health.words, "s3cret") == NULL, "%s", health.words);
	end_fake();
	unlink(path);
}
END_TEST

/* --- chance --- */

static uint64_t seed;

static size_t
below(size_t most)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(seed >> 33) % most;
}

/* One of the table, with some octets changed, doubled or cut. */
static size_t
mutate(char out[1024])
{
	int from = (int)below((size_t)LENGTH(shapes));
	size_t len = shapes[from].len;

	memcpy(out, shapes[from].answer, len);
	for (size_t i = below(4); i > 0; i--) {
		static const char marks[] = "*$:+-\r\n0129\377%";

		out[below(len)] = marks[below(sizeof(marks))];
	}
	if (below(4) == 0)
		len = below(len) + 1;
	if (below(4) == 0) {
		memcpy(out + len, out, len);
		len *= 2;
	}
	return len;
}

START_TEST(chance_does_no_harm)
{
	char answer[1024];

	seed = (uint64_t)_i + 1;
	for (int i = 0; i < 20; i++) {
		begin_fake(TEXT(GREETING), answer, mutate(answer));
		(void)ask((enum ask)below(ASKS), 5 * REDIS_MS);
		end_fake();
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store redis hostile");
	TCase *tc = tcase_create("hostile");

	tcase_add_loop_test(tc, what_is_no_answer_is_away, 0, LENGTH(strange));
	tcase_add_loop_test(tc, strange_greeting_is_away, 0, LENGTH(strange));
	tcase_add_loop_test(tc, greeting_decides, 0, LENGTH(greetings));
	tcase_add_loop_test(tc, answer_must_have_its_shape, 0, LENGTH(shapes));
	tcase_add_test(tc, walk_without_end_is_ended);
	tcase_add_loop_test(tc, error_means_what_its_first_word_says, 0, LENGTH(errors));
	tcase_add_loop_test(tc, sentinel_is_not_believed, 0, LENGTH(masters));
	tcase_add_test(tc, password_is_not_repeated);
	tcase_add_loop_test(tc, chance_does_no_harm, 0, 20);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
