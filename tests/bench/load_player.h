/* SPDX-License-Identifier: MIT */
/*
 * load_player.h - sends messages of the corpus to a filter, to two one after the other, or to an
 * MTA
 */
#ifndef TESTS_BENCH_LOAD_PLAYER_H
#define TESTS_BENCH_LOAD_PLAYER_H

#include "load_corpus.h"

#define OUTCOME_SIZE 160u

struct player;

/* `address` is a filter's socket, and `then`, if not NULL, that of the next; or "smtp:PORT" of an
 * MTA on 127.0.0.1 that lets us say who the client is (XCLIENT). Connects when there is mail. */
struct player *player_new(const char *address, const char *then);

/* Sends it, with the connection that begins or ends there. Outcome: what the MTA would do, and what
 * the filters added ("taken spf=pass dkim=pass dmarc=pass offer"). False: the connection broke, and
 * outcome says how. */
bool player_send(struct player *p, const struct corpus_mail *mail, char outcome[OUTCOME_SIZE]);

/* Ends the session. */
void player_hang_up(struct player *p);
void player_free(struct player *p);

#endif
