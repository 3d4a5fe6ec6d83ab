/* SPDX-License-Identifier: MIT */
/*
 * test_plugin.c - plugins that load, and what is said of those that do not
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/schema.h"
#include "host/plugin.h"
#include "host/plugin_table.h"
#include "table.h"

static char dir[PATH_MAX + 16];

/* The test plugins stand in plugins/ beside the directory of this binary. */
static void
setup(void)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(len, 0);
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(dir, sizeof(dir), "%s/plugins", self);
}

START_TEST(skeleton_loads)
{
	struct err err = {""};
	const struct cm_plugin *p = plugin_load("skeleton", dir, &err);

	ck_assert_msg(p != NULL, "%s", err.text);
	ck_assert_str_eq(p->name, "skeleton");
	ck_assert(p->helo != NULL);
	ck_assert(p->mail == NULL);
	ck_assert_uint_eq(p->option_count, 1);
}
END_TEST

START_TEST(older_table_is_filled_with_zeros)
{
	struct err err = {""};
	const struct cm_plugin *p = plugin_load("older", dir, &err);
	struct schema_rows rows;
	struct cm_option second;

	ck_assert_msg(p != NULL, "%s", err.text);
	ck_assert(p->helo != NULL);
	ck_assert(p->end_msg == NULL);
	ck_assert(p->end_conn == NULL);
	rows = (struct schema_rows){p->options, p->option_count, p->option_size};
	second = schema_row(&rows, 1);
	ck_assert_str_eq(second.name, "second");
	ck_assert_int_eq(second.max, 9);
	ck_assert_ptr_null(second.since);
	ck_assert_ptr_null(second.renamed_to);
}
END_TEST

static const struct {
	const char *type, *words; /* %s is the directory */
} refused[] = {
	{"newer", "%s/newer.so: is built for plugin interface 2, this daemon has 1"},
	{"tableless", "%s/tableless.so: has no table (symbol cm_plugin)"},
	{"undefined", "%s/undefined.so: undefined symbol: cm_not_there, which this daemon does not "
		      "have"},
	{"misnamed", "%s/misnamed.so: calls itself \"other\", so its file must be called other.so"},
	{"outside", "%s/outside.so: option rate stands outside its settings struct"},
	{"speechless", "%s/speechless.so: option who of command ask cannot be one word"},
	{"taken", "%s/taken.so: option timeout: every plugin has a setting of that name"},
	{"absent", "there is no file absent.so in %s"},
	{"../plugins/skeleton", "a plugin's name has lower-case letters, digits and underscores"},
	{"", "a plugin's name has lower-case letters, digits and underscores"},
};

START_TEST(refused_by_name)
{
	char wanted[PATH_MAX + 256];
	struct err err = {""};

	ck_assert_ptr_null(plugin_load(refused[_i].type, dir, &err));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(wanted, sizeof(wanted), refused[_i].words, dir);
#pragma GCC diagnostic pop
	ck_assert_str_eq(err.text, wanted);
}
END_TEST

static const struct cm_option doubled_rows[] = {{.name = "a"}, {.name = "b"}, {.name = "a"}};
static const struct cm_option lost_rows[] = {
	{.name = "a", .renamed_to = "b"}, {.name = "c", .renamed_to = "a"}};
static const struct cm_option map_rows[] = {{.name = "m", .type = CM_OPT_MAP, .choices = "regexp"}};
static const struct cm_option renamed_rows[] = {{.name = "a", .renamed_to = "b"}, {.name = "b"}};

#define TABLE(rows)                                                                      \
	.abi = CM_ABI, .size = sizeof(struct cm_plugin), .name = "t", .options = (rows), \
	.option_count = LENGTH(rows), .option_size = sizeof(struct cm_option), .config_size = 8

static const struct {
	struct cm_plugin table;
	const char *words; /* NULL: it is good */
} tables[] = {
	{{TABLE(renamed_rows)}, NULL},
	{{TABLE(doubled_rows)}, "option a stands in its table twice"},
	{{TABLE(lost_rows)}, "option a is renamed to b, which it does not have"},
	{{TABLE(map_rows)}, "option m: there are no maps with match = regexp"},
	{{.size = sizeof(struct cm_plugin), .name = "t"},
		"its table does not say for which plugin interface it is (.abi = CM_ABI)"},
	{{.abi = CM_ABI, .size = 8, .name = "t"}, "its table is too short (8 octets)"},
};

START_TEST(table_is_checked)
{
	struct cm_plugin ours;
	struct err err = {""};
	bool good = plugin_table_read(&ours, &tables[_i].table, "t", &err);

	ck_assert_int_eq(good, tables[_i].words == NULL);
	ck_assert_str_eq(err.text, good ? "" : tables[_i].words);
}
END_TEST

START_TEST(loaded_once)
{
	struct err err = {""};
	const struct cm_plugin *first = plugin_load("skeleton", dir, &err);

	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_eq(plugin_load("skeleton", dir, &err), first);
}
END_TEST

static void *
load_skeleton(void *arg)
{
	struct err err;

	(void)arg;
	return (void *)(uintptr_t)plugin_load("skeleton", dir, &err);
}

START_TEST(loaded_once_by_many_threads)
{
	pthread_t threads[8];
	void *plugin, *first = load_skeleton(NULL);

	ck_assert_ptr_nonnull(first);
	for (int i = 0; i < LENGTH(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, load_skeleton, NULL), 0);
	for (int i = 0; i < LENGTH(threads); i++) {
		pthread_join(threads[i], &plugin);
		ck_assert_ptr_eq(plugin, first);
	}
}
END_TEST

START_TEST(names_are_sorted)
{
	static const char *const wanted[] = {"misnamed", "newer", "older", "outside", "skeleton",
		"speechless", "tableless", "taken", "undefined"};
	char **names = plugin_names(dir);
	int found = 0;

	for (char **n = names; *n != NULL; n++) {
		if (n > names)
			ck_assert_int_lt(strcmp(n[-1], n[0]), 0);
		if (found < LENGTH(wanted) && strcmp(*n, wanted[found]) == 0)
			found++;
	}
	ck_assert_int_eq(found, LENGTH(wanted));
	plugin_names_free(names);
	names = plugin_names("/nonexistent");
	ck_assert_ptr_null(names[0]);
	plugin_names_free(names);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plugin");
	TCase *t = tcase_create("plugin");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, skeleton_loads);
	tcase_add_test(t, older_table_is_filled_with_zeros);
	tcase_add_loop_test(t, refused_by_name, 0, LENGTH(refused));
	tcase_add_loop_test(t, table_is_checked, 0, LENGTH(tables));
	tcase_add_test(t, loaded_once);
	tcase_add_test(t, loaded_once_by_many_threads);
	tcase_add_test(t, names_are_sorted);
	suite_add_tcase(s, t);
	return table_run(s);
}
