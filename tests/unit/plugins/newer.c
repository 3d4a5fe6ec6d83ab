/* SPDX-License-Identifier: MIT */
/*
 * newer.c - a plugin of an interface that does not exist yet
 */
#include <chainmail/plugin.h>

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI + 1,
	.size = sizeof(cm_plugin) + 64,
	.name = "newer",
};
