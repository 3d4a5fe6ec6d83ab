/* SPDX-License-Identifier: MIT */
/*
 * taglist.c - lists of "tag=value" (RFC 6376 section 3.2)
 */
#include "taglist.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_name_char(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '_';
}

bool
taglist_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
skip_blank(const char *text, size_t at, size_t end)
{
	while (at < end && taglist_blank(text[at]))
		at++;
	return at;
}

static size_t
trim_blank(const char *text, size_t from, size_t to)
{
	while (to > from && taglist_blank(text[to - 1]))
		to--;
	return to;
}

/* RFC 8616 section 5: letters above ASCII, too. */
static bool
is_value_char(char c)
{
	return taglist_blank(c) || ((unsigned char)c > ' ' && c != '\177');
}

/* The place of the ";" behind a value, or the end; false: an octet that no value has. */
static bool
find_end(const char *text, size_t at, size_t end, size_t *found)
{
	while (at < end && text[at] != ';') {
		if (!is_value_char(text[at]))
			return false;
		at++;
	}
	*found = at;
	return true;
}

static bool
known(const struct taglist *list, const struct taglist_tag *tag)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->tags[i].name_len == tag->name_len &&
			memcmp(list->tags[i].name, tag->name, tag->name_len) == 0)
			return true;
	}
	return false;
}

/* tag-spec, from *at on; behind it *at is its ";" or the end. */
static const char *
take_tag(struct taglist *list, const char *text, size_t end, size_t *at)
{
	struct taglist_tag tag = {.name = text + *at};
	size_t p = *at, value;

	if (!is_alpha(text[p]))
		return "a tag does not begin with a letter";
	while (p < end && is_name_char(text[p]))
		p++;
	tag.name_len = p - *at;
	p = skip_blank(text, p, end);
	if (p == end || text[p] != '=')
		return "a tag has no \"=\"";
	tag.from = p + 1;
	if (!find_end(text, tag.from, end, &tag.to))
		return "an octet that no value may hold";
	value = skip_blank(text, tag.from, tag.to);
	tag.value = text + value;
	tag.len = trim_blank(text, value, tag.to) - value;
	if (known(list, &tag))
		return "a tag stands there twice";
	if (list->count == TAGLIST_MOST)
		return "too many tags";
	list->tags[list->count++] = tag;
	*at = tag.to;
	return NULL;
}

bool
taglist_parse(struct taglist *list, const char *text, size_t len, const char **why)
{
	size_t at = skip_blank(text, 0, len);

	list->count = 0;
	*why = at == len ? "no tags" : NULL;
	while (*why == NULL && at < len) {
		*why = take_tag(list, text, len, &at);
		if (*why == NULL && at < len)
			at = skip_blank(text, at + 1, len);
	}
	return *why == NULL;
}

const struct taglist_tag *
taglist_find(const struct taglist *list, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < list->count; i++) {
		if (list->tags[i].name_len == len && memcmp(list->tags[i].name, name, len) == 0)
			return &list->tags[i];
	}
	return NULL;
}

bool
taglist_is(const char *value, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(value, word, len) == 0;
}

bool
taglist_item(const struct taglist_tag *tag, size_t *at, const char **item, size_t *len)
{
	size_t from, to = *at;

	if (*at > tag->len)
		return false;
	while (to < tag->len && tag->value[to] != ':')
		to++;
	from = skip_blank(tag->value, *at, to);
	*item = tag->value + from;
	*len = trim_blank(tag->value, from, to) - from;
	*at = to + 1;
	return true;
}

bool
taglist_write_base64(const unsigned char *octets, size_t len, char *out, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (size == 0 || (size - 1) / 4 < (len + 2) / 3)
		return false;
	for (size_t i = 0; i < len; i += 3) {
		unsigned bits = (unsigned)octets[i] << 16;

		if (i + 1 < len)
			bits |= (unsigned)octets[i + 1] << 8;
		if (i + 2 < len)
			bits |= octets[i + 2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	*out = '\0';
	return true;
}

/* What a digit stands for, and one more; 0: it is none. */
static const unsigned char values[UCHAR_MAX + 1] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 63, 0, 0,
	0, 64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
	9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 0, 0, 0, 0, 0, 0, 27,
	28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
	51, 52};

static unsigned
value_of(char c)
{
	return values[(unsigned char)c];
}

/* Four digits; false: there is something else among them. */
static bool
take_four(const char *text, unsigned char out[3])
{
	unsigned a = value_of(text[0]), b = value_of(text[1]);
	unsigned c = value_of(text[2]), d = value_of(text[3]), bits;

	if (a == 0 || b == 0 || c == 0 || d == 0)
		return false;
	bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
	out[0] = (unsigned char)(bits >> 16);
	out[1] = (unsigned char)(bits >> 8);
	out[2] = (unsigned char)bits;
	return true;
}

/* "=" and white space up to the end, and as many as the digits need (RFC 4648 section 4). */
static bool
padded(const char *text, size_t at, size_t len, size_t digits)
{
	size_t pads = 0;

	for (; at < len; at++) {
		if (text[at] == '=')
			pads++;
		else if (!taglist_blank(text[at]))
			return false;
	}
	return digits % 4 != 1 && pads == (4 - digits % 4) % 4;
}

size_t
taglist_base64(const char *text, size_t len, unsigned char *out, size_t size)
{
	size_t count = 0, digits = 0, at = 0;
	unsigned bits = 0;

	while (at < len && text[at] != '=') {
		char c = text[at];

		if (digits % 4 == 0 && len - at >= 4 && size - count >= 3 &&
			take_four(text + at, out + count)) {
			at += 4;
			digits += 4;
			count += 3;
			continue;
		}
		at++;
		if (taglist_blank(c))
			continue;
		if (value_of(c) == 0)
			return 0;
		bits = (bits << 6 | (value_of(c) - 1)) & 0xffff;
		if (digits++ % 4 == 0)
			continue;
		if (count == size)
			return 0;
		out[count++] = (unsigned char)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	return padded(text, at, len, digits) ? count : 0;
}
