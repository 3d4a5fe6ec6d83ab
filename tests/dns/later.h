/* SPDX-License-Identifier: MIT */
/*
 * later.h - answers that wait for their time, the next one first
 */
#ifndef TESTS_DNS_LATER_H
#define TESTS_DNS_LATER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who asked: over UDP an address, over TCP a connection. */
struct asker {
	bool tcp;
	bool cut;      /* hangs up in the middle of the answer */
	int slot;      /* of the connection */
	unsigned life; /* which of those that had the slot */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t address_len;
};

struct later {
	int64_t at; /* milliseconds */
	struct asker asker;
	size_t len;
	unsigned char octets[];
};

/* A copy of the octets. */
void later_add(int64_t at, const struct asker *, const void *octets, size_t len);
/* Milliseconds until the next one; 0: it is due, -1: there is none. */
int later_wait(int64_t now);
/* One that is due, for the caller to free; NULL: none. */
struct later *later_take(int64_t now);

#endif
