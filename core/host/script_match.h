/* SPDX-License-Identifier: MIT */
/*
 * script_match.h - Lua patterns matched in a bounded number of steps
 *
 * The language of patterns is that of the Lua 5.4 manual, section 6.4.1. A pattern is compiled into
 * items first, so a malformed one is an error whatever the text; matching neither recurses nor
 * allocates, and counts what it does.
 */
#ifndef CORE_HOST_SCRIPT_MATCH_H
#define CORE_HOST_SCRIPT_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#define MATCH_CAPTURES 32u

/* One item of a pattern. Which members count depends on op; cur and least change while matching. */
struct match_item {
	unsigned char op;	  /* enum match_op */
	unsigned char repeat;	  /* enum match_repeat */
	unsigned char c, c2;	  /* the character, the class letter, both ends of %b */
	unsigned char capture;	  /* index of the capture that is opened, closed or repeated */
	bool negated;		  /* [^set] */
	size_t back;		  /* 1 + nearest earlier item with another try; 0: none */
	const unsigned char *set; /* inside of [set] */
	const unsigned char *set_end;
	const unsigned char *least; /* shortest end of its run */
	const unsigned char *cur;   /* end of its run as tried last */
};

struct match_capture {
	const unsigned char *start, *end;
	bool position; /* "()": start alone counts */
};

struct match {
	struct match_item *items; /* the caller's */
	size_t count;
	size_t captures;
	bool anchored; /* began with ^ */
	struct match_capture capture[MATCH_CAPTURES];
	const unsigned char *text, *end;
	size_t steps; /* left; 0: given up */
};

/* Most items that a pattern of len octets has. */
size_t match_room(size_t len);
/*
 * Compiles pattern (borrowed, as long as the match is used) into items, which has match_room(len)
 * of them. anchor: ^ at the start is special. NULL, or what is wrong with the pattern.
 */
const char *match_compile(
	struct match *, struct match_item *items, const char *pattern, size_t len, bool anchor);
/* Sets the text and the number of steps that may be taken on it. */
void match_begin(struct match *, const char *text, size_t len, size_t steps);
/* Matches at exactly s: end of the match, or NULL; then steps is 0 where it was too costly. */
const char *match_at(struct match *, const char *s);

#endif
