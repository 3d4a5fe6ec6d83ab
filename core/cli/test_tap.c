/* SPDX-License-Identifier: MIT */
/*
 * test_tap.c - results as TAP 14 (testanything.org), for people and for what reads TAP
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "host/script_cover.h"
#include "test.h"

/* What a terminal would act on is not shown as it is. */
static char
shown(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f ? '?' : c;
}

/* In a description # begins a directive, and \ escapes (TAP 14, "Escaping"). */
static void
print_description(const struct test_result *r)
{
	printf("%s: ", r->rule);
	for (const char *p = r->name != NULL ? r->name : TEST_THE_FILE; *p != '\0'; p++)
		printf(*p == '#' || *p == '\\' ? "\\%c" : "%c", shown(*p));
	printf("\n");
}

/* Text that YAML reads as it stands (YAML 1.2 section 7.3.3): no mark at its ends, none inside. */
static bool
is_plain(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && strchr("-?:,[]{}#&*!|>'\"%@` ", text[0]) == NULL &&
	       text[len - 1] != ' ' && text[len - 1] != ':' && strstr(text, ": ") == NULL &&
	       strstr(text, " #") == NULL;
}

/* In single quotes, where a quote is written twice, unless it needs none. */
static void
print_line(const char *text)
{
	bool plain = is_plain(text);

	if (!plain)
		putchar('\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' && !plain)
			putchar('\'');
		putchar(shown(*text));
	}
	printf(plain ? "\n" : "'\n");
}

/* Several lines stand as such, each behind the mark. */
static void
print_block(const char *text)
{
	printf("|\n");
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		printf("    ");
		for (size_t i = 0; i < len; i++)
			putchar(shown(text[i]));
		printf("\n");
		text += len + (text[len] == '\n');
	}
}

static void
print_value(const char *name, const char *text)
{
	if (text == NULL)
		return;
	printf("  %-7s ", name);
	if (strchr(text, '\n') != NULL)
		print_block(text);
	else
		print_line(text);
}

void
test_tap_begin(void)
{
	printf("TAP version 14\n");
}

void
test_tap_result(const struct test_run *run, const struct test_result *r)
{
	char at[400];

	printf("%sok %zu - ", r->ok ? "" : "not ", run->passed + run->failed);
	print_description(r);
	if (!r->ok) {
		snprintf(at, sizeof(at), "%s:%u", r->file, r->line);
		printf("  ---\n");
		print_value("wanted:", r->wanted);
		print_value("got:", r->got);
		print_value("at:", r->line > 0 ? at : r->file);
		print_value("trace:", r->trace);
		printf("  ...\n");
	}
	fflush(stdout);
}

void
test_tap_comment(const char *name, const char *words)
{
	printf("# ");
	for (; *name != '\0'; name++)
		putchar(shown(*name));
	printf(" %s\n", words);
}

static void
print_coverage(const struct test_run *run)
{
	struct script_cover_file file;

	for (size_t i = 0; script_cover_at(run->cover, i, &file); i++) {
		struct buf lines, words;

		buf_init(&lines, 0);
		buf_init(&words, 0);
		test_missed_lines(&lines, &file);
		buf_printf(&words, "%u %% (%zu of %zu lines)%s%s",
			test_percent(file.run, file.lines), file.run, file.lines,
			lines.len > 0 ? ", never run: " : "", lines.len > 0 ? lines.data : "");
		test_tap_comment(file.path, words.data);
		buf_fini(&words);
		buf_fini(&lines);
	}
}

void
test_tap_end(const struct test_run *run, bool coverage)
{
	unsigned percent;

	printf("1..%zu\n", run->passed + run->failed);
	if (coverage)
		print_coverage(run);
	printf("# %zu passed, %zu failed, %.2f s", run->passed, run->failed, (double)run->us / 1e6);
	if (test_cover_share(run->cover, &percent))
		printf(", %u %% of rule lines run", percent);
	printf("\n");
	fflush(stdout);
}
