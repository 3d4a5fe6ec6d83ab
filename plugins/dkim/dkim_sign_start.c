/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign_start.c - settings become a signing table with its keys
 *
 * All that can be wrong with files is found here, when the configuration is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dkim_sign.h"
#include "dkim_sign_whose.h"

/* Some hundred thousand lines. */
#define TABLE_MOST (16u << 20)

static const char *const words[DKIM_WHOSE_COUNT] = {
	[DKIM_WHOSE_LOCAL] = "local",
	[DKIM_WHOSE_LOGINS] = "logins",
	[DKIM_WHOSE_TRUSTED] = "trusted",
};

static unsigned
find_word(const char *text)
{
	unsigned i = 0;

	while (i < DKIM_WHOSE_COUNT && strcmp(words[i], text) != 0)
		i++;
	return i;
}

bool
dkim_sign_check_whose(const char *text, char *why, size_t why_size)
{
	if (find_word(text) < DKIM_WHOSE_COUNT)
		return true;
	snprintf(why, why_size, "\"%.32s\" is not one of local, logins, trusted", text);
	return false;
}

/* --- the file --- */

static bool
complain(char *why, size_t why_size, const char *path, const char *what)
{
	snprintf(why, why_size, "%.300s: %s", path, what);
	return false;
}

/* Who can write to the table can sign as every domain that has a key. */
static const char *
check(int fd, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is not a file";
	if ((st.st_mode & S_IWOTH) != 0)
		return "everybody can write to it; chmod o-w it";
	if (st.st_size > (off_t)TABLE_MOST)
		return "has more than 16 MB";
	*size = (size_t)st.st_size;
	return NULL;
}

/* Its octets for free(), or NULL and *what. */
static char *
read_whole(int fd, size_t *len, const char **what)
{
	size_t size = 0, at = 0;
	ssize_t got = 1;
	char *text;

	*what = check(fd, &size);
	text = *what == NULL ? malloc(size + 1) : NULL;
	if (*what == NULL && text == NULL)
		*what = "no memory";
	while (*what == NULL && at < size && got != 0) {
		got = read(fd, text + at, size - at);
		if (got < 0 && errno != EINTR)
			*what = strerror(errno);
		at += got > 0 ? (size_t)got : 0;
	}
	*len = at;
	if (*what == NULL)
		return text;
	free(text);
	return NULL;
}

static bool
read_table(struct dkim_sign_config *c, char *why, size_t why_size)
{
	char words_of_line[400];
	const char *what = NULL;
	bool good;
	size_t len;
	char *text = NULL;
	int fd = open(c->table_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return complain(why, why_size, c->table_path, strerror(errno));
	text = read_whole(fd, &len, &what);
	close(fd);
	if (text == NULL)
		return complain(why, why_size, c->table_path, what);
	good = dkim_sign_table_parse(c->table, text, len, words_of_line, sizeof(words_of_line));
	free(text);
	return good || complain(why, why_size, c->table_path, words_of_line);
}

/* --- settings --- */

static void
choose_style(struct dkim_sign_config *c)
{
	c->style = (struct dkim_sign_style){
		.header = c->canonicalization < 2 ? CANON_RELAXED : CANON_SIMPLE,
		.body = c->canonicalization % 2 == 0 ? CANON_RELAXED : CANON_SIMPLE,
		.oversign = c->oversign.items,
		.oversign_count = c->oversign.count,
		/* x= has whole seconds; 0 is for ever. */
		.expire_s = (c->expire_us + 999999) / 1000000,
	};
	for (size_t i = 0; i < c->sign_for.count; i++)
		c->whose |= 1u << find_word(c->sign_for.items[i]);
}

bool
dkim_sign_start(struct dkim_sign_config *c, char *why, size_t why_size)
{
	if (c->table_path == NULL)
		return true;
	choose_style(c);
	if ((c->whose & 1u << DKIM_WHOSE_LOGINS) != 0 && c->login_map == NULL) {
		snprintf(why, why_size,
			"sign_for has logins, and nothing says which addresses are theirs: set "
			"login_map, or sign_for = [ local, trusted ]");
		return false;
	}
	c->table = calloc(1, sizeof(*c->table));
	if (c->table == NULL) {
		snprintf(why, why_size, "no memory");
		return false;
	}
	if (read_table(c, why, why_size) &&
		dkim_sign_table_load(c->table, c->key_dir, why, why_size))
		return true;
	dkim_sign_stop(c);
	return false;
}

void
dkim_sign_stop(struct dkim_sign_config *c)
{
	if (c->table != NULL)
		dkim_sign_table_fini(c->table);
	free(c->table);
	c->table = NULL;
}
