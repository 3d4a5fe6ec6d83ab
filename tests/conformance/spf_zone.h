/* SPDX-License-Identifier: MIT */
/*
 * spf_zone.h - the SPF check on a zone file, through the daemon's own resolver, without a daemon
 */
#ifndef TESTS_CONFORMANCE_SPF_ZONE_H
#define TESTS_CONFORMANCE_SPF_ZONE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/spf/spf_check.h"
#include "base/clock.h"
#include "conf/diag.h"
#include "service/resolver.h"

/* More than a check may ask. */
#define SPF_ZONE_QUESTIONS 64

struct spf_zone {
	struct resolver *resolver;
	struct spf_dns dns;
	size_t count;
	struct question *questions[SPF_ZONE_QUESTIONS];
	struct cm_dns_answer answers[SPF_ZONE_QUESTIONS];
};

static inline const struct cm_dns_answer *
spf_zone_lookup(void *ctx, const char *name, enum cm_dns_type type)
{
	struct spf_zone *zone = ctx;
	size_t i = zone->count++;

	if (i >= SPF_ZONE_QUESTIONS) {
		fprintf(stderr, "a check asked more than %d questions\n", SPF_ZONE_QUESTIONS);
		abort();
	}
	zone->questions[i] = resolver_ask(zone->resolver, name, type);
	question_wait(zone->questions[i], clock_now() + 1000000, &zone->answers[i]);
	return &zone->answers[i];
}

static inline void
spf_zone_begin(void *ctx, const char *name, enum cm_dns_type type)
{
	struct spf_zone *zone = ctx;

	question_drop(resolver_ask(zone->resolver, name, type));
}

/* Who is silent there is so at once. */
static inline bool
spf_zone_late(void *ctx)
{
	(void)ctx;
	return false;
}

/* False, and the mistakes on standard error. */
static inline bool
spf_zone_open(struct spf_zone *zone, const char *path)
{
	struct diag *diag = diag_new();

	*zone = (struct spf_zone){.resolver = resolver_open_zone(path, diag)};
	zone->dns = (struct spf_dns){zone, spf_zone_lookup, spf_zone_begin, spf_zone_late};
	diag_print(diag, stderr);
	diag_free(diag);
	return zone->resolver != NULL;
}

static inline void
spf_zone_forget(struct spf_zone *zone)
{
	for (size_t i = 0; i < zone->count; i++)
		question_drop(zone->questions[i]);
	zone->count = 0;
}

static inline void
spf_zone_close(struct spf_zone *zone)
{
	spf_zone_forget(zone);
	resolver_close(zone->resolver);
}

/* sender: an address, a domain, or "" for the null sender, whose domain is the HELO name. */
static inline void
spf_zone_check(struct spf_zone *zone, const char *ip, const char *helo, const char *sender,
	struct spf_result *result)
{
	const char *at = strrchr(sender, '@');
	char *local = strndup(sender, at == NULL ? 0 : (size_t)(at - sender));
	struct spf_query query = {.ip = ip, .helo = helo, .receiver = "unknown"};

	spf_zone_forget(zone);
	query.local = local;
	query.domain = at != NULL ? at + 1 : sender[0] != '\0' ? sender : helo;
	query.dns = &zone->dns;
	spf_check(&query, result);
	free(local);
}

#endif
