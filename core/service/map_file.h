/* SPDX-License-Identifier: MIT */
/*
 * map_file.h - reads a map's file whole, and tells whether it is another one now
 */
#ifndef CORE_SERVICE_MAP_FILE_H
#define CORE_SERVICE_MAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* What changes when a file is written or replaced. */
struct map_stamp {
	int error; /* errno of the look; 0: the rest is known */
	dev_t device;
	ino_t inode;
	off_t size;
	int64_t modified_ns, changed_ns;
};

enum map_file_result {
	MAP_FILE_READ,
	MAP_FILE_FAILED, /* err says why */
	MAP_FILE_MOVING	 /* somebody wrote to it meanwhile: look again later */
};

struct map_stamp map_file_stamp(const char *path);
bool map_stamp_same(const struct map_stamp *, const struct map_stamp *);
/* text is the caller's to free(); stamp is that of what was read, or could not be. */
enum map_file_result
map_file_read(const char *path, char **text, size_t *len, struct map_stamp *, struct err *);

#endif
