/* SPDX-License-Identifier: MIT */
/*
 * control_client.h - one client of the control socket, and what it asks; inside control*.c only
 */
#ifndef CORE_ADMIN_CONTROL_CLIENT_H
#define CORE_ADMIN_CONTROL_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "chain/command.h"
#include "control_wire.h"

/* Words of a request, octets of an answer. */
#define CONTROL_WORDS	    32u
#define CONTROL_ANSWER_MOST (4u << 20)
#define CONTROL_WHY_SIZE    400u

struct control_client {
	struct control_wire wire;
	uid_t uid;
	const char *config;
	struct buf out;	     /* the answer; nothing is sent before it is whole */
	bool too_long;	     /* the rest of it was left out */
	_Atomic bool ending; /* the daemon does not wait for its answer */
};

/* Serves the client until it hangs up, is silent for too long, or talks nonsense. */
void control_serve(struct control_client *);
/* Answers one line into out. */
void control_answer(struct control_client *, const char *line, size_t len);

/* One row of an answer; false: nobody reads it. link NULL: none. */
bool control_row(struct control_client *, const char *link, const struct cm_cell *, size_t count);

/* A line that people see in place of the rows. */
void control_say(struct control_client *, const char *line);

/* A command of the daemon itself. */
struct control_command {
	const char *name;
	const char *help; /* one line */
	struct command_form form;
	bool changes; /* for root and main.admins alone */
	bool streams; /* sends as it goes, and so must not hold up a configuration: none is held */
	/* False: *why says what is wrong; CONTROL_WHY_SIZE octets. */
	bool (*run)(struct control_client *, const struct command_words *, char *why);
};

/* control_links.c */
struct generation;
struct control_mode_args {
	const char *until; /* NULL: no end */
};
bool control_errors(struct control_client *, const struct command_words *, char *why);
bool control_mode(struct control_client *, const struct command_words *, char *why);
bool control_shadow(struct control_client *, const struct command_words *, char *why);
/* Modes that were set, what shadow would have done, and what has tripped. */
void control_status_links(struct control_client *, const struct generation *);

/* control_metrics.c */
struct teller;
struct control_metric {
	const char *name;   /* "chainmail_x_total" */
	const char *type;   /* counter, gauge, histogram */
	const char *labels; /* "plugin, kind"; "": none */
	const char *help;
	void (*tell)(struct teller *);
};
extern const struct control_metric control_metrics[]; /* sorted by name */
extern const size_t control_metric_count;
bool control_metrics_tell(struct control_client *, const struct command_words *, char *why);
/* The daemon began now. */
void control_metrics_begin(void);

extern const struct control_command control_commands[];
extern const size_t control_command_count;
/* NULL: there is none of that name. */
const struct control_command *control_command_find(const char *name);

#endif
