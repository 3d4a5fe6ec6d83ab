/* SPDX-License-Identifier: MIT */
/*
 * packet.h - DNS messages: questions read strictly, answers written, right ones
 *
 * It knows the format (RFC 1035 section 4, RFC 6891) and no behaviour. What spoils an answer is
 * done to the octets of a right one (behave.c).
 */
#ifndef TESTS_DNS_PACKET_H
#define TESTS_DNS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65535
#define WIRE_NAME  255 /* octets of a name, its last zero included */

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_OPT = 41
};

enum { RCODE_OK, RCODE_FORMERR, RCODE_SERVFAIL, RCODE_NXDOMAIN, RCODE_NOTIMP, RCODE_REFUSED };

/* A name as it stands in a packet, without pointers. */
struct name {
	unsigned char octets[WIRE_NAME];
	size_t len; /* at least 1: the root */
};

/* Text with \DDD and \C escapes, with or without a last dot; false for what is no name. */
bool name_from_text(struct name *, const char *text);
/* The name without its first label; the root has no more. */
void name_parent(struct name *out, const struct name *);
/* text.parent; false when that is too long. */
bool name_below(struct name *out, const char *text, const struct name *parent);
bool name_equal(const struct name *, const struct name *); /* ASCII case is ignored */
uint32_t name_hash(const struct name *);

struct query {
	uint16_t id;
	uint16_t type;
	bool recursion;
	bool edns;
	size_t udp_size; /* octets the asker takes over UDP */
	struct name name;
};

/* Exactly one question of class IN, at most one OPT record, nothing behind; false for all else. */
bool query_parse(const unsigned char *octets, size_t len, struct query *);

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

struct packet {
	unsigned char octets[PACKET_MAX];
	size_t len;
	size_t question_end;
	size_t owner;  /* of the first record; 0: none */
	size_t rdata;  /* of the first record, its two octets of length */
	size_t record; /* rdata of the record that is being written */
	bool full;     /* something did not fit and was left out */
};

/* Header and question; records follow. */
void packet_begin(struct packet *, const struct query *, int rcode);
/* The owner NULL is the name that was asked for. */
void
packet_record(struct packet *, enum section, const struct name *owner, uint16_t type, uint32_t ttl);
void packet_octets(struct packet *, const void *, size_t);
void packet_u16(struct packet *, unsigned);
void packet_u32(struct packet *, uint32_t);
void packet_name(struct packet *, const struct name *);
/* Strings of a TXT record, at most 255 octets each. */
void packet_text(struct packet *, const void *, size_t);
void packet_record_end(struct packet *);
/* The OPT record, when the asker sent one. */
void packet_end(struct packet *, const struct query *);
/* Nothing but header, question and OPT, and the bit that says so. */
void packet_truncate(struct packet *, const struct query *);
/* Two octets anywhere in it; for those who spoil it. */
unsigned packet_get16(const struct packet *, size_t at);
void packet_put16(struct packet *, size_t at, unsigned);

#endif
