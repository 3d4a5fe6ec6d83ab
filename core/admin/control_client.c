/* SPDX-License-Identifier: MIT */
/*
 * control_client.c - one client of the control socket, and what it asks
 */
#include "control_client.h"

#include <errno.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "chain/command.h"
#include "host/generation.h"
#include "mail/session.h"

#define WHY_SIZE  300
#define OUT_CHUNK 16384u
#define NAME_SIZE 4096

/* What a client wants. */
struct request {
	const char *words[CONTROL_WORDS];
	size_t count;
};

/* --- answers --- */

static void
flush(struct control_client *c)
{
	size_t sent = 0;

	while (!c->gone && sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + sent, c->out.len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			c->gone = true;
		else
			sent += (size_t)n;
	}
	buf_clear(&c->out);
}

static void
add_text(struct control_client *c, const char *text)
{
	text_json(&c->out, text, strlen(text));
}

bool
control_row(struct control_client *c, const char *link, const struct cm_cell *cells, size_t count)
{
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
	buf_add_str(&c->out, "}}\n");
	if (c->out.len > OUT_CHUNK)
		flush(c);
	return !c->gone;
}

static void
finish(struct control_client *c, const char *why)
{
	if (why == NULL) {
		buf_add_str(&c->out, "{\"done\":true}\n");
	} else {
		buf_add_str(&c->out, "{\"error\":");
		add_text(c, why);
		buf_add_str(&c->out, "}\n");
	}
	flush(c);
}

/* --- who may what --- */

static bool
is_admin(const struct control_client *c, const struct generation *g)
{
	char room[NAME_SIZE];
	struct passwd pw, *found = NULL;

	if (c->uid == 0)
		return true;
	if (getpwuid_r(c->uid, &pw, room, sizeof(room), &found) != 0 || found == NULL)
		return false;
	for (size_t i = 0; i < g->main.admins.count; i++) {
		if (strcmp(g->main.admins.items[i], found->pw_name) == 0)
			return true;
	}
	return false;
}

static bool
may(const struct control_client *c, const struct generation *g, bool changes, char *why)
{
	if (!changes || is_admin(c, g))
		return true;
	snprintf(why, WHY_SIZE, "only root and main.admins may do that");
	return false;
}

/* --- commands --- */

static bool
plugin_row(void *context, const char *link, const struct cm_cell *cells, size_t count)
{
	return control_row(context, link, cells, count);
}

static bool
run_plugin(struct control_client *c, struct generation *g, const struct cm_plugin *plugin,
	const struct request *r, char *why)
{
	struct command_sink sink = {.row = plugin_row, .context = c};
	struct cm_command command;
	struct cm_session *s;
	bool done;

	if (r->count < 2 || !command_find(plugin, r->words[1], &command)) {
		snprintf(why, WHY_SIZE, "%s has no command \"%.100s\"", r->words[0],
			r->count < 2 ? "" : r->words[1]);
		return false;
	}
	if (!may(c, g, command.changes, why))
		return false;
	s = session_new(&g->chain.limits, "control");
	s->rights = UINT32_MAX;
	chain_open(&g->chain, s);
	done = command_run(s, plugin, &command, r->count - 2, r->words + 2, &sink);
	/* Not closed: no connection of a link began with it. */
	session_free(s);
	snprintf(why, WHY_SIZE, "%s", sink.complaint);
	return done;
}

static const struct control_command *
find_own(const char *name)
{
	for (size_t i = 0; i < control_command_count; i++) {
		if (strcmp(control_commands[i].name, name) == 0)
			return &control_commands[i];
	}
	return NULL;
}

static bool
run(struct control_client *c, struct generation *g, const struct request *r, char *why)
{
	const struct control_command *own = find_own(r->words[0]);
	const struct cm_plugin *plugin = command_find_plugin(&g->chain, r->words[0]);

	if (own != NULL)
		return may(c, g, own->changes, why) &&
		       own->run(c, r->count, r->words, why, WHY_SIZE);
	if (plugin != NULL)
		return run_plugin(c, g, plugin, r, why);
	snprintf(why, WHY_SIZE, "no plugin of the running configuration knows \"%.100s\"",
		r->words[0]);
	return false;
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

static void
answer(struct control_client *c, const char *line, size_t len)
{
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	struct generation *g = generation_hold();
	struct request r = {.count = 0};
	char why[WHY_SIZE] = "";

	if (g == NULL)
		finish(c, "the daemon is ending");
	else if (!read_words(root, &r))
		finish(c, "want a line such as {\"command\":[\"status\"]}");
	else
		finish(c, run(c, g, &r, why) ? NULL : why);
	generation_drop(g);
	json_decref(root);
}

/* Whole lines; false: the client is done, or too long. */
static bool
read_lines(struct control_client *c, char *line, size_t *len)
{
	ssize_t n = recv(c->fd, line + *len, CONTROL_LINE_MOST - *len, 0);
	char *end;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	*len += (size_t)n;
	while (!c->gone && (end = memchr(line, '\n', *len)) != NULL) {
		answer(c, line, (size_t)(end - line));
		*len -= (size_t)(end + 1 - line);
		memmove(line, end + 1, *len);
	}
	if (*len == CONTROL_LINE_MOST)
		finish(c, "the line is too long");
	return !c->gone && *len < CONTROL_LINE_MOST;
}

void
control_serve(struct control_client *c)
{
	char line[CONTROL_LINE_MOST];
	size_t len = 0;

	buf_init(&c->out, 0);
	while (read_lines(c, line, &len))
		continue;
	buf_fini(&c->out);
}
