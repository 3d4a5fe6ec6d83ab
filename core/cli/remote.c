/* SPDX-License-Identifier: MIT */
/*
 * remote.c - the commands that the running daemon answers
 *
 * Words go over the control socket, rows come back and are shown as a table. What each word means
 * is the daemon's and its plugins' business.
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

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli.h"
#include "conf/diag.h"
#include "conf/tree.h"
#include "remote_table.h"

#define SOCKET_USUAL "/run/chainmail/control.sock"
#define UNIX	     "unix:"
/* A command may look at everything that a store holds. */
#define WAIT_SECONDS 120

struct remote_args {
	const char *config, *socket, *by, *period, *over;
	bool json;
};

#define ARG(field) offsetof(struct remote_args, field)

static const struct cli_option options[] = {
	{"config", 'c', CLI_TEXT, ARG(config), "FILE",
		"whose control socket to use; " CLI_CONFIG_HELP},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON"},
	{"socket", 0, CLI_TEXT, ARG(socket), "PATH",
		"the control socket, whatever the configuration says"},
};

static const struct cli_option limit_options[] = {
	{"config", 'c', CLI_TEXT, ARG(config), "FILE",
		"whose control socket to use; " CLI_CONFIG_HELP},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON"},
	{"over", 0, CLI_TEXT, ARG(over), "PERCENT", "list: who has used that much of his limit"},
	{"socket", 0, CLI_TEXT, ARG(socket), "PATH",
		"the control socket, whatever the configuration says"},
};

static const struct cli_option top_options[] = {
	{"by", 0, CLI_TEXT, ARG(by), "WHAT", "messages, recipients (the usual) or refused"},
	{"config", 'c', CLI_TEXT, ARG(config), "FILE",
		"whose control socket to use; " CLI_CONFIG_HELP},
	{"for", 0, CLI_TEXT, ARG(period), "TIME", "of the latest 1h (the usual), a day at most"},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON"},
	{"socket", 0, CLI_TEXT, ARG(socket), "PATH",
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

/* A configuration that cannot be read has the usual place. */
static const char *
find_socket(const struct remote_args *args, struct arena *arena)
{
	const char *config = cli_config_path(args->config), *slash = strrchr(config, '/');
	struct diag *diag = diag_new();
	const char *path = args->socket;

	if (path == NULL)
		path = find_listener(conf_read(arena, config, diag));
	diag_free(diag);
	if (path == NULL)
		return SOCKET_USUAL;
	if (path[0] != '/' && args->socket == NULL && slash != NULL)
		path = arena_printf(arena, "%.*s/%s", (int)(slash - config), config, path);
	return path;
}

/* -1 after an error, which was printed. */
static int
connect_to(const char *path)
{
	const struct timeval wait = {.tv_sec = WAIT_SECONDS};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
	} else {
		memcpy(to.sun_path, path, strlen(path));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
			return fd;
	}
	fprintf(stderr, "chainmail: no daemon answers at %s: %s\n", path, strerror(errno));
	fprintf(stderr,
		"is it running, and has filter.conf a listener { type = control }? Look at: "
		"chainmail config show\n");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- question and answer --- */

static bool
send_words(int fd, int argc, char **argv, int operand)
{
	struct buf line;
	bool sent;

	buf_init(&line, 0);
	buf_add_str(&line, "{\"command\":[");
	text_json(&line, argv[0], strlen(argv[0]));
	for (int i = operand; i < argc; i++) {
		buf_add_char(&line, ',');
		text_json(&line, argv[i], strlen(argv[i]));
	}
	buf_add_str(&line, "]}\n");
	sent = send(fd, line.data, line.len, MSG_NOSIGNAL) == (ssize_t)line.len;
	buf_fini(&line);
	return sent;
}

/* Reads rows until the daemon says how it ended; the exit code. */
static int
read_answer(FILE *in, struct remote_table *table)
{
	char *line = NULL;
	size_t room = 0;
	int code = EXIT_LATER;

	while (code == EXIT_LATER && getline(&line, &room, in) > 0) {
		json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *error = json_string_value(json_object_get(root, "error"));
		json_t *row = json_object_get(root, "row");

		if (row != NULL)
			remote_table_add(table, row);
		else if (json_is_true(json_object_get(root, "done")))
			code = EXIT_OK;
		else if (error != NULL)
			code = EXIT_NO;
		if (error != NULL)
			remote_table_error(table, error);
		json_decref(root);
	}
	free(line);
	if (code == EXIT_LATER)
		remote_table_error(table, "the daemon hung up");
	return code;
}

static int
ask(int fd, int argc, char **argv, int operand, bool json)
{
	struct remote_table *table = remote_table_new(json);
	FILE *in = fdopen(fd, "r");
	int code = EXIT_LATER;

	if (send_words(fd, argc, argv, operand))
		code = read_answer(in, table);
	remote_table_print(table, argv[0]);
	fclose(in);
	return code;
}

static int
ask_daemon(const struct remote_args *args, int argc, char **argv, int operand)
{
	struct arena arena;
	int fd;

	arena_init(&arena, 4096);
	fd = connect_to(find_socket(args, &arena));
	arena_fini(&arena);
	return fd < 0 ? EXIT_NO_DAEMON : ask(fd, argc, argv, operand, args->json);
}

static int
run(int argc, char **argv)
{
	struct remote_args args = {0};
	int operand = cli_parse(cli_find(argv[0]), argc, argv, &args);

	return operand < 0 ? EXIT_USAGE : ask_daemon(&args, argc, argv, operand);
}

/* --over is one more word. */
static int
run_limit(int argc, char **argv)
{
	struct remote_args args = {0};
	int operand = cli_parse(&command_limit, argc, argv, &args);
	char *words[4] = {argv[0]};
	int count = 1, code;

	if (operand < 0)
		return EXIT_USAGE;
	if (argc - operand > 2)
		return cli_usage(&command_limit, "\"%s\" is too much", argv[operand + 2]);
	for (; operand < argc; operand++)
		words[count++] = argv[operand];
	if (args.over == NULL)
		return ask_daemon(&args, count, words, 1);
	words[count] = strdup(args.over);
	code = ask_daemon(&args, count + 1, words, 1);
	free(words[count]);
	return code;
}

static int
run_top(int argc, char **argv)
{
	struct remote_args args = {.by = "recipients", .period = "1h"};
	int operand = cli_parse(&command_top, argc, argv, &args);
	char *words[5] = {argv[0]};

	if (operand < 0)
		return EXIT_USAGE;
	if (operand + 1 != argc)
		return cli_usage(&command_top, "say which: clients, logins or senders");
	words[1] = argv[operand];
	words[2] = strdup(args.by);
	words[3] = strdup(args.period);

	int code = ask_daemon(&args, 4, words, 1);

	free(words[2]);
	free(words[3]);
	return code;
}

#define REMOTE(word, words, text)                                   \
	const struct command command_##word = {                     \
		.name = #word,                                      \
		.operands = (words),                                \
		.help = (text),                                     \
		.options = options,                                 \
		.option_count = sizeof(options) / sizeof(*options), \
		.run = run,                                         \
	}

REMOTE(commands, "[--json]", "what the plugins of the running daemon can be asked");
REMOTE(greylist, "show|allow|forget ... [--json]", "what greylisting knows (chainmail commands)");
REMOTE(reload, "[--json]", "make the running daemon read its configuration again");
REMOTE(status, "[--json]", "how the running daemon is");

const struct command command_top = {
	.name = "top",
	.operands = "clients|logins|senders [--by WHAT] [--for TIME] [--json]",
	.help = "who sends most",
	.options = top_options,
	.option_count = sizeof(top_options) / sizeof(*top_options),
	.run = run_top,
};

const struct command command_limit = {
	.name = "limit",
	.operands = "show KEY | list [--over PERCENT] | reset KEY [--json]",
	.help = "what limits have counted",
	.options = limit_options,
	.option_count = sizeof(limit_options) / sizeof(*limit_options),
	.run = run_limit,
};
