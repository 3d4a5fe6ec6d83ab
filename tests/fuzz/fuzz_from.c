/* SPDX-License-Identifier: MIT */
/*
 * fuzz_from.c - the author domain of any octets in From:
 *
 * A domain that is found stands in the field, is spelled as names are, and is no longer the only
 * one when an address of another is put behind it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dmarc/dmarc_from.h"
#include "base/arena.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define OTHER "zz.invalid"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
is_ascii(const char *text)
{
	while (*text != '\0' && (*text & 0x80) == 0)
		text++;
	return *text == '\0';
}

static bool
is_one(enum dmarc_from kind)
{
	return kind == DMARC_FROM_ONE || kind == DMARC_FROM_ADDRESSES;
}

static enum dmarc_from
read_field(struct arena *arena, const char *field, char domain[DMARC_NAME_SIZE])
{
	return dmarc_from(address_parse_from(arena, &field, 1), 1, field, domain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char domain[DMARC_NAME_SIZE], again[DMARC_NAME_SIZE], other[DMARC_NAME_SIZE];
	struct arena arena;
	const char *field;
	enum dmarc_from kind;

	arena_init(&arena, 4096);
	field = arena_strndup(&arena, (const char *)data, len);
	kind = read_field(&arena, field, domain);
	must(kind < DMARC_FROMS && is_one(kind) == (domain[0] != '\0'));
	if (is_one(kind)) {
		must(dmarc_name(again, domain) && strcmp(domain, again) == 0);
		must(!is_ascii(field) || strcasestr(field, domain) != NULL);
	}
	kind = read_field(&arena, arena_printf(&arena, "%s, <a@" OTHER ">", field), other);
	must(!is_one(kind) || domain[0] == '\0' || strcmp(domain, OTHER) == 0);
	arena_fini(&arena);
	return 0;
}
