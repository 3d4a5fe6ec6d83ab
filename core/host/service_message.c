/* SPDX-License-Identifier: MIT */
/*
 * service_message.c - the header fields, authors and body of a message
 *
 * The session keeps them only when some link declared that it needs them. A link that did not, gets
 * nothing even when another link's need made the session keep them: else it would work or fail
 * depending on its neighbours.
 */
#include "service.h"

#include <chainmail/plugin.h>

#include "base/arena.h"
#include "chain/chain.h"
#include "mail/address.h"
#include "mail/session.h"

/* The header section is complete and this link may read it. */
static bool
headers_open(const struct cm_session *s, const char *what)
{
	return s->header_index != NULL && service_declared(s, CM_NEED_HEADERS, what);
}

size_t
cm_header_count(const struct cm_session *s)
{
	return headers_open(s, "cm_header_count") ? s->header_count : 0;
}

const struct cm_header *
cm_header_at(const struct cm_session *s, size_t i)
{
	if (!headers_open(s, "cm_header_at") || i >= s->header_count)
		return NULL;
	return s->header_index[i];
}

bool
cm_header_glued(const struct cm_session *s, size_t i)
{
	const struct cm_header *field = cm_header_at(s, i);

	return field != NULL && service_declared(s, CM_NEED_BLANKS, "cm_header_glued") &&
	       ((const struct session_header *)field)->glued;
}

const char *
cm_header(const struct cm_session *s, const char *name, size_t n)
{
	return headers_open(s, "cm_header") ? session_header_value(s, name, n) : NULL;
}

static const struct cm_from *
parse_from(struct cm_session *s)
{
	const char **fields = arena_array(&s->msg, s->header_count + 1, sizeof(*fields));
	size_t count = 0;

	while ((fields[count] = session_header_value(s, "From", count + 1)) != NULL)
		count++;
	return address_parse_from(&s->msg, fields, count);
}

const struct cm_from *
cm_from(struct cm_session *s)
{
	static const struct cm_from too_early = {.problem = "the header section is not known here"};

	if (!headers_open(s, "cm_from"))
		return &too_early;
	if (s->from == NULL)
		s->from = parse_from(s);
	return s->from;
}

bool
cm_body(const struct cm_session *s, const unsigned char **data, size_t *len)
{
	*data = NULL;
	*len = 0;
	if (s->stage != CM_STAGE_EOM || s->body_cut || !s->keep_body ||
		!service_declared(s, CM_NEED_BODY, "cm_body"))
		return false;
	*data = s->body == NULL ? (const unsigned char *)"" : s->body;
	*len = s->body_len;
	return true;
}
