/* SPDX-License-Identifier: MIT */
/*
 * test_config.c - filter.conf for one case of a rule's test
 *
 * One profile, whose chain is the rule behind the plugins whose results the case gives. Those are
 * not the real ones: they publish what the case says, at the stage where the real ones do.
 */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "host/plugin.h"
#include "host/script_test.h"
#include "test.h"

struct given {
	struct cm_list results; /* "key value" */
};

static enum cm_verdict
give(struct cm_session *s, const struct cm_event *ev)
{
	const struct given *given = cm_config(s);

	(void)ev;
	for (size_t i = 0; i < given->results.count; i++) {
		const char *item = given->results.items[i];
		char key[128];
		size_t len = strcspn(item, " ");

		if (len >= sizeof(key) || item[len] == '\0')
			continue;
		memcpy(key, item, len);
		key[len] = '\0';
		cm_set_result(s, key, item + len + 1);
	}
	return CM_CONTINUE;
}

static const struct cm_option given_rows[] = {
	{"results", CM_OPT_LIST, offsetof(struct given, results), .help = "what it publishes"},
};

#define GIVEN(type, stage)                                                                       \
	{                                                                                        \
		.abi = CM_ABI, .size = sizeof(struct cm_plugin), .name = (type),                 \
		.help = "gives the results of a test", .options = given_rows, .option_count = 1, \
		.option_size = sizeof(*given_rows), .config_size = sizeof(struct given),         \
		.stage = give                                                                    \
	}

static const struct cm_plugin plugins[SCRIPT_TEST_RESULTS] = {
	[SCRIPT_TEST_ARC] = GIVEN("arc", eom),
	[SCRIPT_TEST_DKIM] = GIVEN("dkim", eom),
	[SCRIPT_TEST_DMARC] = GIVEN("dmarc", eom),
	[SCRIPT_TEST_SPF] = GIVEN("spf", mail),
};

static const struct cm_plugin *
stand_in(struct arena *arena, const struct cm_plugin *given, const char *plugin_dir)
{
	struct cm_plugin *plugin = arena_alloc(arena, sizeof(*plugin));
	const struct cm_plugin *real;
	struct err err;

	*plugin = *given;
	real = plugin_load(given->name, plugin_dir, &err);
	if (real == NULL)
		return plugin;
	plugin->published = real->published;
	plugin->published_count = real->published_count;
	plugin->published_size = real->published_size;
	return plugin;
}

const struct cm_plugin *const *
test_plugins(struct arena *arena, const char *plugin_dir)
{
	const struct cm_plugin **all = arena_array(arena, SCRIPT_TEST_RESULTS + 1, sizeof(*all));

	for (size_t i = 0; i < SCRIPT_TEST_RESULTS; i++)
		all[i] = stand_in(arena, &plugins[i], plugin_dir);
	return all;
}

/* Control characters are refused by who reads it. */
static void
quote(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

void
test_config(struct buf *out, const struct test_run *run, const char *rule,
	const struct script_test *test, const struct script_test_case *c)
{
	buf_add_str(out, "main {\n\tauthserv_id = mx.example.com\n");
	if (run->plugin_dir != NULL) {
		buf_add_str(out, "\tplugin_dir = ");
		quote(out, run->plugin_dir);
		buf_add_char(out, '\n');
	}
	if (c->trusted) {
		buf_add_str(out, "\ttrusted_networks = [ ");
		quote(out, c->client);
		buf_add_str(out, " ]\n");
	}
	buf_add_str(out,
		"}\nlistener mta { socket = unix:mta.sock }\nstore memory { type = memory }\n");
	buf_add(out, test->sections.data, test->sections.len);
	for (size_t i = 0; i < SCRIPT_TEST_RESULTS; i++) {
		if (c->results[i] != NULL)
			buf_printf(out, "plugin %s { results = [ %s ] }\n", plugins[i].name,
				c->results[i]);
	}
	/* The name of a section holds nothing that ends a string. */
	buf_printf(out, "script %s {\n\tfile = \"%s.lua\"\n\tsettings {\n%s\t}\n}\n", rule, rule,
		c->settings == NULL ? "" : c->settings);
	buf_add_str(out, "profile test { chain = [ ");
	for (size_t i = 0; i < SCRIPT_TEST_RESULTS; i++) {
		if (c->results[i] != NULL)
			buf_printf(out, "%s, ", plugins[i].name);
	}
	buf_printf(out, "%s ] }\n", rule);
}
