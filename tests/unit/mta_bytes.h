/* SPDX-License-Identifier: MIT */
/*
 * mta_bytes.h - packets of an MTA as octets, for tests of the native engine's parts
 */
#ifndef TESTS_UNIT_MTA_BYTES_H
#define TESTS_UNIT_MTA_BYTES_H

#include "base/buf.h"

#define MTA_OFFER "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"
#define MTA_CLIENT           \
	"mail.example.org\0" \
	"4\x9c\x40"          \
	"203.0.113.7\0"

static inline void
mta_put(struct buf *b, char command, const char *data, size_t len)
{
	size_t size = len + 1;
	const char head[] = {
		(char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size, command};

	buf_add(b, head, sizeof(head));
	buf_add(b, data, len);
}

/* A literal, without the NUL that the compiler adds. */
#define MTA_PUT(b, command, data) mta_put(b, command, data, sizeof(data) - 1)

static inline void
mta_begin(struct buf *b)
{
	MTA_PUT(b, 'O', MTA_OFFER);
	MTA_PUT(b, 'C', MTA_CLIENT);
	MTA_PUT(b, 'H', "mail.example.org\0");
}

static inline void
mta_message(struct buf *b)
{
	MTA_PUT(b, 'M', "<a@example.org>\0");
	MTA_PUT(b, 'R', "<b@example.com>\0");
	MTA_PUT(b, 'T', "");
	MTA_PUT(b, 'L', "Subject\0hello\0");
	MTA_PUT(b, 'N', "");
	MTA_PUT(b, 'B', "text\r\n");
	MTA_PUT(b, 'E', "");
}

#endif
