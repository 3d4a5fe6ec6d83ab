/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dkim_table.c - any octets as a signing table, and as the name of a field that is signed
 *
 * What is refused is refused with words. What is taken has names that DNS can have and files may be
 * called, and each line is found by its own pattern.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dkim/dkim_sign_field.h"
#include "../../plugins/dkim/dkim_sign_table.h"
#include "../../plugins/lib/dkim_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_selectors(const struct dkim_sign_row *row)
{
	must(row->selector_count >= 1 && row->selector_count <= DKIM_SELECTORS_MOST);
	for (size_t i = 0; i < row->selector_count; i++) {
		const char *name = row->selectors[i].name;

		must(dkim_name_valid(name, strlen(name), 1));
		must(strchr(name, '/') == NULL && name[0] != '.');
		must(row->selectors[i].from >= 0);
	}
}

/* An address is found by itself; what is no address is the domain of one. */
static void
check_found(const struct dkim_sign_table *t, const struct dkim_sign_row *row)
{
	enum dkim_sign_whose whose = row->sender ? DKIM_SIGN_SENDER : DKIM_SIGN_AUTHOR;
	const char *at = strrchr(row->pattern, '@');
	const struct dkim_sign_row *found;

	if (row->pattern[0] == '.' || strcmp(row->pattern, "*") == 0)
		return;
	found = dkim_sign_table_find(t, whose, row->pattern, at == NULL ? row->pattern : at + 1);
	must(found == row || (at != NULL && at[1] == '\0' && found == NULL));
}

static void
check_table(const char *text, size_t len)
{
	struct dkim_sign_table t;
	char why[256] = "";

	if (!dkim_sign_table_parse(&t, text, len, why, sizeof(why))) {
		must(strncmp(why, "line ", 5) == 0);
		return;
	}
	for (size_t i = 0; i < t.count; i++) {
		const struct dkim_sign_row *row = &t.rows[i];

		must(dkim_name_valid(row->domain, strlen(row->domain), 2));
		must(row->pattern[0] != '\0' && row->line >= 1);
		check_selectors(row);
		check_found(&t, row);
	}
	dkim_sign_table_fini(&t);
}

static void
check_name(const char *text)
{
	char why[256] = "";

	if (!dkim_sign_check_name(text, why, sizeof(why))) {
		must(why[0] != '\0');
		return;
	}
	must(text[0] != '\0' && strlen(text) <= DKIM_SIGN_NAME_MOST);
	must(strpbrk(text, " \t\r\n:;") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	must(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	check_table(text, len);
	check_name(text);
	free(text);
	return 0;
}
