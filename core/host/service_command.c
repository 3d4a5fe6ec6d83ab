/* SPDX-License-Identifier: MIT */
/*
 * service_command.c - what a plugin's command answers
 */
#include <chainmail/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "chain/command.h"
#include "mail/session.h"
#include "service.h"
#include "service/store.h"

#define LINE_MOST    1000
#define SCRATCH_SIZE 4096
/* Entries shown between two looks whether anybody still waits. */
#define SHOWN_UNSEEN 64u

bool
cm_row(struct cm_session *s, const struct cm_cell *cells, size_t count)
{
	struct command_sink *sink = chain_sink(s);

	return sink != NULL && sink->row(sink->context, service_link_name(s), cells, count);
}

void
cm_say(struct cm_session *s, const char *format, ...)
{
	struct command_sink *sink = chain_sink(s);
	char line[LINE_MOST];
	va_list args;

	if (sink == NULL || sink->say == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	sink->say(sink->context, line);
}

void
cm_complain(struct cm_session *s, const char *format, ...)
{
	struct command_sink *sink = chain_sink(s);
	va_list args;

	if (sink == NULL)
		return;
	va_start(args, format);
	vsnprintf(sink->complaint, sizeof(sink->complaint), format, args);
	va_end(args);
}

/* Those of several links stand behind each other. */
void
cm_decline(struct cm_session *s, const char *format, ...)
{
	struct command_sink *sink = chain_sink(s);
	va_list args;
	size_t len;

	if (sink == NULL)
		return;
	len = strlen(sink->declined);
	len += (size_t)snprintf(sink->declined + len, sizeof(sink->declined) - len,
		"%s%s: ", len > 0 ? "; " : "", service_link_name(s));
	if (len >= sizeof(sink->declined))
		return;
	va_start(args, format);
	vsnprintf(sink->declined + len, sizeof(sink->declined) - len, format, args);
	va_end(args);
}

const void *
cm_args(const struct cm_session *s)
{
	const struct command_sink *sink = chain_sink(s);

	return sink == NULL ? NULL : sink->args;
}

/* Keys of plugins are texts; what is none is somebody else's. */
struct showing {
	struct cm_session *s;
	bool (*show)(void *, const char *, const void *, size_t);
	void *context;
	struct arena arena; /* of one entry */
	unsigned unseen;
	bool late;
};

/* Nobody waits for the rest, or it takes too long. */
static bool
is_late(struct showing *w)
{
	const struct command_sink *sink = chain_sink(w->s);

	if (++w->unseen % SHOWN_UNSEEN != 0)
		return false;
	w->late = cm_clock(w->s) > cm_deadline(w->s) ||
		  (sink != NULL && sink->wanted != NULL && !sink->wanted(sink->context));
	return w->late;
}

static bool
show_text(void *context, const void *key, size_t len, const struct store_value *value)
{
	struct showing *w = context;
	char text[STORE_KEY_MOST + 1];
	bool more;

	if (is_late(w))
		return false;
	if (len > STORE_KEY_MOST || memchr(key, '\0', len) != NULL)
		return true;
	memcpy(text, key, len);
	text[len] = '\0';
	w->s->scratch = &w->arena;
	more = w->show(w->context, text, value->data, value->len);
	w->s->scratch = NULL;
	arena_reset(&w->arena);
	return more;
}

enum cm_store_status
cm_store_each(struct cm_session *s, const struct cm_store *store, const char *prefix,
	bool (*show)(void *, const char *, const void *, size_t), void *context)
{
	struct showing w = {.s = s, .show = show, .context = context};
	enum cm_store_status status;

	arena_init(&w.arena, SCRATCH_SIZE);
	status = store_each(
		(struct cm_store *)(uintptr_t)store, prefix, strlen(prefix), show_text, &w);
	arena_fini(&w.arena);
	return w.late ? CM_STORE_AWAY : status;
}
