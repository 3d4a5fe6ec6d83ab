/* SPDX-License-Identifier: MIT */
/*
 * url_host.h - whose host a web address names
 */
#ifndef CORE_SERVICE_URL_HOST_H
#define CORE_SERVICE_URL_HOST_H

#include <stdbool.h>

#include "url.h"

/* A piece of text, borrowed. */
struct url_piece {
	const char *at, *end;
};

/* A slash, or a backslash, which browsers take for one. */
bool url_is_slash(char);
/* The scheme before the colon, not before least. NULL: none is. */
const char *url_scheme(const char *least, const char *colon);
/* Between slashes and path (RFC 3986 section 3.2), with login and port. */
struct url_piece url_authority(struct url_piece url);
/*
 * Where in the authority a program may end an address that is none of HTML: at a comma, a bracket,
 * a blank or quote of Unicode. NULL: nowhere.
 */
const char *url_mark(struct url_piece authority);
/* Lower case, with escapes and other spellings resolved as browsers do. False: there is none. */
bool url_host(struct url_piece url, char out[URL_HOST_SIZE]);

#endif
