/* SPDX-License-Identifier: MIT */
/*
 * misnamed.c - a plugin whose table says another name than its file
 */
#include <chainmail/plugin.h>

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "other",
};
