/* SPDX-License-Identifier: MIT */
/*
 * milter_peers.h - the connections of the native engine, and which thread serves each
 */
#ifndef CORE_DOOR_MILTER_PEERS_H
#define CORE_DOOR_MILTER_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "milter_conn.h"
#include "milter_engine.h"

/* What epoll knows: the first member of everything that is in the set. */
struct milter_source {
	/* Of the events that epoll told. False: the thread ends. */
	bool (*serve)(struct milter_source *, uint32_t events, struct milter_room *);
};

/* As epoll_ctl(); false with errno. */
bool milter_watch(int epoll, int operation, int fd, uint32_t events, struct milter_source *);

/* Connections are watched in this set. */
void milter_peers_open(int epoll);
/* No thread serves any more: ends all connections. */
void milter_peers_close(void);

/* Counts one more connection before it is there, unless so many are open; threads that take
 * connections at a time stay within it together. What comes next is one of the three. */
bool milter_peers_reserve(unsigned most);
/* Nobody came. */
void milter_peers_release(void);
/* Takes the descriptor of a new connection, and has it served. The listener is borrowed. */
void milter_peers_add(const struct milter_listener *, int fd);
/* The same, and begins with it in this thread, of the engine. */
void milter_peers_serve(const struct milter_listener *, int fd, struct milter_room *);
/* Those that are open, and the reserved. */
unsigned milter_peers_count(void);
/* Once after many were open at a time, and half of them ended: their memory is worth to be given
 * back. */
bool milter_peers_crowd_left(void);
/* Hangs up on MTAs that were silent for too long, and tells those that wait to wait on. */
void milter_peers_look(void);
/* It is a connection whose MTA hung up. To be asked while its thread waits. */
bool milter_peers_gone(const struct milter_source *);

#endif
