/* SPDX-License-Identifier: MIT */
/*
 * check_postfix.c - does the Postfix of this machine wait long enough?
 *
 * Asks postconf(1), which any user may, and takes no answer for "there is no Postfix here".
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "conf/diag.h"
#include "conf/tree.h"
#include "conf/unit.h"
#include "host/generation.h"

#define WAIT_MS 1000
#define MARGIN	(5 * CLOCK_SEC)

static void
run_postconf(int out)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("postconf", "postconf", "-h", "milter_command_timeout", (char *)NULL);
	_exit(127);
}

/* What it prints in time, up to size. */
static void
read_in_time(int fd, char *text, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n = poll(&p, 1, WAIT_MS) == 1 ? read(fd, text, size - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
}

static void
ask_postconf(char *text, size_t size)
{
	int ends[2];
	pid_t child;

	text[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	child = fork();
	if (child == 0)
		run_postconf(ends[1]);
	close(ends[1]);
	if (child > 0) {
		read_in_time(ends[0], text, size);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	close(ends[0]);
}

/* "30s" as Postfix writes it (postconf(5)); 0 for anything else. */
static int64_t
postfix_time(const char *text)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || number <= 0 || number > 1000000)
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (*end == units[i].unit)
			return number * units[i].seconds * CLOCK_SEC;
	}
	return *end == '\n' || *end == '\0' ? number * CLOCK_SEC : 0;
}

/* Where message_timeout stands; the file as a whole where it is the default. */
static struct conf_pos
timeout_pos(const struct generation *g)
{
	for (const struct conf_section *s = g->tree->sections; s != NULL; s = s->next) {
		const struct conf_setting *setting = conf_find(s, "message_timeout");

		if (strcmp(s->kind, "main") == 0 && setting != NULL)
			return setting->value.pos;
	}
	return (struct conf_pos){0};
}

static void
warn(const struct generation *g, int64_t postfix, struct diag *diag)
{
	int64_t ours = g->main.message_timeout_us;
	int64_t less = postfix > 2 * MARGIN ? postfix - MARGIN : postfix / 2;
	char ours_text[32], postfix_text[32], less_text[32];

	unit_duration_text(ours, ours_text);
	unit_duration_text(postfix, postfix_text);
	unit_duration_text(less, less_text);
	diag_warn(diag, timeout_pos(g), NULL,
		"message_timeout %s, but Postfix here has milter_command_timeout = %s", ours_text,
		postfix_text);
	diag_help(diag, "postconf -e milter_command_timeout=%" PRId64 "s, or message_timeout = %s",
		(ours + MARGIN) / CLOCK_SEC, less_text);
}

void
check_postfix(const struct generation *g, struct diag *diag)
{
	int64_t postfix;
	char text[64];

	ask_postconf(text, sizeof(text));
	postfix = postfix_time(text);
	if (postfix > 0 && postfix <= g->main.message_timeout_us)
		warn(g, postfix, diag);
}
