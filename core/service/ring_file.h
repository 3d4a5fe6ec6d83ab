/* SPDX-License-Identifier: MIT */
/*
 * ring_file.h - what a segment of a ring looks like
 *
 * A head of 32 octets (words and version, a random key), then records: a head of 16 octets (mark,
 * length, checksum; low octet first) and what it says. Inside ring*.c only.
 */
#ifndef CORE_SERVICE_RING_FILE_H
#define CORE_SERVICE_RING_FILE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_HEAD_SIZE	 32u
#define RING_RECORD_HEAD 16u
#define RING_NAME_SIZE	 32u

struct ring_head {
	uint64_t key[2];
};

struct ring_segment {
	uint32_t number;
	int64_t octets, records;
};

/* Writes a head with a new key; false when there is no chance to be had. */
bool ring_head_make(unsigned char[RING_HEAD_SIZE], struct ring_head *);
/* False for what is no head of this version. */
bool ring_head_read(const unsigned char[RING_HEAD_SIZE], struct ring_head *);
void
ring_record_head(unsigned char[RING_RECORD_HEAD], const struct ring_head *, const void *, size_t);
/* Octets of the record behind such a head; 0: it is none. */
size_t ring_record_size(const unsigned char[RING_RECORD_HEAD]);
bool ring_record_whole(
	const unsigned char[RING_RECORD_HEAD], const struct ring_head *, const void *, size_t);

void ring_segment_name(char[RING_NAME_SIZE], uint32_t number);
/* The segments of the directory, the oldest first; free() them. Octets are filled. */
struct ring_segment *ring_segments(int dir, size_t *count);

#endif
