/* SPDX-License-Identifier: MIT */
/*
 * arc_key.c - a key as DNS has it (RFC 6376 section 3.6.2)
 */
#include "arc_key.h"

/* A record that is longer is no key. */
#define RECORD_MOST 8192u

/* What an answer without records means. */
static const struct {
	const char *why;
	bool later;
} absent[] = {
	[CM_DNS_FOUND] = {"what DNS has under that name is no key", false},
	[CM_DNS_NO_DATA] = {"there is no such key in DNS", false},
	[CM_DNS_NO_NAME] = {"there is no such key in DNS", false},
	[CM_DNS_TIMEOUT] = {"DNS did not answer in time for the key", true},
	[CM_DNS_SERVFAIL] = {"DNS could not tell the key", true},
	[CM_DNS_REFUSED] = {"DNS could not tell the key", true},
	[CM_DNS_BOGUS] = {"DNSSEC says that the key is forged", true},
	[CM_DNS_BAD_NAME] = {"the name of the key is too long for DNS", false},
	[CM_DNS_CANCELLED] = {"DNS could not tell the key", true},
};

static bool
is_key(const struct cm_dns_record *record)
{
	return record->len <= RECORD_MOST && dkim_key_among(record->text, record->len);
}

const struct dkim_key *
arc_key(const struct cm_dns_answer *answer, const char **why, bool *later)
{
	const struct cm_dns_record *found = NULL;
	const struct dkim_key *key;

	*why = absent[answer->status].why;
	*later = absent[answer->status].later;
	for (size_t i = 0; i < answer->count; i++) {
		if (!is_key(&answer->records[i]))
			continue;
		/* Their order is chance. */
		*why = "DNS has several keys under that name";
		if (found != NULL)
			return NULL;
		found = &answer->records[i];
	}
	if (found == NULL)
		return NULL;
	key = dkim_key_get(found->text, found->len);
	*why = "there is no memory for the key";
	*later = key == NULL;
	return key;
}
