/* SPDX-License-Identifier: MIT */
/*
 * generation_sections.c - which sections filter.conf has; main, listeners and logs
 *
 * Names are settled here, once: every later step sees only sections of a known kind with a name of
 * their own.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"
#include "generation_build.h"

#define HOST_NAME_SIZE 256

/* What the design has and this version has not: to be told so beats a wrong suggestion. */
static const char *const later_sections[] = {"metrics"};
static const char *const later_listeners[] = {"policy"};

static bool
is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

#define IS_ONE_OF(word, list) is_one_of(word, list, sizeof(list) / sizeof(*(list)))

static void
unknown_kind(struct build *b, const struct conf_section *s)
{
	const char *names[32];
	const char *nearest;

	if (IS_ONE_OF(s->kind, later_sections)) {
		diag_error(b->diag, s->pos, NULL, "section %s is not available in this version",
			s->kind);
		return;
	}
	diag_error(b->diag, s->pos, NULL, "unknown section \"%s\"", s->kind);
	for (size_t i = 0; i < section_kind_count; i++)
		names[i] = section_kinds[i].name;
	nearest = text_nearest(s->kind, names, section_kind_count);
	if (nearest != NULL)
		diag_help(b->diag, "did you mean \"%s\"?", nearest);
	else
		diag_help(b->diag, "sections: dns, geo, listener, log, main, map, notify, plugin, "
				   "profile, record, script, store");
}

static bool
name_fits(struct build *b, const struct section_kind *kind, const struct conf_section *s)
{
	if (kind->named && s->name == NULL) {
		diag_error(b->diag, s->open_pos, NULL, "section %s needs a name", s->kind);
		diag_help(b->diag, "write: %s NAME {", s->kind);
		return false;
	}
	if (kind->single && s->name != NULL) {
		diag_error(b->diag, s->name_pos, NULL, "section %s takes no name", s->kind);
		return false;
	}
	return true;
}

static const char *
describe(struct build *b, const struct conf_section *s)
{
	if (s->name == NULL)
		return s->kind;
	return arena_printf(&b->g->arena, "%s %s", s->kind, s->name);
}

static void
name_taken(struct build *b, const struct build_section *now, const struct build_section *first)
{
	const struct conf_section *s = now->section;
	struct conf_pos pos = s->name == NULL ? s->pos : s->name_pos;

	if (now->kind == first->kind)
		diag_error(b->diag, pos, NULL, "%s is defined twice", now->what);
	else
		diag_error(b->diag, pos, NULL, "%s has the name of %s", now->what, first->what);
	diag_help(b->diag, "%s stands in %s:%u", first->what, first->section->pos.source->name,
		first->section->pos.line);
}

/* Chains name plugins and scripts alike, so these share their names. */
static const char *
name_key(struct build *b, const struct build_section *s)
{
	const char *name = s->section->name == NULL ? "" : s->section->name;

	return arena_printf(&b->g->arena, "%s %s", s->kind->links ? "link" : s->kind->name, name);
}

static void
add_section(struct build *b, struct table *names, const struct conf_section *s)
{
	const struct section_kind *kind = section_kind_find(s->kind);
	struct build_section *new = &b->sections[b->section_count];
	const struct build_section *first;
	const char *key;

	if (kind == NULL) {
		unknown_kind(b, s);
		return;
	}
	if (!name_fits(b, kind, s))
		return;
	*new = (struct build_section){.kind = kind, .section = s, .what = describe(b, s)};
	key = name_key(b, new);
	first = table_get(names, key);
	if (first != NULL) {
		name_taken(b, new, first);
		return;
	}
	table_add(names, key, new);
	b->section_count++;
}

static void
refuse_settings(struct build *b)
{
	for (const struct conf_setting *s = b->root->settings; s != NULL; s = s->next) {
		if (s->stray)
			continue;
		diag_error(b->diag, s->pos, NULL, "%s stands outside a section", s->name);
		diag_help(b->diag, "settings stand inside a section: main { %s = ... }", s->name);
	}
}

void
build_sections(struct build *b)
{
	size_t count = 0;
	struct table names;

	refuse_settings(b);
	for (const struct conf_section *s = b->root->sections; s != NULL; s = s->next)
		count++;
	b->sections = arena_array(&b->g->arena, count, sizeof(*b->sections));
	table_init(&names);
	for (const struct conf_section *s = b->root->sections; s != NULL; s = s->next)
		add_section(b, &names, s);
	table_fini(&names);
}

size_t
build_count(const struct build *b, const char *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < b->section_count; i++)
		count += strcmp(b->sections[i].kind->name, kind) == 0;
	return count;
}

static bool
fill(struct build *b, const struct build_section *s, void *out)
{
	struct schema_part part = {.rows = s->kind->rows, .out = out};

	return schema_fill(s->what, s->section, &part, 1, &b->world, b->diag);
}

static const char *
host_name(struct arena *arena)
{
	char name[HOST_NAME_SIZE] = "";

	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		return "localhost";
	return arena_strdup(arena, name);
}

/* Without a user nothing of root is given up, and the group would say nothing. */
static void
check_identity(struct build *b, const struct conf_section *s)
{
	const struct conf_setting *group = conf_find(s, "group");

	if (group == NULL || conf_find(s, "user") != NULL)
		return;
	diag_error(b->diag, group->pos, NULL, "main has group without user, which changes nothing");
	diag_help(b->diag, "add a line: user = chainmail");
}

void
build_main(struct build *b)
{
	static const struct conf_section none = {.kind = "main"};
	struct build_section s = {section_kind_find("main"), &none, "main"};
	struct main_settings *main = &b->g->main;

	for (size_t i = 0; i < b->section_count; i++) {
		if (b->sections[i].kind == s.kind)
			s = b->sections[i];
	}
	if (fill(b, &s, main))
		check_identity(b, s.section);
	if (main->authserv_id == NULL)
		main->authserv_id = host_name(&b->g->arena);
}

void
build_notify(struct build *b)
{
	static const struct conf_section none = {.kind = "notify"};
	struct build_section s = {section_kind_find("notify"), &none, "notify"};
	struct notice_settings *set = &b->g->notify;

	for (size_t i = 0; i < b->section_count; i++) {
		if (b->sections[i].kind == s.kind)
			s = b->sections[i];
	}
	(void)fill(b, &s, set);
	set->host = b->g->main.authserv_id;
	if (set->from == NULL)
		set->from = arena_printf(&b->g->arena, "postmaster@%s", set->host);
	b->g->chain.notices = set;
}

/* Said here, because the row's choices are those that work. */
static bool
listener_available(struct build *b, const struct build_section *s)
{
	const struct conf_setting *type = conf_find(s->section, "type");

	if (type == NULL || type->value.kind == CONF_LIST ||
		!IS_ONE_OF(type->value.text, later_listeners))
		return true;
	diag_error(b->diag, type->value.pos, NULL, "%s: type %s is not available in this version",
		s->what, type->value.text);
	return false;
}

/* Whoever may write to the socket can tell the filter what an MTA would. */
static void
check_mode(struct build *b, const struct build_section *s, const struct listener_settings *l)
{
	const struct conf_setting *mode = conf_find(s->section, "mode");

	if (mode == NULL || (l->mode & S_IWOTH) == 0)
		return;
	diag_error(b->diag, mode->value.pos, NULL,
		"%s: mode %04o lets every user of this machine talk to the daemon as the mail "
		"server",
		s->what, (unsigned)l->mode);
	diag_help(b->diag, "write mode = 0660, and group = the group of the mail server");
}

/* libmilter keeps its one listener in variables of the process. */
static void
check_engine(struct build *b, const struct listener_settings *l)
{
	const struct listener_settings *first = b->g->listeners;

	while (first < l && first->engine != ENGINE_LIBMILTER)
		first++;
	if (l->engine != ENGINE_LIBMILTER || first == l)
		return;
	diag_error(b->diag, l->pos, NULL, "libmilter carries one listener; %s is one too many",
		l->name);
	diag_help(b->diag,
		"engine = native, or let several mail servers connect to the socket of listener %s",
		first->name);
}

/* Who is there must be told by the kernel. */
static void
check_control(struct build *b, const struct build_section *s, const struct listener_settings *l)
{
	const struct conf_setting *socket = conf_find(s->section, "socket");

	if (l->type != LISTENER_CONTROL || l->socket == NULL || socket == NULL ||
		strncmp(l->socket, "unix:", 5) == 0 || strncmp(l->socket, "local:", 6) == 0)
		return;
	diag_error(b->diag, socket->value.pos, NULL, "%s: type = control needs a unix socket",
		s->what);
	diag_help(b->diag, "write unix:/run/chainmail/control.sock");
}

void
build_listeners(struct build *b)
{
	struct generation *g = b->g;

	g->listeners = arena_array(&g->arena, build_count(b, "listener"), sizeof(*g->listeners));
	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];
		struct listener_settings *l = &g->listeners[g->listener_count];

		if (strcmp(s->kind->name, "listener") != 0 || !listener_available(b, s))
			continue;
		if (fill(b, s, l))
			check_mode(b, s, l);
		check_control(b, s, l);
		l->name = s->section->name;
		l->pos = s->section->name_pos;
		check_engine(b, l);
		g->listener_count++;
	}
}

static void
check_log(struct build *b, const struct build_section *s, const struct log_settings *set)
{
	const struct conf_setting *path = conf_find(s->section, "path");

	if (set->target == LOG_TARGET_FILE && set->path == NULL) {
		diag_error(b->diag, s->section->open_pos, NULL, "%s needs path", s->what);
		diag_help(b->diag, "add a line: path = /var/log/chainmail.log");
	} else if (set->target != LOG_TARGET_FILE && path != NULL) {
		diag_warn(b->diag, path->pos, NULL, "path is used with target = file only");
	}
}

static struct log_config
read_log(struct build *b, const struct build_section *s)
{
	struct log_settings set = {0};

	if (fill(b, s, &set))
		check_log(b, s, &set);
	return (struct log_config){
		.target = (enum log_target)set.target,
		.format = (enum log_format)set.format,
		.level = (enum log_level)set.level,
		.path = set.path,
		.summary = set.summary,
	};
}

void
build_logs(struct build *b)
{
	static const struct log_config standard = {
		.target = LOG_TARGET_STDERR, .level = LOG_LEVEL_INFO, .summary = true};
	struct generation *g = b->g;

	g->logs = arena_array(&g->arena, build_count(b, "log") + 1, sizeof(*g->logs));
	for (size_t i = 0; i < b->section_count; i++) {
		if (strcmp(b->sections[i].kind->name, "log") == 0)
			g->logs[g->log_count++] = read_log(b, &b->sections[i]);
	}
	if (g->log_count == 0)
		g->logs[g->log_count++] = standard;
	for (unsigned i = 0; i < g->log_count; i++)
		g->chain.summary = g->chain.summary || g->logs[i].summary;
}

void
build_record(struct build *b)
{
	for (size_t i = 0; i < b->section_count; i++) {
		if (strcmp(b->sections[i].kind->name, "record") == 0)
			(void)fill(b, &b->sections[i], &b->g->record);
	}
}
