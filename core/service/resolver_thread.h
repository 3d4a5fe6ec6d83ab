/* SPDX-License-Identifier: MIT */
/*
 * resolver_thread.h - the thread that asks libunbound
 *
 * It alone touches libunbound. Others hand questions over in a list and wake it. When it ends, of
 * itself or because it shall, all its questions are answered. Inside resolver*.c only.
 */
#ifndef CORE_SERVICE_RESOLVER_THREAD_H
#define CORE_SERVICE_RESOLVER_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "resolver.h"

struct resolver_thread;

/* NULL, and logged: the system has none. config must outlive it. */
struct resolver_thread *resolver_thread_begin(const struct resolver_config *);
/* It will answer the question, with the reference that comes with it. False: it takes none. */
bool resolver_thread_ask(struct resolver_thread *, struct question *, int64_t deadline);
/* It has ended of itself; or it has not come round for so long while questions wait. */
bool resolver_thread_ended(struct resolver_thread *);
bool resolver_thread_stuck(struct resolver_thread *);
/*
 * Ends it. False: after that time (microseconds) it has not come back; should it, it ends, and its
 * questions are answered then. It may not be used any more.
 */
bool resolver_thread_end(struct resolver_thread *, int64_t us);

#endif
