/* SPDX-License-Identifier: MIT */
/*
 * milter_conn.h - one socket of an MTA in the native engine: reads, runs, writes
 *
 * Knows no threads and no other connections; never waits for the MTA.
 */
#ifndef CORE_DOOR_MILTER_CONN_H
#define CORE_DOOR_MILTER_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "milter_native.h"

/* What a thread lends to the connection it serves. */
struct milter_room {
	char *bytes;
	struct buf out;
};

struct milter_conn {
	struct milter_native native;
	int fd;	     /* non-blocking */
	bool ending; /* once out is written */
	bool filled; /* the last read filled its room */
	char *in;    /* begin of a packet; NULL: none, as in nearly all idle connections */
	size_t in_len, in_size;
	size_t skip;	/* octets to come that nobody wants */
	unsigned steps; /* changes whenever a packet ended */
	char *out;	/* answers that the MTA did not take yet; NULL: none */
	size_t out_len, out_done;
};

/* MORE: to read on at once, for there may be more. READ: the socket was empty after the read. */
enum milter_wants { MILTER_WANTS_MORE, MILTER_WANTS_READ, MILTER_WANTS_WRITE, MILTER_WANTS_END };

void milter_room_init(struct milter_room *);
/* Gives its memory back until it is used again. */
void milter_room_rest(struct milter_room *);
void milter_room_fini(struct milter_room *);

/* Takes the descriptor. */
void milter_conn_init(struct milter_conn *, int fd, const char *listener);
/* Ends the conversation; closes the descriptor. */
void milter_conn_fini(struct milter_conn *);

/* The descriptor is ready: reads once, runs every command that is whole, writes what it can. */
enum milter_wants milter_conn_serve(struct milter_conn *, struct milter_room *);
/* The MTA stopped in the middle of a packet. */
bool milter_conn_halfway(const struct milter_conn *);
/* Connections whose MTA has not taken all answers yet. */
unsigned milter_conns_unsent(void);
/* The MTA has hung up; may be asked while another thread serves. */
bool milter_conn_gone(const struct milter_conn *);
/* Tells an MTA that waits at end of message to wait on; from any thread. False: it does not wait.
 */
bool milter_conn_progress(struct milter_conn *, bool send);

#endif
