/* SPDX-License-Identifier: MIT */
/*
 * map_file.c - reads a map's file whole, and tells whether it is another one now
 *
 * The file belongs to others, who may write it while we read: it is looked at before and after, and
 * what was not at rest is not used.
 */
#include "map_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "map_table.h"

static int64_t
nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct map_stamp
make_stamp(const struct stat *st)
{
	return (struct map_stamp){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified_ns = nanoseconds(st->st_mtim),
		.changed_ns = nanoseconds(st->st_ctim),
	};
}

struct map_stamp
map_file_stamp(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct map_stamp){.error = errno};
	return make_stamp(&st);
}

bool
map_stamp_same(const struct map_stamp *a, const struct map_stamp *b)
{
	return a->error == b->error && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->modified_ns == b->modified_ns &&
	       a->changed_ns == b->changed_ns;
}

/* Up to room octets; -1 with errno. */
static ssize_t
read_all(int fd, char *data, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, data + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* A regular file of a size we are willing to keep. */
static bool
acceptable(const char *path, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, "%s: not a regular file", path);
	if (st->st_size > (off_t)MAP_FILE_MAX)
		return err_set(err, "%s: larger than %u M", path, MAP_FILE_MAX >> 20);
	return true;
}

static enum map_file_result
read_open(int fd, const char *path, char **text, size_t *len, struct map_stamp *stamp,
	struct err *err)
{
	struct stat before, after;
	struct map_stamp then;
	size_t room;
	ssize_t n;

	if (fstat(fd, &before) != 0) {
		err_errno(err, "%s", path);
		return MAP_FILE_FAILED;
	}
	*stamp = make_stamp(&before);
	if (!acceptable(path, &before, err))
		return MAP_FILE_FAILED;
	room = (size_t)before.st_size;
	*text = mem_alloc(room + 1);
	n = read_all(fd, *text, room + 1);
	if (n < 0) {
		err_errno(err, "%s", path);
		return MAP_FILE_FAILED;
	}
	if (fstat(fd, &after) != 0 || (size_t)n != room)
		return MAP_FILE_MOVING;
	then = make_stamp(&after);
	*len = room;
	return map_stamp_same(stamp, &then) ? MAP_FILE_READ : MAP_FILE_MOVING;
}

enum map_file_result
map_file_read(const char *path, char **text, size_t *len, struct map_stamp *stamp, struct err *err)
{
	enum map_file_result result;
	int fd;

	*text = NULL;
	/* A fifo must not make us wait; it is refused once open. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err_errno(err, "%s", path);
		*stamp = map_file_stamp(path);
		return MAP_FILE_FAILED;
	}
	result = read_open(fd, path, text, len, stamp, err);
	close(fd);
	if (result != MAP_FILE_READ) {
		free(*text);
		*text = NULL;
	}
	return result;
}
