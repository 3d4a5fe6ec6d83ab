/* SPDX-License-Identifier: MIT */
/*
 * resolver_event.h - the event loop that libunbound runs on
 *
 * libunbound's own ways to wait cost a thread or a millisecond for each question; on a loop of ours
 * a cached answer costs microseconds (unbound-event.h). Descriptors by epoll, timers in a heap.
 * Used by one thread. Inside resolver*.c only.
 */
#ifndef CORE_SERVICE_RESOLVER_EVENT_H
#define CORE_SERVICE_RESOLVER_EVENT_H

#include <stdbool.h>
#include <stdint.h>

struct event_loop;
struct ub_event_base;

/* wake: a descriptor of the caller's that ends a turn when it can be read. NULL with errno. */
struct event_loop *event_loop_new(int wake);
void event_loop_free(struct event_loop *);
struct ub_event_base *event_loop_base(struct event_loop *);
/*
 * Runs what is due and waits for more, at most until the time (clock_now(); INT64_MAX: for ever).
 * False with errno: the system refuses, and no turn will do better.
 */
bool event_loop_turn(struct event_loop *, int64_t until);

#endif
