/* SPDX-License-Identifier: MIT */
/*
 * load_outcome.h - counts what became of the messages of each class
 */
#ifndef TESTS_BENCH_LOAD_OUTCOME_H
#define TESTS_BENCH_LOAD_OUTCOME_H

#include <stdbool.h>

/* One more of that class; any thread may. The class must live on, the outcome is copied. */
void outcome_add(const char *class, const char *outcome);

/* Lines "CLASS COUNT OUTCOME" into that file, sorted; false: it cannot be written, and that was
 * printed. */
bool outcome_write(const char *path);

#endif
