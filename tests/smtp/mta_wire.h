/* SPDX-License-Identifier: MIT */
/*
 * mta_wire.h - packets of the milter protocol over a socket, for the MTA's side
 *
 * Knows lengths, bytes, deadlines and the end of a connection, and nothing of what the packets
 * mean. Output is gathered and leaves when an answer is awaited, as Postfix does it.
 */
#ifndef TESTS_SMTP_MTA_WIRE_H
#define TESTS_SMTP_MTA_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The largest packet believed from a filter; a longer one is WIRE_GARBLED. */
#define WIRE_PACKET_MAX ((size_t)4 << 20)

enum wire_status { WIRE_OK, WIRE_CLOSED, WIRE_TIMEOUT, WIRE_GARBLED };

/* One piece of a packet's payload; a packet is written from several without copying them first. */
struct wire_part {
	const void *bytes;
	size_t length;
};

/* A packet read; `data` belongs to the wire and lasts until the next read. */
struct wire_packet {
	char command;
	const unsigned char *data;
	size_t length;
};

struct wire_buffer {
	unsigned char *bytes;
	size_t length;
	size_t capacity;
};

struct wire {
	int fd;
	int timeout_ms;
	struct wire_buffer out;
	struct wire_buffer in;
	size_t in_used;
};

/* Connects to `unix:PATH`, `local:PATH` or `inet:PORT@HOST` or `inet6:PORT@HOST` (a number or
 * name); on failure errno tells why. */
bool wire_open(struct wire *w, const char *address, int timeout_ms);

/* Closes the socket at once and frees the buffers; bytes not yet flushed are lost. Safe to call
 * twice. */
void wire_close(struct wire *w);

/* Adds bytes as they are: the way to send what no MTA would. */
void wire_add(struct wire *w, const void *bytes, size_t length);

/* Adds a packet: length, command, then the parts. */
void wire_add_packet(struct wire *w, char command, const struct wire_part *parts, size_t count);

/* Sends what was added, within the timeout. */
enum wire_status wire_flush(struct wire *w);

/* Reads one packet, waiting at most timeout_ms for the whole of it. */
enum wire_status wire_read(struct wire *w, int timeout_ms, struct wire_packet *packet);

/* From now on every packet read is written there too, a line each. NULL: no more. */
void wire_write_to(FILE *f);

/* True when bytes have arrived that nobody has read, or the peer has closed. */
bool wire_pending(struct wire *w);

/* Milliseconds of the monotonic clock. */
long long wire_now_ms(void);

#endif
