/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_error.c - what of a message is an error of the client's
 *
 * Recipients and messages that anybody refused for good. They are final when they happen, so they
 * are counted at once and never given back.
 */
#include "ratelimit.h"

#include <string.h>

static const struct ratelimit_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

bool
ratelimit_refused_by_mta(const struct cm_session *s)
{
	const char *status;

	return cm_macro(s, "{rcpt_host}", &status) != CM_KNOWN || status[0] != '4';
}

/*
 * Recipients refused for good so far. What nobody holds against the client: other links' asking to
 * wait, and our own refusals. Whether our latest was one is known when the next event comes, for a
 * link that is only watched refuses nobody.
 */
int64_t
ratelimit_count_refused(struct cm_session *s, struct ratelimit_message *m)
{
	size_t rejected = cm_final(s)->rejected;

	m->own += m->refusing && rejected > m->rejected;
	m->refusing = false;
	m->rejected = rejected;
	return (int64_t)(rejected + m->refused - (config_of(s)->update != 0 ? 0 : m->own));
}

int64_t
ratelimit_count_errors(struct cm_session *s, struct ratelimit_message *m)
{
	const struct cm_final *final = cm_final(s);
	int64_t errors = ratelimit_count_refused(s, m);
	bool own = final->by != NULL && strcmp(final->by, cm_link_name(s)) == 0;

	/* A message of which all recipients were refused ends as the last of them. */
	if (final->verdict == CM_REJECT &&
		(final->stage != CM_STAGE_RCPT || final->rejected == 0) &&
		(!own || config_of(s)->update != 0))
		errors++;
	return errors;
}

void
ratelimit_count_new(struct cm_session *s, struct ratelimit_message *m,
	const struct ratelimit_subject *subject, int64_t errors)
{
	ratelimit_count(s, subject->bucket, errors - m->errors);
	m->errors = errors;
}
