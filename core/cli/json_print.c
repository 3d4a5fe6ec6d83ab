/* SPDX-License-Identifier: MIT */
/*
 * json_print.c - a JSON value for programs, which no terminal acts upon
 */
#include "json_print.h"

#include <stdio.h>
#include <stdlib.h>

void
json_print(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);

	/* DEL is ASCII for the library, and printable for nobody. */
	for (const char *p = text; p != NULL && *p != '\0'; p++) {
		if (*p == 0x7f)
			printf("\\u007f");
		else
			putchar(*p);
	}
	putchar('\n');
	free(text);
}
