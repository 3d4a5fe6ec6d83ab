/* SPDX-License-Identifier: MIT */
/*
 * edit.c - edits are checked and queued
 *
 * What stands in a queue can be put in a message as it is: names and values that could break the
 * header section, or be read as another field, are refused where they are asked for.
 */
#include "edit.h"

#include <stdint.h>
#include <string.h>

#include "address.h"
#include "base/arena.h"
#include "base/err.h"

static bool check_body(const struct edit_queue *, struct arena *, struct edit *, struct err *);
static bool check_field(const struct edit_queue *, struct arena *, struct edit *, struct err *);
static bool check_rcpt(const struct edit_queue *, struct arena *, struct edit *, struct err *);
static bool check_sender(const struct edit_queue *, struct arena *, struct edit *, struct err *);
static bool check_set(const struct edit_queue *, struct arena *, struct edit *, struct err *);
static bool check_words(const struct edit_queue *, struct arena *, struct edit *, struct err *);

/*
 * check makes the edit's own copies; false when it could not stand in a message. Of kinds that
 * cost memory each time they are planned, and of which the last wins, few may be queued.
 */
static const struct kind {
	const char *name;
	unsigned right;
	unsigned most;
	bool (*check)(const struct edit_queue *, struct arena *, struct edit *, struct err *);
} kinds[EDIT_KINDS] = {
	[EDIT_BODY] = {"replace body", CM_EDIT_BODY, 4, check_body},
	[EDIT_SENDER] = {"change sender", CM_EDIT_SENDER, EDITS_MAX, check_sender},
	[EDIT_ADD_RCPT] = {"add recipient", CM_EDIT_RCPTS, EDITS_MAX, check_rcpt},
	[EDIT_DROP_RCPT] = {"drop recipient", CM_EDIT_RCPTS, EDITS_MAX, check_rcpt},
	[EDIT_SET_HEADER] = {"set header", CM_EDIT_HEADERS, EDITS_MAX, check_set},
	[EDIT_PREFIX_SUBJECT] = {"prefix subject", CM_EDIT_HEADERS, 16, check_words},
	[EDIT_INSERT_HEADER] = {"insert header", CM_EDIT_HEADERS, EDITS_MAX, check_field},
	[EDIT_ADD_HEADER] = {"add header", CM_EDIT_HEADERS, EDITS_MAX, check_field},
	[EDIT_QUARANTINE] = {"quarantine", CM_EDIT_QUARANTINE, EDITS_MAX, check_words},
};

/* RFC 5322 section 2.2: 1*ftext. */
static bool
name_valid(const char *name, struct err *err)
{
	size_t len = strnlen(name, EDIT_NAME_MAX + 1);

	if (len == 0)
		return err_set(err, "the name of a header field is empty");
	if (len > EDIT_NAME_MAX)
		return err_set(
			err, "the name of a header field has more than %u octets", EDIT_NAME_MAX);
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= 0x20 || name[i] > 0x7e || name[i] == ':')
			return err_set(err, "octet 0x%02x cannot stand in the name of a field",
				(unsigned)(unsigned char)name[i]);
	}
	return true;
}

/* Copies a value with its folds as LF (the milter protocol wants no CR); NULL: it is none. */
static const char *
copy_value(struct arena *arena, const char *value, struct err *err)
{
	size_t len = strnlen(value, EDIT_VALUE_MAX + 1), n = 0;
	char *out;

	if (len > EDIT_VALUE_MAX) {
		err_set(err, "the value has more than %u octets", EDIT_VALUE_MAX);
		return NULL;
	}
	out = arena_alloc(arena, len + 1);
	for (size_t i = 0; i < len; i++) {
		size_t fold = value[i] == '\r' || value[i] == '\n' ? edit_fold(value + i) : 0;
		unsigned char c = (unsigned char)value[i];

		if (fold > 0) {
			i += fold - 1;
			c = '\n';
		} else if (c == '\r' || c == '\n') {
			err_set(err,
				"the value has a line break without a blank and text behind it");
			return NULL;
		} else if ((c < 0x20 && c != '\t') || c == 0x7f) {
			err_set(err, "octet 0x%02x cannot stand in a value", (unsigned)c);
			return NULL;
		}
		out[n++] = (char)c;
	}
	return out;
}

static bool
check_field(const struct edit_queue *q, struct arena *arena, struct edit *e, struct err *err)
{
	(void)q;
	if (e->name == NULL || e->value == NULL)
		return err_set(err, "a header field needs a name and a value");
	if (e->index > INT32_MAX)
		return err_set(err, "there is no position %zu", e->index);
	if (!name_valid(e->name, err))
		return false;
	e->name = arena_strdup(arena, e->name);
	e->value = copy_value(arena, e->value, err);
	return e->value != NULL;
}

static bool
check_set(const struct edit_queue *q, struct arena *arena, struct edit *e, struct err *err)
{
	if (e->index == 0 && e->value != NULL)
		return err_set(err, "fields of a name are counted from 1");
	if (e->value != NULL)
		return check_field(q, arena, e, err);
	e->value = "";
	if (!check_field(q, arena, e, err))
		return false;
	e->value = NULL;
	return true;
}

/* One line that people read: a prefix, a reason. */
static bool
check_words(const struct edit_queue *q, struct arena *arena, struct edit *e, struct err *err)
{
	(void)q;
	if (e->value == NULL || e->value[strspn(e->value, " \t")] == '\0')
		return err_set(err, "the text is empty");
	if (strnlen(e->value, EDIT_REASON_MAX + 1) > EDIT_REASON_MAX)
		return err_set(err, "the text has more than %u octets", EDIT_REASON_MAX);
	if (strpbrk(e->value, "\r\n") != NULL)
		return err_set(err, "the text has a line break");
	e->name = NULL;
	e->value = copy_value(arena, e->value, err);
	return e->value != NULL;
}

static bool
check_rcpt(const struct edit_queue *q, struct arena *arena, struct edit *e, struct err *err)
{
	struct cm_address a;

	(void)q;
	address_parse_path(&a, arena, e->value == NULL ? "" : e->value);
	if (!a.valid || a.null)
		return err_set(err, "this is not the address of a recipient");
	e->name = NULL;
	e->value = a.addr;
	return true;
}

static bool
check_sender(const struct edit_queue *q, struct arena *arena, struct edit *e, struct err *err)
{
	if (e->value != NULL && (e->value[0] == '\0' || strcmp(e->value, "<>") == 0)) {
		e->name = NULL;
		e->value = "";
		return true;
	}
	return check_rcpt(q, arena, e, err) || err_set(err, "this is not the address of a sender");
}

static bool
check_body(const struct edit_queue *q, struct arena *arena, struct edit *e, struct err *err)
{
	if (e->len > q->body_max)
		return err_set(err, "the body has %zu octets, at most %zu", e->len, q->body_max);
	if (e->data == NULL && e->len > 0)
		return err_set(err, "there is no body");
	e->name = e->value = NULL;
	e->data = arena_memdup(arena, e->data, e->len);
	return true;
}

size_t
edit_fold(const char *p)
{
	size_t n = *p == '\r' ? 1 : 0;
	size_t blanks;

	if (p[n] != '\n')
		return 0;
	n++;
	blanks = strspn(p + n, " \t");
	if (blanks == 0 || p[n + blanks] == '\0' || p[n + blanks] == '\r' || p[n + blanks] == '\n')
		return 0;
	return n;
}

void
edit_queue_init(struct edit_queue *q)
{
	*q = (struct edit_queue){.body_max = EDIT_BODY_MAX};
	q->last = &q->first;
}

static size_t
text_octets(const struct edit *e)
{
	return (e->name == NULL ? 0 : strlen(e->name)) + (e->value == NULL ? 0 : strlen(e->value));
}

/* Before anything is copied. */
static bool
has_room(const struct edit_queue *q, const struct edit *e, struct err *err)
{
	if ((unsigned)e->kind >= EDIT_KINDS)
		return err_set(err, "there is no edit of kind %u", (unsigned)e->kind);
	if (q->count - q->discards >= EDITS_MAX)
		return err_set(err, "there are %u edits already", EDITS_MAX);
	if (q->of_kind[e->kind] >= kinds[e->kind].most)
		return err_set(err, "there are %u such edits already", kinds[e->kind].most);
	if (q->bytes + text_octets(e) > EDIT_OCTETS_MAX)
		return err_set(err, "the edits have more than %u octets", EDIT_OCTETS_MAX);
	return true;
}

void
edit_queue_put(struct edit_queue *q, struct edit *e)
{
	e->next = NULL;
	*q->last = e;
	q->last = &e->next;
	q->count++;
	q->bytes += text_octets(e);
	q->of_kind[e->kind]++;
}

void
edit_queue_discard(struct edit_queue *q, struct edit *e)
{
	size_t bytes = q->bytes;

	edit_queue_put(q, e);
	q->of_kind[e->kind]--;
	q->bytes = bytes;
	q->discards++;
}

void
edit_queue_forget(struct edit_queue *q, enum cm_stage stage)
{
	struct edit *e = q->first, *next;
	size_t body_max = q->body_max;

	edit_queue_init(q);
	q->body_max = body_max;
	for (; e != NULL; e = next) {
		next = e->next;
		if (e->stage != stage)
			edit_queue_put(q, e);
	}
}

bool
edit_add(struct edit_queue *q, struct arena *arena, const struct edit *edit, struct err *err)
{
	struct edit e = *edit;

	if (!has_room(q, &e, err) || !kinds[e.kind].check(q, arena, &e, err))
		return false;
	if (e.kind != EDIT_SET_HEADER && e.kind != EDIT_INSERT_HEADER)
		e.index = 0;
	edit_queue_put(q, arena_memdup(arena, &e, sizeof(e)));
	return true;
}

unsigned
edit_right(enum edit_kind kind)
{
	return (unsigned)kind < EDIT_KINDS ? kinds[kind].right : 0;
}

const char *
edit_kind_name(enum edit_kind kind)
{
	return (unsigned)kind < EDIT_KINDS ? kinds[kind].name : "nothing";
}
