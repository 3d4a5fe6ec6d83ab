/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dns_answer.c - any octets as what a DNS server said
 *
 * The first octet chooses the type that was asked for; the question's name is the packet's own
 * where it has one, so that mutations are not lost on names that do not match.
 */
#include <arpa/nameser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/resolver_answer.h"
#include "service/resolver_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const enum cm_dns_type types[] = {
	CM_DNS_A, CM_DNS_AAAA, CM_DNS_CNAME, CM_DNS_MX, CM_DNS_NS, CM_DNS_PTR, CM_DNS_TXT};

#define TYPES (sizeof(types) / sizeof(*types))

static void
question_name_of(const uint8_t *packet, size_t len, char name[RESOLVER_NAME_SIZE])
{
	char text[NS_MAXDNAME];
	size_t name_len;

	if (len <= NS_HFIXEDSZ ||
		ns_name_uncompress(packet, packet + len, packet + NS_HFIXEDSZ, text, sizeof(text)) <
			0 ||
		!resolver_name(text, name, &name_len))
		memcpy(name, "a", 2);
}

/* Texts end in NUL, names are in their one form, addresses say what their texts say. */
static void
check_record(enum cm_dns_type type, const struct cm_dns_record *r)
{
	char name[RESOLVER_NAME_SIZE];
	size_t len;

	if (r->text[r->len] != '\0')
		abort();
	if ((r->address != NULL) != (type == CM_DNS_A || type == CM_DNS_AAAA))
		abort();
	if (r->address != NULL || type == CM_DNS_TXT)
		return;
	if (!resolver_name(r->text, name, &len) || strcmp(name, r->text) != 0 || len != r->len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[RESOLVER_NAME_SIZE];
	enum cm_dns_type type;
	unsigned char *packet;
	struct answer *a;

	if (size == 0)
		return 0;
	type = types[data[0] % TYPES];
	packet = malloc(size);
	memcpy(packet, data + 1, size - 1);
	question_name_of(packet, size - 1, name);
	a = answer_read(packet, size - 1, name, type, false, false);
	if (a->said.count > ANSWER_RECORDS_MOST || a->said.ttl > ANSWER_TTL_MOST ||
		(a->said.count > 0) != (a->said.status == CM_DNS_FOUND))
		abort();
	for (size_t i = 0; i < a->said.count; i++)
		check_record(type, &a->said.records[i]);
	free(a);
	free(packet);
	return 0;
}
