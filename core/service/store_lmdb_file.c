/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_file.c - the directory and the file of an LMDB store
 *
 * LMDB maps the file at the size it may have, once; that costs addresses and neither memory nor
 * disk. The file grows as it is written, so growing stops nobody.
 */
#include "store_lmdb_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define DATA "data.mdb"
#define LOCK "lock.mdb"
/* LMDB cannot do with less. */
#define SIZE_LEAST (INT64_C(1) << 20)

static const char *const files[] = {DATA, LOCK};

static const char schema_key[] = "chainmail store";
static const char schema[] = "1";

/* --- the directory --- */

static bool
dir_fits(const char *path, const struct stat *st, struct err *err)
{
	if (!S_ISDIR(st->st_mode))
		return err_set(err, "path %s is not a directory", path);
	if (st->st_uid != geteuid() && geteuid() != 0)
		return err_set(err, "path %s belongs to another user: chown -R %u %s", path,
			(unsigned)geteuid(), path);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err,
			"path %s may be written by others than its owner: chmod go-w %s", path,
			path);
	return true;
}

static void
parent_of(const char *path, char *out, size_t size)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	snprintf(out, size, "%.*s", len == 0 ? 1 : (int)len, len == 0 ? "." : path);
}

static bool
cannot_make(const char *path, struct err *err)
{
	return err_set(err, "path %s cannot be made (%s): install -d -m 700 -o USER %s", path,
		strerror(errno), path);
}

static bool
may(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

static bool
can_be_made(const char *path, struct err *err)
{
	char parent[4096];

	parent_of(path, parent, sizeof(parent));
	return may(parent, W_OK | X_OK) || cannot_make(path, err);
}

static bool
not_a_store(const char *path, struct err *err)
{
	return err_set(err, "%s/" DATA " is not a store: move it away, or name another path", path);
}

/* The first page of a file of LMDB, as it is on this machine. */
static bool
looks_like_lmdb(const char *data)
{
	unsigned char page[24] = {0};
	uint32_t magic;
	ssize_t got;
	int fd = open(data, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return true; /* opening says why, to whom it concerns */
	got = pread(fd, page, sizeof(page), 0);
	close(fd);
	memcpy(&magic, page + 16, sizeof(magic));
	return got == 0 || (got == sizeof(page) && magic == UINT32_C(0xbeefc0de));
}

static bool
data_fits(const char *path, struct err *err)
{
	char data[4096];
	struct stat st;

	if (snprintf(data, sizeof(data), "%s/" DATA, path) >= (int)sizeof(data))
		return err_set(err, "path is too long");
	if (stat(data, &st) != 0)
		return errno == ENOENT || err_errno(err, "%s", data);
	if (!S_ISREG(st.st_mode) || !looks_like_lmdb(data))
		return not_a_store(path, err);
	if (!may(data, R_OK | W_OK))
		return err_set(err, "%s may not be written (%s): chown -R %u %s", data,
			strerror(errno), (unsigned)geteuid(), path);
	return true;
}

bool
lmdb_file_examine(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT ? can_be_made(path, err) : err_errno(err, "path %s", path);
	if (!dir_fits(path, &st, err))
		return false;
	if (!may(path, R_OK | W_OK | X_OK))
		return err_set(err, "path %s may not be written (%s): chown -R %u %s", path,
			strerror(errno), (unsigned)geteuid(), path);
	return data_fits(path, err);
}

/* Of mode 0700, whatever the umask is. */
static bool
make_dir(const char *path, struct err *err)
{
	if (mkdir(path, 0700) == 0)
		return chmod(path, 0700) == 0 || cannot_make(path, err);
	return errno == EEXIST || cannot_make(path, err);
}

static bool
lock_dir(int fd, const char *path, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return err_errno(err, "path %s cannot be locked", path);
	return err_set(err,
		"path %s is used by another process: each daemon needs a path of its own", path);
}

int
lmdb_dir_open(const char *path, bool make, struct err *err)
{
	struct stat st;
	int fd;

	if (make && !make_dir(path, err))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		err_errno(err, "path %s", path);
	else if (lock_dir(fd, path, err) && dir_fits(path, &st, err))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- the file --- */

static const struct {
	int code;
	const char *words;
} troubles[] = {
	{MDB_INVALID, "it is not a store: move it away, or name another path"},
	{MDB_VERSION_MISMATCH, "another version of LMDB wrote it: move it away"},
	{MDB_CORRUPTED, "it is damaged: move it away, or bring back a copy"},
	{MDB_PAGE_NOTFOUND, "it is damaged: move it away, or bring back a copy"},
	{EINVAL, "it is damaged: move it away, or bring back a copy"},
	{EACCES, "it belongs to another user: give it to the one that main.user names (chown)"},
	{EPERM, "it belongs to another user: give it to the one that main.user names (chown)"},
	{EROFS, "the file system is read-only: name another path"},
	{ENOSPC, "the disk is full"},
	{EDQUOT, "the user's share of the disk is full"},
	{ENOMEM, "there are not enough addresses for max_size"},
};

static bool
fail(const struct lmdb_file *f, int code, struct err *err)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
		if (troubles[i].code == code)
			return err_set(err, "%s/" DATA ": %s", f->path, troubles[i].words);
	}
	return err_set(err, "%s/" DATA ": %s", f->path, mdb_strerror(code));
}

/* A file that was cut short would end the process when the part that is missing is read. */
static bool
is_whole(const struct lmdb_file *f, struct err *err)
{
	MDB_envinfo info;
	MDB_stat pages;
	struct stat st;
	int fd;

	if (mdb_env_get_fd(f->env, &fd) != 0 || fstat(fd, &st) != 0 ||
		mdb_env_info(f->env, &info) != 0 || mdb_env_stat(f->env, &pages) != 0)
		return err_errno(err, "%s/" DATA, f->path);
	if ((uint64_t)st.st_size / pages.ms_psize > info.me_last_pgno)
		return true;
	return err_set(
		err, "%s/" DATA " is cut short: move it away, or bring back a copy", f->path);
}

/* True: it is of the version that this program reads. An empty file becomes one. */
static bool
check_schema(struct lmdb_file *f, MDB_txn *txn, struct err *err)
{
	MDB_val key = {sizeof(schema_key) - 1, (void *)(uintptr_t)schema_key};
	MDB_val value = {sizeof(schema) - 1, (void *)(uintptr_t)schema};
	MDB_stat pages;
	int failure = mdb_stat(txn, f->dbi, &pages);

	if (failure == 0 && pages.ms_entries == 0)
		failure = mdb_put(txn, f->dbi, &key, &value, 0);
	else if (failure == 0)
		failure = mdb_get(txn, f->dbi, &key, &value);
	if (failure == MDB_NOTFOUND)
		return not_a_store(f->path, err);
	if (failure != 0)
		return fail(f, failure, err);
	if (value.mv_size == sizeof(schema) - 1 &&
		memcmp(value.mv_data, schema, value.mv_size) == 0)
		return true;
	return err_set(err,
		"%s/" DATA " is of version \"%.*s\" and this is for version %s: use the chainmail "
		"that wrote it, or move it away and begin anew",
		f->path, value.mv_size > 20 ? 20 : (int)value.mv_size, (const char *)value.mv_data,
		schema);
}

static bool
open_data(struct lmdb_file *f, struct err *err)
{
	MDB_txn *txn;
	bool good;
	int failure = mdb_txn_begin(f->env, NULL, 0, &txn);

	if (failure != 0)
		return fail(f, failure, err);
	failure = mdb_dbi_open(txn, NULL, 0, &f->dbi);
	good = failure == 0 ? check_schema(f, txn, err) : fail(f, failure, err);
	if (!good) {
		mdb_txn_abort(txn);
		return false;
	}
	failure = mdb_txn_commit(txn);
	return failure == 0 || fail(f, failure, err);
}

/* Resting readers keep their places, so none can be missing later. */
static bool
open_readers(struct lmdb_file *f, struct err *err)
{
	for (unsigned i = 0; i < LMDB_READERS; i++) {
		int failure = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &f->readers[i].txn);

		if (failure != 0)
			return fail(f, failure, err);
		mdb_txn_reset(f->readers[i].txn);
	}
	return true;
}

static void
close_env(struct lmdb_file *f)
{
	for (unsigned i = 0; i < LMDB_READERS; i++) {
		if (f->readers[i].txn != NULL)
			mdb_txn_abort(f->readers[i].txn);
		f->readers[i].txn = NULL;
	}
	if (f->env != NULL)
		mdb_env_close(f->env);
	f->env = NULL;
}

/* Root leaves files to the owner of the directory, who may be the one to come. */
static void
give_to_owner(const struct lmdb_file *f)
{
	struct stat st;

	if (geteuid() != 0 || fstat(f->dir, &st) != 0 || st.st_uid == 0)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		(void)!fchownat(f->dir, files[i], st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW);
}

/*
 * Of mode 0600, whatever the umask is: LMDB opens what it has made once more. Where that cannot be,
 * opening says why.
 */
static void
make_files(const struct lmdb_file *f)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int fd = openat(f->dir, files[i], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0)
			continue;
		(void)!fchmod(fd, 0600);
		close(fd);
	}
}

static bool
open_env(struct lmdb_file *f, int64_t size, struct err *err)
{
	/* No WRITEMAP: a full disk is an error of a write then, and not the end of the process. */
	const unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
	int failure = mdb_env_create(&f->env);

	make_files(f);
	if (failure == 0)
		failure = mdb_env_set_mapsize(
			f->env, (size_t)(size < SIZE_LEAST ? SIZE_LEAST : size));
	if (failure == 0)
		failure = mdb_env_open(f->env, f->path, flags, 0600);
	if (failure != 0)
		fail(f, failure, err);
	else if (is_whole(f, err) && open_data(f, err) && open_readers(f, err))
		return true;
	close_env(f);
	return false;
}

/* --- open and close --- */

static void
lock_readers(struct lmdb_file *f)
{
	for (unsigned i = 0; i < LMDB_READERS; i++)
		pthread_mutex_lock(&f->readers[i].lock);
}

static void
unlock_readers(struct lmdb_file *f)
{
	for (unsigned i = 0; i < LMDB_READERS; i++)
		pthread_mutex_unlock(&f->readers[i].lock);
}

bool
lmdb_file_open(struct lmdb_file *f, const char *path, int dir, int64_t size, struct err *err)
{
	struct stat st = {0};

	*f = (struct lmdb_file){.path = strdup(path), .dir = dir};
	for (unsigned i = 0; i < LMDB_READERS; i++)
		pthread_mutex_init(&f->readers[i].lock, NULL);
	if (data_fits(path, err) && open_env(f, size, err)) {
		fstat(dir, &st);
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		give_to_owner(f);
		return true;
	}
	lmdb_file_close(f);
	return false;
}

void
lmdb_file_close(struct lmdb_file *f)
{
	close_env(f);
	for (unsigned i = 0; i < LMDB_READERS; i++)
		pthread_mutex_destroy(&f->readers[i].lock);
	close(f->dir);
	free(f->path);
}

static bool
is_in_its_place(const struct lmdb_file *f)
{
	struct stat there, ours;
	int fd;

	return mdb_env_get_fd(f->env, &fd) == 0 && fstat(fd, &ours) == 0 &&
	       fstatat(f->dir, DATA, &there, 0) == 0 && there.st_dev == ours.st_dev &&
	       there.st_ino == ours.st_ino;
}

bool
lmdb_file_goes_on(const struct lmdb_file *f)
{
	MDB_txn *txn;

	if (!is_in_its_place(f) || mdb_txn_begin(f->env, NULL, 0, &txn) != 0)
		return false;
	mdb_txn_abort(txn);
	return true;
}

bool
lmdb_file_reopen(struct lmdb_file *f, int64_t size, struct err *err)
{
	bool good;

	lock_readers(f);
	close_env(f);
	good = open_env(f, size, err);
	unlock_readers(f);
	return good;
}

bool
lmdb_file_resize(struct lmdb_file *f, int64_t size, struct err *err)
{
	MDB_envinfo info;
	int failure;

	if (f->env == NULL || mdb_env_info(f->env, &info) != 0 || size <= (int64_t)info.me_mapsize)
		return true;
	/* The map may move: nobody may look at it meanwhile, which is a moment. */
	lock_readers(f);
	failure = mdb_env_set_mapsize(f->env, (size_t)size);
	/* There is no map any more, then. */
	if (failure != 0)
		close_env(f);
	unlock_readers(f);
	return failure == 0 || fail(f, failure, err);
}

bool
lmdb_decode(const MDB_val *value, struct store_entry *entry)
{
	if (value->mv_size < LMDB_EXPIRES)
		return false;
	memcpy(&entry->expires, value->mv_data, LMDB_EXPIRES);
	entry->data = (const unsigned char *)value->mv_data + LMDB_EXPIRES;
	entry->len = value->mv_size - LMDB_EXPIRES;
	return true;
}
