/* SPDX-License-Identifier: MIT */
/*
 * net.h - addresses, networks and sets of networks
 *
 * IPv4-mapped IPv6 addresses are treated as the IPv4 address they hold.
 */
#ifndef CORE_BASE_NET_H
#define CORE_BASE_NET_H

#include <stdbool.h>
#include <stddef.h>

#define NET_TEXT 46

struct arena;
struct cm_networks;
struct sockaddr;

struct net_addr {
	unsigned char family; /* 0 none, 4 or 6 */
	unsigned char octets[16];
};

struct net_block {
	struct net_addr addr;
	unsigned bits; /* prefix length */
};

/* "192.0.2.1", "2001:db8::1", "IPv6:2001:db8::1" (RFC 5321 section 4.1.3). */
bool net_parse(struct net_addr *, const char *);
/* False for another family than inet and inet6. */
bool net_from_sockaddr(struct net_addr *, const struct sockaddr *);
/* Canonical text (RFC 5952), "" for none; out has NET_TEXT octets. */
void net_text(const struct net_addr *, char *out);
/*
 * "192.0.2.0/24", or an address alone. False also for bits set behind the prefix: the block is then
 * the network that was meant; else its family is 0.
 */
bool net_block_parse(struct net_block *, const char *);
bool net_block_has(const struct net_block *, const struct net_addr *);

/* The set lives in the arena. */
struct cm_networks *networks_new(struct arena *);
void networks_add(struct cm_networks *, struct arena *, const struct net_block *);
/* Another set with the same networks, in another arena; NULL of NULL. */
struct cm_networks *networks_copy(struct arena *, const struct cm_networks *);
/* A NULL set has nobody. */
bool networks_have(const struct cm_networks *, const struct net_addr *);

#endif
