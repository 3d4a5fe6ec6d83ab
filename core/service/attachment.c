/* SPDX-License-Identifier: MIT */
/*
 * attachment.c - which parts of a message are attachments
 */
#include "attachment.h"

#include <string.h>

#include "mime_name.h"
#include "office.h"

struct list {
	struct arena *arena;
	struct attachment **last;
	bool (*in_time)(void *);
	void *data; /* of in_time */
};

/* What mail programs show as the message itself. */
static bool
is_text(const struct mime_head *h)
{
	return strcmp(h->type, "text/plain") == 0 || strcmp(h->type, "text/html") == 0;
}

static void
add(void *data, const struct mime_leaf *leaf)
{
	const struct mime_head *h = leaf->head;
	struct list *list = data;
	char ext[MIME_NAME_SIZE];
	struct attachment *a;
	struct office office;

	if (h->name[0] == '\0' && !h->attachment && !h->maybe_file && is_text(h))
		return;
	office = office_look(leaf->data, leaf->len);
	a = arena_alloc(list->arena, sizeof(*a));
	a->name = arena_strdup(list->arena, h->name);
	a->ext = mime_name_ext(h->name, ext) ? arena_strdup(list->arena, ext) : NULL;
	a->type = arena_strdup(list->arena, h->type);
	a->size = leaf->len;
	a->has_macros = office.macros;
	a->encrypted = office.encrypted;
	a->unreadable = office.unreadable || h->doubtful;
	*list->last = a;
	list->last = &a->next;
}

static bool
in_time_still(void *data)
{
	const struct list *list = data;

	return list->in_time(list->data);
}

enum mime_end
attachment_list(struct arena *arena, const struct mime_source *source, bool (*in_time)(void *),
	void *data, struct attachment **first)
{
	struct list list = {arena, first, in_time, data};
	const struct mime_visitor visitor = {add, in_time_still, &list};

	*first = NULL;
	return mime_walk(source, &visitor);
}
