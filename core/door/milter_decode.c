/* SPDX-License-Identifier: MIT */
/*
 * milter_decode.c - octets of the milter protocol as checked packets and arguments
 *
 * The shapes are those that Sendmail's and Postfix's senders write (libmilter's mfdef.h has the
 * commands; there is no specification). Numbers are in network byte order.
 */
#include "milter_decode.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

#define LENGTH_OCTETS 4u

static uint32_t
get_number(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

enum milter_framing
milter_frame(struct milter_packet *p, const char *bytes, size_t len, size_t most)
{
	uint32_t claimed;

	if (len < LENGTH_OCTETS)
		return MILTER_PART;
	claimed = get_number(bytes);
	if (claimed == 0)
		return MILTER_BROKEN;
	if (len == LENGTH_OCTETS)
		return MILTER_PART;
	p->command = (unsigned char)bytes[LENGTH_OCTETS];
	p->data = bytes + LENGTH_OCTETS + 1;
	p->len = claimed - 1;
	p->size = (size_t)claimed + LENGTH_OCTETS;
	if (len >= p->size && p->len <= most)
		return MILTER_PACKET;
	if (p->len <= most)
		return MILTER_PART;
	if (len < p->size)
		p->len = len - LENGTH_OCTETS - 1;
	return MILTER_LARGE;
}

const char *
milter_next_text(const char **data, size_t *len)
{
	const char *text = *data;
	const char *end = *len == 0 ? NULL : memchr(text, '\0', *len);

	if (end == NULL)
		return NULL;
	*len -= (size_t)(end - text) + 1;
	*data = end + 1;
	return text;
}

/* --- shapes --- */

static const char *
decode_nothing(struct milter_args *a)
{
	return a->len == 0 ? NULL : "has arguments";
}

static const char *
decode_octets(struct milter_args *a)
{
	(void)a;
	return NULL;
}

static const char *
decode_text(struct milter_args *a)
{
	a->text = milter_next_text(&a->data, &a->len);
	return a->text != NULL && a->len == 0 ? NULL : "is not one text that ends in NUL";
}

static const char *
decode_pair(struct milter_args *a)
{
	a->text = milter_next_text(&a->data, &a->len);
	a->value = milter_next_text(&a->data, &a->len);
	return a->value != NULL && a->len == 0 ? NULL : "is not two texts that end in NUL";
}

static const char *
decode_path(struct milter_args *a)
{
	size_t count = 0;

	a->text = milter_next_text(&a->data, &a->len);
	if (a->text == NULL)
		return "is not an address that ends in NUL";
	while (a->len > 0) {
		const char *parameter = milter_next_text(&a->data, &a->len);

		if (parameter == NULL)
			return "has a parameter that does not end in NUL";
		if (count < MILTER_PARAMETERS)
			a->parameters[count++] = parameter;
	}
	a->parameters[count] = NULL;
	return NULL;
}

/* A link-local address may name its interface behind a '%' (RFC 4007 section 11). */
static bool
parse_address(struct milter_args *a, const char *text)
{
	char address[64];
	size_t len = strcspn(text, "%");

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	a->known = net_parse(&a->address, address);
	return a->known;
}

/* Family "U" ends there; others have a port and an address, which for "L" is a path. */
static const char *
decode_client(struct milter_args *a)
{
	const char *address;
	char family;

	a->text = milter_next_text(&a->data, &a->len);
	if (a->text == NULL || a->len == 0)
		return "is not a host name with an address family";
	family = a->data[0];
	if (strchr("U46L", family) == NULL || family == '\0')
		return "has an unknown address family";
	if (family == SMFIA_UNKNOWN)
		return NULL;
	if (a->len < 3)
		return "ends before its port";
	a->port = get_number((const char[]){0, 0, a->data[1], a->data[2]});
	a->data += 3;
	a->len -= 3;
	address = milter_next_text(&a->data, &a->len);
	if (address == NULL || a->len != 0)
		return "has no address that ends in NUL";
	if (family == SMFIA_UNIX || parse_address(a, address))
		return NULL;
	return "has an address that is none";
}

/* An MTA of version 2 may offer nothing at all and means what version 1 had. */
static const char *
decode_offer(struct milter_args *a)
{
	if (a->len < MILTER_OPTLEN)
		return "is too short";
	a->version = get_number(a->data);
	a->offer.actions = get_number(a->data + 4);
	a->offer.steps = get_number(a->data + 8);
	if (a->offer.actions == 0)
		a->offer.actions = SMFI_V1_ACTS;
	if (a->offer.steps == 0)
		a->offer.steps = SMFI_V1_PROT;
	return NULL;
}

static const char *
decode_macro_set(struct milter_args *a)
{
	const char *data;
	size_t len, texts = 0;

	if (a->len == 0)
		return "names no command";
	a->command = (unsigned char)a->data[0];
	data = ++a->data;
	len = --a->len;
	while (len > 0) {
		if (milter_next_text(&data, &len) == NULL)
			return "has a text that does not end in NUL";
		texts++;
	}
	return texts % 2 == 0 ? NULL : "has a name without a value";
}

static const char *(*const decoders[])(struct milter_args *) = {
	[MILTER_NOTHING] = decode_nothing,
	[MILTER_OCTETS] = decode_octets,
	[MILTER_TEXT] = decode_text,
	[MILTER_PAIR] = decode_pair,
	[MILTER_PATH] = decode_path,
	[MILTER_CLIENT] = decode_client,
	[MILTER_OFFER] = decode_offer,
	[MILTER_MACRO_SET] = decode_macro_set,
};

const char *
milter_decode(struct milter_args *a, enum milter_shape shape, const char *data, size_t len)
{
	a->data = data;
	a->len = len;
	a->known = false;
	a->address = (struct net_addr){0};
	a->port = 0;
	return decoders[shape](a);
}
