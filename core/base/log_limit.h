/* SPDX-License-Identifier: MIT */
/*
 * log_limit.h - lines that strangers could make us write without end
 *
 * Some lines of a kind are written in a period, the others counted; the next line says how many.
 */
#ifndef CORE_BASE_LOG_LIMIT_H
#define CORE_BASE_LOG_LIMIT_H

#include <pthread.h>
#include <stdint.h>

#include "clock.h"
#include "log.h"

struct log_limit {
	pthread_mutex_t lock; /* protects what follows */
	const unsigned most;  /* lines */
	const int64_t period; /* microseconds */
	int64_t began;
	unsigned written, lost;
};

#define LOG_LIMIT(most, period)                                  \
	{                                                        \
		PTHREAD_MUTEX_INITIALIZER, most, period, 0, 0, 0 \
	}

void log_limited(struct log_limit *, enum log_level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
