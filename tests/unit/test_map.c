/* SPDX-License-Identifier: MIT */
/*
 * test_map.c - maps: what postmap reads, networks, newer files, many readers
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "service/map.h"
#include "table.h"
#include "temp.h"

static char dir[TEMP_NAME_SIZE];
static char path[128];
static struct arena arena;

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-map"));
	snprintf(path, sizeof(path), "%s/map", dir);
	arena_init(&arena, 1024);
	clock_freeze(1000000);
}

static void
teardown(void)
{
	clock_thaw();
	arena_fini(&arena);
	unlink(path);
	rmdir(dir);
}

static void
write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

/* Not written to for long, by the virtual clock; else it lies in that clock's future. */
static void
make_old(const char *file)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	ck_assert_int_eq(utimensat(AT_FDCWD, file, times, 0), 0);
}

/* Writes a file of its own and puts it in place: another inode, whatever the clock's grain. */
static void
replace_file(const char *text)
{
	char other[160];

	snprintf(other, sizeof(other), "%s.new", path);
	rename(path, other);
	write_file(text, strlen(text));
	make_old(path);
	unlink(other);
}

static struct map_config
file_config(enum map_match match)
{
	return (struct map_config){
		.name = "m", .source = path, .match = match, .reload_us = 30 * CLOCK_SEC};
}

/* What diag prints, in the arena. */
static const char *
printed(struct diag *diag)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	const char *kept;

	diag_print(diag, f);
	fclose(f);
	kept = arena_strndup(&arena, text, len);
	free(text);
	return kept;
}

static const char *
get(const struct cm_map *map, const char *key)
{
	const char *value;
	enum cm_known known = map_get(map, key, &arena, &value);

	ck_assert_int_eq(known, value == NULL ? CM_NONE : CM_KNOWN);
	return value;
}

static void
check_value(const struct cm_map *map, const char *key, const char *wanted)
{
	const char *value = get(map, key);

	if (wanted == NULL)
		ck_assert_msg(value == NULL, "\"%s\" has a value: %s", key, value);
	else
		ck_assert_str_eq(value == NULL ? "(no such key)" : value, wanted);
}

static struct cm_map *
open_text(enum map_match match, const char *text, size_t len, const char **mistakes)
{
	struct map_config config = file_config(match);
	struct diag *diag = diag_new();
	struct cm_map *map;

	write_file(text, len);
	map = map_open(&config, diag);
	*mistakes = printed(diag);
	ck_assert_int_eq(map == NULL, diag_errors(diag) > 0);
	diag_free(diag);
	return map;
}

/* Texts, what becomes of them, and what is said; %s of the words is the path. */
static const struct {
	const char *what, *text, *key, *value, *words;
} lines[] = {
	{"a key and its value", "a@b bob\n", "a@b", "bob", ""},
	{"the key in any case", "A@B.Example Bob\n", "a@b.eXample", "Bob", ""},
	{"tabs and blanks around the value", "a \t b c \t \n", "a", "b c", ""},
	{"a last line without its end", "a b", "a", "b", ""},
	{"comments and blank lines", "# a x\n\n \t\n  # a y\na b\n", "a", "b", ""},
	{"a continuation line", "a one,\n  two\n\tthree\n", "a", "one,  two\tthree", ""},
	{"comments between continuation lines", "a one\n# c\n\n two\n", "a", "one two", ""},
	{"a value on the next line", "a\n b\n", "a", "b", ""},
	{"a key with blanks in quotes", "\"a b\"@c d\n", "\"a b\"@c", "d", ""},
	{"an escaped quote in a key", "\"a\\\" b\"@c d\n", "\"a\\\" b\"@c", "d", ""},
	{"carriage returns at the end", "a b\r\n\r\nc d\r\n", "c", "d", ""},
	{"a value with a hash", "a b # no comment\n", "a", "b # no comment", ""},
	{"the first of two", "a first\nb x\nA second\n", "a", "first",
		"%s:3: warning: \"a\" stands further up already; line ignored\n"},
	{"a key without a value", "x y\ninfo@example.com\n", "info@example.com", NULL,
		"%s:2: warning: \"info@example.com\" has no value behind it; line ignored\n"},
	{"a first line that continues nothing", "  a b\nc d\n", "a", NULL,
		"%s:1: warning: a key does not start with white space; line ignored\n"},
	{"an open quote", "\"a b\nc d\n", "c", "d",
		"%s:1: warning: unbalanced '\"' in '\"a b'; line ignored\n"},
	{"text that is not UTF-8", "a\xff b\nc d\n", "c", "d",
		"%s:1: warning: not UTF-8; line ignored\n"},
	{"an alias file", "root: bob\n", "root:", "bob",
		"%s:1: warning: \"root:\" ends in a colon; is this an alias file?\n"},
	{"an empty file", "", "a", NULL, ""},
	{"no such key", "a b\n", "b", NULL, ""},
};

START_TEST(postmap_lines)
{
	const char *mistakes;
	char wanted[256];
	struct cm_map *map =
		open_text(MAP_EXACT, lines[_i].text, strlen(lines[_i].text), &mistakes);

	ck_assert_msg(map != NULL, "%s: %s", lines[_i].what, mistakes);
	check_value(map, lines[_i].key, lines[_i].value);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(wanted, sizeof(wanted), lines[_i].words, path);
#pragma GCC diagnostic pop
	ck_assert_str_eq(mistakes, wanted);
	map_close(map);
}
END_TEST

static const char networks[] = "# partners\n"
			       "192.0.2.7 one\n"
			       "192.0.2.0/24 net\n"
			       "192.0.2.8 hidden behind the net\n"
			       "192.0.0.0/16 wide\n"
			       "2001:db8::/32 six\n"
			       "::ffff:198.51.100.0/120 mapped\n"
			       "0.0.0.0/0 all\n";

static const struct {
	const char *key, *value;
} network_cases[] = {
	{"192.0.2.7", "one"},
	{"192.0.2.8", "net"},
	{"::ffff:192.0.2.9", "net"},
	{"192.0.3.1", "wide"},
	{"198.51.100.200", "mapped"},
	{"203.0.113.1", "all"},
	{"2001:db8:ffff::1", "six"},
	{"2001:db9::1", NULL},
	{"mail.example.org", NULL},
	{"", NULL},
};

START_TEST(first_network_that_holds)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_CIDR, networks, strlen(networks), &mistakes);

	ck_assert_msg(map != NULL, "%s", mistakes);
	ck_assert_str_eq(mistakes, "");
	check_value(map, network_cases[_i].key, network_cases[_i].value);
	ck_assert_uint_eq(map_count(map), 7);
	map_close(map);
}
END_TEST

START_TEST(doubled_network_is_said)
{
	static const char text[] = "192.0.2.0/24 a\n10.0.0.1 x\n192.0.2.0/24 b\n";
	const char *mistakes;
	char wanted[256];
	struct cm_map *map = open_text(MAP_CIDR, text, strlen(text), &mistakes);

	snprintf(wanted, sizeof(wanted),
		"%s:3: warning: the same network stands in line 1; line ignored\n", path);
	ck_assert_str_eq(mistakes, wanted);
	check_value(map, "192.0.2.1", "a");
	map_close(map);
}
END_TEST

static const struct {
	enum map_match match;
	const char *text;
	size_t len;
	const char *words;
} refused[] = {
	{MAP_CIDR, "192.0.2.0/24 a\n192.0.2.1/24 b\n", 30,
		":2: error: \"192.0.2.1/24\" is not an address or network (a network has no bits "
		"set behind its prefix)\n"},
	{MAP_CIDR, "mail.example.org ok\n", 20,
		":1: error: \"mail.example.org\" is not an address or network"},
	{MAP_EXACT, "a\0b c\n", 6, ": error: not a text file (give the file that postmap reads)\n"},
};

START_TEST(broken_file_is_refused)
{
	const char *mistakes;
	struct cm_map *map =
		open_text(refused[_i].match, refused[_i].text, refused[_i].len, &mistakes);

	ck_assert_ptr_null(map);
	ck_assert_msg(strstr(mistakes, refused[_i].words) != NULL, "%s", mistakes);
	ck_assert_msg(strncmp(mistakes, path, strlen(path)) == 0, "%s", mistakes);
}
END_TEST

START_TEST(many_ignored_lines_are_counted)
{
	char text[64 * 8] = "", wanted[256];
	const char *mistakes;
	struct cm_map *map;

	for (int i = 0; i < 60; i++)
		strcat(text, "alone\n");
	map = open_text(MAP_EXACT, text, strlen(text), &mistakes);
	ck_assert_uint_eq(map_count(map), 0);
	snprintf(wanted, sizeof(wanted), "%s: warning: 40 more warnings\n", path);
	ck_assert_msg(strstr(mistakes, wanted) != NULL, "%s", mistakes);
	map_close(map);
}
END_TEST

START_TEST(endless_line_is_refused)
{
	size_t len = 70000;
	char *text = malloc(len);
	const char *mistakes;

	memset(text, 'a', len);
	ck_assert_ptr_null(open_text(MAP_EXACT, text, len, &mistakes));
	ck_assert_msg(strstr(mistakes, ":1: error: line longer than 65536 octets\n") != NULL, "%s",
		mistakes);
	free(text);
}
END_TEST

START_TEST(missing_file_is_refused)
{
	struct map_config config = file_config(MAP_EXACT);
	struct diag *diag = diag_new();
	char wanted[256];

	ck_assert_ptr_null(map_open(&config, diag));
	snprintf(wanted, sizeof(wanted), "error: map m: %s: No such file or directory\n", path);
	ck_assert_str_eq(printed(diag), wanted);
	diag_free(diag);
}
END_TEST

START_TEST(fifo_is_refused_at_once)
{
	struct map_config config = file_config(MAP_EXACT);
	struct diag *diag = diag_new();

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(map_open(&config, diag));
	ck_assert_ptr_nonnull(strstr(printed(diag), "not a regular file"));
	diag_free(diag);
}
END_TEST

START_TEST(entries_of_the_configuration)
{
	static const char *const items[] = {"A@b one", "c@d two three", "e", "a@b again"};
	struct map_config config = {.name = "inline", .entries = {LENGTH(items), items}};
	struct diag *diag = diag_new();
	struct cm_map *map = map_open(&config, diag);

	ck_assert_ptr_nonnull(map);
	check_value(map, "a@b", "one");
	check_value(map, "C@D", "two three");
	ck_assert_uint_eq(map_count(map), 2);
	ck_assert_str_eq(map_name(map), "inline");
	ck_assert_str_eq(printed(diag),
		"entries of map inline:3: warning: \"e\" has no value behind it; line ignored\n"
		"entries of map inline:4: warning: \"a@b\" stands further up already; line "
		"ignored\n");
	diag_free(diag);
	map_close(map);
}
END_TEST

START_TEST(postmap_prefix_is_understood)
{
	struct map_config config = file_config(MAP_EXACT);
	struct diag *diag = diag_new();
	char source[160];
	struct cm_map *map;

	write_file("a b\n", 4);
	snprintf(source, sizeof(source), "postmap:%s", path);
	config.source = source;
	map = map_open(&config, diag);
	memset(source, 'x', sizeof(source) - 1);
	check_value(map, "a", "b");
	map_close(map);
	diag_free(diag);
}
END_TEST

/* What the daemon logs goes to a file here. */
static char log_path[160];

static void
log_to_file(void)
{
	struct log_config config = {.target = LOG_TARGET_FILE, .level = LOG_LEVEL_INFO};
	struct err err;

	snprintf(log_path, sizeof(log_path), "%s.log", path);
	config.path = log_path;
	ck_assert_msg(log_open(&config, 1, &err), "%s", err.text);
}

static const char *
logged(void)
{
	static char text[4096];
	FILE *f = fopen(log_path, "r");
	size_t len;

	ck_assert_ptr_nonnull(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	return text;
}

static unsigned
count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

START_TEST(newer_file_is_read_after_the_reload_time)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_EXACT, "a old\n", 6, &mistakes);

	replace_file("a new\n");
	clock_advance(29 * CLOCK_SEC);
	check_value(map, "a", "old");
	clock_advance(1 * CLOCK_SEC);
	check_value(map, "a", "new");
	/* The same size again, in place. */
	write_file("a two\n", 6);
	make_old(path);
	check_value(map, "a", "new");
	clock_advance(30 * CLOCK_SEC);
	check_value(map, "a", "two");
	map_close(map);
}
END_TEST

START_TEST(file_that_is_being_written_is_left_alone)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_EXACT, "a old\nb x\n", 10, &mistakes);

	log_to_file();
	clock_advance(30 * CLOCK_SEC);
	write_file("a new\n", 6);
	check_value(map, "a", "old");
	check_value(map, "b", "x");
	clock_advance(1 * CLOCK_SEC);
	write_file("a new\nb new\n", 12);
	check_value(map, "a", "old");
	clock_advance(1 * CLOCK_SEC);
	check_value(map, "a", "new");
	check_value(map, "b", "new");
	ck_assert_str_eq(logged(), "");
	log_close();
	unlink(log_path);
	map_close(map);
}
END_TEST

START_TEST(file_that_is_always_written_is_read_in_the_end)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_EXACT, "a old\n", 6, &mistakes);

	clock_advance(30 * CLOCK_SEC);
	for (int i = 0; i < 59; i++) {
		write_file("a newer\n", i % 2 == 0 ? 8 : 7);
		check_value(map, "a", "old");
		clock_advance(1 * CLOCK_SEC);
	}
	write_file("a newest\n", 9);
	check_value(map, "a", "newest");
	map_close(map);
}
END_TEST

static const struct {
	const char *what, *old, *new, *said; /* NULL: it is used */
} newer[] = {
	{"emptied", "a b\n", "", ": has no entries any more"},
	{"only comments", "a b\n", "# a b\n", ": has no entries any more"},
	{"empty as before", "", "# nothing\n", NULL},
	{"a line without a value", "a b\n", "a c\nd\n", ":2: \"d\" has no value behind it"},
	{"an open quote", "a b\n", "a c\n\"d e\n", ":2: unbalanced '\"' in '\"d e'"},
	{"not UTF-8", "a b\n", "a c\nd\xff e\n", ":2: not UTF-8"},
	{"nothing but a line without a value", "a b\n", "a\n", ":1: \"a\" has no value"},
	{"the gravest line is named", "a b\n", "a c\na d\ne\n", ":3: \"e\" has no value"},
	{"as senseless as before", "a b\nd\n", "a c\ne\n", NULL},
	{"a key twice", "a b\n", "a c\na d\n", NULL},
};

START_TEST(newer_file_that_says_less_keeps_the_old_one)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_EXACT, newer[_i].old, strlen(newer[_i].old), &mistakes);
	char wanted[512];

	log_to_file();
	replace_file(newer[_i].new);
	for (int i = 0; i < 2; i++) {
		clock_advance(30 * CLOCK_SEC);
		if (newer[_i].said == NULL)
			check_value(map, "a", newer[_i].new[0] == 'a' ? "c" : NULL);
		else
			check_value(map, "a", "b");
	}
	snprintf(wanted, sizeof(wanted), "map m: %s%s", path,
		newer[_i].said == NULL ? "" : newer[_i].said);
	if (newer[_i].said != NULL) {
		ck_assert_msg(strstr(logged(), wanted) != NULL, "%s: %s", newer[_i].what, logged());
		ck_assert_msg(strstr(logged(), "; the old content stays\n") != NULL, "%s: %s",
			newer[_i].what, logged());
		ck_assert_uint_eq(count_lines(logged()), 1);
	}
	log_close();
	unlink(log_path);
	map_close(map);
}
END_TEST

START_TEST(broken_newer_file_keeps_the_old_one)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_CIDR, "192.0.2.1 old\n", 14, &mistakes);
	char wanted[512];

	log_to_file();
	replace_file("10.0.0.1 x\n192.0.2.9999 new\n");
	for (int i = 0; i < 3; i++) {
		clock_advance(30 * CLOCK_SEC);
		check_value(map, "192.0.2.1", "old");
		check_value(map, "10.0.0.1", NULL);
	}
	snprintf(wanted, sizeof(wanted), "map m: %s:2: \"192.0.2.9999\" is not an address", path);
	ck_assert_msg(strstr(logged(), wanted) != NULL, "%s", logged());
	ck_assert_msg(strstr(logged(), "; the old content stays\n") != NULL, "%s", logged());
	ck_assert_uint_eq(count_lines(logged()), 1);
	replace_file("192.0.2.1 mended\n");
	clock_advance(30 * CLOCK_SEC);
	check_value(map, "192.0.2.1", "mended");
	ck_assert_uint_eq(count_lines(logged()), 1);
	log_close();
	unlink(log_path);
	map_close(map);
}
END_TEST

START_TEST(vanished_file_keeps_the_old_one)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_EXACT, "a old\n", 6, &mistakes);

	log_to_file();
	unlink(path);
	for (int i = 0; i < 3; i++) {
		clock_advance(30 * CLOCK_SEC);
		check_value(map, "a", "old");
	}
	ck_assert_uint_eq(count_lines(logged()), 1);
	ck_assert_msg(strstr(logged(), "No such file or directory; the old content stays") != NULL,
		"%s", logged());
	replace_file("a new\n");
	clock_advance(30 * CLOCK_SEC);
	check_value(map, "a", "new");
	log_close();
	unlink(log_path);
	map_close(map);
}
END_TEST

/* Readers see one file or the other, never anything else, while it is replaced. */
#define READERS 4
#define ROUNDS	300

static atomic_bool ended;

static void *
read_on(void *arg)
{
	struct cm_map *map = arg;
	struct arena own;
	long reads = 0;

	arena_init(&own, 256);
	while (!ended || reads == 0) {
		const char *a, *b;
		bool known = map_get(map, "a", &own, &a) == CM_KNOWN &&
			     map_get(map, "b", &own, &b) == CM_KNOWN;

		if (!known || (strcmp(a, "odd") != 0 && strcmp(a, "even") != 0))
			return "another answer";
		arena_reset(&own);
		reads++;
	}
	arena_fini(&own);
	return NULL;
}

START_TEST(many_readers_while_the_file_changes)
{
	const char *mistakes;
	struct cm_map *map = open_text(MAP_EXACT, "a odd\nb odd\n", 12, &mistakes);
	pthread_t readers[READERS];
	void *wrong;

	for (int i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, read_on, map), 0);
	for (int i = 0; i < ROUNDS; i++) {
		char other[160];
		FILE *f;

		snprintf(other, sizeof(other), "%s.new", path);
		f = fopen(other, "w");
		fprintf(f, i % 2 == 0 ? "a even\nb even\n" : "a odd\nb odd\n");
		fclose(f);
		make_old(other);
		rename(other, path);
		clock_advance(30 * CLOCK_SEC);
		usleep(200);
	}
	ended = true;
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i], &wrong);
		ck_assert_msg(wrong == NULL, "%s", (const char *)wrong);
	}
	clock_advance(30 * CLOCK_SEC);
	check_value(map, "a", "odd");
	map_close(map);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("map");
	TCase *t = tcase_create("map");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, postmap_lines, 0, LENGTH(lines));
	tcase_add_loop_test(t, first_network_that_holds, 0, LENGTH(network_cases));
	tcase_add_test(t, doubled_network_is_said);
	tcase_add_loop_test(t, broken_file_is_refused, 0, LENGTH(refused));
	tcase_add_test(t, many_ignored_lines_are_counted);
	tcase_add_test(t, endless_line_is_refused);
	tcase_add_test(t, missing_file_is_refused);
	tcase_add_test(t, fifo_is_refused_at_once);
	tcase_add_test(t, entries_of_the_configuration);
	tcase_add_test(t, postmap_prefix_is_understood);
	tcase_add_test(t, newer_file_is_read_after_the_reload_time);
	tcase_add_test(t, file_that_is_being_written_is_left_alone);
	tcase_add_test(t, file_that_is_always_written_is_read_in_the_end);
	tcase_add_loop_test(t, newer_file_that_says_less_keeps_the_old_one, 0, LENGTH(newer));
	tcase_add_test(t, broken_newer_file_keeps_the_old_one);
	tcase_add_test(t, vanished_file_keeps_the_old_one);
	tcase_add_test(t, many_readers_while_the_file_changes);
	suite_add_tcase(s, t);
	return table_run(s);
}
