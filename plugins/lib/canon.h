/* SPDX-License-Identifier: MIT */
/*
 * canon.h - header fields and bodies as a signature sees them (RFC 6376 section 3.4)
 *
 * What comes out goes straight into a hash.
 */
#ifndef PLUGINS_LIB_CANON_H
#define PLUGINS_LIB_CANON_H

#include <stdint.h>

#include "digest.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

/* A header field as received: all before the colon, all behind it. */
struct canon_field {
	const char *name, *value;
	size_t name_len, len;
};

/*
 * The field of a name and a value, which the milter protocol shows without the one blank behind the
 * colon. glued: there is none. Else room, of two octets more than the value has, takes both, and
 * lives as long as the field.
 */
struct canon_field canon_field_of(const char *name, const char *value, bool glued, char *room);
/*
 * Sections 3.4.1, 3.4.2: the field without the line break at its end. Lines of a folded value may
 * end in LF, as a milter gets them, or in CRLF. from and to: octets of the value that count as not
 * there (b= of a signature); both 0: none.
 */
void canon_field(struct digest *, enum canon, const struct canon_field *, size_t from, size_t to);

/* Nothing of the body goes unsigned. */
#define CANON_ALL UINT64_MAX

/* A body that comes in pieces, which may end anywhere. Lines end in CRLF; others are no lines. */
struct canon_body {
	struct digest digest;
	enum canon canon;
	uint64_t limit;	 /* l=: so many octets are hashed */
	uint64_t length; /* canonicalized octets; once over the limit, no longer counted */
	uint64_t blanks; /* empty lines that count if something follows */
	bool open;	 /* the line has something on it */
	bool space;	 /* relaxed: white space that counts if something follows on its line */
	bool cr;	 /* the latest piece ended in CR */
};

/* False: no memory. In any case canon_body_fini() may be called. */
bool canon_body_init(struct canon_body *, enum canon, uint64_t limit);
void canon_body_put(struct canon_body *, const void *, size_t len);
/* Lines of a text that an edit puts in the place of a body, which end in LF or CRLF. */
void canon_body_lines(struct canon_body *, const void *, size_t len);
/*
 * Sections 3.4.3, 3.4.4, with the line break that lacks at the end. Afterwards length > limit: a
 * tail is not signed; length < limit, and that is not CANON_ALL: l= is wrong.
 */
bool canon_body_end(struct canon_body *, unsigned char out[DIGEST_SIZE]);
void canon_body_fini(struct canon_body *);

#endif
