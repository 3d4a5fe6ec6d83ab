/* SPDX-License-Identifier: MIT */
/*
 * log_line.h - how one log entry looks: text, JSON, journal fields
 *
 * Pure: from an entry to octets. Everything that comes from the network is escaped here, and every
 * form is at most LOG_LINE_MOST octets.
 */
#ifndef CORE_BASE_LOG_LINE_H
#define CORE_BASE_LOG_LINE_H

#include "log.h"

#define LOG_LINE_MOST 8192u
#define LOG_IDENT     "chainmail"

struct buf;

/* A line (text) or a record (fields). */
struct log_entry {
	enum log_level level;
	int64_t wall; /* seconds since 1970 */
	int pid;
	const char *text; /* NULL: a record */
	const char *queue_id;
	const struct log_field *fields;
	unsigned count;
};

/* RFC 3339 with the local offset; out has 32 octets. */
void log_line_time(int64_t wall, char *out);
/* What stands behind "chainmail[PID]: ". */
void log_line_text(struct buf *, const struct log_entry *);
void log_line_json(struct buf *, const struct log_entry *);
/* A datagram of the journal's native protocol. */
void log_line_journal(struct buf *, const struct log_entry *, enum log_format);
/* 3 error, 4 warning, 6 info, 7 debug (RFC 5424 section 6.2.1). */
unsigned log_line_severity(enum log_level);

#endif
