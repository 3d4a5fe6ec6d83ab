/* SPDX-License-Identifier: MIT */
/*
 * dns_packet.h - packets as a DNS server writes them, right and wrong
 */
#ifndef TESTS_UNIT_DNS_PACKET_H
#define TESTS_UNIT_DNS_PACKET_H

#include <stdint.h>
#include <string.h>

struct dns_packet {
	unsigned char octets[65535];
	size_t len;
};

static inline void
packet_put(struct dns_packet *p, const void *data, size_t len)
{
	memcpy(p->octets + p->len, data, len);
	p->len += len;
}

static inline void
packet_number(struct dns_packet *p, unsigned octets, uint32_t value)
{
	while (octets-- > 0)
		p->octets[p->len++] = (unsigned char)(value >> 8 * octets);
}

/* Labels as they are, up to "". */
static inline void
packet_name(struct dns_packet *p, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");

		packet_number(p, 1, (uint32_t)len);
		packet_put(p, name, len);
		name += len + (name[len] == '.');
	}
	packet_number(p, 1, 0);
}

/* A header with one question; counts of answers and authority records. */
static inline void
packet_begin(struct dns_packet *p, const char *name, unsigned type, unsigned rcode,
	unsigned answers, unsigned authority)
{
	p->len = 0;
	packet_number(p, 2, 0x1234);
	packet_number(p, 2, 0x8180 | rcode);
	packet_number(p, 2, 1);
	packet_number(p, 2, answers);
	packet_number(p, 2, authority);
	packet_number(p, 2, 0);
	packet_name(p, name);
	packet_number(p, 2, type);
	packet_number(p, 2, 1);
}

static inline void
packet_record(struct dns_packet *p, const char *name, unsigned type, uint32_t ttl, const void *data,
	size_t len)
{
	packet_name(p, name);
	packet_number(p, 2, type);
	packet_number(p, 2, 1);
	packet_number(p, 4, ttl);
	packet_number(p, 2, (uint32_t)len);
	packet_put(p, data, len);
}

/* Data that begins with a preference where that is not negative, and is a name. */
static inline void
packet_named(struct dns_packet *p, const char *owner, unsigned type, uint32_t ttl, int preference,
	const char *name)
{
	struct dns_packet data = {.len = 0};

	if (preference >= 0)
		packet_number(&data, 2, (uint32_t)preference);
	packet_name(&data, name);
	packet_record(p, owner, type, ttl, data.octets, data.len);
}

#endif
