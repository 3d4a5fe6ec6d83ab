/* SPDX-License-Identifier: MIT */
/*
 * resolver_answer.c - an answer in one piece of memory
 */
#include "resolver_answer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Texts of one answer; a packet has no more. */
#define TEXT_MOST (1u << 18)

void
draft_init(struct draft *d)
{
	*d = (struct draft){0};
	buf_init(&d->text, TEXT_MOST);
}

static struct draft_record *
add_record(struct draft *d)
{
	if (d->count == ANSWER_RECORDS_MOST)
		return NULL;
	if (d->count == d->room) {
		d->room = d->room == 0 ? 8 : 2 * d->room;
		d->records = mem_grow(d->records, mem_product(d->room, sizeof(*d->records)));
	}
	d->records[d->count] = (struct draft_record){.text = d->text.len};
	return &d->records[d->count++];
}

static void
close_record(struct draft *d, struct draft_record *r)
{
	r->len = d->text.len - r->text;
	buf_add_char(&d->text, '\0');
}

static bool
add_address(struct draft *d, int family, const unsigned char *data, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct draft_record *r;

	if (len != (family == AF_INET ? 4u : 16u))
		return false;
	r = add_record(d);
	if (r == NULL)
		return true;
	memcpy(r->address, data, len);
	r->has_address = true;
	buf_add_str(&d->text, inet_ntop(family, data, text, sizeof(text)));
	close_record(d, r);
	return true;
}

/* Strings, each behind its length (RFC 1035 section 3.3.14), one after the other. */
static bool
add_strings(struct draft *d, const unsigned char *data, size_t len)
{
	struct draft_record *r = add_record(d);
	size_t at = 0;

	if (r == NULL)
		return true;
	while (at < len && data[at] < len - at) {
		buf_add(&d->text, data + at + 1, data[at]);
		at += 1u + data[at];
	}
	close_record(d, r);
	return at == len && len > 0;
}

bool
draft_add_data(struct draft *d, enum cm_dns_type type, const unsigned char *data, size_t len)
{
	if (type == CM_DNS_TXT)
		return add_strings(d, data, len);
	return add_address(d, type == CM_DNS_A ? AF_INET : AF_INET6, data, len);
}

void
draft_add_text(struct draft *d, const char *text, size_t len)
{
	struct draft_record *r = add_record(d);

	if (r == NULL)
		return;
	buf_add(&d->text, text, len);
	close_record(d, r);
}

void
draft_add_name(struct draft *d, unsigned preference, const char *name)
{
	struct draft_record *r = add_record(d);

	if (r == NULL)
		return;
	r->preference = preference;
	buf_add_str(&d->text, name);
	close_record(d, r);
}

/* --- one piece --- */

static struct answer *
alloc_answer(size_t records, size_t text, const char *name)
{
	size_t size = sizeof(struct answer) + records * sizeof(struct cm_dns_record) + text +
		      strlen(name) + 1;
	struct answer *a = mem_zalloc(1, size);

	a->size = size;
	a->said.name = memcpy((char *)a + size - strlen(name) - 1, name, strlen(name) + 1);
	return a;
}

struct answer *
answer_new(enum cm_dns_status status, const char *name, uint32_t ttl)
{
	struct answer *a = alloc_answer(0, 0, name);

	a->said.status = status;
	a->said.ttl = ttl < ANSWER_NO_TTL_MOST ? ttl : ANSWER_NO_TTL_MOST;
	return a;
}

/* Addresses stand behind the texts. */
static void
fill_records(struct answer *a, const struct draft *d, char *text)
{
	struct cm_dns_record *out = (struct cm_dns_record *)(a + 1);
	unsigned char *address = (unsigned char *)text + d->text.len;

	memcpy(text, d->text.data, d->text.len);
	for (size_t i = 0; i < d->count; i++) {
		const struct draft_record *r = &d->records[i];

		out[i] = (struct cm_dns_record){
			.text = text + r->text, .len = r->len, .preference = r->preference};
		if (!r->has_address)
			continue;
		out[i].address = memcpy(address, r->address, sizeof(r->address));
		address += sizeof(r->address);
	}
	a->said.records = out;
	a->said.count = d->count;
}

static size_t
count_addresses(const struct draft *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		n += d->records[i].has_address;
	return n;
}

struct answer *
draft_finish(struct draft *d, const char *name, uint32_t ttl, bool secure)
{
	size_t text = d->text.len + count_addresses(d) * sizeof(d->records->address);
	struct answer *a;

	if (buf_cut(&d->text)) {
		a = answer_new(CM_DNS_SERVFAIL, name, 0);
	} else if (d->count == 0) {
		a = answer_new(CM_DNS_NO_DATA, name, ttl);
	} else {
		a = alloc_answer(d->count, text, name);
		a->said.ttl = ttl < ANSWER_TTL_MOST ? ttl : ANSWER_TTL_MOST;
		fill_records(a, d, (char *)(a + 1) + d->count * sizeof(struct cm_dns_record));
	}
	a->said.secure = secure;
	free(d->records);
	buf_fini(&d->text);
	return a;
}
