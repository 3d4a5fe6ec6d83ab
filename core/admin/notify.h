/* SPDX-License-Identifier: MIT */
/*
 * notify.h - what the daemon tells the service manager (sd_notify(3), without its library)
 */
#ifndef CORE_ADMIN_NOTIFY_H
#define CORE_ADMIN_NOTIFY_H

#include <stdint.h>

/* Without $NOTIFY_SOCKET these do nothing. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void);
/* Microseconds between two signs of life (half of what the manager allows); 0: none are wanted. */
int64_t notify_interval(void);
/* The same milliseconds, or fewer where a sign of life is wanted sooner. */
int notify_wait(int ms);

#endif
