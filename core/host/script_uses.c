/* SPDX-License-Identifier: MIT */
/*
 * script_uses.c - what a rule uses, as far as its text tells
 *
 * What a link needs of the MTA must be known before the first message. So the names a rule writes
 * are looked up in the table of the API, and each brings the needs of its row. A name too many
 * costs a macro; a need that no name told is an error when the rule runs, never silence.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "mail/stage.h"
#include "script.h"
#include "script_api.h"
#include "script_scan.h"
#include "script_state.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define MACROS_MOST  32u
#define GLOBALS_MOST 64u

/* What a file declares itself. */
struct declared {
	bool globals[GLOBALS_MOST];		      /* by row of script_class_globals */
	struct script_token messages[CM_STAGE_COUNT]; /* names of the hooks' first parameters */
	size_t message_count;
	struct script_given given; /* of the function that is read */
};

const struct script_row *
script_find_row(const struct script_class *class, const struct script_token *name)
{
	for (size_t i = 0; i < class->row_count; i++) {
		if (script_token_is(name, class->rows[i].name))
			return &class->rows[i];
	}
	return NULL;
}

static bool
next_is(struct script_scan *s, const char *text)
{
	struct script_scan ahead = *s;
	struct script_token t = script_scan_next(&ahead);

	return t.kind == TOKEN_OTHER && script_token_is(&t, text);
}

/* The row of a name of the rule language, and its number; NULL if it is none. */
static const struct script_row *
find_global(const struct script_token *t, size_t *which)
{
	const struct script_row *row = script_find_row(&script_class_globals, t);

	*which = row == NULL ? 0 : (size_t)(row - script_class_globals.rows);
	return *which < GLOBALS_MOST ? row : NULL;
}

static void
declare(struct declared *d, const struct script_token *name)
{
	size_t which;

	if (find_global(name, &which) != NULL)
		d->globals[which] = true;
}

/* "a <const>, b"; gives the first name. */
static struct script_token
declare_names(struct script_scan *s, struct declared *d)
{
	struct script_token first = {.kind = TOKEN_END};

	for (;;) {
		struct script_scan before = *s;
		struct script_token t = script_scan_next(s);

		if (t.kind != TOKEN_NAME) {
			*s = before;
			return first;
		}
		if (first.kind == TOKEN_END)
			first = t;
		declare(d, &t);
		for (size_t i = 0; i < 3 && (i > 0 || next_is(s, "<")); i++)
			script_scan_next(s);
		if (!next_is(s, ","))
			return first;
		script_scan_next(s);
	}
}

static bool
is_stage(const struct script_token *t)
{
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (stages[i].lua_name != NULL && script_token_is(t, stages[i].lua_name))
			return true;
	}
	return script_token_is(t, "done");
}

/* Behind the word function: "name(a, b)" or "(a, b)"; t.name is no hook. */
static void
declare_function(struct script_scan *s, struct declared *d, bool local)
{
	struct script_token name = {.kind = TOKEN_END};
	struct script_token first;
	size_t words = 0;

	for (; !next_is(s, "("); words++) {
		name = script_scan_next(s);
		if (name.kind == TOKEN_END)
			return;
	}
	if (local)
		declare(d, &name);
	script_scan_next(s);
	first = declare_names(s, d);
	if (!local && words == 1 && first.kind == TOKEN_NAME && is_stage(&name) &&
		d->message_count < COUNT(d->messages))
		d->messages[d->message_count++] = first;
}

static void
collect(const struct script_source *source, struct declared *d)
{
	struct script_scan s;
	bool local = false;

	*d = (struct declared){.message_count = 0};
	script_scan_begin(&s, source->text, source->len);
	for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
		t = script_scan_next(&s)) {
		if (t.kind == TOKEN_NAME && script_token_is(&t, "function"))
			declare_function(&s, d, local);
		local = t.kind == TOKEN_NAME && script_token_is(&t, "local");
		if (local || (t.kind == TOKEN_NAME && script_token_is(&t, "for"))) {
			struct script_scan ahead = s;
			struct script_token word = script_scan_next(&ahead);

			if (!script_token_is(&word, "function"))
				declare_names(&s, d);
		}
	}
}

/* What is also the name of something else tells nothing. */
static void
forget_bound(const struct script_source *source, struct declared *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->message_count; i++) {
		const struct script_token *name = &d->messages[i];

		if (!script_scan_binds(source->text, source->len, name) &&
			!script_scan_assigns(source->text, source->len, name))
			d->messages[kept++] = d->messages[i];
	}
	d->message_count = kept;
}

static bool
is_message(const struct declared *d, const struct script_token *t)
{
	for (size_t i = 0; i < d->message_count; i++) {
		if (script_token_same(&d->messages[i], t))
			return true;
	}
	return false;
}

/* A method that is not called is a value like others: as a condition it is always true. */
static bool
check_method(const struct script_token *before, const struct script_token *t, struct script_scan s,
	struct err *err)
{
	static const char *const conditions[] = {"and", "do", "or", "then"};
	const struct script_row *row = script_find_row(&script_class_message, t);
	struct script_token next = script_scan_next(&s);

	if (row == NULL || row->kind != SCRIPT_FUNCTION || !script_token_is(&before[0], ".") ||
		script_token_is(&next, "(") ||
		!(script_token_in(&next, conditions, COUNT(conditions)) ||
			script_token_is(&before[2], "not")))
		return true;
	return err_set(err, "%s is called with a colon: %.*s:%s(...)", row->name,
		(int)before[1].len, before[1].text, row->name);
}

/* A field of m; before[0] stands directly before t, before[1] before that, and so on. */
static bool
check_field(const struct script_names *names, const struct script_token *before,
	const struct script_token *t, const struct script_scan *behind, struct err *err)
{
	const struct script_row *results = script_results_row(t);
	char name[80];

	snprintf(name, sizeof(name), "%.*s%.*s%.*s", (int)before[1].len, before[1].text,
		(int)before[0].len, before[0].text, (int)t->len, t->text);
	if (script_token_is(t, "geo") && !names->has_geo(names->context))
		return err_set(err,
			"%s needs a database, in filter.conf: geo { database = "
			"/var/lib/GeoIP/GeoLite2-Country.mmdb }",
			name);
	if (results != NULL && !names->has_plugin(names->context, results->name))
		return err_set(err, "%s needs the plugin %s in filter.conf", name, results->name);
	if (!script_token_is(&before[2], "..") &&
		!script_compare_check(names, name, t, behind, err))
		return false;
	return check_method(before, t, *behind, err) && script_results_check(names, t, behind, err);
}

/* A statement begins behind this: two values never stand side by side in an expression. */
static bool
ends_statement(const struct script_token *t)
{
	static const char *const expect_value[] = {"and", "elseif", "for", "function", "goto", "if",
		"in", "local", "not", "or", "return", "until", "while"};

	if (t->kind == TOKEN_OTHER)
		return strchr(")]};", t->text[0]) != NULL || isdigit((unsigned char)t->text[0]) ||
		       script_token_is(t, "...") || script_token_is(t, "::");
	return !script_token_in(t, expect_value, COUNT(expect_value));
}

/* The call of the name t is a statement, behind the token before: what it gives is lost. */
static bool
is_dropped(const struct script_token *before, struct script_scan s)
{
	struct script_token next = script_scan_next(&s);
	bool called = next.kind == TOKEN_STRING || script_token_is(&next, "(") ||
		      script_token_is(&next, "{");

	return called && ends_statement(before);
}

static bool
check_global(const struct script_names *names, const struct script_row *row, bool dropped,
	struct err *err)
{
	if (row->call == script_ask && !names->has_plugin(names->context, row->name))
		return err_set(
			err, "%s() needs the plugin %s in filter.conf", row->name, row->name);
	if (dropped && row->result != NULL && strcmp(row->result, "Verdict") == 0)
		return err_set(err, "%s() does nothing unless the hook returns it: return %s(...)",
			row->name, row->name);
	return true;
}

static bool
check_name(const struct declared *d, const struct script_names *names,
	const struct script_token *before, const struct script_token *t, struct script_scan *s,
	struct err *err)
{
	bool field = script_token_is(&before[0], ".") || script_token_is(&before[0], ":");
	const struct script_row *row;
	size_t which;

	if (script_token_is(t, "_ENV"))
		return err_set(err, "_ENV is not available in rules");
	if (field && is_message(d, &before[1]) && !script_token_is(&before[2], "."))
		return check_field(names, before, t, s, err);
	if (!field && !script_token_is(&before[0], "..") &&
		!script_given_check(&d->given, t, s, err))
		return false;
	row = find_global(t, &which);
	if (field || row == NULL || d->globals[which])
		return true;
	/* A key of a table, or a label. */
	if (next_is(s, "=") || next_is(s, "::") || script_token_is(&before[0], "goto"))
		return true;
	return check_global(names, row, is_dropped(&before[0], *s), err);
}

bool
script_uses_check(const struct script_source *source, const struct script_names *names,
	unsigned *line, struct err *err)
{
	struct script_token before[3] = {{.kind = TOKEN_END}};
	size_t tables = 0; /* that are open: in them ";" is a comma */
	struct declared d;
	struct script_scan s;

	collect(source, &d);
	forget_bound(source, &d);
	script_scan_begin(&s, source->text, source->len);
	for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
		t = script_scan_next(&s)) {
		*line = t.line;
		if (t.kind == TOKEN_NAME && script_token_is(&t, "function"))
			script_given_read(&d.given, source, &before[0], &s);
		if (t.kind == TOKEN_NAME && !check_name(&d, names, before, &t, &s, err))
			return false;
		tables += script_token_is(&t, "{");
		tables -= tables > 0 && script_token_is(&t, "}");
		before[2] = before[1];
		before[1] = before[0];
		before[0] = t;
		if (tables > 0 && script_token_is(&t, ";"))
			before[0].text = ",";
	}
	return true;
}

/* --- needs ---------------------------------------------------------------------------------------
 */

static void
add_macro(struct script *script, struct cm_macro *macros, const struct cm_macro *m)
{
	uint32_t count = script->plugin.macro_count;

	for (uint32_t i = 0; i < count; i++) {
		if (macros[i].stage == m->stage && strcmp(macros[i].name, m->name) == 0)
			return;
	}
	if (count < MACROS_MOST)
		macros[script->plugin.macro_count++] = *m;
}

static void
add_asked(struct script *script, const char *type)
{
	for (size_t i = 0; i < script->asked_count; i++) {
		if (strcmp(script->asked[i], type) == 0)
			return;
	}
	if (script->asked_count < COUNT(script->asked))
		script->asked[script->asked_count++] = type;
}

static void
add_row(struct script *script, struct cm_macro *macros, const struct script_row *row)
{
	script->plugin.needs |= row->needs;
	script->wants_store = script->wants_store || row->store;
	script->wants_parts = script->wants_parts || row->parts;
	if (row->call == script_ask)
		add_asked(script, row->name);
	if (script->has[CM_STAGE_RCPT])
		script->plugin.needs |= row->rcpt_needs;
	for (const struct cm_macro *m = row->macros; m != NULL && m->name != NULL; m++)
		add_macro(script, macros, m);
}

/* A global is written bare, a field behind a dot or colon, or in quotes between brackets. */
static bool
could_name(const struct script_class *class, const struct script_token *before,
	const struct script_token *t)
{
	bool field = script_token_is(before, ".") || script_token_is(before, ":");

	if (t->kind == TOKEN_STRING)
		return class->kind == SCRIPT_OBJECT;
	return t->kind == TOKEN_NAME && field == (class->kind != SCRIPT_GLOBALS);
}

static void
add_token(struct script *script, struct cm_macro *macros, const struct script_token *before,
	const struct script_token *t)
{
	for (size_t c = 0; script_classes[c] != NULL; c++) {
		const struct script_class *class = script_classes[c];

		if (class->store && could_name(&script_class_globals, before, t) &&
			script_token_is(t, class->name))
			script->wants_store = true;
		if (!could_name(class, before, t))
			continue;
		for (size_t i = 0; i < class->row_count; i++) {
			const char *name = class->rows[i].name;

			if (strlen(name) == t->len && memcmp(name, t->text, t->len) == 0)
				add_row(script, macros, &class->rows[i]);
		}
	}
}

void
script_uses_needs(struct script *script)
{
	struct cm_macro *macros = arena_array(&script->host->arena, MACROS_MOST, sizeof(*macros));

	script->macros = macros;
	script->plugin.macros = macros;
	for (const struct script_source *f = script->sources; f != NULL; f = f->next) {
		struct script_token before = {.kind = TOKEN_END};
		struct script_scan s;

		script_scan_begin(&s, f->text, f->len);
		for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
			t = script_scan_next(&s)) {
			add_token(script, macros, &before, &t);
			before = t;
		}
	}
}

const char *
script_asked(const void *config, size_t i)
{
	const struct script *script = config;

	return i < script->asked_count ? script->asked[i] : NULL;
}

void
script_needs_too(void *config, const struct cm_plugin *asked)
{
	struct script *script = config;

	script->plugin.needs |= asked->needs;
	for (uint32_t i = 0; i < asked->macro_count; i++)
		add_macro(script, script->macros, &asked->macros[i]);
}

bool
script_wants_store(const void *config)
{
	return ((const struct script *)config)->wants_store;
}

void
script_give_store(void *config, const struct cm_store *store)
{
	((struct script *)config)->store = store;
}
