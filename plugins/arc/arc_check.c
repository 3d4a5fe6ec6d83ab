/* SPDX-License-Identifier: MIT */
/*
 * arc_check.c - is the chain of a message true (RFC 8617 section 5.2)
 *
 * In the order of the standard, but that older message signatures go last: nobody need know since
 * when a message is unchanged whose seals are false.
 */
#include "arc_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Clocks differ by so much; RFC 6376 section 3.5, t=. */
#define FUTURE_SECONDS 300

/* --- results --- */

static void fail(struct arc_result *, unsigned instance, bool later, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The first counts, and before those that may change what has failed for good. */
static void
fail(struct arc_result *r, unsigned instance, bool later, const char *format, ...)
{
	va_list args;

	if (r->status == ARC_FAIL && (later || !r->later))
		return;
	r->status = ARC_FAIL;
	r->instance = instance;
	r->later = later;
	va_start(args, format);
	vsnprintf(r->reason, sizeof(r->reason), format, args);
	va_end(args);
}

void
arc_check_none(const struct arc_chain *chain, struct arc_result *r)
{
	*r = (struct arc_result){.status = ARC_NONE};
	if (chain->problem[0] != '\0')
		fail(r, chain->problem_at, false, "%s", chain->problem);
}

/* --- what is wanted --- */

static unsigned
oldest_message(const struct arc_chain *chain)
{
	return chain->newest > ARC_MESSAGES_MOST ? chain->newest - ARC_MESSAGES_MOST + 1 : 1;
}

/* Who asks DNS knows which names it cannot have. */
static void
key_name(char out[DKIM_NAME_KEY_SIZE], const struct dkim_sig *sig)
{
	(void)dkim_name_key(out, sig->selector, sig->domain);
}

/* The message signatures from the newest down, then the seals. */
bool
arc_check_key(const struct arc_check *c, size_t i, char name[DKIM_NAME_KEY_SIZE])
{
	const struct arc_chain *chain = c->chain;
	size_t messages = chain->newest - oldest_message(chain) + 1;

	if (i >= messages + chain->newest)
		return false;
	if (i < messages && chain->sets[chain->newest - i - 1].message_problem != NULL)
		i += messages;
	key_name(name, i < messages ? chain->sets[chain->newest - i - 1].message
				    : chain->sets[chain->newest - (i - messages) - 1].seal);
	return true;
}

void
arc_check_init(struct arc_check *c, const struct arc_chain *chain, const struct canon_field *fields,
	size_t count, int64_t now)
{
	*c = (struct arc_check){.chain = chain, .fields = fields, .count = count, .now = now};
	for (unsigned i = oldest_message(chain); i <= chain->newest; i++) {
		const struct arc_set *set = &chain->sets[i - 1];

		if (set->message_problem == NULL)
			c->hashing[set->message->body] = true;
	}
	for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
		if (c->hashing[canon] &&
			!canon_body_init(&c->bodies[canon], (enum canon)canon, CANON_ALL))
			c->failed = true;
	}
}

void
arc_check_fini(struct arc_check *c)
{
	for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
		if (c->hashing[canon])
			canon_body_fini(&c->bodies[canon]);
		c->hashing[canon] = false;
	}
}

void
arc_check_body(struct arc_check *c, const void *data, size_t len)
{
	for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED && !c->failed; canon++) {
		if (c->hashing[canon])
			canon_body_put(&c->bodies[canon], data, len);
	}
}

/* --- verifying --- */

/* What stands in a signature that was read, whatever the message; NULL: nothing against it. */
static const char *
problem_of(const struct arc_check *c, const struct dkim_sig *sig)
{
	if (sig->algorithm == DKIM_SIG_RSA_SHA1)
		return "rsa-sha1 proves nothing (RFC 8301)";
	if (sig->expires_at >= 0 && sig->expires_at < c->now)
		return "it has expired (x=)";
	if (sig->signed_at > c->now + FUTURE_SECONDS)
		return "it is of the future (t=)";
	return NULL;
}

/* l= must be all of the body: what others append would pass as the sealer's (RFC 6376 8.2). */
static const char *
body_problem(const struct arc_check *c, const struct dkim_sig *sig)
{
	if (sig->limit != CANON_ALL && sig->limit != c->bodies[sig->body].length)
		return "not all of the body is signed (l=)";
	return memcmp(sig->hash, c->hashes[sig->body], DIGEST_SIZE) != 0
		       ? "the body is not what was signed"
		       : NULL;
}

/* "RSA with a hash of what this key signed"; NULL: it is. */
static const char *
signature_problem(const struct dkim_sig *sig, const struct dkim_key *key,
	const unsigned char hash[DIGEST_SIZE], const char *wrong)
{
	bool ed25519 = sig->algorithm == DKIM_SIG_ED25519_SHA256;

	if (key->problem != NULL)
		return key->problem;
	if ((key->type == DKIM_KEY_ED25519) != ed25519)
		return "the key is of another type than the signature";
	return dkim_key_verify(key, hash, sig->octets, sig->octet_count) ? NULL : wrong;
}

/* A signature against its key; *later as struct arc_keys says. */
static const char *
verify(const struct dkim_sig *sig, const struct arc_keys *keys,
	const unsigned char hash[DIGEST_SIZE], const char *wrong, bool *later)
{
	char name[DKIM_NAME_KEY_SIZE];
	const struct dkim_key *key;
	const char *why = "";

	key_name(name, sig);
	key = keys->get(keys->context, name, &why, later);
	if (key != NULL)
		why = signature_problem(sig, key, hash, wrong);
	dkim_key_drop(key);
	return why;
}

static const char *
message_problem(const struct arc_check *c, const struct dkim_fields *fields, unsigned i,
	const struct arc_keys *keys, bool *later)
{
	const struct arc_set *set = &c->chain->sets[i - 1];
	unsigned char hash[DIGEST_SIZE];
	const char *why = set->message_problem;

	if (why == NULL)
		why = problem_of(c, set->message);
	if (why == NULL)
		why = body_problem(c, set->message);
	if (why != NULL)
		return why;
	*later = !dkim_hash(
		fields, set->message, (size_t)(set->fields[ARC_MESSAGE] - c->fields), hash);
	return *later ? "it could not be hashed"
		      : verify(set->message, keys, hash,
				"the header is not what was signed, or the key is another", later);
}

static const char *
seal_problem(const struct arc_check *c, unsigned i, const struct arc_keys *keys, bool *later)
{
	const struct dkim_sig *sig = c->chain->sets[i - 1].seal;
	const char *why = problem_of(c, sig);

	return why != NULL ? why
			   : verify(sig, keys, c->seals[i - 1],
				     "fields of ARC are not what was sealed, or the key is another",
				     later);
}

/* --- the steps --- */

static void
check_newest(const struct arc_check *c, const struct dkim_fields *fields,
	const struct arc_keys *keys, struct arc_result *r)
{
	unsigned i = c->chain->newest;
	bool later = false;
	const char *why = message_problem(c, fields, i, keys, &later);

	if (why != NULL)
		fail(r, i, later, "the message signature of %s: %s",
			c->chain->sets[i - 1].message->domain, why);
}

static void
check_seals(const struct arc_check *c, const struct arc_keys *keys, struct arc_result *r)
{
	for (unsigned i = c->chain->newest; i > 0 && (r->status == ARC_PASS || r->later); i--) {
		bool later = false;
		const char *why = seal_problem(c, i, keys, &later);

		if (why != NULL)
			fail(r, i, later, "the seal of %s: %s", c->chain->sets[i - 1].seal->domain,
				why);
	}
}

/* Section 5.2 step 5. */
static void
find_oldest(const struct arc_check *c, const struct dkim_fields *fields,
	const struct arc_keys *keys, struct arc_result *r)
{
	unsigned i = c->chain->newest, last = oldest_message(c->chain);
	bool later;

	while (i > last && message_problem(c, fields, i - 1, keys, &later) == NULL)
		i--;
	r->oldest_pass = i == 1 ? 0 : i;
}

/* All that is hashed but what message signatures name. */
static bool
end_hashes(struct arc_check *c)
{
	bool done = !c->failed && arc_seal_hashes(c->chain, c->seals);

	for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED && done; canon++) {
		if (c->hashing[canon])
			done = canon_body_end(&c->bodies[canon], c->hashes[canon]);
	}
	return done;
}

void
arc_check_end(struct arc_check *c, const struct arc_keys *keys, struct arc_result *r)
{
	struct dkim_fields fields;

	*r = (struct arc_result){.status = ARC_PASS};
	if (!end_hashes(c) || !dkim_fields_init(&fields, c->fields, c->count)) {
		fail(r, 0, true, "there is no memory to check it");
		return;
	}
	check_newest(c, &fields, keys, r);
	check_seals(c, keys, r);
	if (r->status == ARC_PASS)
		find_oldest(c, &fields, keys, r);
	dkim_fields_fini(&fields);
}
