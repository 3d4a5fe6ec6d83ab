/* SPDX-License-Identifier: MIT */
/*
 * fuzz_reply.c - any octets as a reply: "CODE STATUS TEXT"
 *
 * Whatever a rule puts together, what is kept can be sent as it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "mail/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_reply(const struct reply *r, const char *id)
{
	size_t len = strlen(r->text), lines = 1;
	char tail[64];

	check(r->code >= 400 && r->code <= 599);
	check(r->status[0] - '0' == r->code / 100);
	check(len > 0 && len <= REPLY_TEXT_MAX);
	for (const char *p = r->text; *p != '\0'; p++) {
		check(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
		lines += *p == '\n';
		check(*p != '\n' || (p > r->text && p[1] != '\0' && p[1] != '\n'));
	}
	check(lines <= REPLY_LINES_MAX);
	snprintf(tail, sizeof(tail), " (id %s)", id);
	check(len >= strlen(tail) && strcmp(r->text + len - strlen(tail), tail) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena arena;
	struct reply r = {0};
	struct err err;
	char *code, *status, *text;

	arena_init(&arena, 4096);
	code = arena_strndup(&arena, (const char *)data, len);
	status = code + strcspn(code, " ");
	if (*status != '\0')
		*status++ = '\0';
	text = status + strcspn(status, " ");
	if (*text != '\0')
		*text++ = '\0';
	if (reply_set(&r, &arena, "4bXk2h", &err, (int)strtol(code, NULL, 10), status, text)) {
		check_reply(&r, "4bXk2h");
		check(reply_fits(&r, r.code < 500 ? CM_TEMPFAIL : CM_REJECT));
		check(!reply_fits(&r, r.code < 500 ? CM_REJECT : CM_TEMPFAIL));
		check(strchr(reply_line(&r, &arena), '\n') == NULL);
		reply_move(&r, &arena, "4bXk2h", "another");
		check_reply(&r, "another");
	} else {
		check(r.code == 0 && err.text[0] != '\0');
	}
	arena_fini(&arena);
	return 0;
}
