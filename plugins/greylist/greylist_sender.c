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

#define HEX_LEAST 4u /* the shortest group of a UUID */

/* A tag in front of the address: it goes, with what ends it. */
static const struct {
	const char *begin, *end;
} tags[] = {
	{"prvs=", "="},	   /* BATV */
	{"btv1==", "=="},  /* BATV as Barracuda writes it */
	{"msprvs1=", "="}, /* and SparkPost */
};

/* Parts between "=" that change, a bit for each. */
static const struct {
	const char *begin;
	unsigned changing;
} schemes[] = {
	{"SRS0=", 1u << 1 | 1u << 2},		/* SRS0=HASH=TIME=domain=user */
	{"SRS1=", 1u << 1 | 1u << 4 | 1u << 5}, /* SRS1=HASH=forwarder==HASH=TIME=domain=user */
};

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

static unsigned
changing_parts(const char *local)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (strncasecmp(local, schemes[i].begin, strlen(schemes[i].begin)) == 0)
			return schemes[i].changing;
	}
	return 0;
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

/* Words of one part; what is between them stays. */
static void
add_part(struct text *t, const char *part, const char *end)
{
	while (part < end) {
		size_t len = word_len(part, end);

		if (is_number(part, len))
			add(t, "#", 1);
		else
			add(t, part, len);
		part += len;
		if (part < end)
			add(t, part++, 1);
	}
}

static void
add_local(struct text *t, const char *local, const char *end)
{
	unsigned changing = changing_parts(local);

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

void
greylist_sender(const char *addr, char *out, size_t size)
{
	struct text t = {out, 0, size};
	const char *at = strrchr(addr, '@'), *end = at == NULL ? addr + strlen(addr) : at;
	const char *local = skip_tag(addr, end);

	/* Some people's addresses are numbers. */
	if (word_len(local, end) == (size_t)(end - local))
		add(&t, local, (size_t)(end - local));
	else
		add_local(&t, local, end);
	add(&t, end, strlen(end));
	out[t.len] = '\0';
}
