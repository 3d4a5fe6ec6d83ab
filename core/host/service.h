/* SPDX-License-Identifier: MIT */
/*
 * service.h - what the bodies of the cm_* services share
 *
 * The services themselves are declared in <chainmail/plugin.h>.
 */
#ifndef CORE_HOST_SERVICE_H
#define CORE_HOST_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

struct cm_session;

/* The running link declared the need; if not, says so in the log, naming the service. */
bool service_declared(const struct cm_session *, uint32_t need, const char *what);
/* The running link's name, or "core" outside hooks. */
const char *service_link_name(const struct cm_session *);

#endif
