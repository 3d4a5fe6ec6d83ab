/* SPDX-License-Identifier: MIT */
/*
 * store_redis_find.c - which server takes writes, and what is said to it first
 *
 * Servers are asked in their order, beginning with the one that was good last. Sentinels only say
 * where the master is; whether it is one, it must say itself, for Sentinels may be behind.
 */
#include "store_redis_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "store.h"
#include "store_redis_command.h"
#include "store_redis_reply.h"

/* For one server to be connected and to answer; and for all of a round, so that a server that comes
 * back is found within five seconds whatever the others do. */
#define ONE_US (500 * CLOCK_MS)
#define ALL_US (2 * CLOCK_SEC)
/* Who may do what with the file of the password: others nothing, the group read. */
#define FORBIDDEN_MODE (S_IWGRP | S_IXGRP | S_IRWXO)

/* --- the password --- */

static bool
read_line(int fd, const char *path, char out[REDIS_PASSWORD_MOST], struct err *err)
{
	struct stat st;
	size_t end;
	ssize_t len;

	if (fstat(fd, &st) != 0)
		return err_errno(err, "password_file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "password_file %s: not a regular file", path);
	if ((st.st_mode & FORBIDDEN_MODE) != 0)
		return err_set(err,
			"password_file %s: others may use it (mode %04o); try: chmod 600 %s", path,
			(unsigned)st.st_mode & 07777, path);
	len = read(fd, out, REDIS_PASSWORD_MOST - 1);
	if (len < 0)
		return err_errno(err, "password_file %s", path);
	out[len] = '\0';
	end = strcspn(out, "\r\n");
	if (end == REDIS_PASSWORD_MOST - 1 || (out[end] == '\0' && end < (size_t)len))
		return err_set(err,
			"password_file %s: its first line is too long (more than %u octets), or "
			"has a zero octet",
			path, REDIS_PASSWORD_MOST - 2);
	out[end] = '\0';
	if (out[0] == '\0')
		return err_set(err, "password_file %s: its first line is empty", path);
	return true;
}

static bool
read_password(const char *path, char out[REDIS_PASSWORD_MOST], struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char line[REDIS_PASSWORD_MOST];
	bool good;

	if (fd < 0)
		return err_errno(err, "password_file %s", path);
	good = read_line(fd, path, line, err);
	close(fd);
	if (good)
		memcpy(out, line, sizeof(line));
	explicit_bzero(line, sizeof(line));
	return good;
}

/* --- begin and end --- */

static char *
copy_text(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

bool
redis_find_init(struct redis_find *f, const struct store_config *config, struct err *err)
{
	*f = (struct redis_find){.count = config->servers.count};
	if (f->count == 0)
		return err_set(err, "there is no server");
	for (size_t i = 0; i < f->count; i++) {
		if (!redis_link_examine(config->servers.items[i], err))
			return false;
	}
	if (config->password_file != NULL &&
		!read_password(config->password_file, f->password, err))
		return false;
	f->servers = mem_zalloc(f->count, sizeof(*f->servers));
	for (size_t i = 0; i < f->count; i++)
		f->servers[i] = strdup(config->servers.items[i]);
	f->sentinel = copy_text(config->sentinel);
	f->password_file = copy_text(config->password_file);
	return true;
}

void
redis_find_fini(struct redis_find *f)
{
	for (size_t i = 0; f->servers != NULL && i < f->count; i++)
		free(f->servers[i]);
	free(f->servers);
	free(f->sentinel);
	free(f->password_file);
	explicit_bzero(f->password, sizeof(f->password));
}

/* --- what a server says to us --- */

/* In words; its text is a stranger's. */
static bool
refused(const char *where, const char *what, const struct redis_reply *r, struct err *err)
{
	char text[200] = "another answer than that command has";

	if (r->kind == REDIS_ERROR)
		snprintf(text, sizeof(text), "%s", r->text);
	text_clean(text);
	return err_set(err, "%s: %s: %s", where, what, text);
}

/* A proxy may not know the command; whether it is one that takes writes, the first will show. */
static bool
read_role(const struct redis_find *f, const struct redis_reply *r, struct err *err)
{
	if (r->kind == REDIS_ERROR && f->sentinel == NULL && redis_trouble(r) == REDIS_TROUBLE)
		return true;
	if (r->kind != REDIS_LIST || r->len == 0)
		return refused(f->where, "ROLE", r, err);
	return redis_reply_is_text(r->items[0], "master") ||
	       err_set(err, "%s: it is no master, so it takes no writes", f->where);
}

/* NULL with words. */
static struct redis_reply *
await(const struct redis_find *f, struct redis_link *l, int64_t until, struct err *err)
{
	struct err why;
	struct redis_reply *r = redis_link_await(l, until, &why);

	if (r == NULL)
		err_set(err, "%s: %s", f->where, why.text);
	return r;
}

/* Who does not know the command may repeat what stands behind it. */
static bool
read_password_answer(const struct redis_find *f, const struct redis_reply *r, struct err *err)
{
	if (redis_reply_is_text(r, "OK"))
		return true;
	if (r->kind == REDIS_ERROR && strstr(r->text, f->password) != NULL)
		return err_set(err,
			"%s: AUTH: it is refused, in words that repeat the password; does that "
			"server know the command?",
			f->where);
	return refused(f->where, "AUTH", r, err);
}

static bool
await_password(const struct redis_find *f, struct redis_link *l, int64_t until, struct err *err)
{
	struct redis_reply *r = await(f, l, until, err);
	bool good = r != NULL && read_password_answer(f, r, err);

	redis_reply_free(r);
	return good;
}

static bool
await_role(const struct redis_find *f, struct redis_link *l, int64_t until, struct err *err)
{
	struct redis_reply *r = await(f, l, until, err);
	bool good = r != NULL && read_role(f, r, err);

	redis_reply_free(r);
	return good;
}

static bool
await_scripts(const struct redis_find *f, struct redis_link *l, struct redis_names *names,
	int64_t until, struct err *err)
{
	bool good = true;

	for (unsigned i = 0; good && i < REDIS_SCRIPTS; i++) {
		struct redis_reply *r = await(f, l, until, err);

		good = r != NULL &&
		       (redis_names_keep(names, i, r) || refused(f->where, "SCRIPT LOAD", r, err));
		redis_reply_free(r);
	}
	return good;
}

/* --- what we say --- */

void
redis_find_load(struct buf *out)
{
	for (unsigned i = 0; i < REDIS_SCRIPTS; i++) {
		struct redis_command c = {0};

		redis_word_text(&c, "SCRIPT");
		redis_word_text(&c, "LOAD");
		redis_word_text(&c, redis_script_text(i));
		redis_command_write(&c, out);
	}
}

/* Everything at once: it takes one round trip. */
static bool
greet(const struct redis_find *f, struct redis_link *l, struct redis_names *names, int64_t until,
	struct err *err)
{
	struct redis_command auth = {0}, role = {0};
	struct err why;

	if (f->password[0] != '\0') {
		redis_word_text(&auth, "AUTH");
		redis_word_text(&auth, f->password);
		redis_command_write(&auth, &l->out);
	}
	redis_word_text(&role, "ROLE");
	redis_command_write(&role, &l->out);
	redis_find_load(&l->out);
	if (!redis_link_flush(l, &why))
		return err_set(err, "%s: %s", f->where, why.text);
	return (f->password[0] == '\0' || await_password(f, l, until, err)) &&
	       await_role(f, l, until, err) && await_scripts(f, l, names, until, err);
}

/* f->where. */
static bool
try_server(const struct redis_find *f, struct redis_link *l, struct redis_names *names,
	struct err *err)
{
	int64_t until = clock_now() + ONE_US;

	return redis_link_open(l, f->where, until, err) && greet(f, l, names, until, err);
}

/* --- Sentinel --- */

/* The address and the port of the master, to f->where. It cannot name a path on this machine. */
static bool
read_master(
	struct redis_find *f, const char *sentinel, const struct redis_reply *r, struct err *err)
{
	if (r->kind == REDIS_NOTHING)
		return err_set(err, "%s: it knows no master %s", sentinel, f->sentinel);
	if (r->kind != REDIS_LIST || r->len != 2 || r->items[0]->kind != REDIS_TEXT ||
		r->items[1]->kind != REDIS_TEXT)
		return refused(sentinel, "SENTINEL get-master-addr-by-name", r, err);
	if (strchr(r->items[0]->text, '/') != NULL)
		return err_set(err, "%s: the address it says is none", sentinel);
	if (strspn(r->items[1]->text, "0123456789") != r->items[1]->len)
		return err_set(err, "%s: the port it says is none", sentinel);
	text_clean(r->items[0]->text);
	if (snprintf(f->where, sizeof(f->where), "%s:%s", r->items[0]->text, r->items[1]->text) >=
		(int)sizeof(f->where))
		return err_set(err, "%s: the address it says is too long", sentinel);
	return true;
}

static bool
ask_sentinel(struct redis_find *f, const char *sentinel, struct redis_link *l, struct err *err)
{
	struct redis_command c = {0};
	int64_t until = clock_now() + ONE_US;
	struct redis_reply *r;
	struct err why;
	bool good;

	if (!redis_link_open(l, sentinel, until, err))
		return false;
	redis_word_text(&c, "SENTINEL");
	redis_word_text(&c, "get-master-addr-by-name");
	redis_word_text(&c, f->sentinel);
	r = redis_link_ask(l, &c, until, &why);
	good = r != NULL ? read_master(f, sentinel, r, err)
			 : err_set(err, "%s: %s", sentinel, why.text);
	redis_reply_free(r);
	return good;
}

/* --- all of it --- */

static bool
try_next(struct redis_find *f, struct redis_link *l, struct redis_names *names, struct err *err)
{
	const char *server = f->servers[f->at];

	if (f->sentinel != NULL)
		return ask_sentinel(f, server, l, err) && try_server(f, l, names, err);
	snprintf(f->where, sizeof(f->where), "%s", server);
	return try_server(f, l, names, err);
}

bool
redis_find(struct redis_find *f, struct redis_link *l, struct redis_names *names, struct err *err)
{
	int64_t until = clock_now() + ALL_US;
	struct err unread;

	/* It may be another now. Where it cannot be read any more, the one that was known counts.
	 */
	if (f->password_file != NULL)
		(void)read_password(f->password_file, f->password, &unread);
	for (size_t i = 0; i < f->count; i++) {
		if (try_next(f, l, names, err))
			return true;
		redis_link_close(l);
		f->at = (f->at + 1) % f->count;
		if (clock_now() >= until)
			break;
	}
	return false;
}
