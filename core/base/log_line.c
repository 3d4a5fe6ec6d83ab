/* SPDX-License-Identifier: MIT */
/*
 * log_line.c - how one log entry looks: text, JSON, journal fields
 *
 * A line of text or JSON never exceeds LOG_LINE_MOST: text is cut, JSON leaves out whole fields and
 * stays JSON.
 */
#include "log_line.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "mem.h"
#include "text.h"

/* Octets of one value that are looked at; a longer one is an attack or a mistake. */
#define VALUE_MOST 2048u
/* Kept free for the prefix of a line and for the end of a JSON object. */
#define RESERVE 128u
#define MOST	(LOG_LINE_MOST - RESERVE)
/* Octets of most lines. */
#define USUAL 512u

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

/* At least two digits. Returns their end. */
static char *
write_two(char *out, long n)
{
	if (n < 10)
		*out++ = '0';
	return text_number(out, (uint64_t)n);
}

/* RFC 3339 section 5.6: seconds east of Greenwich as hours and minutes. */
static char *
write_offset(char *out, long seconds)
{
	long minutes = (seconds < 0 ? -seconds : seconds) / 60;

	*out++ = seconds < 0 ? '-' : '+';
	out = write_two(out, minutes / 60);
	*out++ = ':';
	return write_two(out, minutes % 60);
}

/* Of every line, so without strftime() and printf(). */
void
log_line_time(int64_t wall, char *out)
{
	time_t t = (time_t)(wall > 0 ? wall : 0);
	struct tm local = {0};

	localtime_r(&t, &local);
	out = text_number(out, (uint64_t)local.tm_year + 1900);
	*out++ = '-';
	out = write_two(out, local.tm_mon + 1);
	*out++ = '-';
	out = write_two(out, local.tm_mday);
	*out++ = 'T';
	out = write_two(out, local.tm_hour);
	*out++ = ':';
	out = write_two(out, local.tm_min);
	*out++ = ':';
	out = write_two(out, local.tm_sec);
	write_offset(out, local.tm_gmtoff);
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

/* Appends what fill writes of the entry, at most MOST octets; true when that was not all. */
static bool
fill_bounded(struct buf *out, const struct log_entry *e,
	void (*fill)(struct buf *, const struct log_entry *))
{
	struct buf was = *out;
	bool cut;

	buf_reserve(out, USUAL);
	out->limit = mem_sum(out->len, MOST);
	if (was.limit != 0 && was.limit < out->limit)
		out->limit = was.limit;
	out->cut = false;
	fill(out, e);
	cut = out->cut;
	out->limit = was.limit;
	out->cut = was.cut;
	return cut;
}

void
log_line_text(struct buf *out, const struct log_entry *e)
{
	if (fill_bounded(out, e, fill_text))
		buf_add_str(out, "...");
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
		buf_add_str(b, ",\"");
		buf_add_str(b, name);
		buf_add_str(b, "\":");
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
	char when[32], pid[TEXT_NUMBER];

	log_line_time(e->wall, when);
	text_number(pid, (uint64_t)e->pid);
	buf_add_str(b, "{\"time\":\"");
	buf_add_str(b, when);
	buf_add_str(b, "\",\"pid\":");
	buf_add_str(b, pid);
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
	buf_add_str(out, fill_bounded(out, e, fill_json) ? ",\"cut\":true}" : "}");
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
