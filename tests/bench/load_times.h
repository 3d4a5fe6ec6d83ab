/* SPDX-License-Identifier: MIT */
/*
 * load_times.h - how long messages took, and what part of them took how long
 */
#ifndef TESTS_BENCH_LOAD_TIMES_H
#define TESTS_BENCH_LOAD_TIMES_H

#include <stddef.h>

struct times {
	double *ms;
	size_t count;
	size_t room;
};

void times_add(struct times *t, double ms);
void times_add_all(struct times *t, const struct times *others);
/* As long as so many of 100 took at most; 0 without any. Sorts them. */
double times_percentile(struct times *t, unsigned percent);
void times_fini(struct times *t);

#endif
