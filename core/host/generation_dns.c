/* SPDX-License-Identifier: MIT */
/*
 * generation_dns.c - the section dns: a resolver, or a zone file in its place
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "generation_build.h"
#include "service/resolver.h"

static const struct conf_value *
written(const struct build_section *s, const char *name)
{
	const struct conf_setting *setting = conf_find(s->section, name);

	return setting == NULL ? NULL : &setting->value;
}

/* libunbound would take a file without keys, and check nothing. */
static bool
holds_key(const char *path)
{
	FILE *in = fopen(path, "re");
	char line[1024];
	bool found = false;

	while (in != NULL && !found && fgets(line, sizeof(line), in) != NULL)
		found = line[0] != ';' &&
			(strstr(line, "DNSKEY") != NULL || strstr(line, "DS") != NULL);
	if (in != NULL)
		fclose(in);
	if (in != NULL)
		errno = ENOMSG;
	return found;
}

/* DNSSEC begins with the keys of the root. */
static bool
has_anchor(struct build *b, const struct build_section *s, const struct dns_settings *set)
{
	const char *path = set->resolver.trust_anchor;
	const struct conf_value *v = written(s, "trust_anchor");

	if (!set->resolver.dnssec || holds_key(path))
		return true;
	v = v != NULL ? v : written(s, "dnssec");
	diag_error(b->diag, v != NULL ? v->pos : s->section->pos, NULL,
		"dnssec: cannot read the keys of the root in %s: %s", path,
		errno == ENOMSG ? "it holds none" : strerror(errno));
	diag_help(b->diag, "install them: apt-get install dns-root-data; or set dnssec = no");
	return false;
}

static struct resolver *
open_live(struct build *b, const struct build_section *s, const struct dns_settings *set)
{
	struct resolver *r;
	struct err err;

	if (!has_anchor(b, s, set))
		return NULL;
	r = resolver_open(&set->resolver, &err);
	if (r == NULL)
		diag_error(b->diag, s->section->pos, NULL, "dns: %s", err.text);
	return r;
}

void
build_dns(struct build *b)
{
	static const struct conf_section none = {.kind = "dns"};
	struct build_section s = {section_kind_find("dns"), &none, "dns"};
	struct schema_part part = {.rows = s.kind->rows};
	struct dns_settings *set = &b->g->dns;

	for (size_t i = 0; i < b->section_count; i++) {
		if (b->sections[i].kind == s.kind)
			s = b->sections[i];
	}
	part.out = set;
	if (!schema_fill(s.what, s.section, &part, 1, &b->world, b->diag))
		return;
	b->g->chain.resolver =
		set->zone != NULL ? resolver_open_zone(set->zone, b->diag) : open_live(b, &s, set);
}

void
generation_set_resolver(struct generation *g, struct resolver *r)
{
	resolver_close(g->chain.resolver);
	g->chain.resolver = r;
}

bool
generation_set_zone(struct generation *g, const char *path, struct diag *diag)
{
	struct resolver *zone = resolver_open_zone(path, diag);

	if (zone == NULL)
		return false;
	generation_set_resolver(g, zone);
	g->dns.zone = arena_strdup(&g->arena, path);
	return true;
}
