/* SPDX-License-Identifier: MIT */
/*
 * milter.c - the milter door: its listeners and the engines that serve them
 */
#include "milter.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/net.h"
#include "milter_engine.h"

static const struct milter_engine *const engines[] = {
	[ENGINE_NATIVE] = &milter_native_engine,
	[ENGINE_LIBMILTER] = &milter_libmilter_engine,
};

#define ENGINES (sizeof(engines) / sizeof(*engines))

/* Used by the main thread alone. */
static struct {
	struct milter_listener **listeners;
	size_t count;
} door;

static void
free_listener(struct milter_listener *l)
{
	milter_socket_close(&l->socket);
	arena_fini(&l->arena);
	free(l);
}

static struct milter_listener *
copy_settings(const struct listener_settings *set)
{
	struct milter_listener *l = mem_zalloc(1, sizeof(*l));

	arena_init(&l->arena, 256);
	l->name = arena_strdup(&l->arena, set->name);
	l->allow = networks_copy(&l->arena, set->allow);
	l->idle_us = set->idle_us;
	l->packet_us = set->packet_us;
	l->socket.fd = -1;
	return l;
}

bool
milter_open(const struct listener_settings *set, struct err *err)
{
	struct milter_listener *l = copy_settings(set);

	if (!milter_socket_open(
		    &l->socket, set->socket, (mode_t)set->mode, set->group, set->name, err) ||
		!engines[set->engine]->add(l, err)) {
		free_listener(l);
		return false;
	}
	door.listeners =
		mem_grow(door.listeners, mem_product(door.count + 1, sizeof(*door.listeners)));
	door.listeners[door.count++] = l;
	return true;
}

bool
milter_start(const struct main_settings *set, struct err *err)
{
	for (size_t i = 0; i < ENGINES; i++) {
		if (!engines[i]->start((unsigned)set->threads, (unsigned)set->max_threads, err))
			return false;
	}
	return true;
}

void
milter_drain(void)
{
	for (size_t i = 0; i < ENGINES; i++)
		engines[i]->drain();
}

unsigned
milter_unsent(void)
{
	unsigned sum = 0;

	for (size_t i = 0; i < ENGINES; i++)
		sum += engines[i]->unsent();
	return sum;
}

void
milter_stop(void)
{
	for (size_t i = 0; i < ENGINES; i++)
		engines[i]->stop();
	/* A thread that could not be ended may still look at its listener. */
	for (size_t i = 0; i < door.count; i++)
		milter_socket_close(&door.listeners[i]->socket);
}

bool
milter_failed(void)
{
	for (size_t i = 0; i < ENGINES; i++) {
		if (engines[i]->failed())
			return true;
	}
	return false;
}
