/* SPDX-License-Identifier: MIT */
/*
 * fuzz_zip.c - any octets as a ZIP file: the same, or unreadable, when something is put in front
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/office.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct office found = office_look(data, len), behind;
	unsigned char *file = calloc(1, len + 100);

	if (len > 0)
		memcpy(file + 100, data, len);
	behind = office_look(file, len + 100);
	free(file);
	if (found.macros && !found.unreadable && len > 4 && memcmp(data, "PK\3\4", 4) == 0 &&
		!behind.macros && !behind.unreadable)
		abort();
	return 0;
}
