/* SPDX-License-Identifier: MIT */
/*
 * office.c - which of the readers looks at a file
 */
#include "office.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	bool (*is)(const unsigned char *, size_t);
	struct office (*look)(const unsigned char *, size_t);
} readers[] = {
	{office_is_ole, office_look_ole},
	{office_is_zip, office_look_zip},
};

struct office
office_look(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < COUNT(readers); i++) {
		if (readers[i].is(data, len))
			return readers[i].look(data, len);
	}
	return (struct office){.macros = false};
}
