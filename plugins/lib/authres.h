/* SPDX-License-Identifier: MIT */
/*
 * authres.h - what Authentication-Results and ARC-Authentication-Results fields are made of
 *
 * RFC 8601 section 2.2, RFC 8617 section 4.1.1.
 */
#ifndef PLUGINS_LIB_AUTHRES_H
#define PLUGINS_LIB_AUTHRES_H

#include <stdbool.h>
#include <stddef.h>

/* --- reading; texts end in NUL ----------------------------------------------------------------
 */

/* Blank, tab, CR, LF. */
bool authres_blank(char);
/* Behind comments, which nest, and white space (RFC 5322 section 3.2.2); NULL: one has no end. */
const char *authres_skip_cfws(const char *);
/* A character of a token (RFC 2045 section 5.1), and how many the text begins with. */
bool authres_token_char(char);
size_t authres_token_length(const char *);

/* --- writing ----------------------------------------------------------------------------------
 */

/* A value as it grows, folded with LF; all texts may hold anything. */
struct authres_field {
	char *data;
	size_t size, len;
	size_t line, blank; /* where they begin; no blank: not behind line */
	size_t columns;	    /* of the line */
	bool full;	    /* something did not fit */
};

/* columns: what stands before the value on its line. data is borrowed until the field's end. */
void authres_begin(struct authres_field *, char *data, size_t size, size_t columns);
/* As it is: what is known to be harmless. */
void authres_text(struct authres_field *, const char *);
/* An authserv-id: a token, or quoted. */
void authres_id(struct authres_field *, const char *);
/*
 * resinfo: method and result are keywords, as cm_add_auth_result() checks them; comment and reason
 * may be NULL or "".
 */
void authres_result(struct authres_field *, const char *method, const char *result,
	const char *comment, const char *reason);
/* A property of the latest result; a value over 400 octets is left out. type and name: keywords. */
void
authres_property(struct authres_field *, const char *type, const char *name, const char *value);
/* Whether all since mark was written did fit; else it is taken back. mark: a copy of the field. */
bool authres_keep(struct authres_field *, const struct authres_field *mark);
void authres_end(struct authres_field *);

#endif
