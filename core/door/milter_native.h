/* SPDX-License-Identifier: MIT */
/*
 * milter_native.h - one connection of an MTA in the native engine: commands in, packets out
 *
 * The state machine of the milter protocol, versions 2 to 6. Does no I/O and knows no threads, so a
 * test or a fuzzer can be the MTA; milter_runner.c reads and writes for it.
 */
#ifndef CORE_DOOR_MILTER_NATIVE_H
#define CORE_DOOR_MILTER_NATIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conversation.h"
#include "milter_decode.h"
#include "milter_negotiate.h"

/* Larger packets are cut, when they hold a header field, or end the connection. */
#define MILTER_PACKET_MAX ((size_t)1 << 20)

struct milter_native {
	struct conversation conversation; /* from the negotiation on */
	const char *listener;
	unsigned state; /* one of the bits of milter_native.c */
	bool skip;	/* the MTA understands SKIP */
	bool rejected;	/* and sends recipients that it refused, too */
	/* At end of message: whoever changes it from true writes to the MTA until it is set again.
	 */
	atomic_bool may_progress;
};

/* The listener's name is borrowed. */
void milter_native_init(struct milter_native *, const char *listener);
/* Ends the conversation, whatever state it is in. Idempotent. */
void milter_native_fini(struct milter_native *);

/*
 * Runs every whole packet of bytes, appends the answers to out. used: octets that need not come
 * again; what is left is the begin of a packet. skip: octets behind bytes that must be dropped, of
 * a packet too large to be kept. False: the connection is to be closed once out is written, and
 * the reason was logged if it was the MTA's mistake.
 */
bool milter_native_feed(struct milter_native *, const char *bytes, size_t len, struct buf *out,
	size_t *used, size_t *skip);

#endif
