/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_case.h - an LMDB store in a temporary directory
 */
#ifndef TESTS_UNIT_STORE_LMDB_CASE_H
#define TESTS_UNIT_STORE_LMDB_CASE_H

#include "store_case.h"
#include "temp.h"

/* Of the running test. */
static char lmdb_case_dir[TEMP_NAME_SIZE];
static char lmdb_case_path[TEMP_NAME_SIZE + 8];

static inline struct store_config
lmdb_case_config(void)
{
	return (struct store_config){.name = "s",
		.type = STORE_LMDB,
		.path = lmdb_case_path,
		.max_size = INT64_C(64) << 20,
		.sync_us = 1000 * CASE_SEC};
}

static inline struct cm_store *
lmdb_case_open(void)
{
	struct store_config config = lmdb_case_config();
	struct err err = {""};
	struct cm_store *store = store_open(&config, &err);

	ck_assert_msg(store != NULL && store_start(store, &err), "%s", err.text);
	return store;
}

static inline void
lmdb_case_make_dir(void)
{
	ck_assert(temp_dir(lmdb_case_dir, "lmdb"));
	snprintf(lmdb_case_path, sizeof(lmdb_case_path), "%s/store", lmdb_case_dir);
}

static inline void
lmdb_case_remove(const char *path)
{
	static const char *const names[] = {"data.mdb", "lock.mdb"};
	char file[TEMP_NAME_SIZE + 32];

	for (int i = 0; i < LENGTH(names); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		unlink(file);
	}
	rmdir(path);
}

static inline void
lmdb_case_remove_dir(void)
{
	lmdb_case_remove(lmdb_case_path);
	rmdir(lmdb_case_dir);
}

static inline struct cm_store *
lmdb_case_begin(void)
{
	lmdb_case_make_dir();
	return lmdb_case_open();
}

static inline void
lmdb_case_end(struct cm_store *store)
{
	store_close(store);
	lmdb_case_remove_dir();
}

#endif
