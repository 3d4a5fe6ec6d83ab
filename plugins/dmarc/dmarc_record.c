/* SPDX-License-Identifier: MIT */
/*
 * dmarc_record.c - reads DMARC policy records
 *
 * Tags are a table. Nothing is allocated, and any octets may come.
 */
#include "dmarc_record.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

const char *const dmarc_request_names[DMARC_REQUESTS] = {"none", "quarantine", "reject"};

/* --- parts of a record --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct dmarc_slice
trim(const char *text, size_t len)
{
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	return (struct dmarc_slice){text, len};
}

static bool
equals(struct dmarc_slice s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.text, word, s.len) == 0;
}

/* What stands before the separator; rest becomes what stands behind it. */
static struct dmarc_slice
take(struct dmarc_slice *rest, char separator)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->text, separator, rest->len);
	size_t len = end == NULL ? rest->len : (size_t)(end - rest->text);
	struct dmarc_slice part = trim(rest->text, len);

	rest->text += end == NULL ? len : len + 1;
	rest->len -= end == NULL ? len : len + 1;
	return part;
}

/* "name = value"; false: it is not of that form. */
static bool
split(struct dmarc_slice part, struct dmarc_slice *name, struct dmarc_slice *value)
{
	const char *sign = part.len == 0 ? NULL : memchr(part.text, '=', part.len);

	if (sign == NULL)
		return false;
	*name = trim(part.text, (size_t)(sign - part.text));
	*value = trim(sign + 1, part.len - (size_t)(sign + 1 - part.text));
	for (size_t i = 0; i < name->len; i++) {
		if (!is_alpha(name->text[i]))
			return false;
	}
	return name->len > 0;
}

/* --- values --- */

/* Each is false for a value that says nothing, and then changes nothing but bad_request. */
typedef bool read_value(struct dmarc_record *, void *field, struct dmarc_slice);

static bool
read_request(struct dmarc_record *r, void *field, struct dmarc_slice value)
{
	enum dmarc_request *request = field;

	for (unsigned i = 0; i < DMARC_REQUESTS; i++) {
		if (equals(value, dmarc_request_names[i])) {
			*request = (enum dmarc_request)i;
			return true;
		}
	}
	r->bad_request = true;
	return false;
}

static bool
read_strict(struct dmarc_record *r, void *field, struct dmarc_slice value)
{
	(void)r;
	*(bool *)field = equals(value, "s");
	return true;
}

static bool
read_testing(struct dmarc_record *r, void *field, struct dmarc_slice value)
{
	(void)r;
	*(bool *)field = equals(value, "y");
	return true;
}

static bool
read_psd(struct dmarc_record *r, void *field, struct dmarc_slice value)
{
	enum dmarc_psd *psd = field;

	(void)r;
	*psd = equals(value, "y")   ? DMARC_PSD_YES
	       : equals(value, "n") ? DMARC_PSD_NO
				    : DMARC_PSD_UNKNOWN;
	return true;
}

#define FO_MOST 7u

/* "0", "1", "d", "s" with colons between. */
static bool
read_fo(struct dmarc_record *r, void *field, struct dmarc_slice value)
{
	(void)r;
	if (value.len % 2 == 0 || value.len > FO_MOST)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (memchr(i % 2 == 0 ? "01dDsS" : "::::::", value.text[i], 6) == NULL)
			return false;
	}
	*(struct dmarc_slice *)field = value;
	return true;
}

/* "scheme:" and printing characters behind it (RFC 3986 section 3); mailto has an address. */
static bool
is_uri(struct dmarc_slice uri)
{
	const char *colon = uri.len == 0 ? NULL : memchr(uri.text, ':', uri.len);
	const char *at = uri.len == 0 ? NULL : memchr(uri.text, '@', uri.len);
	size_t scheme = colon == NULL ? 0 : (size_t)(colon - uri.text);

	if (scheme == 0 || scheme + 1 >= uri.len || !is_alpha(uri.text[0]))
		return false;
	for (size_t i = 0; i < uri.len; i++) {
		if (uri.text[i] <= ' ' || uri.text[i] > '~' ||
			strchr("<>\"{}|\\^`,", uri.text[i]) != NULL)
			return false;
	}
	if (!equals((struct dmarc_slice){uri.text, scheme}, "mailto"))
		return true;
	return at > colon + 1 && at + 1 < uri.text + uri.len;
}

static bool
read_rua(struct dmarc_record *r, void *field, struct dmarc_slice value)
{
	struct dmarc_slice rest = value, uri;

	(void)r;
	if (!dmarc_record_rua(&rest, &uri))
		return false;
	*(struct dmarc_slice *)field = value;
	return true;
}

/* --- tags --- */

#define AT(field) offsetof(struct dmarc_record, field)

static const struct {
	const char *name;
	read_value *read;
	size_t offset;
} tags[] = {
	{"adkim", read_strict, AT(strict_dkim)},
	{"aspf", read_strict, AT(strict_spf)},
	{"fo", read_fo, AT(fo)},
	{"np", read_request, AT(np)},
	{"p", read_request, AT(p)},
	{"psd", read_psd, AT(psd)},
	{"rua", read_rua, AT(rua)},
	{"sp", read_request, AT(sp)},
	{"t", read_testing, AT(testing)},
};

#define TAGS (sizeof(tags) / sizeof(*tags))

static void
read_tag(struct dmarc_record *r, struct dmarc_slice part, bool seen[TAGS])
{
	struct dmarc_slice name, value;

	if (!split(part, &name, &value))
		return;
	for (size_t i = 0; i < TAGS; i++) {
		if (!equals(name, tags[i].name) || seen[i])
			continue;
		seen[i] = true;
		tags[i].read(r, (unsigned char *)r + tags[i].offset, value);
	}
}

/* The version is the one value whose case counts. */
static bool
is_version(struct dmarc_slice part)
{
	struct dmarc_slice name, value;

	return split(part, &name, &value) && equals(name, "v") && value.len == 6 &&
	       memcmp(value.text, "DMARC1", 6) == 0;
}

bool
dmarc_record_parse(struct dmarc_record *r, const char *text, size_t len)
{
	struct dmarc_slice rest = {text, len};
	bool seen[TAGS] = {false};

	*r = (struct dmarc_record){.p = DMARC_REQUESTS, .sp = DMARC_REQUESTS, .np = DMARC_REQUESTS};
	if (len == 0 || is_blank(*text) || !is_version(take(&rest, ';')))
		return false;
	while (rest.len > 0)
		read_tag(r, take(&rest, ';'), seen);
	return true;
}

bool
dmarc_record_rua(struct dmarc_slice *rest, struct dmarc_slice *uri)
{
	while (rest->len > 0) {
		struct dmarc_slice part = take(rest, ',');

		*uri = take(&part, '!');
		if (is_uri(*uri))
			return true;
	}
	return false;
}
