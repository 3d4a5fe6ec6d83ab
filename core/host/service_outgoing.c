/* SPDX-License-Identifier: MIT */
/*
 * service_outgoing.c - the message as the MTA will send it, for links that sign
 *
 * Makes of the fields that were kept what a door and the MTA would make of them, with the same plan
 * of edits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"
#include "chain/chain.h"
#include "mail/address.h"
#include "mail/edit.h"
#include "mail/session.h"
#include "service.h"

/* The fields as they are made; a value of NULL: it is removed. */
struct fields {
	struct cm_outgoing_field *items;
	size_t count;
	bool blanks; /* doors write the blank behind a colon, but none before an empty value */
};

static struct cm_outgoing_field
made(const struct fields *f, const struct edit *e)
{
	bool empty = e->value != NULL && e->value[0] == '\0';

	return (struct cm_outgoing_field){
		.name = e->name, .value = e->value, .glued = f->blanks && empty};
}

/* The edits of fields of one name. */
struct named {
	const struct edit **edits; /* by their index; NULL: none */
	size_t most, seen;	   /* of indices; of fields */
};

static const char *
lower(struct arena *arena, const char *name)
{
	char *copy = arena_strdup(arena, name);

	text_lower_all(copy);
	return copy;
}

/* A plan has the highest index of a name first, and none beyond the fields there are. */
static void
index_edit(struct table *names, struct arena *arena, const struct edit *e)
{
	const char *name = lower(arena, e->name);
	struct named *n = table_get(names, name);

	if (n == NULL) {
		n = arena_alloc(arena, sizeof(*n));
		n->most = e->index;
		n->edits = arena_array(arena, n->most + 1, sizeof(const struct edit *));
		table_add(names, name, n);
	}
	n->edits[e->index] = e;
}

/*
 * Of the fields as received, so before anything is put between them. A stranger may have written a
 * hundred thousand of one name, which are all removed: each is looked at once.
 */
static void
set_all(struct fields *f, struct arena *arena, const struct table *names)
{
	for (size_t i = 0; names->count > 0 && i < f->count; i++) {
		struct named *n = table_get(names, lower(arena, f->items[i].name));
		const struct edit *e = NULL;

		if (n != NULL && n->seen < n->most)
			e = n->edits[++n->seen];
		if (e == NULL)
			continue;
		/* Its name stays as it came, as the plan says it. */
		f->items[i].value = e->value;
		f->items[i].glued = made(f, e).glued;
	}
}

static void
drop_removed(struct fields *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (f->items[i].value != NULL)
			f->items[kept++] = f->items[i];
	}
	f->count = kept;
}

/* Position 0 is above the MTA's own Received:, which it does not show; 1 is below it. */
static void
insert(struct fields *f, const struct edit *e)
{
	size_t at = e->index > 0 ? e->index - 1 : 0;

	if (at > f->count)
		at = f->count;
	memmove(&f->items[at + 1], &f->items[at], (f->count - at) * sizeof(*f->items));
	f->items[at] = made(f, e);
	f->count++;
}

static void
apply(struct fields *f, struct arena *arena, const struct edit_plan *plan, struct cm_outgoing *out)
{
	struct table names;
	size_t i = 0;

	table_init(&names);
	for (; i < plan->count && plan->edits[i]->kind <= EDIT_SET_HEADER; i++) {
		if (plan->edits[i]->kind == EDIT_SET_HEADER)
			index_edit(&names, arena, plan->edits[i]);
		if (plan->edits[i]->kind != EDIT_BODY)
			continue;
		out->body = plan->edits[i]->data;
		out->body_len = plan->edits[i]->len;
	}
	set_all(f, arena, &names);
	table_fini(&names);
	drop_removed(f);
	for (; i < plan->count; i++) {
		const struct edit *e = plan->edits[i];

		if (e->kind == EDIT_INSERT_HEADER)
			insert(f, e);
		if (e->kind == EDIT_ADD_HEADER)
			f->items[f->count++] = made(f, e);
	}
}

static const struct cm_from *
authors(struct cm_session *s, const struct fields *f)
{
	const char **values = arena_array(&s->msg, f->count + 1, sizeof(*values));
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (text_equal_nocase(f->items[i].name, "From"))
			values[count++] = f->items[i].value;
	}
	return address_parse_from(&s->msg, values, count);
}

static struct cm_outgoing_field
kept(const struct cm_session *s, size_t i)
{
	const struct cm_header *h = s->header_index[i];

	return (struct cm_outgoing_field){
		h->name, h->value, ((const struct session_header *)h)->glued};
}

const struct cm_outgoing *
cm_outgoing(struct cm_session *s)
{
	struct cm_outgoing *out;
	struct edit_plan plan;
	struct fields f = {.blanks = s->blanks};

	if (s->stage != CM_STAGE_EOM || s->header_index == NULL ||
		!service_declared(s, CM_NEED_HEADERS, "cm_outgoing"))
		return NULL;
	plan = chain_plan_edits(s);
	out = arena_alloc(&s->msg, sizeof(*out));
	*out = (struct cm_outgoing){0};
	f.items = arena_array(&s->msg, s->header_count + plan.count + 1, sizeof(*f.items));
	for (; f.count < s->header_count; f.count++)
		f.items[f.count] = kept(s, f.count);
	apply(&f, &s->msg, &plan, out);
	out->fields = f.items;
	out->count = f.count;
	out->from = authors(s, &f);
	return out;
}
