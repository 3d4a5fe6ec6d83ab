/* SPDX-License-Identifier: MIT */
/*
 * older.c - a plugin from before the last fields of both tables were appended
 *
 * What stands where the newer fields are must never be believed: here it would end the process.
 */
#include <chainmail/plugin.h>
#include <stdlib.h>

struct config {
	int64_t first, second;
};

/* struct cm_option without since and renamed_to. */
struct old_option {
	const char *name;
	enum cm_option_type type;
	size_t offset;
	const char *fallback, *choices, *help;
	unsigned flags;
	int64_t min, max;
};

static enum cm_verdict
helo(struct cm_session *s, const struct cm_event *ev)
{
	(void)ev;
	(void)s;
	return CM_CONTINUE;
}

static void
must_not_be_called(struct cm_session *s)
{
	(void)s;
	abort();
}

static const struct old_option options[] = {
	{"first", CM_OPT_INT, offsetof(struct config, first), "1", NULL, "the first", 0, 0, 0},
	{"second", CM_OPT_INT, offsetof(struct config, second), "2", NULL, "the second", 0, 0, 9},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = offsetof(struct cm_plugin, end_msg),
	.name = "older",
	.options = (const struct cm_option *)options,
	.option_count = 2,
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.helo = helo,
	.end_msg = must_not_be_called,
	.end_conn = must_not_be_called,
};
