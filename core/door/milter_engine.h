/* SPDX-License-Identifier: MIT */
/*
 * milter_engine.h - what an engine is to the milter door
 */
#ifndef CORE_DOOR_MILTER_ENGINE_H
#define CORE_DOOR_MILTER_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "milter_socket.h"

/* Lives from the start of the daemon to its end. */
struct milter_listener {
	const char *name;
	struct milter_socket socket;
	const struct cm_networks *allow; /* peers of an inet socket; NULL: all that reach it */
	int64_t idle_us, packet_us;	 /* how long an MTA may be silent, and stop in a packet */
	struct arena arena;
};

struct milter_engine {
	const char *name;
	/* Takes over an open listener. */
	bool (*add)(struct milter_listener *, struct err *);
	/* threads: to run at once, 0 one per core; most: there may be. Returns at once. */
	bool (*start)(unsigned threads, unsigned most, struct err *);
	/* Takes no more connections. */
	void (*drain)(void);
	/* Connections with answers that their MTA has not taken yet. */
	unsigned (*unsent)(void);
	/* Ends its threads and connections; what is left ends with the process. */
	void (*stop)(void);
	/* It ended by itself, and should not have. */
	bool (*failed)(void);
};

extern const struct milter_engine milter_native_engine, milter_libmilter_engine;

#endif
