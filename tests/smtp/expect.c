/* SPDX-License-Identifier: MIT */
/*
 * expect.c - the words in which a transcript says what must be answered, and their meaning
 *
 * Pure functions over a table of words, so that a transcript can be understood from this file.
 */
#include "expect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(status) (1u << (status))

#define WELL	(BIT(MTA_NONE) | BIT(MTA_CONTINUE) | BIT(MTA_SKIP))
#define REFUSED (BIT(MTA_REJECT) | BIT(MTA_TEMPFAIL) | BIT(MTA_SHUTDOWN) | BIT(MTA_CLOSED))

static const struct expect_word {
	const char *word;
	unsigned statuses;
} words[] = {
	{"accept", BIT(MTA_ACCEPT)}, /* no later event of this scope is sent */
	{"answered", ~BIT(MTA_NONE) & ~BIT(MTA_TIMEOUT) & ~BIT(MTA_GARBLED)},
	{"any", ~BIT(MTA_TIMEOUT) & ~BIT(MTA_GARBLED)},
	{"close", BIT(MTA_CLOSED)}, /* the filter hung up */
	{"continue", WELL},	    /* no news is good news */
	{"discard", BIT(MTA_DISCARD)},
	{"negotiated", BIT(MTA_NEGOTIATED)},
	{"none", BIT(MTA_NONE)}, /* the filter agreed not to answer, or not to be asked */
	{"ok", WELL | BIT(MTA_ACCEPT)},
	{"refused", REFUSED}, /* for good or for now, or by hanging up */
	{"reject", BIT(MTA_REJECT)},
	{"silence", BIT(MTA_TIMEOUT)}, /* no answer, and the connection stays */
	{"skip", BIT(MTA_SKIP)},       /* no more of the body is wanted */
	{"tempfail", BIT(MTA_TEMPFAIL) | BIT(MTA_SHUTDOWN)},
};

const struct expect expect_ok = {.statuses = WELL | BIT(MTA_ACCEPT), .source = "ok"};

static const struct {
	const char *word;
	enum expect_scope scope;
} scopes[] = {
	{"each ", EXPECT_EACH},
	{"last ", EXPECT_LAST},
	{"some ", EXPECT_SOME},
};

static const char *
after_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

bool
expect_parse(struct expect *e, const char *source)
{
	*e = (struct expect){.scope = EXPECT_EACH, .source = source};
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
		if (strncmp(source, scopes[i].word, strlen(scopes[i].word)) == 0) {
			e->scope = scopes[i].scope;
			source = after_blanks(source + strlen(scopes[i].word));
			break;
		}
	if (source[0] == '4' || source[0] == '5') {
		e->statuses = REFUSED & ~BIT(MTA_CLOSED);
		e->glob = source;
		return isdigit((unsigned char)source[1]) && isdigit((unsigned char)source[2]);
	}
	size_t length = strcspn(source, " \t");
	const char *rest = after_blanks(source + length);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == length && memcmp(words[i].word, source, length) == 0) {
			e->statuses = words[i].statuses;
			e->silence = e->statuses == BIT(MTA_TIMEOUT);
			e->glob = *rest ? rest : NULL;
			return true;
		}
	return false;
}

bool
glob_match(const char *glob, const char *text)
{
	const char *star = NULL;
	const char *resume = text;

	while (*text) {
		if (*glob == '*') {
			star = glob++;
			resume = text;
		} else if (*glob == *text) {
			glob++;
			text++;
		} else if (star) {
			glob = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	return glob[strspn(glob, "*")] == '\0';
}

bool
expect_met(const struct expect *e, enum mta_status status, const char *text, bool end_of_message)
{
	const unsigned taken = WELL | BIT(MTA_ACCEPT);
	unsigned statuses = e->statuses;

	if (end_of_message && (statuses & taken) != 0)
		statuses |= taken;
	if ((statuses & BIT(status)) == 0)
		return false;
	if (!e->glob)
		return true;
	char *line = one_line(text, strlen(text));
	bool met = glob_match(e->glob, line);
	free(line);
	return met;
}

/* Text that grows; out of memory ends the test program. */
struct growing {
	char *text;
	size_t length;
	size_t size;
};

static void
grow(struct growing *g, const char *text)
{
	size_t more = strlen(text);

	while (g->length + more + 1 > g->size) {
		g->size = g->size ? g->size * 2 : 256;
		g->text = realloc(g->text, g->size);
		if (!g->text)
			abort();
	}
	memcpy(g->text + g->length, text, more + 1);
	g->length += more;
}

static void
grow_escaped(struct growing *g, const char *bytes, size_t length)
{
	char piece[8];

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\n')
			grow(g, "\\n");
		else if (c == '\r')
			grow(g, "\\r");
		else {
			snprintf(piece, sizeof piece, c >= ' ' && c != 0x7f ? "%c" : "\\x%02x", c);
			grow(g, piece);
		}
	}
}

char *
one_line(const char *text, size_t length)
{
	struct growing g = {0};

	grow(&g, "");
	while (length > 0) {
		const char *end = memmem(text, length, "\r\n", 2);
		size_t n = end ? (size_t)(end - text) : length;

		grow_escaped(&g, text, n);
		if (end) {
			grow(&g, " / ");
			n += 2;
		}
		text += n;
		length -= n;
	}
	return g.text;
}

/* How an edit reads; %i index, %n name, %v value as it will stand behind the colon, %b body, %o
 * what may follow. */
static const char *const edit_forms[] = {
	[MTA_ADD_HEADER] = "add %n:%v",
	[MTA_ADD_RCPT] = "addrcpt %n%o",
	[MTA_CHANGE_FROM] = "from %n%o",
	[MTA_CHANGE_HEADER] = "change %i %n:%v",
	[MTA_DROP_RCPT] = "delrcpt %n",
	[MTA_INSERT_HEADER] = "insert %i %n:%v",
	[MTA_QUARANTINE] = "quarantine%o",
	[MTA_REPLACE_BODY] = "body \"%b\"",
};

static void
grow_field(struct growing *g, char field, const struct mta_edit *edit, bool leading_space)
{
	const char *value = edit->value ? edit->value : "";
	char index[16];

	if (field == 'i') {
		snprintf(index, sizeof index, "%u", edit->index);
		grow(g, index);
		return;
	}
	if (field == 'n') {
		grow_escaped(g, edit->name, strlen(edit->name));
		return;
	}
	/* The MTA puts a space behind the colon unless the filter took that upon itself. */
	if ((field == 'v' && !leading_space) || (field == 'o' && *value))
		grow(g, " ");
	grow_escaped(g, value, field == 'b' ? edit->length : strlen(value));
}

char *
edit_line(const struct mta_edit *edit, bool leading_space)
{
	struct growing g = {0};
	char piece[2] = "";
	bool removal = edit->kind == MTA_CHANGE_HEADER && edit->value && edit->value[0] == '\0';

	for (const char *p = removal ? "delete %i %n" : edit_forms[edit->kind]; *p; p++) {
		if (*p == '%') {
			grow_field(&g, *++p, edit, leading_space);
		} else {
			piece[0] = *p;
			grow(&g, piece);
		}
	}
	return g.text;
}
