/* SPDX-License-Identifier: MIT */
/*
 * control_wire.h - lines in and answers out, with patience that ends
 *
 * Knows octets and the clock, nothing of what they mean.
 */
#ifndef CORE_ADMIN_CONTROL_WIRE_H
#define CORE_ADMIN_CONTROL_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define CONTROL_LINE_MOST 8192u
/* Microseconds for a whole line, however it comes, and to take a whole answer. */
#define CONTROL_HEAR_US (30 * CLOCK_SEC)
#define CONTROL_SEND_US (10 * CLOCK_SEC)

struct control_wire {
	int fd; /* does not block */
	char line[CONTROL_LINE_MOST];
	size_t len;   /* octets that came, */
	size_t taken; /* and that the latest line took, with its end */
};

enum control_heard {
	CONTROL_HEARD,
	CONTROL_TOO_LONG,
	CONTROL_GONE /* hung up, or out of time */
};

/* The next line, without its end; until the next call. */
enum control_heard control_hear(struct control_wire *, const char **line, size_t *len);
/* False: nobody took it in time. */
bool control_send(struct control_wire *, const char *, size_t len);
/* The same with all patience: until nobody is there any more, or *ending. */
bool control_stream(struct control_wire *, const char *, size_t len, const _Atomic bool *ending);
/* A moment, or less when the other end does something. */
void control_pause(const struct control_wire *);
/* Nobody is at the other end any more; who only has nothing more to say is. */
bool control_left(const struct control_wire *);

#endif
