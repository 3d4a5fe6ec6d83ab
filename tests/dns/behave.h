/* SPDX-License-Identifier: MIT */
/*
 * behave.h - what the hostile server does for a name: words in its first labels, or of the zone
 *
 * "d500.trunc.ok.example": the labels from the left that are words, up to the first that is none.
 * The words and what each does are the table of behave.c and README.md.
 */
#ifndef TESTS_DNS_BEHAVE_H
#define TESTS_DNS_BEHAVE_H

#include "packet.h"
#include "zone.h"

enum plan_flags {
	PLAN_SILENT = 1 << 0,	  /* no answer at all */
	PLAN_TC_UDP = 1 << 1,	  /* truncated over UDP */
	PLAN_TC_TCP = 1 << 2,	  /* truncated over TCP */
	PLAN_TCP_SILENT = 1 << 3, /* no answer over TCP */
	PLAN_TCP_CLOSE = 1 << 4,  /* hangs up instead */
	PLAN_TCP_CUT = 1 << 5,	  /* hangs up in the middle */
	PLAN_TWICE = 1 << 6,	  /* the same answer a second time */
	PLAN_SPOOFED = 1 << 7,	  /* spoiled answers first, then the right one */
	PLAN_NO_SOA = 1 << 8,	  /* a negative answer without SOA */
	PLAN_COUNT = 1 << 9,	  /* the question is counted */
	PLAN_ASKED = 1 << 10,	  /* is the question how often the rest of the name was asked */
	PLAN_TTL = 1 << 11	  /* ttl is set */
};

struct plan;
typedef void plan_fill(struct packet *, const struct query *, const struct plan *);
typedef void plan_spoil(struct packet *);

struct plan {
	unsigned flags;
	int rcode;
	unsigned delay_ms;
	unsigned number; /* of the word that fills */
	uint32_t ttl;
	size_t label; /* where the word that fills stands in the name */
	plan_fill *fill;
	plan_spoil *spoil;
	struct name rest;	      /* behind the words */
	const struct zone_node *node; /* whose records are the answer; NULL: it is made up */
	unsigned asked;		      /* with PLAN_ASKED: the answer */
};

/* There is such a word. */
bool behave_known(const char *word);
void behave_plan(struct plan *, const struct query *, const struct zone *);
/* The answer over UDP or TCP; not spoiled yet. */
void behave_answer(const struct plan *, const struct query *, bool tcp, struct packet *);

#endif
