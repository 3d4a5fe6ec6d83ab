/* SPDX-License-Identifier: MIT */
/*
 * script_cover.h - which lines of rules have run
 *
 * For one thread: who tests rules runs one hook at a time.
 */
#ifndef CORE_HOST_SCRIPT_COVER_H
#define CORE_HOST_SCRIPT_COVER_H

#include <stdbool.h>
#include <stddef.h>

struct script_cover;

struct script_cover *script_cover_new(void);
/* NULL is allowed. */
void script_cover_free(struct script_cover *);

/* A rule file or a module. */
struct script_cover_file {
	const char *path;    /* "scripts/x.lua", as it can be opened from here */
	size_t lines, run;   /* those that hold something to run, and of them those that have */
	unsigned last;	     /* the last line */
	const void *details; /* for script_cover_missed() */
};

/* File number i, in the order of their paths; false: there are no more. */
bool script_cover_at(const struct script_cover *, size_t i, struct script_cover_file *);
/* The line holds something to run that never ran. */
bool script_cover_missed(const struct script_cover_file *, unsigned line);

#endif
