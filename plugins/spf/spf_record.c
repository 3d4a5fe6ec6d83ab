/* SPDX-License-Identifier: MIT */
/*
 * spf_record.c - records of RFC 7208: which TXT is one, and what its terms say
 *
 * The grammar of section 12, strictly: libspf2 takes much that is none of it, so it never sees the
 * text. A record with one wrong term is wrong as a whole (section 4.6).
 */
#include "spf_record.h"

#include <arpa/inet.h>
#include <string.h>

#include "spf_macro.h"
#include "spf_text.h"

#define VERSION	    "v=spf1"
#define VERSION_LEN (sizeof(VERSION) - 1)

enum spec { SPEC_NONE, SPEC_OPTIONAL, SPEC_REQUIRED };

static const struct kind {
	const char *name;
	enum spf_kind kind;
	bool modifier;
	enum spec spec;
	bool cidr;
} kinds[] = {
	{"a", SPF_A, false, SPEC_OPTIONAL, true},
	{"all", SPF_ALL, false, SPEC_NONE, false},
	{"exists", SPF_EXISTS, false, SPEC_REQUIRED, false},
	{"exp", SPF_EXP, true, SPEC_REQUIRED, false},
	{"include", SPF_INCLUDE, false, SPEC_REQUIRED, false},
	{"ip4", SPF_IP4, false, SPEC_REQUIRED, false},
	{"ip6", SPF_IP6, false, SPEC_REQUIRED, false},
	{"mx", SPF_MX, false, SPEC_OPTIONAL, true},
	{"ptr", SPF_PTR, false, SPEC_OPTIONAL, false},
	{"redirect", SPF_REDIRECT, true, SPEC_REQUIRED, false},
};

static const struct qualifier {
	char sign;
	enum spf_code code;
} qualifiers[] = {{'+', SPF_PASS}, {'-', SPF_FAIL}, {'?', SPF_NEUTRAL}, {'~', SPF_SOFTFAIL}};

size_t
spf_record_choose(const struct cm_dns_answer *answer, const struct cm_dns_record **record)
{
	size_t found = 0;

	for (size_t i = 0; i < answer->count; i++) {
		const struct cm_dns_record *r = &answer->records[i];

		if (r->len < VERSION_LEN || !spf_equal(r->text, VERSION_LEN, VERSION) ||
			(r->len > VERSION_LEN && r->text[VERSION_LEN] != ' '))
			continue;
		*record = r;
		found++;
	}
	return found;
}

void
spf_record_begin(struct spf_cursor *c, const char *text, size_t len)
{
	*c = (struct spf_cursor){.at = text + VERSION_LEN, .end = text + len};
	if (len > SPF_MAX_RECORD)
		c->problem = "the record is longer than 16384 octets";
}

static bool
wrong(struct spf_cursor *c, const char *why)
{
	c->problem = why;
	return false;
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ); 0 where none stands. */
static size_t
name_len(const char *text, const char *end)
{
	const char *p = text;

	while (p < end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
				  (p > text && (digit(*p) || *p == '-' || *p == '_' || *p == '.'))))
		p++;
	return (size_t)(p - text);
}

/* "0", or digits that begin with another one, at most max. */
static bool
take_bits(const char *text, const char *end, unsigned max, unsigned *bits)
{
	if (text == end || end - text > 3 || (*text == '0' && end - text > 1))
		return false;
	for (*bits = 0; text < end; text++) {
		if (!digit(*text))
			return false;
		*bits = *bits * 10 + (unsigned)(*text - '0');
	}
	return *bits <= max;
}

/* dual-cidr-length (section 5.6): "/24", "//64", "/24//64". */
static bool
take_dual(const char *text, const char *end, struct spf_term *term)
{
	const char *six = text;

	while (six + 1 < end && !(six[0] == '/' && six[1] == '/'))
		six++;
	if (six + 1 >= end)
		return take_bits(text + 1, end, 32, &term->bits4);
	return (six == text || take_bits(text + 1, six, 32, &term->bits4)) &&
	       take_bits(six + 2, end, 128, &term->bits6);
}

/*
 * Prefix lengths stand last, and what stands before cannot end in a '/' or a lone number: so they
 * begin at the first '/' of the digits and slashes at the end.
 */
static const char *
find_dual(const char *text, const char *end)
{
	const char *p = end;

	while (p > text && (digit(p[-1]) || p[-1] == '/'))
		p--;
	while (p < end && *p != '/')
		p++;
	return p;
}

/* ip4-network, ip6-network: an address, and a prefix length. */
static bool
take_network(struct spf_cursor *c, struct spf_term *term)
{
	bool four = term->kind == SPF_IP4;
	const char *end = term->spec + term->spec_len;
	const char *slash = memchr(term->spec, '/', term->spec_len);
	size_t len = (size_t)((slash == NULL ? end : slash) - term->spec);
	char text[INET6_ADDRSTRLEN];

	if (slash != NULL &&
		!take_bits(slash + 1, end, four ? 32 : 128, four ? &term->bits4 : &term->bits6))
		return wrong(c, "no prefix length");
	if (len >= sizeof(text) || memchr(term->spec, '\0', len) != NULL)
		return wrong(c, "no address");
	memcpy(text, term->spec, len);
	text[len] = '\0';
	term->spec_len = 0;
	return inet_pton(four ? AF_INET : AF_INET6, text, term->address) == 1 ||
	       wrong(c, "no address");
}

/* What stands behind the name of a mechanism or a modifier that is known. */
static bool
take_value(struct spf_cursor *c, const struct kind *k, const char *value, const char *end)
{
	struct spf_term *term = &c->term;
	const char *cidr = k->cidr ? find_dual(value, end) : end, *why;

	if (cidr < end && !take_dual(cidr, end, term))
		return wrong(c, "no prefix length");
	if (value == cidr)
		return k->spec != SPEC_REQUIRED || wrong(c, "a value is missing");
	if (*value != (k->modifier ? '=' : ':'))
		return wrong(c, "no such mechanism");
	if (k->spec == SPEC_NONE)
		return wrong(c, "a value where none may stand");
	term->spec = value + 1;
	term->spec_len = (size_t)(cidr - term->spec);
	if (k->kind == SPF_IP4 || k->kind == SPF_IP6)
		return take_network(c, term);
	why = spf_macro_wrong_domain(term->spec, term->spec_len);
	return why == NULL || wrong(c, why);
}

/* Section 6: redirect and exp stand at most once. */
static bool
once(struct spf_cursor *c, enum spf_kind kind)
{
	bool *seen = kind == SPF_EXP ? &c->exp : &c->redirect;

	if (*seen)
		return wrong(c, "the modifier stands twice");
	*seen = true;
	return true;
}

static bool
take_other(struct spf_cursor *c, const char *value, const char *end)
{
	const char *why = spf_macro_wrong_string(value, (size_t)(end - value));

	c->term.kind = SPF_OTHER;
	return why == NULL || wrong(c, why);
}

static bool
take_named(struct spf_cursor *c, const char *name, const char *end, bool qualified)
{
	size_t len = name_len(name, end);
	const char *value = name + len;
	bool modifier = value < end && *value == '=';

	if (modifier && qualified)
		return wrong(c, "a modifier with a qualifier");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].modifier != modifier || !spf_equal(name, len, kinds[i].name))
			continue;
		c->term.kind = kinds[i].kind;
		return (!modifier || once(c, kinds[i].kind)) &&
		       take_value(c, &kinds[i], value, end);
	}
	return modifier && len > 0 ? take_other(c, value + 1, end) : wrong(c, "no such mechanism");
}

/* "-all": the sign, if there is one, and what it means. */
static bool
take_qualifier(struct spf_cursor *c, char sign)
{
	c->term.qualifier = SPF_PASS;
	for (size_t i = 0; i < sizeof(qualifiers) / sizeof(*qualifiers); i++) {
		if (qualifiers[i].sign != sign)
			continue;
		c->term.qualifier = qualifiers[i].code;
		return true;
	}
	return false;
}

bool
spf_record_next(struct spf_cursor *c)
{
	const char *end;
	bool qualified;

	while (c->at < c->end && *c->at == ' ')
		c->at++;
	if (c->at == c->end || c->problem != NULL)
		return false;
	end = memchr(c->at, ' ', (size_t)(c->end - c->at));
	if (end == NULL)
		end = c->end;
	c->term = (struct spf_term){.text = c->at, .bits4 = 32, .bits6 = 128};
	c->term.len = (size_t)(end - c->at);
	qualified = take_qualifier(c, *c->at);
	c->at = end;
	return take_named(c, c->term.text + qualified, end, qualified);
}
