/* SPDX-License-Identifier: MIT */
/*
 * mime_gmime.c - loads GMime
 *
 * It is never unloaded and never shut down: another thread may be reading, and GLib cannot be
 * unloaded.
 */
#include "mime_gmime.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
/* The version of the interface that gmime-3.0's headers describe. */
#define LIBRARY "libgmime-3.0.so.0"

#define ROW(member, function) {#function, offsetof(struct mime_gmime, member)},

static const struct {
	const char *name;
	size_t at;
} functions[] = {MIME_GMIME_CALLS(ROW)};

struct mime_gmime mime_gmime;

/* Protects the table while it is filled. Held while the library is loaded, so that it is loaded
 * once. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool opened;

static bool
find_all(void *library, struct err *err)
{
	for (size_t i = 0; i < COUNT(functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (function == NULL)
			return err_set(err, "%s has no function %s", LIBRARY, functions[i].name);
		memcpy((char *)&mime_gmime + functions[i].at, &function, sizeof(function));
	}
	return true;
}

static bool
load(struct err *err)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	const char *why = library == NULL ? dlerror() : NULL;

	if (library == NULL)
		return err_set(err, "%s (on Debian: apt-get install libgmime-3.0-0)",
			why == NULL ? LIBRARY " cannot be loaded" : why);
	if (!find_all(library, err)) {
		dlclose(library);
		return false;
	}
	mime_gmime.init();
	return true;
}

bool
mime_gmime_open(struct err *err)
{
	bool done;

	pthread_mutex_lock(&lock);
	opened = opened || load(err);
	done = opened;
	pthread_mutex_unlock(&lock);
	return done;
}
