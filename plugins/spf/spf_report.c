/* SPDX-License-Identifier: MIT */
/*
 * spf_report.c - what a result says to postmasters, logs and headers
 *
 * Names and addresses are a client's words, so they are shown as printable ASCII and quoted where
 * a header would read them.
 */
#include "spf_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "spf_text.h"

#define PART_SIZE 128

struct part {
	char text[PART_SIZE];
};

static struct part
shown(const char *text)
{
	struct part part;

	spf_show(part.text, sizeof(part.text), text, strlen(text));
	return part;
}

/* A text that grows in its buffer; what does not fit is cut. */
struct line {
	char *text;
	size_t size, len;
};

static void add(struct line *, const char *format, ...) CM_PRINTF(2, 3);

static void
add(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->len, line->size - line->len, format, args);
	va_end(args);
	if (n > 0)
		line->len +=
			(size_t)n < line->size - line->len ? (size_t)n : line->size - line->len - 1;
}

void
spf_report_reason(char *out, size_t size, const struct spf_identity *id, const struct spf_result *r)
{
	struct line line = {out, size, 0};

	add(&line, "%s", shown(id->domain).text);
	if (r->domain[0] != '\0' && strcmp(r->domain, id->domain) != 0)
		add(&line, " -> %s", r->domain);
	if (r->record[0] != '\0')
		add(&line, " \"%s\"", r->record);
	if (r->problem[0] != '\0')
		add(&line, ": %s", r->problem);
	else
		add(&line, "; matched \"%s\"", r->mechanism);
	add(&line, "; %u of %u lookups, %u void", r->lookups, SPF_MAX_LOOKUPS, r->voids);
}

void
spf_report_sentence(
	char *out, size_t size, const struct spf_identity *id, const struct spf_result *r)
{
	struct part domain = shown(id->domain);

	switch (r->code) {
	case SPF_PASS:
		snprintf(out, size, "%s lets %s send its mail", domain.text, id->ip);
		return;
	case SPF_FAIL:
		snprintf(out, size, "%s does not let %s send its mail (\"%.60s\" matched)",
			domain.text, id->ip, r->mechanism);
		return;
	case SPF_SOFTFAIL:
		snprintf(out, size, "%s probably does not let %s send its mail (\"%.60s\" matched)",
			domain.text, id->ip, r->mechanism);
		return;
	case SPF_NEUTRAL:
		snprintf(out, size, "%s does not say whether %s may send its mail", domain.text,
			id->ip);
		return;
	case SPF_NONE:
		snprintf(out, size, "%s has no SPF policy",
			domain.text[0] == '\0' ? "the sender" : domain.text);
		return;
	case SPF_TEMPERROR:
		snprintf(out, size, "the policy of %s cannot be looked up now (%s)", domain.text,
			r->problem);
		return;
	case SPF_PERMERROR:
		snprintf(
			out, size, "the policy of %s cannot be used (%s)", domain.text, r->problem);
		return;
	case SPF_CODES:
		break;
	}
	out[0] = '\0';
}

/* A value as a quoted-string, whatever it holds (RFC 5322 section 3.2.4). */
static void
add_quoted(struct line *line, const char *key, const char *value)
{
	struct part part = shown(value);

	add(line, ";\n\t%s=\"", key);
	for (const char *p = part.text; *p != '\0'; p++)
		add(line, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
	add(line, "\"");
}

/* A comment, whatever it holds (RFC 5322 section 3.2.2). */
static void
add_comment(struct line *line, const char *text)
{
	add(line, "(");
	for (const char *p = text; *p != '\0'; p++)
		add(line, "%s%c", strchr("()\\", *p) != NULL ? "\\" : "", *p);
	add(line, ")");
}

void
spf_report_received(
	char *out, size_t size, const struct spf_identity *id, const struct spf_result *r)
{
	struct line line = {out, size, 0};
	char sentence[2 * SPF_SHOWN_SIZE];

	spf_report_sentence(sentence, sizeof(sentence), id, r);
	add(&line, "%s ", spf_code_name(r->code));
	add_comment(&line, sentence);
	add(&line, "\n\treceiver=%s;\n\tidentity=%s;\n\tclient-ip=\"%s\"", id->receiver, id->scope,
		id->ip);
	add_quoted(&line, "envelope-from", id->sender);
	add_quoted(&line, "helo", id->helo);
	if (r->mechanism[0] != '\0')
		add_quoted(&line, "mechanism", r->mechanism);
	if (r->problem[0] != '\0')
		add_quoted(&line, "problem", r->problem);
}
