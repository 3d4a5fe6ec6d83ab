/* SPDX-License-Identifier: MIT */
/*
 * geo.c - where an address is: databases in MaxMind's format
 *
 * libmaxminddb maps a file into memory, and whoever truncates that file ends the process. So it is
 * given a copy in memory that has no name.
 */
#include "geo.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/net.h"

#define SIZE_MOST (INT64_C(1) << 30)

/* One content of the file. Whoever looks up holds a reference. */
struct content {
	_Atomic unsigned references;
	MMDB_s db;
};

/* Which file it was: another has another of these. */
struct mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct geo_file {
	char *path;
	pthread_mutex_t lock; /* protects what follows */
	struct content *content;
	struct mark mark;  /* of the file that was looked at last, good or not */
	int64_t looked_at; /* clock_now() */
	bool reading;	   /* somebody reads a newer one */
};

static bool
same_mark(const struct mark *a, const struct mark *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static struct mark
mark_of(const struct stat *st)
{
	return (struct mark){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

/* --- reading --- */

static bool
copy_all(int from, int to, off_t size, struct err *err)
{
	off_t left = size;

	while (left > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n < 0 && errno != EINTR)
			return err_errno(err, "cannot be read");
		if (n == 0)
			return err_set(err, "it became shorter while it was read");
		left -= n > 0 ? n : 0;
	}
	return true;
}

static struct content *
map_copy(int fd, struct err *err)
{
	struct content *c = mem_zalloc(1, sizeof(*c));
	char name[40];
	int status;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	status = MMDB_open(name, MMDB_MODE_MMAP, &c->db);
	if (status == MMDB_SUCCESS) {
		atomic_init(&c->references, 1);
		return c;
	}
	free(c);
	err_set(err, "%s", status == MMDB_IO_ERROR ? strerror(errno) : MMDB_strerror(status));
	return NULL;
}

/* NULL with words; mark is set where there is a file. */
static struct content *
read_content(const char *path, struct mark *mark, struct err *err)
{
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), copy = -1;
	struct content *c = NULL;
	struct stat st;

	if (from < 0 || fstat(from, &st) != 0) {
		err_errno(err, "cannot be opened");
		goto out;
	}
	*mark = mark_of(&st);
	if (!S_ISREG(st.st_mode) || st.st_size > SIZE_MOST) {
		err_set(err, "it is no file of at most 1 GB");
		goto out;
	}
	copy = memfd_create("geo", MFD_CLOEXEC);
	if (copy < 0) {
		err_errno(err, "no memory for its content");
		goto out;
	}
	if (copy_all(from, copy, st.st_size, err))
		c = map_copy(copy, err);
out:
	/* The copy stays as long as it is mapped. */
	if (copy >= 0)
		close(copy);
	if (from >= 0)
		close(from);
	return c;
}

static void
release(struct content *c)
{
	if (atomic_fetch_sub(&c->references, 1) != 1)
		return;
	MMDB_close(&c->db);
	free(c);
}

struct geo_file *
geo_open(const char *path, struct err *err)
{
	struct geo_file *g = mem_zalloc(1, sizeof(*g));
	size_t len = strlen(path) + 1;

	g->content = read_content(path, &g->mark, err);
	if (g->content == NULL) {
		free(g);
		return NULL;
	}
	g->path = memcpy(mem_alloc(len), path, len);
	g->looked_at = clock_now();
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void
geo_close(struct geo_file *g)
{
	if (g == NULL)
		return;
	release(g->content);
	pthread_mutex_destroy(&g->lock);
	free(g->path);
	free(g);
}

/* --- newer files --- */

/* One caller in a while looks; the others go on with what there is. */
static bool
shall_look(struct geo_file *g)
{
	int64_t now = clock_now();
	bool shall;

	pthread_mutex_lock(&g->lock);
	shall = !g->reading && now - g->looked_at >= GEO_LOOK_US;
	if (shall) {
		g->reading = true;
		g->looked_at = now;
	}
	pthread_mutex_unlock(&g->lock);
	return shall;
}

static void
finish_look(struct geo_file *g, struct content *new, const struct mark *mark)
{
	struct content *old = NULL;

	pthread_mutex_lock(&g->lock);
	g->reading = false;
	g->mark = *mark;
	if (new != NULL) {
		old = g->content;
		g->content = new;
	}
	pthread_mutex_unlock(&g->lock);
	if (old != NULL)
		release(old);
}

static void
look(struct geo_file *g)
{
	struct content *new = NULL;
	struct mark mark;
	struct stat st;
	struct err why;

	if (!shall_look(g))
		return;
	mark = g->mark; /* changed by who reads alone, and that is us */
	/* A file that is away for a moment is replaced just now. */
	if (stat(g->path, &st) == 0 && S_ISREG(st.st_mode)) {
		struct mark now = mark_of(&st);

		if (!same_mark(&now, &mark)) {
			mark = now;
			new = read_content(g->path, &mark, &why);
			if (new == NULL)
				log_write(LOG_LEVEL_ERROR, "%s: %s; the one before stays in use",
					g->path, why.text);
			else
				log_write(LOG_LEVEL_INFO, "%s: read again", g->path);
		}
	}
	finish_look(g, new, &mark);
}

/* --- looking up --- */

static struct content *
hold(struct geo_file *g)
{
	struct content *c;

	pthread_mutex_lock(&g->lock);
	c = g->content;
	atomic_fetch_add(&c->references, 1);
	pthread_mutex_unlock(&g->lock);
	return c;
}

static void
take_text(MMDB_entry_s *entry, const char *const *path, char *out, size_t size)
{
	MMDB_entry_data_s data;
	size_t len;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
		data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return;
	len = data.data_size < size ? data.data_size : size - 1;
	/* Not in the middle of a character. */
	while (len > 0 && len < data.data_size && (data.utf8_string[len] & 0xc0) == 0x80)
		len--;
	memcpy(out, data.utf8_string, len);
	out[len] = '\0';
}

static void
take_place(MMDB_entry_s *entry, struct geo_place *place)
{
	static const struct {
		const char *path[4];
		size_t offset, size;
	} texts[] = {
		{{"country", "iso_code"}, offsetof(struct geo_place, country),
			sizeof(place->country)},
		{{"continent", "code"}, offsetof(struct geo_place, continent),
			sizeof(place->continent)},
		{{"city", "names", "en"}, offsetof(struct geo_place, city), sizeof(place->city)},
		{{"autonomous_system_organization"}, offsetof(struct geo_place, as_name),
			sizeof(place->as_name)},
	};
	static const char *const asn[] = {"autonomous_system_number", NULL};
	MMDB_entry_data_s data;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		take_text(entry, texts[i].path, (char *)place + texts[i].offset, texts[i].size);
	if (MMDB_aget_value(entry, &data, asn) == MMDB_SUCCESS && data.has_data &&
		data.type == MMDB_DATA_TYPE_UINT32)
		place->asn = data.uint32;
}

static void
to_sockaddr(const struct net_addr *addr, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = addr->family == 4 ? AF_INET : AF_INET6;
	if (addr->family == 4)
		memcpy(&in->sin_addr, addr->octets, 4);
	else
		memcpy(&in6->sin6_addr, addr->octets, 16);
}

void
geo_look_up(struct geo_file *g, const struct net_addr *addr, struct geo_place *place)
{
	struct sockaddr_storage address;
	struct content *c;
	MMDB_lookup_result_s found;
	int error = MMDB_SUCCESS;

	if (addr->family == 0)
		return;
	look(g);
	to_sockaddr(addr, &address);
	c = hold(g);
	found = MMDB_lookup_sockaddr(&c->db, (const struct sockaddr *)&address, &error);
	if (error == MMDB_SUCCESS && found.found_entry)
		take_place(&found.entry, place);
	release(c);
}
