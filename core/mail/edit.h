/* SPDX-License-Identifier: MIT */
/*
 * edit.h - edits of a message: asked for at any stage, applied once
 *
 * The order of application is one for all doors: body, sender, recipients, header changes and
 * deletions from the highest index down, then inserts, then adds. Indexes mean "as received".
 */
#ifndef CORE_MAIL_EDIT_H
#define CORE_MAIL_EDIT_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct link; /* of the chain; only carried */

enum edit_kind {
	EDIT_BODY,
	EDIT_SENDER,
	EDIT_ADD_RCPT,
	EDIT_DROP_RCPT,
	EDIT_SET_HEADER,     /* value NULL: remove */
	EDIT_PREFIX_SUBJECT, /* becomes SET_HEADER or ADD_HEADER when the edits are planned */
	EDIT_INSERT_HEADER,
	EDIT_ADD_HEADER,
	EDIT_QUARANTINE,
	EDIT_KINDS
};

struct edit {
	enum edit_kind kind;
	const struct link *by;
	const char *name;	   /* header field */
	const char *value;	   /* header value, address, reason */
	const unsigned char *data; /* body */
	size_t len;
	size_t index; /* SET: n-th of that name from 1; INSERT: position from 0 */
	struct edit *next;
};

struct edit_queue {
	struct edit *first, **last;
	size_t count;
	size_t bytes;
};

void edit_queue_init(struct edit_queue *);
/* Copies the edit into the arena; false with words for text that could not stand in a message. */
bool edit_add(struct edit_queue *, struct arena *, const struct edit *, struct err *);

/* What kinds of edit a link must have declared (CM_EDIT_*). */
unsigned edit_right(enum edit_kind);
/* "add header", "drop recipient": trace, log, explain. */
const char *edit_kind_name(enum edit_kind);

/* How the planner learns of fields as received (the session's kept headers). */
struct edit_fields {
	size_t (*count)(const void *context, const char *name);
	const char *(*value)(const void *context, const char *name, size_t n);
	const void *context;
};

/*
 * The edits of both queues in order of application; count results. A set of a field that is not
 * there becomes an add; doubles of the same field and recipient: the last one wins.
 */
const struct edit **edit_plan(struct arena *, const struct edit_queue *conn,
	const struct edit_queue *msg, const struct edit_fields *, size_t *count);

#endif
