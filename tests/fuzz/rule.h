/* SPDX-License-Identifier: MIT */
/*
 * rule.h - for targets that give their octets to a rule, as the body of a message
 */
#ifndef TESTS_FUZZ_RULE_H
#define TESTS_FUZZ_RULE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/temp.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/diag.h"
#include "door/replay.h"
#include "host/generation.h"

static inline void
rule_die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static inline void
rule_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		rule_die("a file cannot be written");
}

/* The rule's limit, and what a sanitizer may make of it with all that is not the rule's. */
#define RULE_CPU	 "5ms"
#define RULE_CPU_MOST_US 1000000

/* Once in a process: a chain of this rule alone. What it refuses is wrong; a failure is not. */
static inline void
rule_load(const char *rule)
{
	static bool loaded;
	const struct log_config config = {.target = LOG_TARGET_FILE, .path = "/dev/null"};
	char path[TEMP_NAME_SIZE], lua[TEMP_NAME_SIZE + 4], conf[TEMP_NAME_SIZE + 256];
	struct diag *diag;
	struct err err;

	if (loaded)
		return;
	loaded = true;
	diag = diag_new();
	close(temp_file(path, "chainmail-fuzz"));
	snprintf(lua, sizeof(lua), "%s.lua", path);
	snprintf(conf, sizeof(conf),
		"listener l { socket = inet:10025@127.0.0.1 }\nprofile all { chain = [ rule ] }\n"
		"script rule { file = \"%s\"; on_error = skip; cpu = " RULE_CPU " }\n",
		lua);
	rule_write(lua, rule);
	rule_write(path, conf);
	struct generation *g = generation_load(path, diag);

	if (g == NULL)
		diag_print(diag, stderr);
	diag_free(diag);
	unlink(path);
	unlink(lua);
	if (g == NULL || !log_open(&config, 1, &err))
		rule_die("the rule does not load");
	generation_swap(g);
}

static inline void
rule_run(const uint8_t *data, size_t len)
{
	static const char *const to[] = {"<b@example.com>", NULL};
	const struct replay_input in = {.client_ip = "192.0.2.1",
		.port = 25,
		.helo = "x.example",
		.from = "<a@example.org>",
		.to = to};
	struct conversation c;
	struct replay_player p;
	struct answer last;

	conversation_open(&c, "fuzz");
	replay_begin(&p, &c, &in, NULL, &last);
	replay_step(&p, &(struct cm_event){.stage = CM_STAGE_CONNECT});
	replay_step(&p, &(struct cm_event){.stage = CM_STAGE_HELO, .name = in.helo});
	replay_path(&p, CM_STAGE_MAIL, in.from);
	replay_path(&p, CM_STAGE_RCPT, to[0]);
	replay_step(&p, &(struct cm_event){.stage = CM_STAGE_DATA});
	replay_step(&p, &(struct cm_event){.stage = CM_STAGE_EOH});
	replay_step(&p, &(struct cm_event){.stage = CM_STAGE_BODY, .data = data, .len = len});

	int64_t began = clock_cpu();

	replay_step(&p, &(struct cm_event){.stage = CM_STAGE_EOM});
	if (clock_cpu() - began > RULE_CPU_MOST_US)
		rule_die("the rule took a second, and " RULE_CPU " are its limit");
	if (last.verdict == CM_REJECT) {
		fprintf(stderr, "the rule says: %s\n", last.reply.text);
		abort();
	}
	replay_end(&p);
	conversation_close(&c);
}

#endif
