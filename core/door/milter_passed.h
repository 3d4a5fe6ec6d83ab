/* SPDX-License-Identifier: MIT */
/*
 * milter_passed.h - sockets that the service manager opened for us (sd_listen_fds(3))
 */
#ifndef CORE_DOOR_MILTER_PASSED_H
#define CORE_DOOR_MILTER_PASSED_H

/*
 * The listening socket that was passed under that name, as a descriptor of its own, non-blocking
 * and closed on exec; -1: none.
 */
int milter_passed_socket(const char *name);

#endif
