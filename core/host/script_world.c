/* SPDX-License-Identifier: MIT */
/*
 * script_world.c - what the core does for the rows of the API
 *
 * The API files know the public header alone; what that does not offer to plugins stands here.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/net.h"
#include "base/text.h"
#include "chain/chain.h"
#include "conf/unit.h"
#include "mail/session.h"
#include "mail/stage.h"
#include "script.h"
#include "script_api.h"
#include "script_state.h"
#include "service.h"
#include "service/geo.h"
#include "service/metric.h"
#include "service/notice.h"

/* Octets of a log line of a rule. */
#define LOG_LINE_MAX 2048
#define SCRATCH_SIZE 256

bool
script_client_inside(const struct cm_session *s, const char *text, bool *ok)
{
	struct net_block block;
	struct net_addr client;

	*ok = net_block_parse(&block, text);
	return *ok && net_parse(&client, cm_client(s)->ip) && net_block_has(&block, &client);
}

const char *
script_duration(const char *text, double *seconds)
{
	const char *why = NULL;
	int64_t us = 0;

	if (unit_duration(text, &us, &why) != NULL)
		return why;
	*seconds = (double)us / (double)CLOCK_SEC;
	return NULL;
}

const char *
script_rate(const char *text, struct cm_rate *rate)
{
	const char *why = NULL;

	return unit_rate(text, rate, &why) != NULL ? why : NULL;
}

const struct cm_store *
script_store(lua_State *L)
{
	return script_state_of(L)->run->script->store;
}

static void
end_scratch(void *arena)
{
	arena_fini(arena);
}

struct arena *
script_scratch(struct cm_session *s)
{
	struct arena *arena = arena_alloc(session_arena(s), sizeof(*arena));

	arena_init(arena, SCRATCH_SIZE);
	arena_defer(session_arena(s), end_scratch, arena);
	return arena;
}

void
script_scratch_end(struct arena *arena)
{
	arena_fini(arena);
}

enum cm_store_status
script_store_get(struct cm_session *s, const struct cm_store *store, const char *key,
	struct arena *scratch, const void **value, size_t *len)
{
	return service_store_get(s, store, key, scratch, value, len);
}

/* Rules are links too, but publish no results. */
static bool
is_rule(const struct cm_plugin *plugin)
{
	for (int i = 0; i < CM_STAGE_COUNT; i++) {
		if (stage_hook(&stages[i], plugin) == script_hook)
			return true;
	}
	return plugin->end_msg == script_end_msg;
}

const struct cm_plugin *
script_plugin(const struct cm_session *s, const char *type)
{
	const struct chain *chain = chain_of(s);

	for (size_t i = 0; i < chain->link_count; i++) {
		const struct cm_plugin *plugin = chain->links[i]->plugin;

		if (plugin != NULL && strcmp(plugin->name, type) == 0 && !is_rule(plugin))
			return plugin;
	}
	return NULL;
}

bool
script_comes_later(const struct cm_session *s, const char *type, const char **profile)
{
	if (!chain_comes_later(s, type))
		return false;
	*profile = chain_chosen(s)->name;
	return true;
}

const char *
script_stage_name(enum cm_stage stage)
{
	const char *name = stages[stage].lua_name;

	return name == NULL ? stages[stage].name : name;
}

const char *
script_verdict_name(enum cm_verdict verdict)
{
	return verdict_name(verdict);
}

bool
script_map_known(lua_State *L, const char *name)
{
	const struct script_run *run = script_state_of(L)->run;

	/* Without somebody to ask, the name was checked when the file was first loaded. */
	return run->names == NULL || run->names->has_map(run->names->context, name);
}

int64_t
script_wall(lua_State *L)
{
	const struct cm_session *s = script_session_now(L);

	return s == NULL ? clock_wall() : cm_time(s);
}

/* --- metrics ---------------------------------------------------------------------------------- */

bool
script_metric_ok(const char *name)
{
	return metric_name_ok(name);
}

bool
script_label_ok(const char *name)
{
	return metric_label_ok(name) && strcmp(name, "rule") != 0;
}

void
script_count(const char *name, const struct script_label *labels, size_t count)
{
	struct metric_label copy[METRIC_LABELS];

	for (size_t i = 0; i < count && i < METRIC_LABELS; i++)
		copy[i] = (struct metric_label){labels[i].name, labels[i].value};
	metric_count(name, copy, count < METRIC_LABELS ? count : METRIC_LABELS);
}

const char *
script_rule_name(lua_State *L)
{
	return script_state_of(L)->run->script->name;
}

/* --- places --- */

bool
script_look_up_place(const struct cm_session *s, struct script_place *out)
{
	struct geo_place place;

	if (!service_place(s, &place))
		return false;
	out->asn = place.asn;
	memcpy(out->country, place.country, sizeof(out->country));
	memcpy(out->continent, place.continent, sizeof(out->continent));
	memcpy(out->city, place.city, sizeof(out->city));
	memcpy(out->as_name, place.as_name, sizeof(out->as_name));
	return true;
}

/* --- notices --- */

bool
script_address_ok(const char *text)
{
	return notice_address_ok(text);
}

bool
script_notice_post(struct cm_session *s, const struct script_notice *n)
{
	char by[128];
	const struct notice notice = {
		.to = n->to, .subject = n->subject, .text = n->text, .by = by, .id = cm_id(s)};

	snprintf(by, sizeof(by), "Rule %s of Chainmail", n->rule);
	return notice_post(chain_of(s)->notices, &notice) == NOTICE_QUEUED;
}

/* --- text --- */

size_t
script_utf8_valid(const char *text, size_t len)
{
	return text_utf8_valid(text, len);
}

/* Such a value needs no quotes: nothing in it ends it or begins another. */
static bool
plain_word(const struct script_log_field *f)
{
	for (size_t i = 0; i < f->len; i++) {
		unsigned char c = (unsigned char)f->value[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return f->len > 0;
}

void
script_log(struct cm_session *s, enum cm_level level, const char *text,
	const struct script_log_field *fields, size_t count)
{
	struct buf line;

	buf_init(&line, LOG_LINE_MAX);
	text_escape(&line, text, strlen(text));
	for (size_t i = 0; i < count; i++) {
		buf_printf(&line, " %s=", fields[i].name);
		if (plain_word(&fields[i]))
			buf_add(&line, fields[i].value, fields[i].len);
		else
			text_quote(&line, fields[i].value, fields[i].len);
	}
	service_log(s, level, line.data);
	buf_fini(&line);
}

const char *
script_nearest(const char *word, const char *const *candidates, size_t count)
{
	return text_nearest(word, candidates, count);
}
