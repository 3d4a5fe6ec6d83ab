/* SPDX-License-Identifier: MIT */
/*
 * mime_field.h - what the Content- fields of a part say, and its content decoded
 *
 * Only mime_field.c uses GMime. It is given one field of bounded length, or octets to decode,
 * and never a structure: how many parts there are and how deep they stand is counted by mime.c.
 */
#ifndef CORE_SERVICE_MIME_FIELD_H
#define CORE_SERVICE_MIME_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of a field, unfolded; a longer one is read as far as that. */
#define MIME_FIELD_SIZE 8192u
/* RFC 6838 section 4.2: each half of a type has at most 127 characters. */
#define MIME_TYPE_SIZE 256u
/* RFC 2046 section 5.1.1 allows 70 characters; mail programs take more. */
#define MIME_BOUNDARY_SIZE 256u
/* A file system's limit. */
#define MIME_NAME_SIZE 256u

enum mime_field { MIME_DISPOSITION, MIME_ENCODING, MIME_TYPE, MIME_FIELDS };

extern const char *const mime_field_names[MIME_FIELDS];

struct mime_head {
	char type[MIME_TYPE_SIZE];	   /* "text/plain", lower case */
	char boundary[MIME_BOUNDARY_SIZE]; /* "": none */
	char name[MIME_NAME_SIZE];	   /* of the file, cleaned by mime_name_clean(); "": none */
	char type_name[MIME_NAME_SIZE];	   /* what Content-Type calls it */
	int encoding;			   /* GMime's number */
	bool encoded;			   /* content is not what it decodes to */
	bool attachment;		   /* Content-Disposition says so */
	bool doubtful;	 /* other readers may take the fields for something else */
	bool maybe_file; /* and what is text here for a file */
	bool seen[MIME_FIELDS];
};

struct err;
struct mime_fields; /* a reader of fields; used by one thread at a time */

/*
 * Loads the reader, once per process and for good; before the first mime_fields_new(). False with
 * words that name the library: it is not there, and a later call tries again.
 */
bool mime_fields_open(struct err *);
struct mime_fields *mime_fields_new(void);
void mime_fields_free(struct mime_fields *);

/* A head without fields; type is what RFC 2046 has a part be then. */
void mime_head_begin(struct mime_head *, const char *type);
/* Reads an unfolded value, which was cut or is whole; a field that came before is doubtful and not
 * read. */
void mime_head_add(
	struct mime_fields *, struct mime_head *, enum mime_field, const char *value, bool cut);
/* After the last field: settles which name it is. */
void mime_head_end(struct mime_head *);

/* Most octets that so many may decode to. */
size_t mime_decode_room(const struct mime_head *, size_t len);
/* Do other readers go on where mime_decode() takes it for ended? */
bool mime_decode_doubtful(const struct mime_head *, const unsigned char *, size_t len);
/* Decodes (RFC 2045 section 6) what can be decoded and leaves out the rest; octets written. */
size_t mime_decode(const struct mime_head *, const unsigned char *, size_t len, unsigned char *out);

/* The octets of base64, however it ends, into out of len + 3 octets. */
size_t mime_base64(const char *text, size_t len, char *out);
/*
 * Gives octets of a charset, as iconv calls it in a text that stays, to take() as UTF-8 in pieces
 * of whole characters, until it returns false; what is none as U+FFFD. NULL, or one that this
 * machine lacks: only ASCII is known.
 */
void mime_to_utf8(const char *charset, const char *octets, size_t len,
	bool (*take)(void *data, const char *utf8, size_t len), void *data);

#endif
