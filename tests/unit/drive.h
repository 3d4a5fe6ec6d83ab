/* SPDX-License-Identifier: MIT */
/*
 * drive.h - a test says what an MTA says, and looks at the answer
 *
 * Writes a filter.conf into a directory of its own, loads it as the daemon does, and runs one
 * session through its chain. Plugins are those of the build the test belongs to.
 */
#ifndef TESTS_UNIT_DRIVE_H
#define TESTS_UNIT_DRIVE_H

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "chain/chain.h"
#include "conf/diag.h"
#include "host/generation.h"
#include "mail/address.h"
#include "temp.h"

#define DRIVE_FILES 8

struct drive {
	char dir[TEMP_NAME_SIZE];
	char conf[128];
	char log[128];		  /* what was written before a test had another log */
	char *files[DRIVE_FILES]; /* beside filter.conf */
	unsigned file_count;
	bool to_serve;	/* loads for a daemon on this machine */
	char *mistakes; /* of the load */
	size_t errors;
	struct generation *g;
	struct cm_session *s;
	struct answer answer;
	unsigned glued; /* of drive_content(): bit per field without a blank behind its colon */
};

/* build/plugins, or build/tests/plugins: the binary is build/tests/unit/test_x. */
static inline void
drive_plugin_dir(char out[PATH_MAX], bool test_plugins)
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 32);
	int up = test_plugins ? 2 : 3;

	ck_assert_int_gt(len, 0);
	out[len] = '\0';
	for (int i = 0; i < up; i++)
		*strrchr(out, '/') = '\0';
	strcat(out, "/plugins");
}

static inline void
drive_log_to(const char *path)
{
	struct log_config config = {.target = LOG_TARGET_FILE, .level = LOG_LEVEL_DEBUG};
	struct err err;

	config.path = path;
	config.summary = true;
	ck_assert_msg(log_open(&config, 1, &err), "%s", err.text);
}

static inline void
drive_init(struct drive *d)
{
	*d = (struct drive){0};
	ck_assert(temp_dir(d->dir, "chainmail-drive"));
	snprintf(d->conf, sizeof(d->conf), "%s/filter.conf", d->dir);
	snprintf(d->log, sizeof(d->log), "%s.log", d->dir);
	drive_log_to(d->log);
}

static inline void
drive_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* A file beside filter.conf; removed at the end. */
static inline const char *
drive_file(struct drive *d, const char *name, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	drive_write(path, text);
	ck_assert_uint_lt(d->file_count, DRIVE_FILES);
	d->files[d->file_count++] = strdup(path);
	return d->files[d->file_count - 1];
}

/* Loads text as it is; d->g is NULL after errors, d->mistakes what was said. */
static inline void
drive_load_text(struct drive *d, const char *text)
{
	struct diag *diag = diag_new();
	size_t len;
	FILE *f;

	drive_write(d->conf, text);
	d->g = d->to_serve ? generation_load_to_serve(d->conf, diag)
			   : generation_load(d->conf, diag);
	d->errors = diag_errors(diag);
	f = open_memstream(&d->mistakes, &len);
	diag_print(diag, f);
	fclose(f);
	diag_free(diag);
}

/* Mistakes as a person in the directory of filter.conf reads them. */
static inline void
drive_shorten(struct drive *d)
{
	size_t len = strlen(d->dir) + 1;
	char *at;

	while ((at = strstr(d->mistakes, d->dir)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
}

static inline void
drive_load_with(struct drive *d, const char *sections, bool test_plugins)
{
	char dir[PATH_MAX], *text = NULL;

	drive_plugin_dir(dir, test_plugins);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n%s",
				 dir, sections),
		0);
	drive_load_text(d, text);
	free(text);
	ck_assert_msg(d->g != NULL, "%s", d->mistakes);
	ck_assert_str_eq(d->mistakes, "");
}

/* Loads sections behind a main section that names the plugins of this build. Must succeed. */
static inline void
drive_load(struct drive *d, const char *sections)
{
	drive_load_with(d, sections, false);
}

/* The same with the plugins of the tests, and makes it the running generation. */
static inline void
drive_run_test_plugins(struct drive *d, const char *sections)
{
	drive_load_with(d, sections, true);
	generation_swap(d->g);
	d->g = NULL;
}

/* A plugin that asks for what it did not declare gets nothing, and most tests would not notice. */
static inline void
drive_check_rights(const struct drive *d)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen(d->log, "r");

	ck_assert_ptr_nonnull(f);
	while (getline(&line, &size, f) >= 0)
		ck_assert_msg(strstr(line, "the plugin did not declare it") == NULL, "%s", line);
	free(line);
	fclose(f);
	unlink(d->log);
}

static inline void
drive_fini(struct drive *d)
{
	log_close();
	drive_check_rights(d);
	if (d->s != NULL) {
		chain_end_message(d->s);
		chain_close(d->s);
		session_free(d->s);
	}
	generation_drop(d->g);
	free(d->mistakes);
	unlink(d->conf);
	for (unsigned i = 0; i < d->file_count; i++) {
		unlink(d->files[i]);
		free(d->files[i]);
	}
	rmdir(d->dir);
}

/* A session of an MTA that grants and tells everything it is asked. */
static inline void
drive_open(struct drive *d)
{
	d->s = session_new(&d->g->chain.limits, "l");
	d->s->rights = CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY |
		       CM_EDIT_QUARANTINE;
	d->s->macros_asked = true;
	chain_open(&d->g->chain, d->s);
}

static inline enum cm_verdict
drive_event(struct drive *d, const struct cm_event *ev)
{
	chain_event(d->s, ev, &d->answer);
	return d->answer.verdict;
}

/* ip NULL: a local client. */
static inline enum cm_verdict
drive_connect(struct drive *d, const char *ip, const char *name, const char *port)
{
	struct net_addr addr;

	if (ip != NULL)
		ck_assert(net_parse(&addr, ip));
	session_macros_begin(d->s, CM_STAGE_CONNECT);
	session_macro_add(d->s, CM_STAGE_CONNECT, "{daemon_port}", port);
	session_set_client(d->s, name, ip == NULL ? NULL : &addr, 40000);
	return drive_event(d, &(struct cm_event){.stage = CM_STAGE_CONNECT, .name = name});
}

static inline enum cm_verdict
drive_helo(struct drive *d, const char *name)
{
	session_macros_begin(d->s, CM_STAGE_HELO);
	return drive_event(d, &(struct cm_event){.stage = CM_STAGE_HELO, .name = name});
}

static inline enum cm_verdict
drive_path(struct drive *d, enum cm_stage stage, const char *path)
{
	static const char *const none[] = {NULL};
	struct cm_address address;
	struct arena arena;
	enum cm_verdict verdict;

	arena_init(&arena, 256);
	address_parse_path(&address, &arena, path);
	verdict = drive_event(
		d, &(struct cm_event){.stage = stage, .address = &address, .args = none});
	arena_fini(&arena);
	return verdict;
}

/* login, tls: NULL for none. */
static inline enum cm_verdict
drive_mail(struct drive *d, const char *path, const char *login, const char *tls)
{
	session_macros_begin(d->s, CM_STAGE_MAIL);
	if (login != NULL)
		session_macro_add(d->s, CM_STAGE_MAIL, "{auth_authen}", login);
	if (tls != NULL)
		session_macro_add(d->s, CM_STAGE_MAIL, "{tls_version}", tls);
	return drive_path(d, CM_STAGE_MAIL, path);
}

static inline enum cm_verdict
drive_rcpt(struct drive *d, const char *path)
{
	session_macros_begin(d->s, CM_STAGE_RCPT);
	return drive_path(d, CM_STAGE_RCPT, path);
}

static inline enum cm_verdict
drive_stage(struct drive *d, enum cm_stage stage)
{
	return drive_event(d, &(struct cm_event){.stage = stage});
}

/* The rest of a message, until the MTA is told how it ends. */
static inline enum cm_verdict
drive_content(struct drive *d, const struct cm_header *fields, size_t count, const char *body)
{
	struct cm_event chunk = {.stage = CM_STAGE_BODY};

	if (drive_stage(d, CM_STAGE_DATA) != CM_CONTINUE)
		return d->answer.verdict;
	for (size_t i = 0; i < count; i++) {
		struct cm_event ev = {.stage = CM_STAGE_HEADER};

		ev.name = fields[i].name;
		ev.value = fields[i].value;
		ev.glued = i < 32 && (d->glued >> i & 1u) != 0;
		if (drive_event(d, &ev) != CM_CONTINUE)
			return d->answer.verdict;
	}
	if (drive_stage(d, CM_STAGE_EOH) != CM_CONTINUE)
		return d->answer.verdict;
	chunk.data = (const unsigned char *)body;
	chunk.len = strlen(body);
	if (drive_event(d, &chunk) != CM_CONTINUE)
		return d->answer.verdict;
	drive_stage(d, CM_STAGE_EOM);
	return d->answer.verdict;
}

/* "550 5.7.1 text" of the latest answer without its id, or "". */
static inline const char *
drive_reply(const struct drive *d)
{
	static char text[1024];
	char *id;

	text[0] = '\0';
	if (d->answer.reply.code != 0)
		snprintf(text, sizeof(text), "%d %s %s", d->answer.reply.code,
			d->answer.reply.status, d->answer.reply.text);
	id = strstr(text, " (id ");
	if (id != NULL)
		*id = '\0';
	return text;
}

#endif
