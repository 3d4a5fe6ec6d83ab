/* SPDX-License-Identifier: MIT */
/*
 * url.c - where an address begins and ends, and whose host it names
 *
 * More is taken for an address than any one program does: schemes in any letters, backslashes for
 * slashes, as browsers have them.
 */
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct list {
	struct arena *arena;
	struct table seen;
	struct url **last;
	size_t count;
	bool too_many;
	bool (*in_time)(void *);
	void *data; /* of in_time */
};

/* A piece of text. */
struct piece {
	const char *at, *end;
};

static const char *const schemes[] = {"https", "http", "ftp"};

static bool
is_slash(char c)
{
	return c == '/' || c == '\\';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c & 0x80) != 0;
}

/* --- hosts ---------------------------------------------------------------------------------------
 */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = text_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Between slashes and path (RFC 3986 section 3.2.2), without login and port. */
static struct piece
find_host(struct piece url)
{
	struct piece host = url;
	const char *colon;

	while (host.at < url.end && !is_slash(*host.at) && *host.at != ':')
		host.at++;
	if (url.end - host.at > 2 && *host.at == ':' && is_slash(host.at[1]))
		host.at++;
	else
		host.at = url.at;
	while (host.at < url.end && is_slash(*host.at))
		host.at++;
	for (host.end = host.at;
		host.end < url.end && !is_slash(*host.end) && *host.end != '?' && *host.end != '#';
		host.end++)
		;
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

/* Escapes (RFC 3986 section 2.1) are what they stand for. False: it has none, or no host's. */
static bool
read_host(struct piece url, char out[URL_HOST_SIZE])
{
	struct piece host = find_host(url);
	size_t len = 0;

	for (const char *p = host.at; p < host.end && len < URL_HOST_SIZE - 1; p++) {
		int high = *p == '%' && host.end - p > 2 ? hex(p[1]) : -1;
		int low = high >= 0 ? hex(p[2]) : -1;

		if (low >= 0)
			p += 2;
		out[len++] = low >= 0 ? (char)(16 * high + low) : text_lower(*p);
	}
	while (len > 0 && out[len - 1] == '.')
		len--;
	out[len] = '\0';
	if (strlen(out) != len)
		return false;
	text_lower_all(out);
	text_clean(out);
	return len > 0;
}

/* --- addresses -----------------------------------------------------------------------------------
 */

static void
add(struct list *l, struct piece url)
{
	char host[URL_HOST_SIZE], text[URL_SIZE];
	size_t len = (size_t)(url.end - url.at);
	struct url *u;

	if (len >= URL_SIZE)
		len = URL_SIZE - 1;
	memcpy(text, url.at, len);
	text[len] = '\0';
	if (!read_host(url, host) || table_get(&l->seen, text) != NULL)
		return;
	if (l->count == URLS_MOST) {
		l->too_many = true;
		return;
	}
	u = arena_alloc(l->arena, sizeof(*u));
	u->text = arena_strdup(l->arena, text);
	table_add(&l->seen, u->text, u);
	u->host = arena_strdup(l->arena, host);
	*l->last = u;
	l->last = &u->next;
	l->count++;
}

static bool
goes_on(char c, bool html)
{
	return (unsigned char)c > ' ' && c != 0x7f && strchr("\"<>`", c) == NULL &&
	       !(html && c == '\'');
}

/* What stands behind an address in a sentence is none of it. */
static const char *
before_mark(struct piece url)
{
	bool opened = memchr(url.at, '(', (size_t)(url.end - url.at)) != NULL;

	while (url.end > url.at &&
		(strchr(".,;:!?'*_~]|", url.end[-1]) != NULL || (url.end[-1] == ')' && !opened)))
		url.end--;
	return url.end;
}

/* Adds the address that begins at begin and goes on at from; gives where it ends. */
static const char *
take(struct list *l, struct piece text, const char *begin, const char *from, bool html)
{
	struct piece url = {begin, from};

	while (url.end < text.end && goes_on(*url.end, html))
		url.end++;
	from = url.end;
	if (!html)
		url.end = before_mark(url);
	add(l, url);
	return from;
}

/* Before the colon at p, not before least. NULL: no scheme is. */
static const char *
find_scheme(const char *least, const char *p)
{
	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if ((size_t)(p - least) >= len && strncasecmp(p - len, schemes[i], len) == 0)
			return p - len;
	}
	return NULL;
}

/* "www." where a word begins. */
static bool
is_www(struct piece text, const char *p)
{
	return text.end - p > 4 && strncasecmp(p, "www.", 4) == 0 && is_word(p[4]) &&
	       (p == text.at || (!is_word(p[-1]) && memchr(".-_@/=", p[-1], 6) == NULL));
}

static void
scan(struct list *l, struct piece text, bool html)
{
	const char *least = text.at;

	for (const char *p = text.at; p < text.end && !l->too_many;) {
		const char *begin = NULL;

		if (*p == ':' && text.end - p > 3 && is_slash(p[1]) && is_slash(p[2]))
			begin = find_scheme(least, p);
		else if ((*p == 'w' || *p == 'W') && is_www(text, p))
			begin = p;
		if (begin == NULL) {
			p++;
			continue;
		}
		p = take(l, text, begin, p + 1, html);
		least = p;
	}
}

/* --- texts of a message --------------------------------------------------------------------------
 */

static void
read_part(void *data, const struct mime_leaf *leaf)
{
	bool html = strcmp(leaf->head->type, "text/html") == 0 ||
		    strcmp(leaf->head->type, "application/xhtml+xml") == 0;
	const char *text = (const char *)leaf->data;
	struct list *l = data;
	char *plain;

	if (!html) {
		if (strncmp(leaf->head->type, "text/", 5) == 0)
			scan(l, (struct piece){text, text + leaf->len}, false);
		return;
	}
	plain = mem_alloc(leaf->len + 1);
	scan(l, (struct piece){plain, plain + url_plain(leaf->data, leaf->len, plain)}, true);
	free(plain);
}

static bool
in_time_still(void *data)
{
	const struct list *l = data;

	return l->too_many || l->in_time(l->data);
}

enum mime_end
url_list(struct arena *arena, const struct mime_source *source, bool (*in_time)(void *), void *data,
	struct url **first)
{
	struct list l = {.arena = arena, .last = first, .in_time = in_time, .data = data};
	const struct mime_visitor visitor = {read_part, in_time_still, &l};
	enum mime_end end;

	*first = NULL;
	table_init(&l.seen);
	end = mime_walk(source, &visitor);
	table_fini(&l.seen);
	return l.too_many ? MIME_TOO_MANY : end;
}
