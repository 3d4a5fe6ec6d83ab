/* SPDX-License-Identifier: MIT */
/*
 * probe.h - asks once, when a generation begins to run, whether what its links depend on is there
 *
 * On threads of its own, so that no mail and no signal waits for it. Only a daemon does it.
 */
#ifndef CORE_HOST_PROBE_H
#define CORE_HOST_PROBE_H

/* Begins with the running generation and does not wait; the one before is probed no further. */
void probe_begin(void);
/* The daemon ends: cancels what a probe waits for, and waits for its end. */
void probe_end(void);

#endif
