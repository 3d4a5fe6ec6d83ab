/* SPDX-License-Identifier: MIT */
/*
 * outside.c - a plugin with an option that would be written behind its settings
 */
#include <chainmail/plugin.h>

struct config {
	int64_t only;
};

static const struct cm_option options[] = {
	{"only", CM_OPT_INT, offsetof(struct config, only), .fallback = "1", .help = "fits"},
	{"rate", CM_OPT_RATE, offsetof(struct config, only), .fallback = "1/1s",
		.help = "does not"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "outside",
	.options = options,
	.option_count = 2,
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
};
