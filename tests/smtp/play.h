/* SPDX-License-Identifier: MIT */
/*
 * play.h - plays one transcript against a filter, in one of its ways
 */
#ifndef TESTS_SMTP_PLAY_H
#define TESTS_SMTP_PLAY_H

#include "script.h"

#include <stdbool.h>
#include <stddef.h>

/* Where to play. */
struct stage_door {
	const char *address;
	int timeout_ms;
	unsigned clients; /* that play at the same time */
	int silence_ms;	  /* how long nothing must come for `silence` */
	int log_wait_ms;  /* how long a line of the log may take */
	const char *log;  /* file with what the filter wrote, or NULL when nobody knows */
};

/* What went wrong, and at which line; 0: before or after the transcript's own lines. */
struct complaint {
	unsigned line;
	char text[4096];
};

/* `way` is one bit. True when all came as the transcript says. Safe in several threads. */
bool play(const struct stage_door *door, const struct script *script, enum way way,
	struct complaint *complaint);

/* Whether a transcript can be played that way: all but `alone` need a MAIL to begin at. */
bool play_possible(const struct script *script, enum way way);

/* The first `nolog` of the transcript whose bytes stand in the log; asked when the filter has
 * ended, so that nothing is still on its way there. */
const struct step *play_unclean(const struct stage_door *door, const struct script *script);

const char *way_name(enum way way);

#endif
