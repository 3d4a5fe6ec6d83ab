/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the only place that reads the time
 *
 * Tests set a virtual clock that moves only when told.
 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_MS  INT64_C(1000)
#define CLOCK_SEC INT64_C(1000000)

/* Microseconds of a clock that never jumps. */
int64_t clock_now(void);
/* Seconds since 1970. */
int64_t clock_wall(void);
/* Microseconds since 1970. */
int64_t clock_wall_us(void);
/* CPU time of the calling thread, microseconds; never virtual. */
int64_t clock_cpu(void);

/* When a wait of that many microseconds ends, for CLOCK_MONOTONIC; never virtual. */
void clock_after(struct timespec *, int64_t us);

/* Stop both clocks: wall at wall seconds. */
void clock_freeze(int64_t wall);
void clock_advance(int64_t us);
void clock_thaw(void);
bool clock_frozen(void);

#endif
