/* SPDX-License-Identifier: MIT */
/*
 * ring.c - records in files of a directory, of which the oldest make room for new ones
 *
 * One thread writes. What the disk did not take whole is cut off again.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "ring_file.h"

/* Of so many parts the oldest is removed at once. */
#define PARTS 8
/* Readers take a segment as a whole. */
#define SEGMENT_MOST (INT64_C(64) << 20)
/* Records of one write. */
#define AT_ONCE	  64u
#define DIR_MODE  0750
#define FILE_MODE 0640

struct ring {
	struct ring_config config; /* path is its own */
	char *path;
	int dir;
	struct ring_segment *segments; /* the oldest first; the last is written to */
	size_t count;
	int file; /* of the last; -1: none is open */
	struct ring_head head;
	size_t cut;
};

/* --- open --- */

static bool
open_dir(struct ring *r, struct err *err)
{
	if (mkdir(r->path, DIR_MODE) != 0 && errno != EEXIST)
		return err_errno(err, "record: path %s cannot be made", r->path);
	r->dir = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return err_errno(err, "record: path %s", r->path);
	if (flock(r->dir, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK
			       ? err_set(err, "record: another daemon writes to %s", r->path)
			       : err_errno(err, "record: path %s", r->path);
	return true;
}

/* Counts the whole records of the file; what stands behind the last of them is no part of it. */
static int64_t
count_records(int file, struct ring_segment *s)
{
	unsigned char head[RING_RECORD_HEAD];
	int64_t at = RING_HEAD_SIZE;
	size_t size;

	s->records = 0;
	while (at + (int64_t)sizeof(head) <= s->octets &&
		pread(file, head, sizeof(head), at) == sizeof(head) &&
		(size = ring_record_size(head)) > 0 &&
		(int64_t)size <= s->octets - at - (int64_t)sizeof(head)) {
		at += (int64_t)sizeof(head) + (int64_t)size;
		s->records++;
	}
	return at;
}

static int
open_segment(const struct ring *r, uint32_t number, int flags)
{
	char name[RING_NAME_SIZE];

	ring_segment_name(name, number);
	return openat(r->dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, FILE_MODE);
}

/* Goes on where the process before ended; what it did not finish is cut off. */
static bool
go_on(struct ring *r, struct ring_segment *s, int file)
{
	unsigned char head[RING_HEAD_SIZE];
	int64_t end;

	if (pread(file, head, sizeof(head), 0) != sizeof(head) || !ring_head_read(head, &r->head))
		return false;
	end = count_records(file, s);
	r->cut = (size_t)(s->octets - end);
	if (r->cut > 0 && ftruncate(file, end) != 0)
		return false;
	s->octets = end;
	return true;
}

static void
look_at(struct ring *r, struct ring_segment *s, bool last)
{
	int file = open_segment(r, s->number, 0);

	if (file < 0)
		return;
	if (last && go_on(r, s, file)) {
		r->file = file;
		return;
	}
	count_records(file, s);
	close(file);
}

struct ring *
ring_open(const struct ring_config *config, struct err *err)
{
	struct ring *r = mem_zalloc(1, sizeof(*r));

	r->config = *config;
	r->config.path = r->path = strdup(config->path);
	r->dir = r->file = -1;
	if (!open_dir(r, err)) {
		ring_close(r);
		return NULL;
	}
	r->segments = ring_segments(r->dir, &r->count);
	for (size_t i = 0; i < r->count; i++)
		look_at(r, &r->segments[i], i + 1 == r->count);
	return r;
}

size_t
ring_cut(const struct ring *r)
{
	return r->cut;
}

void
ring_close(struct ring *r)
{
	if (r == NULL)
		return;
	if (r->file >= 0)
		close(r->file);
	if (r->dir >= 0)
		close(r->dir);
	free(r->segments);
	free(r->path);
	free(r);
}

/* --- append --- */

static int64_t
part(int64_t all, int64_t most)
{
	int64_t n = all / PARTS;

	return n < 1 ? 1 : n < most ? n : most;
}

static int64_t
octets_of(const struct ring_record *record)
{
	return (int64_t)(RING_RECORD_HEAD + record->len);
}

static bool
segment_full(const struct ring *r, int64_t octets)
{
	const struct ring_segment *s = &r->segments[r->count - 1];

	return s->octets + octets > part(r->config.max_size, SEGMENT_MOST) ||
	       s->records >= part(r->config.max_records, INT64_MAX);
}

static void
remove_oldest(struct ring *r)
{
	char name[RING_NAME_SIZE];

	ring_segment_name(name, r->segments[0].number);
	unlinkat(r->dir, name, 0);
	r->count--;
	memmove(r->segments, r->segments + 1, r->count * sizeof(*r->segments));
}

/* The newest is never removed: it is written to. */
static void
make_room(struct ring *r, int64_t octets, int64_t count)
{
	int64_t size = octets, records = count;

	for (size_t i = 0; i < r->count; i++) {
		size += r->segments[i].octets;
		records += r->segments[i].records;
	}
	while (r->count > 1 && (size > r->config.max_size || records > r->config.max_records)) {
		size -= r->segments[0].octets;
		records -= r->segments[0].records;
		remove_oldest(r);
	}
}

static bool
new_segment(struct ring *r, struct err *err)
{
	struct ring_segment s = {.number = r->count > 0 ? r->segments[r->count - 1].number + 1 : 1,
		.octets = RING_HEAD_SIZE};
	unsigned char head[RING_HEAD_SIZE];

	if (r->file >= 0)
		close(r->file);
	r->file = open_segment(r, s.number, O_CREAT | O_EXCL);
	if (r->file < 0)
		return err_errno(err, "record: a new file in %s", r->path);
	/* The umask is that of whoever started the daemon. */
	if (fchmod(r->file, FILE_MODE) != 0 || !ring_head_make(head, &r->head) ||
		pwrite(r->file, head, sizeof(head), 0) != sizeof(head)) {
		char name[RING_NAME_SIZE];

		err_errno(err, "record: a new file in %s", r->path);
		ring_segment_name(name, s.number);
		unlinkat(r->dir, name, 0);
		close(r->file);
		r->file = -1;
		return false;
	}
	r->segments = mem_grow(r->segments, (r->count + 1) * sizeof(s));
	r->segments[r->count++] = s;
	return true;
}

/* How many of the records fit into the segment; the first does in any case. */
static size_t
fitting(struct ring *r, const struct ring_record *records, size_t count)
{
	const struct ring_segment *s = &r->segments[r->count - 1];
	int64_t octets = s->octets, most = part(r->config.max_size, SEGMENT_MOST);
	int64_t left = part(r->config.max_records, INT64_MAX) - s->records;
	size_t n = 0;

	while (n < count && n < AT_ONCE && (n == 0 || (int64_t)n < left)) {
		octets += octets_of(&records[n]);
		if (n > 0 && octets > most)
			break;
		n++;
	}
	return n;
}

/* What was written whole counts, the rest is cut off again. */
static size_t
settle(struct ring *r, const struct ring_record *records, size_t count, int64_t written)
{
	struct ring_segment *s = &r->segments[r->count - 1];
	size_t n = 0;

	while (n < count && written >= octets_of(&records[n])) {
		written -= octets_of(&records[n]);
		s->octets += octets_of(&records[n]);
		s->records++;
		n++;
	}
	if (n < count)
		(void)!ftruncate(r->file, s->octets);
	return n;
}

static size_t
append_some(struct ring *r, const struct ring_record *records, size_t count, struct err *err)
{
	unsigned char heads[AT_ONCE][RING_RECORD_HEAD];
	struct iovec parts[2 * AT_ONCE];
	int64_t octets = 0;

	for (size_t i = 0; i < count; i++) {
		ring_record_head(heads[i], &r->head, records[i].data, records[i].len);
		parts[2 * i] = (struct iovec){heads[i], RING_RECORD_HEAD};
		parts[2 * i + 1] =
			(struct iovec){(void *)(uintptr_t)records[i].data, records[i].len};
		octets += octets_of(&records[i]);
	}
	make_room(r, octets, (int64_t)count);
	ssize_t written =
		pwritev(r->file, parts, (int)(2 * count), r->segments[r->count - 1].octets);

	if (written != octets) {
		/* A disk that is full takes a part. */
		if (written >= 0)
			errno = ENOSPC;
		err_errno(err, "record: %s", r->path);
	}
	return settle(r, records, count, written < 0 ? 0 : written);
}

size_t
ring_append(struct ring *r, const struct ring_record *records, size_t count, struct err *err)
{
	size_t done = 0, n, some;

	while (done < count) {
		const struct ring_record *next = &records[done];

		if (next->len == 0 || next->len > RING_RECORD_MOST) {
			err_set(err, "record: %zu octets are not what one can have", next->len);
			break;
		}
		if ((r->file < 0 || segment_full(r, octets_of(next))) && !new_segment(r, err))
			break;
		n = fitting(r, next, count - done);
		some = append_some(r, next, n, err);
		done += some;
		if (some < n)
			break;
	}
	return done;
}
