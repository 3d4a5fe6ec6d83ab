/* SPDX-License-Identifier: MIT */
/*
 * address_syntax.c - the words that addresses of envelope and header are made of
 *
 * The grammar of today only (RFC 5321, RFC 5322 section 3); of the obsolete one nothing, because
 * every laxness here is an address that another parser reads as something else.
 */
#include "address_syntax.h"

#include <string.h>

#include "base/arena.h"
#include "base/net.h"
#include "base/text.h"

#define LOCAL_MOST  64u
#define DOMAIN_MOST 255u
#define LABEL_MOST  63u
#define WHOLE_MOST  320u

static bool
letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c & 0x80) != 0;
}

static bool
atext(char c)
{
	return letter_or_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool
syntax_c1(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)text[0] == 0xc2 && (text[1] & 0x80) != 0 &&
			(unsigned char)text[1] < 0xa0)
			return true;
	}
	return false;
}

bool
syntax_text(const char *text, size_t len)
{
	return text_utf8_valid(text, len) == len && !syntax_c1(text);
}

size_t
syntax_blank(const char *p)
{
	size_t n = 0;

	if (p[n] == '\r' && p[n + 1] == '\n')
		n++;
	if (p[n] == '\n')
		n++;
	return p[n] == ' ' || p[n] == '\t' ? n + 1 : 0;
}

size_t
syntax_atom(const char *p)
{
	size_t n = 0;

	while (atext(p[n]))
		n++;
	return n;
}

size_t
syntax_dot_atom(const char *p)
{
	size_t n = syntax_atom(p);

	while (n > 0 && p[n] == '.' && atext(p[n + 1]))
		n += 1 + syntax_atom(p + n + 1);
	return n;
}

/* Octets of one character between quotes (RFC 5321 section 4.1.2: QcontentSMTP). */
static size_t
quoted_char(const char *p)
{
	bool pair = *p == '\\';
	char c = pair ? p[1] : *p;

	if (c & 0x80)
		return pair ? 0 : 1;
	if (c < 0x20 || c > 0x7e)
		return 0;
	return pair ? 2 : 1;
}

size_t
syntax_quoted(const char *p, bool folding)
{
	size_t n = 1;

	if (*p != '"')
		return 0;
	while (p[n] != '"') {
		size_t len = folding ? syntax_blank(p + n) : 0;

		if (len == 0)
			len = quoted_char(p + n);
		if (len == 0)
			return 0;
		n += len;
	}
	return n + 1;
}

size_t
syntax_domain(const char *p)
{
	size_t n;

	if (*p == '[') {
		n = strcspn(p, "]");
		return p[n] == ']' ? n + 1 : 0;
	}
	n = syntax_dot_atom(p);
	return n > 0 && p[n] == '.' ? n + 1 : n;
}

const char *
syntax_route(const char *p)
{
	if (*p != '@')
		return p;
	for (;;) {
		size_t n = *p == '@' ? syntax_domain(p + 1) : 0;

		if (n == 0)
			return NULL;
		p += 1 + n;
		if (*p == ':')
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

/* Without brackets. "IPv6" is the only tag that is registered (RFC 5321 section 4.1.3). */
static bool
literal_valid(const char *text)
{
	bool tagged = strncmp(text, "ipv6:", 5) == 0;
	struct net_addr addr;

	return (tagged || strchr(text, ':') == NULL) && net_parse(&addr, text);
}

static bool
label_valid(const char *p, size_t len)
{
	if (len == 0 || len > LABEL_MOST || p[0] == '-' || p[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!letter_or_digit(p[i]) && p[i] != '-')
			return false;
	}
	return true;
}

/* A host name, lower case and without the last dot, or a literal with its brackets. */
static bool
domain_valid(struct arena *arena, const char *domain)
{
	size_t len = strlen(domain);

	if (len > DOMAIN_MOST)
		return false;
	if (domain[0] == '[')
		return literal_valid(arena_strndup(arena, domain + 1, len - 2));
	for (;;) {
		size_t label = strcspn(domain, ".");

		if (!label_valid(domain, label))
			return false;
		if (domain[label] == '\0')
			return true;
		domain += label + 1;
	}
}

static const char *
make_domain(struct arena *arena, const char *domain, size_t len)
{
	char *copy;

	if (len > 0 && domain[len - 1] == '.')
		len--;
	copy = arena_strndup(arena, domain, len);
	text_lower_all(copy);
	return copy;
}

/* Without quotes (of the whole or of a word), backslashes and line breaks. */
static const char *
make_user(struct arena *arena, const char *local, size_t len)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (local[i] == '\r' || local[i] == '\n' || local[i] == '"')
			continue;
		if (local[i] == '\\')
			i++;
		out[n++] = local[i];
	}
	return out;
}

/* Of atoms and dots, in any order: many write "a..b" and ".a" without quotes. */
static bool
plain(const char *user)
{
	size_t n = strspn(user, ".");

	while (user[n] == '.' || syntax_atom(user + n) > 0)
		n += user[n] == '.' ? 1 : syntax_atom(user + n);
	return n > 0 && user[n] == '\0';
}

/* Quoted only where that is needed, so that one mailbox has one spelling. */
static const char *
make_addr(struct arena *arena, const char *user, const char *domain)
{
	size_t len = strlen(user), n = 0;
	char *quoted;

	if (plain(user))
		return domain[0] == '\0' ? user : arena_join(arena, user, "@", domain, NULL);
	quoted = arena_alloc(arena, 2 * len + 1);
	for (size_t i = 0; i < len; i++) {
		if (user[i] == '"' || user[i] == '\\')
			quoted[n++] = '\\';
		quoted[n++] = user[i];
	}
	return arena_join(arena, "\"", quoted, domain[0] == '\0' ? "\"" : "\"@", domain, NULL);
}

void
syntax_fill(struct cm_address *a, struct arena *arena, const char *local, size_t local_len,
	const char *domain, size_t domain_len)
{
	a->user = make_user(arena, local, local_len);
	a->domain = make_domain(arena, domain, domain_len);
	a->addr = make_addr(arena, a->user, a->domain);
	/* A tab may fold a quoted string in a header field; in an envelope it cannot stand. */
	a->valid = local_len <= LOCAL_MOST && local_len + 1 + domain_len <= WHOLE_MOST &&
		   strchr(a->user, '\t') == NULL &&
		   (domain_len == 0 || domain_valid(arena, a->domain));
}
