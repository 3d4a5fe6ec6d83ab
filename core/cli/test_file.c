/* SPDX-License-Identifier: MIT */
/*
 * test_file.c - runs the cases of one test file
 *
 * Each case has a generation of its own, with the rule beside the test file, and a session of its
 * own. A store is memory and ends with its generation; where cases share it, one generation ends
 * after the next has begun.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "conf/diag.h"
#include "host/generation.h"
#include "host/script_test.h"
#include "service/dns_type.h"
#include "service/geo.h"
#include "service/resolver.h"
#include "test.h"

#define ENDING	  "_test.lua"
#define NAME_MOST 64u /* of a section of filter.conf */
/* When cases begin: 2026-01-01 12:00 UTC. */
#define START INT64_C(1767268800)

/* Cases of one file. */
struct file {
	struct test_run *run;
	struct script_test test;
	const char *path; /* absolute */
	const char *rule;
	const char *conf; /* as a filter.conf beside the test file would be called */
};

static void
finish(struct test_run *run, struct test_result *r)
{
	*run->last = r;
	run->last = &r->next;
	if (r->ok)
		run->passed++;
	else
		run->failed++;
	if (run->show != NULL)
		run->show(run, r);
}

/* Files may be called anything. */
static const char *
clean(struct arena *arena, const char *name)
{
	char *copy = arena_strdup(arena, name);

	text_clean(copy);
	return copy;
}

static struct test_result *
new_result(struct file *f, const struct script_test_case *c)
{
	struct arena *arena = &f->run->arena;
	struct test_result *r = arena_alloc(arena, sizeof(*r));

	r->rule = clean(arena, f->rule);
	r->file = clean(arena, text_path_here(f->path));
	r->name = c == NULL ? NULL : arena_strdup(arena, c->name);
	r->line = c == NULL ? 0 : c->line;
	return r;
}

static void
fail_file(struct file *f, const char *why)
{
	struct test_result *r = new_result(f, NULL);

	r->got = arena_strdup(&f->run->arena, why);
	finish(f->run, r);
}

/* All that is wrong, as `chainmail check` would print it. */
static const char *
mistakes(struct arena *arena, const struct diag *diag)
{
	char *text = NULL;
	const char *kept;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return "out of memory";
	diag_print(diag, out);
	fclose(out);
	while (len > 0 && text[len - 1] == '\n')
		len--;
	kept = arena_strndup(arena, text, len);
	free(text);
	if (strstr(kept, " needs the plugin ") != NULL)
		kept = arena_printf(arena,
			"%s\n  = help: a case gives results (spf = \"pass\"), or the test file "
			"names the plugin: plugin(\"NAME\", { })",
			kept);
	return kept;
}

/* The first question that the case does not answer. */
static void
miss(void *context, const char *name, enum cm_dns_type type)
{
	struct test_run *run = context;

	if (run->missed == NULL)
		run->missed = arena_printf(&run->arena, "%s %s", name, dns_type_name(type));
}

/* NULL: the result says why. */
static struct generation *
load(struct file *f, const struct script_test_case *c, struct test_result *r)
{
	const char *zone = c->zone == NULL ? "" : c->zone;
	struct diag *diag = diag_new();
	struct geo_place place = {.asn = 0};
	struct generation_seams seams = {
		.plugins = f->run->plugins, .place = &place, .cover = f->run->cover};
	struct generation *g = NULL;
	struct buf text;

	buf_init(&text, 0);
	test_config(&text, f->run, f->rule, &f->test, c);
	if (c->country != NULL)
		snprintf(place.country, sizeof(place.country), "%s", c->country);
	seams.text = text.data;
	seams.len = text.len;
	seams.resolver = resolver_open_text("dns", zone, strlen(zone), miss, f->run, diag);
	if (seams.resolver != NULL)
		g = generation_load_with(f->conf, &seams, diag);
	if (g == NULL)
		r->got = mistakes(&f->run->arena, diag);
	buf_fini(&text);
	diag_free(diag);
	return g;
}

static void
run_case(struct file *f, const struct script_test_case *c)
{
	struct test_result *r = new_result(f, c);
	int64_t began = clock_cpu();
	struct generation *g;

	if (!f->test.shared_store) {
		generation_swap(NULL);
		clock_freeze(START);
	}
	f->run->missed = NULL;
	g = load(f, c, r);
	if (g != NULL) {
		generation_swap(g);
		test_case(f->run, c, r);
	}
	r->us = clock_cpu() - began;
	finish(f->run, r);
}

static bool
wanted(const struct file *f, const struct script_test_case *c)
{
	struct arena *arena = &f->run->arena;
	const char *name;

	if (f->run->pattern == NULL)
		return true;
	name = arena_printf(arena, "%s: %s", f->rule, c->name);
	return fnmatch(arena_printf(arena, "*%s*", f->run->pattern), name, FNM_CASEFOLD) == 0;
}

/* "/scripts/x_test.lua" is of the rule x. */
static const char *
rule_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_strndup(arena, slash + 1, strlen(slash + 1) - strlen(ENDING));
}

static void
run_cases(struct file *f)
{
	for (const struct script_test_case *c = f->test.cases; c != NULL; c = c->next) {
		if (wanted(f, c))
			run_case(f, c);
	}
	generation_swap(NULL);
}

static bool
rule_name(const char *name)
{
	size_t len =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");

	return name[len] == '\0' && len <= NAME_MOST;
}

void
test_file(struct test_run *run, const char *path)
{
	struct file f = {.run = run, .path = path, .rule = rule_of(&run->arena, path)};
	struct err err;

	if (!rule_name(f.rule)) {
		fail_file(&f,
			"a rule whose name has other characters than letters, digits, _ - and . "
			"cannot be named in filter.conf");
		return;
	}
	f.conf = arena_printf(&run->arena, "%.*s/filter.conf of the case",
		(int)(strrchr(path, '/') - path), path);
	clock_freeze(START);
	if (!script_test_read(&f.test, path, run->plugins, &err))
		fail_file(&f, err.text);
	else if (f.test.cases == NULL)
		fail_file(&f, "the file has no case: write case \"name\" { } "
			      ":mail \"a@b.example\" :expect \"nothing\"");
	else
		run_cases(&f);
	clock_thaw();
	script_test_fini(&f.test);
}
