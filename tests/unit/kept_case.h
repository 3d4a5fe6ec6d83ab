/* SPDX-License-Identifier: MIT */
/*
 * kept_case.h - sessions that are kept by a ring of the test's own, and read from it
 */
#ifndef TESTS_UNIT_KEPT_CASE_H
#define TESTS_UNIT_KEPT_CASE_H

#include "door/conversation.h"
#include "door/kept.h"
#include "door/replay.h"
#include "drive.h"
#include "service/ring.h"
#include "service/ring_writer.h"

#include <dirent.h>

/* A generation that keeps its sessions. */
struct keeper {
	struct drive drive;
	char ring[TEMP_NAME_SIZE + 8];
};

/* A directory, for files that the sections name. */
static inline void
keeper_init(struct keeper *k)
{
	drive_init(&k->drive);
	snprintf(k->ring, sizeof(k->ring), "%s/ring", k->drive.dir);
}

/* Loads the sections, and makes them the running generation. max_body: "0", "1k". */
static inline void
keeper_load(struct keeper *k, const char *sections, const char *max_body)
{
	struct ring_config config = {.max_size = 64 << 20, .max_records = 1000};
	char *text = NULL;
	struct err err;

	ck_assert_int_gt(
		asprintf(&text, "record { path = ring; max_body = %s }\n%s", max_body, sections),
		0);
	drive_load(&k->drive, text);
	free(text);
	config.path = k->ring;
	ck_assert(ring_writer_start(&err));
	ring_writer_configure(&config);
	generation_swap(k->drive.g);
}

static inline void
keeper_begin(struct keeper *k, const char *sections, const char *max_body)
{
	keeper_init(k);
	keeper_load(k, sections, max_body);
}

/* No more is kept; what was is written. */
static inline void
keeper_stop(struct keeper *k)
{
	generation_swap(NULL);
	k->drive.g = NULL;
	ring_writer_stop();
}

static inline void
keeper_end(struct keeper *k)
{
	DIR *d = opendir(k->ring);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	rmdir(k->ring);
	drive_fini(&k->drive);
}

/* Plays the session to the running generation. */
static inline enum cm_verdict
keeper_play(const struct replay_input *in)
{
	struct conversation c;
	struct answer last;

	conversation_open(&c, "l");
	replay_run(&c, in, NULL, &last);
	conversation_close(&c);
	return last.verdict;
}

/* The sessions of the ring, at most that many; kept_free() them. */
static inline size_t
keeper_read(const struct keeper *k, struct kept *out, size_t most)
{
	const unsigned char *data;
	size_t len, count = 0;
	struct err err = {""};
	struct ring_reader *r = ring_reader_open(k->ring, &err);

	ck_assert_msg(r != NULL, "%s", err.text);
	while (ring_reader_next(r, &data, &len)) {
		ck_assert_uint_lt(count, most);
		ck_assert(kept_read(&out[count++], data, len));
	}
	ck_assert_uint_eq(ring_reader_torn(r), 0);
	ring_reader_close(r);
	return count;
}

#endif
