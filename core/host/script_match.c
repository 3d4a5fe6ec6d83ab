/* SPDX-License-Identifier: MIT */
/*
 * script_match.c - Lua patterns matched in a bounded number of steps
 *
 * A Lua pattern has no alternatives and repeats only single characters. So a match visits the items
 * in order, and on failure goes back to the nearest earlier item that can take one character more
 * or less. What such an item has taken is kept in the item itself: there is no stack to overflow.
 */
#include "script_match.h"

#include <ctype.h>
#include <string.h>

enum match_op {
	OP_ANY,	     /* . */
	OP_BACK,     /* %1 */
	OP_BALANCE,  /* %bxy */
	OP_CHAR,     /* itself */
	OP_CLASS,    /* %a */
	OP_CLOSE,    /* ) */
	OP_END,	     /* $ */
	OP_FRONTIER, /* %f[set] */
	OP_OPEN,     /* ( */
	OP_SET	     /* [set] */
};

enum match_repeat { ONCE, GREEDY, LAZY, OPTIONAL }; /* none, * and +, -, ? */

/* --- single characters ---------------------------------------------------------------------- */

/* Not in the manual any more, but Lua still knows %z. */
static int
isnul(int c)
{
	return c == '\0';
}

/* By letter, from 'a'. */
static int (*const classes[])(int) = {
	['a' - 'a'] = isalpha,
	['c' - 'a'] = iscntrl,
	['d' - 'a'] = isdigit,
	['g' - 'a'] = isgraph,
	['l' - 'a'] = islower,
	['p' - 'a'] = ispunct,
	['s' - 'a'] = isspace,
	['u' - 'a'] = isupper,
	['w' - 'a'] = isalnum,
	['x' - 'a'] = isxdigit,
	['z' - 'a'] = isnul,
};

/* A capital letter is the opposite of its class; what is no class stands for itself. */
static bool
in_class(unsigned char letter, unsigned char c)
{
	size_t index = (size_t)(letter | 0x20) - 'a';
	bool small = (letter & 0x20) != 0;

	if (index >= sizeof(classes) / sizeof(*classes) || classes[index] == NULL)
		return letter == c;
	return (classes[index](c) != 0) == small;
}

static bool
in_set(const unsigned char *p, const unsigned char *end, unsigned char c)
{
	for (; p < end; p++) {
		if (*p == '%') {
			if (in_class(*++p, c))
				return true;
		} else if (end - p > 2 && p[1] == '-') {
			p += 2;
			if (p[-2] <= c && c <= *p)
				return true;
		} else if (*p == c) {
			return true;
		}
	}
	return false;
}

/* Each 16 octets of a set are a step more. */
static void
spend(struct match *m, size_t steps)
{
	m->steps -= steps < m->steps ? steps : m->steps;
}

static bool
set_has(struct match *m, const struct match_item *item, unsigned char c)
{
	spend(m, (size_t)(item->set_end - item->set) / 16);
	return in_set(item->set, item->set_end, c) != item->negated;
}

/* The character at s is one the item takes. */
static bool
takes(struct match *m, const struct match_item *item, const unsigned char *s)
{
	if (s >= m->end)
		return false;
	spend(m, 1);
	if (item->op == OP_CHAR)
		return *s == item->c;
	if (item->op == OP_CLASS)
		return in_class(item->c, *s);
	return item->op == OP_ANY || set_has(m, item, *s);
}

/* --- compiling ------------------------------------------------------------------------------ */

struct compiler {
	struct match *m;
	const unsigned char *p, *end;
	size_t back; /* as in struct match_item */
	size_t depth;
	unsigned char open[MATCH_CAPTURES]; /* captures not closed yet */
};

static const char ends_with_escape[] = "malformed pattern (ends with '%')";
static const char no_set_end[] = "malformed pattern (missing ']')";

/* Reads "set]" or "^set]". */
static const char *
compile_set(struct compiler *c, struct match_item *item)
{
	if (c->p < c->end && *c->p == '^') {
		item->negated = true;
		c->p++;
	}
	item->set = c->p;
	/* The first character is an ordinary one, even if it is ']'. */
	do {
		if (c->p == c->end)
			return no_set_end;
		if (*c->p++ == '%' && c->p < c->end)
			c->p++;
	} while (c->p == c->end || *c->p != ']');
	item->set_end = c->p++;
	return NULL;
}

static const char *
compile_back(struct compiler *c, struct match_item *item, unsigned char digit)
{
	item->op = OP_BACK;
	item->capture = (unsigned char)(digit - '1');
	if (digit == '0' || item->capture >= c->m->captures)
		return "invalid capture index in pattern";
	for (size_t i = 0; i < c->depth; i++) {
		if (c->open[i] == item->capture)
			return "invalid capture index in pattern (capture is not closed)";
	}
	return NULL;
}

/* What stands behind '%'. */
static const char *
compile_escape(struct compiler *c, struct match_item *item)
{
	unsigned char letter;

	if (c->p == c->end)
		return ends_with_escape;
	letter = *c->p++;
	if (isdigit(letter))
		return compile_back(c, item, letter);
	if (letter == 'b') {
		if (c->end - c->p < 2)
			return "malformed pattern (missing arguments to '%b')";
		item->op = OP_BALANCE;
		item->c = *c->p++;
		item->c2 = *c->p++;
		return NULL;
	}
	if (letter == 'f') {
		if (c->p == c->end || *c->p++ != '[')
			return "malformed pattern (missing '[' after '%f')";
		item->op = OP_FRONTIER;
		return compile_set(c, item);
	}
	item->op = OP_CLASS;
	item->c = letter;
	return NULL;
}

static const char *
compile_open(struct compiler *c, struct match_item *item)
{
	struct match *m = c->m;

	if (m->captures == MATCH_CAPTURES)
		return "too many captures";
	item->op = OP_OPEN;
	item->capture = (unsigned char)m->captures;
	m->capture[m->captures++].position = c->p < c->end && *c->p == ')';
	if (c->p < c->end && *c->p == ')')
		c->p++;
	else
		c->open[c->depth++] = item->capture;
	return NULL;
}

static const char *
compile_close(struct compiler *c, struct match_item *item)
{
	if (c->depth == 0)
		return "invalid pattern capture";
	item->op = OP_CLOSE;
	item->capture = c->open[--c->depth];
	return NULL;
}

static bool
single(const struct match_item *item)
{
	return item->op == OP_ANY || item->op == OP_CHAR || item->op == OP_CLASS ||
	       item->op == OP_SET;
}

/* "x+" is "xx*", told by c2. */
static void
compile_repeat(struct compiler *c, struct match_item *item)
{
	if (c->p == c->end || !single(item))
		return;
	if (*c->p == '*' || *c->p == '+')
		item->repeat = GREEDY;
	else if (*c->p == '-')
		item->repeat = LAZY;
	else if (*c->p == '?')
		item->repeat = OPTIONAL;
	else
		return;
	item->c2 = *c->p++ == '+';
	c->back = c->m->count + 1;
}

static const char *
compile_item(struct compiler *c, struct match_item *item)
{
	unsigned char ch = *c->p++;

	*item = (struct match_item){.op = OP_CHAR, .c = ch, .back = c->back};
	if (ch == '%')
		return compile_escape(c, item);
	if (ch == '(')
		return compile_open(c, item);
	if (ch == ')')
		return compile_close(c, item);
	if (ch == '[') {
		item->op = OP_SET;
		return compile_set(c, item);
	}
	if (ch == '.')
		item->op = OP_ANY;
	else if (ch == '$' && c->p == c->end)
		item->op = OP_END;
	return NULL;
}

size_t
match_room(size_t len)
{
	return len;
}

const char *
match_compile(
	struct match *m, struct match_item *items, const char *pattern, size_t len, bool anchor)
{
	struct compiler c = {.m = m};
	const char *why = NULL;

	m->items = items;
	m->count = m->captures = 0;
	c.p = (const unsigned char *)pattern;
	c.end = c.p + len;
	m->anchored = anchor && len > 0 && *c.p == '^';
	c.p += m->anchored;
	while (c.p < c.end && why == NULL) {
		struct match_item *item = &items[m->count];

		why = compile_item(&c, item);
		if (why == NULL)
			compile_repeat(&c, item);
		m->count++;
	}
	if (why == NULL && c.depth > 0)
		why = "unfinished capture";
	return why;
}

/* --- matching ------------------------------------------------------------------------------- */

/* "(x(y)x)" at s for %b(): behind its end, or NULL. */
static const unsigned char *
balance(struct match *m, const struct match_item *item, const unsigned char *s)
{
	size_t depth = 1;

	if (s == m->end || *s != item->c)
		return NULL;
	while (++s < m->end && m->steps > 0) {
		spend(m, 1);
		/* The end is asked for first: %bxx takes from one x to the next. */
		if (*s == item->c2 && --depth == 0)
			return s + 1;
		if (*s == item->c && item->c != item->c2)
			depth++;
	}
	return NULL;
}

/* The text of a capture once more. */
static const unsigned char *
repeated(struct match *m, const struct match_item *item, const unsigned char *s)
{
	const struct match_capture *cap = &m->capture[item->capture];
	size_t len = (size_t)(cap->end - cap->start);

	if (cap->position || len > (size_t)(m->end - s))
		return NULL;
	spend(m, len / 16);
	return len == 0 || memcmp(cap->start, s, len) == 0 ? s + len : NULL;
}

/* Between a character outside of the set and one in it; both ends of the text are NUL. */
static const unsigned char *
frontier(struct match *m, const struct match_item *item, const unsigned char *s)
{
	unsigned char before = s == m->text ? '\0' : s[-1];
	unsigned char here = s == m->end ? '\0' : *s;

	return !set_has(m, item, before) && set_has(m, item, here) ? s : NULL;
}

/* An item that is not repeated: where the match goes on, or NULL. */
static const unsigned char *
match_once(struct match *m, const struct match_item *item, const unsigned char *s)
{
	spend(m, 1);
	switch ((enum match_op)item->op) {
	case OP_BACK:
		return repeated(m, item, s);
	case OP_BALANCE:
		return balance(m, item, s);
	case OP_END:
		return s == m->end ? s : NULL;
	case OP_FRONTIER:
		return frontier(m, item, s);
	case OP_OPEN:
		m->capture[item->capture].start = s;
		return s;
	case OP_CLOSE:
		m->capture[item->capture].end = s;
		return s;
	case OP_ANY:
	case OP_CHAR:
	case OP_CLASS:
	case OP_SET:
		break;
	}
	return takes(m, item, s) ? s + 1 : NULL;
}

/* The first try of an item that is repeated: as much, or as little, as it may take. */
static const unsigned char *
match_run(struct match *m, struct match_item *item, const unsigned char *s)
{
	const unsigned char *p = s;

	if (item->repeat == OPTIONAL)
		p += takes(m, item, p);
	else if (item->repeat == GREEDY)
		while (m->steps > 0 && takes(m, item, p))
			p++;
	item->least = s + item->c2;
	item->cur = p;
	return p >= item->least ? p : NULL;
}

/* The next try: one character less, or more. */
static const unsigned char *
match_other(struct match *m, struct match_item *item)
{
	if (item->repeat == LAZY)
		return takes(m, item, item->cur) ? ++item->cur : NULL;
	spend(m, 1);
	return item->cur > item->least ? --item->cur : NULL;
}

static const unsigned char *
match_item(struct match *m, struct match_item *item, const unsigned char *s)
{
	return item->repeat == ONCE ? match_once(m, item, s) : match_run(m, item, s);
}

void
match_begin(struct match *m, const char *text, size_t len, size_t steps)
{
	m->text = (const unsigned char *)text;
	m->end = m->text + len;
	m->steps = steps;
}

const char *
match_at(struct match *m, const char *start)
{
	const unsigned char *s = (const unsigned char *)start;
	size_t i = 0;

	while (i < m->count && m->steps > 0) {
		size_t back = m->items[i].back;

		s = match_item(m, &m->items[i], s);
		while (s == NULL && back > 0 && m->steps > 0) {
			i = back - 1;
			back = m->items[i].back;
			s = match_other(m, &m->items[i]);
		}
		if (s == NULL)
			return NULL;
		i++;
	}
	return m->steps > 0 ? (const char *)s : NULL;
}
