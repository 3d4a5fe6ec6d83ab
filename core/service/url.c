/* SPDX-License-Identifier: MIT */
/*
 * url.c - where an address begins and ends
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
#include "url_host.h"

/* Octets between looks at the clock. */
#define ASK_EACH 65536

/* Where the last '@' was looked for, up to what ends the value. */
struct login {
	const char *from, *end, *behind; /* NULL: there is none */
	char quote;
};

struct list {
	struct arena *arena;
	struct login login;
	struct table seen;
	struct url **last;
	size_t count;
	bool too_many, late;
	bool (*in_time)(void *);
	void *data; /* of in_time */
};

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c & 0x80) != 0;
}

/* --- addresses -----------------------------------------------------------------------------------
 */

/* key: its text, of len octets, and behind one that was cut its host. */
static void
keep(struct list *l, const char *key, size_t len, const char *host)
{
	struct url *u;

	if (l->count == URLS_MOST) {
		l->too_many = true;
		return;
	}
	u = arena_alloc(l->arena, sizeof(*u));
	u->text = arena_strndup(l->arena, key, len);
	table_add(&l->seen, key[len] == '\0' ? u->text : arena_strdup(l->arena, key), u);
	u->host = arena_strdup(l->arena, host);
	*l->last = u;
	l->last = &u->next;
	l->count++;
}

/* Of a long one the host may stand behind what is kept, so that others look the same. */
static void
add(struct list *l, struct url_piece url)
{
	char host[URL_HOST_SIZE], key[URL_SIZE + URL_HOST_SIZE];
	size_t len = (size_t)(url.end - url.at);
	bool cut = len >= URL_SIZE;

	if (cut)
		len = URL_SIZE - 1;
	memcpy(key, url.at, len);
	key[len] = '\0';
	if ((!cut && table_get(&l->seen, key) != NULL) || !url_host(url, host))
		return;
	if (cut)
		memcpy(key + len, host, strlen(host) + 1);
	if (!cut || table_get(&l->seen, key) == NULL)
		keep(l, key, len, host);
}

static bool
goes_on(char c, bool html)
{
	return (unsigned char)c > ' ' && c != 0x7f && strchr("\"<>`", c) == NULL &&
	       !(html && c == '\'');
}

/*
 * What stands behind an address in a sentence is none of it; a bracket is where it opens one, as
 * that of IPv6.
 */
static const char *
before_mark(struct url_piece url)
{
	static const char openers[] = "([{", closers[] = ")]}";
	size_t open[3] = {0}, closed[3] = {0};

	for (const char *p = url.at; p < url.end; p++) {
		for (size_t i = 0; i < 3; i++) {
			open[i] += *p == openers[i];
			closed[i] += *p == closers[i];
		}
	}
	while (url.end > url.at) {
		const char *closer = strchr(closers, url.end[-1]);
		size_t i = closer == NULL ? 0 : (size_t)(closer - closers);

		if (closer == NULL ? strchr(".,;:!?'*_~|", url.end[-1]) == NULL
				   : closed[i]-- <= open[i])
			break;
		url.end--;
	}
	return url.end;
}

/* Of the address that goes on at from. */
static struct url_piece
read_authority(struct url_piece text, const char *from, bool html)
{
	struct url_piece out;

	while (from < text.end && url_is_slash(*from))
		from++;
	out.at = from;
	while (from < text.end && goes_on(*from, html) && !url_is_slash(*from) && *from != '?' &&
		*from != '#')
		from++;
	out.end = from;
	return out;
}

/* "http://a,http://b": the second begins where the first would have its port. NULL: there is none.
 */
static const char *
find_second(struct url_piece authority, const char *end)
{
	const char *colon = authority.end - 1;

	if (authority.end - authority.at < 2 || *colon != ':' || end - authority.end < 2 ||
		!url_is_slash(colon[1]) || !url_is_slash(colon[2]))
		return NULL;
	return url_scheme(authority.at, colon);
}

/* Browsers let all of this stand in a login, written so. */
static void
add_escaped(struct list *l, struct url_piece url)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[URL_SIZE];
	size_t len = 0;

	for (; url.at < url.end && len < sizeof(text) - 3; url.at++) {
		unsigned char c = (unsigned char)(*url.at == URL_QUOTE ? '"' : *url.at);

		if (c > ' ' && c != 0x7f && strchr("\"<>`'", c) == NULL) {
			text[len++] = (char)c;
			continue;
		}
		text[len++] = '%';
		text[len++] = digits[c >> 4];
		text[len++] = digits[c & 15];
	}
	add(l, (struct url_piece){text, text + len});
}

/* The quote or equals sign that the value of an attribute begins behind; NUL: none does. */
static char
value_begins(struct url_piece text, const char *p)
{
	for (size_t blanks = 0; p > text.at && blanks < 16; blanks++) {
		char c = *--p;

		if ((unsigned char)c > ' ')
			return strchr("\"'=", c) == NULL ? '\0' : c;
	}
	return '\0';
}

static struct login
find_login(struct url_piece text, const char *at, char quote)
{
	const char *stop = quote == '=' ? " >" : quote == '"' ? "\"" : "'";
	struct login out = {at, NULL, NULL, quote};

	for (; at < text.end; at++) {
		if (*at == '\0' || strchr(stop, *at) != NULL || strchr("/\\?#", *at) != NULL)
			break;
		if (*at == '@')
			out.behind = at + 1;
	}
	out.end = at;
	return out;
}

/*
 * Where the address goes on behind '@', though at is nothing that addresses have. NULL: nowhere.
 * Behind "=" a value may seem to begin in a value, and is not looked through again.
 */
static const char *
behind_login(struct list *l, struct url_piece text, const char *begin, const char *at)
{
	char quote = value_begins(text, begin);

	if (quote == '\0')
		return NULL;
	if (quote != l->login.quote || at < l->login.from || at >= l->login.end)
		l->login = find_login(text, at, quote);
	return l->login.behind != NULL && l->login.behind > at ? l->login.behind : NULL;
}

/* A login that is not kept is left out, with the scheme, for the host behind it is. */
static void
add_login(struct list *l, struct url_piece text, const char *begin, const char *at)
{
	struct url_piece url = {begin, behind_login(l, text, begin, at)};

	if (url.end == NULL)
		return;
	if (url.end - begin > (int)URL_SIZE / 3)
		url.at = url.end;
	while (url.end < text.end && goes_on(*url.end, true) && url.end - url.at < (int)URL_SIZE)
		url.end++;
	add_escaped(l, url);
}

/*
 * Adds what begins at begin and goes on at from, as all read it who may; gives where it ends. Only
 * the first look is as far as the host, so that a million schemes are not read a million times.
 */
static const char *
take(struct list *l, struct url_piece text, const char *begin, const char *from, bool html)
{
	struct url_piece authority = read_authority(text, from, html);
	struct url_piece url = {begin, authority.end};
	const char *second = find_second(authority, text.end);
	const char *mark;
	bool bare;

	if (second != NULL)
		url.end = authority.end = second;
	while (second == NULL && url.end < text.end && goes_on(*url.end, html))
		url.end++;
	from = url.end;
	bare = authority.end == url.end;
	if (!html || bare)
		url.end = before_mark(url);
	add(l, url);
	mark = url_mark((struct url_piece){
		authority.at, authority.end < url.end ? authority.end : url.end});
	if (mark != NULL)
		add(l, (struct url_piece){begin, mark});
	if (html && bare && second == NULL)
		add_login(l, text, begin, from);
	return from;
}

/* "www." where a word begins. */
static bool
is_www(struct url_piece text, const char *p)
{
	return text.end - p > 4 && strncasecmp(p, "www.", 4) == 0 && is_word(p[4]) &&
	       (p == text.at || (!is_word(p[-1]) && memchr(".-_@/=", p[-1], 6) == NULL));
}

/*
 * Browsers take "https:host" and "//host" for addresses, and mail programs do in links alone. p is
 * a colon or a slash.
 */
static const char *
find_bare(struct url_piece text, const char *least, const char *p)
{
	const char *begin = *p == ':' ? url_scheme(least, p) : p;
	const char *host = *p == ':' ? p + 1 : p + 2;

	if (begin == NULL || host >= text.end || (*p != ':' && !url_is_slash(p[1])) ||
		(!is_word(*host) && !url_is_slash(*host) && *host != '[') ||
		value_begins(text, begin) == '\0')
		return NULL;
	return begin;
}

/* Where the address begins that p tells; NULL: it tells none. */
static const char *
find_begin(struct url_piece text, const char *least, const char *p, bool html)
{
	bool colon = *p == ':';

	if (colon && text.end - p > 3 && url_is_slash(p[1]) && url_is_slash(p[2]))
		return url_scheme(least, p);
	if ((*p == 'w' || *p == 'W') && is_www(text, p))
		return p;
	return html && (colon || url_is_slash(*p)) ? find_bare(text, least, p) : NULL;
}

static void
scan(struct list *l, struct url_piece text, bool html)
{
	const char *least = text.at, *asked = text.at;

	l->login = (struct login){.quote = '\0'};
	for (const char *p = text.at; p < text.end && !l->too_many && !l->late;) {
		const char *begin = find_begin(text, least, p, html);

		if (p - asked >= ASK_EACH) {
			l->late = !l->in_time(l->data);
			asked = p;
		}
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

/* Once by the tags, and once with each value that could be one, for comments can hold half a tag.
 */
static void
read_html(struct list *l, const struct mime_leaf *leaf)
{
	char *plain = mem_alloc(leaf->len + 1);

	for (int i = 0; i < 2; i++) {
		size_t len = url_plain(leaf->data, leaf->len, i == 1, plain);

		scan(l, (struct url_piece){plain, plain + len}, true);
	}
	free(plain);
}

/* What others may take for something else is read as both. */
static void
read_part(void *data, const struct mime_leaf *leaf)
{
	const char *type = leaf->head->type, *text = (const char *)leaf->data;
	bool html = strcmp(type, "text/html") == 0 || strcmp(type, "application/xhtml+xml") == 0;
	bool other = leaf->head->maybe_file;

	if (other || (!html && strncmp(type, "text/", 5) == 0))
		scan(data, (struct url_piece){text, text + leaf->len}, false);
	if (html || other)
		read_html(data, leaf);
}

static bool
in_time_still(void *data)
{
	const struct list *l = data;

	return l->too_many || (!l->late && l->in_time(l->data));
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
	if (l.too_many)
		return MIME_TOO_MANY;
	return l.late ? MIME_LATE : end;
}
