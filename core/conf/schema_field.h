/* SPDX-License-Identifier: MIT */
/*
 * schema_field.h - a value on its way into a struct; inside schema*.c only
 */
#ifndef CORE_CONF_SCHEMA_FIELD_H
#define CORE_CONF_SCHEMA_FIELD_H

#include "schema.h"

struct schema_field {
	const char *what;
	const struct cm_option *row;
	void *out; /* the member */
	const struct schema_world *world;
	struct diag *diag;
};

/* schema_named.c: what is named here and defined in a section of its own. */
bool schema_read_map(const struct schema_field *, const struct conf_value *);
bool schema_read_store(const struct schema_field *, const struct conf_value *);

#endif
