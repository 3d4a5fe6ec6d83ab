/* SPDX-License-Identifier: MIT */
/*
 * published.c - in front of every result that a test makes a plugin publish: it must be in the
 * plugin's table
 *
 * The linker puts this before session_set_result() in all unit tests (--wrap), so each test of a
 * plugin guards its table too. Plugins of the tests themselves may say nothing of what they
 * publish; those of the project may not.
 */
#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "chain/chain.h"
#include "host/published.h"
#include "mail/session.h"

/* Names that the linker makes of the function's. */
void
__real_session_set_result(struct cm_session *, const char *plugin, const char *key, const char *);
void __wrap_session_set_result(
	struct cm_session *, const char *plugin, const char *key, const char *value);

/* It stands in the test itself, or in the directory of the tests' plugins. */
static bool
is_of_tests(const struct cm_plugin *plugin)
{
	static const char here;
	Dl_info ours, theirs;
	char *file;
	bool is;

	ck_assert(dladdr(&here, &ours) != 0 && dladdr(plugin->name, &theirs) != 0);
	if (theirs.dli_fbase == ours.dli_fbase)
		return true;
	file = realpath(theirs.dli_fname, NULL);
	is = file != NULL && strstr(file, "/tests/plugins/") != NULL;
	free(file);
	return is;
}

static void
check(const struct cm_plugin *plugin, const char *key, const char *value)
{
	struct cm_published row;

	if (plugin->published_count == 0 && is_of_tests(plugin))
		return;
	ck_assert_msg(published_find(plugin, key, &row),
		"%s publishes %s = %s, and its table has no such result", plugin->name, key, value);
	ck_assert_msg(published_may_be(&row, value),
		"%s publishes %s = %s, which its table does not have: %s", plugin->name, key, value,
		row.words);
}

void
__wrap_session_set_result(
	struct cm_session *s, const char *plugin, const char *key, const char *value)
{
	const struct link *link = chain_running(s);

	if (link != NULL && value != NULL && strcmp(link->plugin->name, plugin) == 0)
		check(link->plugin, key, value);
	__real_session_set_result(s, plugin, key, value);
}
