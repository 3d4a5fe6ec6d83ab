/* SPDX-License-Identifier: MIT */
/*
 * tableless.c - a shared object that is no plugin
 */
#include <chainmail/plugin.h>

CM_API int unrelated(void);

int
unrelated(void)
{
	return 1;
}
