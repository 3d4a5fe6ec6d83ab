/* SPDX-License-Identifier: MIT */
/*
 * counts.c - takes a body whose octets count from 0 to 250 over and over, and refuses any other
 */
#include <chainmail/plugin.h>

#define ROUND 251u

struct state {
	size_t octets;
	bool wrong;
};

static enum cm_verdict
body(struct cm_session *s, const struct cm_event *ev)
{
	struct state *own = cm_msg(s);

	for (size_t i = 0; i < ev->len; i++)
		own->wrong |= ev->data[i] != own->octets++ % ROUND;
	return CM_CONTINUE;
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	const struct state *own = cm_msg(s);

	(void)ev;
	return own->wrong ? CM_REJECT : CM_ACCEPT;
}

CM_API const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(struct cm_plugin),
	.name = "counts",
	.help = "counts octets of the body",
	.msg_size = sizeof(struct state),
	.body = body,
	.eom = eom,
};
