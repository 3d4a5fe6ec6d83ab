/* SPDX-License-Identifier: MIT */
/*
 * breaker.h - stops a link that fails too often, and tries it again
 *
 * Closed, every call may run. Open, none may. After a minute one may try (half-open): if it goes
 * well the breaker closes, else it stays open for another minute. One belongs to one link of one
 * generation, so a reload begins with all of them closed.
 */
#ifndef CORE_CHAIN_BREAKER_H
#define CORE_CHAIN_BREAKER_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BREAKER_RETRY_US  INT64_C(60000000)
#define BREAKER_MOST	  1000 /* failures that trip_after can ask for */
#define BREAKER_WORDS_MAX 120

struct arena;
struct breaker;

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

/* How a try ended. */
enum breaker_try { BREAKER_FAILED, BREAKER_UNTRIED, BREAKER_WORKED };

/* What a call, or all calls of a message, may do. */
enum breaker_pass {
	BREAKER_UNASKED,
	BREAKER_RUN,
	BREAKER_TRY, /* run, and tell breaker_tried() how it went */
	BREAKER_STOP
};

/* A try: what breaker_tried() is told, and the stage that must go well. */
struct breaker_ticket {
	uint64_t number;
	enum cm_stage stage;
};

/* As it is now, for people. */
struct breaker_view {
	enum breaker_state state;
	int64_t tripped_at; /* seconds since 1970 */
	int64_t retry_at;   /* the same */
	uint64_t trips;
};

/* NULL for a rate of 0: such a link never trips. The name is borrowed. */
struct breaker *breaker_new(struct arena *, const char *name, const struct cm_rate *trip_after);
/*
 * May it be called at this stage? In a message that is for all of the message, else for one call.
 * The ticket is filled for a try.
 */
enum breaker_pass breaker_enter(struct breaker *, enum cm_stage, struct breaker_ticket *);
/* A call that was no try failed. True: it tripped now. */
bool breaker_note_failure(struct breaker *, enum cm_stage);
/* A try is over. One that took so long that another began is not heard. True: it stays open. */
bool breaker_tried(struct breaker *, const struct breaker_ticket *, enum breaker_try);

struct breaker_view breaker_look(struct breaker *);
/* "tripped 09:31 (20 errors in 5min)"; "" when closed. */
void breaker_words(struct breaker *, char out[BREAKER_WORDS_MAX]);

#endif
