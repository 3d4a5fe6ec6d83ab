/* SPDX-License-Identifier: MIT */
/*
 * settings.h - what the sections of filter.conf mean
 *
 * One table of sections, each with its rows; `config help`, manual pages and the checks read it.
 */
#ifndef CORE_HOST_SETTINGS_H
#define CORE_HOST_SETTINGS_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "chain/chain.h"
#include "conf/schema.h"
#include "service/geo.h"
#include "service/notice.h"
#include "service/resolver.h"

struct main_settings {
	const char *authserv_id;
	const struct cm_networks *trusted;
	int fail_action; /* enum link_failure */
	int64_t message_timeout_us;
	int64_t max_message_size;
	int64_t max_header_size;
	int64_t max_recipients;
	int64_t drain_timeout_us;
	const char *user, *group; /* to run as when started by root */
	const char *plugin_dir;
	const char *pid_file;
	struct cm_list admins;	      /* users who may change things through the control socket */
	int64_t threads, max_threads; /* that run at once, 0: one per core; that there may be */
};

enum listener_type { LISTENER_MILTER, LISTENER_CONTROL };
enum listener_engine { ENGINE_NATIVE, ENGINE_LIBMILTER };

struct listener_settings {
	const char *name;
	struct conf_pos pos;
	int type;
	int engine;
	const char *socket;
	int64_t mode;
	const char *group;
	const struct cm_networks *allow; /* peers of an inet socket; NULL: any */
	int64_t idle_us, packet_us;
};

struct dns_settings {
	struct resolver_config resolver;
	const char *zone; /* NULL: ask DNS */
};

struct log_settings {
	int target, format, level;
	bool summary;
	const char *path;
};

struct map_settings {
	const char *source;
	struct cm_list entries;
	int match;
	int64_t reload_us;
};

/* The section record of filter.conf. */
struct record_settings {
	const char *path; /* NULL: nothing is kept */
	int64_t max_size, max_sessions, max_body;
};

struct profile_settings {
	struct profile profile; /* name and links are filled later */
	struct cm_list chain;
	struct cm_list at[CM_STAGE_COUNT]; /* where a stage has an order of its own */
};

struct plugin_settings {
	const char *type; /* NULL: the section's name */
};

enum script_load_error { SCRIPT_LOAD_REFUSE, SCRIPT_LOAD_SKIP };

struct script_settings {
	const char *file;
	int on_load_error; /* enum script_load_error */
	int64_t cpu_us;	   /* CPU budget of one hook */
	int64_t memory;	   /* octets a state may use on top of what it has after loading */
	const struct cm_store *store;
};

/* A kind of section: "plugin". */
struct section_kind {
	const char *name;
	bool named;  /* must have a name behind the kind; "log" may */
	bool single; /* may stand once, without a name */
	bool links;  /* also takes chain_link_rows */
	struct schema_rows rows;
	const char *help;
};

extern const struct section_kind section_kinds[];
extern const size_t section_kind_count;
const struct section_kind *section_kind_find(const char *name);

#endif
