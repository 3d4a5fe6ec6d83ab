/* SPDX-License-Identifier: MIT */
/*
 * dkim_native.c - the engine made of plugins/lib and OpenSSL
 *
 * Signatures that canonicalize the body in the same way share its hash.
 */
#include <stdlib.h>
#include <string.h>

#include "dkim_verifier.h"

struct native {
	const struct dkim_message *message;
	struct dkim_fields fields;
	bool broken;
	struct canon_body **bodies;	      /* one for each job; NULL: it is another job's */
	unsigned char (*hashes)[DIGEST_SIZE]; /* of them */
};

size_t
dkim_body_of(const struct dkim_message *m, size_t i)
{
	size_t first = 0;

	while (m->jobs[first]->sig.body != m->jobs[i]->sig.body ||
		m->jobs[first]->sig.limit != m->jobs[i]->sig.limit)
		first++;
	return first;
}

size_t
dkim_body_hashes(const struct dkim_message *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->job_count; i++)
		count += dkim_body_of(m, i) == i;
	return count;
}

static struct canon_body *
begin_body(const struct dkim_sig *sig)
{
	struct canon_body *b = malloc(sizeof(*b));

	if (b != NULL && !canon_body_init(b, sig->body, sig->limit)) {
		canon_body_fini(b);
		free(b);
		b = NULL;
	}
	return b;
}

static bool
begin_bodies(struct native *n)
{
	const struct dkim_message *m = n->message;

	n->bodies = calloc(m->job_count + 1, sizeof(*n->bodies));
	n->hashes = calloc(m->job_count + 1, sizeof(*n->hashes));
	if (n->bodies == NULL || n->hashes == NULL)
		return false;
	for (size_t i = 0; i < m->job_count; i++) {
		if (dkim_body_of(m, i) != i)
			continue;
		n->bodies[i] = begin_body(&m->jobs[i]->sig);
		if (n->bodies[i] == NULL)
			return false;
	}
	return true;
}

static void
end(void *engine)
{
	struct native *n = engine;

	if (n == NULL)
		return;
	for (size_t i = 0; n->bodies != NULL && i < n->message->job_count; i++) {
		if (n->bodies[i] != NULL)
			canon_body_fini(n->bodies[i]);
		free(n->bodies[i]);
	}
	dkim_fields_fini(&n->fields);
	free(n->bodies);
	free(n->hashes);
	free(n);
}

static void *
begin(const struct dkim_message *m)
{
	struct native *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->message = m;
	if (dkim_fields_init(&n->fields, m->fields, m->field_count) && begin_bodies(n))
		return n;
	end(n);
	return NULL;
}

static void
body(void *engine, const void *data, size_t len)
{
	struct native *n = engine;

	for (size_t i = 0; i < n->message->job_count; i++) {
		if (n->bodies[i] != NULL)
			canon_body_put(n->bodies[i], data, len);
	}
}

static enum dkim_check
check(const struct native *n, const struct dkim_job *job, size_t place)
{
	const struct dkim_sig *sig = &job->sig;
	unsigned char hash[DIGEST_SIZE];

	if (sig->limit != CANON_ALL && n->bodies[place]->length < sig->limit)
		return DKIM_CHECK_LENGTH;
	if (memcmp(n->hashes[place], sig->hash, sizeof(sig->hash)) != 0)
		return DKIM_CHECK_BODY;
	if (!dkim_hash(&n->fields, sig, job->field, hash))
		return DKIM_CHECK_BROKEN;
	return dkim_key_verify(job->key, hash, sig->octets, sig->octet_count)
		       ? DKIM_CHECK_GOOD
		       : DKIM_CHECK_SIGNATURE;
}

static void
finish(void *engine)
{
	struct native *n = engine;

	for (size_t i = 0; i < n->message->job_count; i++) {
		if (n->bodies[i] != NULL && !canon_body_end(n->bodies[i], n->hashes[i]))
			n->broken = true;
	}
	for (size_t i = 0; i < n->message->job_count; i++) {
		struct dkim_job *job = n->message->jobs[i];
		size_t place = dkim_body_of(n->message, i);

		job->tail = n->bodies[place]->length > job->sig.limit;
		if (job->key != NULL)
			job->check = n->broken ? DKIM_CHECK_BROKEN : check(n, job, place);
	}
}

const struct dkim_engine dkim_native = {
	.name = "native", .begin = begin, .body = body, .finish = finish, .end = end};
