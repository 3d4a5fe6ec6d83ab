/* SPDX-License-Identifier: MIT */
/*
 * service_command.c - what a plugin's command answers
 */
#include <chainmail/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chain/command.h"
#include "service.h"
#include "service/store.h"

bool
cm_row(struct cm_session *s, const struct cm_cell *cells, size_t count)
{
	struct command_sink *sink = chain_sink(s);

	return sink != NULL && sink->row(sink->context, service_link_name(s), cells, count);
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

/* Keys of plugins are texts; what is none is somebody else's. */
struct showing {
	bool (*show)(void *, const char *, const void *, size_t);
	void *context;
};

static bool
show_text(void *context, const void *key, size_t len, const struct store_value *value)
{
	const struct showing *showing = context;
	char text[STORE_KEY_MOST + 1];

	if (len > STORE_KEY_MOST || memchr(key, '\0', len) != NULL)
		return true;
	memcpy(text, key, len);
	text[len] = '\0';
	return showing->show(showing->context, text, value->data, value->len);
}

enum cm_store_status
cm_store_each(struct cm_session *s, const struct cm_store *store, const char *prefix,
	bool (*show)(void *, const char *, const void *, size_t), void *context)
{
	struct showing showing = {show, context};

	(void)s;
	return store_each(
		(struct cm_store *)(uintptr_t)store, prefix, strlen(prefix), show_text, &showing);
}
