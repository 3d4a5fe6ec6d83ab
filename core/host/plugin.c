/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - finds and loads plugins: shared objects with one table
 *
 * A plugin stays loaded until the process ends, for one of its hooks may be running whenever
 * somebody would like to unload it. So a new version of a plugin needs a new process.
 */
#include "plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "plugin_table.h"

#define SUFFIX	   ".so"
#define DIRS_MOST  2
#define NAMES_MOST 1000u

struct loaded {
	struct loaded *next;
	struct cm_plugin plugin;
	char path[];
};

/* Where plugins are looked for, in order. */
struct places {
	size_t count;
	char dirs[DIRS_MOST][PATH_MAX];
};

/* Protects the list. Held while a file is loaded, so that it is loaded once; plugins have no
 * constructors. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct loaded *all;

static void
add_place(struct places *p, const char *dir)
{
	if (access(dir, X_OK) == 0)
		snprintf(p->dirs[p->count++], PATH_MAX, "%s", dir);
}

/* Uninstalled, plugins stand beside the binary. */
static void
add_beside_binary(struct places *p)
{
	char self[PATH_MAX], dir[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int fits;

	if (len <= 0)
		return;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	fits = snprintf(dir, sizeof(dir), "%s/plugins", self);
	if (fits > 0 && (size_t)fits < sizeof(dir))
		add_place(p, dir);
}

static void
find_places(struct places *p, const char *dir)
{
	p->count = 0;
	if (dir != NULL) {
		snprintf(p->dirs[p->count++], PATH_MAX, "%s", dir);
		return;
	}
	add_beside_binary(p);
	add_place(p, CHAINMAIL_PLUGIN_DIR);
}

static bool
find_file(const char *type, const char *dir, char *path, struct err *err)
{
	struct places places;

	find_places(&places, dir);
	for (size_t i = 0; i < places.count; i++) {
		int len = snprintf(path, PATH_MAX, "%s/%s" SUFFIX, places.dirs[i], type);

		if (len < PATH_MAX && access(path, F_OK) == 0)
			return true;
	}
	if (places.count == 0)
		return err_set(err, "no plugin directory (%s is not there)", CHAINMAIL_PLUGIN_DIR);
	return err_set(err, "there is no file %s" SUFFIX " in %s%s%s", type, places.dirs[0],
		places.count > 1 ? " or " : "", places.count > 1 ? places.dirs[1] : "");
}

/* dlerror() begins with the path, mostly. */
static bool
say_dlerror(struct err *err, const char *path)
{
	const char *words = dlerror();
	size_t len = strlen(path);

	if (words == NULL)
		words = "unknown reason";
	if (strncmp(words, path, len) == 0 && words[len] == ':')
		words += len + 1;
	words += strspn(words, " ");
	if (strncmp(words, "undefined symbol", strlen("undefined symbol")) == 0)
		return err_set(err, "%s: %s, which this daemon does not have", path, words);
	return err_set(err, "%s: %s", path, words);
}

static bool
open_file(struct cm_plugin *plugin, const char *path, const char *type, struct err *err)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct cm_plugin *table;
	struct err why;

	if (handle == NULL)
		return say_dlerror(err, path);
	table = dlsym(handle, "cm_plugin");
	if (table == NULL) {
		dlclose(handle);
		return err_set(err, "%s: has no table (symbol cm_plugin)", path);
	}
	if (plugin_table_read(plugin, table, type, &why))
		return true;
	/* Its words may point into the plugin only until here. */
	err_set(err, "%s: %s", path, why.text);
	dlclose(handle);
	return false;
}

static const struct cm_plugin *
load(const char *path, const char *type, struct err *err)
{
	size_t size = strlen(path) + 1;
	struct loaded *l;

	for (l = all; l != NULL; l = l->next) {
		if (strcmp(l->path, path) == 0)
			return &l->plugin;
	}
	l = mem_zalloc(1, mem_sum(sizeof(*l), size));
	memcpy(l->path, path, size);
	if (!open_file(&l->plugin, path, type, err)) {
		free(l);
		return NULL;
	}
	l->next = all;
	all = l;
	return &l->plugin;
}

const struct cm_plugin *
plugin_load(const char *type, const char *dir, struct err *err)
{
	const struct cm_plugin *plugin;
	char path[PATH_MAX];

	if (!plugin_name_valid(type)) {
		err_set(err, "a plugin's name has lower-case letters, digits and underscores");
		return NULL;
	}
	if (!find_file(type, dir, path, err))
		return NULL;
	pthread_mutex_lock(&lock);
	plugin = load(path, type, err);
	pthread_mutex_unlock(&lock);
	return plugin;
}

/* The type's name behind the file's, or NULL. The caller frees it. */
static char *
type_of(const char *file)
{
	size_t len = strlen(file);
	char *type;

	if (len <= strlen(SUFFIX) || strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
		return NULL;
	type = mem_zalloc(1, len);
	memcpy(type, file, len - strlen(SUFFIX));
	if (plugin_name_valid(type))
		return type;
	free(type);
	return NULL;
}

static size_t
add_names(char **names, size_t count, const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d != NULL && count < NAMES_MOST && (entry = readdir(d)) != NULL) {
		char *type = type_of(entry->d_name);

		if (type != NULL)
			names[count++] = type;
	}
	if (d != NULL)
		closedir(d);
	return count;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
plugin_names(const char *dir)
{
	char **names = mem_zalloc(NAMES_MOST + 1, sizeof(*names));
	struct places places;
	size_t count = 0, kept = 0;

	find_places(&places, dir);
	for (size_t i = 0; i < places.count; i++)
		count = add_names(names, count, places.dirs[i]);
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && strcmp(names[kept - 1], names[i]) == 0)
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	names[kept] = NULL;
	return names;
}

void
plugin_names_free(char **names)
{
	for (char **name = names; names != NULL && *name != NULL; name++)
		free(*name);
	free(names);
}
