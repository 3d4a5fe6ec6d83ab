/* SPDX-License-Identifier: MIT */
/*
 * control_log.h - chainmail log: its options, and what it does; inside control*.c only
 */
#ifndef CORE_ADMIN_CONTROL_LOG_H
#define CORE_ADMIN_CONTROL_LOG_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stdint.h>

struct command_words;
struct control_client;

/* Who may follow at a time: all, and those that are not root. */
#define CONTROL_FOLLOWERS_MOST	 8u
#define CONTROL_FOLLOWERS_OTHERS 6u

struct control_log_args {
	bool follow;
	int verdict; /* 0: any */
	int64_t since_us;
	const char *from, *login, *plugin, *to; /* NULL: any */
	const struct cm_networks *client;	/* NULL: any */
};

#define CONTROL_LOG_OPTIONS 8
extern const struct cm_option control_log_options[CONTROL_LOG_OPTIONS];

/* Sends lines until there are no more, or, to follow, until the client is gone. */
bool control_log(struct control_client *, const struct command_words *, char *why);

#endif
