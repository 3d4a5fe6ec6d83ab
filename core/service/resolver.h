/* SPDX-License-Identifier: MIT */
/*
 * resolver.h - one resolver for everything that asks DNS
 *
 * A question that was asked is an object: it is in flight until it is answered, then kept as long
 * as its TTL says, and everybody who asks the same meanwhile gets that object. So the cache and
 * "one question on the wire per name and type" are one table. Who answers is a back end: libunbound
 * on a thread of its own, or a zone file. Safe for many threads.
 */
#ifndef CORE_SERVICE_RESOLVER_H
#define CORE_SERVICE_RESOLVER_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct diag;
struct question;
struct resolver;

/* The section dns of filter.conf. */
struct resolver_config {
	struct cm_list
		resolvers;  /* "192.0.2.1", "192.0.2.1@5353"; none: the root servers and down */
	int64_t timeout_us; /* of one question */
	int64_t cache_size; /* octets, ours and libunbound's together */
	bool dnssec;
	const char *trust_anchor; /* file with the root's keys */
};

/*
 * A resolver with these settings: the one that is open already, cache and all, or a new one. Its
 * thread begins with the first question. NULL with words.
 */
struct resolver *
resolver_open(const struct resolver_config *, struct err *) __attribute__((warn_unused_result));
/* One that knows what the file says and nothing else; mistakes are errors of diag and give NULL. */
struct resolver *resolver_open_zone(const char *path, struct diag *);
/* Told of a question that nobody answers, on the thread that asks; name is canonical. */
typedef void resolver_missed(void *context, const char *name, enum cm_dns_type);
/*
 * One that knows the lines of text, as a zone file has them; every other question is told to missed
 * and fails. name: of the text, for mistakes.
 */
struct resolver *resolver_open_text(const char *name, const char *text, size_t len,
	resolver_missed *missed, void *context, struct diag *);
/*
 * One that answers what the function answers, and keeps nothing: for what was asked before. It
 * gives an answer of which nothing is kept behind the call, or false: then the servers failed.
 */
typedef bool
resolver_answers(void *context, const char *name, enum cm_dns_type, struct cm_dns_answer *);
struct resolver *resolver_open_given(resolver_answers *, void *context);
/* Drops the caller's reference. NULL is allowed. */
void resolver_close(struct resolver *);

/* One more than the largest type that can be asked for. */
#define RESOLVER_TYPES ((size_t)CM_DNS_AAAA + 1)

struct resolver_counts {
	uint64_t hits;			/* answered from the cache, or asked already */
	uint64_t asked[RESOLVER_TYPES]; /* questions to the servers, by type */
	uint64_t in_flight;		/* now */
};

void resolver_count(struct resolver *, struct resolver_counts *);

/* Never waits, never NULL; the caller has one reference. Name: as cm_dns() takes it. */
struct question *resolver_ask(struct resolver *, const char *name, enum cm_dns_type);
bool question_answered(const struct question *);
/*
 * Waits for the answer until the deadline, clock_now() microseconds. Who waited in vain is told
 * CM_DNS_TIMEOUT, who was cancelled CM_DNS_CANCELLED. Fills the answer, whose texts live as long as
 * the question.
 */
void question_wait(struct question *, int64_t deadline, struct cm_dns_answer *);
void question_drop(struct question *);

#endif
