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

#include "address.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"

#define SUBJECT "Subject"

struct step {
	struct edit edit;
	size_t order; /* of asking */
	size_t turn;  /* of the edit that replaced the others: later ones have a higher one */
	bool dropped;
};

/* A recipient as received; same: the next one that is this address. */
struct recipient {
	const struct cm_address *address;
	struct recipient *same, *last;
	const struct step *drop; /* it is dropped; NULL: not */
};

/* A message may have ten thousand recipients and edits: what is looked up has a table. */
struct plan {
	struct arena *arena;
	const struct edit_fields *fields;
	struct step **steps;
	size_t count, room;
	size_t turns;
	struct table by_key; /* the step that another one would replace */
	struct recipient *rcpts;
	size_t rcpt_count;
	struct table by_addr; /* the first recipient */
};

/* Two edits with the same key: the later one makes the earlier one needless. NULL: none does. */
static const char *
step_key(struct arena *arena, const struct edit *e)
{
	char *name;

	switch (e->kind) {
	case EDIT_ADD_RCPT:
	case EDIT_DROP_RCPT:
		return arena_printf(arena, "r%s", e->value);
	case EDIT_SET_HEADER:
		name = arena_strdup(arena, e->name);
		text_lower_all(name);
		return arena_printf(arena, "h%zu:%s", e->index, name);
	case EDIT_BODY:
		return "b";
	case EDIT_SENDER:
		return "s";
	case EDIT_QUARANTINE:
		return "q";
	case EDIT_INSERT_HEADER:
	case EDIT_ADD_HEADER:
	case EDIT_PREFIX_SUBJECT:
	case EDIT_KINDS:
		break;
	}
	return NULL;
}

/* Recipients are one group: the last of adding and dropping one wins. */
static bool
is_rcpt(const struct edit *e)
{
	return e->kind == EDIT_ADD_RCPT || e->kind == EDIT_DROP_RCPT;
}

static struct step *
add_step(struct plan *p, const struct edit *e)
{
	struct step *step = arena_alloc(p->arena, sizeof(*step));

	if (p->count == p->room) {
		size_t room = 2 * p->room;
		struct step **steps = arena_array(p->arena, room, sizeof(struct step *));

		memcpy(steps, p->steps, p->count * sizeof(struct step *));
		p->steps = steps;
		p->room = room;
	}
	*step = (struct step){.edit = *e, .order = p->count};
	p->steps[p->count++] = step;
	return step;
}

static void
put(struct plan *p, const struct edit *e)
{
	const char *key = step_key(p->arena, e);
	struct step *old = key == NULL ? NULL : table_get(&p->by_key, key);

	if (old == NULL) {
		old = add_step(p, e);
		if (key != NULL)
			table_add(&p->by_key, key, old);
	}
	old->edit = *e;
	old->turn = ++p->turns;
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

/* NULL: nobody asked for it. */
static const struct step *
find_subject(const struct plan *p, size_t index)
{
	const struct edit probe = {.kind = EDIT_SET_HEADER, .name = SUBJECT, .index = index};

	return table_get(&p->by_key, step_key(p->arena, &probe));
}

static const char *
current_subject(const struct plan *p)
{
	const struct step *planned = find_subject(p, 1), *removed = find_subject(p, 0);

	if (removed != NULL && (planned == NULL || planned->turn < removed->turn))
		return NULL;
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

static void
index_rcpts(struct plan *p)
{
	const struct edit_fields *f = p->fields;

	p->rcpts = arena_array(p->arena, f->rcpt_count + 1, sizeof(*p->rcpts));
	p->rcpt_count = f->rcpt_count;
	for (size_t i = 0; i < p->rcpt_count; i++) {
		struct recipient *r = &p->rcpts[i], *first;

		r->address = f->rcpt(f->context, i);
		r->last = r;
		if (table_add(&p->by_addr, r->address->addr, r))
			continue;
		first = table_get(&p->by_addr, r->address->addr);
		first->last->same = r;
		first->last = r;
	}
}

/* The step drops this recipient, too: by the step itself when its spelling is the first one. */
static void
drop_rcpt(struct plan *p, struct step *step, struct recipient *r, struct table *spelt)
{
	struct edit e = step->edit;

	r->drop = step;
	e.value = address_spelling(p->arena, r->address);
	if (!table_add(spelt, e.value, r))
		return;
	if (spelt->count == 1)
		step->edit = e;
	else
		add_step(p, &e);
}

/* A recipient is added when it is not there, and dropped in every spelling that is there. */
static void
resolve_rcpt(struct plan *p, struct step *step)
{
	struct recipient *r = table_get(&p->by_addr, step->edit.value);
	struct table spelt;

	step->dropped = (r == NULL) == (step->edit.kind == EDIT_DROP_RCPT);
	if (step->edit.kind == EDIT_ADD_RCPT)
		return;
	table_init(&spelt);
	for (; r != NULL; r = r->same)
		drop_rcpt(p, step, r, &spelt);
	table_fini(&spelt);
}

static bool
removes_all(const struct step *step)
{
	return step->edit.kind == EDIT_SET_HEADER && step->edit.index == 0;
}

/*
 * All fields of a name are as many removals as there are fields, of which a stranger may have
 * written any number. What was set before goes with them; what was set later stays.
 */
static void
resolve_all(struct plan *p, struct step *all, size_t asked)
{
	size_t count = p->fields->count(p->fields->context, all->edit.name);
	bool *taken = arena_array(p->arena, count + 1, sizeof(*taken));
	struct edit one = all->edit;

	for (size_t i = 0; i < asked; i++) {
		struct step *step = p->steps[i];

		if (step->edit.kind != EDIT_SET_HEADER ||
			!text_equal_nocase(step->edit.name, one.name))
			continue;
		if (step->turn <= all->turn)
			step->dropped = true;
		else if (step->edit.index <= count)
			taken[step->edit.index] = true;
	}
	for (one.index = 1; one.index <= count; one.index++) {
		if (!taken[one.index])
			add_step(p, &one)->order = all->order;
	}
}

static void
resolve_header(const struct plan *p, struct step *step)
{
	struct edit *e = &step->edit;

	/* Of a changed field Postfix writes the edit's name, and Sendmail keeps what is there. */
	if (e->index <= p->fields->count(p->fields->context, e->name)) {
		if (e->value != NULL)
			e->name = p->fields->spelling(p->fields->context, e->name, e->index);
		return;
	}
	if (e->value == NULL)
		step->dropped = true;
	e->kind = EDIT_ADD_HEADER;
	e->index = 0;
}

static int
compare(const void *left, const void *right)
{
	const struct step *a = *(struct step *const *)left, *b = *(struct step *const *)right;
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
static void
finish(struct plan *p, struct edit_plan *out)
{
	out->edits = arena_array(p->arena, p->count + 1, sizeof(const struct edit *));
	qsort(p->steps, p->count, sizeof(*p->steps), compare);
	for (size_t i = 0; i < p->count; i++) {
		p->steps[i]->edit.next = NULL;
		if (!p->steps[i]->dropped)
			out->edits[out->count++] = &p->steps[i]->edit;
	}
}

/* The drop of the last recipient, when all are dropped and nobody is added. */
static const struct edit *
nobody_left(const struct plan *p)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->steps[i]->edit.kind == EDIT_ADD_RCPT && !p->steps[i]->dropped)
			return NULL;
	}
	for (size_t i = 0; i < p->rcpt_count; i++) {
		if (p->rcpts[i].drop == NULL)
			return NULL;
	}
	return p->rcpt_count == 0 ? NULL : &p->rcpts[p->rcpt_count - 1].drop->edit;
}

static void
resolve(struct plan *p)
{
	size_t asked = p->count;

	for (size_t i = 0; i < asked; i++) {
		if (removes_all(p->steps[i]))
			resolve_all(p, p->steps[i], asked);
	}
	for (size_t i = 0; i < asked; i++) {
		struct step *step = p->steps[i];

		if (is_rcpt(&step->edit) && p->fields->rcpt != NULL) {
			if (p->rcpts == NULL)
				index_rcpts(p);
			resolve_rcpt(p, step);
		} else if (step->edit.kind == EDIT_SET_HEADER && !step->dropped) {
			resolve_header(p, step);
		}
	}
}

struct edit_plan
edit_plan(struct arena *arena, const struct edit_queue *conn, const struct edit_queue *msg,
	const struct edit_fields *fields)
{
	struct plan p = {.arena = arena, .fields = fields};
	struct edit_plan out = {0};

	p.room = conn->count + msg->count + 1;
	p.steps = arena_array(arena, p.room, sizeof(struct step *));
	table_init(&p.by_key);
	table_init(&p.by_addr);
	put_queue(&p, conn);
	put_queue(&p, msg);
	resolve(&p);
	finish(&p, &out);
	out.nobody = nobody_left(&p);
	table_fini(&p.by_key);
	table_fini(&p.by_addr);
	return out;
}
