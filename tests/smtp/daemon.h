/* SPDX-License-Identifier: MIT */
/*
 * daemon.h - the filter under test as a child process: started, watched, stopped
 */
#ifndef TESTS_SMTP_DAEMON_H
#define TESTS_SMTP_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct daemon {
	pid_t pid; /* 0: not running */
	int status;
	char directory[64];
	char address[128]; /* unix:DIRECTORY/milter.sock */
	char log[128];	   /* what it wrote to stdout and stderr */
	const char *engine;
};

/*
 * Makes a directory, writes the configuration there with @DIR@ (that directory), @ENGINE@ and
 * @HERE@ (where the configuration stands) replaced, runs PROGRAM serve --config FILE and waits
 * until its socket accepts. On failure `why` tells; daemon_stop is to be called either way.
 */
bool daemon_start(struct daemon *d, const char *program, const char *config, const char *engine,
	int limit_ms, char *why, size_t why_size);

/* Sends TERM and waits; false, with why, when it did not end in time with 0 or a sanitizer spoke.
 */
bool daemon_stop(struct daemon *d, int limit_ms, char *why, size_t why_size);

/* Still there; false also when it died, with the reason in why. */
bool daemon_alive(struct daemon *d, char *why, size_t why_size);

/* Prints what it wrote, from a sanitizer's finding on, or the last lines. */
void daemon_print_log(const struct daemon *d);

/* Removes the directory. */
void daemon_clean(struct daemon *d);

#endif
