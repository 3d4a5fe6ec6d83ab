/* SPDX-License-Identifier: MIT */
/*
 * log_queue.h - lines on their way to the log writer
 *
 * Who logs a line hands it over and goes on; one thread writes what has come together. So mail does
 * not wait for a disk or a reader, and many lines are one write. Bounded: what does not fit is lost
 * and counted.
 */
#ifndef CORE_BASE_LOG_QUEUE_H
#define CORE_BASE_LOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line for the sink with that number; its octets follow. */
struct log_queue_head {
	uint32_t sink;
	uint32_t len;
};

struct log_batch {
	unsigned char *data; /* heads and lines in turn */
	size_t len, size;
	unsigned lost; /* lines that did not fit since the batch before */
};

void log_queue_put(unsigned sink, const char *line, size_t len);
/* Moves what waits to the batch, whose memory is used again; the caller frees data in the end. */
void log_queue_take(struct log_batch *);
/* Before the writer starts. */
void log_queue_begin(void);
/* Until something waits. False: log_queue_end() was called and nothing waits. */
bool log_queue_wait(void);
void log_queue_end(void);
/* The next line at or after *at, moved behind it; NULL at the end. */
const char *log_batch_next(const struct log_batch *, size_t *at, struct log_queue_head *);

#endif
