/* SPDX-License-Identifier: MIT */
/*
 * dkim_sig.c - what a DKIM-Signature field says (RFC 6376 section 3.5)
 *
 * One row for each tag. Names and times are checked here, once, so that nobody behind this has to.
 */
#include "dkim_sig.h"

#include <string.h>
#include <strings.h>

#include "dkim_name.h"
#include "taglist.h"

/* RFC 8617 section 4.2.1. */
#define INSTANCE_MOST 50u

/* Says why a tag cannot be used; NULL: it can. */
typedef const char *take_fn(struct dkim_sig *, const struct taglist_tag *);

/* --- names --- */

static const char *
take_domain(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	return dkim_name_read(sig->domain, tag->value, tag->len, 2) ? NULL
								    : "d= is not a domain name";
}

static const char *
take_selector(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	return dkim_name_read(sig->selector, tag->value, tag->len, 1) ? NULL
								      : "s= is not a selector";
}

/* --- i= --- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* dkim-quoted-printable (section 2.11, RFC 8616 section 5); blanks and controls are not taken. */
static bool
decode(char *out, const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (taglist_blank(text[i]))
			continue;
		if (c == '=') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit(text[i + 2]);

			if (low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		}
		if (c <= ' ' || c == 0x7f)
			return false;
		out[count++] = (char)c;
	}
	out[count] = '\0';
	return true;
}

/* [Local-part] "@" domain-name, which is d= or below it. */
static const char *
take_identity(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	size_t dlen = strlen(sig->domain), len;
	char text[DKIM_SIG_IDENTITY_SIZE], domain[DKIM_SIG_DOMAIN_SIZE];
	char *at;

	if (tag->len >= sizeof(text))
		return "i= is longer than 255 octets";
	if (!decode(text, tag->value, tag->len))
		return "i= is not quoted-printable";
	at = strrchr(text, '@');
	if (at == NULL || !dkim_name_read(domain, at + 1, strlen(at + 1), 2))
		return "i= has no domain name";
	len = strlen(domain);
	if (len < dlen || strcmp(domain + len - dlen, sig->domain) != 0 ||
		(len > dlen && domain[len - dlen - 1] != '.'))
		return "the domain of i= is not d= or below it";
	sig->below = len > dlen;
	return NULL;
}

/* --- numbers --- */

/* -1: not digits alone. What has too many is as large as can be. */
static int64_t
number(const struct taglist_tag *tag)
{
	int64_t n = 0;

	for (size_t i = 0; i < tag->len; i++) {
		if (tag->value[i] < '0' || tag->value[i] > '9')
			return -1;
		if (n < INT64_MAX / 10 - 1)
			n = n * 10 + (tag->value[i] - '0');
	}
	return tag->len == 0 ? -1 : n;
}

static const char *
take_instance(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	int64_t n = number(tag);

	if (n < 1 || n > INSTANCE_MOST)
		return "i= is not a number from 1 to 50";
	sig->instance = (unsigned)n;
	return NULL;
}

static const char *
take_length(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	int64_t n = number(tag);

	sig->limit = (uint64_t)n;
	return n < 0 ? "l= is not a number" : NULL;
}

static const char *
take_signed_at(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	sig->signed_at = number(tag);
	return sig->signed_at < 0 ? "t= is not a number" : NULL;
}

/* Behind t=. */
static const char *
take_expires_at(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	sig->expires_at = number(tag);
	if (sig->expires_at < 0)
		return "x= is not a number";
	return sig->expires_at <= sig->signed_at ? "x= is not later than t=" : NULL;
}

/* --- words --- */

static const char *const algorithms[] = {
	[DKIM_SIG_ED25519_SHA256] = "ed25519-sha256",
	[DKIM_SIG_RSA_SHA1] = "rsa-sha1",
	[DKIM_SIG_RSA_SHA256] = "rsa-sha256",
	[DKIM_SIG_NO_ALGORITHM] = "",
};

const char *
dkim_sig_algorithm_name(enum dkim_sig_algorithm algorithm)
{
	return algorithms[algorithm];
}

static const char *
take_algorithm(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	for (size_t i = 0; i < DKIM_SIG_NO_ALGORITHM; i++) {
		if (taglist_is(tag->value, tag->len, algorithms[i])) {
			sig->algorithm = (enum dkim_sig_algorithm)i;
			return NULL;
		}
	}
	return "a= is an unknown algorithm";
}

static bool
canon_of(const char *text, size_t len, enum canon *out)
{
	*out = taglist_is(text, len, "relaxed") ? CANON_RELAXED : CANON_SIMPLE;
	return *out == CANON_RELAXED || taglist_is(text, len, "simple");
}

static const char *
take_canon(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	const char *slash = memchr(tag->value, '/', tag->len);
	size_t header = slash == NULL ? tag->len : (size_t)(slash - tag->value);

	if (!canon_of(tag->value, header, &sig->header) ||
		(slash != NULL && !canon_of(slash + 1, tag->len - header - 1, &sig->body)))
		return "c= is not made of simple and relaxed";
	return NULL;
}

static const char *
take_query(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	const char *item;
	size_t at = 0, len;

	(void)sig;
	while (taglist_item(tag, &at, &item, &len)) {
		if (taglist_is(item, len, "dns/txt"))
			return NULL;
	}
	return "q= has no dns/txt";
}

static const char *
take_version(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	(void)sig;
	return tag->len == 1 && tag->value[0] == '1' ? NULL : "v= is not 1";
}

/* --- hashes --- */

static const char *
take_hash(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	size_t len = taglist_base64(tag->value, tag->len, sig->hash, sizeof(sig->hash));

	if (sig->algorithm == DKIM_SIG_RSA_SHA1)
		return NULL;
	return len != sizeof(sig->hash) ? "bh= is not a SHA-256 hash" : NULL;
}

static const char *
take_octets(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	size_t count = 0;

	sig->octet_count = taglist_base64(tag->value, tag->len, sig->octets, sizeof(sig->octets));
	if (sig->octet_count == 0)
		return "b= is not base64, empty, or too long";
	sig->b_from = tag->from;
	sig->b_to = tag->to;
	for (size_t i = 0; i < tag->len && count + 1 < sizeof(sig->first); i++) {
		if (!taglist_blank(tag->value[i]))
			sig->first[count++] = tag->value[i];
	}
	sig->first[count] = '\0';
	return NULL;
}

/* --- h= --- */

/* RFC 5322 section 3.6.8. A ";" cannot stand in a value. */
static bool
is_field_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return len > 0;
}

static const char *
read_names(struct dkim_sig *sig, const struct taglist_tag *tag, bool gaps)
{
	bool from = false;
	const char *item;
	size_t at = 0, len;

	while (taglist_item(tag, &at, &item, &len)) {
		if (len == 0 && gaps)
			continue;
		if (!is_field_name(item, len))
			return "h= is not a list of header fields";
		if (sig->name_count == DKIM_SIG_NAMES_MOST)
			return "h= has more than 256 names";
		from = from || taglist_is(item, len, "From");
		sig->names[sig->name_count++] =
			(struct dkim_sig_name){(uint32_t)(item - sig->value), (uint32_t)len};
	}
	return from ? NULL : "From is not signed (h=)";
}

static const char *
take_names(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	return read_names(sig, tag, false);
}

/* Sealers are known that leave a name out between two colons, and nobody minds. */
static const char *
take_arc_names(struct dkim_sig *sig, const struct taglist_tag *tag)
{
	return read_names(sig, tag, true);
}

/* --- the tags --- */

enum {
	DKIM = 1u << DKIM_SIG_DKIM,
	MESSAGE = 1u << DKIM_SIG_ARC_MESSAGE,
	SEAL = 1u << DKIM_SIG_ARC_SEAL
};

#define ANY (DKIM | MESSAGE | SEAL)

/* In this order: what a report names, then what others build on, then the rest. */
static const struct rule {
	const char *name;
	unsigned kinds, required; /* where it means something, where it must be */
	take_fn *take;
	const char *missing;
} rules[] = {
	{"d", ANY, ANY, take_domain, "there is no d="},
	{"s", ANY, ANY, take_selector, "there is no s="},
	{"a", ANY, ANY, take_algorithm, "there is no a="},
	{"v", DKIM, DKIM, take_version, "there is no v="},
	{"b", ANY, ANY, take_octets, "there is no b="},
	{"bh", DKIM | MESSAGE, DKIM | MESSAGE, take_hash, "there is no bh="},
	{"c", DKIM | MESSAGE, 0, take_canon, NULL},
	{"h", DKIM, DKIM, take_names, "there is no h="},
	{"h", MESSAGE, MESSAGE, take_arc_names, "there is no h="},
	{"i", DKIM, 0, take_identity, NULL},
	{"i", MESSAGE | SEAL, MESSAGE | SEAL, take_instance, "there is no i="},
	{"l", DKIM | MESSAGE, 0, take_length, NULL},
	{"q", DKIM | MESSAGE, 0, take_query, NULL},
	{"t", ANY, 0, take_signed_at, NULL},
	{"x", DKIM | MESSAGE, 0, take_expires_at, NULL},
};

static const char *
apply(struct dkim_sig *sig, unsigned kind, const struct rule *rule, const struct taglist *list)
{
	const struct taglist_tag *tag = taglist_find(list, rule->name);

	if ((rule->kinds & kind) == 0)
		return NULL;
	if (tag == NULL)
		return (rule->required & kind) != 0 ? rule->missing : NULL;
	return rule->take(sig, tag);
}

bool
dkim_sig_read(struct dkim_sig *sig, enum dkim_sig_kind kind, const char *value, size_t len,
	const char **why)
{
	struct taglist list;

	*sig = (struct dkim_sig){.value = value,
		.len = len,
		.algorithm = DKIM_SIG_NO_ALGORITHM,
		.header = kind == DKIM_SIG_ARC_SEAL ? CANON_RELAXED : CANON_SIMPLE,
		.signed_at = -1,
		.expires_at = -1,
		.limit = CANON_ALL};
	*why = len > UINT32_MAX ? "the field is too long" : NULL;
	if (*why != NULL || !taglist_parse(&list, value, len, why))
		return false;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const char *problem = apply(sig, 1u << kind, &rules[i], &list);

		if (*why == NULL)
			*why = problem;
	}
	return *why == NULL;
}
