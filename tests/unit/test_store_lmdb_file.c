/* SPDX-License-Identifier: MIT */
/*
 * test_store_lmdb_file.c - the directory and the file of an LMDB store: what is refused, and how
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "service/store_lmdb_file.h"
#include "store_lmdb_case.h"

/* Whom a test that root runs becomes, where root may do everything. */
#define NOBODY 65534

/* "" when it opens. */
static const char *
words_of(void)
{
	static struct err err;
	struct store_config config = lmdb_case_config();
	struct cm_store *store;

	err.text[0] = '\0';
	store = store_open(&config, &err);
	if (store != NULL && store_start(store, &err))
		err.text[0] = '\0';
	store_close(store);
	return err.text;
}

static void
check_words(const char *name, const char *wanted)
{
	const char *words = words_of();

	ck_assert_msg(wanted == NULL ? words[0] == '\0'
				     : strstr(words, wanted) != NULL &&
					       strstr(words, lmdb_case_path) != NULL,
		"%s: %s", name, words);
}

static const char *
data_path(void)
{
	static char path[sizeof(lmdb_case_path) + 16];

	snprintf(path, sizeof(path), "%s/data.mdb", lmdb_case_path);
	return path;
}

static void
set_one(const char *value)
{
	struct cm_store *store = lmdb_case_open();

	ck_assert_int_eq(
		store_set(store, "k", 1, value, strlen(value), 0, CASE_DEADLINE), CM_STORE_OK);
	store_close(store);
}

static void
check_one(const char *value)
{
	struct cm_store *store = lmdb_case_open();
	struct store_value found;
	struct arena arena;

	arena_init(&arena, 1024);
	ck_assert_int_eq(store_get(store, "k", 1, CASE_DEADLINE, &arena, &found), CM_STORE_OK);
	ck_assert_uint_eq(found.len, strlen(value));
	ck_assert_mem_eq(found.data, value, found.len);
	arena_fini(&arena);
	store_close(store);
}

/* --- files --- */

static void
write_file(const void *data, size_t len)
{
	int fd = open(data_path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void
make_empty(void)
{
	write_file("", 0);
}

static void
make_text(void)
{
	static char text[20000];

	memset(text, 'x', sizeof(text));
	write_file(text, sizeof(text));
}

static void
make_short_text(void)
{
	write_file("no", 2);
}

static void
make_zeros(void)
{
	static const char zeros[8192];

	write_file(zeros, sizeof(zeros));
}

static void
make_fifo(void)
{
	ck_assert_int_eq(mkfifo(data_path(), 0600), 0);
}

/* Half of the first page of a store, then nothing sensible. */
static void
make_half(void)
{
	char page[8192];
	int fd;

	set_one("one");
	fd = open(data_path(), O_RDONLY);
	ck_assert_int_eq(read(fd, page, sizeof(page)), sizeof(page));
	close(fd);
	memset(page + 24, 0xff, sizeof(page) - 24);
	write_file(page, sizeof(page));
}

static void
make_cut(void)
{
	set_one("one");
	ck_assert_int_eq(truncate(data_path(), 8192), 0);
}

/* What key says in the file is that value; NULL: there is no such key. */
static void
rewrite(const char *key, const char *value)
{
	MDB_val k = {strlen(key), (void *)(uintptr_t)key}, v = {0, NULL};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	ck_assert_int_eq(mdb_env_create(&env), 0);
	ck_assert_int_eq(mdb_env_open(env, lmdb_case_path, 0, 0600), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	if (value != NULL) {
		v = (MDB_val){strlen(value), (void *)(uintptr_t)value};
		ck_assert_int_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
	} else {
		ck_assert_int_eq(mdb_del(txn, dbi, &k, NULL), 0);
	}
	ck_assert_int_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
make_other_version(void)
{
	set_one("one");
	rewrite("chainmail store", "2");
}

static void
make_of_others(void)
{
	rewrite("something", "else");
}

static void
make_good(void)
{
	set_one("one");
}

static const struct {
	const char *name;
	void (*make)(void);
	const char *words; /* NULL: it opens */
} files[] = {
	{"an empty file becomes a store", make_empty, NULL},
	{"a store opens", make_good, NULL},
	{"text is no store", make_text, "is not a store: move it away"},
	{"two octets are no store", make_short_text, "is not a store"},
	{"zeros are no store", make_zeros, "is not a store"},
	{"a pipe is no store", make_fifo, "is not a store"},
	{"the beginning of one is not enough", make_half, "move it away"},
	{"a store that was cut is refused", make_cut, "is cut short"},
	{"another version is refused", make_other_version, "is of version \"2\""},
	{"a file of another program is refused", make_of_others, "is not a store"},
};

START_TEST(file_is_what_it_should_be)
{
	lmdb_case_make_dir();
	ck_assert_int_eq(mkdir(lmdb_case_path, 0700), 0);
	files[_i].make();
	check_words(files[_i].name, files[_i].words);
	lmdb_case_remove_dir();
}
END_TEST

/* --- directories --- */

static void
make_nothing(void)
{
}

static void
make_file(void)
{
	close(open(lmdb_case_path, O_WRONLY | O_CREAT, 0600));
}

static void
make_open_to_all(void)
{
	ck_assert_int_eq(mkdir(lmdb_case_path, 0700), 0);
	ck_assert_int_eq(chmod(lmdb_case_path, 0777), 0);
}

static void
make_readable(void)
{
	ck_assert_int_eq(mkdir(lmdb_case_path, 0755), 0);
}

static void
make_orphan(void)
{
	snprintf(lmdb_case_path, sizeof(lmdb_case_path), "%.57s/no/store", lmdb_case_dir);
}

static void
become_nobody(void)
{
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(NOBODY), 0);
}

static void
make_of_another_user(void)
{
	snprintf(lmdb_case_path, sizeof(lmdb_case_path), "/");
	become_nobody();
}

static char link_target[TEMP_NAME_SIZE + 16];

static void
make_link(void)
{
	snprintf(link_target, sizeof(link_target), "%s/target", lmdb_case_dir);
	ck_assert_int_eq(mkdir(link_target, 0700), 0);
	ck_assert_int_eq(symlink(link_target, lmdb_case_path), 0);
}

static void
make_dangling_link(void)
{
	ck_assert_int_eq(symlink("nowhere", lmdb_case_path), 0);
}

static void
make_link_to_another_user(void)
{
	make_link();
	if (geteuid() != 0) {
		unlink(lmdb_case_path);
		ck_assert_int_eq(symlink("/", lmdb_case_path), 0);
	}
	chmod(lmdb_case_dir, 0755);
	become_nobody();
}

static void
make_in_a_closed_one(void)
{
	chmod(lmdb_case_dir, 0555);
	become_nobody();
}

static void
make_read_only(void)
{
	set_one("one");
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(lmdb_case_path, NOBODY, NOBODY), 0);
		ck_assert_int_eq(chmod(lmdb_case_dir, 0755), 0);
		become_nobody();
	} else {
		ck_assert_int_eq(chmod(data_path(), 0400), 0);
	}
}

static const struct {
	const char *name;
	void (*make)(void);
	const char *words; /* NULL: it opens */
} dirs[] = {
	{"a directory is made", make_nothing, NULL},
	{"others may read the directory, and not the files", make_readable, NULL},
	{"a file is no directory", make_file, "is not a directory"},
	{"a link to a directory is followed", make_link, NULL},
	{"a link to nothing is nothing", make_dangling_link, "No such file or directory"},
	{"a link to a directory of another user is refused", make_link_to_another_user,
		"belongs to another user: chown"},
	{"others may not write the directory", make_open_to_all, "chmod go-w"},
	{"only the last directory is made", make_orphan, "install -d -m 700"},
	{"the directory is the user's own", make_of_another_user, "belongs to another user: chown"},
	{"the directory above cannot be written", make_in_a_closed_one, "install -d -m 700"},
	{"the file cannot be written", make_read_only, "may not be written"},
};

START_TEST(directory_is_what_it_should_be)
{
	lmdb_case_make_dir();
	dirs[_i].make();
	check_words(dirs[_i].name, dirs[_i].words);
	ck_assert_int_eq(seteuid(getuid()), 0);
	chmod(lmdb_case_dir, 0700);
	unlink(lmdb_case_path);
	if (link_target[0] != '\0')
		lmdb_case_remove(link_target);
	if (strcmp(lmdb_case_path, "/") != 0)
		lmdb_case_remove(lmdb_case_path);
	rmdir(lmdb_case_dir);
}
END_TEST

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static const mode_t masks[] = {0, 022, 077, 0177, 0777};

/* By a user for whom modes count. */
START_TEST(nobody_else_may_read_it)
{
	mode_t mask;

	lmdb_case_make_dir();
	if (geteuid() == 0)
		ck_assert_int_eq(chown(lmdb_case_dir, NOBODY, NOBODY), 0);
	become_nobody();
	mask = umask(masks[_i]);
	set_one("one");
	check_one("one");
	umask(mask);
	ck_assert_uint_eq(mode_of(lmdb_case_path), 0700);
	ck_assert_uint_eq(mode_of(data_path()), 0600);
	ck_assert_int_eq(seteuid(getuid()), 0);
	lmdb_case_remove_dir();
}
END_TEST

/* Whatever the latest failure of another call was. */
START_TEST(refusal_says_the_reason)
{
	struct err err = {""};

	lmdb_case_make_dir();
	make_open_to_all();
	errno = EWOULDBLOCK;
	ck_assert_int_lt(lmdb_dir_open(lmdb_case_path, false, &err), 0);
	ck_assert_msg(strstr(err.text, "chmod go-w") != NULL, "%s", err.text);
	lmdb_case_remove_dir();
}
END_TEST

START_TEST(to_open_it_makes_nothing)
{
	struct store_config config = lmdb_case_config();
	struct cm_store *store;
	struct err err = {""};

	lmdb_case_make_dir();
	store = store_open(&config, &err);
	ck_assert_ptr_nonnull(store);
	ck_assert_int_ne(access(lmdb_case_path, F_OK), 0);
	/* Nor does the first use, where nobody started it. */
	ck_assert_int_eq(store_set(store, "k", 1, "v", 1, 0, CASE_DEADLINE), CM_STORE_AWAY);
	ck_assert_int_ne(access(lmdb_case_path, F_OK), 0);
	ck_assert_msg(store_start(store, &err), "%s", err.text);
	ck_assert_int_eq(store_set(store, "k", 1, "v", 1, 0, CASE_DEADLINE), CM_STORE_OK);
	lmdb_case_end(store);
}
END_TEST

START_TEST(store_that_cannot_be_started_is_away)
{
	struct store_config config = lmdb_case_config();
	struct store_health health;
	struct cm_store *store;
	struct err err = {""};

	clock_freeze(CASE_WALL);
	lmdb_case_make_dir();
	store = store_open(&config, &err);
	ck_assert_ptr_nonnull(store);
	make_file();
	ck_assert_int_eq(store_set(store, "k", 1, "v", 1, 0, CASE_DEADLINE), CM_STORE_AWAY);
	store_health(store, &health);
	ck_assert(health.away);
	ck_assert_int_eq(health.away_since, clock_wall_us());
	ck_assert_ptr_nonnull(strstr(health.words, lmdb_case_path));
	ck_assert_int_eq(unlink(lmdb_case_path), 0);
	ck_assert_int_eq(mkdir(lmdb_case_path, 0700), 0);
	/* It is tried again once a second. */
	ck_assert_int_eq(store_set(store, "k", 1, "v", 1, 0, CASE_DEADLINE), CM_STORE_AWAY);
	clock_advance(CASE_SEC);
	ck_assert_int_eq(store_set(store, "k", 1, "v", 1, 0, CASE_DEADLINE), CM_STORE_OK);
	store_health(store, &health);
	ck_assert(!health.away);
	lmdb_case_end(store);
	clock_thaw();
}
END_TEST

static int
count_lines(const char *path, const char *words)
{
	char line[1024];
	FILE *file = fopen(path, "r");
	int count = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, words) != NULL;
	fclose(file);
	return count;
}

/* However often they are asked, and each for itself. */
START_TEST(each_store_says_once_a_minute_that_it_is_away)
{
	static const char *const lines[] = {"store one is away", "store two is away"};
	struct log_config to = {.target = LOG_TARGET_FILE, .level = LOG_LEVEL_INFO};
	struct store_config config = lmdb_case_config();
	struct cm_store *stores[2];
	char path[TEMP_NAME_SIZE];
	struct err err;
	int fd = temp_file(path, "log");

	ck_assert_int_ge(fd, 0);
	close(fd);
	to.path = path;
	ck_assert_msg(log_open(&to, 1, &err), "%s", err.text);
	clock_freeze(CASE_WALL);
	lmdb_case_make_dir();
	for (int i = 0; i < LENGTH(stores); i++) {
		config.name = i == 0 ? "one" : "two";
		stores[i] = store_open(&config, &err);
		ck_assert_ptr_nonnull(stores[i]);
	}
	for (int second = 0; second < 70; second++) {
		for (int i = 0; i < LENGTH(stores); i++)
			ck_assert_int_eq(store_set(stores[i], "k", 1, "v", 1, 0, CASE_DEADLINE),
				CM_STORE_AWAY);
		clock_advance(CASE_SEC);
	}
	for (int i = 0; i < LENGTH(stores); i++) {
		ck_assert_int_eq(count_lines(path, lines[i]), 2);
		store_close(stores[i]);
	}
	log_close();
	unlink(path);
	lmdb_case_remove_dir();
	clock_thaw();
}
END_TEST

/* --- one at a time --- */

/* Another process that has the store open until the descriptor is closed. */
static pid_t
begin_other(int *end)
{
	int ready[2], wait[2];
	char octet;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(wait), 0);
	pid = fork();
	if (pid == 0) {
		struct cm_store *store;

		close(wait[1]);
		store = lmdb_case_open();
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		octet = (char)read(wait[0], &octet, 1);
		store_close(store);
		_exit(0);
	}
	close(ready[1]);
	close(wait[0]);
	ck_assert_int_eq(read(ready[0], &octet, 1), 1);
	close(ready[0]);
	*end = wait[1];
	return pid;
}

START_TEST(two_daemons_do_not_share_a_path)
{
	int end, status;
	pid_t pid;

	lmdb_case_make_dir();
	pid = begin_other(&end);
	check_words("another process", "is used by another process");
	close(end);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	check_words("it has ended", NULL);
	lmdb_case_remove_dir();
}
END_TEST

START_TEST(command_may_look_beside_a_daemon)
{
	struct store_config config = lmdb_case_config();
	struct err err = {""};
	struct cm_store *store;
	int end, status;
	pid_t pid;

	lmdb_case_make_dir();
	pid = begin_other(&end);
	store = store_open(&config, &err);
	ck_assert_ptr_nonnull(store);
	store_close(store);
	close(end);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	lmdb_case_remove_dir();
}
END_TEST

START_TEST(what_was_set_is_there_again)
{
	lmdb_case_make_dir();
	set_one("one");
	check_one("one");
	set_one("two");
	check_one("two");
	lmdb_case_remove_dir();
}
END_TEST

/* As a reload does that changes a setting: the new one is there before the old one goes. */
START_TEST(other_settings_find_the_same_entries)
{
	struct store_config config = lmdb_case_config();
	struct cm_store *old, *new;
	struct store_value found;
	struct err err = {""};
	struct arena arena;

	lmdb_case_make_dir();
	arena_init(&arena, 1024);
	old = lmdb_case_open();
	ck_assert_int_eq(store_set(old, "k", 1, "one", 3, 0, CASE_DEADLINE), CM_STORE_OK);
	config.max_size *= 2;
	config.name = "renamed";
	new = store_open(&config, &err);
	ck_assert_msg(new != NULL &&store_start(new, &err), "%s", err.text);
	ck_assert_ptr_ne(old, new);
	ck_assert_int_eq(store_get(new, "k", 1, CASE_DEADLINE, &arena, &found), CM_STORE_OK);
	store_close(old);
	ck_assert_int_eq(store_set(new, "k", 1, "two", 3, 0, CASE_DEADLINE), CM_STORE_OK);
	store_close(new);
	check_one("two");
	arena_fini(&arena);
	lmdb_case_remove_dir();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store lmdb file");
	TCase *tc = tcase_create("files");

	tcase_add_loop_test(tc, file_is_what_it_should_be, 0, LENGTH(files));
	tcase_add_loop_test(tc, directory_is_what_it_should_be, 0, LENGTH(dirs));
	tcase_add_loop_test(tc, nobody_else_may_read_it, 0, LENGTH(masks));
	tcase_add_test(tc, refusal_says_the_reason);
	tcase_add_test(tc, to_open_it_makes_nothing);
	tcase_add_test(tc, store_that_cannot_be_started_is_away);
	tcase_add_test(tc, each_store_says_once_a_minute_that_it_is_away);
	tcase_add_test(tc, two_daemons_do_not_share_a_path);
	tcase_add_test(tc, command_may_look_beside_a_daemon);
	tcase_add_test(tc, what_was_set_is_there_again);
	tcase_add_test(tc, other_settings_find_the_same_entries);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
