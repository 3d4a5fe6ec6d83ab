/* SPDX-License-Identifier: MIT */
/*
 * fuzz_kept.c - octets of a ring that are taken for a kept session
 *
 * Whatever they are, they are a session or none; a session can be shown, made a test of, and looked
 * through.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/record_test.h"
#include "door/kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
look(const struct kept *k)
{
	const struct kept_event *e = NULL;
	size_t count = 0;

	while ((e = kept_find(k, e, CM_STAGE_RCPT)) != NULL)
		count++;
	kept_macro(k, "{auth_authen}");
	if (count > (size_t)1 << 24)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kept k;
	struct buf out;

	if (!kept_read(&k, data, size))
		return 0;
	look(&k);
	buf_init(&out, 0);
	record_test_write(&out, &k, NULL);
	record_test_write(&out, &k, "rule");
	for (size_t i = 0; i < out.len; i++) {
		char c = out.data[i];

		/* Nothing of it is acted upon by a terminal. */
		if (c != '\n' && (c < ' ' || c > '~'))
			abort();
	}
	buf_fini(&out);
	kept_free(&k);
	return 0;
}
