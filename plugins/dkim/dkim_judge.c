/* SPDX-License-Identifier: MIT */
/*
 * dkim_judge.c - which signatures are verified, and what each came to (RFC 6376 section 6.1)
 */
#include "dkim_judge.h"

#include <stdio.h>
#include <string.h>

/* Clocks differ. */
#define FUTURE_SECONDS 300

static const char *const names[DKIM_CODES] = {
	[DKIM_PASS] = "pass",
	[DKIM_TEMPERROR] = "temperror",
	[DKIM_FAIL] = "fail",
	[DKIM_POLICY] = "policy",
	[DKIM_NEUTRAL] = "neutral",
	[DKIM_PERMERROR] = "permerror",
	[DKIM_NONE] = "none",
};

const char *
dkim_code_name(enum dkim_code code)
{
	return names[code];
}

void
dkim_judge_skip(struct dkim_signature *s, enum dkim_code code, const char *reason)
{
	s->code = code;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

bool
dkim_judge_open(const struct dkim_signature *s)
{
	return s->code == DKIM_NONE;
}

/* --- the field --- */

static bool
names_short(const struct dkim_sig *sig)
{
	for (size_t i = 0; i < sig->name_count; i++) {
		if (sig->names[i].len > DKIM_NAME_MOST)
			return false;
	}
	return true;
}

void
dkim_judge_field(struct dkim_signature *s, const struct canon_field *f, size_t field, int64_t now)
{
	const struct dkim_sig *sig = &s->job.sig;
	const char *why;

	/* The place may have been another's, which was left out. */
	s->code = DKIM_NONE;
	s->reason[0] = '\0';
	s->job.field = field;
	if (!dkim_sig_read(&s->job.sig, DKIM_SIG_DKIM, f->value, f->len, &why))
		dkim_judge_skip(s, DKIM_NEUTRAL, why);
	else if (!names_short(sig))
		dkim_judge_skip(s, DKIM_NEUTRAL, "h= has a name of more than 128 octets");
	else if (sig->algorithm == DKIM_SIG_RSA_SHA1)
		dkim_judge_skip(s, DKIM_PERMERROR, "rsa-sha1 proves nothing (RFC 8301)");
	else if (sig->expires_at >= 0 && sig->expires_at < now)
		dkim_judge_skip(s, DKIM_NEUTRAL, "the signature has expired (x=)");
	else if (sig->signed_at > now + FUTURE_SECONDS)
		dkim_judge_skip(s, DKIM_NEUTRAL, "the signature is of the future (t=)");
}

/* --- the key --- */

/* Of several records the one that is a key; two keys are one too many, for their order is chance.
 */
static const struct cm_dns_record *
pick_record(const struct cm_dns_answer *answer, bool *several)
{
	const struct cm_dns_record *found = NULL;

	*several = false;
	if (answer->count == 1)
		return answer->records;
	for (size_t i = 0; i < answer->count; i++) {
		if (!dkim_key_among(answer->records[i].text, answer->records[i].len))
			continue;
		*several = *several || found != NULL;
		found = &answer->records[i];
	}
	return found;
}

static const char *
key_problem(const struct dkim_sig *sig, const struct dkim_key *key)
{
	bool ed25519 = sig->algorithm == DKIM_SIG_ED25519_SHA256;

	if (key->problem != NULL)
		return key->problem;
	if ((key->type == DKIM_KEY_ED25519) != ed25519)
		return "the key is of another type than the signature";
	if (key->strict && sig->below)
		return "the key allows no domain below d= in i= (t=s)";
	return NULL;
}

static void
take_record(struct dkim_signature *s, const struct cm_dns_record *record)
{
	const char *problem;

	s->job.key = dkim_key_get(record->text, record->len);
	if (s->job.key == NULL) {
		dkim_judge_skip(s, DKIM_TEMPERROR, "no memory for the key");
		return;
	}
	problem = key_problem(&s->job.sig, s->job.key);
	if (problem == NULL)
		return;
	dkim_judge_skip(s, DKIM_PERMERROR, problem);
	dkim_key_drop(s->job.key);
	s->job.key = NULL;
}

static void
take_records(struct dkim_signature *s, const struct cm_dns_answer *answer)
{
	bool several;
	const struct cm_dns_record *record = pick_record(answer, &several);

	if (several)
		dkim_judge_skip(s, DKIM_PERMERROR, "DNS has several keys under that name");
	else if (record == NULL)
		dkim_judge_skip(s, DKIM_PERMERROR, "what DNS has under that name is no key");
	else if (record->len > DKIM_RECORD_MOST)
		dkim_judge_skip(s, DKIM_PERMERROR, "the key is too long");
	else
		take_record(s, record);
}

void
dkim_judge_key(struct dkim_signature *s, const struct cm_dns_answer *answer)
{
	switch (answer->status) {
	case CM_DNS_FOUND:
		take_records(s, answer);
		break;
	case CM_DNS_NO_DATA:
	case CM_DNS_NO_NAME:
		dkim_judge_skip(s, DKIM_PERMERROR, "there is no such key in DNS");
		break;
	case CM_DNS_BAD_NAME:
		dkim_judge_skip(s, DKIM_PERMERROR, "the name of the key is too long for DNS");
		break;
	case CM_DNS_TIMEOUT:
		dkim_judge_skip(s, DKIM_TEMPERROR, "DNS did not answer in time for the key");
		break;
	case CM_DNS_BOGUS:
		dkim_judge_skip(s, DKIM_TEMPERROR, "DNSSEC says that the key is forged");
		break;
	case CM_DNS_SERVFAIL:
	case CM_DNS_REFUSED:
	case CM_DNS_CANCELLED:
		dkim_judge_skip(s, DKIM_TEMPERROR, "DNS could not tell the key");
		break;
	}
}

/* --- the result --- */

static void
judge_good(struct dkim_signature *s, const struct dkim_policy *policy)
{
	const struct dkim_job *job = &s->job;

	/* The worst of those that apply. */
	s->code = DKIM_PASS;
	if (job->key->testing && policy->test_key > s->code)
		dkim_judge_skip(s, policy->test_key, "the key is only being tested (t=y)");
	if (job->tail && policy->unsigned_tail > s->code)
		dkim_judge_skip(s, policy->unsigned_tail,
			"not all of the body is signed (l=): anybody may have added the rest");
	if (job->key->type == DKIM_KEY_RSA && job->key->bits < policy->min_key_bits &&
		s->code < DKIM_POLICY) {
		s->code = DKIM_POLICY;
		snprintf(s->reason, sizeof(s->reason), "a key of %u bits is too weak here",
			job->key->bits);
	}
}

static void
judge_bad(struct dkim_signature *s, const struct dkim_policy *policy, const char *why)
{
	/* Section 3.6.1: whatever comes of a test, the mail counts as unsigned. */
	bool testing = s->job.key->testing && policy->test_key != DKIM_PASS;

	s->code = testing ? policy->test_key : DKIM_FAIL;
	snprintf(s->reason, sizeof(s->reason), "%s%s", why,
		testing ? "; the key is only being tested (t=y)" : "");
}

void
dkim_judge_check(struct dkim_signature *s, const struct dkim_policy *policy)
{
	switch (s->job.check) {
	case DKIM_CHECK_GOOD:
		judge_good(s, policy);
		break;
	case DKIM_CHECK_BODY:
		judge_bad(s, policy, "the body is not what was signed");
		break;
	case DKIM_CHECK_SIGNATURE:
		judge_bad(s, policy, "the header is not what was signed, or the key is another");
		break;
	case DKIM_CHECK_LENGTH:
		dkim_judge_skip(s, DKIM_PERMERROR, "l= is larger than the body");
		break;
	case DKIM_CHECK_REFUSED:
		dkim_judge_skip(s, DKIM_NEUTRAL, "libopendkim cannot read the message");
		break;
	case DKIM_CHECK_LETTERS:
		dkim_judge_skip(s, DKIM_NEUTRAL,
			"libopendkim cannot read letters above ASCII (engine = native can)");
		break;
	case DKIM_CHECK_NONE:
	case DKIM_CHECK_BROKEN:
		dkim_judge_skip(s, DKIM_TEMPERROR, "no memory to verify it");
		break;
	}
}

/* --- among others --- */

static bool
is_below(const char *name, const char *domain)
{
	size_t nlen = strlen(name), dlen = strlen(domain);

	return nlen > dlen && dlen > 0 && name[nlen - dlen - 1] == '.' &&
	       strcmp(name + nlen - dlen, domain) == 0;
}

unsigned
dkim_judge_distance(const char *signer, const char *author)
{
	if (strcmp(signer, author) == 0 && signer[0] != '\0')
		return 0;
	return is_below(signer, author) || is_below(author, signer) ? 1 : 2;
}

size_t
dkim_judge_best(const struct dkim_signature *all, size_t count)
{
	size_t best = 0;

	for (size_t i = 1; i < count; i++) {
		if (all[i].code < all[best].code)
			best = i;
	}
	return best;
}
