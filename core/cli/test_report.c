/* SPDX-License-Identifier: MIT */
/*
 * test_report.c - results for other programs: JUnit's XML, and JSON
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "host/script_cover.h"
#include "test.h"

/* --- JUnit ---------------------------------------------------------------------------------------
 */

/* XML 1.0 has no control characters but tab and line breaks, and no octets that are not UTF-8. */
static void
print_xml(FILE *out, const char *text)
{
	size_t len = strlen(text), i = 0;

	while (i < len) {
		size_t valid = i + text_utf8_valid(text + i, len - i);

		for (; i < valid; i++) {
			unsigned char c = (unsigned char)text[i];

			if (strchr("<>&\"", c) != NULL || c == '\n')
				fprintf(out, "&#%u;", c);
			else
				fputc((c < ' ' && c != '\t') || c == 0x7f ? '?' : c, out);
		}
		if (i < len) {
			fputc('?', out);
			i++;
		}
	}
}

static void
print_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	print_xml(out, value);
	fputc('"', out);
}

static void
print_part(FILE *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	fprintf(out, "%s: ", name);
	print_xml(out, text);
	fputc('\n', out);
}

static void
print_failure(FILE *out, const struct test_result *r)
{
	fprintf(out, "      <failure");
	print_attribute(out, "message", r->got);
	fprintf(out, ">");
	print_part(out, "wanted", r->wanted);
	print_part(out, "got", r->got);
	print_part(out, "trace", r->trace);
	fprintf(out, "</failure>\n");
}

static void
print_testcase(FILE *out, const struct test_result *r)
{
	fprintf(out, "    <testcase");
	print_attribute(out, "name", r->name != NULL ? r->name : TEST_THE_FILE);
	print_attribute(out, "classname", r->rule);
	print_attribute(out, "file", r->file);
	fprintf(out, " line=\"%u\" time=\"%.6f\"", r->line, (double)r->us / 1e6);
	if (r->ok) {
		fprintf(out, "/>\n");
		return;
	}
	fprintf(out, ">\n");
	print_failure(out, r);
	fprintf(out, "    </testcase>\n");
}

/* The results of one file stand together; returns the first of the next. */
static const struct test_result *
print_suite(FILE *out, const struct test_result *first)
{
	const struct test_result *end = first;
	size_t count = 0, failed = 0;

	for (; end != NULL && strcmp(end->file, first->file) == 0; end = end->next) {
		count++;
		failed += !end->ok;
	}
	fprintf(out, "  <testsuite");
	print_attribute(out, "name", first->rule);
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n", count,
		failed);
	for (const struct test_result *r = first; r != end; r = r->next)
		print_testcase(out, r);
	fprintf(out, "  </testsuite>\n");
	return end;
}

void
test_print_junit(const struct test_run *run, FILE *out)
{
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"chainmail test\" tests=\"%zu\" failures=\"%zu\" "
		"time=\"%.6f\">\n",
		run->passed + run->failed, run->failed, (double)run->us / 1e6);
	for (const struct test_result *r = run->results; r != NULL;)
		r = print_suite(out, r);
	fprintf(out, "</testsuites>\n");
}

/* --- JSON ----------------------------------------------------------------------------------------
 */

static void
add_text(struct buf *b, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(b, ",\"%s\":", name);
	text_json(b, text, strlen(text));
}

static void
add_result(struct buf *b, const struct test_result *r)
{
	buf_printf(b, "{\"ok\":%s,\"line\":%u", r->ok ? "true" : "false", r->line);
	add_text(b, "rule", r->rule);
	add_text(b, "file", r->file);
	add_text(b, "name", r->name);
	add_text(b, "wanted", r->wanted);
	add_text(b, "got", r->got);
	add_text(b, "trace", r->trace);
	buf_add_char(b, '}');
}

static void
add_cover(struct buf *b, const struct script_cover_file *file)
{
	const char *comma = "";

	buf_printf(b, "{\"lines\":%zu,\"run\":%zu", file->lines, file->run);
	add_text(b, "file", file->path);
	buf_add_str(b, ",\"never\":[");
	for (unsigned line = 1; line <= file->last; line++) {
		if (!script_cover_missed(file, line))
			continue;
		buf_printf(b, "%s%u", comma, line);
		comma = ",";
	}
	buf_add_str(b, "]}");
}

void
test_print_json(const struct test_run *run)
{
	struct script_cover_file file;
	struct buf b;

	buf_init(&b, 0);
	buf_printf(&b, "{\"passed\":%zu,\"failed\":%zu,\"cases\":[", run->passed, run->failed);
	for (const struct test_result *r = run->results; r != NULL; r = r->next) {
		add_result(&b, r);
		buf_add_str(&b, r->next != NULL ? "," : "");
	}
	buf_add_str(&b, "],\"coverage\":[");
	for (size_t i = 0; script_cover_at(run->cover, i, &file); i++) {
		buf_add_str(&b, i > 0 ? "," : "");
		add_cover(&b, &file);
	}
	buf_add_str(&b, "]}");
	puts(b.data);
	fflush(stdout);
	buf_fini(&b);
}
