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

static const struct {
	const char *word;
	bool of_triple;
} kinds[] = {
	[GREYLIST_KEY_FROM] = {"from", false},
	[GREYLIST_KEY_PASSED] = {"passed", false},
	[GREYLIST_KEY_TRIPLE] = {"triple", true},
	[GREYLIST_KEY_CLAIM] = {"claim", true},
};

static void
write_head(struct greylist_keys *k, const char *link)
{
	static const char name[] = "greylist/";

	memcpy(k->head, name, sizeof(name));
	k->head_len = sizeof(name) - 1;
	k->head_len += greylist_write_part(k->head + k->head_len, link);
	k->head[k->head_len++] = '/';
}

/* Behind so many octets of the tail; what it has then. */
static size_t
write_tail(struct greylist_keys *k, size_t len, const char *part)
{
	k->tail[len++] = '/';
	return len + greylist_write_part(k->tail + len, part);
}

static void
compose(char out[GREYLIST_KEY_SIZE], const struct greylist_keys *k, const char *kind,
	size_t tail_len)
{
	size_t len = strlen(kind);

	memcpy(out, k->head, k->head_len);
	memcpy(out + k->head_len, kind, len);
	len += k->head_len;
	memcpy(out + len, k->tail, tail_len);
	out[len + tail_len] = '\0';
}

void
greylist_key(char out[GREYLIST_KEY_SIZE], const char *link, const char *kind,
	const char *const *parts, size_t count)
{
	struct greylist_keys k = {.tail_len = 0};

	write_head(&k, link);
	for (size_t i = 0; i < count; i++)
		k.tail_len = write_tail(&k, k.tail_len, parts[i]);
	compose(out, &k, kind, k.tail_len);
}

void
greylist_keys(struct greylist_keys *k, const char *link, const char *from, const char *sender)
{
	write_head(k, link);
	k->from_len = write_tail(k, 0, from);
	k->sender_len = k->tail_len = write_tail(k, k->from_len, sender);
}

void
greylist_keys_rcpt(struct greylist_keys *k, const char *rcpt)
{
	k->tail_len = write_tail(k, k->sender_len, rcpt);
}

void
greylist_key_of(char out[GREYLIST_KEY_SIZE], const struct greylist_keys *k, enum greylist_kind kind)
{
	compose(out, k, kinds[kind].word, kinds[kind].of_triple ? k->tail_len : k->from_len);
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
