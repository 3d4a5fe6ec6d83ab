/* SPDX-License-Identifier: MIT */
/*
 * service_state.c - settings, state, results, notes, maps, log lines and the clock
 *
 * What belongs to one link is found through the chain, which knows whose hook is running.
 */
#include "service.h"

#include <chainmail/plugin.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "chain/chain.h"
#include "mail/session.h"
#include "service/map.h"

/* Octets of one log line before it is escaped. */
#define LOG_TEXT_MAX 1024

static const enum log_level levels[] = {
	[CM_LOG_ERROR] = LOG_LEVEL_ERROR,
	[CM_LOG_WARN] = LOG_LEVEL_WARN,
	[CM_LOG_INFO] = LOG_LEVEL_INFO,
	[CM_LOG_DEBUG] = LOG_LEVEL_DEBUG,
};

const char *
service_link_name(const struct cm_session *s)
{
	const struct link *link = chain_running(s);

	return link == NULL ? "core" : link->name;
}

bool
service_declared(const struct cm_session *s, uint32_t need, const char *what)
{
	const struct link *link = chain_running(s);
	const char *why = link == NULL ? "no hook is running" : "the plugin did not declare it";

	if (link != NULL && (link->needs & need) == need)
		return true;
	log_write(LOG_LEVEL_ERROR, "%s %s: %s refused: %s", cm_id(s), service_link_name(s), what,
		why);
	return false;
}

const void *
cm_config(const struct cm_session *s)
{
	const struct link *link = chain_running(s);

	return link == NULL ? NULL : link->config;
}

void *
cm_conn(struct cm_session *s)
{
	return chain_conn_state(s);
}

void *
cm_msg(struct cm_session *s)
{
	return chain_msg_state(s);
}

void *
cm_conn_alloc(struct cm_session *s, size_t size)
{
	return arena_alloc(&s->conn, size);
}

void *
cm_msg_alloc(struct cm_session *s, size_t size)
{
	return arena_alloc(session_arena(s), size);
}

const char *
cm_link_name(const struct cm_session *s)
{
	return service_link_name(s);
}

bool
cm_shadow(const struct cm_session *s)
{
	return chain_running_shadow(s);
}

const struct cm_final *
cm_final(const struct cm_session *s)
{
	return chain_final(s);
}

void
cm_set_result(struct cm_session *s, const char *key, const char *value)
{
	const struct link *link = chain_running(s);

	if (link == NULL)
		return;
	session_set_result(s, link->plugin->name, key, value);
	if (strcmp(key, "result") == 0)
		chain_set_result(s, session_result(s, link->plugin->name, key));
}

void
cm_results_due(struct cm_session *s, bool may_wait)
{
	chain_results_due(s, may_wait);
}

bool
cm_results_wait(const struct cm_session *s, const char *plugin)
{
	return chain_results_late(s, plugin);
}

/* Who reads may make another link publish, which changes nothing but what is read. */
const char *
cm_result(const struct cm_session *s, const char *plugin, const char *key)
{
	chain_publish((struct cm_session *)s, plugin, CHAIN_RESULTS_ALL);
	return session_result(s, plugin, key);
}

void
cm_set_note(struct cm_session *s, const char *key, const char *value)
{
	session_set_note(s, key, value);
}

const char *
cm_note(const struct cm_session *s, const char *key)
{
	return session_note(s, key);
}

enum cm_known
cm_map_get(struct cm_session *s, const struct cm_map *map, const char *key, const char **value)
{
	*value = NULL;
	return map == NULL ? CM_UNDELIVERED : map_get(map, key, session_arena(s), value);
}

const struct cm_map *
cm_map_find(const struct cm_session *s, const char *name)
{
	const struct chain *chain = chain_of(s);

	for (size_t i = 0; i < chain->map_count; i++) {
		if (strcmp(map_name(chain->maps[i]), name) == 0)
			return chain->maps[i];
	}
	return NULL;
}

void
service_log(const struct cm_session *s, enum cm_level level, const char *text)
{
	log_write(levels[level], "%s %s: %s", cm_id(s), service_link_name(s), text);
}

void
cm_log(struct cm_session *s, enum cm_level level, const char *format, ...)
{
	struct buf text, line;
	va_list args;

	if ((unsigned)level > CM_LOG_DEBUG || !log_wanted(levels[level]))
		return;
	buf_init(&text, LOG_TEXT_MAX);
	buf_init(&line, 0);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	text_escape(&line, text.data, text.len);
	service_log(s, level, line.data);
	buf_fini(&line);
	buf_fini(&text);
}

int64_t
cm_time(const struct cm_session *s)
{
	(void)s;
	return clock_wall();
}

int64_t
cm_clock(const struct cm_session *s)
{
	(void)s;
	return clock_now();
}

int64_t
cm_deadline(const struct cm_session *s)
{
	return chain_deadline(s);
}
