/* SPDX-License-Identifier: MIT */
/*
 * test_include.c - the files of a configuration: how they are found, read and refused
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/tree.h"
#include "conf_case.h"
#include "table.h"

#define ONE "\n1 error, 0 warnings."

static char dir[64];
static struct arena arena;
static struct diag *diag;

static void
setup(void)
{
	conf_case_enter(dir);
	arena_init(&arena, 4096);
	diag = diag_new();
}

static void
teardown(void)
{
	diag_free(diag);
	arena_fini(&arena);
	conf_case_leave(dir);
}

struct file {
	const char *name, *text;
};

static const struct {
	const char *name;
	struct file files[5];
	const char *tree, *output;
} includes[] = {
	{"files come in name order, beside the file that includes them",
		{{"filter.conf", "a { }\ninclude \"conf.d/*.conf\"\nz { }\n"},
			{"conf.d/20.conf", "c { }\n"}, {"conf.d/10.conf", "b { }\n"},
			{"conf.d/30.txt", "wrong\n"}},
		"a{} b{} c{} z{} ", "\n0 errors, 0 warnings."},
	{"a pattern may match nothing", {{"filter.conf", "include \"conf.d/*.conf\"\n"}}, "",
		"\n0 errors, 0 warnings."},
	{"a plain name must exist", {{"filter.conf", "include local.conf\n"}}, "",
		"filter.conf:1:9: error: cannot open local.conf: No such file or directory\n"
		"    1 | include local.conf\n"
		"      |         ^~~~~~~~~~\n"
		"      = help: a pattern such as \"conf.d/*.conf\" may match nothing; "
		"a plain name must exist\n" ONE},
	{"names start at the including file",
		{{"filter.conf", "include \"d/a.conf\"\n"}, {"d/a.conf", "include \"e/b.conf\"\n"},
			{"d/e/b.conf", "include \"../c.conf\"\nb { }\n"}, {"d/c.conf", "c { }\n"}},
		"c{} b{} ", "\n0 errors, 0 warnings."},
	{"mistakes tell how the file was reached, the including file first",
		{{"filter.conf", "\n\ninclude \"d/*.conf\"\na = 1 2\n"},
			{"d/a.conf", "\ninclude b.inc\n"}, {"d/b.inc", "b = 3 4\n"},
			{"d/0.conf", "c = 5 6\n"}},
		"c=5 b=3 a=1 ",
		"filter.conf:4:7: error: unexpected \"2\" behind the value of a\n"
		"    4 | a = 1 2\n"
		"      |       ^\n"
		"      = help: a text with spaces is written \"1 2\", a list [ 1, 2 ]\n"
		"d/0.conf:1:7: error: unexpected \"6\" behind the value of c\n"
		"    1 | c = 5 6\n"
		"      |       ^\n"
		"      = help: a text with spaces is written \"5 6\", a list [ 5, 6 ]\n"
		"      = included from filter.conf:3\n"
		"d/b.inc:1:7: error: unexpected \"4\" behind the value of b\n"
		"    1 | b = 3 4\n"
		"      |       ^\n"
		"      = help: a text with spaces is written \"3 4\", a list [ 3, 4 ]\n"
		"      = included from d/a.conf:2\n"
		"      = included from filter.conf:3\n"
		"\n3 errors, 0 warnings."},
	{"a section ends with its file",
		{{"filter.conf", "include a.conf\nb { }\n"}, {"a.conf", "a {\n"}}, "a{} b{} ",
		"a.conf:1:3: error: section a is not closed\n"
		"    1 | a {\n"
		"      |   ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"      = included from filter.conf:1\n" ONE},
	{"a setting given twice in two files names the other",
		{{"filter.conf", "a = 1\ninclude a.conf\n"}, {"a.conf", "\na = 2\n"}}, "a=1 ",
		"a.conf:2:1: error: a is set twice\n"
		"    2 | a = 2\n"
		"      | ^\n"
		"      = help: the first one stands in line 1 of filter.conf\n"
		"      = included from filter.conf:2\n" ONE},
	{"a file cannot include itself",
		{{"filter.conf", "include a.conf\nb { }\n"},
			{"a.conf", "include \"./a.conf\"\na { }\n"}},
		"a{} b{} ",
		"a.conf:1:9: error: ./a.conf includes itself\n"
		"    1 | include \"./a.conf\"\n"
		"      |         ^~~~~~~~~~\n"
		"      = included from filter.conf:1\n" ONE},
	{"two files cannot include each other",
		{{"filter.conf", "include a.conf\n"}, {"a.conf", "include filter.conf\na { }\n"}},
		"a{} ",
		"a.conf:1:9: error: filter.conf includes itself\n"
		"    1 | include filter.conf\n"
		"      |         ^~~~~~~~~~~\n"
		"      = included from filter.conf:1\n" ONE},
	{"a directory is no file", {{"filter.conf", "include d\n"}, {"d/x", ""}}, "",
		"filter.conf:1:9: error: d is a directory, not a file\n"
		"    1 | include d\n"
		"      |         ^\n" ONE},
	{"an empty file is a configuration", {{"filter.conf", ""}}, "", "\n0 errors, 0 warnings."},
};

static void
write_files(const struct file *files, int count)
{
	for (int i = 0; i < count && files[i].name != NULL; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s", files[i].name);
		for (char *slash = strchr(name, '/'); slash != NULL;
			slash = strchr(slash + 1, '/')) {
			*slash = '\0';
			ck_assert(mkdir(name, 0777) == 0 || errno == EEXIST);
			*slash = '/';
		}
		conf_case_write(files[i].name, files[i].text, strlen(files[i].text));
	}
}

START_TEST(files_include_files)
{
	struct conf_section *root;
	struct buf b;
	char *output;

	write_files(includes[_i].files, LENGTH(includes[_i].files));
	root = conf_read(&arena, "filter.conf", diag);
	buf_init(&b, 0);
	conf_case_show(&b, root);
	output = conf_case_output(diag);
	ck_assert_msg(
		strcmp(output, includes[_i].output) == 0, "%s:\n%s", includes[_i].name, output);
	ck_assert_msg(strcmp(b.data, includes[_i].tree) == 0, "%s: %s", includes[_i].name, b.data);
	buf_fini(&b);
	free(output);
}
END_TEST

static void
assert_output(const char *wanted)
{
	char *output = conf_case_output(diag);

	ck_assert_msg(strcmp(output, wanted) == 0, "%s\nwanted:\n%s", output, wanted);
	free(output);
}

START_TEST(patterns_do_not_read_the_name_of_the_directory)
{
	static const struct file files[] = {
		{"a[b]*/filter.conf", "include \"c.d/*.conf\"\n"}, {"a[b]*/c.d/x.conf", "x { }\n"}};
	char path[128];
	const struct conf_section *root;

	write_files(files, LENGTH(files));
	snprintf(path, sizeof(path), "%s/a[b]*/filter.conf", dir);
	root = conf_read(&arena, path, diag);
	assert_output("\n0 errors, 0 warnings.");
	ck_assert_ptr_nonnull(root->sections);
	ck_assert_str_eq(root->sections->kind, "x");
}
END_TEST

START_TEST(missing_main_file_is_named)
{
	conf_read(&arena, "none.conf", diag);
	assert_output("none.conf: error: cannot open none.conf: No such file or directory\n" ONE);
}
END_TEST

START_TEST(fifo_is_refused_at_once)
{
	ck_assert_int_eq(mkfifo("filter.conf", 0666), 0);
	conf_read(&arena, "filter.conf", diag);
	assert_output("filter.conf: error: filter.conf is not a regular file\n" ONE);
}
END_TEST

START_TEST(huge_file_is_refused)
{
	ck_assert_int_eq(close(creat("filter.conf", 0666)), 0);
	ck_assert_int_eq(truncate("filter.conf", (1 << 20) + 1), 0);
	conf_read(&arena, "filter.conf", diag);
	assert_output(
		"filter.conf: error: filter.conf is larger than 1M: not a configuration\n" ONE);
}
END_TEST

START_TEST(deep_includes_are_refused)
{
	char name[32], text[48];

	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(text, sizeof(text), "include %d.conf\n", i + 1);
		conf_case_write(name, text, strlen(text));
	}
	conf_read(&arena, "0.conf", diag);
	ck_assert_uint_eq(diag_errors(diag), 1);
	assert_output("7.conf:1:9: error: files include each other too deep\n"
		      "    1 | include 8.conf\n"
		      "      |         ^~~~~~\n"
		      "      = help: at most 8 files may lead to each other\n"
		      "      = included from 6.conf:1\n"
		      "      = included from 5.conf:1\n"
		      "      = included from 4.conf:1\n"
		      "      = included from 3.conf:1\n"
		      "      = included from 2.conf:1\n"
		      "      = included from 1.conf:1\n"
		      "      = included from 0.conf:1\n" ONE);
}
END_TEST

/* Each file includes all, eight levels deep: without a bound 256 to the power of seven. */
START_TEST(many_includes_end_in_a_message)
{
	char name[32];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		conf_case_write(name, "include \"*.conf\"\n", 17);
	}
	conf_read(&arena, "0.conf", diag);
	ck_assert_uint_gt(diag_errors(diag), 0);
}
END_TEST

START_TEST(include_in_memory_is_refused)
{
	conf_parse(&arena, "line", "include \"/etc/passwd\"", 21, diag);
	assert_output("line:1:9: error: include is not possible here\n"
		      "    1 | include \"/etc/passwd\"\n"
		      "      |         ^~~~~~~~~~~~~\n"
		      "      = help: only a file can include another\n" ONE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("include");
	TCase *t = tcase_create("files");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, files_include_files, 0, LENGTH(includes));
	tcase_add_test(t, patterns_do_not_read_the_name_of_the_directory);
	tcase_add_test(t, missing_main_file_is_named);
	tcase_add_test(t, fifo_is_refused_at_once);
	tcase_add_test(t, huge_file_is_refused);
	tcase_add_test(t, deep_includes_are_refused);
	tcase_add_test(t, many_includes_end_in_a_message);
	tcase_add_test(t, include_in_memory_is_refused);
	suite_add_tcase(s, t);
	return table_run(s);
}
