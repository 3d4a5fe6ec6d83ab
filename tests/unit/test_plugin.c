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
#include "host/published.h"
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
	ck_assert_ptr_null(p->published);
	ck_assert(published_may(p, "anything"));
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

static const struct cm_published good_results[] = {{"result", "pass|fail", "does it"},
	{"reason", NULL, "why"}, {"#", NULL, "each"}, {"*", NULL, "of links"}};
static const struct cm_published loud_results[] = {{"Result", NULL, "does it"}};
static const struct cm_published blank_results[] = {{"org domain", NULL, "of the author"}};
static const struct cm_published nameless_results[] = {{"", NULL, "nothing"}};
static const struct cm_published twofold_results[] = {
	{"result", NULL, "a"}, {"reason", NULL, "b"}, {"result", NULL, "c"}};
static const struct cm_published manifold_results[] = {{"*", NULL, "a"}, {"*", NULL, "b"}};
static const struct cm_published mute_results[] = {{"result", NULL, NULL}};
static const struct cm_published open_results[] = {{"result", "pass|", "does it"}};
static const struct cm_published torn_results[] = {{"result", "pass||fail", "does it"}};
static const struct cm_published wordless_results[] = {{"result", "", "does it"}};

#define PUBLISHES(rows)                                                                    \
	.abi = CM_ABI, .size = sizeof(struct cm_plugin), .name = "t", .published = (rows), \
	.published_count = LENGTH(rows), .published_size = sizeof(struct cm_published)

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
	{{PUBLISHES(good_results)}, NULL},
	{{PUBLISHES(loud_results)}, "publishes a result without a usable name"},
	{{PUBLISHES(blank_results)}, "publishes a result without a usable name"},
	{{PUBLISHES(nameless_results)}, "publishes a result without a usable name"},
	{{PUBLISHES(twofold_results)}, "result result stands in its table twice"},
	{{PUBLISHES(manifold_results)}, "result * stands in its table twice"},
	{{PUBLISHES(mute_results)}, "result result has no help"},
	{{PUBLISHES(open_results)}, "result result: \"pass|\" is no list of words"},
	{{PUBLISHES(torn_results)}, "result result: \"pass||fail\" is no list of words"},
	{{PUBLISHES(wordless_results)}, "result result: \"\" is no list of words"},
	{{.abi = CM_ABI,
		 .size = sizeof(struct cm_plugin),
		 .name = "t",
		 .published = good_results,
		 .published_count = 1,
		 .published_size = 8},
		"its table of results is too short"},
	{{.abi = CM_ABI,
		 .size = sizeof(struct cm_plugin),
		 .name = "t",
		 .published_count = 1,
		 .published_size = sizeof(struct cm_published)},
		"its table of results is too short"},
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

#define NO_RESULT "t has no result "

static const struct {
	const char *key, *value;
	const char *words; /* NULL: it may be read, and be that */
} results[] = {
	{"result", "pass", NULL},
	{"result", "fail", NULL},
	{"result", "pas", "t.result is never \"pas\"; did you mean \"pass\"?"},
	{"result", "pass|fail", "t.result is never \"pass|fail\", only pass, fail"},
	{"result", "", "t.result is never \"\", only pass, fail"},
	{"reason", "any text", NULL},
	{"1", "any text", NULL},
	{"12", "any text", NULL},
	{"reslut", "", NO_RESULT "\"reslut\"; did you mean \"result\"?"},
	{"Result", "", NO_RESULT "\"Result\"; did you mean \"result\"?"},
	{"x", "", NO_RESULT "\"x\", only result, reason, 1, 2, ..."},
	{"", "", NO_RESULT "\"\", only result, reason, 1, 2, ..."},
	{"0", "", NO_RESULT "\"0\", only result, reason, 1, 2, ..."},
	{"1x", "", NO_RESULT "\"1x\", only result, reason, 1, 2, ..."},
	{"#", "", NO_RESULT "\"#\", only result, reason, 1, 2, ..."},
	{"*", "", NO_RESULT "\"*\", only result, reason, 1, 2, ..."},
};

START_TEST(results_are_found)
{
	struct cm_plugin t = {PUBLISHES(good_results)};
	const char *key = results[_i].key, *value = results[_i].value;
	struct cm_published row;
	struct err err = {""};

	t.published_count = 3; /* without "*" */
	if (!published_find(&t, key, &row))
		ck_assert(!published_may(&t, key) && !published_no_key(&t, key, &err));
	else if (!published_may_be(&row, value))
		ck_assert(published_may(&t, key) && !published_no_word(&t, &row, value, &err));
	ck_assert_str_eq(err.text, results[_i].words == NULL ? "" : results[_i].words);
	t.published_count = 4;
	ck_assert(published_may(&t, key));
}
END_TEST

/* A row as a later interface may have it. */
struct longer {
	struct cm_published row;
	const char *more;
};

START_TEST(rows_of_another_size_are_read)
{
	static const struct longer rows[] = {
		{{"reason", NULL, "why"}, "?"}, {{"result", "pass|fail", "does it"}, "?"}};
	struct cm_plugin t = {PUBLISHES(good_results)}, ours;
	struct cm_published row;
	struct err err = {""};

	t.published = (const struct cm_published *)rows;
	t.published_count = LENGTH(rows);
	t.published_size = sizeof(*rows);
	ck_assert_msg(plugin_table_read(&ours, &t, "t", &err), "%s", err.text);
	ck_assert(published_find(&ours, "result", &row));
	ck_assert_str_eq(row.words, "pass|fail");
	ck_assert(!published_may(&ours, "?"));
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
	tcase_add_loop_test(t, results_are_found, 0, LENGTH(results));
	tcase_add_test(t, rows_of_another_size_are_read);
	tcase_add_test(t, loaded_once);
	tcase_add_test(t, loaded_once_by_many_threads);
	tcase_add_test(t, names_are_sorted);
	suite_add_tcase(s, t);
	return table_run(s);
}
