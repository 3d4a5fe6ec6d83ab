/* SPDX-License-Identifier: MIT */
/*
 * standard.h - what commands share: standard input, output and error, and an end by a signal
 */
#ifndef CORE_CLI_STANDARD_H
#define CORE_CLI_STANDARD_H

#include <signal.h>
#include <stdbool.h>

/*
 * Where one of the three is closed, something takes its place, so that no file or socket that is
 * opened later gets what is meant for it. Input and output fail as before. False: it cannot.
 */
bool standard_hold(void);
/* What was printed goes out now. False: it cannot, and what follows is for nobody. */
bool standard_flush(void);
/* The exit code, once all that was printed is written; EXIT_NO in the place of EXIT_OK where it
 * cannot be, which was said. */
int standard_end(int code);

/* Until standard_resume() no signal of a person or the system ends it: what is begun is done whole.
 */
void standard_defer(sigset_t *before);
void standard_resume(const sigset_t *before);

#endif
