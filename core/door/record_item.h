/* SPDX-License-Identifier: MIT */
/*
 * record_item.h - a kept session as a list of items, each a tag and some texts
 *
 * Knows nothing of what they mean. A reader takes an item of fewer texts than it knows as one whose
 * others are not set, and leaves out tags that it does not know: so older and newer versions read
 * each other's.
 */
#ifndef CORE_DOOR_RECORD_ITEM_H
#define CORE_DOOR_RECORD_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Room for a number. */
#define RECORD_NUMBER 24
/* Texts of one item. */
#define RECORD_TEXTS 16u

enum record_tag {
	RECORD_ARG = 'A',      /* of MAIL or RCPT before: text */
	RECORD_ANSWER = 'a',   /* to the event before: verdict */
	RECORD_BODY = 'b',     /* octets, and the chunk itself where bodies are kept */
	RECORD_CLIENT = 'C',   /* name, address, port, HELO, country */
	RECORD_CUT = 'c',      /* it was too large, and is not whole */
	RECORD_EDIT = 'E',     /* kind, link, name, value, index, length */
	RECORD_EVENT = 'e',    /* stage, name or path, value, flags */
	RECORD_HEAD = 'H',     /* version, id, connection's id, queue id, time in us, listener */
	RECORD_LOST = 'l',     /* records that the traces had no room for: connection, message */
	RECORD_MACRO = 'm',    /* stage, name, value; of the events that follow */
	RECORD_MACROS = 'M',   /* stage: its list begins */
	RECORD_OUTCOME = 'o',  /* word, link, code, status, text, reason */
	RECORD_PROFILE = 'p',  /* name */
	RECORD_PROPERTY = 'P', /* of the finding before: type, name, value */
	RECORD_DATA = 'D',     /* of the question before: text, address, preference */
	RECORD_QUESTION = 'q', /* name, type, status, where, TTL, secure, counted as a miss */
	RECORD_RESULT = 'r',   /* span, plugin, name, value */
	RECORD_FINDING = 'f',  /* link, method, result, comment, reason */
	RECORD_TERMS = 'T',    /* what the MTA was asked for and granted: see record.c */
	RECORD_TRACE = 't'     /* stage, verdict, flags, link, us, calls, edits, reason, result,
				  recipient, code, status, text */
};

/* Flags of an event, and of a trace. */
enum { RECORD_GLUED = 1, RECORD_REJECTED = 2, RECORD_LARGE = 4 };
enum { RECORD_MESSAGE = 1, RECORD_SHADOW = 2, RECORD_FAILED = 4, RECORD_SAMPLED_OUT = 8 };

struct record_text {
	const char *text; /* NULL: not set; else NUL-terminated when read */
	size_t len;
};

/* The text as it is; a number in decimal. */
struct record_text record_str(const char *);
struct record_text record_number(char out[RECORD_NUMBER], int64_t);

/* Octets that the item takes. */
size_t record_item_size(const struct record_text *, unsigned count);
void record_item_add(struct buf *, enum record_tag, const struct record_text *, unsigned count);

struct record_item {
	enum record_tag tag;
	struct record_text texts[RECORD_TEXTS]; /* those behind the last are not set */
};

/* The item at *at, which is moved behind it. Texts point into data. False at the end, and for what
   is no item; then *at is not len. */
bool record_item_next(const unsigned char *data, size_t len, size_t *at, struct record_item *);
/* 0 where it is not set or no number. */
int64_t record_item_number(const struct record_item *, unsigned i);

#endif
