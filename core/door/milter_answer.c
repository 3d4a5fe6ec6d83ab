/* SPDX-License-Identifier: MIT */
/*
 * milter_answer.c - what an answer of the chain is in the milter protocol, for both engines
 */
#include "milter_answer.h"

#include <string.h>

static const enum milter_status statuses[] = {
	[CM_CONTINUE] = MILTER_CONTINUE,
	[CM_ACCEPT] = MILTER_ACCEPT,
	[CM_REJECT] = MILTER_REJECT,
	[CM_TEMPFAIL] = MILTER_TEMPFAIL,
	[CM_DISCARD] = MILTER_DISCARD,
};

enum milter_status
milter_status_of(
	const struct cm_session *s, enum cm_stage stage, const struct answer *answer, bool skip)
{
	if ((s->no_reply & (UINT32_C(1) << stage)) != 0)
		return MILTER_NO_REPLY;
	if (answer->verdict == CM_CONTINUE && answer->skip && skip)
		return MILTER_SKIP;
	return statuses[answer->verdict];
}

bool
milter_ends_message(enum cm_stage stage, enum milter_status status)
{
	if (stage == CM_STAGE_EOM)
		return true;
	if (status == MILTER_REJECT || status == MILTER_TEMPFAIL)
		return stages[stage].scope == SCOPE_MESSAGE;
	return status == MILTER_ACCEPT || status == MILTER_DISCARD;
}

bool
milter_rejected(const struct cm_session *s, bool asked)
{
	const char *mailer;

	return asked && session_macro(s, "{rcpt_mailer}", &mailer) == CM_KNOWN &&
	       strcmp(mailer, "error") == 0;
}

const char *
milter_quarantine_reason(const struct edit *e)
{
	return e->value != NULL && e->value[0] != '\0' ? e->value : "quarantined";
}
