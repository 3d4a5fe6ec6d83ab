/* SPDX-License-Identifier: MIT */
/*
 * explain_kept.c - chainmail explain ID: what became of a session that was kept, and why
 *
 * Shown as it was found then: nothing runs again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "explain.h"
#include "kept_find.h"

static unsigned
number_of(const char *text)
{
	return text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);
}

static void
count_questions(const struct kept *k, struct explained *e)
{
	for (const struct kept_question *q = k->questions; q != NULL; q = q->next) {
		e->dns_asked++;
		e->dns_missed += q->missed;
	}
}

struct shown {
	bool json, any;
	int exit_code; /* of the latest */
};

static void
show(void *context, const struct kept *k)
{
	struct shown *shown = context;
	struct explained e = {
		.kept = k,
		.profile = k->profile,
		.port = number_of(kept_macro(k, "{daemon_port}")),
		.login = kept_macro(k, "{auth_authen}"),
		.tls = kept_macro(k, "{tls_version}") != NULL,
		.traces = {&k->traces[0], &k->traces[1]},
		.results = {k->results[0], k->results[1], k->results[2]},
		.outcome = k->outcome.word,
		.reply = k->outcome.reply,
		.by = k->outcome.by,
		.edits = k->edits,
		.edit_count = k->edit_count,
		.exit_code = explain_exit_code(k->outcome.word),
	};

	count_questions(k, &e);
	if (shown->any && !shown->json)
		printf("\n");
	shown->any = true;
	shown->exit_code = e.exit_code;
	if (shown->json)
		explain_print_json(&e);
	else
		explain_print_text(&e);
}

int
explain_kept(const char *dir, const char *id, bool json)
{
	struct shown shown = {.json = json};

	if (!kept_each("explain", dir, id, show, &shown))
		return EXIT_NO;
	return shown.exit_code;
}
