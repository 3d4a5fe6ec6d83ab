/* SPDX-License-Identifier: MIT */
/*
 * schema_socket.h - is a text a socket address?
 */
#ifndef CORE_CONF_SCHEMA_SOCKET_H
#define CORE_CONF_SCHEMA_SOCKET_H

#include "base/err.h"

/* unix:PATH, inet:PORT@HOST, inet6:PORT@HOST. On false err says what to write instead. */
MUST_USE bool schema_socket_check(const char *text, struct err *);

#endif
