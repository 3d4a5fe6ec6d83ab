/* SPDX-License-Identifier: MIT */
/*
 * probe.c - asks links whether what they depend on is there
 *
 * In a session of no client: nothing happens in it, so no hook runs and nobody is told anything.
 */
#include "base/clock.h"
#include "run.h"

static bool
probed(const struct chain *chain, const struct link *l)
{
	return l->plugin->probe != NULL && needs_link(chain, l);
}

bool
chain_has_probe(const struct chain *chain)
{
	for (size_t i = 0; i < chain->link_count; i++) {
		if (probed(chain, chain->links[i]))
			return true;
	}
	return false;
}

void
chain_probe(struct cm_session *s, bool (*wanted)(const void *), const void *context)
{
	struct run *r = s->run;

	for (size_t i = 0; i < r->chain->link_count && wanted(context); i++) {
		struct link *l = r->chain->links[i];

		if (!probed(r->chain, l))
			continue;
		r->link = l;
		r->deadline = clock_now() + l->set.timeout_us;
		l->plugin->probe(s);
		r->link = NULL;
	}
}
