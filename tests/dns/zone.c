/* SPDX-License-Identifier: MIT */
/*
 * zone.c - the records of a text file, by name
 */
#include "zone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS	    4096
#define TTL_DEFAULT 300
#define BLANK	    " \t\r\n"

struct zone {
	struct zone_node *buckets[BUCKETS];
};

/* The line that is being read. */
struct line {
	const char *path;
	unsigned number;
	char *rest;
};

static _Noreturn void
refuse(const struct line *l, const char *why, const char *what)
{
	fprintf(stderr, "%s:%u: %s%s%s\n", l->path, l->number, why, what ? ": " : "",
		what ? what : "");
	exit(1);
}

static void *
need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static char *
next_word(struct line *l)
{
	char *word = l->rest + strspn(l->rest, BLANK);
	size_t len = strcspn(word, BLANK);

	l->rest = word + len;
	if (word[len] != '\0')
		*l->rest++ = '\0';
	return len > 0 ? word : NULL;
}

static char *
needed_word(struct line *l, const char *why)
{
	char *word = next_word(l);

	if (!word)
		refuse(l, why, NULL);
	return word;
}

static unsigned
read_number(const struct line *l, const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n > max)
		refuse(l, "not a number, or too large", text);
	return (unsigned)n;
}

/* --- names ------------------------------------------------------------------------------------ */

static struct zone_node *
exact(const struct zone *z, const struct name *name)
{
	struct zone_node *n = z->buckets[name_hash(name) % BUCKETS];

	while (n && !name_equal(&n->name, name))
		n = n->next;
	return n;
}

/* The node and all above it: a parent of a name exists. */
static struct zone_node *
add_node(struct zone *z, const struct name *name)
{
	struct zone_node *n = exact(z, name), **bucket;
	struct name parent;

	if (n)
		return n;
	bucket = &z->buckets[name_hash(name) % BUCKETS];
	n = need(calloc(1, sizeof *n));
	n->name = *name;
	n->next = *bucket;
	*bucket = n;
	name_parent(&parent, name);
	if (parent.len < name->len)
		(void)add_node(z, &parent);
	return n;
}

const struct zone_node *
zone_find(const struct zone *z, const struct name *name)
{
	const struct zone_node *n = z ? exact(z, name) : NULL;
	struct name above = *name, wildcard;

	while (z && !n && above.octets[0] != 0) {
		name_parent(&above, &above);
		if (name_below(&wildcard, "*", &above))
			n = exact(z, &wildcard);
		if (exact(z, &above))
			break;
	}
	return n;
}

/* --- values ----------------------------------------------------------------------------------- */

static void
read_name(const struct line *l, const char *text, struct packet *out)
{
	struct name name;

	if (!name_from_text(&name, text))
		refuse(l, "not a name", text);
	packet_name(out, &name);
}

static void
read_address(struct line *l, int family, size_t len, struct packet *out)
{
	const char *text = needed_word(l, "no address");
	unsigned char octets[16];

	if (inet_pton(family, text, octets) != 1)
		refuse(l, "not an address of this type", text);
	packet_octets(out, octets, len);
}

static void
value_a(struct line *l, struct packet *out)
{
	read_address(l, AF_INET, 4, out);
}

static void
value_aaaa(struct line *l, struct packet *out)
{
	read_address(l, AF_INET6, 16, out);
}

static void
value_name(struct line *l, struct packet *out)
{
	read_name(l, needed_word(l, "no name"), out);
}

static void
value_mx(struct line *l, struct packet *out)
{
	packet_u16(out, read_number(l, needed_word(l, "no preference"), 65535));
	value_name(l, out);
}

/* One octet, escapes undone: \DDD, \" and \\. */
static char
unescape(const struct line *l, char **from)
{
	char *p = *from;
	unsigned value = 0;

	if (*p != '\\') {
		*from = p + 1;
		return *p;
	}
	if (p[1] < '0' || p[1] > '9') {
		*from = p + 2;
		return p[1];
	}
	for (int i = 1; i <= 3; i++)
		value = value * 10 + (p[i] >= '0' && p[i] <= '9' ? (unsigned)(p[i] - '0') : 1000);
	if (value > 255)
		refuse(l, "\\ takes three digits, at most 255", p);
	*from = p + 4;
	return (char)value;
}

/* One string in quotation marks. */
static void
read_string(struct line *l, struct packet *out)
{
	char *from = l->rest + 1, *to = from, *start = from;

	while (*from != '"') {
		if (*from == '\n' || *from == '\0')
			refuse(l, "the string has no end", NULL);
		*to++ = unescape(l, &from);
	}
	l->rest = from + 1;
	packet_text(out, start, (size_t)(to - start));
}

static void
value_txt(struct line *l, struct packet *out)
{
	l->rest += strspn(l->rest, BLANK);
	if (*l->rest != '"')
		refuse(l, "TXT takes strings in quotation marks", NULL);
	while (*l->rest == '"') {
		read_string(l, out);
		l->rest += strspn(l->rest, BLANK);
	}
}

static const struct {
	const char *name;
	uint16_t type;
	void (*value)(struct line *, struct packet *);
} types[] = {
	{"A", TYPE_A, value_a},
	{"AAAA", TYPE_AAAA, value_aaaa},
	{"CNAME", TYPE_CNAME, value_name},
	{"MX", TYPE_MX, value_mx},
	{"NS", TYPE_NS, value_name},
	{"PTR", TYPE_PTR, value_name},
	{"TXT", TYPE_TXT, value_txt},
};

/* --- lines ------------------------------------------------------------------------------------ */

static void
add_record(struct zone_node *n, uint16_t type, uint32_t ttl, const struct packet *value)
{
	struct zone_record **end = &n->records;
	struct zone_record *r = need(calloc(1, sizeof *r + value->len));

	r->type = type;
	r->ttl = ttl;
	r->len = value->len;
	memcpy(r->rdata, value->octets, value->len);
	while (*end)
		end = &(*end)->next;
	*end = r;
}

static void
read_record(struct line *l, struct zone_node *n, const char *word)
{
	static struct packet value;
	uint32_t ttl = TTL_DEFAULT;

	if (*word >= '0' && *word <= '9') {
		ttl = read_number(l, word, UINT32_MAX);
		word = needed_word(l, "no type");
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, word) == 0) {
			value.len = 0;
			value.full = false;
			types[i].value(l, &value);
			if (next_word(l))
				refuse(l, "something stands behind the value", NULL);
			add_record(n, types[i].type, ttl, &value);
			return;
		}
	refuse(l, "no such type", word);
}

static void
read_line(struct line *l, struct zone *z, bool (*known)(const char *word))
{
	const char *text = next_word(l), *word;
	struct zone_node *n;
	struct name name;

	if (!text || *text == '#')
		return;
	if (!name_from_text(&name, text))
		refuse(l, "not a name", text);
	n = add_node(z, &name);
	word = needed_word(l, "no type");
	if (strcmp(word, "do") != 0) {
		read_record(l, n, word);
		return;
	}
	if (n->words)
		refuse(l, "a second \"do\" of this name", NULL);
	n->words = need(strdup(l->rest));
	while ((word = next_word(l)))
		if (!known(word))
			refuse(l, "no such behaviour", word);
}

struct zone *
zone_read(const char *path, bool (*known)(const char *word))
{
	struct zone *z = need(calloc(1, sizeof *z));
	struct line l = {.path = path};
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	while (getline(&text, &room, f) >= 0) {
		l.number++;
		l.rest = text;
		read_line(&l, z, known);
	}
	free(text);
	fclose(f);
	return z;
}
