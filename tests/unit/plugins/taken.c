/* SPDX-License-Identifier: MIT */
/*
 * taken.c - a plugin with an option named as one that every plugin has
 */
#include <chainmail/plugin.h>

struct config {
	int64_t timeout;
};

static const struct cm_option options[] = {
	{"timeout", CM_OPT_INT, offsetof(struct config, timeout), .help = "clashes"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "taken",
	.options = options,
	.option_count = 1,
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
};
