/* SPDX-License-Identifier: MIT */
/*
 * service.h - what the bodies of the cm_* services share
 *
 * The services themselves are declared in <chainmail/plugin.h>.
 */
#ifndef CORE_HOST_SERVICE_H
#define CORE_HOST_SERVICE_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* The running link declared the need; if not, says so in the log, naming the service. */
bool service_declared(const struct cm_session *, uint32_t need, const char *what);
/* A line in the log with our id and the running link's name; text is escaped where it must be. */
void service_log(const struct cm_session *, enum cm_level, const char *text);
/* The running link's name, or "core" outside hooks. */
const char *service_link_name(const struct cm_session *);

struct arena;
/* cm_store_get() with the value in that arena, not in the session's. */
enum cm_store_status service_store_get(struct cm_session *, const struct cm_store *,
	const char *key, struct arena *, const void **value, size_t *len);

struct geo_place;
/* Where the client's address is, as m.geo has it now. False: there is no database. */
bool service_place(const struct cm_session *, struct geo_place *);

/* A question that was asked for a session, and what it was answered. */
struct service_question {
	const char *name;
	enum cm_dns_type type;
	struct cm_dns_answer answer;
	bool known;  /* answered when it was asked */
	bool waited; /* somebody wanted the answer */
};
/*
 * Each of the session's questions of connect, of the latest HELO and of the message, the latest
 * first; CM_DNS_CANCELLED: it has no answer yet, and nobody waited for one.
 */
void service_dns_each(const struct cm_session *,
	void (*each)(void *context, const struct service_question *), void *context);

#endif
