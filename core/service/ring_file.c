/* SPDX-License-Identifier: MIT */
/*
 * ring_file.c - what a segment of a ring looks like
 */
#include "ring_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "ring.h"

#define WORDS	   "chainmail ring1\n"
#define WORDS_SIZE (sizeof(WORDS) - 1)
#define SUFFIX	   ".ring"

static const unsigned char mark[4] = {0xc4, 'C', 'M', 'R'};

static void
put(unsigned char *out, uint64_t value, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t
get(const unsigned char *in, unsigned octets)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < octets; i++)
		value |= (uint64_t)in[i] << 8 * i;
	return value;
}

bool
ring_head_make(unsigned char out[RING_HEAD_SIZE], struct ring_head *h)
{
	memcpy(out, WORDS, WORDS_SIZE);
	if (getrandom(out + WORDS_SIZE, 16, 0) != 16)
		return false;
	return ring_head_read(out, h);
}

bool
ring_head_read(const unsigned char in[RING_HEAD_SIZE], struct ring_head *h)
{
	if (memcmp(in, WORDS, WORDS_SIZE) != 0)
		return false;
	h->key[0] = get(in + WORDS_SIZE, 8);
	h->key[1] = get(in + WORDS_SIZE + 8, 8);
	return true;
}

void
ring_record_head(unsigned char out[RING_RECORD_HEAD], const struct ring_head *h, const void *data,
	size_t len)
{
	memcpy(out, mark, sizeof(mark));
	put(out + 4, len, 4);
	put(out + 8, hash_keyed(h->key, data, len), 8);
}

size_t
ring_record_size(const unsigned char in[RING_RECORD_HEAD])
{
	size_t len = (size_t)get(in + 4, 4);

	return memcmp(in, mark, sizeof(mark)) == 0 && len <= RING_RECORD_MOST ? len : 0;
}

bool
ring_record_whole(const unsigned char in[RING_RECORD_HEAD], const struct ring_head *h,
	const void *data, size_t len)
{
	return get(in + 8, 8) == hash_keyed(h->key, data, len);
}

void
ring_segment_name(char out[RING_NAME_SIZE], uint32_t number)
{
	snprintf(out, RING_NAME_SIZE, "%08x" SUFFIX, (unsigned)number);
}

/* The number of the segment of that name; false for another file. */
static bool
read_name(const char *name, uint32_t *number)
{
	char again[RING_NAME_SIZE];

	*number = (uint32_t)strtoul(name, NULL, 16);
	ring_segment_name(again, *number);
	return strcmp(name, again) == 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct ring_segment *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

struct ring_segment *
ring_segments(int dir, size_t *count)
{
	struct ring_segment *list = NULL, s = {0};
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	*count = 0;
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (!read_name(entry->d_name, &s.number) ||
			fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
			!S_ISREG(st.st_mode))
			continue;
		s.octets = st.st_size;
		list = mem_grow(list, (*count + 1) * sizeof(*list));
		list[(*count)++] = s;
	}
	if (d != NULL)
		closedir(d);
	if (*count > 1)
		qsort(list, *count, sizeof(*list), by_number);
	return list;
}
