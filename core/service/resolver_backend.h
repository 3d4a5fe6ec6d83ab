/* SPDX-License-Identifier: MIT */
/*
 * resolver_backend.h - who answers questions, behind the resolver
 *
 * Inside resolver*.c only.
 */
#ifndef CORE_SERVICE_RESOLVER_BACKEND_H
#define CORE_SERVICE_RESOLVER_BACKEND_H

#include <chainmail/plugin.h>
#include <stdbool.h>

#include "resolver.h"
#include "resolver_answer.h"

struct resolver_backend {
	/*
	 * Answers the question with question_answer(), now or later, from any thread. The back end
	 * has a reference to it until then.
	 */
	void (*ask)(void *self, struct question *);
	/*
	 * No question comes any more; those that are open are answered. False: some may be answered
	 * later, so what they belong to must stay.
	 */
	bool (*close)(void *self);
};

const char *question_name(const struct question *);
enum cm_dns_type question_type(const struct question *);
/* Once for each question; takes the answer, and the back end's reference. Wakes who waits. */
void question_answer(struct question *, struct answer *);

/* resolver_unbound.c */
extern const struct resolver_backend resolver_unbound;
void *resolver_unbound_open(const struct resolver_config *, struct err *);

/* resolver_zone.c */
extern const struct resolver_backend resolver_zone;
void *resolver_zone_open(const char *path, struct diag *);
void *resolver_zone_parse(const char *name, const char *text, size_t len, resolver_missed *,
	void *context, struct diag *);

/* resolver_given.c */
extern const struct resolver_backend resolver_given;
void *resolver_given_open(resolver_answers *, void *context);

#endif
