/* SPDX-License-Identifier: MIT */
/*
 * dmarc.c - chainmail dmarc report: what the daemon has counted becomes files (RFC 9990)
 *
 * Only files are written here; who sends them is the administrator's script. The only file that
 * includes zlib.
 */
#include "dmarc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dmarc_xml.h"
#include "remote.h"
#include "remote_table.h"
#include "standard.h"

#define NAME_SIZE 700
#define PATH_SIZE (4096 + NAME_SIZE)
#define DRAFT	  ".part"
#define MAILTO	  "mailto:"

struct args {
	struct remote_args remote;
	const char *out;
};

#define ARG(field) offsetof(struct args, field)

const struct cli_option dmarc_options[DMARC_OPTIONS] = {
	{"config", 'c', CLI_PATH, ARG(remote.config), "FILE",
		"whose control socket to use; " CLI_CONFIG_HELP},
	{"json", 0, CLI_FLAG, ARG(remote.json), NULL, "print JSON"},
	{"out", 0, CLI_PATH, ARG(out), "DIR",
		"report: where the files are written; here where it is not given"},
	{"socket", 0, CLI_PATH, ARG(remote.socket), "PATH",
		"the control socket, whatever the configuration says"},
};

/* One run of report. */
struct reporting {
	const struct args *args;
	struct remote_table *files; /* what was written */
	int code;
};

/* --- a file --- */

/* Under another name first: who looks into the directory finds whole reports. */
static bool
write_file(const char *dir, const char *name, const struct buf *text)
{
	char path[PATH_SIZE], draft[PATH_SIZE + sizeof(DRAFT)];
	gzFile gz;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	snprintf(draft, sizeof(draft), "%s" DRAFT, path);
	/* What was left there goes; a link that somebody put there is not written through. */
	unlink(draft);
	errno = ENOMEM; /* zlib's other reason */
	gz = gzopen(draft, "wbxe9");
	if (gz == NULL)
		return false;
	ok = gzwrite(gz, text->data, (unsigned)text->len) == (int)text->len;
	ok = gzclose(gz) == Z_OK && ok;
	if (ok && rename(draft, path) == 0)
		return true;
	unlink(draft);
	return false;
}

/* "mailto:a@b.test mailto:c@d.test" as "a@b.test c@d.test". */
static void
write_addresses(struct buf *out, const char *uris)
{
	while (*uris != '\0') {
		size_t len = strcspn(uris, " "), skip = strncasecmp(uris, MAILTO, 7) == 0 ? 7 : 0;

		if (out->len > 0)
			buf_add_char(out, ' ');
		buf_add(out, uris + skip, len - skip);
		uris += len + (uris[len] == ' ');
	}
}

static void
tell(struct reporting *r, const char *file, const json_t *report, long long messages)
{
	const char *domain = json_string_value(json_object_get(report, "domain"));
	struct buf to;
	json_t *row;

	buf_init(&to, 0);
	write_addresses(&to, json_string_value(json_object_get(report, "rua")));
	row = json_pack("{s:s, s:s, s:I, s:s}", "file", file, "domain", domain, "messages",
		(json_int_t)messages, "to", to.data);
	remote_table_add(r->files, row);
	json_decref(row);
	buf_fini(&to);
}

static bool
fail(struct reporting *r, int code)
{
	r->code = code;
	return false;
}

static bool
write_report(
	struct reporting *r, const json_t *report, const json_t *rows, size_t first, size_t end)
{
	const char *dir = r->args->out == NULL ? "." : r->args->out;
	char name[NAME_SIZE];
	long long messages = 0;
	sigset_t before;
	struct buf text;
	bool ok;

	if (!dmarc_xml_file(report, name, sizeof(name))) {
		fprintf(stderr, "chainmail dmarc: main.authserv_id is no domain, which the name of "
				"a report must have\n");
		return fail(r, EXIT_NO);
	}
	for (size_t i = first; i < end; i++)
		messages += json_integer_value(json_object_get(json_array_get(rows, i), "count"));
	if (strlen(name) + strlen(DRAFT) > NAME_MAX) {
		fprintf(stderr,
			"chainmail dmarc: no report on %s: the name of its file would be too "
			"long\n",
			json_string_value(json_object_get(report, "domain")));
		r->code = EXIT_NO;
		return true;
	}
	buf_init(&text, 0);
	dmarc_xml(&text, report, rows, first, end);
	standard_defer(&before);
	ok = write_file(dir, name, &text);
	standard_resume(&before);
	buf_fini(&text);
	if (!ok) {
		fprintf(stderr,
			"chainmail dmarc: cannot write into %s: %s; name another directory "
			"with --out\n",
			dir, strerror(errno));
		return fail(r, EXIT_NO);
	}
	tell(r, name, report, messages);
	return true;
}

/* --- answers --- */

static bool
is_what(const json_t *row, const char *word)
{
	const char *what = json_string_value(json_object_get(row, "what"));

	return what != NULL && strcmp(what, word) == 0;
}

static bool
is_report(const json_t *row)
{
	return is_what(row, "report");
}

/* A report that nobody asked for, or may get, is not written. */
static bool
take_report(struct reporting *r, const json_t *rows, size_t first, size_t end)
{
	const json_t *report = json_array_get(rows, first);
	const char *rua = json_string_value(json_object_get(report, "rua"));
	const char *unclear = json_string_value(json_object_get(report, "unclear"));
	const char *domain = json_string_value(json_object_get(report, "domain"));

	if (rua == NULL || unclear == NULL || domain == NULL)
		return true;
	if (strcmp(unclear, "yes") == 0) {
		fprintf(stderr,
			"chainmail dmarc: DNS does not say now who may get the report on %s; try "
			"again later\n",
			domain);
		r->code = EXIT_LATER;
	}
	if (rua[0] == '\0' || first + 1 == end)
		return true;
	return write_report(r, report, rows, first + 1, end);
}

/* Each link that keeps records has its own. */
static bool
take_reports(struct reporting *r, const json_t *rows)
{
	size_t count = json_array_size(rows), end;

	for (size_t i = 0; i < count; i = end) {
		for (end = i + 1; end < count && !is_report(json_array_get(rows, end));)
			end++;
		if (is_report(json_array_get(rows, i)) && !take_report(r, rows, i, end))
			return false;
	}
	return true;
}

/* False: there is no answer, or a mistake in it, which was printed. */
static bool
ask(struct reporting *r, int count, char *const *words, struct remote_table *table)
{
	int code = remote_ask(&r->args->remote, count, words, table);

	if (code == EXIT_OK)
		return true;
	if (remote_table_failed(table)) {
		struct remote_table *alone = remote_table_take_error(table);

		remote_table_print(alone, words[0]);
	}
	return fail(r, code);
}

#define QUESTION 8

/* Words of a question about a row of the list: its day and link, and what has that name there. */
static void
question(char *words[QUESTION], const json_t *row, const char *option, const char *name)
{
	const char *const texts[QUESTION] = {"dmarc", "report", "--day",
		json_string_value(json_object_get(row, "day")), "--link",
		json_string_value(json_object_get(row, "link")), option,
		json_string_value(json_object_get(row, name))};

	for (size_t i = 0; i < QUESTION; i++)
		words[i] = strdup(texts[i] == NULL ? "" : texts[i]);
}

static void
forget(char *words[QUESTION])
{
	for (size_t i = 0; i < QUESTION; i++)
		free(words[i]);
}

/*
 * The domain of one row of the list. What the daemon refuses, it refuses of this domain, whose
 * owner may want just that: he chooses how long its answer is, and how long DNS takes for it.
 */
static bool
report_domain(struct reporting *r, const json_t *row)
{
	struct remote_table *table = remote_table_new(true);
	char *words[QUESTION];
	bool ok;

	question(words, row, "--", "domain");
	if (ask(r, QUESTION, words, table)) {
		ok = take_reports(r, remote_table_rows(table));
	} else {
		fprintf(stderr, "chainmail dmarc: no report on %s\n", words[QUESTION - 1]);
		ok = r->code == EXIT_NO;
	}
	remote_table_free(table);
	forget(words);
	return ok;
}

/*
 * False: there is no list. Of one that is too long for an answer its beginning is reported, for a
 * stranger with a name for each message can make it so.
 */
static bool
take_list(struct reporting *r, int count, char *const *words, struct remote_table *table)
{
	const json_t *rows = remote_table_rows(table);

	return ask(r, count, words, table) || (r->code == EXIT_NO && json_array_size(rows) > 0 &&
						      !is_report(json_array_get(rows, 0)));
}

/* The domains of a list. */
static bool
report_list(struct reporting *r, const json_t *rows)
{
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(rows); i++) {
		if (!is_what(json_array_get(rows, i), "more"))
			ok = report_domain(r, json_array_get(rows, i));
	}
	return ok;
}

/* The last row of a list, where it says that there are more and goes on behind that. */
static json_t *
next_of(const json_t *rows, const json_t *row)
{
	const char *was = json_string_value(json_object_get(row, "after")), *is;
	json_t *last = json_array_get(rows, json_array_size(rows) - 1);

	if (!is_what(last, "more"))
		return NULL;
	is = json_string_value(json_object_get(last, "after"));
	return was != NULL && is != NULL && strcmp(is, was) > 0 ? json_incref(last) : NULL;
}

/* One list after the other of a link that has more domains than one list takes. */
static bool
report_more(struct reporting *r, json_t *row)
{
	char *words[QUESTION];
	bool ok = true;

	json_incref(row);
	while (ok && row != NULL) {
		struct remote_table *table = remote_table_new(true);
		const json_t *rows = remote_table_rows(table);
		json_t *next;

		question(words, row, "--after", "after");
		ok = take_list(r, QUESTION, words, table) && report_list(r, rows);
		next = next_of(rows, row);
		json_decref(row);
		row = next;
		remote_table_free(table);
		forget(words);
	}
	json_decref(row);
	return ok;
}

static int
report(const struct args *args, int count, char *const *words)
{
	struct reporting r = {.args = args, .files = remote_table_new(args->remote.json)};
	struct remote_table *table = remote_table_new(true);
	const json_t *rows = remote_table_rows(table);
	bool ok = take_list(&r, count, words, table);

	if (ok && is_report(json_array_get(rows, 0)))
		ok = take_reports(&r, rows);
	else
		ok = ok && report_list(&r, rows);
	for (size_t i = 0; ok && i < json_array_size(rows); i++) {
		if (is_what(json_array_get(rows, i), "more"))
			ok = report_more(&r, json_array_get(rows, i));
	}
	remote_table_free(table);
	remote_table_print(r.files, words[0]);
	return r.code;
}

int
dmarc_run(int argc, char **argv)
{
	struct args args = {.out = NULL};
	const struct command c = {
		.name = argv[0], .options = dmarc_options, .option_count = DMARC_OPTIONS};
	char **words = mem_zalloc((size_t)argc + 1, sizeof(*words));
	int count = cli_take(&c, argc, argv, &args, words), code = EXIT_USAGE;

	if (count > 1 && strcmp(words[1], "report") == 0)
		code = report(&args, count, words);
	else if (count >= 0)
		code = remote_run(argc, argv);
	free(words);
	return code;
}
