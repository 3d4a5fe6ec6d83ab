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

static const char *const outcomes[] = {
	[LINK_TEMPFAIL] = "on_error = tempfail",
	[LINK_ACCEPT] = "on_error = accept",
	[LINK_REJECT] = "on_error = reject",
	[LINK_SKIP] = "on_error = skip",
};

static const char *
scope_id(const struct cm_session *s)
{
	return s->in_message ? s->id : s->conn_id;
}

/* Once a stage: a hook may be called for each of a thousand header fields. */
static void
complain(const struct cm_session *s, const struct decision *d, const char *reason)
{
	uint32_t *complained = &s->run->states[d->link->index].complained;
	uint32_t bit = UINT32_C(1) << d->stage;

	if ((*complained & bit) == 0)
		log_write(LOG_LEVEL_WARN, "%s %s: %s; %s", scope_id(s), d->link->name, reason,
			s->run->shadow ? "only watched" : outcomes[d->link->set.on_error]);
	*complained |= bit;
}

/* Always true: the link failed. */
static bool
fail(struct cm_session *s, struct decision *d, const char *reason)
{
	d->reason = reason;
	complain(s, d, reason);
	return true;
}

/* The same, for want of time; as a rule it was the link that took it. */
static bool
fail_late(struct cm_session *s, struct decision *d, const char *reason, bool innocent)
{
	s->run->failure = FAILURE_TIMEOUT;
	s->run->innocent = innocent;
	return fail(s, d, reason);
}

/* One recipient can be dropped only at the end of the message, and not by every link. */
static bool
may_discard(const struct cm_session *s, const struct stage *stage, const struct link *l)
{
	return stage->scope != SCOPE_RECIPIENT || (l->needs & s->rights & CM_EDIT_RCPTS) != 0;
}

/* What is wrong with an answer; NULL: nothing. */
static const char *
find_mistake(struct cm_session *s, const struct stage *stage, const struct decision *d)
{
	struct arena *arena = session_arena(s);

	if (!stage_allows(stage, d->verdict))
		return arena_printf(arena, "returned %s, which %s does not allow",
			verdict_name(d->verdict), stage->name);
	if (!reply_fits(&d->reply, d->verdict))
		return arena_printf(arena, "returned %s with reply %d %s", verdict_name(d->verdict),
			d->reply.code, d->reply.status);
	if (d->verdict == CM_DISCARD && !may_discard(s, stage, d->link))
		return "returned discard at rcpt without the right to drop recipients";
	if (d->verdict == CM_FAILED)
		return d->reason == NULL ? "could not tell" : d->reason;
	return NULL;
}

/* An opinion that came late is kept; no opinion is none that was waited for. True: failed. */
static bool
judge_late(struct cm_session *s, struct decision *d, int64_t took, int64_t had)
{
	const char *reason = arena_printf(session_arena(s), "took %lld ms, had %lld ms",
		(long long)(took / CLOCK_MS), (long long)(had / CLOCK_MS));

	if (d->verdict == CM_CONTINUE || d->verdict == CM_DONE)
		return fail_late(s, d, reason, false);
	if (d->reason == NULL)
		d->reason = reason;
	else
		d->reason = arena_printf(session_arena(s), "%s (%s)", d->reason, reason);
	return false;
}

int64_t
hook_time_left(const struct cm_session *s, const struct link *l)
{
	const struct run *r = s->run;
	int64_t left = r->chain->message_timeout_us - r->spent;

	if (!s->in_message || r->chain->message_timeout_us == 0 || left > l->set.timeout_us)
		return l->set.timeout_us;
	return left;
}

static enum cm_verdict
ask_hook(struct cm_session *s, const struct link *l, const struct cm_event *ev)
{
	const struct chain_stand_in *other = s->run->stand_in;
	enum cm_verdict verdict;

	if (other != NULL && other->answers(other->context, s, l, ev, &verdict))
		return verdict;
	return stage_hook(event_stage(ev), l->plugin)(s, ev);
}

/* d is what the hook said; true: it failed. */
static bool
call(struct cm_session *s, struct link *l, const struct cm_event *ev, struct decision *d)
{
	struct run *r = s->run;
	int64_t had = hook_time_left(s, l);
	int64_t began = r->now;
	struct cm_event shown = *ev;
	const char *mistake;

	if (had <= 0) {
		d->verdict = CM_FAILED;
		return fail_late(s, d, "message_timeout", true);
	}
	r->deadline = began + had;
	/* Another link may have asked for it. */
	shown.glued = ev->glued && (l->needs & CM_NEED_BLANKS) != 0;
	d->verdict = ask_hook(s, l, &shown);
	d->reply = r->reply;
	d->reason = r->reason;
	d->result = r->result;
	r->now = clock_now();
	if (s->in_message)
		r->spent += r->now - began;
	mistake = find_mistake(s, event_stage(ev), d);
	if (mistake != NULL)
		return fail(s, d, mistake);
	return r->now > r->deadline && judge_late(s, d, r->now - began, had);
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

/* What a failure counts as; no failure accepts where nothing can be accepted. */
static enum cm_verdict
failure(const struct link *l, const struct stage *stage)
{
	enum cm_verdict v = failures[l->set.on_error];

	return stage_allows(stage, v) ? v : CM_CONTINUE;
}

/* The verdict of a stage that the link was watched at, before it is dropped. */
void
hook_note_would(struct run *r, const struct link *l, enum cm_stage stage, enum cm_verdict v)
{
	static const uint8_t verdicts[] = {
		[CM_ACCEPT] = 1u << WOULD_ACCEPT,
		[CM_REJECT] = 1u << WOULD_REJECT,
		[CM_TEMPFAIL] = 1u << WOULD_TEMPFAIL,
		[CM_DISCARD] = 1u << WOULD_DISCARD,
	};
	const uint32_t quarantine = UINT32_C(1) << EDIT_QUARANTINE;
	struct link_state *state = &r->states[l->index];
	uint8_t would = (size_t)v < sizeof(verdicts) ? verdicts[v] : 0;

	if ((r->watched & quarantine) != 0)
		would |= 1u << WOULD_QUARANTINE;
	if ((r->watched & ~quarantine) != 0)
		would |= 1u << WOULD_CHANGE;
	if (stage == CM_STAGE_CONNECT)
		state->would_connect |= would;
	else if (stage == CM_STAGE_HELO)
		state->would_helo |= would;
	else if (stage != CM_STAGE_UNKNOWN)
		state->would_msg |= would;
}

static void
begin(struct run *r, struct link *l)
{
	r->link = l;
	r->shadow = link_watched(r, l);
	r->watched = 0;
	r->reply = (struct reply){0};
	r->reason = r->result = NULL;
	r->failure = FAILURE_ERROR;
	r->innocent = false;
}

/* What was said counts, or is only watched. */
static void
settle(struct run *r, const struct link *l, bool in_message, struct decision *d)
{
	/* At MAIL it will show whether the message is in the sample. */
	if (l->live != NULL)
		counts_note_verdict(&l->live->counts, d->stage, d->verdict, r->shadow);
	if (r->shadow || (!in_message && l->set.sample < LINK_SAMPLE_ALL))
		hook_note_would(r, l, d->stage, d->verdict);
	if (r->shadow && d->verdict != CM_DONE)
		d->verdict = CM_CONTINUE;
	r->shadow = false;
}

/* It tripped and is not called; true: that is a failure. The reason is given once a stage. */
static bool
leave_out(struct cm_session *s, const struct link *l, struct decision *d)
{
	uint32_t *complained = &s->run->states[l->index].complained;
	uint32_t bit = UINT32_C(1) << d->stage;
	bool fails = l->set.tripped == LINK_TRIPPED_ON_ERROR;
	char words[BREAKER_WORDS_MAX];

	if (fails || (*complained & bit) == 0) {
		breaker_words(l->breaker, words);
		d->reason = arena_strdup(session_arena(s), words[0] == '\0' ? "tripped" : words);
	}
	*complained |= bit;
	return fails;
}

/* What lasts of a call that failed, or of one that a breaker has an eye on. */
static void
note_call(struct cm_session *s, struct link *l, const struct decision *d, bool failed)
{
	if (l->breaker != NULL)
		trip_note(s, l, d, failed);
	if (failed)
		live_note_error(s, l, d->stage, s->run->failure, d->reason);
}

bool
hook_run(struct cm_session *s, struct link *l, const struct cm_event *ev, struct decision *d)
{
	struct run *r = s->run;
	bool stopped = l->breaker != NULL && !trip_lets(s, l, ev->stage);
	int64_t began = r->now;
	enum cm_verdict said;
	bool failed;

	*d = (struct decision){.link = l, .stage = ev->stage};
	begin(r, l);
	failed = stopped ? leave_out(s, l, d) : call(s, l, ev, d);
	r->link = NULL;
	if (!stopped && (failed || l->breaker != NULL))
		note_call(s, l, d, failed);

	said = failed ? CM_FAILED : d->verdict;
	if (failed)
		d->verdict = failure(l, event_stage(ev));
	complete(s, d, failed);
	trace_add(s, ev, d, said, r->shadow, failed, r->now - began);
	settle(r, l, s->in_message, d);
	return !stopped;
}
