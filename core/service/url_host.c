/* SPDX-License-Identifier: MIT */
/*
 * url_host.c - the host of a web address, as browsers read it
 *
 * Of what browsers do to names in other scripts (UTS 46) only this is done: dots and Latin letters
 * that are written otherwise, and characters that a name does not have. Rules compare names of
 * ASCII, and with these everybody can write those another way.
 */
#include "url_host.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *const schemes[] = {"https", "http", "ftp"};

/* In UTF-8. */
static const struct {
	const char *from, *to;
} spellings[] = {
	{"\xc2\xad", ""},      /* soft hyphen */
	{"\xcd\x8f", ""},      /* joiner of letters */
	{"\xe2\x80\x8b", ""},  /* blank without width */
	{"\xe2\x81\xa0", ""},  /* joiner of words */
	{"\xe2\x81\xa4", ""},  /* invisible plus */
	{"\xe3\x80\x82", "."}, /* dots of Chinese and Japanese */
	{"\xef\xbc\x8e", "."}, {"\xef\xbd\xa1", "."},
	{"\xef\xbb\xbf", ""}, /* mark of the order of octets */
};

/* Blanks and quotes that people write behind an address: of ASCII, and of Unicode. */
static const char ascii_marks[] = ",;()!'|{}";
static const char *const marks[] = {
	"\xc2\xa0",
	"\xc2\xab",
	"\xc2\xbb",
	"\xe2\x80\x82",
	"\xe2\x80\x83",
	"\xe2\x80\x89",
	"\xe2\x80\x98",
	"\xe2\x80\x99",
	"\xe2\x80\x9c",
	"\xe2\x80\x9d",
	"\xe2\x80\x9e",
	"\xe3\x80\x80",
};

bool
url_is_slash(char c)
{
	return c == '/' || c == '\\';
}

static bool
starts_so(const char *at, const char *end, const char *start)
{
	size_t len = strlen(start);

	return (size_t)(end - at) >= len && memcmp(at, start, len) == 0;
}

const char *
url_scheme(const char *least, const char *colon)
{
	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if ((size_t)(colon - least) >= len &&
			strncasecmp(colon - len, schemes[i], len) == 0)
			return colon - len;
	}
	return NULL;
}

static const char *
behind_scheme(struct url_piece url)
{
	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if ((size_t)(url.end - url.at) > len && url.at[len] == ':' &&
			strncasecmp(url.at, schemes[i], len) == 0)
			return url.at + len + 1;
	}
	return url.at;
}

struct url_piece
url_authority(struct url_piece url)
{
	struct url_piece out = {behind_scheme(url), NULL};

	while (out.at < url.end && url_is_slash(*out.at))
		out.at++;
	for (out.end = out.at;
		out.end < url.end && !url_is_slash(*out.end) && *out.end != '?' && *out.end != '#';
		out.end++)
		;
	return out;
}

static bool
is_mark(const char *p, const char *end)
{
	if ((*p & 0x80) == 0)
		return *p != '\0' && strchr(ascii_marks, *p) != NULL;
	for (size_t i = 0; i < COUNT(marks); i++) {
		if (starts_so(p, end, marks[i]))
			return true;
	}
	return false;
}

const char *
url_mark(struct url_piece authority)
{
	const char *p = authority.at;

	/* No login and host are as long as that. */
	for (; p < authority.end && p - authority.at < (int)URL_SIZE; p++) {
		if (is_mark(p, authority.end))
			return p;
	}
	return NULL;
}

/* Without login and port. */
static struct url_piece
find_host(struct url_piece url)
{
	struct url_piece host = url_authority(url);
	const char *colon;

	for (const char *p = host.end; p > host.at; p--) {
		if (p[-1] == '@') {
			host.at = p;
			break;
		}
	}
	colon = host.at < host.end && *host.at == '['
			? memchr(host.at, ']', (size_t)(host.end - host.at))
			: memchr(host.at, ':', (size_t)(host.end - host.at));
	if (colon != NULL)
		host.end = colon + (*colon == ']');
	return host;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = text_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Escapes (RFC 3986 section 2.1) are what they stand for. */
static size_t
unescape(struct url_piece host, char out[URL_HOST_SIZE])
{
	size_t len = 0;

	for (const char *p = host.at; p < host.end && len < URL_HOST_SIZE - 1; p++) {
		int high = *p == '%' && host.end - p > 2 ? hex(p[1]) : -1;
		int low = high >= 0 ? hex(p[2]) : -1;

		if (low >= 0)
			p += 2;
		out[len++] = low >= 0 ? (char)(16 * high + low) : *p;
	}
	return len;
}

/* Letters and digits of double width, U+FF10 to U+FF5A. */
static char
wide_letter(const char *p, const char *end)
{
	unsigned third = end - p > 2 ? (unsigned char)p[2] & 0x3fu : 0;
	char c;

	if (end - p < 3 || (unsigned char)p[0] != 0xef)
		return '\0';
	if ((unsigned char)p[1] == 0xbc)
		c = (char)(0x20 + third);
	else if ((unsigned char)p[1] == 0xbd && third < 0x1b)
		c = (char)(0x60 + third);
	else
		return '\0';
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ? c : '\0';
}

/* Puts what the octets at p stand for to out; how many they are. */
static size_t
put_plain(const char *p, const char *end, char *out, size_t *kept)
{
	char wide = wide_letter(p, end);

	if (wide != '\0') {
		out[(*kept)++] = wide;
		return 3;
	}
	for (size_t i = 0; i < COUNT(spellings); i++) {
		if (!starts_so(p, end, spellings[i].from))
			continue;
		if (spellings[i].to[0] != '\0')
			out[(*kept)++] = spellings[i].to[0];
		return strlen(spellings[i].from);
	}
	out[(*kept)++] = *p;
	return 1;
}

bool
url_host(struct url_piece url, char out[URL_HOST_SIZE])
{
	size_t len = unescape(find_host(url), out), kept = 0;

	for (size_t i = 0; i < len;)
		i += put_plain(out + i, out + len, out, &kept);
	while (kept > 0 && out[kept - 1] == '.')
		kept--;
	out[kept] = '\0';
	if (strlen(out) != kept)
		return false;
	text_lower_all(out);
	text_clean(out);
	return kept > 0;
}
