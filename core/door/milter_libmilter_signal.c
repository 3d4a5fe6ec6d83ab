/* SPDX-License-Identifier: MIT */
/*
 * milter_libmilter_signal.c - keeps signals away from libmilter
 *
 * libmilter waits for HUP, TERM and INT with sigwait() in a thread of its own, and each of them
 * ends it. They are ours: HUP reloads, TERM drains. Blocking them everywhere else does not help,
 * for sigwait() is what receives a blocked signal, and leaving them open in the main thread is not
 * enough: while one signal is on its way to that thread the kernel gives the next one to sigwait()
 * (USR1 and HUP in a row did it). So sigwait() in this process is the function below, which the
 * dynamic linker finds first, and nothing else here uses it.
 */
#include "milter_libmilter.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool held;

/* The C library declares its parameters non-NULL; they are not looked at. */
CM_API int
sigwait(const sigset_t *restrict set, int *restrict number)
{
	(void)set;
	(void)number;
	atomic_store(&held, true);
	for (;;)
		pause();
}

bool
libmilter_signals_held(void)
{
	return atomic_load(&held);
}
