/* SPDX-License-Identifier: MIT */
/*
 * script_order.c - whose results a rule reads, and which plugins must stand before it in a chain
 *
 * A hook that reads the results of a plugin at the very stage which gives them finds none where the
 * plugin stands behind the rule; hooks of later stages find them wherever it stands. This is read
 * from the text of the hooks. What functions read for them is told when they run.
 */
#include <string.h>

#include "mail/stage.h"
#include "script.h"
#include "script_api.h"
#include "script_scan.h"
#include "script_state.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Where in a file: within a hook, or between them. */
struct place {
	size_t depth;		     /* of blocks */
	size_t hook;		     /* the depth at which it ends */
	const struct stage *stage;   /* NULL: in no hook */
	struct script_token message; /* the hook's first parameter */
};

static const struct stage *
find_stage(const struct script_token *name)
{
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (stages[i].lua_name != NULL && script_token_is(name, stages[i].lua_name))
			return &stages[i];
	}
	return NULL;
}

/* "function mail(m" and so on, behind the word function. */
static void
enter(struct place *p, struct script_scan s)
{
	struct script_token name = script_scan_next(&s), open = script_scan_next(&s);

	p->message = script_scan_next(&s);
	p->hook = p->depth;
	if (script_token_is(&open, "(") && p->message.kind == TOKEN_NAME)
		p->stage = find_stage(&name);
}

/* Follows blocks; those of "for" and "while" begin at their "do". A local function is no hook. */
static void
follow(struct place *p, const struct script_token *before, const struct script_token *t,
	const struct script_scan *s)
{
	static const char *const begins[] = {"do", "function", "if", "repeat"};
	static const char *const ends[] = {"end", "until"};

	if (script_token_in(t, begins, COUNT(begins))) {
		p->depth++;
		if (p->stage == NULL && script_token_is(t, "function") &&
			!script_token_is(before, "local"))
			enter(p, *s);
	} else if (script_token_in(t, ends, COUNT(ends)) && p->depth > 0 && p->depth-- == p->hook) {
		p->stage = NULL;
	}
}

static void
add(const char *types[SCRIPT_ASKED], const char *type)
{
	size_t i = 0;

	while (i + 1 < SCRIPT_ASKED && types[i] != NULL) {
		if (strcmp(types[i++], type) == 0)
			return;
	}
	if (i + 1 < SCRIPT_ASKED)
		types[i] = type;
}

/* m.FIELD, with m before[1] and the dot before[0]; x.m.FIELD is something else. */
static void
read_field(struct script *script, const struct place *p, const struct script_token *before,
	const struct script_token *field)
{
	const struct script_row *row;

	if (p->stage == NULL || !script_token_is(&before[0], ".") ||
		!script_token_same(&before[1], &p->message) || script_token_is(&before[2], "."))
		return;
	row = script_results_row(field);
	if (row != NULL &&
		script_scan_binds(script->sources->text, script->sources->len, &p->message))
		return;
	if (row != NULL)
		add(script->reads, row->name);
	if (row != NULL && row->from == p->stage->id)
		add(script->after, row->name);
}

void
script_order_read(struct script *script)
{
	const struct script_source *f = script->sources;
	struct script_token before[3] = {{.kind = TOKEN_END}};
	struct place p = {.depth = 0};
	struct script_scan s;

	script_scan_begin(&s, f->text, f->len);
	for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
		t = script_scan_next(&s)) {
		follow(&p, before, &t, &s);
		read_field(script, &p, before, &t);
		before[2] = before[1];
		before[1] = before[0];
		before[0] = t;
	}
	if (script->after[0] != NULL)
		script->plugin.after = script->after;
}

const char *
script_reads(const void *config, size_t i)
{
	return ((const struct script *)config)->reads[i];
}
