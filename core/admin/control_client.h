/* SPDX-License-Identifier: MIT */
/*
 * control_client.h - one client of the control socket, and what it asks; inside control*.c only
 */
#ifndef CORE_ADMIN_CONTROL_CLIENT_H
#define CORE_ADMIN_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

struct cm_cell;

#define CONTROL_LINE_MOST 8192u
#define CONTROL_WORDS	  16u

struct control_client {
	int fd;
	uid_t uid;
	const char *config;
	struct buf out; /* not sent yet */
	bool gone;	/* it does not read any more */
};

/* Serves the client until it hangs up, is silent for too long, or talks nonsense. */
void control_serve(struct control_client *);

/* One row of an answer; false: nobody reads it. link NULL: none. */
bool control_row(struct control_client *, const char *link, const struct cm_cell *, size_t count);

/* A command of the daemon itself; words[0] is its name. false: *why says what is wrong. */
struct control_command {
	const char *name;
	bool changes;
	bool (*run)(struct control_client *, size_t count, const char *const *words, char *why,
		size_t why_size);
};

extern const struct control_command control_commands[];
extern const size_t control_command_count;

#endif
