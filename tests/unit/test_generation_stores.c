/* SPDX-License-Identifier: MIT */
/*
 * test_generation_stores.c - the store of filter.conf: what loading does, and what starting does
 */
#include <sys/stat.h>

#include "drive.h"
#include "service/store.h"
#include "table.h"

static struct drive d;
static char path[TEMP_NAME_SIZE + 8];

static void
setup(void)
{
	drive_init(&d);
	snprintf(path, sizeof(path), "%s/state", d.dir);
}

static void
teardown(void)
{
	static const char *const names[] = {"/data.mdb", "/lock.mdb", ""};
	char file[TEMP_NAME_SIZE + 32];

	drive_fini(&d);
	for (int i = 0; i < LENGTH(names); i++) {
		snprintf(file, sizeof(file), "%s%s", path, names[i]);
		(void)remove(file);
	}
	rmdir(d.dir);
}

static void
load(const char *settings)
{
	char text[512], dir[PATH_MAX];

	drive_plugin_dir(dir, true);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%.200s\" }\n"
		"plugin skeleton { refuse = x }\n"
		"profile all { chain = [ skeleton ] }\n"
		"store local { type = lmdb; %s }\n",
		dir, settings);
	drive_load_text(&d, text);
}

START_TEST(loading_makes_nothing_and_starting_does)
{
	struct stat st;
	struct err err = {""};

	load("path = state");
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	ck_assert_int_ne(stat(path, &st), 0);
	ck_assert_msg(generation_start(d.g, &err), "%s", err.text);
	ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

static const struct {
	const char *name, *settings, *said;
} mistakes[] = {
	{"a store needs a path", "", "store local needs path"},
	{"a directory that cannot be made", "path = no/state", "install -d -m 700"},
	{"a directory that is a file", "path = filter.conf", "is not a directory"},
};

START_TEST(store_that_cannot_be_is_a_mistake)
{
	load(mistakes[_i].settings);
	ck_assert_uint_eq(d.errors, 1);
	ck_assert_msg(strstr(d.mistakes, mistakes[_i].said) != NULL, "%s: %s", mistakes[_i].name,
		d.mistakes);
}
END_TEST

/* The file is there and good to look at, but not a store of this program. */
START_TEST(what_starting_refuses_is_said_with_the_name)
{
	char file[TEMP_NAME_SIZE + 32];
	struct err err = {""};

	load("path = state");
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	drive_write(file, "no store");
	ck_assert(!generation_start(d.g, &err));
	ck_assert_msg(strstr(err.text, "store local: ") == err.text &&
			      strstr(err.text, "is not a store") != NULL,
		"%s", err.text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("generation stores");
	TCase *tc = tcase_create("stores");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, loading_makes_nothing_and_starting_does);
	tcase_add_loop_test(tc, store_that_cannot_be_is_a_mistake, 0, LENGTH(mistakes));
	tcase_add_test(tc, what_starting_refuses_is_said_with_the_name);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
