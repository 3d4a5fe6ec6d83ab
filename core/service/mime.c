/* SPDX-License-Identifier: MIT */
/*
 * mime.c - where the parts of a message begin and end
 *
 * A part lies inside of its parent, whatever its own boundary is, so a parent's boundary ends all
 * that it holds (RFC 2046 section 5.1.2). What fields say and how content is encoded is for
 * mime_field.c.
 */
#include "mime.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* Messages inside of each other that are encoded, and so must be copied: RFC 2046 allows none. */
#define COPIES_MOST 2u
/* Of a field: GMime's time grows with their square. */
#define PARAMETERS_MOST 100u

struct span {
	const unsigned char *at, *end;
};

struct walk {
	const struct mime_visitor *visitor;
	struct mime_fields *fields;
	unsigned char *room; /* decoded content of the part being shown */
	size_t room_size;
	size_t parts;
	unsigned copies;
	enum mime_end end;
	char field[MIME_FIELD_SIZE];
};

/* A line of a boundary (RFC 2046 section 5.1.1). */
struct delimiter {
	const unsigned char *line, *next;
	bool closing;
};

static size_t
span_len(struct span s)
{
	return (size_t)(s.end - s.at);
}

/* --- fields --------------------------------------------------------------------------------------
 */

/* What stands before the next line. */
static const unsigned char *
line_end(struct span s)
{
	const unsigned char *lf = memchr(s.at, '\n', span_len(s));

	return lf == NULL ? s.end : lf + 1;
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* Takes a field with the lines that go on with it. False: an empty line, or the end. */
static bool
take_field(struct span *s, struct span *field)
{
	field->at = s->at;
	if (s->at == s->end || *s->at == '\n' ||
		(*s->at == '\r' && s->end - s->at > 1 && s->at[1] == '\n')) {
		s->at = line_end(*s);
		return false;
	}
	do
		s->at = line_end(*s);
	while (s->at < s->end && is_blank(*s->at));
	field->end = s->at;
	return true;
}

/*
 * Unfolds (RFC 5322 section 2.2.3). False: it does not fit, and is cut, or others take it for ended
 * at a NUL or at a CR alone, which are left out.
 */
static bool
unfold(struct walk *w, const unsigned char *value, size_t len)
{
	bool whole = len < sizeof(w->field);
	size_t kept = 0;

	for (size_t i = 0; i < len && kept < sizeof(w->field) - 1; i++) {
		if (value[i] == '\0' || (value[i] == '\r' && i + 1 < len && value[i + 1] != '\n'))
			whole = false;
		w->field[kept] = (char)value[i];
		kept += value[i] != '\0' && value[i] != '\r' && value[i] != '\n';
	}
	w->field[kept] = '\0';
	return whole;
}

/* False: there are more than mail programs write, and it is cut. */
static bool
few_parameters(char *field)
{
	unsigned count = 0;

	for (char *at = field; (at = strchr(at, ';')) != NULL; at++) {
		if (++count > PARAMETERS_MOST) {
			*at = '\0';
			return false;
		}
	}
	return true;
}

static void
add_field(struct walk *w, struct mime_head *h, enum mime_field which, const unsigned char *value,
	size_t len)
{
	bool whole = unfold(w, value, len);

	whole = few_parameters(w->field) && whole;
	mime_head_add(w->fields, h, which, w->field, !whole);
}

/* A line without a colon, or another field, says nothing. */
static void
read_field(struct walk *w, struct span field, struct mime_head *h)
{
	const unsigned char *colon = memchr(field.at, ':', span_len(field));
	size_t len;

	if (colon == NULL)
		return;
	len = (size_t)(colon - field.at);
	while (len > 0 && is_blank(field.at[len - 1]))
		len--;
	for (enum mime_field f = 0; f < MIME_FIELDS; f++) {
		if (strlen(mime_field_names[f]) == len &&
			strncasecmp((const char *)field.at, mime_field_names[f], len) == 0)
			add_field(w, h, f, colon + 1, (size_t)(field.end - colon - 1));
	}
}

/* Reads the header of an entity; gives its body. */
static struct span
read_head(struct walk *w, struct span entity, const char *type, struct mime_head *h)
{
	struct span field;

	mime_head_begin(h, type);
	while (take_field(&entity, &field))
		read_field(w, field, h);
	mime_head_end(h);
	return entity;
}

static void
read_message_head(struct walk *w, const struct mime_source *source, struct mime_head *h)
{
	mime_head_begin(h, "text/plain");
	h->doubtful = h->maybe_file = source->repeated;
	for (enum mime_field f = 0; f < MIME_FIELDS; f++) {
		const char *value = source->fields[f];

		if (value != NULL)
			add_field(w, h, f, (const unsigned char *)value, strlen(value));
	}
	mime_head_end(h);
}

/* --- parts ---------------------------------------------------------------------------------------
 */

static void walk_entity(struct walk *, struct span body, struct mime_head *, unsigned depth);

static bool
starts_so(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool
is_message(const struct mime_head *h)
{
	return strcmp(h->type, "message/rfc822") == 0 || strcmp(h->type, "message/global") == 0 ||
	       strcmp(h->type, "message/news") == 0;
}

/* Looks at the candidate: only blanks may follow, and "--" before them. */
static bool
is_delimiter(struct span body, const unsigned char *at, size_t len, struct delimiter *out)
{
	const unsigned char *p = at + len;

	if (at != body.at && at[-1] != '\n')
		return false;
	out->line = at;
	out->closing = body.end - p >= 2 && memcmp(p, "--", 2) == 0;
	if (out->closing)
		p += 2;
	while (p < body.end && (is_blank(*p) || *p == '\r'))
		p++;
	if (p < body.end && *p != '\n')
		return false;
	out->next = p < body.end ? p + 1 : p;
	return true;
}

/* A line has one candidate at most: so the work grows with the body alone. */
static bool
next_delimiter(struct span body, const unsigned char *from, const char *mark, struct delimiter *out)
{
	size_t len = strlen(mark);

	while ((from = memmem(from, (size_t)(body.end - from), mark, len)) != NULL) {
		if (is_delimiter(body, from, len, out))
			return true;
		from = line_end((struct span){from, body.end});
	}
	return false;
}

/* The line break before a boundary belongs to it. */
static const unsigned char *
before_break(const unsigned char *begin, const unsigned char *at)
{
	if (at > begin && at[-1] == '\n')
		at--;
	if (at > begin && at[-1] == '\r')
		at--;
	return at;
}

static void
walk_part(struct walk *w, struct span part, const struct mime_head *parent, unsigned depth)
{
	bool digest = strcmp(parent->type, "multipart/digest") == 0;
	struct mime_head h;

	part = read_head(w, part, digest ? "message/rfc822" : "text/plain", &h);
	walk_entity(w, part, &h, depth + 1);
}

/* False: there is no boundary. A closing one is only taken to be the last: others may go on. */
static bool
walk_multipart(struct walk *w, struct span body, const struct mime_head *h, unsigned depth)
{
	const unsigned char *begin = NULL, *from = body.at;
	char mark[MIME_BOUNDARY_SIZE + 2];
	struct delimiter d;
	bool found = false;

	memcpy(mark, "--", 2);
	memcpy(mark + 2, h->boundary, strlen(h->boundary) + 1);
	while (w->end == MIME_WHOLE && next_delimiter(body, from, mark, &d)) {
		if (begin != NULL)
			walk_part(w, (struct span){begin, before_break(begin, d.line)}, h, depth);
		found = true;
		from = d.next;
		begin = d.closing ? NULL : d.next;
	}
	if (w->end == MIME_WHOLE && begin != NULL)
		walk_part(w, (struct span){begin, body.end}, h, depth);
	return found;
}

/* What it decodes to; until the next call. */
static struct span
decode(struct walk *w, struct span body, const struct mime_head *h)
{
	size_t room;

	if (!h->encoded)
		return body;
	room = mime_decode_room(h, span_len(body));
	if (room > w->room_size) {
		free(w->room);
		w->room = mem_alloc(room);
		w->room_size = room;
	}
	return (struct span){w->room, w->room + mime_decode(h, body.at, span_len(body), w->room)};
}

static void
walk_message(struct walk *w, struct span content, unsigned depth)
{
	struct mime_head h;

	content = read_head(w, content, "text/plain", &h);
	walk_entity(w, content, &h, depth + 1);
}

/* The room that it was decoded into is needed for its parts. */
static void
walk_copy(struct walk *w, struct span content, unsigned depth)
{
	size_t len = span_len(content);
	unsigned char *copy = mem_alloc(len + 1);

	memcpy(copy, content.at, len);
	w->copies++;
	walk_message(w, (struct span){copy, copy + len}, depth);
	w->copies--;
	free(copy);
}

static void
walk_leaf(struct walk *w, struct span body, struct mime_head *h, unsigned depth)
{
	struct span content = decode(w, body, h);
	bool message = is_message(h);
	struct mime_leaf leaf = {h, content.at, span_len(content)};

	if (mime_decode_doubtful(h, body.at, span_len(body)))
		h->doubtful = true;
	if (message && h->encoded && w->copies == COPIES_MOST) {
		h->doubtful = true;
		message = false;
	}
	w->visitor->part(w->visitor->data, &leaf);
	if (message && h->encoded)
		walk_copy(w, content, depth);
	else if (message)
		walk_message(w, content, depth);
}

/* False: somebody has had enough. */
static bool
may_enter(struct walk *w, unsigned depth)
{
	if (w->parts == MIME_PARTS_MOST)
		w->end = MIME_TOO_MANY;
	else if (depth > MIME_DEPTH_MOST)
		w->end = MIME_TOO_DEEP;
	else if (!w->visitor->in_time(w->visitor->data))
		w->end = MIME_LATE;
	w->parts++;
	return w->end == MIME_WHOLE;
}

/* A multipart is shown, too, where others may find other parts in it: of that they are told. */
static void
walk_entity(struct walk *w, struct span body, struct mime_head *h, unsigned depth)
{
	bool multipart = starts_so(h->type, "multipart/");
	bool bounded = multipart && h->boundary[0] != '\0', doubtful = h->doubtful;

	if (!may_enter(w, depth))
		return;
	if (bounded && !doubtful && walk_multipart(w, body, h, depth))
		return;
	/* Without a boundary nobody can tell what it holds. */
	h->doubtful = doubtful || multipart;
	walk_leaf(w, body, h, depth);
	if (bounded && doubtful)
		walk_multipart(w, body, h, depth);
}

enum mime_end
mime_walk(const struct mime_source *source, const struct mime_visitor *visitor)
{
	struct walk *w = mem_zalloc(1, sizeof(*w));
	struct mime_head h;
	enum mime_end end;

	w->visitor = visitor;
	w->fields = mime_fields_new();
	read_message_head(w, source, &h);
	walk_entity(w, (struct span){source->body, source->body + source->len}, &h, 1);
	end = w->end;
	mime_fields_free(w->fields);
	free(w->room);
	free(w);
	return end;
}
