/* SPDX-License-Identifier: MIT */
/*
 * session.c - one SMTP session: its lifetimes and what it keeps of each event
 *
 * The limits are checked here, before anything is copied: an MTA passes on what strangers send.
 */
#include "session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/* First chunks. The message's is there only while a message is open: idle sessions are many. */
#define CONN_CHUNK     384u
#define GREETING_CHUNK 128u
#define MACROS_CHUNK   256u
#define MSG_CHUNK      1536u
#define NAME_MOST      255u
#define HELO_MOST      512u
#define LINE_END       2
#define FIELD_EXTRA    4u /* ": " and CRLF */
#define BODY_FIRST     4096u

struct cm_session *
session_new(const struct session_limits *limits, const char *listener)
{
	struct cm_session *s = mem_zalloc(1, sizeof(*s));

	arena_init(&s->conn, CONN_CHUNK);
	arena_init(&s->msg, MSG_CHUNK);
	arena_init(&s->greeting, GREETING_CHUNK);
	arena_init(&s->passing, GREETING_CHUNK);
	for (size_t i = 0; i < CM_STAGE_COUNT; i++)
		arena_init(
			&s->macro_arenas[i], i == CM_STAGE_CONNECT ? MACROS_CHUNK : GREETING_CHUNK);
	s->limits = limits;
	s->listener = arena_strdup(&s->conn, listener);
	s->client.ip = "";
	s->client.name = "unknown";
	session_id_new(s->conn_id);
	memcpy(s->id, s->conn_id, sizeof(s->id));
	edit_queue_init(&s->conn_edits);
	edit_queue_init(&s->edits);
	s->headers_last = &s->headers;
	return s;
}

void
session_free(struct cm_session *s)
{
	if (s == NULL)
		return;
	session_end_message(s);
	arena_fini(&s->msg);
	arena_fini(&s->greeting);
	arena_fini(&s->passing);
	for (size_t i = 0; i < CM_STAGE_COUNT; i++)
		arena_fini(&s->macro_arenas[i]);
	arena_fini(&s->conn);
	free(s);
}

struct arena *
session_arena(struct cm_session *s)
{
	if (s->scratch != NULL)
		return s->scratch;
	if (s->in_message)
		return &s->msg;
	if (s->stage == CM_STAGE_CONNECT)
		return &s->conn;
	return s->stage == CM_STAGE_HELO ? &s->greeting : &s->passing;
}

void
session_pass(struct cm_session *s, enum cm_stage stage)
{
	if (s->in_message)
		return;
	arena_reset(&s->passing);
	s->stage = stage;
}

/* A name that a stranger gives himself; rules put it into replies. */
static const char *
keep_name(struct arena *arena, const char *name, size_t most)
{
	char *kept = arena_strndup(arena, name, most);

	text_clean(kept);
	return kept;
}

void
session_set_client(
	struct cm_session *s, const char *name, const struct net_addr *addr, unsigned port)
{
	char ip[NET_TEXT] = "";

	if (addr != NULL) {
		s->peer = *addr;
		net_text(addr, ip);
	}
	s->client.ip = arena_strdup(&s->conn, ip);
	s->client.port = port;
	/* Sendmail writes the address in brackets where it has no name. */
	if (name == NULL || name[0] == '\0' || name[0] == '[')
		name = "unknown";
	s->client.name = keep_name(&s->conn, name, NAME_MOST);
}

static struct cm_address
copy_address(struct arena *arena, const struct cm_address *a)
{
	struct cm_address copy = *a;

	copy.text = arena_strdup(arena, a->text);
	copy.addr = arena_strdup(arena, a->addr);
	copy.user = arena_strdup(arena, a->user);
	copy.domain = arena_strdup(arena, a->domain);
	return copy;
}

static enum session_kept
keep_helo(struct cm_session *s, const struct cm_event *ev)
{
	edit_queue_forget(&s->conn_edits, CM_STAGE_HELO);
	s->helo_notes = s->helo_results = NULL;
	s->helo_questions = NULL;
	s->auth_results[SESSION_HELO] = NULL;
	arena_reset(&s->greeting);
	s->helo = keep_name(&s->greeting, ev->name, HELO_MOST);
	return SESSION_KEPT;
}

static enum session_kept
keep_unknown(struct cm_session *s, const struct cm_event *ev)
{
	session_pass(s, ev->stage);
	return SESSION_KEPT;
}

static enum session_kept
keep_mail(struct cm_session *s, const struct cm_event *ev)
{
	assert(ev->address != NULL);
	session_end_message(s);
	s->in_message = true;
	s->began = clock_now();
	s->edits.body_max =
		s->limits->body_octets > 0 ? (size_t)s->limits->body_octets : EDIT_BODY_MAX;
	session_id_new(s->id);
	s->sender = copy_address(&s->msg, ev->address);
	return SESSION_KEPT;
}

static enum session_kept
keep_rcpt(struct cm_session *s, const struct cm_event *ev)
{
	assert(ev->address != NULL);
	if (ev->rejected)
		return SESSION_KEPT;
	return s->rcpt_count < s->limits->recipients ? SESSION_KEPT : SESSION_TOO_MANY;
}

void
session_add_rcpt(struct cm_session *s, const struct cm_address *a)
{
	if (s->rcpt_count == s->rcpt_room) {
		size_t room = s->rcpt_room == 0 ? 2 : mem_product(s->rcpt_room, 2);
		struct cm_address *rcpts = arena_array(&s->msg, room, sizeof(*rcpts));

		/* The old array stays: links may hold pointers into it. */
		if (s->rcpt_count > 0)
			memcpy(rcpts, s->rcpts, s->rcpt_count * sizeof(*rcpts));
		s->rcpts = rcpts;
		s->rcpt_room = room;
	}
	s->rcpts[s->rcpt_count++] = copy_address(&s->msg, a);
}

void
session_fill_header(struct cm_session *s)
{
	s->header_octets = s->limits->header_octets;
}

static enum session_kept
keep_header(struct cm_session *s, const struct cm_event *ev)
{
	size_t octets = strlen(ev->name) + strlen(ev->value) + FIELD_EXTRA;
	struct session_header *h;

	if (s->header_count >= s->limits->header_fields ||
		octets > s->limits->header_octets - s->header_octets)
		return SESSION_TOO_LARGE;
	s->header_count++;
	s->header_octets += octets;
	s->size += (int64_t)octets;
	if (!s->keep_headers)
		return SESSION_KEPT;
	h = arena_alloc(&s->msg, sizeof(*h));
	h->field.name = arena_strdup(&s->msg, ev->name);
	h->field.value = arena_strdup(&s->msg, ev->value);
	h->glued = ev->glued;
	*s->headers_last = h;
	s->headers_last = &h->next;
	return SESSION_KEPT;
}

/* At the first event behind the header section: an MTA may have been told not to send EOH. */
static void
close_headers(struct cm_session *s)
{
	size_t i = 0;

	if (s->header_closed)
		return;
	s->header_closed = true;
	s->size += LINE_END;
	if (!s->keep_headers)
		return;
	s->header_index =
		arena_array(&s->msg, s->header_count + 1, sizeof(const struct cm_header *));
	for (const struct session_header *h = s->headers; h != NULL; h = h->next)
		s->header_index[i++] = &h->field;
}

static void
drop_body(struct cm_session *s)
{
	free(s->body);
	s->body = NULL;
	s->body_len = s->body_room = 0;
}

static enum session_kept
keep_body(struct cm_session *s, const struct cm_event *ev)
{
	close_headers(s);
	s->size += (int64_t)ev->len;
	if (!s->keep_body || s->body_cut)
		return SESSION_KEPT;
	if (ev->len > (size_t)s->limits->body_octets - s->body_len) {
		s->body_cut = true;
		drop_body(s);
		return SESSION_KEPT;
	}
	if (ev->len > s->body_room - s->body_len) {
		size_t needed = mem_sum(s->body_len, ev->len);
		size_t room = s->body_room == 0 ? BODY_FIRST : mem_product(s->body_room, 2);

		s->body_room = needed > room ? needed : room;
		s->body = mem_grow(s->body, s->body_room);
	}
	if (ev->len > 0)
		memcpy(s->body + s->body_len, ev->data, ev->len);
	s->body_len += ev->len;
	return SESSION_KEPT;
}

static enum session_kept
keep_end(struct cm_session *s, const struct cm_event *ev)
{
	(void)ev;
	close_headers(s);
	return SESSION_KEPT;
}

static enum session_kept (*const keep[CM_STAGE_COUNT])(
	struct cm_session *, const struct cm_event *) = {
	[CM_STAGE_HELO] = keep_helo,
	[CM_STAGE_MAIL] = keep_mail,
	[CM_STAGE_RCPT] = keep_rcpt,
	[CM_STAGE_HEADER] = keep_header,
	[CM_STAGE_EOH] = keep_end,
	[CM_STAGE_BODY] = keep_body,
	[CM_STAGE_EOM] = keep_end,
	[CM_STAGE_UNKNOWN] = keep_unknown,
};

enum session_kept
session_keep(struct cm_session *s, const struct cm_event *ev)
{
	enum session_kept kept = keep[ev->stage] == NULL ? SESSION_KEPT : keep[ev->stage](s, ev);

	s->stage = ev->stage;
	return kept;
}

void
session_end_message(struct cm_session *s)
{
	if (!s->in_message)
		return;
	drop_body(s);
	session_macros_end(s);
	arena_fini(&s->msg);
	s->in_message = s->header_closed = s->body_cut = false;
	memcpy(s->id, s->conn_id, sizeof(s->id));
	s->began = s->size = 0;
	s->stage = CM_STAGE_HELO;
	s->sender = (struct cm_address){0};
	s->rcpts = NULL;
	s->rcpt_count = s->rcpt_room = s->rcpt_refused = 0;
	s->headers = NULL;
	s->headers_last = &s->headers;
	s->header_index = NULL;
	s->header_count = s->header_octets = 0;
	s->from = NULL;
	memset(s->found, 0, sizeof(s->found));
	edit_queue_init(&s->edits);
	s->notes = s->results = NULL;
	s->auth_results[SESSION_MSG] = NULL;
	s->pairs_said = s->auth_said = false;
	s->questions = NULL;
	s->dns_asked = s->dns_missed = 0;
}

/* NULL: it is not there. */
static const struct cm_header *
find_header(const struct cm_session *s, const char *name, size_t n)
{
	for (const struct session_header *h = s->headers; h != NULL; h = h->next) {
		if (text_equal_nocase(h->field.name, name) && --n == 0)
			return &h->field;
	}
	return NULL;
}

const char *
session_header_value(const struct cm_session *s, const char *name, size_t n)
{
	const struct cm_header *h = find_header(s, name, n);

	return h == NULL ? NULL : h->value;
}

static size_t
field_count(const void *context, const char *name)
{
	const struct cm_session *s = context;
	size_t n = 0;

	for (const struct session_header *h = s->headers; h != NULL; h = h->next)
		n += text_equal_nocase(h->field.name, name);
	return n;
}

static const char *
field_value(const void *context, const char *name, size_t n)
{
	return session_header_value(context, name, n);
}

static const char *
field_spelling(const void *context, const char *name, size_t n)
{
	return find_header(context, name, n)->name;
}

static const struct cm_address *
field_rcpt(const void *context, size_t i)
{
	const struct cm_session *s = context;

	return &s->rcpts[i];
}

struct edit_fields
session_fields(const struct cm_session *s)
{
	return (struct edit_fields){
		field_count, field_value, field_spelling, field_rcpt, s->rcpt_count, s};
}
