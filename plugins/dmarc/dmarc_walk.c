/* SPDX-License-Identifier: MIT */
/*
 * dmarc_walk.c - the DNS tree walk
 */
#include "dmarc_walk.h"

#include <string.h>

/* --- asking --- */

static void
add_step(struct dmarc_walk *w, const char *name)
{
	w->steps[w->count++] = (struct dmarc_step){.name = name};
}

static void
begin(struct dmarc_walk *w, const char *name)
{
	*w = (struct dmarc_walk){.status = CM_DNS_FOUND};
	memcpy(w->start, name, strnlen(name, sizeof(w->start) - 1));
	add_step(w, w->start);
}

void
dmarc_walk_begin(struct dmarc_walk *w, const char *name)
{
	size_t labels = dmarc_name_labels(name);

	begin(w, name);
	labels = labels > DMARC_JUMP ? DMARC_JUMP : labels - 1;
	for (; labels > 0; labels--)
		add_step(w, dmarc_name_last(w->start, labels));
}

void
dmarc_walk_begin_listed(struct dmarc_walk *w, const char *name, const char *org)
{
	begin(w, name);
	w->listed = dmarc_name_last(w->start, dmarc_name_labels(org));
	if (w->listed != w->start)
		add_step(w, w->listed);
}

void
dmarc_walk_question(const struct dmarc_walk *w, size_t i, char out[DMARC_QUESTION_SIZE])
{
	const size_t prefix = strlen(DMARC_PREFIX);

	/* A step's name is the end of a name that fits. */
	memcpy(out, DMARC_PREFIX, prefix);
	memcpy(out + prefix, w->steps[i].name, strlen(w->steps[i].name) + 1);
}

bool
dmarc_walk_next(const struct dmarc_walk *w, size_t *i)
{
	*i = w->at;
	return !w->over && w->at < w->count;
}

/* --- answers --- */

/* More than one record is none. */
static void
find_record(struct dmarc_step *step, const struct cm_dns_answer *answer)
{
	size_t found = 0;

	for (size_t i = 0; i < answer->count; i++) {
		const struct cm_dns_record *r = &answer->records[i];
		struct dmarc_record record;

		if (!dmarc_record_parse(&record, r->text, r->len))
			continue;
		step->record = record;
		step->text = r->text;
		step->len = r->len;
		found++;
	}
	step->found = found == 1;
}

/* What says whether there is a record. */
static bool
is_certain(enum cm_dns_status status)
{
	switch (status) {
	case CM_DNS_FOUND:
	case CM_DNS_NO_DATA:
	case CM_DNS_NO_NAME:
	case CM_DNS_BAD_NAME:
		return true;
	case CM_DNS_TIMEOUT:
	case CM_DNS_SERVFAIL:
	case CM_DNS_REFUSED:
	case CM_DNS_BOGUS:
	case CM_DNS_CANCELLED:
		break;
	}
	return false;
}

void
dmarc_walk_answer(struct dmarc_walk *w, const struct cm_dns_answer *answer)
{
	struct dmarc_step *step = &w->steps[w->at];

	if (!is_certain(answer->status)) {
		w->over = w->failed = true;
		w->status = answer->status;
		return;
	}
	if (answer->status == CM_DNS_FOUND)
		find_record(step, answer);
	w->at++;
	w->over = w->listed == NULL && step->found && step->record.psd != DMARC_PSD_UNKNOWN;
}

/* --- what was found --- */

/* The suffix that the walk went into; NULL: none is known. That the start is one says nothing. */
static const struct dmarc_step *
find_suffix(const struct dmarc_walk *w)
{
	for (size_t i = 1; i < w->at && w->listed == NULL; i++) {
		if (w->steps[i].found && w->steps[i].record.psd == DMARC_PSD_YES)
			return &w->steps[i];
	}
	return NULL;
}

const char *
dmarc_walk_org(const struct dmarc_walk *w)
{
	const struct dmarc_step *suffix = find_suffix(w);
	const char *org = w->start;

	if (w->listed != NULL)
		return w->listed;
	if (suffix != NULL)
		return dmarc_name_last(w->start, dmarc_name_labels(suffix->name) + 1);
	/* A walk ends at psd=n, so the last record is that one, or the one with the fewest labels.
	 */
	for (size_t i = 0; i < w->at; i++) {
		if (w->steps[i].found)
			org = w->steps[i].name;
	}
	return org;
}

bool
dmarc_walk_told(const struct dmarc_walk *w)
{
	return w->listed == NULL && w->over && !w->failed;
}

bool
dmarc_walk_empty(const struct dmarc_walk *w)
{
	for (size_t i = 0; i < w->at; i++) {
		if (w->steps[i].found)
			return false;
	}
	return true;
}

const struct dmarc_step *
dmarc_walk_policy(const struct dmarc_walk *w)
{
	const char *org;

	if (w->at > 0 && w->steps[0].found)
		return &w->steps[0];
	if (w->failed)
		return NULL;
	org = dmarc_walk_org(w);
	for (size_t i = 1; i < w->at; i++) {
		if (w->steps[i].found && w->steps[i].name == org)
			return &w->steps[i];
	}
	return find_suffix(w);
}
