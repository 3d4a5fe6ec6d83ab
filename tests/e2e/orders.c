/* SPDX-License-Identifier: MIT */
/*
 * orders.c - a test plugin that does what the message orders
 *
 * Stands beside the rule verdicts.lua for what rules have no hook or call for: a sender
 * "STAGE-VERDICT@..." makes it return that verdict at the stages header and body; a field
 * "X-Edit: insert" or "X-Edit: body" makes it insert a field at 0 or replace the body.
 */
#include <chainmail/plugin.h>
#include <string.h>

struct order {
	const char *name;
	enum cm_verdict verdict;
	int code; /* of the reply; 0: none */
	const char *status;
};

static const struct order orders[] = {
	{"accept", CM_ACCEPT, 0, NULL},
	{"discard", CM_DISCARD, 0, NULL},
	{"failed", CM_FAILED, 0, NULL},
	{"reject", CM_REJECT, 550, "5.7.1"},
	{"tempfail", CM_TEMPFAIL, 451, "4.7.1"},
};

static enum cm_verdict
obey(struct cm_session *s, const char *stage)
{
	const char *user = cm_sender(s)->user;
	size_t n = strlen(stage);

	if (strncmp(user, stage, n) != 0 || user[n] != '-')
		return CM_CONTINUE;
	if (strcmp(user + n + 1, "quarantine") == 0)
		return cm_quarantine(s, stage) ? CM_CONTINUE : CM_FAILED;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		const struct order *o = &orders[i];

		if (strcmp(user + n + 1, o->name) != 0)
			continue;
		if (o->code != 0)
			(void)cm_reply(s, o->code, o->status, "refused at %s", stage);
		return o->verdict;
	}
	return CM_CONTINUE;
}

static enum cm_verdict
at_header(struct cm_session *s, const struct cm_event *ev)
{
	(void)ev;
	return obey(s, "header");
}

static enum cm_verdict
at_body(struct cm_session *s, const struct cm_event *ev)
{
	(void)ev;
	return obey(s, "body");
}

static enum cm_verdict
at_eom(struct cm_session *s, const struct cm_event *ev)
{
	static const char body[] = "Another body.\r\n";
	const char *edit = cm_header(s, "X-Edit", 1);

	(void)ev;
	if (edit != NULL && strstr(edit, "insert") != NULL)
		(void)cm_insert_header(s, 0, "X-First", "yes");
	if (edit != NULL && strstr(edit, "body") != NULL)
		(void)cm_replace_body(s, body, sizeof(body) - 1);
	return CM_CONTINUE;
}

CM_API const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(struct cm_plugin),
	.name = "orders",
	.help = "does what the test message orders",
	.needs = CM_NEED_HEADERS | CM_EDIT_HEADERS | CM_EDIT_BODY | CM_EDIT_QUARANTINE,
	.header = at_header,
	.body = at_body,
	.eom = at_eom,
};
