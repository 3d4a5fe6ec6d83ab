/* SPDX-License-Identifier: MIT */
/*
 * hostile.h - a test starts the hostile DNS server (tests/dns) and asks how it was treated
 *
 * The server ends when the test does, for it reads from a pipe that only the test holds.
 */
#ifndef TESTS_UNIT_HOSTILE_H
#define TESTS_UNIT_HOSTILE_H

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct hostile {
	pid_t pid;
	int hold;    /* it serves as long as this is open */
	FILE *says;  /* what it prints */
	char at[64]; /* "127.0.0.1@PORT", as the section dns takes it */
};

/* build/tests/hostile_dns: the binary is build/tests/unit/test_x. */
static inline void
hostile_program(char out[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 32);

	ck_assert_int_gt(len, 0);
	out[len] = '\0';
	for (int i = 0; i < 2; i++)
		*strrchr(out, '/') = '\0';
	strcat(out, "/hostile_dns");
}

/* zone: a file with names and what they do; NULL for none. */
static inline void
hostile_begin_zone(struct hostile *h, const char *address, const char *zone)
{
	char program[PATH_MAX];
	int in[2], out[2];
	unsigned port = 0;

	hostile_program(program);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	h->pid = fork();
	ck_assert_int_ge(h->pid, 0);
	if (h->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(program, program, "--address", address, zone == NULL ? NULL : "--zone", zone,
			(char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	h->hold = in[1];
	h->says = fdopen(out[0], "r");
	ck_assert_ptr_nonnull(h->says);
	ck_assert_msg(fscanf(h->says, "port %u%*1[\n]", &port) == 1, "%s does not serve on %s",
		program, address);
	snprintf(h->at, sizeof(h->at), "%s@%u", address, port);
}

static inline void
hostile_begin(struct hostile *h, const char *address)
{
	hostile_begin_zone(h, address, NULL);
}

/* A question that is not as RFC 1035 wants it was ours. */
static inline void
hostile_end(struct hostile *h)
{
	char said[128] = "";
	int status;

	close(h->hold);
	ck_assert_ptr_nonnull(fgets(said, sizeof(said), h->says));
	fclose(h->says);
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "hostile_dns: %s", said);
}

#endif
