/* SPDX-License-Identifier: MIT */
/*
 * resolver_packet.c - what a server said, believed as far as it makes sense
 *
 * Packets come from libunbound, which has matched them to the question. They are read with the C
 * library's own parser, which checks every length and every compression pointer. What is broken in
 * any place that matters makes the whole answer a server's failure.
 */
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

#include "resolver_answer.h"
#include "resolver_name.h"

/* Links of a chain of CNAMEs; more is a loop, or nobody's business (libunbound follows 11). */
#define CHAIN_MOST 16

struct reading {
	ns_msg packet;
	enum cm_dns_type type;
	char name[RESOLVER_NAME_SIZE]; /* where we are in the chain */
	uint32_t ttl;
	struct draft draft;
};

/* RFC 2181 section 8: the highest bit makes it zero. */
static uint32_t
least_ttl(uint32_t a, uint32_t b)
{
	b = b > INT32_MAX ? 0 : b;
	return a < b ? a : b;
}

/* The name that stands at data, in its one form. */
static bool
read_name(const struct reading *r, const unsigned char *data, char out[RESOLVER_NAME_SIZE])
{
	char text[NS_MAXDNAME];
	size_t len;

	return ns_name_uncompress(ns_msg_base(r->packet), ns_msg_end(r->packet), data, text,
		       sizeof(text)) >= 0 &&
	       resolver_name(text, out, &len);
}

static bool
owned_by(const ns_rr *rr, const char *name)
{
	char owner[RESOLVER_NAME_SIZE];
	size_t len;

	return ns_rr_class(*rr) == ns_c_in && resolver_name(ns_rr_name(*rr), owner, &len) &&
	       strcmp(owner, name) == 0;
}

static bool
read_named(struct reading *r, const ns_rr *rr)
{
	size_t skip = r->type == CM_DNS_MX ? NS_INT16SZ : 0;
	const unsigned char *data = ns_rr_rdata(*rr);
	char name[RESOLVER_NAME_SIZE];

	if (ns_rr_rdlen(*rr) <= skip || !read_name(r, data + skip, name))
		return false;
	draft_add_name(&r->draft, skip == 0 ? 0 : ns_get16(data), name);
	return true;
}

static bool
read_record(struct reading *r, const ns_rr *rr)
{
	switch (r->type) {
	case CM_DNS_A:
	case CM_DNS_AAAA:
	case CM_DNS_TXT:
		return draft_add_data(&r->draft, r->type, ns_rr_rdata(*rr), ns_rr_rdlen(*rr));
	case CM_DNS_CNAME:
	case CM_DNS_MX:
	case CM_DNS_NS:
	case CM_DNS_PTR:
		return read_named(r, rr);
	}
	return false;
}

enum found { FOUND_NOTHING, FOUND_RECORDS, FOUND_ALIAS, FOUND_NONSENSE };

/* What the answer section says of the name where we are. */
static enum found
read_section(struct reading *r)
{
	enum found found = FOUND_NOTHING;
	char alias[RESOLVER_NAME_SIZE];
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(r->packet, ns_s_an); i++) {
		if (ns_parserr(&r->packet, ns_s_an, i, &rr) != 0)
			return FOUND_NONSENSE;
		bool is_alias = ns_rr_type(rr) == ns_t_cname && r->type != CM_DNS_CNAME;

		if ((!is_alias && (int)ns_rr_type(rr) != (int)r->type) || !owned_by(&rr, r->name))
			continue;
		if (is_alias ? !read_name(r, ns_rr_rdata(rr), alias) : !read_record(r, &rr))
			return FOUND_NONSENSE;
		if (found != FOUND_RECORDS)
			found = is_alias ? FOUND_ALIAS : FOUND_RECORDS;
		r->ttl = least_ttl(r->ttl, ns_rr_ttl(rr));
	}
	if (found == FOUND_ALIAS)
		memcpy(r->name, alias, sizeof(alias));
	return found;
}

/* RFC 2308 section 5: the smaller of the SOA's TTL and its last field; without a SOA, not at all.
 */
static uint32_t
negative_ttl(struct reading *r)
{
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(r->packet, ns_s_ns); i++) {
		if (ns_parserr(&r->packet, ns_s_ns, i, &rr) != 0)
			return 0;
		if (ns_rr_type(rr) != ns_t_soa || ns_rr_rdlen(rr) < NS_INT32SZ)
			continue;
		uint32_t minimum =
			(uint32_t)ns_get32(ns_rr_rdata(rr) + ns_rr_rdlen(rr) - NS_INT32SZ);

		return least_ttl(least_ttl(r->ttl, ns_rr_ttl(rr)), minimum);
	}
	return 0;
}

static enum cm_dns_status
follow(struct reading *r)
{
	for (int links = 0; links <= CHAIN_MOST; links++) {
		switch (read_section(r)) {
		case FOUND_NONSENSE:
			return CM_DNS_SERVFAIL;
		case FOUND_RECORDS:
			return CM_DNS_FOUND;
		case FOUND_NOTHING:
			return CM_DNS_NO_DATA;
		case FOUND_ALIAS:
			break;
		}
	}
	return CM_DNS_SERVFAIL;
}

static enum cm_dns_status
read_packet(struct reading *r)
{
	enum cm_dns_status status = follow(r);

	switch (ns_msg_getflag(r->packet, ns_f_rcode)) {
	case ns_r_noerror:
		return status;
	case ns_r_nxdomain:
		return status == CM_DNS_SERVFAIL ? status : CM_DNS_NO_NAME;
	case ns_r_refused:
		return CM_DNS_REFUSED;
	default:
		return CM_DNS_SERVFAIL;
	}
}

struct answer *
answer_read(const unsigned char *packet, size_t len, const char *name, enum cm_dns_type type,
	bool bogus, bool secure)
{
	struct reading r = {.type = type, .ttl = UINT32_MAX};
	enum cm_dns_status status = CM_DNS_SERVFAIL;
	struct answer *a;

	strncpy(r.name, name, sizeof(r.name) - 1);
	draft_init(&r.draft);
	if (bogus)
		status = CM_DNS_BOGUS;
	else if (len <= NS_MAXMSG && ns_initparse(packet, (int)len, &r.packet) == 0)
		status = read_packet(&r);
	if (status == CM_DNS_FOUND)
		return draft_finish(&r.draft, r.name, r.ttl, secure);
	bool no = status == CM_DNS_NO_DATA || status == CM_DNS_NO_NAME;

	a = answer_new(status, no ? r.name : name, no ? negative_ttl(&r) : 0);
	a->said.secure = no && secure;
	free(r.draft.records);
	buf_fini(&r.draft.text);
	return a;
}
