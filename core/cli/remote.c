/* SPDX-License-Identifier: MIT */
/*
 * remote.c - the commands that the running daemon answers
 *
 * Words go over the control socket, rows come back and are shown as a table. What each word and
 * option means is the daemon's and its plugins' business.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/control_client.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "chain/command.h"
#include "cli.h"
#include "conf/diag.h"
#include "conf/tree.h"
#include "remote.h"
#include "remote_table.h"

#define SOCKET_USUAL "/run/chainmail/control.sock"
#define UNIX	     "unix:"
/* A command may look at everything that a store holds. */
#define WAIT_SECONDS 120
#define SEND_SECONDS 10
/* What whoever is behind the socket can make us keep. */
#define ANSWER_MOST (4u * CONTROL_ANSWER_MOST)

#define ARG(field) offsetof(struct remote_args, field)

const struct cli_option remote_options[REMOTE_OPTIONS] = {
	{"config", 'c', CLI_PATH, ARG(config), "FILE",
		"whose control socket to use; " CLI_CONFIG_HELP},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON"},
	{"socket", 0, CLI_PATH, ARG(socket), "PATH",
		"the control socket, whatever the configuration says"},
};

/* --- where the daemon is --- */

/* The socket of the first listener of type control, as it was written; NULL: there is none. */
static const char *
find_listener(const struct conf_section *root)
{
	for (const struct conf_section *s = root->sections; s != NULL; s = s->next) {
		const struct conf_setting *type = conf_find(s, "type");
		const struct conf_setting *socket = conf_find(s, "socket");

		if (strcmp(s->kind, "listener") == 0 && type != NULL && socket != NULL &&
			strcmp(type->value.text, "control") == 0 &&
			strncmp(socket->value.text, UNIX, strlen(UNIX)) == 0)
			return socket->value.text + strlen(UNIX);
	}
	return NULL;
}

/*
 * The installed configuration has the usual place where it cannot be read. Of another one nobody
 * knows whose daemon would answer there: NULL, which was printed.
 */
static const char *
find_in(const char *config, struct arena *arena)
{
	const char *slash = strrchr(config, '/'), *path;
	struct diag *diag = diag_new();
	const struct conf_section *root = conf_read(arena, config, diag);
	bool lost = root->sections == NULL && diag_errors(diag) > 0 &&
		    strcmp(config, CHAINMAIL_CONFIG) != 0;

	if (lost) {
		diag_print(diag, stderr);
		fprintf(stderr, "or name the control socket: --socket PATH\n");
	}
	diag_free(diag);
	path = find_listener(root);
	if (path == NULL)
		return lost ? NULL : SOCKET_USUAL;
	if (path[0] != '/' && slash != NULL)
		path = arena_printf(arena, "%.*s/%s", (int)(slash - config), config, path);
	return path;
}

/* --- the connection --- */

/* What to do, by what connect() says; the exit code. */
static const struct {
	int error, code;
	const char *what, *help;
} troubles[] = {
	{EACCES, EXIT_NO, "you may not use the control socket",
		"become root, or a member of its group: ls -l shows which"},
	{EAGAIN, EXIT_LATER, "the daemon is too busy", "try again"},
	{0, EXIT_NO_DAEMON, "no daemon answers",
		"is it running, and has filter.conf a listener { type = control }? Look at: "
		"chainmail config show"},
};

static int
report(const char *path, int error)
{
	size_t i = 0;

	while (troubles[i].error != 0 && troubles[i].error != error)
		i++;
	fprintf(stderr, "chainmail: %s at %s: %s\n%s\n", troubles[i].what, path, strerror(error),
		troubles[i].help);
	return troubles[i].code;
}

/* False: errno says why. */
static bool
connect_to(const char *path, int *fd)
{
	const struct timeval wait = {.tv_sec = WAIT_SECONDS}, soon = {.tv_sec = SEND_SECONDS};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int error = ENAMETOOLONG;

	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return false;
	if (strlen(path) < sizeof(to.sun_path)) {
		memcpy(to.sun_path, path, strlen(path));
		setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
		if (connect(*fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
			return true;
		error = errno;
	}
	close(*fd);
	errno = error;
	return false;
}

/* --- question and answer --- */

/* Who was turned away cannot send, and reads why. */
static void
send_words(int fd, int count, char *const *words)
{
	struct buf line;

	buf_init(&line, 0);
	buf_add_str(&line, "{\"command\":[");
	for (int i = 0; i < count; i++) {
		buf_add_str(&line, i > 0 ? "," : "");
		text_json(&line, words[i], strlen(words[i]));
	}
	buf_add_str(&line, "]}\n");
	(void)!send(fd, line.data, line.len, MSG_NOSIGNAL);
	buf_fini(&line);
}

static int
code_of(const char *kind)
{
	static const struct {
		const char *kind;
		int code;
	} kinds[] = {{"later", EXIT_LATER}, {"refused", EXIT_NO}, {"usage", EXIT_USAGE}};

	for (size_t i = 0; kind != NULL && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].code;
	}
	return EXIT_NO;
}

/* True: that was the last line. */
static bool
take_line(json_t *root, struct remote_table *table, int *code)
{
	const char *error = json_string_value(json_object_get(root, "error"));
	const char *line = json_string_value(json_object_get(root, "say"));
	json_t *row = json_object_get(root, "row");

	if (json_is_object(row))
		remote_table_add(table, row);
	if (line != NULL)
		remote_table_say(table, line);
	if (error != NULL) {
		remote_table_error(table, error);
		*code = code_of(json_string_value(json_object_get(root, "kind")));
	} else if (json_is_true(json_object_get(root, "done"))) {
		*code = EXIT_OK;
	} else {
		return false;
	}
	return true;
}

/* False: there is none any more, or it is more than left, which no daemon of ours says. */
static bool
next_line(FILE *in, struct buf *line, size_t *left)
{
	int c;

	buf_clear(line);
	while ((c = getc(in)) != EOF && c != '\n') {
		if (*left == 0)
			return false;
		buf_add_char(line, (char)c);
		--*left;
	}
	return c == '\n';
}

/* Reads until the daemon says how it ended; the exit code. */
static int
read_answer(FILE *in, struct remote_table *table)
{
	size_t left = ANSWER_MOST;
	int code = EXIT_LATER;
	bool ended = false;
	struct buf line;

	buf_init(&line, 0);
	while (!ended && next_line(in, &line, &left)) {
		json_t *root = json_loads(line.data, JSON_REJECT_DUPLICATES, NULL);

		ended = take_line(root, table, &code);
		json_decref(root);
	}
	buf_fini(&line);
	if (!ended)
		remote_table_error(table, "the daemon hung up, or takes too long; try again");
	return code;
}

/* The same line by line; the table gets the error alone. */
static int
read_lines(FILE *in, struct remote_table *end, bool (*take)(void *context, const json_t *line),
	void *context)
{
	size_t left = ANSWER_MOST;
	int code = EXIT_LATER;
	bool ended = false, taken = true;
	struct buf line;

	buf_init(&line, 0);
	while (!ended && taken && next_line(in, &line, &left)) {
		json_t *root = json_loads(line.data, JSON_REJECT_DUPLICATES, NULL);

		left = ANSWER_MOST;
		taken = take(context, root);
		json_object_del(root, "row");
		json_object_del(root, "say");
		ended = take_line(root, end, &code);
		json_decref(root);
	}
	buf_fini(&line);
	if (!taken)
		return EXIT_NO;
	if (!ended)
		remote_table_error(end, "the daemon hung up, or takes too long; try again");
	return code;
}

/* The daemon knows its options, and not those that this program takes for itself. */
static void
help_with(const char *command, int count, char *const *words)
{
	const char *names[REMOTE_OPTIONS], *nearest;

	for (size_t i = 0; i < REMOTE_OPTIONS; i++)
		names[i] = remote_options[i].name;
	for (int i = 1; i < count && strcmp(words[i], "--") != 0; i++) {
		nearest = strncmp(words[i], "--", 2) == 0
				  ? text_nearest(words[i] + 2, names, REMOTE_OPTIONS)
				  : NULL;
		if (nearest != NULL)
			fprintf(stderr, "or did you mean --%s?\n", nearest);
	}
	fprintf(stderr, "try: chainmail help %s\n", command);
}

/* NULL: there is no daemon, or nobody knows where; *code says so, and it was printed. */
static FILE *
dial(const struct remote_args *args, int count, char *const *words, int *code)
{
	struct arena arena;
	const char *path;
	FILE *in = NULL;
	int fd;

	arena_init(&arena, 4096);
	path = args->socket;
	if (path == NULL)
		path = find_in(cli_config_path(args->config), &arena);
	if (path == NULL) {
		*code = EXIT_NO;
	} else if (connect_to(path, &fd)) {
		in = fdopen(fd, "r");
		send_words(fd, count, words);
	} else {
		*code = report(path, errno);
	}
	arena_fini(&arena);
	return in;
}

int
remote_ask(
	const struct remote_args *args, int count, char *const *words, struct remote_table *table)
{
	int code;
	FILE *in = dial(args, count, words, &code);

	if (in == NULL)
		return code;
	code = read_answer(in, table);
	fclose(in);
	return code;
}

int
remote_lines(const struct remote_args *args, int count, char *const *words, bool patient,
	bool (*take)(void *context, const json_t *line), void *context)
{
	const struct timeval forever = {.tv_sec = 0};
	struct remote_table *end = remote_table_new(false);
	int code;
	FILE *in = dial(args, count, words, &code);

	if (in != NULL && patient)
		setsockopt(fileno(in), SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	if (in != NULL)
		code = read_lines(in, end, take, context);
	if (in != NULL)
		fclose(in);
	remote_table_print(end, words[0]);
	if (code == EXIT_USAGE)
		help_with(words[0], count, words);
	return code;
}

/* Where no daemon was found there is nothing to print. */
static int
ask(const struct remote_args *args, int count, char *const *words)
{
	struct remote_table *table = remote_table_new(args->json);
	int code = remote_ask(args, count, words, table);

	if (code != EXIT_OK && !remote_table_failed(table))
		remote_table_free(table);
	else
		remote_table_print(table, words[0]);
	if (code == EXIT_USAGE)
		help_with(words[0], count, words);
	return code;
}

int
remote_run(int argc, char **argv)
{
	struct remote_args args = {0};
	const struct command c = {
		.name = argv[0], .options = remote_options, .option_count = REMOTE_OPTIONS};
	char **words = mem_zalloc((size_t)argc + 1, sizeof(*words));
	int count = cli_take(&c, argc, argv, &args, words);
	int code = count < 0 ? EXIT_USAGE : ask(&args, count, words);

	free(words);
	return code;
}

/* --- help --- */

static void
explain_rows(const struct schema_rows *rows)
{
	char spelled[80];

	for (size_t i = 0; i < rows->count; i++) {
		struct cm_option row = schema_row(rows, i);
		const char *argument = command_argument(&row);

		snprintf(spelled, sizeof(spelled), "--%s%s%s", row.name,
			argument != NULL ? " " : "", argument != NULL ? argument : "");
		printf("      %-20s %s%s%s%s\n", spelled, row.help != NULL ? row.help : "",
			row.fallback != NULL ? " (default: " : "",
			row.fallback != NULL ? row.fallback : "", row.fallback != NULL ? ")" : "");
	}
}

void
remote_explain(const char *command, const struct command_form *form, const char *help, bool changes)
{
	struct buf words;

	buf_init(&words, 0);
	command_describe(form, &words);
	printf("  %s%s%s\n", command, words.len > 0 ? " " : "", words.data);
	if (help != NULL)
		printf("      %s%s\n", help, changes ? " (root and main.admins)" : "");
	explain_rows(&form->options);
	buf_fini(&words);
}

void
remote_explain_own(const struct command *c)
{
	const struct control_command *own = control_command_find(c->name);

	if (own->form.options.count > 0)
		remote_explain(c->name, &own->form, NULL, own->changes);
}

#define REMOTE(word, words, text)               \
	const struct command command_##word = { \
		.name = #word,                  \
		.operands = (words),            \
		.help = (text),                 \
		.options = remote_options,      \
		.option_count = REMOTE_OPTIONS, \
		.run = remote_run,              \
		.explain = remote_explain_own,  \
	}

REMOTE(commands, "[--json]", "what the plugins of the running daemon can be asked");
REMOTE(errors, "[NAME] [--json]", "what went wrong in plugins and scripts");
REMOTE(metrics, "[--json]", "what the daemon and rules have counted, as Prometheus reads it");
REMOTE(mode, "NAME enforce|shadow|off|configured [--until TIME] [--json]",
	"enforce, watch or switch off a plugin or script");
REMOTE(reload, "[--json]", "make the running daemon read its configuration again");
REMOTE(shadow, "[NAME] [--json]", "what plugins and scripts would have done, and to whom");
REMOTE(status, "[--json]", "how the running daemon is");
REMOTE(top, "clients|logins|senders [--by WHAT] [--for TIME] [--json]", "who sends most");
