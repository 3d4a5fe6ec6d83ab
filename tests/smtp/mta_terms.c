/* SPDX-License-Identifier: MIT */
/*
 * mta_terms.c - option negotiation: what the MTA offers and what the filter makes of it
 *
 * Stricter than Postfix, which only logs a filter that wants steps it was not offered.
 */
#include "mta_inside.h"

#include <libmilter/mfdef.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

const struct mta_offer mta_offer_postfix = {6, 0x1ff, 0x1fffff};

static uint32_t
wide_at(const unsigned char *bytes)
{
	uint32_t wide;

	memcpy(&wide, bytes, sizeof wide);
	return ntohl(wide);
}

static bool
take_lists(struct mta_terms *terms, const unsigned char *data, size_t length)
{
	while (length > 0) {
		const unsigned char *end = length > 4 ? memchr(data + 4, '\0', length - 4) : NULL;
		uint32_t list = end ? wide_at(data) : MTA_LISTS;

		if (list >= MTA_LISTS)
			return false;
		free(terms->lists[list]);
		terms->lists[list] = strdup((const char *)data + 4);
		length -= (size_t)(end + 1 - data);
		data = end + 1;
	}
	return true;
}

static enum mta_status
take_terms(struct mta *m, const struct mta_offer *offer, const struct wire_packet *p)
{
	if (p->command != SMFIC_OPTNEG || p->length < MILTER_OPTLEN)
		return answer_garbled(m, "answer 0x%02x with %zu bytes to the offer",
			(unsigned char)p->command, p->length);
	m->terms.version = wide_at(p->data);
	m->terms.actions = wide_at(p->data + 4);
	m->terms.steps = wide_at(p->data + 8);
	if (m->terms.version > offer->version || (m->terms.actions & ~offer->actions) != 0 ||
		(m->terms.steps & ~offer->steps) != 0)
		return answer_garbled(m,
			"the filter wants what was not offered: version %u actions 0x%x steps 0x%x",
			m->terms.version, m->terms.actions, m->terms.steps);
	if (!take_lists(&m->terms, p->data + MILTER_OPTLEN, p->length - MILTER_OPTLEN))
		return answer_garbled(m, "a malformed list of macros");
	m->unspoken = (m->terms.version < 4 ? SMFIP_NODATA : 0) |
		      (m->terms.version < 3 ? SMFIP_NOUNKNOWN : 0);
	return MTA_NEGOTIATED;
}

enum mta_status
mta_negotiate(struct mta *m, const struct mta_offer *offer)
{
	const uint32_t wide[3] = {
		htonl(offer->version), htonl(offer->actions), htonl(offer->steps)};
	struct wire_packet packet;

	mta_packet(m, SMFIC_OPTNEG, wide, sizeof wide);
	enum wire_status wire = wire_read(&m->wire, m->wire.timeout_ms, &packet);
	enum mta_status status =
		wire == WIRE_OK ? take_terms(m, offer, &packet) : answer_lost(m, wire);
	if (status != MTA_NEGOTIATED)
		m->connection_end = status;
	return status;
}

const struct mta_terms *
mta_terms(const struct mta *m)
{
	return &m->terms;
}
