/* SPDX-License-Identifier: MIT */
/*
 * later.c - a plugin that uses the results of two others
 */
#include <chainmail/plugin.h>

static const char *const after[] = {"older", "skeleton", NULL};

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	(void)s;
	(void)ev;
	return CM_CONTINUE;
}

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "later",
	.after = after,
	.eom = eom,
};
