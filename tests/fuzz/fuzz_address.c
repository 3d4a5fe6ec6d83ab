/* SPDX-License-Identifier: MIT */
/*
 * fuzz_address.c - any octets as a path of MAIL or RCPT
 *
 * What is called an address, or is known to be a mailbox, must be the same when its canonical form
 * is read again: maps, edits and MTAs get that form.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_plain(const char *text)
{
	for (; *text != '\0'; text++)
		check((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void
check_same(const struct cm_address *a, struct arena *arena)
{
	struct cm_address again;

	address_parse_path(&again, arena, a->addr);
	check(!again.unclear && address_same(a, &again));
	check(strcmp(again.addr, a->addr) == 0);
	address_parse_path(&again, arena, address_spelling(arena, a));
	check(!again.unclear && address_same(a, &again));
}

static void
check_valid(const struct cm_address *a)
{
	check(text_utf8_valid(a->addr, strlen(a->addr)) == strlen(a->addr));
	check(strlen(a->addr) <= 320 && strlen(a->domain) <= 255);
	check(a->domain[0] != '\0' || text_equal_nocase(a->user, "postmaster"));
	check(a->domain[0] == '\0' || a->domain[strlen(a->domain) - 1] != '.');
	for (const char *p = a->domain; *p != '\0'; p++)
		check(text_lower(*p) == *p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena arena;
	struct cm_address a;

	arena_init(&arena, 4096);
	address_parse_path(&a, &arena, arena_strndup(&arena, (const char *)data, len));
	check_plain(a.text);
	check_plain(a.addr);
	check_plain(a.user);
	check_plain(a.domain);
	check(strlen(a.text) <= 1024);
	check(!a.unclear || (!a.valid && !a.null));
	if (a.null)
		check(a.addr[0] == '\0');
	else if (!a.unclear && strlen(a.addr) <= 1024)
		check_same(&a, &arena);
	if (a.valid && !a.null)
		check_valid(&a);
	arena_fini(&arena);
	return 0;
}
