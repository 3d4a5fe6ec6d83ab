/* SPDX-License-Identifier: MIT */
/*
 * test_standard.c - a command whose output cannot be written, or that was started without any
 */
#include "cli/standard.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "dkim_keys.h"
#include "drive.h"
#include "table.h"

#define ARGS_MOST 8
#define FULL	  "chainmail: cannot write all of the output: No space left on device\n"

static struct drive d;

static void
setup(void)
{
	drive_init(&d);
	ck_assert_int_eq(chdir(d.dir), 0);
}

static void
teardown(void)
{
	drive_fini(&d);
}

static const struct {
	const char *name;
	const char *args[5];
	const char *err;
	int code;
} cases[] = {
	{"a line", {"chainmail", "version"}, FULL, EXIT_NO},
	{"more than is written at once", {"chainmail", "config", "markdown"}, FULL, EXIT_NO},
	{"JSON", {"chainmail", "check", "--json", "-cnone.conf"}, FULL, EXIT_NO},
	{"a mistake in the words", {"chainmail", "check", "x"},
		"chainmail check: \"x\" is too much; the file is given by -c\n"
		"try: chainmail help check\n",
		EXIT_USAGE},
};

/* Child: runs the command with these at its end. */
static int
run_child(const char *const *args)
{
	char *argv[ARGS_MOST + 1] = {NULL};
	int argc = 0;

	for (; argc < ARGS_MOST && args[argc] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc];
	return cli_main(argc, argv);
}

static int
code_of(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(full_disk_is_no_success)
{
	char err[256];
	FILE *f;

	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		log_close();
		if (freopen("/dev/full", "w", stdout) == NULL ||
			freopen("err", "w", stderr) == NULL)
			_exit(99);
		int code = run_child(cases[_i].args);

		fflush(stderr);
		_exit(code);
	}
	ck_assert_msg(code_of(child) == cases[_i].code, "%s", cases[_i].name);
	f = fopen("err", "r");
	ck_assert_ptr_nonnull(f);
	err[fread(err, 1, sizeof(err) - 1, f)] = '\0';
	fclose(f);
	unlink("err");
	ck_assert_msg(strcmp(err, cases[_i].err) == 0, "%s: %s", cases[_i].name, err);
}
END_TEST

/* What is opened next would be taken for what was closed. */
START_TEST(what_is_closed_is_held)
{
	static const char *const version[] = {"chainmail", "version", NULL};

	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		log_close();
		for (int fd = 0; fd <= 2; fd++)
			close(fd);
		bool good = run_child(version) == EXIT_NO && open("/dev/null", O_RDONLY) > 2 &&
			    read(0, (char[1]){0}, 1) < 0 && write(1, "x", 1) < 0;

		_exit(good ? 0 : 1);
	}
	ck_assert_int_eq(code_of(child), 0);
}
END_TEST

/* In the place of the C library's: a key file has been made then, and there is nothing in it. */
static bool interrupted;

int
fchmod(int fd, mode_t mode)
{
	(void)fd;
	(void)mode;
	if (interrupted)
		raise(SIGTERM);
	return 0;
}

START_TEST(interrupted_key_is_whole)
{
	static const char *const genkey[] = {"chainmail", "dkim", "genkey", "example.org", "s1",
		"--ed25519", "--key-dir", "keys", NULL};
	static const char *const show[] = {
		"chainmail", "dkim", "show", "example.org", "s1", "--key-dir", "keys", NULL};
	int status;

	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		/* Check has a handler that ends the test. */
		signal(SIGTERM, SIG_DFL);
		interrupted = true;
		log_close();
		_exit(run_child(genkey));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	child = fork();
	if (child == 0) {
		log_close();
		_exit(freopen("/dev/null", "w", stdout) != NULL ? run_child(show) : 99);
	}
	ck_assert_int_eq(code_of(child), EXIT_OK);
	dkim_keys_remove("keys", "example.org", "s1");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("standard");
	TCase *group = tcase_create("standard");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, group);
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_loop_test(group, full_disk_is_no_success, 0, LENGTH(cases));
	tcase_add_test(group, interrupted_key_is_whole);
	tcase_add_test(group, what_is_closed_is_held);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
