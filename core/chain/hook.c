/* SPDX-License-Identifier: MIT */
/*
 * hook.c - one call of one hook, and what its answer counts as
 *
 * A guest's answer is judged here: is the verdict legal at the stage, does its reply fit, did it
 * come in time. What breaks a rule is a failure, and on_error decides.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "run.h"

/* What a failure counts as. */
static const enum cm_verdict failures[] = {
	[LINK_TEMPFAIL] = CM_TEMPFAIL,
	[LINK_ACCEPT] = CM_ACCEPT,
	[LINK_REJECT] = CM_REJECT,
	[LINK_SKIP] = CM_CONTINUE,
};

static const char *
scope_id(const struct cm_session *s)
{
	return s->in_message ? s->id : s->conn_id;
}

/* Says once per call why a link failed; a rule or plugin that spoke of it did so before. */
static void
complain(const struct cm_session *s, const struct link *l, const char *reason)
{
	log_write(LOG_LEVEL_WARN, "%s %s: %s", scope_id(s), l->name, reason);
}

static void
fail(struct cm_session *s, struct decision *d, const char *reason)
{
	d->verdict = CM_FAILED;
	d->reason = reason;
	complain(s, d->link, reason);
}

/* Turns an answer that breaks a rule into a failure, with the reason. */
static void
judge(struct cm_session *s, const struct stage *stage, struct decision *d, bool late)
{
	struct arena *arena = session_arena(s);

	if (!stage_allows(stage, d->verdict))
		fail(s, d,
			arena_printf(arena, "returned %s, which %s does not allow",
				verdict_name(d->verdict), stage->name));
	else if (!reply_fits(&d->reply, d->verdict))
		fail(s, d,
			arena_printf(arena, "returned %s with reply %d %s",
				verdict_name(d->verdict), d->reply.code, d->reply.status));
	else if (d->verdict == CM_FAILED)
		fail(s, d, d->reason == NULL ? "could not tell" : d->reason);
	else if (late && d->verdict == CM_CONTINUE)
		fail(s, d, "no answer within its timeout");
}

static void
call(struct cm_session *s, struct link *l, const struct cm_event *ev, struct decision *d)
{
	struct run *r = s->run;
	int64_t left = r->chain->message_timeout_us - r->spent;
	int64_t began = r->now;

	if (s->in_message && left <= 0) {
		fail(s, d, "message_timeout is used up");
		return;
	}
	r->deadline =
		began + (s->in_message && left < l->set.timeout_us ? left : l->set.timeout_us);
	d->verdict = stage_hook(event_stage(ev), l->plugin)(s, ev);
	d->reply = r->reply;
	d->reason = r->reason;
	r->now = clock_now();
	if (s->in_message)
		r->spent += r->now - began;
	judge(s, event_stage(ev), d, r->now > r->deadline);
}

/* The reply that goes with the verdict, where the link set none. */
static void
complete(struct cm_session *s, struct decision *d, bool failed)
{
	struct arena *arena = session_arena(s);

	if (failed)
		reply_failure(&d->reply, arena, scope_id(s), d->verdict);
	else if (d->verdict != CM_REJECT && d->verdict != CM_TEMPFAIL)
		d->reply = (struct reply){0};
	else if (d->reply.code == 0)
		reply_default(&d->reply, arena, scope_id(s), d->verdict);
}

void
hook_run(struct cm_session *s, struct link *l, const struct cm_event *ev, struct decision *d)
{
	struct run *r = s->run;
	int64_t began = r->now;
	enum cm_verdict said;
	bool failed;

	*d = (struct decision){.link = l, .stage = ev->stage};
	r->link = l;
	r->shadow = link_watched(r, s, l);
	r->reply = (struct reply){0};
	r->reason = NULL;
	call(s, l, ev, d);
	r->link = NULL;

	said = d->verdict;
	failed = said == CM_FAILED;
	if (failed)
		d->verdict = failures[l->set.on_error];
	complete(s, d, failed);
	trace_add(s, ev, d, said, r->shadow, failed, r->now - began);
	if (r->shadow && said != CM_DONE)
		d->verdict = CM_CONTINUE;
}
