/* SPDX-License-Identifier: MIT */
/*
 * milter_decode.h - octets of the milter protocol as checked packets and arguments
 *
 * A pure function of what was read: no session, no I/O, no allocation. What it returns points into
 * the octets given. It trusts nothing: neither a length, nor that a text ends, nor that a list is
 * even. Which command may come when is not its business (milter_native.c).
 */
#ifndef CORE_DOOR_MILTER_DECODE_H
#define CORE_DOOR_MILTER_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/net.h"
#include "milter_negotiate.h"

/* Parameters of MAIL and RCPT that are kept: a client may repeat them as often as its line has
 * room. */
#define MILTER_PARAMETERS 100

struct milter_packet {
	unsigned char command;
	const char *data;
	size_t len;  /* octets of data; of a large packet: those that are there */
	size_t size; /* octets of the whole packet with its length, as the peer claims */
};

enum milter_framing {
	MILTER_PACKET, /* whole */
	MILTER_PART,   /* more must be read */
	MILTER_LARGE,  /* larger than allowed; its command and beginning are there */
	MILTER_BROKEN  /* a packet without a command */
};

/* The packet that begins at bytes; most bounds its data. */
enum milter_framing
milter_frame(struct milter_packet *, const char *bytes, size_t len, size_t most);

/* What stands behind a command. */
enum milter_shape {
	MILTER_NOTHING,
	MILTER_OCTETS,	 /* as they are */
	MILTER_TEXT,	 /* one text */
	MILTER_PAIR,	 /* two texts */
	MILTER_PATH,	 /* an address and its parameters */
	MILTER_CLIENT,	 /* name, address family, port, address */
	MILTER_OFFER,	 /* version, actions, steps */
	MILTER_MACRO_SET /* a command and pairs of texts */
};

struct milter_args {
	const char *data; /* OCTETS: their begin; MACRO_SET: the pairs */
	size_t len;
	const char *text;			       /* TEXT, PATH, CLIENT (name), PAIR (first) */
	const char *value;			       /* PAIR: second */
	const char *parameters[MILTER_PARAMETERS + 1]; /* PATH; ends in NULL */
	bool known;				       /* CLIENT: the address is */
	struct net_addr address;
	unsigned port;
	uint32_t version; /* OFFER */
	struct milter_offer offer;
	unsigned char command; /* MACRO_SET */
};

/* NULL, or what is wrong with the arguments. */
const char *milter_decode(struct milter_args *, enum milter_shape, const char *data, size_t len);

/* The next text of a decoded list, NULL at its end. */
const char *milter_next_text(const char **data, size_t *len);

#endif
