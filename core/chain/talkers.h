/* SPDX-License-Identifier: MIT */
/*
 * talkers.h - who sends how much: logins, clients and senders of the last day
 *
 * In bounded memory: those who talk least are forgotten first, and the count of the latest hour is
 * kept in steps of five minutes, that of the day in hours. For people who look; nothing is decided
 * by it.
 */
#ifndef CORE_CHAIN_TALKERS_H
#define CORE_CHAIN_TALKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cm_session;

enum talker_kind { TALKER_CLIENT, TALKER_LOGIN, TALKER_SENDER, TALKER_KINDS };

#define TALKER_NAME_SIZE 96

/* More addresses of one are not told apart. */
#define TALKER_ADDRESSES 16u

struct talker {
	char name[TALKER_NAME_SIZE];		/* longer ones are cut */
	uint64_t messages, recipients, refused; /* refused: messages and recipients */
	unsigned addresses;			/* different ones of its clients */
};

/* At the end of a message, while it is still there. */
void talkers_note(const struct cm_session *);
/*
 * Those of the latest us microseconds (a day at most), in no order; the caller free()s the array,
 * NULL when there are none.
 */
struct talker *talkers_list(enum talker_kind, int64_t us, size_t *count);

#endif
