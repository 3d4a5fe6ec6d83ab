/* SPDX-License-Identifier: MIT */
/*
 * log.h - log lines and log records
 *
 * A line is a sentence; a record is a list of named values (the summary of a message) that is
 * written as text, JSON or journal fields. Everything that comes from the network is escaped here.
 * One lock protects the set of open targets.
 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG, LOG_TARGET_JOURNAL, LOG_TARGET_FILE };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_config {
	enum log_target target;
	enum log_format format;
	enum log_level level;
	const char *path; /* LOG_TARGET_FILE; syslog, journal: their socket, NULL for the usual */
	bool summary;	  /* write records, whatever the level */
};

enum log_style {
	LOG_WORD,   /* as it is, escaped; "-" when NULL */
	LOG_QUOTED, /* in double quotes; "-" when NULL */
	LOG_NUMBER  /* a number in JSON */
};

struct log_field {
	const char *name;    /* as in the text form: "client" */
	const char *journal; /* as in the journal: "CLIENT"; NULL: not there */
	const char *value;
	enum log_style style;
};

/*
 * Before the first log_open(), and with count 0, lines go to standard error. Replaces all open
 * targets at once and opens files anew; on false the old ones stay. Where the journal is not there
 * syslog is used, where that is not there standard error, and one line says so.
 */
bool log_open(const struct log_config *, unsigned count, struct err *);
void log_close(void);
/*
 * From now on a thread of its own writes the lines, in their order and after at most a few
 * milliseconds, so that no caller waits for a disk or a reader. What cannot be written is lost and
 * counted. log_stop() writes what waits and ends the thread; before and after, callers write.
 */
bool log_start(struct err *);
void log_stop(void);
/* Level names are what filter.conf says: error, warn, info, debug. */
bool log_wanted(enum log_level);
void log_write(enum log_level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* queue_id NULL is NOQUEUE; a text line is "QUEUEID: name=value ...". */
void log_record(const char *queue_id, const struct log_field *, unsigned count);

#endif
