/* SPDX-License-Identifier: MIT */
/*
 * ring.h - records in files of a directory, of which the oldest make room for new ones
 *
 * A directory of segments: a record is appended to the newest, and when all together are too large
 * or too many, the oldest is removed. Survives kill -9: at a start what was not written whole is
 * cut off. Knows nothing of what a record says. Each record has a checksum with the segment's own
 * random key, so that no record can hold what could be taken for another.
 */
#ifndef CORE_SERVICE_RING_H
#define CORE_SERVICE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Octets of one record. */
#define RING_RECORD_MOST ((size_t)64 << 20)

struct ring_config {
	const char *path;    /* the directory; made when it is not there, mode 0750 */
	int64_t max_size;    /* octets of all segments */
	int64_t max_records; /* of all segments */
};

struct ring;

/* Opens or makes it; one process at a time. NULL with words. */
struct ring *ring_open(const struct ring_config *, struct err *) MUST_USE;
struct ring_record {
	const void *data;
	size_t len;
};

/*
 * Appends as many as the disk takes, and says how many: the first of them. Fewer than all with
 * words; nothing is left of the one that did not fit.
 */
size_t ring_append(struct ring *, const struct ring_record *, size_t count, struct err *);
/* Octets that were cut off at the start, for they were no whole record. */
size_t ring_cut(const struct ring *);
/* NULL is allowed. */
void ring_close(struct ring *);

/* --- reading, also while another process writes --- */

struct ring_reader;

/* NULL with words when the directory cannot be read. */
struct ring_reader *ring_reader_open(const char *path, struct err *) MUST_USE;
/* The next record, the oldest first, until the next call. False at the end. */
bool ring_reader_next(struct ring_reader *, const unsigned char **, size_t *);
/* Places so far where something stood that is no whole record. */
size_t ring_reader_torn(const struct ring_reader *);
/* True, with its name and why: a segment so far could not be opened, and what is in it is unknown.
 */
bool ring_reader_unread(const struct ring_reader *, struct err *);
/* Octets of segments that were read, and of all: how far it is. */
void ring_reader_progress(const struct ring_reader *, int64_t *done, int64_t *all);
/* NULL is allowed. */
void ring_reader_close(struct ring_reader *);

#endif
