/* SPDX-License-Identifier: MIT */
/*
 * mime_text.c - encoded words (RFC 2047), read as loosely as mail programs read them
 *
 * They are found inside of words and quoted strings, too, with blanks in them and base64 without
 * its end. A character may begin in one word and end in the next, so neighbours of one charset are
 * converted together. Which charsets there are is said here: of those that the C library knows some
 * have ended processes, and mail programs read none of them.
 */
#include "mime_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "mime_field.h"

#define COUNT(table)	 (sizeof(table) / sizeof(*(table)))
#define CHARSET_SIZE	 32u
#define REPLACEMENT	 "\xef\xbf\xbd"
#define REPLACEMENT_SIZE 3u

/* --- charsets ------------------------------------------------------------------------------------
 */

/*
 * What messages call them, in lower case and with '-' for '_', and whose octets those are: mail
 * programs read many as the larger one of Windows, as the Encoding Standard of browsers has it.
 */
static const struct {
	const char *name, *octets;
} charsets[] = {
	{"ansi-x3.4-1968", "CP1252"},
	{"ascii", "CP1252"},
	{"big5", "BIG5-HKSCS"},
	{"big5-hkscs", "BIG5-HKSCS"},
	{"cp1250", "CP1250"},
	{"cp1251", "CP1251"},
	{"cp1252", "CP1252"},
	{"cp866", "CP866"},
	{"cp932", "CP932"},
	{"cp936", "GB18030"},
	{"cp949", "UHC"},
	{"cp950", "BIG5-HKSCS"},
	{"euc-cn", "GB18030"},
	{"euc-jp", "EUC-JP"},
	{"euc-kr", "UHC"},
	{"gb18030", "GB18030"},
	{"gb2312", "GB18030"},
	{"gbk", "GB18030"},
	{"ibm866", "CP866"},
	{"iso-2022-jp", "ISO-2022-JP"},
	{"iso-2022-kr", "ISO-2022-KR"},
	{"iso-8859-1", "CP1252"},
	{"iso-8859-10", "ISO-8859-10"},
	{"iso-8859-11", "CP874"},
	{"iso-8859-13", "ISO-8859-13"},
	{"iso-8859-14", "ISO-8859-14"},
	{"iso-8859-15", "ISO-8859-15"},
	{"iso-8859-16", "ISO-8859-16"},
	{"iso-8859-2", "ISO-8859-2"},
	{"iso-8859-3", "ISO-8859-3"},
	{"iso-8859-4", "ISO-8859-4"},
	{"iso-8859-5", "ISO-8859-5"},
	{"iso-8859-6", "ISO-8859-6"},
	{"iso-8859-7", "ISO-8859-7"},
	{"iso-8859-8", "ISO-8859-8"},
	{"iso-8859-8-i", "ISO-8859-8"},
	{"iso-8859-9", "CP1254"},
	{"iso8859-1", "CP1252"},
	{"iso8859-15", "ISO-8859-15"},
	{"iso8859-2", "ISO-8859-2"},
	{"koi8-r", "KOI8-R"},
	{"koi8-u", "KOI8-U"},
	{"ks-c-5601-1987", "UHC"},
	{"latin1", "CP1252"},
	{"macintosh", "MACINTOSH"},
	{"shift-jis", "CP932"},
	{"sjis", "CP932"},
	{"tis-620", "CP874"},
	{"unicode-1-1-utf-7", "UTF-7"},
	{"us-ascii", "CP1252"},
	{"utf-16", "UTF-16"},
	{"utf-16be", "UTF-16BE"},
	{"utf-16le", "UTF-16LE"},
	{"utf-7", "UTF-7"},
	{"utf-8", "UTF-8"},
	{"utf7", "UTF-7"},
	{"utf8", "UTF-8"},
	{"windows-1250", "CP1250"},
	{"windows-1251", "CP1251"},
	{"windows-1252", "CP1252"},
	{"windows-1253", "CP1253"},
	{"windows-1254", "CP1254"},
	{"windows-1255", "CP1255"},
	{"windows-1256", "CP1256"},
	{"windows-1257", "CP1257"},
	{"windows-1258", "CP1258"},
	{"windows-31j", "CP932"},
	{"windows-874", "CP874"},
	{"windows-949", "UHC"},
	{"x-gbk", "GB18030"},
	{"x-sjis", "CP932"},
};

/* NULL: nobody knows it. A language may stand behind it (RFC 2231 section 5). */
static const char *
find_charset(const char *name, size_t len)
{
	const char *language = memchr(name, '*', len);
	char word[CHARSET_SIZE];

	if (language != NULL)
		len = (size_t)(language - name);
	if (len >= sizeof(word))
		return NULL;
	for (size_t i = 0; i < len; i++)
		word[i] = name[i] == '_' ? '-' : text_lower(name[i]);
	word[len] = '\0';
	for (size_t i = 0; i < COUNT(charsets); i++) {
		if (strcmp(word, charsets[i].name) == 0)
			return charsets[i].octets;
	}
	return NULL;
}

/* --- what comes out ------------------------------------------------------------------------------
 */

struct text {
	char *out;
	size_t len;
	bool full;
};

static void
put(struct text *t, const char *character, size_t len)
{
	if (t->len == 0 && *character == ' ')
		return;
	t->full = t->full || len >= MIME_TEXT_SIZE - t->len;
	if (t->full)
		return;
	memcpy(t->out + t->len, character, len);
	t->len += len;
}

/* A character of valid UTF-8. */
static void
put_character(struct text *t, const char *p, size_t len)
{
	unsigned char c = (unsigned char)p[0];
	bool control = c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)p[1] < 0xa0);

	if (c == '\t' || c == '\r' || c == '\n')
		put(t, " ", 1);
	else if (control)
		put(t, REPLACEMENT, REPLACEMENT_SIZE);
	else
		put(t, p, len);
}

static void
put_utf8(struct text *t, const char *text, size_t len)
{
	size_t valid = text_utf8_valid(text, len);

	for (size_t i = 0; i < len && !t->full;) {
		unsigned char lead = (unsigned char)text[i];
		size_t octets = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

		if (i < valid) {
			put_character(t, text + i, octets);
			i += octets;
			continue;
		}
		put(t, REPLACEMENT, REPLACEMENT_SIZE);
		i++;
		valid = i + text_utf8_valid(text + i, len - i);
	}
}

static bool
take(void *text, const char *utf8, size_t len)
{
	struct text *t = text;

	put_utf8(t, utf8, len);
	return !t->full;
}

/* --- encoded words ------------------------------------------------------------------------------
 */

struct word {
	const char *at, *end;
	const char *charset;
	const char *text;
	size_t charset_len, len;
	bool base64;
};

/* close is the first "?=" behind what was looked at last, so that a line is searched once. */
struct line {
	const char *at, *end, *close;
};

/* Where a and b stand side by side, or NULL. Looks no further, as strstr() may. */
static const char *
find_pair(const char *at, char a, char b)
{
	for (; *at != '\0'; at++) {
		if (at[0] == a && at[1] == b)
			return at;
	}
	return NULL;
}

/* "=?charset?Q?text?=" at at. */
static bool
read_word(struct line *l, const char *at, struct word *w)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.:+*";
	const char *open;

	w->at = at;
	w->charset = at + 2;
	w->charset_len = strspn(w->charset, token);
	at = w->charset + w->charset_len;
	if (w->charset_len == 0 || at[0] != '?' || at[1] == '\0' || strchr("bBqQ", at[1]) == NULL ||
		at[2] != '?')
		return false;
	w->base64 = text_lower(at[1]) == 'b';
	w->text = at + 3;
	if (l->close != NULL && l->close < w->text)
		l->close = find_pair(w->text, '?', '=');
	if (l->close == NULL)
		return false;
	/* One that does not end before the next begins is none. */
	open = find_pair(w->text, '=', '?');
	if (open != NULL && open + 2 <= l->close)
		return false;
	w->len = (size_t)(l->close - w->text);
	w->end = l->close + 2;
	return true;
}

/* The next word from here on. */
static bool
find_word(struct line *l, struct word *w)
{
	for (const char *at = l->at; (at = find_pair(at, '=', '?')) != NULL; at++) {
		if (read_word(l, at, w))
			return true;
	}
	return false;
}

static int
hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : text_lower(c) - 'a' + 10;
}

/* RFC 2047 section 4.2. */
static size_t
decode_q(const char *text, size_t len, char *out)
{
	size_t got = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '=' && len - i > 2 && isxdigit((unsigned char)text[i + 1]) &&
			isxdigit((unsigned char)text[i + 2])) {
			out[got++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
			i += 2;
		} else {
			out[got++] = text[i] == '_' ? ' ' : text[i];
		}
	}
	return got;
}

static bool
only_blanks(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	return from == to;
}

/*
 * Decodes w and the words behind it that belong to it into octets; w becomes the next word, and
 * false says that there is none.
 */
static bool
decode_run(struct line *l, struct word *w, char *octets, size_t *len)
{
	struct word first = *w;
	bool more;

	*len = 0;
	do {
		*len += w->base64 ? mime_base64(w->text, w->len, octets + *len)
				  : decode_q(w->text, w->len, octets + *len);
		l->at = w->end;
		more = find_word(l, w);
	} while (more && only_blanks(l->at, w->at) && w->charset_len == first.charset_len &&
		 strncasecmp(w->charset, first.charset, first.charset_len) == 0);
	return more;
}

static void
put_octets(struct text *t, const struct word *w, const char *octets, size_t len)
{
	const char *charset = find_charset(w->charset, w->charset_len);

	if (len == 0)
		return;
	if (charset != NULL && strcmp(charset, "UTF-8") == 0)
		put_utf8(t, octets, len);
	else
		mime_to_utf8(charset, octets, len, take, t);
}

static bool
decode(struct line *l, const struct mime_text_clock *clock, char *octets, struct text *t)
{
	struct word w, first;
	bool more = find_word(l, &w), behind_word = false;
	size_t len;

	while (more && !t->full) {
		if (!clock->in_time(clock->data))
			return false;
		/* Blanks between two words are no text. */
		if (!behind_word || !only_blanks(l->at, w.at))
			put_utf8(t, l->at, (size_t)(w.at - l->at));
		first = w;
		more = decode_run(l, &w, octets, &len);
		put_octets(t, &first, octets, len);
		behind_word = true;
	}
	put_utf8(t, l->at, (size_t)(l->end - l->at));
	return true;
}

/* --- a value ------------------------------------------------------------------------------------
 */

/* RFC 5322 section 2.2.3: the end of a line goes, the blank behind it stays. */
static size_t
unfold(const char *value, char *out)
{
	size_t len = 0;

	for (const char *p = value; *p != '\0'; p++) {
		bool end = *p == '\r' || *p == '\n';

		if (!end || (p[1] != '\0' && strchr("\r\n\t ", p[1]) == NULL))
			out[len++] = *p;
	}
	out[len] = '\0';
	return len;
}

bool
mime_text(const char *value, const struct mime_text_clock *clock, char out[MIME_TEXT_SIZE])
{
	size_t size = strlen(value) + 1;
	char *line = mem_alloc(2 * size), *octets = line + size;
	struct line l = {.at = line, .end = line + unfold(value, line), .close = line};
	struct text t = {.out = out};
	bool done = decode(&l, clock, octets, &t);

	while (t.len > 0 && out[t.len - 1] == ' ')
		t.len--;
	out[t.len] = '\0';
	free(line);
	return done;
}
