/* SPDX-License-Identifier: MIT */
/*
 * log_recent.h - the latest records of the log, for people who look at them while the daemon runs
 *
 * One ring of a fixed size. Who logs copies into it and waits for nobody; who reads too slowly
 * finds that what came meanwhile has been overwritten, and learns how many records that were.
 */
#ifndef CORE_BASE_LOG_RECENT_H
#define CORE_BASE_LOG_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log_line.h"

struct buf;

/* Octets of the ring, and of what is taken at a time but for its last record. */
#define LOG_RECENT_SIZE	 (4u << 20)
#define LOG_RECENT_PIECE (64u << 10)
/* Fields of one record that are kept. */
#define LOG_RECENT_FIELDS 64u

/* Where somebody is who reads. */
struct log_reader {
	uint64_t at;	 /* octets that came before what is next, */
	uint64_t serial; /* and records */
};

/* From now on, until the end, records are kept. At other times to put one costs a load. */
void log_recent_begin(void);
void log_recent_end(void);
void log_recent_put(const struct log_entry *);

/* Begins with the oldest record that is kept, or with the next one to come. */
void log_reader_init(struct log_reader *, bool oldest);
/*
 * Replaces what is in the buffer by the next records; *lost: those before them that were
 * overwritten. False: nothing came, nothing was lost.
 */
bool log_reader_take(struct log_reader *, struct buf *, uint64_t *lost);
/*
 * The record at *at of what was taken, moved behind it; its texts are in the buffer, its fields in
 * the array. Values are cut as in a line. False: there are no more.
 */
bool log_recent_next(const struct buf *, size_t *at, struct log_entry *,
	struct log_field fields[LOG_RECENT_FIELDS]);

#endif
