/* SPDX-License-Identifier: MIT */
/*
 * record_item.c - a kept session as a list of items, each a tag and some texts
 *
 * An item: its tag, the number of its texts, and of each text its length (four octets, the low one
 * first; all ones: not set), its octets and a NUL.
 */
#include "record_item.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_SIZE   2u
#define LENGTH_SIZE 4u
#define NOT_SET	    UINT32_MAX

struct record_text
record_str(const char *text)
{
	return (struct record_text){text, text == NULL ? 0 : strlen(text)};
}

/* By hand: a session has hundreds of them, and printf() would be most of what keeping it costs. */
struct record_text
record_number(char out[RECORD_NUMBER], int64_t number)
{
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char *at = out + RECORD_NUMBER - 1;

	*at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		*--at = '-';
	return (struct record_text){at, (size_t)(out + RECORD_NUMBER - 1 - at)};
}

size_t
record_item_size(const struct record_text *texts, unsigned count)
{
	size_t size = HEAD_SIZE;

	for (unsigned i = 0; i < count; i++)
		size += LENGTH_SIZE + (texts[i].text == NULL ? 0 : texts[i].len + 1);
	return size;
}

static char *
write_length(char *out, uint32_t len)
{
	for (unsigned i = 0; i < LENGTH_SIZE; i++)
		*out++ = (char)(len >> 8 * i & 0xff);
	return out;
}

void
record_item_add(
	struct buf *out, enum record_tag tag, const struct record_text *texts, unsigned count)
{
	char *at = buf_extend(out, record_item_size(texts, count));

	*at++ = (char)tag;
	*at++ = (char)count;
	for (unsigned i = 0; i < count; i++) {
		if (texts[i].text == NULL) {
			at = write_length(at, NOT_SET);
			continue;
		}
		at = write_length(at, (uint32_t)texts[i].len);
		memcpy(at, texts[i].text, texts[i].len);
		at += texts[i].len;
		*at++ = '\0';
	}
}

/* The text at *at; false where there is none. */
static bool
read_text(const unsigned char *data, size_t len, size_t *at, struct record_text *out)
{
	const unsigned char *p = data + *at;

	if (len - *at < LENGTH_SIZE)
		return false;
	size_t size = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;

	*at += LENGTH_SIZE;
	*out = (struct record_text){0};
	if (size == NOT_SET)
		return true;
	if (size >= len - *at || data[*at + size] != '\0')
		return false;
	*out = (struct record_text){(const char *)data + *at, size};
	*at += size + 1;
	return true;
}

bool
record_item_next(const unsigned char *data, size_t len, size_t *at, struct record_item *item)
{
	size_t next = *at;

	if (len - next < HEAD_SIZE)
		return false;
	*item = (struct record_item){.tag = (enum record_tag)data[next]};
	unsigned count = data[next + 1];

	next += HEAD_SIZE;
	if (count > RECORD_TEXTS)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (!read_text(data, len, &next, &item->texts[i]))
			return false;
	}
	*at = next;
	return true;
}

int64_t
record_item_number(const struct record_item *item, unsigned i)
{
	const char *text = item->texts[i].text;

	return text == NULL ? 0 : strtoll(text, NULL, 10);
}
