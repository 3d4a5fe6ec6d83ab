/* SPDX-License-Identifier: MIT */
/*
 * script_compare.c - objects that a rule compares with a text
 *
 * Lua says that they differ and asks nobody. So m.spf ~= "pass" would hold for all mail, and to ==
 * "bob@example.com" for none: what the text of a rule says plainly is refused when it is loaded.
 */
#include <string.h>

#include "script.h"
#include "script_api.h"
#include "script_scan.h"
#include "script_state.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* What people mean, by the result of the row. */
static const struct {
	const char *result, *field;
} meant[] = {
	{"Address", "addr"},
	{"Auth?", "user"},
	{"Client", "ip"},
	{"From?", "addr"},
	{"Geo", "country"},
	{"Results", "result"},
	{"Server", "name"},
	{"Tls?", "version"},
};

/* == or ~= and a text stand here. */
static bool
compared(struct script_scan s)
{
	struct script_token t = script_scan_next(&s);
	bool differ = script_token_is(&t, "~");

	if (differ)
		t = script_scan_next(&s);
	return script_token_is(&t, differ ? "=" : "==") &&
	       script_scan_next(&s).kind == TOKEN_STRING;
}

static bool
refuse(const char *name, const char *field, struct err *err)
{
	return err_set(err, "%s is not a text and equals none: write %s.%s", name, name, field);
}

bool
script_compare_check(const struct script_names *names, const char *name,
	const struct script_token *field, const struct script_scan *behind, struct err *err)
{
	const struct script_row *row = script_find_row(&script_class_message, field);
	const char *result = row == NULL ? "Results" : row->result;
	char type[80];

	if (!compared(*behind) || field->len >= sizeof(type) || result == NULL)
		return true;
	memcpy(type, field->text, field->len);
	type[field->len] = '\0';
	if (row == NULL && !names->has_plugin(names->context, type))
		return true;
	for (size_t i = 0; i < COUNT(meant); i++) {
		if (strcmp(result, meant[i].result) == 0)
			return refuse(name, meant[i].field, err);
	}
	return true;
}

void
script_given_read(struct script_given *g, const struct script_source *source,
	const struct script_token *before, const struct script_scan *head)
{
	struct script_scan s = *head;
	struct script_token t[5]; /* rcpt ( m , to */

	*g = (struct script_given){.field = NULL};
	for (size_t i = 0; i < COUNT(t); i++)
		t[i] = script_scan_next(&s);
	if (script_token_is(before, "local") || !script_token_is(&t[1], "(") ||
		!script_token_is(&t[3], ","))
		return;
	for (int i = 0; i < SCRIPT_SLOTS; i++) {
		const char *hook = script_slot_name(i);

		if (hook != NULL && script_token_is(&t[0], hook))
			*g = (struct script_given){
				.name = t[4], .field = script_arguments[i].field};
	}
	/* What it is later nobody knows. */
	if (g->field != NULL && (script_scan_binds(source->text, source->len, &g->name) ||
					script_scan_assigns(source->text, source->len, &g->name)))
		g->field = NULL;
}

bool
script_given_check(const struct script_given *g, const struct script_token *t,
	const struct script_scan *behind, struct err *err)
{
	char name[80];

	if (g->field == NULL || !script_token_same(&g->name, t) || t->len >= sizeof(name) ||
		!compared(*behind))
		return true;
	memcpy(name, t->text, t->len);
	name[t->len] = '\0';
	return refuse(name, g->field, err);
}
