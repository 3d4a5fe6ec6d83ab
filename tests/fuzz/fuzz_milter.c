/* SPDX-License-Identifier: MIT */
/*
 * fuzz_milter.c - any octets from an MTA, through decoder, state machine and chain
 *
 * The first octet says in which pieces the rest arrives. Beside crashes it looks at what goes back:
 * whole packets, known commands, no more than is due.
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "door/milter_native.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What a filter may say. */
static const char known[] = {SMFIC_OPTNEG, SMFIR_ACCEPT, SMFIR_ADDHEADER, SMFIR_ADDRCPT,
	SMFIR_CHGFROM, SMFIR_CHGHEADER, SMFIR_CONTINUE, SMFIR_DELRCPT, SMFIR_DISCARD,
	SMFIR_INSHEADER, SMFIR_QUARANTINE, SMFIR_REPLBODY, SMFIR_REPLYCODE, SMFIR_SKIP};

/* A reply is one line or several of the same code, and nothing but printable. */
static void
check_reply(const struct milter_packet *p)
{
	if (p->len < 11 || p->data[p->len - 1] != '\0' || memchr(p->data, '\0', p->len - 1) != NULL)
		die("a reply that is no text");
	for (size_t i = 0; i + 1 < p->len; i++) {
		unsigned char c = (unsigned char)p->data[i];

		if ((c < ' ' || c >= 127) && c != '\r' && c != '\n')
			die("a reply with control characters");
	}
}

static void
check_answers(const struct buf *out)
{
	struct milter_packet p;

	for (size_t at = 0; at < out->len; at += p.size) {
		if (milter_frame(&p, out->data + at, out->len - at, 1 << 24) != MILTER_PACKET)
			die("a packet that is none");
		if (memchr(known, p.command, sizeof(known)) == NULL)
			die("an answer that is none");
		if (p.command == SMFIR_REPLYCODE)
			check_reply(&p);
	}
}

struct stream {
	const char *bytes;
	size_t len;
	size_t piece;
};

/* As a connection does it: what is left of a packet comes again with the next piece. */
static void
serve(struct milter_native *n, const struct stream *s, struct buf *out)
{
	size_t begin = 0, end = 0, used, skip = 0;
	bool on = true;

	while (on && end < s->len) {
		end = s->len - end < s->piece ? s->len : end + s->piece;
		if (skip > 0) {
			size_t drop = skip < end - begin ? skip : end - begin;

			begin += drop;
			skip -= drop;
			if (skip > 0)
				continue;
		}
		/* A copy, so that a look behind its end is seen. */
		char *bytes = malloc(end - begin + 1);

		memcpy(bytes, s->bytes + begin, end - begin);
		on = milter_native_feed(n, bytes, end - begin, out, &used, &skip);
		free(bytes);
		begin += used;
		check_answers(out);
		buf_clear(out);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 2, 3, 5, 7, 64, 1024, 65536};
	struct milter_native n;
	struct buf out;

	world_load();
	if (size < 1)
		return 0;
	struct stream s = {(const char *)data + 1, size - 1, pieces[data[0] % 8]};

	buf_init(&out, 0);
	milter_native_init(&n, "l");
	serve(&n, &s, &out);
	milter_native_fini(&n);
	buf_fini(&out);
	return 0;
}
