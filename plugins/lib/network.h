/* SPDX-License-Identifier: MIT */
/*
 * network.h - the network of an address, as part of a key
 */
#ifndef PLUGINS_LIB_NETWORK_H
#define PLUGINS_LIB_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>

/* "ADDRESS/BITS" with its final zero. */
#define NETWORK_SIZE (INET6_ADDRSTRLEN + sizeof("/128") - 1)

/* The text of 4 or 16 octets (RFC 5952), as inet_ntop() writes it. */
void network_address(const unsigned char *octets, bool six, char out[INET6_ADDRSTRLEN]);
/* Lengths of prefixes in bits, 0 to 32 and 0 to 128. False: ip is no address, and out is as it was.
 */
bool network_of(const char *ip, unsigned prefix_v4, unsigned prefix_v6, char out[NETWORK_SIZE]);

#endif
