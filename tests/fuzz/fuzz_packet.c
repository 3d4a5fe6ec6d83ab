/* SPDX-License-Identifier: MIT */
/*
 * fuzz_packet.c - any octets as packets of the milter protocol, and as arguments of every shape
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "door/milter_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MOST 4096u

/* Every text ends within the packet; reading them says so, or the sanitizer does. */
static size_t
read_texts(const struct milter_args *a, enum milter_shape shape)
{
	size_t sum = 0;

	if (shape == MILTER_TEXT || shape == MILTER_PATH || shape == MILTER_CLIENT)
		sum += strlen(a->text);
	if (shape == MILTER_PAIR)
		sum += strlen(a->text) + strlen(a->value);
	for (size_t i = 0; shape == MILTER_PATH && a->parameters[i] != NULL; i++)
		sum += strlen(a->parameters[i]);
	return sum;
}

static void
decode_all(const struct milter_packet *p)
{
	struct milter_args a;

	for (enum milter_shape shape = MILTER_NOTHING; shape <= MILTER_MACRO_SET; shape++) {
		if (milter_decode(&a, shape, p->data, p->len) != NULL)
			continue;
		if (read_texts(&a, shape) > p->len)
			abort();
		while (shape == MILTER_MACRO_SET && milter_next_text(&a.data, &a.len) != NULL)
			continue;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1);
	struct milter_packet p;
	size_t at = 0;

	memcpy(bytes, data, size);
	while (at < size && milter_frame(&p, bytes + at, size - at, MOST) == MILTER_PACKET) {
		if (p.size > size - at || p.len + 5 != p.size)
			abort();
		decode_all(&p);
		at += p.size;
	}
	free(bytes);
	return 0;
}
