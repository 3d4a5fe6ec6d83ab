/* SPDX-License-Identifier: MIT */
/*
 * dmarc_zone.h - the DMARC check on a zone file, through the daemon's own resolver, without a
 * daemon
 */
#ifndef TESTS_CONFORMANCE_DMARC_ZONE_H
#define TESTS_CONFORMANCE_DMARC_ZONE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dmarc/dmarc_check.h"
#include "base/clock.h"
#include "conf/diag.h"
#include "service/resolver.h"

/* The walk of the author, those of identifiers, and whether the author exists. */
#define DMARC_ZONE_QUESTIONS ((DMARC_WALKS_MOST + 1) * DMARC_WALK_MOST + 1)
#define DMARC_ZONE_IDS	     64

struct dmarc_zone {
	struct resolver *resolver;
	struct dmarc_dns dns;
	size_t count;
	struct question *questions[DMARC_ZONE_QUESTIONS];
	struct cm_dns_answer answers[DMARC_ZONE_QUESTIONS];
	char asked[DMARC_ZONE_QUESTIONS][DMARC_QUESTION_SIZE];
	struct dmarc_identifier ids[DMARC_ZONE_IDS];
};

static inline const struct cm_dns_answer *
dmarc_zone_lookup(void *ctx, const char *name, enum cm_dns_type type)
{
	struct dmarc_zone *zone = ctx;
	size_t i = zone->count++;

	if (i >= DMARC_ZONE_QUESTIONS) {
		fprintf(stderr, "a check asked more than %u questions\n", DMARC_ZONE_QUESTIONS);
		abort();
	}
	snprintf(zone->asked[i], sizeof(zone->asked[i]), "%s", name);
	zone->questions[i] = resolver_ask(zone->resolver, name, type);
	question_wait(zone->questions[i], clock_now() + 1000000, &zone->answers[i]);
	return &zone->answers[i];
}

/* False, and the mistakes on standard error. */
static inline bool
dmarc_zone_open(struct dmarc_zone *zone, const char *path)
{
	struct diag *diag = diag_new();

	*zone = (struct dmarc_zone){.resolver = resolver_open_zone(path, diag)};
	zone->dns = (struct dmarc_dns){zone, dmarc_zone_lookup};
	diag_print(diag, stderr);
	diag_free(diag);
	return zone->resolver != NULL;
}

static inline void
dmarc_zone_forget(struct dmarc_zone *zone)
{
	for (size_t i = 0; i < zone->count; i++)
		question_drop(zone->questions[i]);
	zone->count = 0;
}

static inline void
dmarc_zone_close(struct dmarc_zone *zone)
{
	dmarc_zone_forget(zone);
	resolver_close(zone->resolver);
}

/* "spf:a.example dkim:b.example dkim?c.example", where ? is a temporary error. */
static inline size_t
dmarc_zone_ids(struct dmarc_zone *zone, const char *text)
{
	size_t count = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " "), kind = strcspn(text, ":?");
		struct dmarc_identifier *id = &zone->ids[count];
		char name[2 * DMARC_NAME_SIZE];

		if (len > kind && count < DMARC_ZONE_IDS) {
			snprintf(
				name, sizeof(name), "%.*s", (int)(len - kind - 1), text + kind + 1);
			*id = (struct dmarc_identifier){
				.dkim = kind == 4, .pass = text[kind] == ':'};
			count += dmarc_name(id->domain, name);
		}
		text += len + (text[len] == ' ');
	}
	return count;
}

/* The result is of use until the zone is asked again or closed. */
static inline void
dmarc_zone_check(struct dmarc_zone *zone, enum dmarc_method method, const struct dmarc_psl *psl,
	const char *author, const char *ids, struct dmarc_result *result)
{
	struct dmarc_query q = {.author = author, .ids = zone->ids, .method = method, .psl = psl};

	dmarc_zone_forget(zone);
	q.id_count = dmarc_zone_ids(zone, ids);
	q.dns = &zone->dns;
	dmarc_check(&q, result);
}

#endif
