/* SPDX-License-Identifier: MIT */
/*
 * edit_plan.c - queued edits become the changes a door makes, in the one order of application
 *
 * Deletions go from the highest index down: a deletion shifts what is behind it, and done forward
 * would leave a forged field standing.
 */
#include "edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

#define SUBJECT "Subject"

struct step {
	struct edit edit;
	size_t order; /* of asking */
	bool dropped;
};

struct plan {
	struct arena *arena;
	const struct edit_fields *fields;
	struct step *steps;
	size_t count, room;
};

/* Recipients are one group: the last of adding and dropping one wins. */
static bool
is_rcpt(const struct edit *e)
{
	return e->kind == EDIT_ADD_RCPT || e->kind == EDIT_DROP_RCPT;
}

/* b makes a needless. */
static bool
replaces(const struct edit *a, const struct edit *b)
{
	if (is_rcpt(a) && is_rcpt(b))
		return strcmp(a->value, b->value) == 0;
	if (a->kind != b->kind)
		return false;
	if (a->kind == EDIT_SET_HEADER)
		return a->index == b->index && text_equal_nocase(a->name, b->name);
	return a->kind == EDIT_BODY || a->kind == EDIT_SENDER || a->kind == EDIT_QUARANTINE;
}

static struct step *
find(const struct plan *p, const struct edit *e)
{
	for (size_t i = 0; i < p->count; i++) {
		if (replaces(&p->steps[i].edit, e))
			return &p->steps[i];
	}
	return NULL;
}

static void
add_step(struct plan *p, const struct edit *e)
{
	if (p->count == p->room) {
		size_t room = 2 * p->room;
		struct step *steps = arena_array(p->arena, room, sizeof(*steps));

		memcpy(steps, p->steps, p->count * sizeof(*steps));
		p->steps = steps;
		p->room = room;
	}
	p->steps[p->count] = (struct step){.edit = *e, .order = p->count};
	p->count++;
}

static void
put(struct plan *p, const struct edit *e)
{
	struct step *old = find(p, e);

	if (old != NULL)
		old->edit = *e;
	else
		add_step(p, e);
}

/*
 * What came from outside as a value that can be sent: folds as LF, other line breaks as blanks, '?'
 * for control characters, no blanks around it.
 */
static const char *
tidy(struct arena *arena, const char *value)
{
	char *out = arena_strdup(arena, value);
	size_t n = 0;

	value += strspn(value, " \t\r\n");
	for (size_t fold; *value != '\0'; value += fold > 0 ? fold : 1) {
		bool breaks = *value == '\r' || *value == '\n';
		bool control = ((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f;

		fold = breaks ? edit_fold(value) : 0;
		if (fold > 0)
			out[n++] = '\n';
		else if (breaks)
			out[n++] = ' ';
		else
			out[n++] = control ? '?' : *value;
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		n--;
	out[n] = '\0';
	return out;
}

static const char *
current_subject(const struct plan *p)
{
	const struct edit probe = {.kind = EDIT_SET_HEADER, .name = SUBJECT, .index = 1};
	const struct step *planned = find(p, &probe);

	if (planned != NULL)
		return planned->edit.value;
	return p->fields->value(p->fields->context, SUBJECT, 1);
}

/* A prefix is a SET of what the subject is by now. */
static void
put_prefix(struct plan *p, const struct edit *e)
{
	struct edit set = {.kind = EDIT_SET_HEADER, .by = e->by, .name = SUBJECT, .index = 1};
	size_t len = strlen(e->value), word = len;
	const char *subject = current_subject(p);
	const char *gap;

	while (word > 0 && strchr(" \t", e->value[word - 1]) != NULL)
		word--;
	subject = tidy(p->arena, subject == NULL ? "" : subject);
	if (strncmp(subject, e->value, word) == 0)
		return;
	/* RFC 2047 section 5: an encoded word stands behind a blank. */
	gap = word == len && strncmp(subject, "=?", 2) == 0 ? " " : "";
	if (subject[0] == '\0')
		set.value = arena_strndup(p->arena, e->value, word);
	else
		set.value = arena_printf(p->arena, "%s%s%s", e->value, gap, subject);
	put(p, &set);
}

static void
put_queue(struct plan *p, const struct edit_queue *q)
{
	for (const struct edit *e = q->first; e != NULL; e = e->next) {
		if (e->kind == EDIT_PREFIX_SUBJECT)
			put_prefix(p, e);
		else
			put(p, e);
	}
}

/* As received, without brackets: the MTA compares what it is told with what it has. */
static const char *
spelling(const struct cm_address *rcpt, size_t *len)
{
	*len = strlen(rcpt->text);
	if (*len < 2 || rcpt->text[0] != '<')
		return rcpt->text;
	*len -= 2;
	return rcpt->text + 1;
}

static const char *
copy_spelling(struct arena *arena, const struct cm_address *rcpt)
{
	size_t len;
	const char *text = spelling(rcpt, &len);

	return arena_strndup(arena, text, len);
}

bool
edit_drops(const struct edit *e, const struct cm_address *rcpt)
{
	size_t len;
	const char *text = spelling(rcpt, &len);

	return e->kind == EDIT_DROP_RCPT && strlen(e->value) == len &&
	       memcmp(e->value, text, len) == 0;
}

/* A recipient is added when it is not there, and dropped in every spelling that is there. */
static void
resolve_rcpt(struct plan *p, size_t i)
{
	const struct edit_fields *f = p->fields;
	struct edit e = p->steps[i].edit;
	const char *addr = e.value;
	const struct cm_address *rcpt = f->rcpt == NULL ? NULL : f->rcpt(f->context, addr, 1);

	if (f->rcpt == NULL)
		return;
	p->steps[i].dropped = (rcpt == NULL) == (e.kind == EDIT_DROP_RCPT);
	if (rcpt == NULL || e.kind == EDIT_ADD_RCPT)
		return;
	p->steps[i].edit.value = copy_spelling(p->arena, rcpt);
	for (size_t n = 2; (rcpt = f->rcpt(f->context, addr, n)) != NULL; n++) {
		e.value = copy_spelling(p->arena, rcpt);
		put(p, &e);
	}
}

static void
resolve_header(const struct plan *p, struct step *step)
{
	struct edit *e = &step->edit;

	if (e->index <= p->fields->count(p->fields->context, e->name))
		return;
	if (e->value == NULL)
		step->dropped = true;
	e->kind = EDIT_ADD_HEADER;
	e->index = 0;
}

static int
compare(const void *left, const void *right)
{
	const struct step *a = left, *b = right;
	int kinds = (int)a->edit.kind - (int)b->edit.kind;

	if (is_rcpt(&a->edit) && is_rcpt(&b->edit))
		kinds = 0;
	if (kinds != 0)
		return kinds;
	if (a->edit.index != b->edit.index)
		return a->edit.index < b->edit.index ? 1 : -1;
	return a->order < b->order ? -1 : 1;
}

/* What is left of the steps, in order. */
static const struct edit **
finish(const struct plan *p, size_t *count)
{
	const struct edit **out = arena_array(p->arena, p->count + 1, sizeof(const struct edit *));

	*count = 0;
	qsort(p->steps, p->count, sizeof(*p->steps), compare);
	for (size_t i = 0; i < p->count; i++) {
		p->steps[i].edit.next = NULL;
		if (!p->steps[i].dropped)
			out[(*count)++] = &p->steps[i].edit;
	}
	return out;
}

const struct edit **
edit_plan(struct arena *arena, const struct edit_queue *conn, const struct edit_queue *msg,
	const struct edit_fields *fields, size_t *count)
{
	struct plan p = {.arena = arena, .fields = fields};
	size_t asked;

	p.room = conn->count + msg->count + 1;
	p.steps = arena_array(arena, p.room, sizeof(*p.steps));
	put_queue(&p, conn);
	put_queue(&p, msg);
	asked = p.count;
	for (size_t i = 0; i < asked; i++) {
		if (is_rcpt(&p.steps[i].edit))
			resolve_rcpt(&p, i);
		else if (p.steps[i].edit.kind == EDIT_SET_HEADER)
			resolve_header(&p, &p.steps[i]);
	}
	return finish(&p, count);
}
