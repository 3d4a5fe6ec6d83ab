/* SPDX-License-Identifier: MIT */
/*
 * standard.c - what commands share: standard input, output and error, and an end by a signal
 *
 * Commands print and do not look whether it was written: a full disk is noticed here, once for all.
 */
#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Why output was not written, the latest that was flushed. */
static int failure = EIO;

bool
standard_hold(void)
{
	static const int modes[] = {
		[STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDWR};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return false;
	}
	return true;
}

bool
standard_flush(void)
{
	if (fflush(stdout) == 0)
		return true;
	failure = errno;
	return false;
}

int
standard_end(int code)
{
	if (standard_flush() && !ferror(stdout))
		return code;
	fprintf(stderr, "chainmail: cannot write all of the output: %s\n", strerror(failure));
	return code == EXIT_OK ? EXIT_NO : code;
}

void
standard_defer(sigset_t *before)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGTERM};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

void
standard_resume(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}
