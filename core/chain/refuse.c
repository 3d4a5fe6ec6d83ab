/* SPDX-License-Identifier: MIT */
/*
 * refuse.c - what the core itself refuses, whatever the links say
 *
 * Limits, what no MTA can have meant, and what comes when nothing can be judged. Only where a
 * profile is enforced is anything refused because of what it says.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "run.h"

static const struct {
	int code;
	const char *status, *text, *reason;
} refusals[] = {
	[REFUSE_HEADER] = {552, "5.3.4", "Message header is too large", "max_header_size"},
	[REFUSE_RCPTS] = {452, "4.5.3", "Too many recipients", "max_recipients"},
	[REFUSE_SENDER] = {501, "5.1.7", "Bad sender address syntax", "unclear address"},
	[REFUSE_RCPT] = {501, "5.1.3", "Bad recipient address syntax", "unclear address"},
	[REFUSE_FIELD] = {550, "5.6.0", "Message has a header field with a broken name",
		"field name"},
	[REFUSE_STRAY] = {451, "4.3.0", "Temporary problem, please try again later", "no message"},
	[REFUSE_DRAIN] = {421, "4.3.2", "Service shutting down", "shutting down"},
};

static void
decide(struct cm_session *s, enum cm_stage stage, enum refusal why, struct decision *d)
{
	struct err err;

	*d = (struct decision){.stage = stage, .reason = refusals[why].reason};
	d->verdict = refusals[why].code < 500 ? CM_TEMPFAIL : CM_REJECT;
	(void)reply_set(&d->reply, session_arena(s), s->id, &err, refusals[why].code,
		refusals[why].status, refusals[why].text);
}

void
refuse_decide(struct cm_session *s, const struct cm_event *ev, enum refusal why, struct decision *d)
{
	decide(s, ev->stage, why, d);
	trace_add(s, ev, d, d->verdict, false, false, 0);
}

bool
refuse_enforced(const struct run *r)
{
	return r->profile != NULL && r->profile->mode == LINK_ENFORCE;
}

/* A colon or a control character would make two fields of one, and a field has a name. */
static bool
name_broken(const char *name)
{
	if (name[0] == '\0')
		return true;
	for (; *name != '\0'; name++) {
		if ((unsigned char)*name < 0x20 || *name == 0x7f || *name == ':')
			return true;
	}
	return false;
}

enum refusal
refuse_nonsense(const struct run *r, const struct cm_event *ev)
{
	if (!refuse_enforced(r))
		return REFUSE_NOTHING;
	if (ev->stage == CM_STAGE_MAIL && ev->address->unclear)
		return REFUSE_SENDER;
	if (ev->stage == CM_STAGE_RCPT && ev->address->unclear)
		return REFUSE_RCPT;
	if (ev->stage == CM_STAGE_HEADER && name_broken(ev->name))
		return REFUSE_FIELD;
	return REFUSE_NOTHING;
}

/* Outside of a message. */
static void
answer_only(struct cm_session *s, const struct cm_event *ev, enum refusal why, struct answer *a,
	bool say)
{
	struct decision d;

	session_pass(s, ev->stage);
	decide(s, ev->stage, why, &d);
	*a = (struct answer){.verdict = d.verdict, .reply = d.reply};
	if (say)
		summary_refusal(s, ev, &d);
}

void
refuse_stray(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	answer_only(s, ev, REFUSE_STRAY, a, !s->run->stray);
	s->run->stray = true;
}

void
chain_turn_away(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	chain_end_message(s);
	answer_only(s, ev, REFUSE_DRAIN, a, ev->stage == CM_STAGE_MAIL);
}
