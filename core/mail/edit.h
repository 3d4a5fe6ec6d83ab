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

/* Bounds on what links may queue. */
#define EDITS_MAX	1000u
#define EDIT_BODY_MAX	(64u << 20)
#define EDIT_NAME_MAX	128u
#define EDIT_VALUE_MAX	(64u << 10)
#define EDIT_OCTETS_MAX (4u << 20) /* names and values together */
#define EDIT_REASON_MAX 400u

struct edit {
	enum edit_kind kind;
	const struct link *by;
	enum cm_stage stage; /* where it was asked for */
	const char *name;    /* header field */
	const char *value;   /* header value, folded with LF; address without brackets; reason */
	const unsigned char *data; /* body */
	size_t len;
	size_t index; /* SET: n-th of that name from 1, 0: remove all; INSERT: position from 0 */
	struct edit *next;
};

struct edit_queue {
	struct edit *first, **last;
	size_t count;
	size_t bytes;	 /* of names and values */
	size_t discards; /* among count: asked for by verdicts, and bounded by the recipients */
	size_t of_kind[EDIT_KINDS];
	size_t body_max; /* octets of one body; EDIT_BODY_MAX until set */
};

void edit_queue_init(struct edit_queue *);
/* Copies the edit into the arena; false with words for text that could not stand in a message. */
bool edit_add(struct edit_queue *, struct arena *, const struct edit *, struct err *);
/* Puts an edit that was checked before at the end; it must be in no other queue. */
void edit_queue_put(struct edit_queue *, struct edit *);
/* The same for a recipient whom a verdict discards, within no bound. */
void edit_queue_discard(struct edit_queue *, struct edit *);
/* Drops what was asked for at that stage. */
void edit_queue_forget(struct edit_queue *, enum cm_stage);

/* Octets of a line break that folds: with a blank and text behind it; 0: it does not. */
size_t edit_fold(const char *);
/* What kinds of edit a link must have declared (CM_EDIT_*). */
unsigned edit_right(enum edit_kind);
/* "add header", "drop recipient": trace, log, explain. */
const char *edit_kind_name(enum edit_kind);

/* How the planner learns of fields and recipients as received (what the session kept). */
struct edit_fields {
	size_t (*count)(const void *context, const char *name);
	const char *(*value)(const void *context, const char *name, size_t n);
	/* The n-th field's own spelling of its name; there is one. */
	const char *(*spelling)(const void *context, const char *name, size_t n);
	/* The accepted recipients, i from 0; a client may name one twice. Without this function
	   edits of recipients are taken as they are. */
	const struct cm_address *(*rcpt)(const void *context, size_t i);
	size_t rcpt_count;
	const void *context;
};

struct edit_plan {
	const struct edit **edits;
	size_t count;
	const struct edit
		*nobody; /* dropped the last recipient there was; NULL: somebody is left */
};

/*
 * The edits of both queues in order of application. A set of a field that is not
 * there becomes an add, its removal nothing; doubles of the same field and recipient: the last one
 * wins, and the removal of all fields of a name takes what was set before. A recipient is dropped
 * in the spelling the MTA knows, and a field keeps that of its name; what changes nothing is left
 * out.
 */
struct edit_plan edit_plan(struct arena *, const struct edit_queue *conn,
	const struct edit_queue *msg, const struct edit_fields *);

#endif
