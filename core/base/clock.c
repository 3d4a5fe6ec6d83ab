/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the only place that reads the time
 *
 * The virtual clock is one number that only clock_advance() moves; the wall clock is that number
 * and a constant, so that no reader can see one of the two moved and the other not.
 */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

/* Virtual microseconds; 0: the real clocks run. */
static _Atomic int64_t frozen;
/* Wall clock minus virtual clock, microseconds. */
static _Atomic int64_t wall_offset;

static int64_t
read_us(clockid_t id)
{
	struct timespec t = {0};

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * CLOCK_SEC + t.tv_nsec / 1000;
}

int64_t
clock_now(void)
{
	int64_t virtual = atomic_load(&frozen);

	return virtual != 0 ? virtual : read_us(CLOCK_MONOTONIC);
}

int64_t
clock_wall(void)
{
	int64_t virtual = atomic_load(&frozen);

	if (virtual != 0)
		return (virtual + atomic_load(&wall_offset)) / CLOCK_SEC;
	return (int64_t)time(NULL);
}

int64_t
clock_wall_us(void)
{
	int64_t virtual = atomic_load(&frozen);

	return virtual != 0 ? virtual + atomic_load(&wall_offset) : read_us(CLOCK_REALTIME);
}

int64_t
clock_cpu(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID);
}

void
clock_after(struct timespec *until, int64_t us)
{
	int64_t at = read_us(CLOCK_MONOTONIC) + us;

	until->tv_sec = (time_t)(at / CLOCK_SEC);
	until->tv_nsec = (long)(at % CLOCK_SEC * 1000);
}

void
clock_freeze(int64_t wall)
{
	int64_t now = clock_now();

	if (now == 0)
		now = 1;
	atomic_store(&wall_offset, wall * CLOCK_SEC - now);
	atomic_store(&frozen, now);
}

void
clock_advance(int64_t us)
{
	if (atomic_load(&frozen) != 0)
		atomic_fetch_add(&frozen, us);
}

void
clock_thaw(void)
{
	atomic_store(&frozen, 0);
}

bool
clock_frozen(void)
{
	return atomic_load(&frozen) != 0;
}
