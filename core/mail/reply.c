/* SPDX-License-Identifier: MIT */
/*
 * reply.c - what the SMTP client is told
 *
 * Text comes from rules and plugins and may hold what the network sent; all of it passes clean()
 * before anybody keeps it.
 */
#include "reply.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "stage.h"

#define CUT "..."

/* What is said when a link says nothing. */
struct words {
	int code;
	const char *status, *text;
};

static const struct words refused[] = {
	[CM_REJECT] = {550, "5.7.1", "Refused by local policy"},
	[CM_TEMPFAIL] = {451, "4.7.1", "Refused for now, please try again later"},
};

static const struct words failed[] = {
	[CM_REJECT] = {550, "5.3.0", "A check of this message could not be completed"},
	[CM_TEMPFAIL] = {451, "4.3.0", "Temporary problem, please try again later"},
};

/* One to three digits up to stop, no leading zero (RFC 3463 section 2); NULL when not. */
static const char *
number(const char *p, char stop)
{
	size_t digits = strspn(p, "0123456789");

	if (digits < 1 || digits > 3 || p[digits] != stop || (digits > 1 && *p == '0'))
		return NULL;
	return p + digits + 1;
}

static bool
status_valid(const char *status, int class)
{
	const char *p;

	if (status == NULL || status[0] != '0' + class || status[1] != '.')
		return false;
	p = number(status + 2, '.');
	return p != NULL && number(p, '\0') != NULL;
}

/* RFC 5321 section 4.2: the second digit is 0 to 5. */
static bool
code_valid(int code)
{
	return code >= 400 && code <= 599 && code / 10 % 10 <= 5;
}

static char
clean_octet(char c)
{
	/* A line break that is left belongs to a fold. */
	if (c == '\t' || c == '\n')
		return ' ';
	return c < 0x20 || c > 0x7e ? '?' : c;
}

/* One line of text, at most room octets, without blanks at its end; returns what was written. */
static size_t
clean_line(char *out, size_t room, const char *line, size_t len)
{
	size_t n = len < room ? len : room;

	for (size_t i = 0; i < n; i++)
		out[i] = clean_octet(line[i]);
	while (n > 0 && out[n - 1] == ' ')
		n--;
	return n;
}

/* Where the line ends: at a line break, but not at the fold of a header field (RFC 5322 2.2.3). */
static size_t
line_length(const char *text)
{
	size_t len = strcspn(text, "\n");

	while (text[len] == '\n' && (text[len + 1] == ' ' || text[len + 1] == '\t'))
		len += 1 + strcspn(text + len + 1, "\n");
	return len;
}

/*
 * Fills out (most octets and a NUL) with the lines of text that are not empty. False when
 * something was left out.
 */
static bool
clean(char *out, size_t most, const char *text)
{
	size_t used = 0, lines = 0;
	bool whole = true;

	while (*text != '\0') {
		size_t len = line_length(text);
		size_t shown =
			len > 0 && text[len] == '\n' && text[len - 1] == '\r' ? len - 1 : len;
		size_t sep = lines > 0 ? 1 : 0;
		size_t n;

		if (shown > 0 && (lines == REPLY_LINES_MAX || used + sep >= most)) {
			whole = false;
			break;
		}
		n = clean_line(out + used + sep, most - used - sep, text, shown);
		if (n > 0) {
			if (sep > 0)
				out[used] = '\n';
			whole = whole && shown <= most - used - sep;
			used += sep + n;
			lines++;
		}
		text += len + (text[len] == '\n');
	}
	out[used] = '\0';
	return whole;
}

/* Writes " (id ID)" or nothing; an id is ours and short. */
static size_t
write_tail(char *out, size_t size, const char *id)
{
	int n = id == NULL ? 0 : snprintf(out, size, " (id %s)", id);

	if (n <= 0 || (size_t)n >= size) {
		out[0] = '\0';
		return 0;
	}
	return (size_t)n;
}

static const char *
make_text(struct arena *arena, const char *id, const char *text)
{
	char out[REPLY_TEXT_MAX + 1], tail[64];
	size_t room = REPLY_TEXT_MAX - write_tail(tail, sizeof(tail), id);

	if (!clean(out, room, text)) {
		clean(out, room - strlen(CUT), text);
		memcpy(out + strlen(out), CUT, sizeof(CUT));
	}
	return arena_printf(arena, "%s%s", out, tail);
}

bool
reply_set(struct reply *reply, struct arena *arena, const char *id, struct err *err, int code,
	const char *status, const char *text)
{
	if (!code_valid(code))
		return err_set(err, "%d is not a reply code of class 4yz or 5yz", code);
	if (!status_valid(status, code / 100))
		return err_set(err, "needs a %dyz code and a %d.y.z status, got %d %.20s",
			code / 100, code / 100, code, status == NULL ? "none" : status);
	if (text == NULL || text[strspn(text, " \t\r\n")] == '\0')
		text = refused[code < 500 ? CM_TEMPFAIL : CM_REJECT].text;
	reply->code = code;
	snprintf(reply->status, sizeof(reply->status), "%s", status);
	reply->text = make_text(arena, id, text);
	return true;
}

static void
set_words(struct reply *reply, struct arena *arena, const char *id, const struct words *w)
{
	reply->code = w->code;
	snprintf(reply->status, sizeof(reply->status), "%s", w->status);
	reply->text = make_text(arena, id, w->text);
}

void
reply_default(struct reply *reply, struct arena *arena, const char *id, enum cm_verdict v)
{
	*reply = (struct reply){0};
	if (v == CM_REJECT || v == CM_TEMPFAIL)
		set_words(reply, arena, id, &refused[v]);
}

void
reply_failure(struct reply *reply, struct arena *arena, const char *id, enum cm_verdict v)
{
	*reply = (struct reply){0};
	if (v == CM_REJECT || v == CM_TEMPFAIL)
		set_words(reply, arena, id, &failed[v]);
}

void
reply_move(struct reply *reply, struct arena *arena, const char *from, const char *to)
{
	char old[64];
	size_t tail, len;

	if (reply->code == 0)
		return;
	tail = write_tail(old, sizeof(old), from);
	len = strlen(reply->text);
	if (tail > 0 && len >= tail && strcmp(reply->text + len - tail, old) == 0)
		reply->text = make_text(arena, to, arena_strndup(arena, reply->text, len - tail));
}

bool
reply_fits(const struct reply *reply, enum cm_verdict v)
{
	if (reply->code == 0 || (v != CM_REJECT && v != CM_TEMPFAIL))
		return true;
	return reply->code / 100 == (v == CM_REJECT ? 5 : 4);
}

char *
reply_line(const struct reply *reply, struct arena *arena)
{
	char out[3 * REPLY_TEXT_MAX + 1];
	size_t n = 0;

	for (const char *p = reply->text; *p != '\0' && n + 3 < sizeof(out); p++) {
		if (*p == '\n') {
			memcpy(out + n, " / ", 3);
			n += 3;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
	return arena_printf(arena, "%d %s %s", reply->code, reply->status, out);
}
