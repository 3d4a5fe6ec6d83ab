/* SPDX-License-Identifier: MIT */
/*
 * generation_build.h - a generation while it is being built
 *
 * The steps are called in this order by generation_load(). Each goes on after a mistake, so that
 * all of them are reported in one run; what failed leaves something harmless in its place.
 */
#ifndef CORE_HOST_GENERATION_BUILD_H
#define CORE_HOST_GENERATION_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/schema.h"
#include "conf/tree.h"
#include "generation.h"
#include "settings.h"

/* A section that may be read: its kind is known and its name its own. */
struct build_section {
	const struct section_kind *kind;
	const struct conf_section *section;
	const char *what; /* "plugin greylist", for messages */
};

enum build_purpose {
	BUILD_TO_LOOK,
	BUILD_TO_SERVE,	 /* on this machine */
	BUILD_TO_REPLACE /* one that serves, and has what this one may lack */
};

struct build {
	struct generation *g;
	struct diag *diag;
	enum build_purpose purpose;
	const struct generation_seams *seams; /* NULL: none */
	const struct conf_section *root;
	struct schema_world world;
	struct build_section *sections; /* in file order */
	size_t section_count;
	/* Parallel to what stands in g->chain. */
	const struct build_section **link_sections;
	const struct build_section **profile_sections;
};

/* Links as one setting of a profile names them, each with its place there. */
struct build_list {
	const struct conf_setting *setting;
	struct link **links;
	const struct conf_value **items;
	size_t count;
};

struct started {
	const struct cm_plugin *plugin;
	void *config;
	struct started *next; /* started earlier */
};

/* generation_sections.c: which sections there are; those that need nothing else. */
void build_sections(struct build *);
void build_main(struct build *);
void build_notify(struct build *); /* behind main */
void build_listeners(struct build *);
void build_logs(struct build *);
void build_record(struct build *);
size_t build_count(const struct build *, const char *kind);

/* generation_system.c: users, groups and directories of this machine. */
void build_system(struct build *);

/* generation_dns.c */
void build_dns(struct build *);
void build_geo(struct build *);

/* generation_maps.c */
void build_maps(struct build *);

/* generation_stores.c */
void build_stores(struct build *);
const struct cm_store *build_find_store(void *build, const char *name);
const char *const *build_store_names(void *build, size_t *count);
/* What the section names no store for uses the only one. False after a mistake. */
bool build_give_stores(
	struct build *, const struct build_section *, const struct schema_rows *, void *config);

/* generation_links.c: plugins and scripts. */
void build_links(struct build *);
/* It is a script, not a plugin. */
bool build_is_rule(const struct build *, const struct link *);
/* NULL when there is none of that name. */
struct link *build_find_link(const struct build *, const char *name);

/* generation_profiles.c: profiles, and which links run where. */
void build_profiles(struct build *);
/* Nothing of the link ever runs in that profile. */
bool build_off(const struct profile *, const struct link *);

/* generation_check.c: what the sections mean together. */
void build_check_order(struct build *, const struct profile *, const struct build_list *);
void build_check(struct build *);

#endif
