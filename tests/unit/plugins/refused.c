/* SPDX-License-Identifier: MIT */
/*
 * refused.c - counts the recipients that the MTA refused by itself
 */
#include <chainmail/plugin.h>
#include <stdio.h>

struct message {
	unsigned refused;
};

static const struct cm_macro macros[] = {{CM_STAGE_RCPT, "{rcpt_addr}"}};

static enum cm_verdict
rcpt(struct cm_session *s, const struct cm_event *ev)
{
	struct message *m = cm_msg(s);
	const char *text;

	if (!ev->rejected)
		return CM_CONTINUE;
	m->refused++;
	(void)cm_macro(s, "{rcpt_addr}", &text);
	cm_set_note(s, "text", text);
	return CM_REJECT; /* counts for nothing */
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	const struct message *m = cm_msg(s);
	char text[200];

	(void)ev;
	snprintf(text, sizeof(text), "%u of %zu: %s", m->refused, cm_rcpt_count(s),
		cm_note(s, "text"));
	cm_add_header(s, "X-Refused", text);
	return CM_CONTINUE;
}

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "refused",
	.msg_size = sizeof(struct message),
	.needs = CM_SEES_REJECTED | CM_EDIT_HEADERS,
	.macros = macros,
	.macro_count = 1,
	.rcpt = rcpt,
	.eom = eom,
};
