/* SPDX-License-Identifier: MIT */
/*
 * resolver_answer.h - an answer in one piece of memory
 *
 * Made from what a server sent or from lines of a zone file, record by record, then immutable. What
 * servers send is hostile: whatever it says gives an answer with a defined status.
 */
#ifndef CORE_SERVICE_RESOLVER_ANSWER_H
#define CORE_SERVICE_RESOLVER_ANSWER_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Records of one answer; more are left out. */
#define ANSWER_RECORDS_MOST 1000u
/* For how long an answer is kept, in seconds, whatever it says; one that something is not there. */
#define ANSWER_TTL_MOST	   86400u
#define ANSWER_NO_TTL_MOST 900u

struct answer {
	struct cm_dns_answer said; /* ttl: seconds from when it was made */
	size_t size;		   /* octets of memory, all together */
				   /* Records and texts follow. */
};

/* free() it. Answers without records. */
struct answer *answer_new(enum cm_dns_status, const char *name, uint32_t ttl);
/*
 * What a packet says to the question for name (canonical) and type; never NULL, free() it. bogus:
 * DNSSEC refuses it. (RFC 1035 section 4.1, RFC 2308 for how long "no" holds.)
 */
struct answer *answer_read(const unsigned char *packet, size_t len, const char *name,
	enum cm_dns_type, bool bogus, bool secure);

/* An answer while it is being made. */
struct draft_record {
	size_t text, len;
	unsigned char address[16];
	bool has_address;
	unsigned preference;
};

struct draft {
	struct draft_record *records;
	size_t count, room;
	struct buf text;
};

void draft_init(struct draft *);
/* A, AAAA, TXT by their data on the wire; false where it makes no sense. */
bool draft_add_data(struct draft *, enum cm_dns_type, const unsigned char *, size_t);
void draft_add_text(struct draft *, const char *, size_t);
/* CNAME, MX, NS, PTR; the name is canonical. */
void draft_add_name(struct draft *, unsigned preference, const char *name);
/* Ends the draft. NO_DATA when there is no record. */
struct answer *draft_finish(struct draft *, const char *name, uint32_t ttl, bool secure);

#endif
