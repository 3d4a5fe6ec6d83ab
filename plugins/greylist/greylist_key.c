/* SPDX-License-Identifier: MIT */
/*
 * greylist_key.c - where a triple is kept
 *
 * Keys can be read: greylist/LINK/triple/FROM/SENDER/RECIPIENT. What would break them is %XX.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "greylist.h"

struct text {
	char *out;
	size_t len, size;
	bool cut;
};

static void
add(struct text *t, char c)
{
	if (t->len + 1 < t->size)
		t->out[t->len++] = c;
	else
		t->cut = true;
}

static void
add_escaped(struct text *t, const char *part)
{
	static const char hex[] = "0123456789abcdef";

	for (; *part != '\0'; part++) {
		unsigned char c = (unsigned char)*part;

		if (c > ' ' && c < 0x7f && c != '/' && c != '%') {
			add(t, (char)c);
			continue;
		}
		add(t, '%');
		add(t, hex[c >> 4]);
		add(t, hex[c & 15]);
	}
}

bool
greylist_key(char out[GREYLIST_KEY_SIZE], const char *link, const char *kind,
	const char *const *parts, size_t count)
{
	struct text t = {out, 0, GREYLIST_KEY_SIZE, false};

	for (const char *p = "greylist/"; *p != '\0'; p++)
		add(&t, *p);
	add_escaped(&t, link);
	add(&t, '/');
	add_escaped(&t, kind);
	for (size_t i = 0; i < count; i++) {
		add(&t, '/');
		add_escaped(&t, parts[i]);
	}
	out[t.len] = '\0';
	return !t.cut;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
greylist_part(const char *key, unsigned index, char *out, size_t size)
{
	struct text t = {out, 0, size, false};

	for (; index > 0; index--) {
		key = strchr(key, '/');
		if (key == NULL)
			return false;
		key++;
	}
	for (; *key != '\0' && *key != '/'; key++) {
		if (key[0] == '%' && digit(key[1]) >= 0 && digit(key[2]) >= 0) {
			add(&t, (char)(digit(key[1]) * 16 + digit(key[2])));
			key += 2;
		} else {
			add(&t, *key);
		}
	}
	out[t.len] = '\0';
	return true;
}

static void
mask(unsigned char *octets, size_t len, int64_t bits)
{
	for (size_t i = 0; i < len; i++, bits -= 8) {
		if (bits <= 0)
			octets[i] = 0;
		else if (bits < 8)
			octets[i] &= (unsigned char)(0xff << (8 - bits));
	}
}

bool
greylist_network(const struct greylist_config *c, const char *ip, char *out, size_t size)
{
	bool four = strchr(ip, ':') == NULL;
	int family = four ? AF_INET : AF_INET6;
	int64_t bits = four ? c->prefix_v4 : c->prefix_v6;
	unsigned char octets[16];
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(family, ip, octets) != 1)
		return false;
	mask(octets, four ? 4 : 16, bits);
	inet_ntop(family, octets, text, sizeof(text));
	return snprintf(out, size, "%s/%d", text, (int)bits) < (int)size;
}
