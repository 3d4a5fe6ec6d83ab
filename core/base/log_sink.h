/* SPDX-License-Identifier: MIT */
/*
 * log_sink.h - one place where log entries go
 *
 * A target never blocks and never fails towards its user: what cannot be written is counted, and
 * the count is written when the target takes lines again.
 */
#ifndef CORE_BASE_LOG_SINK_H
#define CORE_BASE_LOG_SINK_H

#include <stdatomic.h>
#include <sys/un.h>

#include "err.h"
#include "log.h"

struct buf;
struct log_entry;

struct log_sink {
	struct log_config config;
	int fd;
	bool is_socket, is_regular;
	struct sockaddr_un peer; /* journal, syslog */
	struct err note;	 /* "" or why another target is used than the one asked for */
	atomic_uint lost;	 /* lines since the last one that was written */
	atomic_bool torn;	 /* the last line has no end */
};

/* config.path is read during the call only. */
MUST_USE bool log_sink_open(struct log_sink *, const struct log_config *, struct err *);
/* Standard error as it is, borrowed: for lines before the first log_open(). */
void log_sink_early(struct log_sink *);
void log_sink_close(struct log_sink *);
/* Whatever the level. */
void log_sink_write(struct log_sink *, const struct log_entry *);
/* The same in two steps; put may take many lines for a regular file, and no two for others. */
void log_sink_render(struct buf *, const struct log_sink *, const struct log_entry *);
void log_sink_put(struct log_sink *, const char *lines, size_t len, unsigned count);

#endif
