/* SPDX-License-Identifier: MIT */
/*
 * redis_server.h - a test starts a Redis server of its own, and ends it
 *
 * On a socket in a temporary directory, or on a port of the loopback interface; nothing is kept.
 * A server whose test dies dies as well.
 */
#ifndef TESTS_UNIT_REDIS_SERVER_H
#define TESTS_UNIT_REDIS_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"
#include "temp.h"

#define REDIS_WAIT_US	1000
#define REDIS_WAIT_MOST 20000 /* of them */

struct redis_server {
	pid_t pid;
	char dir[TEMP_NAME_SIZE];
	char where[TEMP_NAME_SIZE + 16]; /* as the section store takes it */
	unsigned port;			 /* 0: a unix socket */
	bool sentinel;
};

/*
 * Debian's package of the server starts a service; its program is also that of redis-check-rdb, in
 * the package of the tools, which is what the name says that it is called by.
 */
static const struct {
	const char *file, *name;
} redis_programs[] = {
	{"redis-server", "redis-server"},
	{"valkey-server", "valkey-server"},
	{"redis-check-rdb", "redis-server"},
};

static inline bool
redis_find_program(char out[256], const char **name)
{
	static const char *const dirs[] = {"/usr/bin", "/usr/local/bin", "/usr/sbin"};

	for (int i = 0; i < LENGTH(redis_programs); i++) {
		for (int d = 0; d < LENGTH(dirs); d++) {
			snprintf(out, 256, "%s/%s", dirs[d], redis_programs[i].file);
			*name = redis_programs[i].name;
			if (access(out, X_OK) == 0)
				return true;
		}
	}
	return false;
}

/* Says so where there is none. */
static inline bool
redis_is_there(void)
{
	char program[256];
	const char *name;

	if (redis_find_program(program, &name))
		return true;
	table_skip("store_redis", "there is no redis-server");
	return false;
}

static inline unsigned
redis_free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* A connection of the test's own, -1: nobody listens. */
static inline int
redis_connect(const struct redis_server *s)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct sockaddr_in port = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)s->port)};
	const struct sockaddr *address = (struct sockaddr *)&port;
	socklen_t len = sizeof(port);
	int fd;

	if (s->port == 0) {
		snprintf(path.sun_path, sizeof(path.sun_path), "%s", s->where + 5);
		address = (struct sockaddr *)&path;
		len = sizeof(path);
	}
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	if (connect(fd, address, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline void
redis_await(const struct redis_server *s)
{
	int fd = -1;

	for (int i = 0; i < REDIS_WAIT_MOST && fd < 0; i++) {
		fd = redis_connect(s);
		if (fd < 0)
			usleep(REDIS_WAIT_US);
	}
	ck_assert_msg(fd >= 0, "%s does not serve", s->where);
	close(fd);
}

/* What is said to an inline command, cut to its first octets. */
static inline void
redis_ask(const struct redis_server *s, char *out, size_t size, const char *command)
{
	int fd = redis_connect(s);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, command, strlen(command)), (ssize_t)strlen(command));
	ck_assert_int_eq(write(fd, "\r\n", 2), 2);
	n = read(fd, out, size - 1);
	ck_assert_int_gt(n, 0);
	out[n] = '\0';
	close(fd);
}

/* The command must be done. */
static inline void __attribute__((format(printf, 2, 3)))
redis_do(const struct redis_server *s, const char *format, ...)
{
	char command[512], said[256];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	redis_ask(s, said, sizeof(said), command);
	ck_assert_msg(said[0] != '-', "%s: %s", command, said);
}

/* extra: more arguments, NULL at their end. */
static inline void
redis_exec(const struct redis_server *s, const char *const *extra)
{
	char program[256], port[16], conf[TEMP_NAME_SIZE + 16], path[TEMP_NAME_SIZE + 16];
	const char *args[48], *name;
	int count = 0, null = open("/dev/null", O_RDWR);
	const char *const common[] = {"--port", port, "--bind", "127.0.0.1", "--dir", s->dir,
		"--daemonize", "no", "--logfile", "", "--protected-mode", "no"};
	const char *const data[] = {"--save", "", "--appendonly", "no", "--unixsocket", path,
		"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"};

	if (!redis_find_program(program, &name))
		_exit(127);
	snprintf(port, sizeof(port), "%u", s->port);
	snprintf(conf, sizeof(conf), "%s/conf", s->dir);
	snprintf(path, sizeof(path), "%s/s", s->dir);
	args[count++] = name;
	if (s->sentinel)
		args[count++] = conf;
	for (int i = 0; i < LENGTH(common); i++)
		args[count++] = common[i];
	for (int i = 0; !s->sentinel && i < LENGTH(data); i++)
		args[count++] = data[i];
	while (extra != NULL && *extra != NULL)
		args[count++] = *extra++;
	if (s->sentinel)
		args[count++] = "--sentinel";
	args[count] = NULL;
	dup2(null, 0);
	dup2(null, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(program, (char *const *)(uintptr_t)args);
	_exit(127);
}

static inline void
redis_start(struct redis_server *s, const char *const *extra)
{
	s->pid = fork();
	ck_assert_int_ge(s->pid, 0);
	if (s->pid == 0)
		redis_exec(s, extra);
	redis_await(s);
}

static inline void
redis_begin(struct redis_server *s, const char *const *extra)
{
	*s = (struct redis_server){0};
	ck_assert(temp_dir(s->dir, "redis"));
	snprintf(s->where, sizeof(s->where), "unix:%s/s", s->dir);
	redis_start(s, extra);
}

static inline void
redis_begin_port(struct redis_server *s, const char *const *extra)
{
	*s = (struct redis_server){.port = redis_free_port()};
	ck_assert(temp_dir(s->dir, "redis"));
	snprintf(s->where, sizeof(s->where), "127.0.0.1:%u", s->port);
	redis_start(s, extra);
}

static inline void
redis_kill(struct redis_server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	ck_assert_int_eq(waitpid(s->pid, NULL, 0), s->pid);
	s->pid = 0;
}

static inline void
redis_end(struct redis_server *s)
{
	static const char *const names[] = {"s", "conf", "dump.rdb"};
	char file[TEMP_NAME_SIZE + 16];

	redis_kill(s);
	for (int i = 0; i < LENGTH(names); i++) {
		snprintf(file, sizeof(file), "%s/%s", s->dir, names[i]);
		unlink(file);
	}
	rmdir(s->dir);
}

#endif
