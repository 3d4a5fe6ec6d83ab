/* SPDX-License-Identifier: MIT */
/*
 * dmarc_case.h - a filter with the plugin dmarc, and with one that says what signatures there are
 */
#ifndef TESTS_UNIT_DMARC_CASE_H
#define TESTS_UNIT_DMARC_CASE_H

#include <stdio.h>

#include "chain/command.h"
#include "drive.h"

#define DMARC_CASE_FIELDS 8

struct dmarc_mail {
	const char *ip, *client, *sender, *from; /* NULL: as usual; from "-": there is none */
	const char *fields[DMARC_CASE_FIELDS];	 /* "Name: value", ends in NULL */
};

/* The plugins of the product and those of the tests, in one directory beside filter.conf. */
static inline void
dmarc_case_plugins(struct drive *d)
{
	static const struct {
		const char *name;
		bool test;
	} plugins[] = {{"arc", true}, {"auth_results", false}, {"dmarc", false}, {"spf", false}};

	for (size_t i = 0; i < sizeof(plugins) / sizeof(*plugins); i++) {
		char dir[PATH_MAX], from[PATH_MAX + 64], to[160];

		drive_plugin_dir(dir, plugins[i].test);
		snprintf(from, sizeof(from), "%s/%s.so", dir, plugins[i].name);
		snprintf(to, sizeof(to), "%s/%s.so", d->dir, plugins[i].name);
		ck_assert_int_eq(symlink(from, to), 0);
		ck_assert_uint_lt(d->file_count, DRIVE_FILES);
		d->files[d->file_count++] = strdup(to);
	}
}

/* sections: beside main, listener and dns. */
static inline void
dmarc_case_load(struct drive *d, const char *zone, const char *sections)
{
	char *text;

	drive_init(d);
	dmarc_case_plugins(d);
	drive_file(d, "zone", zone);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test\n"
				 "       trusted_networks = [ 192.0.2.0/24 ] }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\n%s",
				 d->dir, sections),
		0);
	drive_load_text(d, text);
	free(text);
}

static inline const char *
dmarc_case_result(const struct drive *d, const char *key)
{
	const char *value = session_result(d->s, "dmarc", key);

	return value == NULL ? "" : value;
}

/* One message of a session that is open. */
static inline enum cm_verdict
dmarc_case_send(struct drive *d, const struct dmarc_mail *m)
{
	struct cm_header fields[DMARC_CASE_FIELDS + 1];
	char names[DMARC_CASE_FIELDS][64];
	size_t count = 0;

	drive_connect(d, m->ip == NULL ? "203.0.113.7" : m->ip,
		m->client == NULL ? "client.example.net" : m->client, "25");
	drive_helo(d, "helo.test");
	drive_mail(d, m->sender == NULL ? "<a@none.test>" : m->sender, NULL, NULL);
	drive_rcpt(d, "<b@example.com>");
	if (m->from == NULL || strcmp(m->from, "-") != 0)
		fields[count++] = (struct cm_header){
			"From", m->from == NULL ? "Ann <ann@example.org>" : m->from};
	for (size_t i = 0; i < DMARC_CASE_FIELDS && m->fields[i] != NULL; i++) {
		size_t len = strcspn(m->fields[i], ":");

		snprintf(names[i], sizeof(names[i]), "%.*s", (int)len, m->fields[i]);
		fields[count++] = (struct cm_header){names[i], m->fields[i] + len + 2};
	}
	return drive_content(d, fields, count, "hello\r\n");
}

/* A command of the plugin, as its words are typed, which end in NULL. "" or what it complains of.
 */
static inline const char *
dmarc_case_ask(const struct drive *d, const char *name, const char *const *words,
	bool (*row)(void *, const char *link, const struct cm_cell *, size_t count))
{
	static struct command_sink sink;
	static char why[200];
	const struct cm_plugin *plugin = command_find_plugin(&d->g->chain, "dmarc");
	struct cm_session *s = session_new(&d->g->chain.limits, "control");
	struct command_words read;
	struct command_form form;
	struct cm_command c;
	size_t count = 0;

	while (words[count] != NULL)
		count++;
	sink = (struct command_sink){.row = row};
	why[0] = '\0';
	ck_assert(command_find(plugin, name, &c));
	form = command_form(&c);
	chain_open(&d->g->chain, s);
	if (command_read(name, &form, count, words, &s->conn, &read, why, sizeof(why)))
		command_run(s, plugin, &c, &read, &sink);
	session_free(s);
	if (why[0] != '\0')
		return why;
	return sink.complaint[0] != '\0' ? sink.complaint : sink.declined;
}

#endif
