/* SPDX-License-Identifier: MIT */
/*
 * url.h - the web addresses that the texts of a message name
 */
#ifndef CORE_SERVICE_URL_H
#define CORE_SERVICE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "mime.h"

/* Different ones of a message; newsletters have some hundred. */
#define URLS_MOST 1000u
/* Octets; a longer one is cut. */
#define URL_SIZE 2048u
/* Of its host (RFC 1035 section 2.3.4, and a NUL). */
#define URL_HOST_SIZE 256u

/* Texts are in the arena. */
struct url {
	const char *text; /* as written; references of HTML (&amp;) are resolved */
	const char *host; /* lower case, without port, login and the dot at its end */
	struct url *next;
};

/*
 * http, https and ftp, and what begins with "www.", in text and HTML, each once. first: in their
 * order, or NULL. MIME_TOO_MANY also where there are more than URLS_MOST.
 */
enum mime_end url_list(struct arena *, const struct mime_source *, bool (*in_time)(void *),
	void *data, struct url **first);

/* In url_plain(): a quote that is written as a reference, and ends no value. */
#define URL_QUOTE '\x01'
/*
 * What a browser takes HTML for: references resolved, attributes without line breaks. every_value:
 * an attribute is what looks like one, wherever it stands. At most len octets to out; returns how
 * many.
 */
size_t url_plain(const unsigned char *html, size_t len, bool every_value, char *out);

#endif
