/* SPDX-License-Identifier: MIT */
/*
 * diag_print.c - mistakes as people and programs read them
 *
 * What stands in a configuration may come from anywhere, so nothing of it reaches a terminal that
 * the terminal would act on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "diag.h"
#include "diag_list.h"

/* Octets of the character at p that may be shown as it is, or 0. */
static size_t
shown_char(const char *p, size_t len)
{
	unsigned char c = (unsigned char)*p;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	bool control = c < 0x20 || c == 0x7f;

	if (control || n > len || text_utf8_valid(p, n) != n)
		return 0;
	/* U+0080 to U+009F are control characters too. */
	return n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0 ? 0 : n;
}

static void
print_safe(FILE *out, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = shown_char(text, left);

		if (n == 0)
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			fwrite(text, 1, n, out);
		n = n == 0 ? 1 : n;
		text += n;
		left -= n;
	}
}

/* Of characters as terminals show them; the rest takes one column (Unicode: wide, combining). */
static const struct {
	unsigned first, last, width;
} widths[] = {
	{0x0300, 0x036f, 0},
	{0x1100, 0x115f, 2},
	{0x1ab0, 0x1aff, 0},
	{0x1dc0, 0x1dff, 0},
	{0x200b, 0x200f, 0},
	{0x20d0, 0x20ff, 0},
	{0x2e80, 0xa4cf, 2},
	{0xac00, 0xd7a3, 2},
	{0xf900, 0xfaff, 2},
	{0xfe00, 0xfe0f, 0},
	{0xfe20, 0xfe2f, 0},
	{0xfe30, 0xfe6f, 2},
	{0xff00, 0xff60, 2},
	{0xffe0, 0xffe6, 2},
	{0x1f300, 0x1faff, 2},
	{0x20000, 0x3fffd, 2},
};

/* Columns of the n octets of a valid character. */
static unsigned
char_width(const char *p, size_t n)
{
	unsigned code = (unsigned char)p[0] & (n < 2 ? 0x7fu : 0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)p[i] & 0x3fu);
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		if (code >= widths[i].first && code <= widths[i].last)
			return widths[i].width;
	}
	return 1;
}

/* The line, one column of the mistake's per character; returns how many there are. */
static unsigned
print_line(FILE *out, const struct mistake *m)
{
	unsigned columns = 0;
	size_t i = 0;

	fprintf(out, "%5u | ", m->line);
	while (i < m->shown_len) {
		size_t n = shown_char(m->shown + i, m->shown_len - i);

		if (n == 0)
			fputc(m->shown[i] == '\t' ? '\t' : '?', out);
		else
			fwrite(m->shown + i, 1, n, out);
		i += n == 0 ? 1 : n;
		columns++;
	}
	fputc('\n', out);
	return columns;
}

/* Columns of the character at *i, which moves behind it; of what is no character, one. */
static unsigned
next_width(const struct mistake *m, size_t *i)
{
	const char *p = m->shown + *i;
	size_t n = *i < m->shown_len ? shown_char(p, m->shown_len - *i) : 0;

	*i += n == 0 ? 1 : n;
	return n == 0 ? 1 : char_width(p, n);
}

static void
print_times(FILE *out, char c, unsigned times)
{
	while (times-- > 0)
		fputc(c, out);
}

static void
print_caret(FILE *out, const struct mistake *m, unsigned columns)
{
	unsigned width = m->width == 0 ? 1 : m->width, under = 0;
	size_t i = 0;

	/* One behind the end is where something is missing. */
	if (m->column == 0 || m->column > columns + 1)
		return;
	if (width > columns - m->column + 1)
		width = columns - m->column + 1;
	fputs("      | ", out);
	for (unsigned column = 1; column < m->column; column++) {
		bool tab = m->shown[i] == '\t';

		print_times(out, tab ? '\t' : ' ', next_width(m, &i));
	}
	fputc('^', out);
	for (unsigned done = 0; done < width; done++)
		under += next_width(m, &i);
	print_times(out, '~', under > 0 ? under - 1 : 0);
	if (m->label != NULL) {
		fputc(' ', out);
		print_safe(out, m->label);
	}
	fputc('\n', out);
}

static void
print_place(FILE *out, const struct mistake *m)
{
	if (m->name == NULL)
		return;
	print_safe(out, m->name);
	if (m->line > 0)
		fprintf(out, ":%u", m->line);
	if (m->line > 0 && m->column > 0)
		fprintf(out, ":%u", m->column);
	fputs(": ", out);
}

static void
print_mistake(FILE *out, const struct mistake *m)
{
	print_place(out, m);
	fputs(m->error ? "error: " : "warning: ", out);
	print_safe(out, m->text);
	fputc('\n', out);
	if (m->shown != NULL)
		print_caret(out, m, print_line(out, m));
	for (const struct diag_help *h = m->helps; h != NULL; h = h->next) {
		fputs("      = help: ", out);
		print_safe(out, h->text);
		fputc('\n', out);
	}
	for (const struct diag_file *f = m->file; f != NULL && f->includer != NULL;
		f = f->includer) {
		fputs("      = included from ", out);
		print_safe(out, f->includer->name);
		fprintf(out, ":%u\n", f->includer_line);
	}
}

static int
compare_numbers(unsigned a, unsigned b)
{
	return (a > b) - (a < b);
}

/* A file before those it includes; these in the order of their lines, then of their names. */
static int
compare_files(const struct diag_file *a, const struct diag_file *b)
{
	const struct diag_file *deep_a = a, *deep_b = b;

	if (a == b)
		return 0;
	while (deep_a->depth > deep_b->depth)
		deep_a = deep_a->includer;
	while (deep_b->depth > deep_a->depth)
		deep_b = deep_b->includer;
	if (deep_a == deep_b)
		return compare_numbers(a->depth, b->depth);
	while (deep_a->includer != deep_b->includer) {
		deep_a = deep_a->includer;
		deep_b = deep_b->includer;
	}
	if (deep_a->includer_line != deep_b->includer_line)
		return compare_numbers(deep_a->includer_line, deep_b->includer_line);
	return strcmp(deep_a->name, deep_b->name);
}

/* Mistakes outside the configuration come last, as they were found. */
static int
compare_mistakes(const void *left, const void *right)
{
	const struct mistake *a = *(const struct mistake *const *)left;
	const struct mistake *b = *(const struct mistake *const *)right;
	int order = 0;

	if ((a->file == NULL) != (b->file == NULL))
		return a->file == NULL ? 1 : -1;
	if (a->file != NULL && b->file != NULL) {
		order = compare_files(a->file, b->file);
		order = order != 0 ? order : compare_numbers(a->line, b->line);
		order = order != 0 ? order : compare_numbers(a->column, b->column);
	}
	return order != 0 ? order : compare_numbers(a->sequence, b->sequence);
}

/* To be freed by the caller. */
static const struct mistake **
sorted(const struct diag *d)
{
	const struct mistake **list = mem_alloc(mem_product(d->kept, sizeof(*list)));
	size_t i = 0;

	for (const struct mistake *m = d->mistakes; m != NULL; m = m->next)
		list[i++] = m;
	qsort(list, d->kept, sizeof(*list), compare_mistakes);
	return list;
}

void
diag_tell(const struct mistake *m, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out != NULL) {
		print_place(out, m);
		print_safe(out, m->text);
	}
	err_set(err, "%s", out != NULL && fclose(out) == 0 ? text : m->text);
	free(text);
}

void
diag_tell_first(const struct diag *d, struct err *err)
{
	const struct mistake **list = sorted(d);
	size_t i = 0;

	while (i < d->kept && !list[i]->error)
		i++;
	if (i < d->kept)
		diag_tell(list[i], err);
	else
		err_set(err, "too many mistakes");
	free(list);
}

void
diag_print(const struct diag *d, FILE *out)
{
	const struct mistake **list = sorted(d);
	size_t unkept = d->errors + d->warnings - d->kept;

	for (size_t i = 0; i < d->kept; i++)
		print_mistake(out, list[i]);
	if (unkept > 0)
		fprintf(out, "(%zu more not shown)\n", unkept);
	free(list);
}

static void
json_text(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, "\"%s\":", name);
	if (text == NULL)
		buf_add_str(b, "null");
	else
		text_json(b, text, strlen(text));
}

static void
json_mistake(struct buf *b, const struct mistake *m)
{
	struct buf help;

	buf_init(&help, 0);
	for (const struct diag_help *h = m->helps; h != NULL; h = h->next)
		buf_printf(&help, "%s%s", help.len == 0 ? "" : "\n", h->text);
	buf_add_char(b, '{');
	json_text(b, "file", m->name);
	buf_printf(b, ",\"line\":%u,\"column\":%u,", m->line, m->column);
	json_text(b, "severity", m->error ? "error" : "warning");
	buf_add_char(b, ',');
	json_text(b, "message", m->text);
	buf_add_char(b, ',');
	json_text(b, "help", help.len == 0 ? NULL : help.data);
	buf_add_char(b, '}');
	buf_fini(&help);
}

void
diag_print_json(const struct diag *d, FILE *out)
{
	const struct mistake **list = sorted(d);
	struct buf b;

	buf_init(&b, 0);
	for (size_t i = 0; i < d->kept; i++) {
		buf_add_str(&b, i == 0 ? "[" : ",\n ");
		json_mistake(&b, list[i]);
	}
	buf_add_str(&b, d->kept == 0 ? "[]\n" : "]\n");
	fwrite(b.data, 1, b.len, out);
	buf_fini(&b);
	free(list);
}

void
diag_print_count(const struct diag *d, FILE *out)
{
	fprintf(out, "%zu error%s, %zu warning%s.", d->errors, d->errors == 1 ? "" : "s",
		d->warnings, d->warnings == 1 ? "" : "s");
}
