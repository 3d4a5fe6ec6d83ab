/* SPDX-License-Identifier: MIT */
/*
 * store_backend.h - where a store keeps what it is given
 *
 * Inside store*.c only.
 */
#ifndef CORE_SERVICE_STORE_BACKEND_H
#define CORE_SERVICE_STORE_BACKEND_H

#include "store.h"
#include "store_op.h"

typedef bool store_show(void *context, const void *key, size_t key_len, const struct store_value *);

struct store_backend {
	/* config lives as long as what is opened; NULL with words. */
	void *(*open)(const struct store_config *, struct err *);
	/*
	 * What open() must not do yet, for it may be called beside a daemon that runs, and by
	 * another user; else the first use does it. False with words. NULL: there is nothing.
	 */
	bool (*start)(void *self, struct err *);
	/* NULL: nothing waits. */
	bool (*flush)(void *self, int64_t deadline);
	void (*close)(void *self);
	/* Key and value are within their bounds. */
	enum cm_store_status (*run)(void *self, const struct store_op *, int64_t deadline);
	enum cm_store_status (*each)(
		void *self, const void *prefix, size_t len, store_show *, void *context);
	void (*health)(void *self, struct store_health *);
};

extern const struct store_backend store_lmdb;
extern const struct store_backend store_memory;
extern const struct store_backend store_redis;

#endif
