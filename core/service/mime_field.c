/* SPDX-License-Identifier: MIT */
/*
 * mime_field.c - fields and encodings, as GMime reads them
 *
 * GMime knows how mail programs spell parameters (RFC 2231, RFC 2047, octets of 8 bits, quotes that
 * are missing) and how they encode content. Its parser of whole messages is not used: it cannot be
 * told how many parts it may make, and cannot be stopped.
 */
#include "mime_field.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "mime_gmime.h"
#include "mime_name.h"

struct mime_fields {
	GMimeParserOptions *options;
	bool doubtful; /* what GMime said of the field being read */
};

const char *const mime_field_names[MIME_FIELDS] = {
	[MIME_DISPOSITION] = "Content-Disposition",
	[MIME_ENCODING] = "Content-Transfer-Encoding",
	[MIME_TYPE] = "Content-Type",
};

/* --- GMime ---------------------------------------------------------------------------------------
 */

static void
on_warning(gint64 offset, GMimeParserWarning code, const gchar *item, gpointer fields)
{
	(void)offset;
	(void)item;
	if (code == GMIME_CRIT_CONFLICTING_PARAMETER)
		((struct mime_fields *)fields)->doubtful = true;
}

bool
mime_fields_open(struct err *err)
{
	return mime_gmime_open(err);
}

struct mime_fields *
mime_fields_new(void)
{
	/* Octets of 8 bits are one of these; the second knows nearly all. */
	static const char *charsets[] = {"utf-8", "windows-1252", NULL};
	struct mime_fields *f = mem_zalloc(1, sizeof(*f));

	assert(mime_gmime.init != NULL);
	f->options = mime_gmime.options_new();
	mime_gmime.options_set_parameter_mode(f->options, GMIME_RFC_COMPLIANCE_LOOSE);
	mime_gmime.options_set_rfc2047_mode(f->options, GMIME_RFC_COMPLIANCE_LOOSE);
	mime_gmime.options_set_fallback_charsets(f->options, charsets);
	mime_gmime.options_set_warning_callback(f->options, on_warning, f);
	return f;
}

void
mime_fields_free(struct mime_fields *f)
{
	if (f == NULL)
		return;
	mime_gmime.options_free(f->options);
	free(f);
}

/* --- fields --------------------------------------------------------------------------------------
 */

void
mime_head_begin(struct mime_head *h, const char *type)
{
	memset(h, 0, sizeof(*h));
	h->encoding = GMIME_CONTENT_ENCODING_7BIT;
	memcpy(h->type, type, strlen(type) + 1);
}

/* False: it does not fit, and is left as it was. */
static bool
copy(char *out, size_t room, const char *text)
{
	size_t len = strlen(text);

	if (len >= room)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

/* No boundary ends in blanks (RFC 2046 section 5.1.1), and some programs leave them out. */
static void
trim(char *boundary)
{
	size_t len = strlen(boundary);

	while (len > 0 && (boundary[len - 1] == ' ' || boundary[len - 1] == '\t'))
		len--;
	boundary[len] = '\0';
}

/* What is not encoded GMime leaves as it came. */
static void
take_name(struct mime_fields *f, const char *raw, char out[MIME_NAME_SIZE])
{
	size_t len = strlen(raw);
	char *text = text_utf8_valid(raw, len) == len
			     ? NULL
			     : mime_gmime.utils_decode_8bit(f->options, raw, len);

	mime_name_clean(text == NULL ? raw : text, out);
	mime_gmime.free(text);
}

/* A name that GMime did not find, or of which it found the beginning. */
static bool
hides_name(const char *value, const char *name)
{
	bool named = strcasestr(value, "name=") != NULL || strcasestr(value, "name*") != NULL;

	return (named && name == NULL) || strstr(value, "%00") != NULL;
}

/*
 * What is no type GMime calls application/octet-stream, and RFC 2045 section 5.2 text. And it
 * decodes a boundary like a name, which few others do.
 */
static bool
doubtful_type(const char *type, const char *value)
{
	const char *word = strstr(value, "=?");

	if (type[0] == '/' || (strcmp(type, "application/octet-stream") == 0 &&
				      strcasestr(value, "octet-stream") == NULL))
		return true;
	return strncmp(type, "multipart/", strlen("multipart/")) == 0 &&
	       (strcasestr(value, "boundary*") != NULL ||
		       (word != NULL && strstr(word, "?=") != NULL));
}

static void
read_type(struct mime_fields *f, struct mime_head *h, const char *value)
{
	GMimeContentType *type = mime_gmime.content_type_parse(f->options, value);
	const char *boundary = mime_gmime.content_type_get_parameter(type, "boundary");
	const char *name = mime_gmime.content_type_get_parameter(type, "name");
	char *text = mime_gmime.content_type_get_mime_type(type);

	/* Some programs read it there, too. */
	if (name == NULL)
		name = mime_gmime.content_type_get_parameter(type, "filename");
	if (text == NULL || !copy(h->type, sizeof(h->type), text))
		h->doubtful = true;
	text_lower_all(h->type);
	text_clean(h->type);
	if (boundary != NULL && !copy(h->boundary, sizeof(h->boundary), boundary))
		h->doubtful = true;
	trim(h->boundary);
	if (name != NULL)
		take_name(f, name, h->type_name);
	if (doubtful_type(h->type, value) || hides_name(value, name))
		h->doubtful = true;
	mime_gmime.free(text);
	mime_gmime.object_unref(type);
}

/* What nobody knows is an attachment (RFC 2183 section 2.8). */
static bool
is_inline(const char *value)
{
	static const char word[] = "inline";
	size_t len = strlen(word);

	value += strspn(value, " \t");
	return *value == '\0' || *value == ';' ||
	       (strncasecmp(value, word, len) == 0 && strchr("; \t(", value[len]) != NULL);
}

static void
read_disposition(struct mime_fields *f, struct mime_head *h, const char *value)
{
	GMimeContentDisposition *d = mime_gmime.content_disposition_parse(f->options, value);
	const char *name = mime_gmime.content_disposition_get_parameter(d, "filename");

	if (name == NULL)
		name = mime_gmime.content_disposition_get_parameter(d, "name");
	h->attachment = !is_inline(value);
	h->doubtful = hides_name(value, name);
	if (name != NULL)
		take_name(f, name, h->name);
	mime_gmime.object_unref(d);
}

static void
read_encoding(struct mime_fields *f, struct mime_head *h, const char *value)
{
	char word[32];
	size_t len;

	(void)f;
	value += strspn(value, " \t");
	len = strcspn(value, " \t;(");
	if (len == 0) {
		h->doubtful = *value != '\0';
		return;
	}
	memcpy(word, value, len < sizeof(word) ? len : sizeof(word) - 1);
	word[len < sizeof(word) ? len : sizeof(word) - 1] = '\0';
	h->encoding = (int)mime_gmime.content_encoding_from_string(word);
	h->encoded = h->encoding == GMIME_CONTENT_ENCODING_BASE64 ||
		     h->encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
		     h->encoding == GMIME_CONTENT_ENCODING_UUENCODE;
	if (h->encoding == GMIME_CONTENT_ENCODING_DEFAULT)
		h->doubtful = true;
}

void
mime_head_add(struct mime_fields *f, struct mime_head *h, enum mime_field field, const char *value,
	bool cut)
{
	static void (*const readers[MIME_FIELDS])(
		struct mime_fields *, struct mime_head *, const char *) = {
		[MIME_DISPOSITION] = read_disposition,
		[MIME_ENCODING] = read_encoding,
		[MIME_TYPE] = read_type,
	};
	bool before = h->doubtful;

	f->doubtful = h->seen[field] || cut;
	h->doubtful = false;
	if (!h->seen[field])
		readers[field](f, h, value);
	h->seen[field] = true;
	h->doubtful = h->doubtful || f->doubtful;
	h->maybe_file = h->maybe_file || (h->doubtful && field != MIME_ENCODING);
	h->doubtful = h->doubtful || before;
}

void
mime_head_end(struct mime_head *h)
{
	char said[MIME_NAME_SIZE], other[MIME_NAME_SIZE];
	bool both = h->name[0] != '\0' && h->type_name[0] != '\0';

	/* Mail programs do not agree on which of two names a file gets. */
	if (both && (mime_name_ext(h->name, said) != mime_name_ext(h->type_name, other) ||
			    strcmp(said, other) != 0))
		h->doubtful = true;
	if (h->name[0] == '\0')
		memcpy(h->name, h->type_name, sizeof(h->name));
}

/* --- content -------------------------------------------------------------------------------------
 */

size_t
mime_decode_room(const struct mime_head *h, size_t len)
{
	GMimeEncoding state;

	mime_gmime.encoding_init_decode(&state, (GMimeContentEncoding)h->encoding);
	return mime_gmime.encoding_outlen(&state, len);
}

bool
mime_decode_doubtful(const struct mime_head *h, const unsigned char *data, size_t len)
{
	const unsigned char *end = data + len, *at;

	if (h->encoding != GMIME_CONTENT_ENCODING_BASE64 || len == 0)
		return false;
	at = memchr(data, '=', len);
	if (at == NULL)
		return false;
	while (at < end && strchr("= \t\r\n", *at) != NULL && *at != '\0')
		at++;
	return at < end;
}

/* Behind the line "begin 644 name", which GMime wants to have been found. */
static size_t
find_begin(const unsigned char *data, size_t len, GMimeEncoding *state)
{
	const unsigned char *at = data, *end = data + len;

	for (; at != NULL && at < end; at = at == NULL ? NULL : at + 1) {
		bool begins = end - at > 6 && memcmp(at, "begin ", 6) == 0;

		at = memchr(at, '\n', (size_t)(end - at));
		if (begins && at != NULL) {
			state->state |= GMIME_UUDECODE_STATE_BEGIN;
			return (size_t)(at + 1 - data);
		}
	}
	return len;
}

size_t
mime_decode(const struct mime_head *h, const unsigned char *data, size_t len, unsigned char *out)
{
	GMimeEncoding state;
	size_t skip = 0;

	mime_gmime.encoding_init_decode(&state, (GMimeContentEncoding)h->encoding);
	if (h->encoding == GMIME_CONTENT_ENCODING_UUENCODE)
		skip = find_begin(data, len, &state);
	return mime_gmime.encoding_flush(
		&state, (const char *)data + skip, len - skip, (char *)out);
}

/* --- texts ---------------------------------------------------------------------------------------
 */

/* What is missing of the last four characters is added, for GMime gives nothing of them else. */
size_t
mime_base64(const char *text, size_t len, char *out)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/=";
	size_t characters = 0, got;
	GMimeEncoding state;

	for (size_t i = 0; i < len; i++)
		characters += strchr(base64, text[i]) != NULL;
	mime_gmime.encoding_init_decode(&state, GMIME_CONTENT_ENCODING_BASE64);
	got = mime_gmime.encoding_step(&state, text, len, out);
	if (characters % 4 > 1)
		got += mime_gmime.encoding_step(&state, "==", 4 - characters % 4, out + got);
	return got;
}

static void
ascii_only(const char *octets, size_t len, bool (*take)(void *, const char *, size_t), void *data)
{
	bool wanted = true;

	for (size_t i = 0; i < len && wanted; i++)
		wanted = (octets[i] & 0x80) == 0 ? take(data, octets + i, 1)
						 : take(data, "\xef\xbf\xbd", 3);
}

/*
 * The C library unloads what nobody uses, and to load it again takes a millisecond, for which a
 * line of words in turns could ask ten thousand times. So one converter of each charset stays, and
 * is never used.
 */
#define CHARSETS_MOST 64u

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER; /* protects the two below */
static const char *kept[CHARSETS_MOST];
static iconv_t converters[CHARSETS_MOST];

static void
keep_loaded(const char *charset)
{
	size_t i = 0;

	pthread_mutex_lock(&kept_lock);
	while (i < CHARSETS_MOST && kept[i] != NULL && strcmp(kept[i], charset) != 0)
		i++;
	if (i < CHARSETS_MOST && kept[i] == NULL) {
		converters[i] = mime_gmime.iconv_open("UTF-8", charset);
		kept[i] = charset;
	}
	pthread_mutex_unlock(&kept_lock);
}

static iconv_t
open_charset(const char *charset)
{
	if (charset == NULL)
		return (iconv_t)-1;
	keep_loaded(charset);
	return mime_gmime.iconv_open("UTF-8", charset);
}

void
mime_to_utf8(const char *charset, const char *octets, size_t len,
	bool (*take)(void *data, const char *utf8, size_t len), void *data)
{
	iconv_t cd = open_charset(charset);
	char *in = (char *)(uintptr_t)octets;
	bool wanted = true, ended = false;

	if (cd == (iconv_t)-1) {
		ascii_only(octets, len, take, data);
		return;
	}
	while (wanted && !ended) {
		char piece[1024], *out = piece;
		size_t room = sizeof(piece), before = len, skip;
		/* At the end some hold back a character. */
		bool last = len == 0;
		int why =
			iconv(cd, last ? NULL : &in, last ? NULL : &len, &out, &room) == (size_t)-1
				? errno
				: 0;

		wanted = out == piece || take(data, piece, (size_t)(out - piece));
		ended = last || (why == E2BIG && len == before && out == piece);
		if (why != 0 && why != E2BIG && wanted) {
			wanted = take(data, "\xef\xbf\xbd", 3);
			skip = why == EILSEQ && len > 0 ? 1 : len;
			in += skip;
			len -= skip;
		}
	}
	mime_gmime.iconv_close(cd);
}
