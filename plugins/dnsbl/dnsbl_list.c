/* SPDX-License-Identifier: MIT */
/*
 * dnsbl_list.c - how the lists do: asked, or suspended until they pass their test
 *
 * A list that is closed, overloaded or turns us away must not delay or refuse mail for days. Nobody
 * is asked with the lock held.
 */
#include "dnsbl.h"

/* So many messages in a row. */
#define UNANSWERED_MOST 5u
#define MINUTE		INT64_C(60000000)

/* What is said in the log, and how long the list is suspended. */
static const struct {
	const char *words;
	int minutes;
} troubles[] = {
	[DNSBL_SILENT] = {"gives no answer", 1},
	[DNSBL_REFUSES] = {"turns us away, as lists do with public and shared resolvers: set "
			   "dns.resolvers to [] or to your own",
		10},
	[DNSBL_NONSENSE] = {"answers what no list says: is the name right, does the resolver "
			    "redirect?",
		10},
	[DNSBL_NO_ENTRY] = {"does not list its test entry: is the name right? If it has none, set "
			    "test = no",
		10},
	[DNSBL_LISTS_ALL] = {"lists what nobody may list, so everything: is it closed? Take it "
			     "out",
		10},
};

bool
dnsbl_list_asked(struct dnsbl *lists, const struct dnsbl_list *l)
{
	bool asked;

	pthread_mutex_lock(&lists->lock);
	asked = l->until == 0;
	pthread_mutex_unlock(&lists->lock);
	return asked;
}

/* CLEAN: it passed. */
static void
settle(struct cm_session *s, struct dnsbl *lists, struct dnsbl_list *l, enum dnsbl_outcome o)
{
	bool fine = o == DNSBL_CLEAN, was_fine;

	pthread_mutex_lock(&lists->lock);
	was_fine = l->until == 0 && !l->on_trial;
	l->on_trial = false;
	l->until = fine ? 0 : cm_clock(s) + troubles[o].minutes * MINUTE;
	l->unanswered = 0;
	pthread_mutex_unlock(&lists->lock);
	if (!fine && was_fine)
		cm_log(s, CM_LOG_WARN, "%s %s; it is not asked until it passes its test", l->zone,
			troubles[o].words);
	else if (fine && !was_fine)
		cm_log(s, CM_LOG_INFO, "%s passed its test and is asked again", l->zone);
}

/* It passed, but nobody was asked: the first answer, or none, decides, and is said. */
static void
try(struct dnsbl *lists, struct dnsbl_list *l)
{
	pthread_mutex_lock(&lists->lock);
	l->until = 0;
	l->unanswered = UNANSWERED_MOST - 1;
	l->on_trial = true;
	pthread_mutex_unlock(&lists->lock);
}

static enum dnsbl_outcome
ask(struct cm_session *s, const char *question)
{
	const char *code;

	return dnsbl_judge(cm_dns(s, question, CM_DNS_A), NULL, &code);
}

/* Answers may be kept for a day: then they say nothing of how the list does now. */
static bool
test_kept(struct cm_session *s, const struct dnsbl_list *l)
{
	return cm_dns(s, l->never, CM_DNS_A)->cached &&
	       (l->test[0] == '\0' || cm_dns(s, l->test, CM_DNS_A)->cached);
}

/* CLEAN: it is as RFC 5782 section 5 wants it. */
static enum dnsbl_outcome
run_test(struct cm_session *s, const struct dnsbl_list *l)
{
	enum dnsbl_outcome o;

	if (l->test[0] != '\0') {
		o = ask(s, l->test);
		if (o == DNSBL_CLEAN || o == DNSBL_NOT_ASKED)
			return DNSBL_NO_ENTRY;
		if (o != DNSBL_LISTED)
			return o;
	}
	o = ask(s, l->never);
	return o == DNSBL_LISTED ? DNSBL_LISTS_ALL : o == DNSBL_NOT_ASKED ? DNSBL_NO_ENTRY : o;
}

void
dnsbl_list_begin_test(struct cm_session *s, const struct dnsbl_list *l)
{
	cm_dns_begin(s, l->never, CM_DNS_A);
	if (l->test[0] != '\0')
		cm_dns_begin(s, l->test, CM_DNS_A);
}

void
dnsbl_list_test(struct cm_session *s, struct dnsbl *lists, struct dnsbl_list *l)
{
	settle(s, lists, l, run_test(s, l));
}

bool
dnsbl_list_begin_retry(struct cm_session *s, struct dnsbl *lists, struct dnsbl_list *l)
{
	int64_t now = cm_clock(s);
	bool due;

	pthread_mutex_lock(&lists->lock);
	due = l->until != 0 && l->until <= now;
	/* The others go on without it meanwhile. */
	if (due)
		l->until = now + MINUTE;
	pthread_mutex_unlock(&lists->lock);
	if (due)
		dnsbl_list_begin_test(s, l);
	return due;
}

void
dnsbl_list_retry(struct cm_session *s, struct dnsbl *lists, struct dnsbl_list *l)
{
	enum dnsbl_outcome o = run_test(s, l);

	if (o == DNSBL_CLEAN && test_kept(s, l))
		try(lists, l);
	else
		settle(s, lists, l, o);
}

void
dnsbl_list_note(
	struct cm_session *s, struct dnsbl *lists, struct dnsbl_list *l, enum dnsbl_outcome o)
{
	bool enough, back;

	pthread_mutex_lock(&lists->lock);
	l->unanswered = dnsbl_unanswered(o) ? l->unanswered + 1 : 0;
	enough = l->unanswered >= UNANSWERED_MOST && l->until == 0;
	back = l->unanswered == 0 && l->on_trial;
	pthread_mutex_unlock(&lists->lock);
	if (enough || o == DNSBL_LISTS_ALL)
		settle(s, lists, l, o);
	else if (back)
		settle(s, lists, l, DNSBL_CLEAN);
}
