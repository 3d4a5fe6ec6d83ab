/* SPDX-License-Identifier: MIT */
/*
 * log_line.c - how one log entry looks: text, JSON, journal fields
 *
 * A line of text or JSON never exceeds LOG_LINE_MOST: text is cut, JSON leaves out whole fields and
 * stays JSON.
 */
#include "log_line.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "text.h"

/* Octets of one value that are looked at; a longer one is an attack or a mistake. */
#define VALUE_MOST 2048u
/* Kept free for the prefix of a line and for the end of a JSON object. */
#define RESERVE 128u

static const struct {
	const char *name, *prefix;
	unsigned severity;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", "error: ", 3},
	[LOG_LEVEL_WARN] = {"warn", "warning: ", 4},
	[LOG_LEVEL_INFO] = {"info", "", 6},
	[LOG_LEVEL_DEBUG] = {"debug", "debug: ", 7},
};

unsigned
log_line_severity(enum log_level level)
{
	return levels[level].severity;
}

void
log_line_time(int64_t wall, char *out)
{
	time_t t = (time_t)wall;
	struct tm local = {0};
	char offset[8] = "";
	size_t len;

	localtime_r(&t, &local);
	len = strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &local);
	out[len] = '\0';
	if (strftime(offset, sizeof(offset), "%z", &local) == 5)
		snprintf(out + len, 32 - len, "%.3s:%.2s", offset, offset + 3);
}

static void
add_value(struct buf *b, const struct log_field *f)
{
	size_t len;

	if (f->value == NULL) {
		buf_add_char(b, '-');
		return;
	}
	len = strnlen(f->value, VALUE_MOST);
	if (f->style == LOG_QUOTED)
		text_quote(b, f->value, len);
	else
		text_escape_word(b, f->value, len);
}

static void
record_text(struct buf *b, const struct log_entry *e)
{
	const char *id = e->queue_id == NULL ? "NOQUEUE" : e->queue_id;

	text_escape_word(b, id, strnlen(id, VALUE_MOST));
	buf_add_char(b, ':');
	for (unsigned i = 0; i < e->count; i++) {
		buf_add_char(b, ' ');
		buf_add_str(b, e->fields[i].name);
		buf_add_char(b, '=');
		add_value(b, &e->fields[i]);
	}
}

/* Backslashes stay: what came from the network was quoted by whoever made the sentence. */
static void
sentence_text(struct buf *b, const struct log_entry *e)
{
	buf_add_str(b, levels[e->level].prefix);
	for (const char *p = e->text; *p != '\0';) {
		size_t len = strcspn(p, "\\");

		text_escape(b, p, len);
		p += len;
		len = strspn(p, "\\");
		buf_add(b, p, len);
		p += len;
	}
}

static void
fill_text(struct buf *b, const struct log_entry *e)
{
	if (e->text == NULL)
		record_text(b, e);
	else
		sentence_text(b, e);
}

void
log_line_text(struct buf *out, const struct log_entry *e)
{
	struct buf b;

	buf_init(&b, LOG_LINE_MOST - RESERVE);
	fill_text(&b, e);
	buf_add(out, b.data, b.len);
	if (buf_cut(&b))
		buf_add_str(out, "...");
	buf_fini(&b);
}

static bool
json_number(const char *text)
{
	const char *p = text + (*text == '-');
	size_t digits = strspn(p, "0123456789");

	if (digits == 0 || digits > 18 || (*p == '0' && digits > 1))
		return false;
	p += digits;
	if (*p == '\0')
		return true;
	digits = *p == '.' ? strspn(p + 1, "0123456789") : 0;
	return digits > 0 && digits < 18 && p[1 + digits] == '\0';
}

static void
json_value(struct buf *b, const char *value, size_t len, enum log_style style)
{
	if (value == NULL)
		buf_add_str(b, "null");
	else if (style == LOG_NUMBER && json_number(value))
		buf_add_str(b, value);
	else
		text_json(b, value, len);
}

/* Adds ,"name":value; a value that does not fit is shortened, since half a string is no JSON. */
static void
json_member(struct buf *b, const char *name, const char *value, enum log_style style)
{
	size_t start = b->len;
	size_t len = value == NULL ? 0 : strnlen(value, VALUE_MOST);
	bool cut = buf_cut(b);

	for (;;) {
		b->cut = false;
		buf_printf(b, ",\"%s\":", name);
		json_value(b, value, len, style);
		if (!buf_cut(b))
			break;
		b->len = start;
		b->data[start] = '\0';
		if (len == 0)
			return;
		len /= 2;
		style = LOG_QUOTED;
		cut = true;
	}
	b->cut = cut;
}

/* The object has the time of day under "time"; each name is there once. */
static const char *
json_name(const char *name)
{
	return strcmp(name, "time") == 0 ? "took" : name;
}

static void
fill_json(struct buf *b, const struct log_entry *e)
{
	char when[32];

	log_line_time(e->wall, when);
	buf_printf(b, "{\"time\":\"%s\",\"pid\":%d", when, e->pid);
	json_member(b, "level", levels[e->level].name, LOG_WORD);
	if (e->text != NULL) {
		json_member(b, "message", e->text, LOG_QUOTED);
		return;
	}
	json_member(b, "queue_id", e->queue_id, LOG_WORD);
	for (unsigned i = 0; i < e->count; i++)
		json_member(
			b, json_name(e->fields[i].name), e->fields[i].value, e->fields[i].style);
}

void
log_line_json(struct buf *out, const struct log_entry *e)
{
	struct buf b;

	buf_init(&b, LOG_LINE_MOST - RESERVE);
	fill_json(&b, e);
	buf_add(out, b.data, b.len);
	buf_add_str(out, buf_cut(&b) ? ",\"cut\":true}" : "}");
	buf_fini(&b);
}

/* The form with a length, valid for every value. */
static void
journal_field(struct buf *b, const char *name, const char *value, size_t len)
{
	unsigned char size[8];

	for (unsigned i = 0; i < sizeof(size); i++)
		size[i] = (unsigned char)((uint64_t)len >> 8 * i);
	buf_printf(b, "%s\n", name);
	buf_add(b, size, sizeof(size));
	buf_add(b, value, len);
	buf_add_char(b, '\n');
}

static void
journal_record(struct buf *b, const struct log_entry *e)
{
	struct buf value;

	buf_init(&value, VALUE_MOST);
	if (e->queue_id != NULL) {
		text_escape_word(&value, e->queue_id, strnlen(e->queue_id, VALUE_MOST));
		journal_field(b, "QUEUE_ID", value.data, value.len);
	}
	for (unsigned i = 0; i < e->count; i++) {
		const struct log_field *f = &e->fields[i];

		if (f->journal == NULL || f->value == NULL || b->len > 4 * LOG_LINE_MOST)
			continue;
		buf_clear(&value);
		text_escape(&value, f->value, strnlen(f->value, VALUE_MOST));
		journal_field(b, f->journal, value.data, value.len);
	}
	buf_fini(&value);
}

void
log_line_journal(struct buf *b, const struct log_entry *e, enum log_format format)
{
	struct buf message;

	buf_init(&message, 0);
	if (format == LOG_FORMAT_JSON)
		log_line_json(&message, e);
	else
		log_line_text(&message, e);
	journal_field(b, "MESSAGE", message.data, message.len);
	buf_fini(&message);
	buf_printf(b, "PRIORITY=%u\nSYSLOG_IDENTIFIER=" LOG_IDENT "\n", levels[e->level].severity);
	if (e->text == NULL)
		journal_record(b, e);
}
