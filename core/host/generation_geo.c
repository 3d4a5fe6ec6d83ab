/* SPDX-License-Identifier: MIT */
/*
 * generation_geo.c - the section geo: databases that say where an address is
 */
#include "base/account.h"
#include "generation_build.h"
#include "service/geo.h"

static struct geo_file *
open_file(struct build *b, const struct build_section *s, const char *name, const char *path)
{
	const struct conf_setting *setting = conf_find(s->section, name);
	struct geo_file *file;
	struct denial denial;
	struct err err;

	if (path == NULL)
		return NULL;
	file = geo_open(path, &err);
	if (file != NULL)
		return file;
	diag_error(b->diag, setting == NULL ? s->section->pos : setting->value.pos, NULL,
		"geo: %s: %s", path, err.text);
	if (account_denied(path, &denial))
		diag_help(b->diag, "%s", denial.help.text);
	else
		diag_help(b->diag, "it is a file that ends in .mmdb, such as geoipupdate fetches");
	return NULL;
}

void
build_geo(struct build *b)
{
	const struct section_kind *kind = section_kind_find("geo");
	struct geo_settings *set = &b->g->geo;

	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];
		struct schema_part part = {.rows = s->kind->rows, .out = set};

		if (s->kind != kind ||
			!schema_fill(s->what, s->section, &part, 1, &b->world, b->diag))
			continue;
		b->g->chain.geo[0] = open_file(b, s, "database", set->database);
		b->g->chain.geo[1] = open_file(b, s, "asn_database", set->asn_database);
	}
}
