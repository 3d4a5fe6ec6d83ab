/* SPDX-License-Identifier: MIT */
/*
 * empty.c - hooks that do nothing, to measure what calling one costs
 */
#include <chainmail/plugin.h>

static enum cm_verdict
nothing(struct cm_session *s, const struct cm_event *ev)
{
	(void)s;
	(void)ev;
	return CM_CONTINUE;
}

CM_API const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(struct cm_plugin),
	.name = "empty",
	.help = "does nothing",
	.helo = nothing,
	.mail = nothing,
};
