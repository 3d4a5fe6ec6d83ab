/* SPDX-License-Identifier: MIT */
/*
 * undefined.c - a plugin that calls what the core does not have
 */
#include <chainmail/plugin.h>

int cm_not_there(struct cm_session *);

static enum cm_verdict
helo(struct cm_session *s, const struct cm_event *ev)
{
	(void)ev;
	return cm_not_there(s) == 0 ? CM_CONTINUE : CM_REJECT;
}

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "undefined",
	.helo = helo,
};
