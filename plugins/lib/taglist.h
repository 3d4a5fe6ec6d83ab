/* SPDX-License-Identifier: MIT */
/*
 * taglist.h - lists of "tag=value" (RFC 6376 section 3.2)
 *
 * Signatures and key records of DKIM, the fields of ARC and DMARC records are such lists. Nothing
 * is copied: what is found are places in the text.
 */
#ifndef PLUGINS_LIB_TAGLIST_H
#define PLUGINS_LIB_TAGLIST_H

#include <stdbool.h>
#include <stddef.h>

/* No standard knows half as many; a list with more is refused. */
#define TAGLIST_MOST 32

struct taglist_tag {
	const char *name, *value; /* value without the white space around it */
	size_t name_len, len;
	size_t from, to; /* in the text: all between "=" and ";" */
};

struct taglist {
	size_t count;
	struct taglist_tag tags[TAGLIST_MOST];
};

/*
 * The tags of a text, as they stand there; the text is borrowed and may hold anything. False: it is
 * no such list, or names a tag twice; *why says so, for people, and lives for ever.
 */
bool taglist_parse(struct taglist *, const char *text, size_t len, const char **why);
/* Names are compared with their case. NULL: it is not there. */
const struct taglist_tag *taglist_find(const struct taglist *, const char *name);

/* White space as it stands in folded text: blank, tab, CR, LF. */
bool taglist_blank(char);
/* The value is the word, in any case. */
bool taglist_is(const char *value, size_t len, const char *word);
/*
 * The next item of a list with colons between, without the white space around it; *at begins at 0.
 * False: there is none any more.
 */
bool taglist_item(const struct taglist_tag *, size_t *at, const char **item, size_t *len);
/* Octets that base64 stands for, white space ignored; 0: it is none, or too large for out. */
size_t taglist_base64(const char *text, size_t len, unsigned char *out, size_t size);
/* The reverse, as a string without white space. False: it does not fit. */
bool taglist_write_base64(const unsigned char *octets, size_t len, char *out, size_t size);

#endif
