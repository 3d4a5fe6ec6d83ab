/* SPDX-License-Identifier: MIT */
/*
 * control_client.c - one client of the control socket, and what it asks
 *
 * An answer is made whole and then sent: who does not read it holds up no command, and so no lock
 * and no configuration.
 */
#include "control_client.h"

#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/text.h"
#include "host/generation.h"
#include "mail/session.h"

#define NAME_SIZE 16384

/* How an answer ends; all but the first with words. */
enum end {
	END_DONE,
	END_LATER,   /* it may go well another time */
	END_REFUSED, /* it may not be, or could not */
	END_USAGE    /* the words make no sense */
};

/* What a client wants. */
struct request {
	const char *words[CONTROL_WORDS];
	size_t count;
	struct arena *arena;
	const struct control_command *stream; /* what goes on once no configuration is held */
	struct command_words stream_words;
	char why[CONTROL_WHY_SIZE];
};

/* --- answers --- */

static void
add_text(struct control_client *c, const char *text)
{
	text_json(&c->out, text, strlen(text));
}

/* A line that is too much is taken back. */
static bool
end_line(struct control_client *c, size_t begin)
{
	buf_add_char(&c->out, '\n');
	if (c->out.len <= CONTROL_ANSWER_MOST)
		return !atomic_load(&c->ending);
	c->out.len = begin;
	c->out.data[begin] = '\0';
	c->too_long = true;
	return false;
}

bool
control_row(struct control_client *c, const char *link, const struct cm_cell *cells, size_t count)
{
	size_t begin = c->out.len;

	buf_add_str(&c->out, "{\"row\":{");
	if (link != NULL) {
		buf_add_str(&c->out, "\"link\":");
		add_text(c, link);
	}
	for (size_t i = 0; i < count; i++) {
		buf_add_str(&c->out, i > 0 || link != NULL ? "," : "");
		add_text(c, cells[i].name);
		buf_add_char(&c->out, ':');
		if (cells[i].text != NULL)
			add_text(c, cells[i].text);
		else
			buf_printf(&c->out, "%lld", (long long)cells[i].number);
	}
	buf_add_str(&c->out, "}}");
	return end_line(c, begin);
}

void
control_say(struct control_client *c, const char *line)
{
	size_t begin = c->out.len;

	buf_add_str(&c->out, "{\"say\":");
	add_text(c, line);
	buf_add_char(&c->out, '}');
	end_line(c, begin);
}

static void
say(void *context, const char *line)
{
	control_say(context, line);
}

static void
finish(struct control_client *c, enum end end, const char *why)
{
	static const char *const kinds[] = {
		[END_LATER] = "later", [END_REFUSED] = "refused", [END_USAGE] = "usage"};

	if (end == END_DONE && c->too_long) {
		end = END_REFUSED;
		why = "the answer is too long, and this is its beginning; ask for less";
	}
	if (end == END_DONE) {
		buf_add_str(&c->out, "{\"done\":true}\n");
		return;
	}
	buf_add_str(&c->out, "{\"error\":");
	add_text(c, why);
	buf_printf(&c->out, ",\"kind\":\"%s\"}\n", kinds[end]);
}

/* --- who may what --- */

/* The name of the user; false: he has none. */
static bool
find_name(uid_t uid, char room[NAME_SIZE], const char **name)
{
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, room, NAME_SIZE, &found) != 0 || found == NULL)
		return false;
	*name = found->pw_name;
	return true;
}

static bool
is_admin(const struct control_client *c, const struct generation *g)
{
	char room[NAME_SIZE];
	const char *name;

	if (c->uid == 0)
		return true;
	if (!find_name(c->uid, room, &name))
		return false;
	for (size_t i = 0; i < g->main.admins.count; i++) {
		if (strcmp(g->main.admins.items[i], name) == 0)
			return true;
	}
	return false;
}

static bool
may(const struct control_client *c, const struct generation *g, bool changes, char *why)
{
	if (!changes || is_admin(c, g))
		return true;
	snprintf(why, CONTROL_WHY_SIZE, "only root and main.admins may do that");
	return false;
}

/* What was changed and by whom; of what was refused not more than anybody reads. */
static void
log_change(const struct control_client *c, const struct request *r, enum end end)
{
	static struct log_limit limit = LOG_LIMIT(10, 60 * CLOCK_SEC);
	char room[NAME_SIZE];
	const char *name = "?";
	struct buf words;

	buf_init(&words, 0);
	for (size_t i = 0; i < r->count; i++) {
		buf_add_str(&words, i > 0 ? " " : "");
		text_escape(&words, r->words[i], strlen(r->words[i]));
	}
	(void)find_name(c->uid, room, &name);
	if (end == END_DONE)
		log_write(LOG_LEVEL_INFO, "control: %s (uid %ld) asked for: %s: done", name,
			(long)c->uid, words.data);
	else
		log_limited(&limit, LOG_LEVEL_INFO, "control: %s (uid %ld) asked for: %s: %s", name,
			(long)c->uid, words.data, r->why);
	buf_fini(&words);
}

/* --- commands of plugins --- */

static bool
plugin_row(void *context, const char *link, const struct cm_cell *cells, size_t count)
{
	return control_row(context, link, cells, count);
}

static bool
is_wanted(void *context)
{
	const struct control_client *c = context;

	return !atomic_load(&c->ending) && !control_left(&c->wire);
}

static enum end
run_links(struct control_client *c, struct generation *g, const struct cm_plugin *plugin,
	const struct cm_command *command, const struct command_words *words, char *why)
{
	struct command_sink sink = {
		.row = plugin_row, .say = say, .wanted = is_wanted, .context = c};
	struct cm_session *s = session_new(&g->chain.limits, "control");
	bool done;

	s->rights = UINT32_MAX;
	chain_open(&g->chain, s);
	done = command_run(s, plugin, command, words, &sink);
	/* Not closed: no connection of a link began with it. */
	session_free(s);
	snprintf(why, CONTROL_WHY_SIZE, "%s", sink.complaint);
	return done ? END_DONE : END_REFUSED;
}

/* The names of its commands, where the word is none of them. */
static enum end
complain_of_name(const struct cm_plugin *plugin, struct request *r)
{
	const char *given = r->count < 2 ? "" : r->words[1], *nearest;
	const char **names = arena_array(r->arena, plugin->command_count + 1, sizeof(*names));
	struct buf all;

	buf_init(&all, 0);
	for (uint32_t i = 0; i < plugin->command_count; i++) {
		names[i] = command_at(plugin, i).name;
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	nearest = text_nearest(given, names, plugin->command_count);
	if (given[0] == '\0')
		snprintf(r->why, sizeof(r->why), "say which: %.200s", all.data);
	else if (nearest != NULL)
		snprintf(r->why, sizeof(r->why), "%s has no command \"%.60s\", did you mean %s?",
			r->words[0], given, nearest);
	else
		snprintf(r->why, sizeof(r->why), "%s has no command \"%.60s\"; it has %.200s",
			r->words[0], given, all.data);
	buf_fini(&all);
	return END_USAGE;
}

static enum end
run_plugin(struct control_client *c, struct generation *g, const struct cm_plugin *plugin,
	struct request *r)
{
	struct command_words words;
	struct cm_command command;
	struct command_form form;
	enum end end = END_REFUSED;
	char name[100];

	if (r->count < 2 || !command_find(plugin, r->words[1], &command))
		return complain_of_name(plugin, r);
	form = command_form(&command);
	snprintf(name, sizeof(name), "%s %s", r->words[0], r->words[1]);
	if (!command_read(name, &form, r->count - 2, r->words + 2, r->arena, &words, r->why,
		    sizeof(r->why)))
		return END_USAGE;
	if (may(c, g, command.changes, r->why))
		end = run_links(c, g, plugin, &command, &words, r->why);
	if (command.changes)
		log_change(c, r, end);
	return end;
}

/* --- commands of the daemon --- */

static enum end
run_own(struct control_client *c, const struct generation *g, const struct control_command *own,
	struct request *r)
{
	struct command_words words;
	enum end end = END_REFUSED;

	if (!command_read(own->name, &own->form, r->count - 1, r->words + 1, r->arena, &words,
		    r->why, sizeof(r->why)))
		return END_USAGE;
	if (!may(c, g, own->changes, r->why)) {
		end = END_REFUSED;
	} else if (own->streams) {
		r->stream = own;
		r->stream_words = words;
		end = END_DONE;
	} else if (own->run(c, &words, r->why)) {
		end = END_DONE;
	}
	if (own->changes)
		log_change(c, r, end);
	return end;
}

static enum end
run(struct control_client *c, struct generation *g, struct request *r)
{
	const struct control_command *own = control_command_find(r->words[0]);
	const struct cm_plugin *plugin = command_find_plugin(&g->chain, r->words[0]);

	if (own != NULL)
		return run_own(c, g, own, r);
	if (plugin != NULL)
		return run_plugin(c, g, plugin, r);
	snprintf(r->why, sizeof(r->why), "no plugin of the running configuration knows \"%.100s\"",
		r->words[0]);
	return END_REFUSED;
}

/* --- requests --- */

static bool
read_words(json_t *root, struct request *r)
{
	json_t *words = json_object_get(root, "command");
	size_t count = json_array_size(words);

	if (count == 0 || count > CONTROL_WORDS)
		return false;
	for (size_t i = 0; i < count; i++) {
		r->words[i] = json_string_value(json_array_get(words, i));
		if (r->words[i] == NULL)
			return false;
	}
	r->count = count;
	return true;
}

void
control_answer(struct control_client *c, const char *line, size_t len)
{
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	struct generation *g = generation_hold();
	struct arena arena;
	struct request r = {.arena = &arena};
	enum end end;

	arena_init(&arena, 2048);
	c->too_long = false;
	if (g == NULL) {
		finish(c, END_LATER, "the daemon is ending");
	} else if (!read_words(root, &r)) {
		finish(c, END_USAGE, "want a line such as {\"command\":[\"status\"]}");
	} else {
		end = run(c, g, &r);
		generation_drop(g);
		g = NULL;
		if (r.stream != NULL && !r.stream->run(c, &r.stream_words, r.why))
			end = END_REFUSED;
		finish(c, end, r.why);
	}
	generation_drop(g);
	arena_fini(&arena);
	json_decref(root);
}

void
control_serve(struct control_client *c)
{
	enum control_heard heard;
	const char *line;
	size_t len;
	bool sent = true;

	buf_init(&c->out, 0);
	while (sent && (heard = control_hear(&c->wire, &line, &len)) != CONTROL_GONE) {
		buf_clear(&c->out);
		if (heard == CONTROL_HEARD)
			control_answer(c, line, len);
		else
			finish(c, END_USAGE, "the line is too long");
		sent = control_send(&c->wire, c->out.data, c->out.len) && heard == CONTROL_HEARD;
	}
	buf_fini(&c->out);
}
