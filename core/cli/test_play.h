/* SPDX-License-Identifier: MIT */
/*
 * test_play.h - a case while it is played: between test_case.c and test_expect.c
 */
#ifndef CORE_CLI_TEST_PLAY_H
#define CORE_CLI_TEST_PLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "chain/chain.h"
#include "door/replay.h"
#include "test.h"

struct script_test_case;
struct script_test_step;

/* What the message came to, after it has ended; lives in the run's arena. */
struct test_ended {
	const char *outcome, *trace, *reasons; /* NULL: it goes on */
	const char **edits;
	size_t edit_count;
};

struct test_play {
	struct test_run *run;
	const struct script_test_case *c;
	struct conversation conversation;
	struct replay_input in;
	struct replay_player player;
	struct answer last;	 /* stands until the client does something else */
	struct test_ended ended; /* and what stands for it */
	bool connected, greeted, in_message;
	bool data_said; /* of this message */
	bool over;	/* it was answered: the client says no more of it */
	size_t rcpts, taken;

	/* What the latest step added to the traces. */
	bool new_connection, new_helo, new_message;
	struct trace_record *const *seen; /* of the message, behind what was there before */

	const char *error; /* a rule failed, and nothing expected that yet */
	bool expects;	   /* something was expected */
};

/* "reject 550 5.7.1 Text", "nothing", "error: words" of the latest step; lives in the run's arena.
 */
const char *test_outcome(struct test_play *);
/* Why a rule failed in the latest step; NULL: none did. */
const char *test_failure(const struct test_play *);
/* The first error of the log, where done() tells its own; NULL: there is none. */
const char *test_logged_error(const struct test_play *);
/* "mail x -, rcpt x reject 550 5.7.1 Text" of all steps so far. */
const char *test_trace(struct test_play *);
/* The case goes on; else the result says what was wanted. */
bool test_expect(struct test_play *, const struct script_test_step *, struct test_result *);
bool test_expect_edit(struct test_play *, const struct script_test_step *, struct test_result *);
bool test_expect_log(struct test_play *, const struct script_test_step *, struct test_result *);

#endif
