/* SPDX-License-Identifier: MIT */
/*
 * test_store_lmdb_kill.c - kill -9 of a process that writes to a store: what is there afterwards?
 *
 * The child notes in shared memory when it began each change and when it had the answer. Whatever
 * is missing afterwards was answered within `sync`.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_lmdb_case.h"

#define KILLS 100
#define KEYS  50
#define TURNS 200000
#define SYNC  (20 * CLOCK_MS)
/* The child lives for so long at most after its store is open. */
#define LIFE_US 60000

struct turn {
	int64_t begun, answered; /* clock_now() */
};

/* Between the processes. */
struct notes {
	_Atomic int64_t begun, answered; /* turns */
	struct turn turns[TURNS];
};

static struct notes *notes;

static struct cm_store *
open_store(void)
{
	struct store_config config = lmdb_case_config();
	struct err err = {""};
	struct cm_store *store;

	config.sync_us = SYNC;
	store = store_open(&config, &err);
	ck_assert_msg(store != NULL && store_start(store, &err), "%s", err.text);
	return store;
}

/* Each turn sets one of the keys to its number; every third key is a counter of turns. */
static _Noreturn void
write_until_killed(void)
{
	struct cm_store *store = open_store();
	int64_t n = 0, number;

	for (int64_t i = 0; i < TURNS; i++) {
		int key = (int)(i % KEYS);
		enum cm_store_status status;

		notes->turns[i].begun = clock_now();
		atomic_store(&notes->begun, i + 1);
		status = store_set(store, &key, sizeof(key), &i, sizeof(i), 0, CASE_DEADLINE);
		if (status == CM_STORE_OK)
			status = store_add(store, "n", 1, 1, 0, CASE_DEADLINE, &number);
		notes->turns[i].answered = clock_now();
		if (status != CM_STORE_OK || (i > 0 && number != n + 1))
			_exit(2);
		n = number;
		atomic_store(&notes->answered, i + 1);
	}
	for (;;)
		pause();
}

/* What the store has of a key: the turn that set it, or -1. */
static int64_t
turn_of(struct cm_store *store, int key)
{
	struct store_value found;
	struct arena arena;
	int64_t turn = -1;
	enum cm_store_status status;

	arena_init(&arena, 1024);
	status = store_get(store, &key, sizeof(key), CASE_DEADLINE, &arena, &found);
	ck_assert_int_ne(status, CM_STORE_AWAY);
	if (status == CM_STORE_OK) {
		ck_assert_uint_eq(found.len, sizeof(turn));
		memcpy(&turn, found.data, sizeof(turn));
	}
	arena_fini(&arena);
	return turn;
}

/* The number of answers that are missing. What is missing was answered within sync. */
static int64_t
check_missing(struct cm_store *store)
{
	int64_t answered = atomic_load(&notes->answered), begun = atomic_load(&notes->begun);
	int64_t first = INT64_MAX, last = 0, missing = 0;

	for (int key = 0; key < KEYS; key++) {
		int64_t turn = turn_of(store, key);

		ck_assert_int_lt(turn, begun);
		ck_assert(turn < 0 || turn % KEYS == key);
		for (int64_t i = turn < 0 ? key : turn + KEYS; i < answered; i += KEYS) {
			const struct turn *t = &notes->turns[i];

			missing++;
			first = t->answered < first ? t->answered : first;
			last = t->begun > last ? t->begun : last;
		}
	}
	ck_assert_msg(missing == 0 || last - first <= SYNC, "missing: %lld answers of %lld us",
		(long long)missing, (long long)(last - first));
	return missing;
}

static void
pause_us(long us)
{
	const struct timespec t = {0, us * 1000};

	nanosleep(&t, NULL);
}

static void
run_and_kill(long life)
{
	int status;
	pid_t pid;

	memset(notes, 0, sizeof(*notes));
	pid = fork();
	if (pid == 0) {
		/* Also when the test is killed before it could. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_until_killed();
	}
	pause_us(life);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
}

static void
forget(struct cm_store *store)
{
	for (int key = 0; key < KEYS; key++)
		ck_assert_int_ne(
			store_delete(store, &key, sizeof(key), CASE_DEADLINE), CM_STORE_AWAY);
}

START_TEST(kill_takes_no_more_than_it_may)
{
	int64_t answered = 0, missing = 0;
	uint64_t seed = 1;

	notes = mmap(
		NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(notes, MAP_FAILED);
	lmdb_case_make_dir();
	for (int i = 0; i < KILLS; i++) {
		struct cm_store *store;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		run_and_kill((long)((seed >> 33) % LIFE_US));
		store = open_store();
		missing += check_missing(store);
		answered += atomic_load(&notes->answered);
		forget(store);
		store_close(store);
	}
	/* It was killed at its work, and not between. */
	ck_assert_int_gt(answered, 0);
	ck_assert_int_gt(missing, 0);
	ck_assert_int_lt(missing, answered);
	lmdb_case_remove_dir();
	munmap(notes, sizeof(*notes));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store lmdb kill");
	TCase *tc = tcase_create("kill");

	tcase_add_test(tc, kill_takes_no_more_than_it_may);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
