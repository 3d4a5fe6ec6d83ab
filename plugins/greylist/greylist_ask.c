/* SPDX-License-Identifier: MIT */
/*
 * greylist_ask.c - greylist(m, { delay = "5min" }) in rules
 *
 * At RCPT about that recipient, later about all of them: the message waits for the one who must
 * wait longest. A rule that asks at RCPT is told nothing of the null sender where that is answered
 * after DATA; it may ask again then.
 */
#include "greylist.h"

const struct cm_option greylist_ask_options[GREYLIST_ASK_OPTIONS] = {
	{"delay", CM_OPT_DURATION, offsetof(struct greylist_ask, delay_us), .min = GREYLIST_SECOND,
		.max = GREYLIST_DAY,
		.help = "who comes back sooner must wait on; default: delay of the plugin"},
};

/* The first that cannot be told, or the one who must wait longest. */
static void
judge_all(struct cm_session *s, int64_t delay_us, struct greylist_judgement *longest)
{
	struct greylist_judgement j;

	longest->verdict = CM_CONTINUE;
	longest->wait = -1;
	for (size_t i = 0; longest->verdict == CM_CONTINUE && i < cm_rcpt_count(s); i++) {
		greylist_judge(s, cm_rcpt(s, i), delay_us, &j);
		if (j.verdict != CM_CONTINUE || j.wait > longest->wait)
			*longest = j;
	}
}

/* Callouts ask no further than RCPT. */
static bool
too_early(const struct cm_session *s, const struct greylist_config *c)
{
	return cm_stage(s) == CM_STAGE_RCPT && cm_sender(s)->null &&
	       c->null_sender == GREYLIST_AT_DATA;
}

enum cm_verdict
greylist_ask(struct cm_session *s, const struct cm_event *ev, const void *options)
{
	const struct greylist_config *c = cm_config(s);
	const struct greylist_ask *asked = options;
	int64_t delay_us = asked->delay_us == 0 ? c->delay_us : asked->delay_us;
	struct greylist_judgement j;

	if (cm_stage(s) < CM_STAGE_RCPT) {
		cm_reason(s, "there is no recipient yet; ask at rcpt, data, headers or message");
		return CM_FAILED;
	}
	if (delay_us >= c->window_us) {
		cm_reason(s, "delay is as long as retry_window: nobody could come in time");
		return CM_FAILED;
	}
	if (cm_stage(s) == CM_STAGE_RCPT)
		greylist_judge(s, ev->address, delay_us, &j);
	else
		judge_all(s, delay_us, &j);
	if (j.wait < 0)
		return CM_CONTINUE; /* all recipients were refused */
	greylist_give_reason(s, &j, "");
	if (j.wait == 0 || too_early(s, c))
		return j.verdict;
	return greylist_make_wait(s, j.wait);
}
