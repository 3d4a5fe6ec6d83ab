/* SPDX-License-Identifier: MIT */
/*
 * generation.c - one generation of the configuration: loaded whole, or not at all
 *
 * The running generation holds one reference to itself. It is taken and replaced under one lock, so
 * that nobody can take a reference to one that is just going away.
 */
#include "generation.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generation_build.h"
#include "script.h"
#include "service/geo.h"
#include "service/map.h"
#include "service/resolver.h"
#include "service/store.h"

#define ARENA_SIZE   16384
#define FIELDS_MOST  100000 /* header fields of one message; their octets are bounded too */
#define CWD_SIZE_MAX 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct generation *running; /* under the lock; one reference */
static unsigned swaps;		   /* under the lock */

static void
stop_plugins(struct generation *g)
{
	for (struct started *s = g->started; s != NULL; s = s->next)
		s->plugin->stop(s->config);
	g->started = NULL;
}

static void
generation_free(struct generation *g)
{
	stop_plugins(g);
	script_host_free(g->scripts);
	for (size_t i = 0; i < g->map_count; i++)
		map_close(g->maps[i]);
	for (size_t i = 0; i < g->store_count; i++)
		store_close(g->stores[i]);
	resolver_close(g->chain.resolver);
	for (size_t i = 0; i < sizeof(g->chain.geo) / sizeof(*g->chain.geo); i++)
		geo_close(g->chain.geo[i]);
	arena_fini(&g->arena);
	free(g);
}

/* Directory of the file, absolute: the daemon may change its own. */
static const char *
directory_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	char buffer[CWD_SIZE_MAX];
	const char *cwd;

	if (path[0] == '/')
		return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
	cwd = getcwd(buffer, sizeof(buffer));
	cwd = cwd == NULL ? "." : cwd;
	if (slash == NULL)
		return arena_strdup(arena, cwd);
	return arena_printf(arena, "%s/%.*s", cwd, (int)(slash - path), path);
}

static void
fill_chain(struct generation *g)
{
	struct chain *chain = &g->chain;
	const struct main_settings *main = &g->main;

	chain->trusted = main->trusted;
	chain->fail_action = (enum link_failure)main->fail_action;
	chain->message_timeout_us = main->message_timeout_us;
	chain->authserv_id = main->authserv_id;
	chain->limits = (struct session_limits){
		.header_octets = (size_t)main->max_header_size,
		.header_fields = FIELDS_MOST,
		.recipients = (size_t)main->max_recipients,
		.body_octets = main->max_message_size,
	};
}

static struct generation *
new_generation(const char *path)
{
	struct generation *g = mem_zalloc(1, sizeof(*g));

	atomic_init(&g->references, 1);
	arena_init(&g->arena, ARENA_SIZE);
	g->path = arena_strdup(&g->arena, path);
	g->loaded = clock_wall();
	return g;
}

static const struct geo_place *
copy_place(struct arena *arena, const struct geo_place *place)
{
	return place == NULL ? NULL : arena_memdup(arena, place, sizeof(*place));
}

/* What the file says, when it could be read at all. */
static void
build(struct build *b)
{
	if (b->root->sections == NULL && b->root->settings == NULL && diag_errors(b->diag) > 0)
		return;
	build_sections(b);
	build_main(b);
	build_notify(b);
	build_listeners(b);
	build_logs(b);
	build_record(b);
	if (b->seams == NULL)
		build_dns(b);
	build_geo(b);
	build_maps(b);
	build_stores(b);
	build_links(b);
	build_profiles(b);
	build_check(b);
	if (b->purpose != BUILD_TO_LOOK)
		build_system(b);
	if (diag_errors(b->diag) == 0 && b->g->scripts != NULL)
		script_host_start(b->g->scripts, b->diag);
}

static struct generation *
load(const char *path, enum build_purpose purpose, const struct generation_seams *seams,
	struct diag *diag)
{
	struct generation *g = new_generation(path);
	struct build b = {.g = g, .diag = diag, .purpose = purpose, .seams = seams};

	if (seams == NULL) {
		b.root = conf_read(&g->arena, path, diag);
	} else {
		b.root = conf_parse(&g->arena, path, seams->text, seams->len, diag);
		g->chain.resolver = seams->resolver;
		g->chain.place = copy_place(&g->arena, seams->place);
	}
	g->tree = b.root;
	b.world.arena = &g->arena;
	b.world.base_dir = directory_of(&g->arena, path);
	build(&b);
	if (diag_errors(diag) > 0) {
		generation_free(g);
		return NULL;
	}
	fill_chain(g);
	chain_needs(&g->chain, &g->arena, &g->needs);
	return g;
}

struct generation *
generation_load(const char *path, struct diag *diag)
{
	return load(path, BUILD_TO_LOOK, NULL, diag);
}

struct generation *
generation_load_to_serve(const char *path, struct diag *diag)
{
	return load(path, BUILD_TO_SERVE, NULL, diag);
}

struct generation *
generation_load_to_replace(const char *path, struct diag *diag)
{
	return load(path, BUILD_TO_REPLACE, NULL, diag);
}

struct generation *
generation_load_with(const char *path, const struct generation_seams *seams, struct diag *diag)
{
	return load(path, BUILD_TO_LOOK, seams, diag);
}

struct generation *
generation_hold(void)
{
	struct generation *g;

	pthread_mutex_lock(&lock);
	g = running;
	if (g != NULL)
		atomic_fetch_add(&g->references, 1);
	pthread_mutex_unlock(&lock);
	return g;
}

void
generation_drop(struct generation *g)
{
	if (g != NULL && atomic_fetch_sub(&g->references, 1) == 1)
		generation_free(g);
}

void
generation_swap(struct generation *g)
{
	struct generation *old;

	if (g != NULL) {
		live_join(&g->chain);
		counts_join(&g->chain);
	}
	pthread_mutex_lock(&lock);
	old = running;
	running = g;
	if (g != NULL)
		g->number = ++swaps;
	pthread_mutex_unlock(&lock);
	generation_drop(old);
}
