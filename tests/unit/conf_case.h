/* SPDX-License-Identifier: MIT */
/*
 * conf_case.h - a configuration as rows of numbered lines, and what is said about it
 *
 * Lines have the numbers they have in docs/CONFIG.md, so that its messages can be compared whole.
 */
#ifndef TESTS_UNIT_CONF_CASE_H
#define TESTS_UNIT_CONF_CASE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/diag.h"
#include "conf/tree.h"
#include "temp.h"

#define CONF_CASE_LINES 10

struct conf_line {
	unsigned number;
	const char *text;
};

/* A directory of its own, which becomes the working directory. */
static inline void
conf_case_enter(char dir[TEMP_NAME_SIZE])
{
	ck_assert(temp_dir(dir, "chainmail-conf"));
	ck_assert_int_eq(chdir(dir), 0);
}

static inline void
conf_case_leave(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
}

static inline void
conf_case_write(const char *name, const void *text, size_t len)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

/* Writes lines up to the first without text, with empty lines between them. */
static inline void
conf_case_lines(const char *name, const struct conf_line *lines)
{
	FILE *f = fopen(name, "w");
	unsigned line = 1;

	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < CONF_CASE_LINES && lines[i].text != NULL; i++) {
		for (; line < lines[i].number; line++)
			fputc('\n', f);
		fprintf(f, "%s\n", lines[i].text);
		line++;
	}
	ck_assert_int_eq(fclose(f), 0);
}

/* What diag prints, a blank line and the count, as `chainmail check` shows them. */
static inline char *
conf_case_output(const struct diag *diag)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	diag_print(diag, f);
	fputc('\n', f);
	diag_print_count(diag, f);
	fclose(f);
	return text;
}

/* A tree on one line: name=word name="string" name=[a, b] kind name{...}. */
static inline void
conf_case_show_value(struct buf *b, const struct conf_value *v)
{
	if (v->kind != CONF_LIST) {
		buf_printf(b, v->kind == CONF_WORD ? "%s" : "\"%s\"", v->text);
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		buf_add_str(b, i == 0 ? "[" : ", ");
		conf_case_show_value(b, &v->items[i]);
	}
	buf_add_str(b, v->count == 0 ? "[]" : "]");
}

static inline void
conf_case_show(struct buf *b, const struct conf_section *section)
{
	for (const struct conf_setting *s = section->settings; s != NULL; s = s->next) {
		buf_printf(b, "%s=", s->name);
		conf_case_show_value(b, &s->value);
		buf_add_char(b, ' ');
	}
	for (const struct conf_section *s = section->sections; s != NULL; s = s->next) {
		buf_printf(b, "%s%s%s{", s->kind, s->name == NULL ? "" : " ",
			s->name == NULL ? "" : s->name);
		conf_case_show(b, s);
		buf_add_str(b, "} ");
	}
}

#endif
