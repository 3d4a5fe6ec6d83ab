/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - the filter under test as a child process: started, watched, stopped
 *
 * Nothing outlives the runner: the child dies with it, and its directory goes when all was well.
 */
#include "daemon.h"

#include "logfile.h"
#include "mta_wire.h"
#include "../unit/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define PRINT_MAX  8192
#define PRINT_MOST 65536
#define STEP_MS	   20

/* What a run under a sanitizer leaves in the log when it found something. */
static const char *const findings[] = {
	"ERROR: AddressSanitizer",
	"ERROR: LeakSanitizer",
	"WARNING: ThreadSanitizer",
	"runtime error: ",
};

static void
pause_step(void)
{
	const struct timespec t = {0, STEP_MS * 1000000L};

	nanosleep(&t, NULL);
}

/* Writes text to f with @DIR@, @ENGINE@ and @HERE@ replaced. */
static void
write_replaced(FILE *f, const char *text, const struct daemon *d, const char *here)
{
	const struct {
		const char *mark;
		const char *value;
	} rows[] = {{"@DIR@", d->directory}, {"@ENGINE@", d->engine}, {"@HERE@", here}};
	const size_t count = sizeof(rows) / sizeof(*rows);

	while (*text) {
		size_t plain = strcspn(text, "@");
		size_t i = 0;

		fwrite(text, 1, plain, f);
		text += plain;
		while (i < count && strncmp(text, rows[i].mark, strlen(rows[i].mark)) != 0)
			i++;
		if (i < count) {
			fputs(rows[i].value, f);
			text += strlen(rows[i].mark);
		} else if (*text) {
			fputc(*text++, f);
		}
	}
}

static bool
write_config(const struct daemon *d, const char *config, char *to, size_t size, char *why,
	size_t why_size)
{
	char here[PATH_MAX];
	size_t length;
	char *text = realpath(config, here) ? logfile_read(here, &length) : NULL;

	snprintf(to, size, "%s/filter.conf", d->directory);
	FILE *f = text && length < CONFIG_MAX ? fopen(to, "w") : NULL;
	if (!f) {
		snprintf(why, why_size, "%s: %s", config, strerror(errno));
		free(text);
		return false;
	}
	*strrchr(here, '/') = '\0';
	write_replaced(f, text, d, here);
	free(text);
	return fclose(f) == 0;
}

static void
run_child(const struct daemon *d, const char *program, const char *config)
{
	int null = open("/dev/null", O_RDONLY);
	int log = open(d->log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(127);
	execl(program, program, "serve", "--config", config, (char *)NULL);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

static void
describe_end(const struct daemon *d, char *why, size_t why_size)
{
	if (WIFSIGNALED(d->status))
		snprintf(why, why_size, "the daemon was ended by signal %d (%s)",
			WTERMSIG(d->status), strsignal(WTERMSIG(d->status)));
	else
		snprintf(why, why_size, "the daemon ended with status %d", WEXITSTATUS(d->status));
}

bool
daemon_alive(struct daemon *d, char *why, size_t why_size)
{
	if (d->pid != 0 && waitpid(d->pid, &d->status, WNOHANG) == d->pid)
		d->pid = 0;
	if (d->pid == 0)
		describe_end(d, why, why_size);
	return d->pid != 0;
}

static bool
accepts(const struct daemon *d)
{
	struct wire w;
	bool open = wire_open(&w, d->address, 1000);

	if (open)
		wire_close(&w);
	return open;
}

bool
daemon_start(struct daemon *d, const char *program, const char *config, const char *engine,
	int limit_ms, char *why, size_t why_size)
{
	long long deadline = wire_now_ms() + limit_ms;
	char path[128];

	*d = (struct daemon){.engine = engine};
	if (!temp_dir(d->directory, "transcript")) {
		snprintf(why, why_size, "%s: %s", d->directory, strerror(errno));
		return false;
	}
	snprintf(d->address, sizeof d->address, "unix:%s/milter.sock", d->directory);
	snprintf(d->log, sizeof d->log, "%s/log", d->directory);
	if (!write_config(d, config, path, sizeof path, why, why_size))
		return false;
	d->pid = fork();
	if (d->pid == 0)
		run_child(d, program, path);
	while (daemon_alive(d, why, why_size)) {
		if (accepts(d))
			return true;
		if (wire_now_ms() > deadline) {
			snprintf(why, why_size, "%s does not accept connections", d->address);
			return false;
		}
		pause_step();
	}
	return false;
}

static bool
log_is_clean(const struct daemon *d, char *why, size_t why_size)
{
	size_t length;
	char *text = logfile_read(d->log, &length);
	bool clean = true;

	for (size_t i = 0; text && clean && i < sizeof findings / sizeof *findings; i++) {
		clean = !memmem(text, length, findings[i], strlen(findings[i]));
		if (!clean)
			snprintf(why, why_size, "the log has: %s", findings[i]);
	}
	free(text);
	return clean;
}

bool
daemon_stop(struct daemon *d, int limit_ms, char *why, size_t why_size)
{
	long long deadline = wire_now_ms() + limit_ms;

	if (!daemon_alive(d, why, why_size))
		return false;
	kill(d->pid, SIGTERM);
	while (daemon_alive(d, why, why_size)) {
		if (wire_now_ms() > deadline) {
			kill(d->pid, SIGKILL);
			waitpid(d->pid, &d->status, 0);
			d->pid = 0;
			snprintf(
				why, why_size, "the daemon did not end %d ms after TERM", limit_ms);
			return false;
		}
		pause_step();
	}
	if (!log_is_clean(d, why, why_size))
		return false;
	return WIFEXITED(d->status) && WEXITSTATUS(d->status) == 0;
}

/* Where to begin to print: at the first finding of a sanitizer, else near the end. */
static const char *
worth_printing(const char *text, size_t length)
{
	const char *from = NULL;

	for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
		const char *at = memmem(text, length, findings[i], strlen(findings[i]));

		if (at && (!from || at < from))
			from = at;
	}
	if (!from)
		return length > PRINT_MAX ? text + length - PRINT_MAX : text;
	while (from > text && from[-1] != '\n')
		from--;
	return from;
}

void
daemon_print_log(const struct daemon *d)
{
	size_t length = 0;
	char *text = logfile_read(d->log, &length);
	const char *from = text ? worth_printing(text, length) : "";

	printf("--- what the daemon wrote%s:\n%.*s\n---\n",
		from != text ? " (from the point that matters)" : "", PRINT_MOST, from);
	free(text);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
daemon_clean(struct daemon *d)
{
	if (d->directory[0])
		nftw(d->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	d->directory[0] = '\0';
}
