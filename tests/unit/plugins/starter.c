/* SPDX-License-Identifier: MIT */
/*
 * starter.c - a plugin that writes down when it is started and stopped
 */
#include <chainmail/plugin.h>
#include <stdio.h>

struct config {
	const char *diary, *refusal;
	int64_t number;
	const struct cm_map *map;
};

static bool
note(const struct config *config, const char *what)
{
	FILE *f = config->diary == NULL ? NULL : fopen(config->diary, "a");

	if (f == NULL)
		return false;
	fprintf(f, "%s %lld\n", what, (long long)config->number);
	return fclose(f) == 0;
}

static bool
start(void *config, char *why, size_t why_size)
{
	const struct config *c = config;

	if (c->refusal != NULL) {
		snprintf(why, why_size, "%s", c->refusal);
		return false;
	}
	return c->diary == NULL || note(c, "start");
}

static void
stop(void *config)
{
	note(config, "stop");
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	(void)s;
	(void)ev;
	return CM_CONTINUE;
}

static const struct cm_option options[] = {
	{"diary", CM_OPT_PATH, offsetof(struct config, diary), .help = "file it writes to"},
	{"map", CM_OPT_MAP, offsetof(struct config, map), .help = "any map"},
	{"number", CM_OPT_INT, offsetof(struct config, number), "7", .min = 1, .max = 9,
		.help = "written behind each line"},
	{"refusal", CM_OPT_STRING, offsetof(struct config, refusal),
		.help = "why it does not start"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "starter",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.start = start,
	.stop = stop,
	.mail = mail,
};
