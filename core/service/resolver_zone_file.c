/* SPDX-License-Identifier: MIT */
/*
 * resolver_zone_file.c - reads a zone file, and says of every line what is wrong with it
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/diag.h"
#include "dns_type.h"
#include "map_file.h"
#include "resolver_name.h"
#include "resolver_zone.h"

#define TTL_USUAL 300u
#define TTL_MOST  0x7fffffffu

struct reader {
	struct zone *zone;
	struct diag *diag;
	const char *path;
	unsigned line;
	const char *p, *end; /* what is left of the line */
	char word[RESOLVER_NAME_SIZE * 2];
};

static const struct {
	const char *name;
	enum cm_dns_status status;
} failures[] = {
	{"bogus", CM_DNS_BOGUS},
	{"nxdomain", CM_DNS_NO_NAME},
	{"refused", CM_DNS_REFUSED},
	{"servfail", CM_DNS_SERVFAIL},
	{"timeout", CM_DNS_TIMEOUT},
};

/* --- words --- */

static void
skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r'))
		r->p++;
	if (r->p < r->end && *r->p == '#')
		r->p = r->end;
}

/* The next word, escapes and all; false at the end of the line. */
static bool
read_word(struct reader *r)
{
	size_t len = 0;

	skip_blanks(r);
	while (r->p < r->end && strchr(" \t\r", *r->p) == NULL && len + 1 < sizeof(r->word)) {
		if (*r->p == '\\' && r->p + 1 < r->end && len + 2 < sizeof(r->word))
			r->word[len++] = *r->p++;
		r->word[len++] = *r->p++;
	}
	r->word[len] = '\0';
	return len > 0;
}

static bool
mistake(struct reader *r, const char *what)
{
	diag_error_in(r->diag, r->path, r->line, "%s", what);
	return false;
}

/* The word as a name. */
static bool
canonical(struct reader *r, char out[RESOLVER_NAME_SIZE])
{
	size_t len;

	return resolver_name(r->word, out, &len) ||
	       mistake(r,
		       "this is not a name DNS could have (a label has at most 63 octets, a name "
		       "253)");
}

/* --- values --- */

static bool
read_address(struct reader *r, struct zone_record *rec, int family)
{
	unsigned char octets[16];

	if (!read_word(r) || inet_pton(family, r->word, octets) != 1)
		return mistake(r, family == AF_INET ? "A needs an IPv4 address"
						    : "AAAA needs an IPv6 address");
	rec->len = family == AF_INET ? 4 : 16;
	rec->text = arena_memdup(&r->zone->arena, octets, rec->len);
	return true;
}

static bool
read_target(struct reader *r, struct zone_record *rec)
{
	char name[RESOLVER_NAME_SIZE];

	if (!read_word(r))
		return mistake(r, "the name is missing");
	if (!canonical(r, name))
		return false;
	rec->text = arena_strdup(&r->zone->arena, name);
	rec->len = strlen(name);
	return true;
}

static bool
read_mx(struct reader *r, struct zone_record *rec)
{
	char *end;
	unsigned long preference;

	if (!read_word(r))
		return mistake(r, "MX needs a preference and a name");
	preference = strtoul(r->word, &end, 10);
	if (*end != '\0' || r->word[0] < '0' || r->word[0] > '9' || preference > 65535)
		return mistake(r, "the preference of MX is a number up to 65535");
	rec->preference = (unsigned)preference;
	return read_target(r, rec);
}

/* \DDD is an octet, \c is c. */
static bool
read_escape(struct reader *r, struct buf *text)
{
	unsigned value = 0;

	r->p++;
	if (r->p == r->end)
		return mistake(r, "nothing stands behind the last \\");
	if (*r->p < '0' || *r->p > '9') {
		buf_add_char(text, *r->p++);
		return true;
	}
	for (int i = 0; i < 3; i++, r->p++) {
		if (r->p == r->end || *r->p < '0' || *r->p > '9')
			return mistake(r, "\\ needs three digits or a character behind it");
		value = value * 10 + (unsigned)(*r->p - '0');
	}
	if (value > 255)
		return mistake(r, "\\DDD is an octet, at most 255");
	buf_add_char(text, (char)value);
	return true;
}

static bool
read_string(struct reader *r, struct buf *text)
{
	for (r->p++; r->p < r->end && *r->p != '"';) {
		if (*r->p == '\\') {
			if (!read_escape(r, text))
				return false;
		} else {
			buf_add_char(text, *r->p++);
		}
	}
	if (r->p == r->end)
		return mistake(r, "the string is not closed");
	r->p++;
	return true;
}

/* One or more strings, which are joined. */
static bool
read_text(struct reader *r, struct zone_record *rec)
{
	struct buf text;
	bool ok = true;

	buf_init(&text, 0);
	skip_blanks(r);
	if (r->p == r->end || *r->p != '"')
		ok = mistake(r, "TXT needs a text in double quotes");
	while (ok && r->p < r->end && *r->p == '"') {
		ok = read_string(r, &text);
		skip_blanks(r);
	}
	rec->len = text.len;
	rec->text = arena_memdup(&r->zone->arena, text.data, text.len + 1);
	buf_fini(&text);
	return ok;
}

static bool
read_a(struct reader *r, struct zone_record *rec)
{
	return read_address(r, rec, AF_INET);
}

static bool
read_aaaa(struct reader *r, struct zone_record *rec)
{
	return read_address(r, rec, AF_INET6);
}

static bool (*const readers[])(struct reader *, struct zone_record *) = {
	[CM_DNS_A] = read_a,
	[CM_DNS_AAAA] = read_aaaa,
	[CM_DNS_CNAME] = read_target,
	[CM_DNS_MX] = read_mx,
	[CM_DNS_NS] = read_target,
	[CM_DNS_PTR] = read_target,
	[CM_DNS_TXT] = read_text,
};

/* --- lines --- */

static bool
is_failure(const char *word, enum cm_dns_status *status)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		if (strcmp(failures[i].name, word) == 0) {
			*status = failures[i].status;
			return true;
		}
	}
	return false;
}

/* A word that may stand in the place of a value. */
static bool
value_fails(struct reader *r, struct zone_record *rec)
{
	const char *back = r->p;

	skip_blanks(r);
	if (r->p < r->end && *r->p != '"' && read_word(r) && is_failure(r->word, &rec->fails))
		return true;
	r->p = back;
	return false;
}

static bool
read_record(struct reader *r, struct zone_name *name, struct zone_record *rec)
{
	if (!dns_type_find(r->word, &rec->type))
		return mistake(r,
			"expected a type (" DNS_TYPE_NAMES ") or a failure (bogus nxdomain refused "
			"servfail timeout)");
	if (!value_fails(r, rec) && !readers[rec->type](r, rec))
		return false;
	*name->last = rec;
	name->last = &rec->next;
	return true;
}

static bool
read_ttl(struct reader *r, struct zone_record *rec)
{
	char *end;
	unsigned long ttl = strtoul(r->word, &end, 10);

	rec->ttl = TTL_USUAL;
	if (r->word[0] < '0' || r->word[0] > '9')
		return true;
	if (*end != '\0' || ttl > TTL_MOST)
		return mistake(r, "a TTL is a number of seconds");
	rec->ttl = (uint32_t)ttl;
	return read_word(r) || mistake(r, "a type is missing behind the TTL");
}

static void
read_line(struct reader *r)
{
	struct zone_record *rec = arena_alloc(&r->zone->arena, sizeof(*rec));
	char text[RESOLVER_NAME_SIZE];
	struct zone_name *name;

	if (!read_word(r) || !canonical(r, text))
		return;
	name = zone_add_name(r->zone, text);
	if (!read_word(r)) {
		mistake(r, "a type and a value are missing");
		return;
	}
	if (!is_failure(r->word, &name->fails) && (!read_ttl(r, rec) || !read_record(r, name, rec)))
		return;
	skip_blanks(r);
	if (r->p < r->end)
		mistake(r, "there is something behind the value");
}

bool
zone_read_text(struct zone *zone, const char *path, const char *text, size_t len, struct diag *diag)
{
	struct reader r = {.zone = zone, .diag = diag, .path = path};
	size_t before = diag_errors(diag);

	for (const char *at = text, *end = text + len; at < end; at = r.end + 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		r.line++;
		r.p = at;
		r.end = newline != NULL ? newline : end;
		read_line(&r);
	}
	return diag_errors(diag) == before;
}

bool
zone_read(struct zone *zone, const char *path, struct diag *diag)
{
	struct map_stamp stamp;
	struct err err;
	size_t len;
	char *text;
	bool good;

	switch (map_file_read(path, &text, &len, &stamp, &err)) {
	case MAP_FILE_READ:
		break;
	case MAP_FILE_FAILED:
		diag_error_in(diag, path, 0, "%s", err.text + strlen(path) + strlen(": "));
		return false;
	case MAP_FILE_MOVING:
		diag_error_in(diag, path, 0, "somebody is writing to it; try again");
		return false;
	}
	good = zone_read_text(zone, path, text, len, diag);
	free(text);
	return good;
}
