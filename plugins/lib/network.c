/* SPDX-License-Identifier: MIT */
/*
 * network.c - the network of an address, as part of a key
 *
 * Written for each message by several links: IPv4 without printf(), which inet_ntop() uses as well
 * and which takes longer than the store.
 */
#include "network.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

static void
mask(unsigned char *octets, size_t count, unsigned bits)
{
	for (size_t i = bits / 8; i < count; i++) {
		unsigned kept = i == bits / 8 ? bits % 8 : 0;

		octets[i] = (unsigned char)(octets[i] & (0xff00u >> kept));
	}
}

/* Up to 999. Returns its end. */
static char *
write_number(char *to, unsigned number)
{
	if (number >= 100)
		*to++ = (char)('0' + number / 100);
	if (number >= 10)
		*to++ = (char)('0' + number / 10 % 10);
	*to++ = (char)('0' + number % 10);
	return to;
}

static char *
write_four(char *to, const unsigned char octets[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			*to++ = '.';
		to = write_number(to, octets[i]);
	}
	return to;
}

static char *
write_six(char *to, const unsigned char octets[16])
{
	inet_ntop(AF_INET6, octets, to, INET6_ADDRSTRLEN);
	return to + strlen(to);
}

void
network_address(const unsigned char *octets, bool six, char out[INET6_ADDRSTRLEN])
{
	char *end = six ? write_six(out, octets) : write_four(out, octets);

	*end = '\0';
}

bool
network_of(const char *ip, unsigned prefix_v4, unsigned prefix_v6, char out[NETWORK_SIZE])
{
	bool four = strchr(ip, ':') == NULL;
	unsigned bits = four ? prefix_v4 : prefix_v6;
	unsigned char octets[16];
	char *to;

	if (inet_pton(four ? AF_INET : AF_INET6, ip, octets) != 1)
		return false;
	mask(octets, four ? 4 : 16, bits);
	to = four ? write_four(out, octets) : write_six(out, octets);
	*to++ = '/';
	*write_number(to, bits) = '\0';
	return true;
}
