/* SPDX-License-Identifier: MIT */
/*
 * skeleton.c - the shortest plugin that is complete: refuses clients that greet with a given name
 *
 * Copy it to plugins/NAME.c, change "skeleton" to NAME, run make: nothing else has to be told.
 */
#include <chainmail/plugin.h>
#include <strings.h>

struct config {
	const char *refuse;
};

static enum cm_verdict
helo(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);

	if (config->refuse == NULL || strcasecmp(ev->name, config->refuse) != 0)
		return CM_CONTINUE;
	cm_set_result(s, "result", "listed");
	cm_reply(s, 550, "5.7.1", "The name %s is not welcome here", ev->name);
	return CM_REJECT;
}

static const struct cm_option options[] = {
	{"refuse", CM_OPT_STRING, offsetof(struct config, refuse), .help = "name that is refused"},
};

static const struct cm_published published[] = {
	{"result", "listed", "the client greeted with that name"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "skeleton",
	.help = "refuses clients that greet with a given name",
	.options = options,
	.option_count = 1,
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.helo = helo,
	.published = published,
	.published_count = 1,
	.published_size = sizeof(*published),
};
