/* SPDX-License-Identifier: MIT */
/*
 * fuzz_url.c - web addresses in any text: an octet for its type, behind it the text
 *
 * Each is one word and has a host, which is the same when the address is read alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "service/url.h"

int LLVMFuzzerInitialize(int *, char ***);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
always(void *data)
{
	(void)data;
	return true;
}

static struct url *
look(struct arena *arena, const char *type, const void *text, size_t len)
{
	const struct mime_source source = {.fields[MIME_TYPE] = type, .body = text, .len = len};
	struct url *first;

	if (url_list(arena, &source, always, NULL, &first) != MIME_WHOLE)
		return NULL;
	return first;
}

static void
check(struct arena *arena, const struct url *u)
{
	size_t len = strlen(u->text), host = strlen(u->host);
	const struct url *again;

	must(len > 0 && len < URL_SIZE && host > 0 && host < URL_HOST_SIZE);
	for (size_t i = 0; i < len; i++)
		must((unsigned char)u->text[i] > ' ' && strchr("\"<>`", u->text[i]) == NULL);
	must(u->host[host - 1] != '.' && strpbrk(u->host, "\r\n\t\x7f") == NULL);
	/* A long one was cut, perhaps inside of its host. */
	if (len == URL_SIZE - 1)
		return;
	again = look(arena, "text/plain", u->text, len);
	must(again == NULL || strcmp(again->text, u->text) != 0 ||
		strcmp(again->host, u->host) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err;

	(void)argc;
	(void)argv;
	must(mime_fields_open(&err));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena arena;

	if (len == 0)
		return 0;
	arena_init(&arena, 4096);
	for (const struct url *u = look(
		     &arena, data[0] % 2 == 0 ? "text/plain" : "text/html", data + 1, len - 1);
		u != NULL; u = u->next)
		check(&arena, u);
	arena_fini(&arena);
	return 0;
}
