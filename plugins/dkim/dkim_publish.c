/* SPDX-License-Identifier: MIT */
/*
 * dkim_publish.c - what rules, other checks and Authentication-Results learn of signatures
 */
#include "dkim_publish.h"

#include <stdio.h>

#define TEXT_SIZE (DKIM_REASON_SIZE + 2 * DKIM_SIG_DOMAIN_SIZE + 64)

static void
publish_auth(struct cm_session *s, const struct dkim_signature *sig)
{
	const struct dkim_sig *read = &sig->job.sig;
	const struct cm_auth_property all[] = {
		{"header", "d", read->domain},
		{"header", "s", read->selector},
		{"header", "a", dkim_sig_algorithm_name(read->algorithm)},
		{"header", "b", read->first},
	};
	struct cm_auth_property known[sizeof(all) / sizeof(*all)];
	struct cm_auth_result result = {.method = "dkim", .properties = known};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (all[i].value[0] != '\0')
			known[result.count++] = all[i];
	}
	result.result = dkim_code_name(sig->code);
	result.reason = sig->reason[0] == '\0' ? NULL : sig->reason;
	cm_add_auth_result(s, &result);
}

/* "fail example.org (selector s1, rsa-sha256): the body is not what was signed" */
static void
describe(char *out, size_t size, const struct dkim_signature *sig)
{
	const struct dkim_sig *read = &sig->job.sig;
	const char *algorithm = dkim_sig_algorithm_name(read->algorithm);

	snprintf(out, size, "%s %s (selector %s, %s)%s%s", dkim_code_name(sig->code),
		read->domain[0] == '\0' ? "-" : read->domain,
		read->selector[0] == '\0' ? "-" : read->selector,
		algorithm[0] == '\0' ? "-" : algorithm, sig->reason[0] == '\0' ? "" : ": ",
		sig->reason);
}

static void
publish_text(struct cm_session *s, const char *key, const char *value)
{
	if (value[0] != '\0')
		cm_set_result(s, key, value);
}

static void
publish_number(struct cm_session *s, const char *key, size_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%zu", value);
	cm_set_result(s, key, number);
}

static void
explain(struct cm_session *s, const struct dkim_collection *found, const char *text)
{
	if (found->field_count > 1)
		cm_reason(s, "%s; the best of %zu", text, found->field_count);
	else
		cm_reason(s, "%s", text);
}

/* Each under its number, in the order in which they were looked at. */
static void
publish_all(struct cm_session *s, const struct dkim_collection *found,
	const struct dkim_signature *best)
{
	char key[24], text[TEXT_SIZE];

	for (size_t i = 0; i < found->count; i++) {
		publish_auth(s, &found->all[i]);
		describe(text, sizeof(text), &found->all[i]);
		snprintf(key, sizeof(key), "%zu", i + 1);
		cm_set_result(s, key, text);
		if (best == &found->all[i])
			explain(s, found, text);
	}
}

void
dkim_publish(struct cm_session *s, const struct dkim_collection *found,
	const struct dkim_signature *best)
{
	cm_set_result(s, "result", dkim_code_name(best->code));
	publish_text(s, "domain", best->job.sig.domain);
	publish_text(s, "selector", best->job.sig.selector);
	publish_text(s, "algorithm", dkim_sig_algorithm_name(best->job.sig.algorithm));
	publish_text(s, "reason", best->reason);
	publish_number(s, "count", found->field_count);
	publish_all(s, found, best);
}

void
dkim_publish_none(struct cm_session *s)
{
	const struct cm_auth_result result = {.method = "dkim", .result = "none"};

	cm_add_auth_result(s, &result);
	cm_set_result(s, "result", "none");
	publish_number(s, "count", 0);
	cm_reason(s, "no signature");
}

const struct cm_published dkim_published[DKIM_PUBLISHED] = {
	{"algorithm", "ed25519-sha256|rsa-sha1|rsa-sha256", "of the best signature"},
	{"count", NULL, "how many signatures the message has"},
	{"domain", NULL, "of the best signature (d=)"},
	{"reason", NULL, "of the best signature: why it is no pass"},
	{"result", "pass|temperror|fail|policy|neutral|permerror|none|signed|unsigned",
		"of the best signature; signed, unsigned: where links sign"},
	{"selector", NULL, "of the best signature (s=)"},
	{"selectors", NULL, "signed: selectors of our keys, with commas"},
	{"signer", NULL, "signed: our domain"},
	{"#", NULL, "each signature in words"},
};
