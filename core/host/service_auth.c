/* SPDX-License-Identifier: MIT */
/*
 * service_auth.c - what an Authentication-Results field may say, in the order of the chain
 *
 * Links that are only watched publish here as they publish results: what they found is true. Links
 * that the profile does not name were asked before it was known, and are left out.
 */
#include <chainmail/plugin.h>

#include "base/err.h"
#include "chain/chain.h"
#include "mail/session.h"

void
cm_add_auth_result(struct cm_session *s, const struct cm_auth_result *result)
{
	const struct link *link = chain_running(s);
	struct err err;

	if (link != NULL && !session_add_auth(s, link, result, &err))
		cm_log(s, CM_LOG_ERROR, "cm_add_auth_result: %s", err.text);
}

/* The i-th of all, or NULL and in count how many there are. */
static const struct cm_auth_result *
walk(const struct cm_session *s, size_t i, size_t *count)
{
	const struct profile *p = chain_chosen(s);

	*count = 0;
	for (size_t l = 0; p != NULL && l < p->link_count; l++) {
		const struct cm_auth_result *r;

		for (size_t n = 0; (r = session_auth(s, p->links[l], n)) != NULL; n++) {
			if ((*count)++ == i)
				return r;
		}
	}
	return NULL;
}

/* As for cm_result(): checks that nobody waited for yet. */
size_t
cm_auth_result_count(const struct cm_session *s)
{
	size_t count;

	chain_publish((struct cm_session *)s, NULL, CHAIN_RESULTS_LATE);
	walk(s, SIZE_MAX, &count);
	return count;
}

const struct cm_auth_result *
cm_auth_result(const struct cm_session *s, size_t i)
{
	size_t count;

	chain_publish((struct cm_session *)s, NULL, CHAIN_RESULTS_LATE);
	return walk(s, i, &count);
}

const char *
cm_authserv_id(const struct cm_session *s)
{
	const struct chain *chain = chain_of(s);

	return chain == NULL ? NULL : chain->authserv_id;
}
