/* SPDX-License-Identifier: MIT */
/*
 * greylist_key.c - where a triple is kept
 *
 * Keys can be read: greylist/LINK/triple/FROM/SENDER/RECIPIENT. They are bounded, so that nobody
 * escapes with a long address.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "greylist.h"
#include "../lib/network.h"

#define PART_MOST 128u /* octets; longer parts are hashed behind so many */
/* Bits of the largest networks that one end site gets (RFC 6177 section 2). */
#define SITE_V4 24
#define SITE_V6 48
/* Nobody has a larger network than one with so many bits. */
#define LARGEST 8

static const char hex[] = "0123456789abcdef";

/* Octets as they are, but for those that would break a key. */
static size_t
escape(unsigned char c, char out[3])
{
	if (c > ' ' && c < 0x7f && c != '/' && c != '%') {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '%';
	out[1] = hex[c >> 4];
	out[2] = hex[c & 15];
	return 3;
}

/* FNV-1a: who finds two texts with one hash has made one sender of his two. */
static uint64_t
hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

size_t
greylist_write_part(char out[GREYLIST_PART_SIZE], const char *text)
{
	size_t len = 0;

	for (const char *p = text; *p != '\0'; p++) {
		char octets[3];
		size_t more = escape((unsigned char)*p, octets);

		if (len + more > PART_MOST)
			return len + (size_t)snprintf(out + len, GREYLIST_PART_SIZE - len,
					     "~%016" PRIx64, hash(text));
		out[len] = octets[0];
		if (more > 1)
			memcpy(out + len + 1, octets + 1, more - 1);
		len += more;
	}
	out[len] = '\0';
	return len;
}

/* What keys of one link, or of one triple, have in common, as it is written there. */
struct written {
	char head[GREYLIST_PART_SIZE + 16];	 /* greylist/LINK/ */
	char tail[3 * (GREYLIST_PART_SIZE + 1)]; /* /FROM/SENDER/RECIPIENT */
	size_t head_len, tail_len, from_len;	 /* from_len: of /FROM */
};

static void
write_common(struct written *w, const char *link, const char *const *parts, size_t count)
{
	static const char name[] = "greylist/";

	memcpy(w->head, name, sizeof(name));
	w->head_len = sizeof(name) - 1;
	w->head_len += greylist_write_part(w->head + w->head_len, link);
	w->head[w->head_len++] = '/';
	w->tail_len = w->from_len = 0;
	for (size_t i = 0; i < count; i++) {
		w->tail[w->tail_len++] = '/';
		w->tail_len += greylist_write_part(w->tail + w->tail_len, parts[i]);
		w->from_len = i == 0 ? w->tail_len : w->from_len;
	}
}

static void
compose(char out[GREYLIST_KEY_SIZE], const struct written *w, const char *kind, size_t tail_len)
{
	size_t len = strlen(kind);

	memcpy(out, w->head, w->head_len);
	memcpy(out + w->head_len, kind, len);
	len += w->head_len;
	memcpy(out + len, w->tail, tail_len);
	out[len + tail_len] = '\0';
}

void
greylist_key(char out[GREYLIST_KEY_SIZE], const char *link, const char *kind,
	const char *const *parts, size_t count)
{
	struct written w;

	write_common(&w, link, parts, count);
	compose(out, &w, kind, w.tail_len);
}

/* For each recipient anew, so each part is written once. */
void
greylist_keys(struct greylist_keys *keys, const char *link, const char *from, const char *sender,
	const char *rcpt)
{
	struct written w;

	write_common(&w, link, (const char *const[]){from, sender, rcpt}, 3);
	compose(keys->from, &w, "from", w.from_len);
	compose(keys->passed, &w, "passed", w.from_len);
	compose(keys->triple, &w, "triple", w.tail_len);
	compose(keys->claim, &w, "claim", w.tail_len);
}

bool
greylist_written_part(const char *key, unsigned index, char out[GREYLIST_PART_SIZE])
{
	for (; index > 0; index--) {
		key = strchr(key, '/');
		if (key == NULL)
			return false;
		key++;
	}
	snprintf(out, GREYLIST_PART_SIZE, "%.*s", (int)strcspn(key, "/"), key);
	return true;
}

static int
digit(char c)
{
	const char *at = c == '\0' ? NULL : strchr(hex, c);

	return at == NULL ? -1 : (int)(at - hex);
}

bool
greylist_part(const char *key, unsigned index, char out[GREYLIST_PART_SIZE])
{
	char *to = out;

	if (!greylist_written_part(key, index, out))
		return false;
	for (const char *p = out; *p != '\0'; p++) {
		if (p[0] == '%' && digit(p[1]) >= 0 && digit(p[2]) >= 0) {
			*to++ = (char)(digit(p[1]) * 16 + digit(p[2]));
			p += 2;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return true;
}

bool
greylist_network(const struct greylist_config *c, const char *ip, char *out, size_t size)
{
	return size >= NETWORK_SIZE &&
	       network_of(ip, (unsigned)c->prefix_v4, (unsigned)c->prefix_v6, out);
}

bool
greylist_site(const struct greylist_config *c, const char *ip, char *out, size_t size)
{
	const struct greylist_config site = {
		.prefix_v4 = c->prefix_v4 < SITE_V4 ? c->prefix_v4 : SITE_V4,
		.prefix_v6 = c->prefix_v6 < SITE_V6 ? c->prefix_v6 : SITE_V6,
	};

	return greylist_network(&site, ip, out, size);
}

/* "ip4:192.0.2.0/24", "mx/24//64" (RFC 7208 section 5): the network of either family. */
bool
greylist_matches_anybody(const char *term)
{
	if (term[0] == '+')
		term++;
	for (const char *p = strchr(term, '/'); p != NULL; p = strchr(p + 1, '/')) {
		size_t digits = strspn(p + 1, "0123456789");

		if (digits == 1 && p[1] - '0' < LARGEST)
			return true;
	}
	return strcasecmp(term, "all") == 0;
}
