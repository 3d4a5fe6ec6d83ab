/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ole.c - any octets behind the header of a compound file: what is behind them hides nothing
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/office.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct office
look(const uint8_t *data, size_t len, size_t more)
{
	static const unsigned char magic[] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
	unsigned char *file = calloc(1, 512 + len + more);
	struct office found;

	memcpy(file, magic, sizeof(magic));
	if (len > 0)
		memcpy(file + 512, data, len);
	found = office_look(file, 512 + len + more);
	free(file);
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct office found = look(data, len, 0), more = look(data, len, 512);

	if (found.unreadable != (len == 0) || more.unreadable || (found.macros && !more.macros) ||
		(found.encrypted && !more.encrypted))
		abort();
	return 0;
}
