/* SPDX-License-Identifier: MIT */
/*
 * greylist_sender.c - what of a sender stays the same from message to message
 *
 * Mailing lists (VERP), signed return paths (BATV) and forwarders (SRS) put numbers, times and
 * hashes into the local part. Who has passed would have to wait with each of them.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "greylist.h"

#define HEX_LEAST    4u	 /* the shortest group of a UUID */
#define NUMBER_LEAST 24u /* no person's number is as long */

/* A tag in front of the address: it goes, with what ends it. */
static const struct {
	const char *begin, *end;
} tags[] = {
	{"prvs=", "="},	   /* BATV */
	{"btv1==", "=="},  /* BATV as Barracuda writes it */
	{"msprvs1=", "="}, /* and SparkPost */
};

/* Parts between "=" behind it that change, a bit for each. */
static const struct {
	const char *begin;
	bool inside; /* may stand behind something */
	unsigned changing;
} schemes[] = {
	{"SRS0=", false, 1u << 0 | 1u << 1}, /* SRS0=HASH=TIME=domain=user */
	{"SRS0+", false, 1u << 0 | 1u << 1},
	{"SRS0-", false, 1u << 0 | 1u << 1},
	/* SRS1=HASH=forwarder==HASH=TIME=domain=user */
	{"SRS1=", false, 1u << 0 | 1u << 3 | 1u << 4},
	/* user+SRS=HASH=TIME=domain=user, as Microsoft writes it */
	{"+SRS=", true, 1u << 0 | 1u << 1},
};

/* Letters of a UUID's groups; not each of them has a figure in it. */
static const size_t uuid[] = {8, 4, 4, 4, 12};

struct text {
	char *out;
	size_t len, size;
};

static void
add(struct text *t, const char *from, size_t len)
{
	if (len < t->size - t->len) {
		memcpy(t->out + t->len, from, len);
		t->len += len;
	}
}

/* Behind a tag, inside of local. */
static const char *
skip_tag(const char *local, const char *end)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		size_t len = strlen(tags[i].begin);
		const char *behind;

		if (strncasecmp(local, tags[i].begin, len) != 0)
			continue;
		behind = strstr(local + len, tags[i].end);
		if (behind != NULL && behind + strlen(tags[i].end) < end)
			return behind + strlen(tags[i].end);
	}
	return local;
}

/* Behind what a scheme begins with; NULL: it is none. */
static const char *
skip_scheme(const char *local, const char *end, unsigned *changing)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i].begin);
		const char *last = schemes[i].inside ? end : local + len;

		*changing = schemes[i].changing;
		for (const char *p = local; p + len <= last && p + len <= end; p++) {
			if (strncasecmp(p, schemes[i].begin, len) == 0)
				return p + len;
		}
	}
	return NULL;
}

/* A number, or what looks like one in hexadecimal, and is not all that there is. */
static bool
is_number(const char *word, size_t len)
{
	size_t digits = 0, hex = 0;

	for (size_t i = 0; i < len; i++) {
		digits += isdigit((unsigned char)word[i]) != 0;
		hex += isxdigit((unsigned char)word[i]) != 0;
	}
	return len > 0 && (digits == len || (hex == len && len >= HEX_LEAST && digits > 0));
}

static size_t
word_len(const char *at, const char *end)
{
	const char *p = at;

	while (p < end && isalnum((unsigned char)*p))
		p++;
	return (size_t)(p - at);
}

/* Its length at this place, or 0. */
static size_t
uuid_len(const char *at, const char *end)
{
	const char *p = at;

	for (size_t i = 0; i < sizeof(uuid) / sizeof(*uuid); i++) {
		size_t len = word_len(p, end);

		if (len != uuid[i] || strspn(p, "0123456789ABCDEFabcdef") < len ||
			(i > 0 && p[-1] != '-'))
			return 0;
		p += len + 1;
	}
	return (size_t)(p - 1 - at);
}

/* Words of one part; what is between them stays. */
static void
add_part(struct text *t, const char *part, const char *end)
{
	const char *number = part; /* so far all words are of one */

	while (part < end) {
		size_t len = word_len(part, end);

		if (part >= number && len > 0)
			number = part + uuid_len(part, end);
		if (part < number || is_number(part, len))
			add(t, "#", 1);
		else
			add(t, part, len);
		part += len;
		if (part < end)
			add(t, part++, 1);
	}
}

static void
add_parts(struct text *t, const char *local, const char *end, unsigned changing)
{
	for (unsigned i = 0;; i++) {
		const char *stop = memchr(local, '=', (size_t)(end - local));

		stop = stop == NULL ? end : stop;
		if (i < 32 && (changing & 1u << i) != 0)
			add(t, "#", stop > local);
		else
			add_part(t, local, stop);
		if (stop == end)
			return;
		add(t, "=", 1);
		local = stop + 1;
	}
}

static void
add_local(struct text *t, const char *local, const char *end)
{
	unsigned changing;
	const char *behind = skip_scheme(local, end, &changing);

	if (behind == NULL) {
		add_parts(t, local, end, 0);
		return;
	}
	add_part(t, local, behind);
	add_parts(t, behind, end, changing);
}

/* Some people's addresses are numbers. */
static bool
is_name(const char *local, const char *end)
{
	size_t len = word_len(local, end);

	return len == (size_t)(end - local) && (len < NUMBER_LEAST || !is_number(local, len));
}

void
greylist_sender(const char *addr, char *out, size_t size)
{
	struct text t = {out, 0, size};
	const char *at = strrchr(addr, '@'), *end = at == NULL ? addr + strlen(addr) : at;
	const char *local = skip_tag(addr, end);

	if (is_name(local, end))
		add(&t, local, (size_t)(end - local));
	else
		add_local(&t, local, end);
	add(&t, end, strlen(end));
	out[t.len] = '\0';
}
