/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_who.c - a key as people write and read it
 *
 * What is shown can be typed again, and what an administrator has before him (an address, a
 * network) can be typed as it is.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ratelimit.h"

#define ESCAPED_SLASH "%2F"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes ratelimit_append() of one part, in its place. An octet 0 ends no text. */
static void
decode(char *part)
{
	char *out = part;

	for (; *part != '\0'; part++) {
		int high = part[0] == '%' ? digit(part[1]) : -1;
		int low = high < 0 ? -1 : digit(part[2]);

		if (low < 0 || (high == 0 && low == 0)) {
			*out++ = *part;
			continue;
		}
		*out++ = (char)(high * 16 + low);
		part += 2;
	}
	*out = '\0';
}

/* --- parts that are addresses --- */

static bool
read_ip(struct cm_session *s, char *text, const char **value)
{
	int family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
	unsigned char octets[sizeof(struct in6_addr)];
	char *out = cm_msg_alloc(s, INET6_ADDRSTRLEN);

	*value = out;
	return inet_pton(family, text, octets) == 1 &&
	       inet_ntop(family, octets, out, INET6_ADDRSTRLEN) != NULL;
}

/* Of another prefix there is no bucket. */
static bool
read_network(struct cm_session *s, char *text, const char **value)
{
	char *bits = strchr(text, '/');

	if (bits != NULL)
		*bits++ = '\0';
	*value = ratelimit_net(s, text);
	return *value != NULL && (bits == NULL || strcmp(bits, strchr(*value, '/') + 1) == 0);
}

static const struct kind {
	const char *part;
	bool slash; /* it may have one */
	bool (*read)(struct cm_session *, char *text, const char **value);
	const char *mistake;
} kinds[] = {
	{"client_ip", false, read_ip, "is no address"},
	{"client_net", true, read_network, "is no address or network of this limit's size"},
};

/* NULL: any text will do. */
static const struct kind *
kind_of(const struct ratelimit_config *config, size_t i)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		if (strcmp(kinds[k].part, config->key.items[i]) == 0)
			return &kinds[k];
	}
	return NULL;
}

/* --- the key --- */

/* Where the prefix of a network ends, if one begins here. */
static char *
behind_prefix(char *text)
{
	char *end = text + strspn(text, "0123456789");

	return end > text && (*end == '\0' || *end == '/') ? end : NULL;
}

/* The next part, cut off; *rest: NULL behind the last. */
static char *
cut_part(char **rest, const struct kind *kind)
{
	char *part = *rest, *end = part + strcspn(part, "/");

	if (kind != NULL && kind->slash && *end == '/' && behind_prefix(end + 1) != NULL)
		end = behind_prefix(end + 1);
	*rest = *end == '/' ? end + 1 : NULL;
	*end = '\0';
	decode(part);
	return part;
}

/* "auth_user/client_ip" */
static bool
other_parts(struct cm_session *s, const char *text, char *why, size_t why_size)
{
	const struct ratelimit_config *config = cm_config(s);
	size_t len = 0;

	len = (size_t)snprintf(why, why_size, "\"%.60s\" is no ", text);
	for (size_t i = 0; i < config->part_count && len < why_size; i++)
		len += (size_t)snprintf(
			why + len, why_size - len, "%s%s", i > 0 ? "/" : "", config->key.items[i]);
	return false;
}

bool
ratelimit_read_who(struct cm_session *s, const char *text, struct ratelimit_who *who,
	const char **rest, char *why, size_t why_size)
{
	const struct ratelimit_config *config = cm_config(s);
	size_t size = strlen(text) + 1;
	char *left = cm_msg_alloc(s, size);

	*rest = NULL;
	*who = (struct ratelimit_who){.missing = NULL};
	memcpy(left, text, size);
	for (size_t i = 0; i < config->part_count; i++) {
		const struct kind *kind = kind_of(config, i);
		char *part = left == NULL ? NULL : cut_part(&left, kind);

		if (part == NULL || part[0] == '\0')
			return other_parts(s, text, why, why_size);
		who->values[i] = part;
		if (kind == NULL || kind->read(s, part, &who->values[i]))
			continue;
		snprintf(why, why_size, "\"%.60s\" %s", text, kind->mistake);
		return false;
	}
	*rest = left;
	return true;
}

/* --- as it is read --- */

const char *
ratelimit_readable(struct cm_session *s, const struct ratelimit_subject *subject)
{
	static const char digits[] = "0123456789ABCDEF";
	const struct ratelimit_config *config = cm_config(s);
	const char *in = subject->shown;
	char *text = cm_msg_alloc(s, 3 * strlen(in) + 1), *out = text;
	size_t part = 0;

	for (; *in != '\0'; in++) {
		const struct kind *kind = part < config->part_count ? kind_of(config, part) : NULL;
		unsigned char c = (unsigned char)*in;

		part += c == '/';
		if (kind != NULL && kind->slash && strncmp(in, ESCAPED_SLASH, 3) == 0) {
			*out++ = '/';
			in += 2;
		} else if (c > ' ' && c < 0x7f) {
			*out++ = (char)c;
		} else {
			*out++ = '%';
			*out++ = digits[c >> 4];
			*out++ = digits[c & 15];
		}
	}
	return text;
}
