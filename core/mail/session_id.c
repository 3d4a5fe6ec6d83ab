/* SPDX-License-Identifier: MIT */
/*
 * session_id.c - short names for sessions and messages
 *
 * An id is a number that only grows: seconds since 2020 and, below them, a count that begins at
 * another place for each process id. So ids are unique in this process, and do not come back after
 * a restart even within one second. Written without vowels, so that none is a word.
 */
#include "session.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define EPOCH	   INT64_C(1577836800)
#define COUNT_BITS 20
#define PID_SHIFT  12
#define PID_MASK   0xffu

static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

#define BASE (sizeof(digits) - 1)

/* The first number of a second. */
static uint64_t
first_number(uint64_t second)
{
	return second | ((uint64_t)getpid() & PID_MASK) << PID_SHIFT;
}

static uint64_t
next_number(void)
{
	static _Atomic uint64_t latest;
	uint64_t second = (uint64_t)(clock_wall() - EPOCH) << COUNT_BITS;
	uint64_t old = atomic_load(&latest), new;

	do
		new = old >= second ? old + 1 : first_number(second);
	while (!atomic_compare_exchange_weak(&latest, &old, new));
	return new;
}

void
session_id_new(char out[SESSION_ID_SIZE])
{
	char text[SESSION_ID_SIZE];
	size_t i = sizeof(text);
	uint64_t n = next_number();

	text[--i] = '\0';
	do {
		text[--i] = digits[n % BASE];
		n /= BASE;
	} while (n > 0 && i > 0);
	memcpy(out, text + i, sizeof(text) - i);
}
