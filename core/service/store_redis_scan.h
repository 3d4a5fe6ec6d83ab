/* SPDX-License-Identifier: MIT */
/*
 * store_redis_scan.h - every entry of a store in Redis
 *
 * Inside store_redis*.c only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_SCAN_H
#define CORE_SERVICE_STORE_REDIS_SCAN_H

#include <stddef.h>

#include "store_backend.h"

struct redis_client;

/* As store_each(), for keys behind the store's own prefix, which is not shown. */
enum cm_store_status redis_scan(struct redis_client *, const char *own, const void *prefix,
	size_t len, store_show *, void *context);

#endif
