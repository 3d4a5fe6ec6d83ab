/* SPDX-License-Identifier: MIT */
/*
 * attachment.h - the attachments of a message, and what they are
 */
#ifndef CORE_SERVICE_ATTACHMENT_H
#define CORE_SERVICE_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "mime.h"

/* Texts are in the arena. */
struct attachment {
	const char *name; /* cleaned, mime_name.h; "": none */
	const char *ext;  /* lower case; NULL: none */
	const char *type; /* MIME type as the part says, lower case */
	size_t size;	  /* octets, decoded */
	bool has_macros;
	bool encrypted;
	bool unreadable; /* damaged, too large to look into, or read differently by others */
	struct attachment *next;
};

/*
 * Parts with the name of a file, those that say that they are attachments, all that are neither
 * plain text nor HTML to everybody, and messages, whose parts follow. first: in their order, or
 * NULL.
 */
enum mime_end attachment_list(struct arena *, const struct mime_source *, bool (*in_time)(void *),
	void *data, struct attachment **first);

#endif
