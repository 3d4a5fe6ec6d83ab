/* SPDX-License-Identifier: MIT */
/*
 * dkim_private_file.c - files of private keys, and who can reach them
 *
 * As root, who owns a file cannot be judged by who we are, for the daemon reads its configuration
 * once more as its own user: then the owner of the directory that the administrator named counts.
 */
#include "dkim_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key of 8192 bits has some 6,400 octets. */
#define PEM_SIZE 32768u

#define MODE_DIR      0700
#define MODE_DIR_ALL  0750
#define MODE_FILE     0600
#define MODE_FILE_ALL 0640

struct complaint {
	char *text;
	size_t size;
};

static bool __attribute__((format(printf, 2, 3)))
complain(const struct complaint *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->text, c->size, format, args);
	va_end(args);
	return false;
}

/* Without a name that leads elsewhere: domain and selector are checked where they come from. */
static bool
join(char out[PATH_MAX], const struct complaint *c, const char *dir, const char *name,
	const char *suffix)
{
	if (strchr(name, '/') != NULL || name[0] == '.' || name[0] == '\0')
		return complain(c, "\"%.64s\" cannot be the name of a key", name);
	if (snprintf(out, PATH_MAX, "%s/%s%s", dir, name, suffix) >= PATH_MAX)
		return complain(c, "%.128s...: too long a name", dir);
	return true;
}

/* --- who can reach it --- */

/* Of a file whose directory nobody named, for root: the daemon's user judges it after root. */
#define ANYBODY ((uid_t)-1)

static bool
owner_good(const struct stat *st, uid_t dir_owner)
{
	uid_t self = geteuid();

	if (self == 0 && dir_owner == ANYBODY)
		return true;
	return st->st_uid == 0 || st->st_uid == (self == 0 ? dir_owner : self);
}

static bool
refuse_owner(const struct complaint *c, const char *path, const struct stat *st)
{
	/* Root does not know that user but by the directory. */
	return complain(c, "%.300s belongs to user %lu, who could replace the key; chown it to %s",
		path, (unsigned long)st->st_uid,
		geteuid() == 0 ? "root, or all keys and their directories to the daemon's user"
			       : "root or to the daemon's user");
}

/* top: owner of the directory with all keys; -1: this is that directory. */
static bool
check_dir(const struct complaint *c, const char *path, uid_t *top)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return complain(c, "%.300s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return complain(c, "%.300s is not a directory", path);
	if (*top == (uid_t)-1)
		*top = st.st_uid;
	if (!owner_good(&st, *top))
		return refuse_owner(c, path, &st);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return complain(c,
			"%.300s can be written to by others (mode %04o), who could replace keys; "
			"chmod go-w it",
			path, (unsigned)(st.st_mode & 07777));
	return true;
}

static bool
check_file(const struct complaint *c, const char *path, int fd, uid_t top)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return complain(c, "%.300s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(c, "%.300s is not a file", path);
	if (!owner_good(&st, top))
		return refuse_owner(c, path, &st);
	if ((st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
		return complain(c,
			"%.300s has mode %04o, so others can reach the key; chmod 0600 it, "
			"or 0640 for the daemon's group",
			path, (unsigned)(st.st_mode & 07777));
	return true;
}

/* --- reading --- */

/* Octets of the file; -1: an error, or too many. */
static ssize_t
read_whole(int fd, char pem[PEM_SIZE])
{
	size_t len = 0;

	while (len < PEM_SIZE) {
		ssize_t got = read(fd, pem + len, PEM_SIZE - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -1 : (ssize_t)len;
		len += (size_t)got;
	}
	errno = EFBIG;
	return -1;
}

static struct dkim_private *
read_key(const struct complaint *c, const char *path, int fd)
{
	char pem[PEM_SIZE];
	ssize_t len = read_whole(fd, pem);
	struct dkim_private *key = NULL;
	const char *why;

	if (len < 0) {
		complain(c, "%.300s: %s", path, strerror(errno));
		return NULL;
	}
	key = dkim_private_parse(pem, (size_t)len, &why);
	dkim_private_wipe(pem, (size_t)len);
	if (key == NULL)
		complain(c, "%.300s: %s", path, why);
	return key;
}

/* Not to wait for who writes into a FIFO. */
static int
open_key(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

struct dkim_private *
dkim_private_read(const char *path, char *why, size_t why_size)
{
	const struct complaint c = {why, why_size};
	struct dkim_private *key = NULL;
	int fd = open_key(path);

	if (fd < 0) {
		complain(&c, "%.300s: %s", path, strerror(errno));
		return NULL;
	}
	if (check_file(&c, path, fd, ANYBODY))
		key = read_key(&c, path, fd);
	close(fd);
	return key;
}

/* The most frequent mistakes, and what to do. */
static void
explain_open(const struct complaint *c, const struct dkim_private_name *name, const char *path,
	int error)
{
	if (error == ENOENT)
		complain(c, "%.300s is not there; make it: chainmail dkim genkey %.100s %.64s",
			path, name->domain, name->selector);
	else if (error == EACCES)
		complain(c,
			"%.300s: user %lu may not read it; chgrp it and its directories to the "
			"daemon's "
			"group, and chmod 0640 and 0750 them",
			path, (unsigned long)geteuid());
	else
		complain(c, "%.300s: %s", path, strerror(error));
}

struct dkim_private *
dkim_private_load(const struct dkim_private_name *name, char *why, size_t why_size)
{
	const struct complaint c = {why, why_size};
	char dir[PATH_MAX], path[PATH_MAX];
	struct dkim_private *key = NULL;
	uid_t top = (uid_t)-1;
	int fd;

	if (!join(dir, &c, name->dir, name->domain, "") ||
		!join(path, &c, dir, name->selector, ".pem"))
		return NULL;
	fd = open_key(path);
	if (fd < 0) {
		explain_open(&c, name, path, errno);
		return NULL;
	}
	if (check_dir(&c, name->dir, &top) && check_dir(&c, dir, &top) &&
		check_file(&c, path, fd, top))
		key = read_key(&c, path, fd);
	close(fd);
	return key;
}

/* --- writing --- */

static bool
make_dir(const struct complaint *c, const char *path, gid_t group)
{
	bool shared = group != (gid_t)-1;

	if (mkdir(path, MODE_DIR) != 0)
		return errno == EEXIST || complain(c, "%.300s: %s", path, strerror(errno));
	if (!shared)
		return true;
	if (chown(path, (uid_t)-1, group) != 0 || chmod(path, MODE_DIR_ALL) != 0)
		return complain(c, "%.300s: %s", path, strerror(errno));
	return true;
}

static bool
write_whole(int fd, const char *pem, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, pem, len);

		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0) {
			pem += put;
			len -= (size_t)put;
		}
	}
	return true;
}

/* Rights first: nobody who may not reads it meanwhile. */
static bool
write_key(int fd, const struct dkim_private *key, gid_t group)
{
	bool shared = group != (gid_t)-1;
	char *pem;
	size_t len = dkim_private_pem(key, &pem);
	bool done = len > 0 && (!shared || fchown(fd, (uid_t)-1, group) == 0) &&
		    fchmod(fd, shared ? MODE_FILE_ALL : MODE_FILE) == 0 &&
		    write_whole(fd, pem, len) && fsync(fd) == 0;

	dkim_private_pem_free(pem, len);
	return done;
}

bool
dkim_private_save(const struct dkim_private *key, const struct dkim_private_name *name, gid_t group,
	char *path, char *why, size_t why_size)
{
	const struct complaint c = {why, why_size};
	char dir[PATH_MAX];
	uid_t top = (uid_t)-1;
	bool done;
	int fd;

	if (!join(dir, &c, name->dir, name->domain, "") ||
		!join(path, &c, dir, name->selector, ".pem"))
		return false;
	/* Where a key would not be used none is made. */
	if (!make_dir(&c, name->dir, group) || !check_dir(&c, name->dir, &top) ||
		!make_dir(&c, dir, group) || !check_dir(&c, dir, &top))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE_FILE);
	if (fd < 0 && errno == EEXIST)
		return complain(&c,
			"%.300s is there already, and is not replaced: mail that it has signed "
			"may be on its way; choose another selector",
			path);
	if (fd < 0)
		return complain(&c, "%.300s: %s", path, strerror(errno));
	done = write_key(fd, key, group);
	if (!done)
		complain(&c, "%.300s: %s", path, strerror(errno));
	close(fd);
	if (!done)
		unlink(path);
	return done;
}
