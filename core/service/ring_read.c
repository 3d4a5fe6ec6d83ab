/* SPDX-License-Identifier: MIT */
/*
 * ring_read.c - the records of a ring, also while another process writes
 *
 * A segment is read into memory as a whole: mapped, it could be cut off under our feet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ring.h"
#include "ring_file.h"

/* What no writer makes is not read: the largest record in a segment of its own. */
#define SEGMENT_READ_MOST ((size_t)2 * RING_RECORD_MOST)

struct ring_reader {
	int dir;
	struct ring_segment *segments;
	size_t count, next;
	struct ring_head head;
	unsigned char *data; /* of the segment at hand */
	size_t len, at, room;
	size_t torn;
	struct err unread; /* the latest that could not be opened; "": none */
};

struct ring_reader *
ring_reader_open(const char *path, struct err *err)
{
	struct ring_reader *r = mem_zalloc(1, sizeof(*r));

	r->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0) {
		err_errno(err, "%s", path);
		free(r);
		return NULL;
	}
	r->segments = ring_segments(r->dir, &r->count);
	return r;
}

/* False: it cannot be read, or is none of ours. */
static bool
read_all(struct ring_reader *r, int file)
{
	struct stat st;
	ssize_t got = 1;

	r->len = r->at = 0;
	if (fstat(file, &st) != 0 || st.st_size < 0 || (size_t)st.st_size > SEGMENT_READ_MOST)
		return false;
	if ((size_t)st.st_size + 1 > r->room) {
		r->room = (size_t)st.st_size + 1;
		r->data = mem_grow(r->data, r->room);
	}
	while (r->len < (size_t)st.st_size && got > 0) {
		got = read(file, r->data + r->len, (size_t)st.st_size - r->len);
		r->len += got > 0 ? (size_t)got : 0;
	}
	return got >= 0;
}

/* The next segment that has a head. */
static bool
next_segment(struct ring_reader *r)
{
	char name[RING_NAME_SIZE];

	while (r->next < r->count) {
		ring_segment_name(name, r->segments[r->next++].number);
		int file = openat(r->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		/* The oldest may be gone. */
		if (file < 0 && errno != ENOENT)
			err_errno(&r->unread, "%s", name);
		if (file < 0)
			continue;
		bool good = read_all(r, file) && r->len >= RING_HEAD_SIZE &&
			    ring_head_read(r->data, &r->head);

		close(file);
		r->at = RING_HEAD_SIZE;
		if (good)
			return true;
		r->torn++;
	}
	r->len = r->at = 0;
	return false;
}

/* Octets of the whole record at that place; 0: there is none. */
static size_t
whole_at(const struct ring_reader *r, size_t at)
{
	const unsigned char *head = r->data + at;
	size_t size;

	if (r->len - at < RING_RECORD_HEAD)
		return 0;
	size = ring_record_size(head);
	if (size == 0 || size > r->len - at - RING_RECORD_HEAD)
		return 0;
	return ring_record_whole(head, &r->head, head + RING_RECORD_HEAD, size) ? size : 0;
}

/* To the next whole record of the segment, over what is none. */
static size_t
find_whole(struct ring_reader *r)
{
	size_t size = 0, began = r->at;

	while (r->at < r->len && (size = whole_at(r, r->at)) == 0)
		r->at++;
	r->torn += r->at > began;
	return size;
}

bool
ring_reader_next(struct ring_reader *r, const unsigned char **data, size_t *len)
{
	size_t size;

	do
		size = find_whole(r);
	while (size == 0 && next_segment(r));
	if (size == 0)
		return false;
	*data = r->data + r->at + RING_RECORD_HEAD;
	*len = size;
	r->at += RING_RECORD_HEAD + size;
	return true;
}

size_t
ring_reader_torn(const struct ring_reader *r)
{
	return r->torn;
}

bool
ring_reader_unread(const struct ring_reader *r, struct err *err)
{
	*err = r->unread;
	return err->text[0] != '\0';
}

void
ring_reader_progress(const struct ring_reader *r, int64_t *done, int64_t *all)
{
	*done = *all = 0;
	for (size_t i = 0; i < r->count; i++) {
		*all += r->segments[i].octets;
		if (i + 1 < r->next)
			*done += r->segments[i].octets;
	}
	*done += (int64_t)r->at;
}

void
ring_reader_close(struct ring_reader *r)
{
	if (r == NULL)
		return;
	close(r->dir);
	free(r->segments);
	free(r->data);
	free(r);
}
