/* SPDX-License-Identifier: MIT */
/*
 * session_macro.c - what the MTA says in macros, and the facts made of it
 *
 * A list of connect or HELO lives until the MTA sends the next one, a later one as long as the
 * message at most. A fact is what the latest list that names its macro says, and ends with it: the
 * login of one message is not that of the next.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>

/* An MTA keeps at most 50 in a list; more are no list. */
#define MACROS_MOST 256u
#define NUMBER_MOST 65535u

/* A macro's name without its braces. */
static const char *
bare_name(const char *name, size_t *len)
{
	*len = strlen(name);
	if (*len < 2 || name[0] != '{' || name[*len - 1] != '}')
		return name;
	*len -= 2;
	return name + 1;
}

static void
set_number(struct cm_session *s, void *slot, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long n = digits > 0 && digits < 6 ? strtoul(value, NULL, 10) : 0;

	(void)s;
	*(unsigned *)slot = value[digits] == '\0' && n <= NUMBER_MOST ? (unsigned)n : 0;
}

static void
set_text(struct cm_session *s, void *slot, const char *value)
{
	(void)s;
	*(const char **)slot = value[0] == '\0' ? NULL : value;
}

/* Where there is none, Postfix says "unknown" and Sendmail the address in brackets. */
static void
set_reverse_name(struct cm_session *s, void *slot, const char *value)
{
	set_text(s, slot, value[0] == '[' ? "unknown" : value);
}

/*
 * Sendmail says in {daemon_addr} where it listens, 0.0.0.0 unless told otherwise, and in {if_addr}
 * what the client reached, but not for the loopback. Its IPv6 addresses are "IPv6:0:0:0:0:0:0:0:1".
 */
static void
set_address(struct cm_session *s, void *slot, const char *value)
{
	static const struct net_addr any;
	struct net_addr addr;

	if (!net_parse(&addr, value) || memcmp(addr.octets, any.octets, sizeof(any.octets)) == 0)
		return;
	net_text(&addr, s->server_ip);
	set_text(s, slot, s->server_ip);
}

/* Macros that fill the structs of the public header; sorted by name, without braces. */
static const struct session_fact {
	const char *name;
	size_t offset;
	void (*set)(struct cm_session *, void *slot, const char *value);
} facts[] = {
	{"auth_authen", offsetof(struct cm_session, auth.user), set_text},
	{"auth_type", offsetof(struct cm_session, auth.method), set_text},
	{"cert_subject", offsetof(struct cm_session, tls.cert_subject), set_text},
	{"cipher", offsetof(struct cm_session, tls.cipher), set_text},
	{"cipher_bits", offsetof(struct cm_session, tls.bits), set_number},
	{"client_port", offsetof(struct cm_session, client.port), set_number},
	{"client_ptr", offsetof(struct cm_session, client.ptr), set_reverse_name},
	{"daemon_addr", offsetof(struct cm_session, server.ip), set_address},
	{"daemon_name", offsetof(struct cm_session, server.daemon), set_text},
	{"daemon_port", offsetof(struct cm_session, server.port), set_number},
	{"if_addr", offsetof(struct cm_session, server.ip), set_address},
	{"j", offsetof(struct cm_session, server.name), set_text},
	{"tls_version", offsetof(struct cm_session, tls.version), set_text},
};

static const struct session_fact *
find_fact(const char *bare, size_t len)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		const char *name = facts[i].name;

		if (name[0] == bare[0] && strncmp(name, bare, len) == 0 && name[len] == '\0')
			return &facts[i];
	}
	return NULL;
}

/* The value is borrowed. */
static void
set_fact(struct cm_session *s, const struct session_macro *m)
{
	if (m->fact != NULL)
		m->fact->set(s, (char *)s + m->fact->offset, m->value);
}

/* After lists were dropped or moved. The port of the client is known without macros, too. */
static void
renew_facts(struct cm_session *s)
{
	s->auth = (struct cm_auth){0};
	s->tls = (struct cm_tls){0};
	s->server = (struct cm_server){0};
	s->client.ptr = NULL;
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		for (const struct session_macro *m = s->macros[i]; m != NULL; m = m->next)
			set_fact(s, m);
	}
}

/* Most lists say nothing that facts are made of. */
static bool
has_facts(const struct session_macro *m)
{
	while (m != NULL && m->fact == NULL)
		m = m->next;
	return m != NULL;
}

/* A list and its memory: an MTA may tell a stage's macros as often as it likes. */
static void
drop_list(struct cm_session *s, enum cm_stage stage)
{
	s->macros[stage] = NULL;
	arena_reset(&s->macro_arenas[stage]);
}

void
session_macros_begin(struct cm_session *s, enum cm_stage stage)
{
	bool stale = false;

	for (enum cm_stage i = stage; i < CM_STAGE_COUNT; i++) {
		stale = stale || has_facts(s->macros[i]);
		drop_list(s, i);
	}
	if (stage == CM_STAGE_MAIL && s->in_message)
		s->macros_ahead = true;
	if (stale)
		renew_facts(s);
}

void
session_macro_add(struct cm_session *s, enum cm_stage stage, const char *name, const char *value)
{
	struct arena *arena = &s->macro_arenas[stage];
	struct session_macro *m;
	size_t count = 0;

	for (m = s->macros[stage]; m != NULL; m = m->next)
		count++;
	if (count >= MACROS_MOST)
		return;
	m = arena_alloc(arena, sizeof(*m));
	m->name = arena_strdup(arena, name);
	m->value = arena_strdup(arena, value);
	m->bare = bare_name(m->name, &m->bare_len);
	m->fact = find_fact(m->bare, m->bare_len);
	m->next = s->macros[stage];
	s->macros[stage] = m;
	set_fact(s, m);
}

/* The list of MAIL may be the next message's, told ahead. */
void
session_macros_end(struct cm_session *s)
{
	bool stale = false;

	for (enum cm_stage i = CM_STAGE_MAIL; i < CM_STAGE_COUNT; i++) {
		if (i == CM_STAGE_MAIL && s->macros_ahead)
			continue;
		stale = stale || has_facts(s->macros[i]);
		s->macros[i] = NULL;
		arena_fini(&s->macro_arenas[i]);
	}
	s->macros_ahead = false;
	if (stale)
		renew_facts(s);
}

static const struct session_macro *
find_macro(const struct session_macro *m, const char *bare, size_t len)
{
	while (m != NULL && (m->bare_len != len || memcmp(m->bare, bare, len) != 0))
		m = m->next;
	return m;
}

enum cm_known
session_macro(const struct cm_session *s, const char *name, const char **value)
{
	size_t len;
	const char *bare = bare_name(name, &len);

	*value = NULL;
	for (size_t i = CM_STAGE_COUNT; i-- > 0;) {
		const struct session_macro *m = find_macro(s->macros[i], bare, len);

		if (m == NULL)
			continue;
		if (m->value[0] == '\0')
			return CM_NONE;
		*value = m->value;
		return CM_KNOWN;
	}
	return s->macros_asked ? CM_NONE : CM_UNDELIVERED;
}

const char *
session_queue_id(const struct cm_session *s)
{
	const char *id;

	session_macro(s, "i", &id);
	return id;
}
