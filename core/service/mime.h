/* SPDX-License-Identifier: MIT */
/*
 * mime.h - the parts of a message (RFC 2045, RFC 2046), each shown once
 *
 * A message is hostile: parts, depth and time are bounded, and no part of the work grows faster
 * than the message times the depth. Where readers of mail disagree, more is shown rather than less:
 * what is behind the last boundary, a part whose parent did not end, a message that is encoded.
 */
#ifndef CORE_SERVICE_MIME_H
#define CORE_SERVICE_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "mime_field.h"

/* Mail programs make some dozens; each costs up to a kilobyte. */
#define MIME_PARTS_MOST 500u
/* Multiparts and messages inside of each other; a chain of forwards has five or six. */
#define MIME_DEPTH_MOST 20u

enum mime_end {
	MIME_WHOLE,
	MIME_TOO_MANY, /* parts */
	MIME_TOO_DEEP,
	MIME_LATE /* in_time() said so */
};

/* The message: its fields, as received or NULL, and its body, borrowed. */
struct mime_source {
	const char *fields[MIME_FIELDS];
	bool repeated; /* one of them comes twice */
	const unsigned char *body;
	size_t len;
};

struct mime_leaf {
	const struct mime_head *head;
	const unsigned char *data; /* decoded; until part() returns */
	size_t len;
};

/* Who is shown the parts that hold no others, and messages, in their order. */
struct mime_visitor {
	void (*part)(void *data, const struct mime_leaf *);
	bool (*in_time)(void *data);
	void *data;
};

/* After mime_fields_open(). */
enum mime_end mime_walk(const struct mime_source *, const struct mime_visitor *);

#endif
