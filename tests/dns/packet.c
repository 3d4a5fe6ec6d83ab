/* SPDX-License-Identifier: MIT */
/*
 * packet.c - DNS messages: questions read strictly, answers written, right ones
 */
#include "packet.h"

#include <string.h>

#define HEADER	  12
#define POINTER	  0xc00cu /* to the name of the question */
#define LABEL_MAX 63
#define STRING	  255
#define FLAG_QR	  0x8000u
#define FLAG_TC	  0x0200u
#define FLAG_RD	  0x0100u
#define FLAG_RA	  0x0080u
#define UDP_SIZE  512

/* --- names ------------------------------------------------------------------------------------ */

static int
lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

/* One octet of text, escapes undone; -1 for a broken escape. */
static int
octet(const char **text)
{
	const char *p = *text;
	int value = 0;

	if (*p != '\\') {
		*text = p + 1;
		return (unsigned char)*p;
	}
	if (p[1] < '0' || p[1] > '9') {
		*text = p + 2;
		return p[1] != '\0' ? (unsigned char)p[1] : -1;
	}
	for (int i = 1; i <= 3; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	*text = p + 4;
	return value <= 255 ? value : -1;
}

static bool
read_label(struct name *n, const char **text)
{
	size_t start = n->len++;

	while (**text != '\0' && **text != '.') {
		int c = octet(text);

		if (c < 0 || n->len >= WIRE_NAME - 1 || n->len - start > LABEL_MAX)
			return false;
		n->octets[n->len++] = (unsigned char)c;
	}
	n->octets[start] = (unsigned char)(n->len - start - 1);
	return n->octets[start] > 0;
}

bool
name_from_text(struct name *n, const char *text)
{
	n->len = 0;
	if (strcmp(text, ".") == 0)
		text++;
	while (*text != '\0') {
		if (n->len >= WIRE_NAME - 2 || !read_label(n, &text))
			return false;
		if (*text == '.')
			text++;
	}
	n->octets[n->len++] = 0;
	return true;
}

void
name_parent(struct name *out, const struct name *n)
{
	size_t skip = n->octets[0] != 0 ? (size_t)n->octets[0] + 1 : 0;

	out->len = n->len - skip;
	memmove(out->octets, n->octets + skip, out->len);
}

bool
name_below(struct name *out, const char *text, const struct name *parent)
{
	struct name first;

	if (!name_from_text(&first, text) || first.len - 1 + parent->len > WIRE_NAME)
		return false;
	memcpy(first.octets + first.len - 1, parent->octets, parent->len);
	first.len += parent->len - 1;
	*out = first;
	return true;
}

bool
name_equal(const struct name *a, const struct name *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (lower(a->octets[i]) != lower(b->octets[i]))
			return false;
	return true;
}

uint32_t
name_hash(const struct name *n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n->len; i++)
		h = (h ^ (uint32_t)lower(n->octets[i])) * 16777619u;
	return h;
}

/* --- questions -------------------------------------------------------------------------------- */

static unsigned
get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* The octets it takes; 0 for a name that is cut, too long, or has a pointer. */
static size_t
read_name(struct name *n, const unsigned char *p, size_t left)
{
	size_t len = 0;

	while (len < left && p[len] != 0) {
		if (p[len] > LABEL_MAX)
			return 0;
		len += (size_t)p[len] + 1;
	}
	if (len >= left || len >= WIRE_NAME)
		return 0;
	n->len = len + 1;
	memcpy(n->octets, p, n->len);
	return n->len;
}

/* The OPT record has the root as its owner, and its size where others have a class. */
static bool
read_opt(const unsigned char *p, size_t len, struct query *q)
{
	if (len < 11 || p[0] != 0 || get16(p + 1) != TYPE_OPT || get16(p + 9) != len - 11)
		return false;
	q->edns = true;
	q->udp_size = get16(p + 3) > UDP_SIZE ? get16(p + 3) : UDP_SIZE;
	return true;
}

bool
query_parse(const unsigned char *p, size_t len, struct query *q)
{
	size_t at = HEADER;

	if (len < HEADER || (get16(p + 2) & 0xf800u) != 0 || get16(p + 4) != 1 ||
		get16(p + 6) != 0 || get16(p + 8) != 0 || get16(p + 10) > 1)
		return false;
	size_t name = read_name(&q->name, p + at, len - at);

	at += name;
	if (name == 0 || len - at < 4 || get16(p + at + 2) != 1)
		return false;
	q->id = (uint16_t)get16(p);
	q->type = (uint16_t)get16(p + at);
	q->recursion = (get16(p + 2) & FLAG_RD) != 0;
	q->edns = false;
	q->udp_size = UDP_SIZE;
	at += 4;
	return get16(p + 10) == 1 ? read_opt(p + at, len - at, q) : at == len;
}

/* --- answers ---------------------------------------------------------------------------------- */

unsigned
packet_get16(const struct packet *p, size_t at)
{
	return get16(p->octets + at);
}

void
packet_put16(struct packet *p, size_t at, unsigned value)
{
	if (at + 2 > p->len)
		return;
	p->octets[at] = (unsigned char)(value >> 8);
	p->octets[at + 1] = (unsigned char)value;
}

void
packet_octets(struct packet *p, const void *octets, size_t len)
{
	p->full = p->full || len > PACKET_MAX - p->len;
	if (p->full)
		return;
	memcpy(p->octets + p->len, octets, len);
	p->len += len;
}

void
packet_u16(struct packet *p, unsigned value)
{
	const unsigned char octets[2] = {(unsigned char)(value >> 8), (unsigned char)value};

	packet_octets(p, octets, 2);
}

void
packet_u32(struct packet *p, uint32_t value)
{
	packet_u16(p, value >> 16);
	packet_u16(p, value & 0xffffu);
}

void
packet_name(struct packet *p, const struct name *n)
{
	packet_octets(p, n->octets, n->len);
}

void
packet_text(struct packet *p, const void *text, size_t len)
{
	const unsigned char *from = text;

	do {
		unsigned char n = (unsigned char)(len < STRING ? len : STRING);

		packet_octets(p, &n, 1);
		packet_octets(p, from, n);
		from += n;
		len -= n;
	} while (len > 0);
}

void
packet_begin(struct packet *p, const struct query *q, int rcode)
{
	p->len = p->owner = p->rdata = p->record = 0;
	p->full = false;
	packet_u16(p, q->id);
	packet_u16(p, FLAG_QR | FLAG_RA | (q->recursion ? FLAG_RD : 0) | (unsigned)rcode);
	packet_u16(p, 1);
	packet_u16(p, 0);
	packet_u32(p, 0);
	packet_name(p, &q->name);
	packet_u16(p, q->type);
	packet_u16(p, 1);
	p->question_end = p->len;
}

void
packet_record(struct packet *p, enum section section, const struct name *owner, uint16_t type,
	uint32_t ttl)
{
	size_t count = 6 + 2 * (size_t)section;

	if (p->owner == 0)
		p->owner = p->len;
	if (owner)
		packet_name(p, owner);
	else
		packet_u16(p, POINTER);
	packet_u16(p, type);
	packet_u16(p, 1);
	packet_u32(p, ttl);
	if (p->rdata == 0)
		p->rdata = p->len;
	p->record = p->len;
	packet_u16(p, 0);
	packet_put16(p, count, packet_get16(p, count) + 1);
}

void
packet_record_end(struct packet *p)
{
	packet_put16(p, p->record, (unsigned)(p->len - p->record - 2));
}

void
packet_end(struct packet *p, const struct query *q)
{
	static const unsigned char opt[11] = {0, 0, TYPE_OPT, 0x10, 0};

	if (!q->edns)
		return;
	packet_octets(p, opt, sizeof opt);
	packet_put16(p, 10, packet_get16(p, 10) + 1);
}

void
packet_truncate(struct packet *p, const struct query *q)
{
	p->len = p->question_end;
	p->owner = p->rdata = 0;
	packet_put16(p, 2, packet_get16(p, 2) | FLAG_TC);
	for (size_t count = 6; count < HEADER; count += 2)
		packet_put16(p, count, 0);
	packet_end(p, q);
}
