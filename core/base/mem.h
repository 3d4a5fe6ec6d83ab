/* SPDX-License-Identifier: MIT */
/*
 * mem.h - memory or the end
 *
 * Nothing in the daemon can go on without the few octets it asks for here, and a mail filter that
 * dies is safe: the MTA keeps the message. Budgets are enforced where data enters.
 */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stddef.h>

/*
 * For a daemon whose threads are as many as the sessions that wait: few heaps, which keep what they
 * once needed, and large pieces go back to the system. Before the first thread.
 */
void mem_tune(void);
/*
 * Gives pages that are free back to the system, those between pieces in use as well. Each heap is
 * held meanwhile, some milliseconds: for when many sessions have ended, not for each.
 */
void mem_give_back(void);

/* Not zeroed, never NULL; free() it. */
void *mem_alloc(size_t size);
/* Zeroed; count * size is checked for overflow. */
void *mem_zalloc(size_t count, size_t size);
void *mem_grow(void *, size_t size);
/* Sum and product, ending the process where they overflow. */
size_t mem_sum(size_t, size_t);
size_t mem_product(size_t, size_t);

#endif
