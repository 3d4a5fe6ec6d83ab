/* SPDX-License-Identifier: MIT */
/*
 * kept_find.c - kept sessions by the ids that people have
 */
#include "kept_find.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "service/ring.h"

static bool
is_meant(const struct kept *k, const char *id)
{
	return strcmp(k->id, id) == 0 || strcmp(k->conn_id, id) == 0 ||
	       (k->queue_id != NULL && strcmp(k->queue_id, id) == 0);
}

/* The id stands in the record as it is, so most need not be read. */
static bool
may_hold(const unsigned char *data, size_t len, const char *id)
{
	return memmem(data, len, id, strlen(id)) != NULL;
}

/* The id may be what somebody found in a message. */
static void
say_none(const char *command, const char *id)
{
	struct buf shown;

	buf_init(&shown, 0);
	text_escape(&shown, id, strlen(id));
	fprintf(stderr,
		"chainmail %s: no kept session has the id %s: it was not kept, or made room for "
		"newer ones\ntry: grep %s in the log\n",
		command, shown.data, shown.data);
	buf_fini(&shown);
}

bool
kept_each(const char *command, const char *dir, const char *id,
	void (*show)(void *context, const struct kept *), void *context)
{
	const unsigned char *data;
	size_t len, found = 0;
	struct err err;
	struct kept k;
	bool unread;
	struct ring_reader *ring = ring_reader_open(dir, &err);

	if (ring == NULL) {
		fprintf(stderr, "chainmail %s: %s\n", command, err.text);
		return false;
	}
	while (ring_reader_next(ring, &data, &len)) {
		if (!may_hold(data, len, id) || !kept_read(&k, data, len))
			continue;
		if (is_meant(&k, id)) {
			found++;
			show(context, &k);
		}
		kept_free(&k);
	}
	if (ring_reader_torn(ring) > 0)
		fprintf(stderr, "chainmail %s: %s: %zu damaged places were skipped\n", command, dir,
			ring_reader_torn(ring));
	unread = ring_reader_unread(ring, &err);
	if (unread)
		fprintf(stderr, "chainmail %s: %s/%s\n", command, dir, err.text);
	ring_reader_close(ring);
	if (found == 0 && !unread)
		say_none(command, id);
	return found > 0;
}
