/* SPDX-License-Identifier: MIT */
/*
 * daemon.h - the daemon: starts, reloads, drains, ends
 */
#ifndef CORE_ADMIN_DAEMON_H
#define CORE_ADMIN_DAEMON_H

/* How it ended. */
enum daemon_end {
	DAEMON_OK,	 /* drained, or told twice */
	DAEMON_REFUSED,	 /* the configuration has mistakes */
	DAEMON_NOT_BOUND /* it could not listen or start, or its engine ended by itself */
};

/*
 * Serves in the foreground until TERM or INT. HUP and USR1 reload. Mistakes of the start go to
 * standard error. The process should end after it: threads of the engine may still run.
 */
enum daemon_end daemon_run(const char *config);

#endif
