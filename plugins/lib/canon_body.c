/* SPDX-License-Identifier: MIT */
/*
 * canon_body.c - bodies as a signature sees them (RFC 6376 sections 3.4.3, 3.4.4)
 *
 * Almost all of a body stays as it is, so this looks for the places where it does not: 64 octets at
 * a time, in loops that compilers turn into vector instructions. What is between two such places
 * goes into the hash in one piece.
 */
#include <endian.h>
#include <string.h>

#include "canon.h"

#define BLOCK 64u

/* --- where something changes --- */

/*
 * Of an octet and the next one: 1 where something changes. Empty lines begin where CR follows LF;
 * relaxed, white space changes unless it is one blank between words. Without branches.
 */
static inline unsigned char
changes_simple(unsigned char c, unsigned char next)
{
	return (unsigned char)((c == '\n') & (next == '\r'));
}

static inline unsigned char
changes_relaxed(unsigned char c, unsigned char next)
{
	return (unsigned char)((c == '\t') | (((c == ' ') | (c == '\n')) & (next == '\r')) |
			       ((c == ' ') & ((next == ' ') | (next == '\t'))));
}

/* 64 octets that are 0 or 1. */
union flags {
	unsigned char octets[BLOCK];
	uint64_t words[BLOCK / 8];
};

/* The same as bits. */
static inline uint64_t
pack(const union flags *f)
{
	const uint64_t *w = f->words;
	uint64_t mask = 0;

	if ((w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) == 0)
		return 0;
	/* The product has each octet's lowest bit in its highest octet. */
	for (size_t i = 0; i < BLOCK / 8; i++)
		mask |= ((le64toh(w[i]) * UINT64_C(0x0102040810204080)) >> 56) << (8 * i);
	return mask;
}

static inline uint64_t
mask_simple(const unsigned char *p)
{
	union flags f;

	for (size_t i = 0; i < BLOCK; i++)
		f.octets[i] = changes_simple(p[i], p[i + 1]);
	return pack(&f);
}

static inline uint64_t
mask_relaxed(const unsigned char *p)
{
	union flags f;

	for (size_t i = 0; i < BLOCK; i++)
		f.octets[i] = changes_relaxed(p[i], p[i + 1]);
	return pack(&f);
}

/* A piece, and the block that is looked at. Nobody can tell of the last octet yet. */
struct scan {
	enum canon canon;
	const unsigned char *last, *block;
	size_t count; /* octets of the block */
	uint64_t mask;
};

static void
scan_block(struct scan *s, const unsigned char *p)
{
	s->block = p;
	s->count = BLOCK;
	if ((size_t)(s->last - p) >= BLOCK) {
		s->mask = s->canon == CANON_SIMPLE ? mask_simple(p) : mask_relaxed(p);
		return;
	}
	s->count = (size_t)(s->last - p);
	s->mask = 0;
	for (size_t i = 0; i < s->count; i++)
		s->mask |= (uint64_t)(s->canon == CANON_SIMPLE ? changes_simple(p[i], p[i + 1])
							       : changes_relaxed(p[i], p[i + 1]))
			   << i;
}

/* The first place from p on where something changes; else the last octet. */
static const unsigned char *
scan_next(struct scan *s, const unsigned char *p)
{
	while (p < s->last) {
		size_t at = (size_t)(p - s->block);

		if (at < s->count && s->mask >> at != 0)
			return p + __builtin_ctzll(s->mask >> at);
		if (at < s->count)
			p = s->block + s->count;
		if (p < s->last)
			scan_block(s, p);
	}
	return s->last;
}

/* --- what comes out --- */

static void
put(struct canon_body *b, const void *data, size_t len)
{
	uint64_t room = b->length < b->limit ? b->limit - b->length : 0;

	digest_put(&b->digest, data, len < room ? len : (size_t)room);
	b->length += len;
}

static void
put_blanks(struct canon_body *b)
{
	static const char lines[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
				    "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
	const uint64_t most = (sizeof(lines) - 1) / 2;

	while (b->blanks > 0) {
		uint64_t count = b->blanks < most ? b->blanks : most;

		put(b, lines, (size_t)count * 2);
		b->blanks -= count;
	}
}

/* Something that stays as it is, with what was waiting for it. */
static void
put_text(struct canon_body *b, const unsigned char *data, size_t len)
{
	put_blanks(b);
	if (b->space)
		put(b, " ", 1);
	put(b, data, len);
	b->space = false;
	b->open = len < 2 || data[len - 2] != '\r' || data[len - 1] != '\n';
}

/* The line break of a line with something on it always counts. */
static void
put_break(struct canon_body *b)
{
	if (b->open)
		put(b, "\r\n", 2);
	else
		b->blanks++;
	b->open = b->space = false;
}

/* --- what comes in --- */

/*
 * From an octet that is neither CR nor, relaxed, white space: up to where something changes. A CR
 * or a blank that is last waits for what follows.
 */
static const unsigned char *
text_end(struct scan *s, const unsigned char *p)
{
	const unsigned char *at = scan_next(s, p);
	bool waits = *at == '\r' || (s->canon == CANON_RELAXED && (*at == ' ' || *at == '\t'));

	if (at == s->last)
		return waits ? at : at + 1;
	return *at == '\n' ? at + 1 : at;
}

static bool
is_wsp(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* CR, or what follows the CR that a piece ended in. */
static const unsigned char *
take_cr(struct canon_body *b, const unsigned char *p, const unsigned char *end)
{
	if (!b->cr)
		p++;
	b->cr = p == end;
	if (b->cr)
		return p;
	if (*p == '\n') {
		put_break(b);
		return p + 1;
	}
	put_text(b, (const unsigned char *)"\r", 1);
	return p;
}

void
canon_body_put(struct canon_body *b, const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;
	struct scan scan = {.canon = b->canon, .last = len > 0 ? end - 1 : p, .block = p};

	while (p < end && b->length <= b->limit) {
		if (b->cr || *p == '\r') {
			p = take_cr(b, p, end);
		} else if (b->canon == CANON_RELAXED && is_wsp(*p)) {
			b->space = true;
			p++;
		} else {
			const unsigned char *to = text_end(&scan, p);

			put_text(b, p, (size_t)(to - p));
			p = to;
		}
	}
}

void
canon_body_lines(struct canon_body *b, const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;

	while (p < end) {
		const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));
		const unsigned char *stop = lf == NULL ? end : lf;

		canon_body_put(b, p, (size_t)(stop - p));
		if (lf != NULL)
			canon_body_put(b, stop > p && stop[-1] == '\r' ? "\n" : "\r\n",
				stop > p && stop[-1] == '\r' ? 1 : 2);
		p = lf == NULL ? end : lf + 1;
	}
}

bool
canon_body_end(struct canon_body *b, unsigned char out[DIGEST_SIZE])
{
	if (b->cr)
		put_text(b, (const unsigned char *)"\r", 1);
	if (b->open || (b->canon == CANON_SIMPLE && b->length == 0))
		put(b, "\r\n", 2);
	return digest_end(&b->digest, out);
}

bool
canon_body_init(struct canon_body *b, enum canon canon, uint64_t limit)
{
	b->canon = canon;
	b->limit = limit;
	b->length = b->blanks = 0;
	b->open = b->space = b->cr = false;
	return digest_init(&b->digest);
}

void
canon_body_fini(struct canon_body *b)
{
	digest_fini(&b->digest);
}
