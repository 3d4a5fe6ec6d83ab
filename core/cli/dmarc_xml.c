/* SPDX-License-Identifier: MIT */
/*
 * dmarc_xml.c - aggregate reports on DMARC (RFC 9990)
 *
 * Rows of the daemon become elements, in the order in which the RFC lists them. Their texts are
 * those of strangers, so all that is no plain character is escaped or replaced.
 */
#include "dmarc_xml.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"

static const char *
text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text == NULL ? "" : text;
}

static long long
number_of(const json_t *row, const char *name)
{
	return (long long)json_integer_value(json_object_get(row, name));
}

/* --- XML --- */

/* Octets of the character at p that is not ASCII; 0: it is none that XML 1.0 has. */
static size_t
character(const char *p, size_t left)
{
	size_t valid = text_utf8_valid(p, left < 4 ? left : 4), len = 1;

	while (len < valid && (p[len] & 0xc0) == 0x80)
		len++;
	/* U+FFFE and U+FFFF are characters, and in no document. */
	if (valid == 0 || (len == 3 && memcmp(p, "\xef\xbf", 2) == 0 && (p[2] & 0x3f) >= 0x3e))
		return 0;
	return len;
}

/* What stands in a text for an octet of ASCII; NULL: itself. */
static const char *
entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return c < ' ' || c == 0x7f ? "?" : NULL;
	}
}

/* One character at p, or '?' for what is none; the octets that it takes. */
static size_t
add_char(struct buf *out, const char *p, size_t left)
{
	bool ascii = (*p & 0x80) == 0;
	const char *instead = ascii ? entity(*p) : NULL;
	size_t len = ascii ? 1 : character(p, left);

	if (instead != NULL)
		buf_add_str(out, instead);
	else if (len > 0)
		buf_add(out, p, len);
	else
		buf_add_char(out, '?');
	return len == 0 ? 1 : len;
}

static void
add_text(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;)
		i += add_char(out, text + i, len - i);
}

static void
indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_add_str(out, "  ");
}

static void
add_part(struct buf *out, int depth, const char *name, const char *text, size_t len)
{
	indent(out, depth);
	buf_printf(out, "<%s>", name);
	add_text(out, text, len);
	buf_printf(out, "</%s>\n", name);
}

static void
add(struct buf *out, int depth, const char *name, const char *text)
{
	add_part(out, depth, name, text, strlen(text));
}

/* What is not there has no element. */
static void
add_some(struct buf *out, int depth, const char *name, const char *text)
{
	if (text[0] != '\0')
		add(out, depth, name, text);
}

static void
add_number(struct buf *out, int depth, const char *name, long long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", number);
	add(out, depth, name, text);
}

static void
open_tag(struct buf *out, int depth, const char *name)
{
	indent(out, depth);
	buf_printf(out, "<%s>\n", name);
}

static void
close_tag(struct buf *out, int depth, const char *name)
{
	indent(out, depth);
	buf_printf(out, "</%s>\n", name);
}

/* --- who reports what --- */

/* FNV-1a of all that tells a report from another. */
void
dmarc_xml_id(char out[DMARC_XML_ID_SIZE], const json_t *report)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	char numbers[64];
	const char *const parts[] = {text_of(report, "receiver"), "!", text_of(report, "domain"),
		"!", text_of(report, "link"), numbers};

	snprintf(numbers, sizeof(numbers), "!%lld!%lld", number_of(report, "begin_at"),
		number_of(report, "end_at"));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		for (const char *p = parts[i]; *p != '\0'; p++)
			h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	}
	snprintf(out, DMARC_XML_ID_SIZE, "%016" PRIx64, h);
}

static bool
is_domain(const char *text)
{
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return len > 0 && text[len] == '\0' && text[0] != '.';
}

bool
dmarc_xml_file(const json_t *report, char *out, size_t size)
{
	char id[DMARC_XML_ID_SIZE];
	int len;

	dmarc_xml_id(id, report);
	len = snprintf(out, size, "%s!%s!%lld!%lld!%s.xml.gz", text_of(report, "receiver"),
		text_of(report, "domain"), number_of(report, "begin_at"),
		number_of(report, "end_at"), id);
	return is_domain(text_of(report, "receiver")) && is_domain(text_of(report, "domain")) &&
	       len > 0 && (size_t)len < size;
}

static void
add_metadata(struct buf *out, const json_t *report)
{
	char id[DMARC_XML_ID_SIZE];
	long long dropped = number_of(report, "dropped");

	dmarc_xml_id(id, report);
	open_tag(out, 1, "report_metadata");
	add(out, 2, "org_name", text_of(report, "org_name"));
	add(out, 2, "email", text_of(report, "email"));
	add_some(out, 2, "extra_contact_info", text_of(report, "extra_contact_info"));
	add(out, 2, "report_id", id);
	open_tag(out, 2, "date_range");
	add_number(out, 3, "begin", number_of(report, "begin_at"));
	add_number(out, 3, "end", number_of(report, "end_at"));
	close_tag(out, 2, "date_range");
	if (dropped > 0)
		buf_printf(out,
			"    <error>messages that were of too many kinds to be listed: "
			"%lld</error>\n",
			dropped);
	add(out, 2, "generator", "Chainmail " CHAINMAIL_VERSION);
	close_tag(out, 1, "report_metadata");
}

static void
add_policy(struct buf *out, const json_t *report)
{
	static const char *const names[] = {
		"discovery_method", "p", "sp", "np", "fo", "adkim", "aspf", "testing"};

	open_tag(out, 1, "policy_published");
	add(out, 2, "domain", text_of(report, "domain"));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		add_some(out, 2, names[i], text_of(report, names[i]));
	close_tag(out, 1, "policy_published");
}

/* --- records --- */

/* Behind the first n words, with one blank after each. */
static const char *
skip_words(const char *item, size_t len, size_t n)
{
	const char *p = item;

	for (; n > 0; n--) {
		size_t word = 0;

		while (p + word < item + len && p[word] != ' ')
			word++;
		p += word;
		if (p < item + len)
			p++;
	}
	return p;
}

static void
add_reason(struct buf *out, const char *item, size_t len)
{
	const char *comment = skip_words(item, len, 1);
	size_t left = (size_t)(item + len - comment);
	size_t type = left > 0 ? (size_t)(comment - item) - 1 : len;

	open_tag(out, 4, "reason");
	add_part(out, 5, "type", item, type);
	if (left > 0)
		add_part(out, 5, "comment", comment, left);
	close_tag(out, 4, "reason");
}

static void
add_signature(struct buf *out, const char *item, size_t len)
{
	static const char *const names[] = {"domain", "selector", "result"};

	open_tag(out, 3, "dkim");
	for (size_t i = 0; i < 3; i++) {
		const char *word = skip_words(item, len, i);
		size_t left = (size_t)(item + len - word), end = 0;

		while (end < left && word[end] != ' ')
			end++;
		add_part(out, 4, names[i], word, end);
	}
	close_tag(out, 3, "dkim");
}

/* Each item of a list with ";" between. */
static void
add_list(struct buf *out, const char *list, void (*add_item)(struct buf *, const char *, size_t))
{
	while (*list != '\0') {
		size_t len = strcspn(list, ";");

		if (len > 0)
			add_item(out, list, len);
		list += len + (list[len] == ';');
	}
}

static void
add_row(struct buf *out, const json_t *row)
{
	open_tag(out, 2, "row");
	add(out, 3, "source_ip", text_of(row, "source_ip"));
	add_number(out, 3, "count", number_of(row, "count"));
	open_tag(out, 3, "policy_evaluated");
	add(out, 4, "disposition", text_of(row, "disposition"));
	add(out, 4, "dkim", text_of(row, "dkim"));
	add(out, 4, "spf", text_of(row, "spf"));
	add_list(out, text_of(row, "reasons"), add_reason);
	close_tag(out, 3, "policy_evaluated");
	close_tag(out, 2, "row");
}

static void
add_record(struct buf *out, const json_t *row)
{
	open_tag(out, 1, "record");
	add_row(out, row);
	open_tag(out, 2, "identifiers");
	add(out, 3, "header_from", text_of(row, "header_from"));
	add(out, 3, "envelope_from", text_of(row, "envelope_from"));
	close_tag(out, 2, "identifiers");
	open_tag(out, 2, "auth_results");
	add_list(out, text_of(row, "dkim_results"), add_signature);
	if (text_of(row, "spf_result")[0] != '\0') {
		open_tag(out, 3, "spf");
		add(out, 4, "domain", text_of(row, "spf_domain"));
		add(out, 4, "scope", "mfrom");
		add(out, 4, "result", text_of(row, "spf_result"));
		close_tag(out, 3, "spf");
	}
	close_tag(out, 2, "auth_results");
	close_tag(out, 1, "record");
}

void
dmarc_xml(struct buf *out, const json_t *report, const json_t *rows, size_t first, size_t end)
{
	buf_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<feedback xmlns=\"" NAMESPACE "\">\n");
	add(out, 1, "version", "1.0");
	add_metadata(out, report);
	add_policy(out, report);
	for (size_t i = first; i < end; i++)
		add_record(out, json_array_get(rows, i));
	buf_add_str(out, "</feedback>\n");
}
