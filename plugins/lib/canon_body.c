/* SPDX-License-Identifier: MIT */
/*
 * canon_body.c - bodies as a signature sees them (RFC 6376 sections 3.4.3, 3.4.4)
 *
 * Almost all of a body stays as it is, so this looks for the places where it does not: 64 octets at
 * a time, in loops that compilers turn into vector instructions. Between two such places everything
 * goes into the hash in one piece, without a copy.
 */
#include <string.h>

#include "canon.h"

#define WIDE   64u
#define NARROW 16u

/* --- where something changes --- */

/*
 * Of an octet and the next one: does anything change here? Empty lines begin where CR follows LF;
 * relaxed, white space changes unless it is one blank between words. A mask, without branches.
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

#define FIND(name, changes)                                                                 \
	static inline bool name##_in(const unsigned char *p, size_t count)                  \
	{                                                                                   \
		unsigned char any = 0;                                                      \
                                                                                            \
		for (size_t i = 0; i < count; i++)                                          \
			any |= changes(p[i], p[i + 1]);                                     \
		return any != 0;                                                            \
	}                                                                                   \
                                                                                            \
	/* The first place before last where something changes; else last. */               \
	static const unsigned char *name(const unsigned char *p, const unsigned char *last) \
	{                                                                                   \
		while ((size_t)(last - p) >= WIDE && !name##_in(p, WIDE))                   \
			p += WIDE;                                                          \
		while ((size_t)(last - p) >= NARROW && !name##_in(p, NARROW))               \
			p += NARROW;                                                        \
		while (p < last && !changes(p[0], p[1]))                                    \
			p++;                                                                \
		return p;                                                                   \
	}

FIND(find_simple, changes_simple)
FIND(find_relaxed, changes_relaxed)

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
text_end(const struct canon_body *b, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *last = end - 1;
	const unsigned char *at =
		b->canon == CANON_RELAXED ? find_relaxed(p, last) : find_simple(p, last);
	bool waits =
		*last == '\r' || (b->canon == CANON_RELAXED && (*last == ' ' || *last == '\t'));

	if (at == last)
		return waits ? last : end;
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

	while (p < end && b->length <= b->limit) {
		if (b->cr || *p == '\r') {
			p = take_cr(b, p, end);
		} else if (b->canon == CANON_RELAXED && is_wsp(*p)) {
			b->space = true;
			p++;
		} else {
			const unsigned char *to = text_end(b, p, end);

			put_text(b, p, (size_t)(to - p));
			p = to;
		}
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
