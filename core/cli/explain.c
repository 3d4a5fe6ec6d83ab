/* SPDX-License-Identifier: MIT */
/*
 * explain.c - chainmail explain: what would become of a message, and why
 *
 * The same session, chain, plugins and rules as in the daemon, behind the replay door: no MTA, no
 * daemon, nothing delivered.
 */
#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/load.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli.h"
#include "door/replay.h"
#include "host/generation.h"

#define FILE_MAX ((size_t)1 << 30)
/* From where the client connects: the first port for that (RFC 6335 section 6). */
#define CLIENT_PORT 49152
/* Ids of ours and queue ids, of Postfix and Sendmail. */
#define ID_LETTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

struct explain_args {
	const char *client, *client_name, *config, *from, *helo, *login, *record, *server, *zone;
	unsigned port;
	bool json, session, tls;
	struct cli_list to;
};

#define ARG(field) offsetof(struct explain_args, field)

static const struct cli_option options[] = {
	{"client", 0, CLI_TEXT, ARG(client), "IP", "the client's address; default: a local client"},
	{"client-name", 0, CLI_TEXT, ARG(client_name), "NAME", "its verified name"},
	{"config", 'c', CLI_PATH, ARG(config), "FILE", CLI_CONFIG_HELP},
	{"from", 0, CLI_TEXT, ARG(from), "ADDRESS", "envelope sender; \"\" is the null sender"},
	{"helo", 0, CLI_TEXT, ARG(helo), "NAME", "what it said at HELO"},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON"},
	{"login", 0, CLI_TEXT, ARG(login), "USER", "it has logged in as this user"},
	{"port", 0, CLI_PORT, ARG(port), "N", "port it connected to; default: 25"},
	{"record", 0, CLI_PATH, ARG(record), "DIR", CLI_RECORD_HELP},
	{"server", 0, CLI_TEXT, ARG(server), "IP", "the address it connected to"},
	{"session", 0, CLI_FLAG, ARG(session), NULL,
		"read SMTP from standard input, and answer it with the reasons"},
	{"tls", 0, CLI_FLAG, ARG(tls), NULL, "the connection is encrypted"},
	{"to", 0, CLI_LIST, ARG(to), "ADDRESS", "envelope recipient; may be given again"},
	{"zone", 0, CLI_PATH, ARG(zone), "FILE", CLI_ZONE_HELP},
};

/* --- the message --- */

/* The whole file; NULL with errno. "-" is standard input. */
static char *
read_message(const char *name, size_t *len)
{
	FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
	size_t room = 1 << 16, got;
	char *text = mem_alloc(room);

	*len = 0;
	while (in != NULL && (got = fread(text + *len, 1, room - *len, in)) > 0) {
		*len += got;
		if (*len > FILE_MAX)
			break;
		if (*len == room)
			text = mem_grow(text, room *= 2);
	}
	bool ok = in != NULL && !ferror(in) && *len <= FILE_MAX;

	if (in != NULL && *len > FILE_MAX)
		errno = EFBIG;
	if (in != NULL && in != stdin)
		fclose(in);
	if (ok)
		return text;
	free(text);
	return NULL;
}

/* --- the answer --- */

static bool
quarantined(const struct answer *a)
{
	for (size_t i = 0; i < a->edit_count; i++) {
		if (a->edits[i]->kind == EDIT_QUARANTINE)
			return true;
	}
	return false;
}

static const char *
outcome_of(const struct answer *a)
{
	if (a->verdict != CM_CONTINUE && a->verdict != CM_ACCEPT)
		return verdict_name(a->verdict);
	return quarantined(a) ? "quarantine" : "accept";
}

int
explain_exit_code(const char *outcome)
{
	if (strcmp(outcome, "reject") == 0)
		return EXIT_NO;
	return strcmp(outcome, "tempfail") == 0 ? EXIT_LATER : EXIT_OK;
}

/* The latest link that said what the MTA was told. */
static const char *
find_by(const struct trace *t, const struct answer *a)
{
	const char *by = NULL;

	for (const struct trace_record *r = t->first; r != NULL; r = r->next) {
		bool same = r->verdict == a->verdict || (r->failed && r->reply.code != 0);

		if (!r->shadow && same && r->reply.code == a->reply.code)
			by = r->link != NULL ? r->link->name : "core";
	}
	return by;
}

static const char *
decided_by(struct cm_session *s, const struct answer *a)
{
	const struct cm_final *final = chain_final(s);

	if (a->verdict == CM_CONTINUE)
		return NULL;
	if (final->by != NULL && final->verdict == a->verdict)
		return final->by;
	const char *by = find_by(chain_trace(s), a);

	return by != NULL ? by : find_by(chain_conn_trace(s), a);
}

/* --- the run --- */

/* What rules and plugins log is shown; the summary line would only repeat. */
static void
quiet_log(void)
{
	const struct log_config config = {.target = LOG_TARGET_STDERR, .level = LOG_LEVEL_INFO};
	struct err err;

	if (!log_open(&config, 1, &err))
		fprintf(stderr, "chainmail explain: %s\n", err.text);
}

/* A refusal at connect or HELO is given in the message and has its id there: so it is shown. */
static void
show_given_ids(struct cm_session *s)
{
	for (struct trace_record *r = chain_conn_trace(s)->first; r != NULL; r = r->next)
		reply_move(&r->reply, &s->msg, s->conn_id, s->id);
}

struct explained
explain_run(struct cm_session *s, const struct replay_input *in, const struct answer *last)
{
	const struct profile *profile = chain_chosen(s);
	const char *outcome = outcome_of(last);

	chain_publish(s, NULL, CHAIN_RESULTS_THERE);
	return (struct explained){
		.session = s,
		.profile = profile != NULL ? profile->name : NULL,
		.port = in->port,
		.login = in->login,
		.tls = in->tls,
		.traces = {chain_conn_trace(s), chain_trace(s)},
		.results = {s->conn_results, s->helo_results, s->results},
		.outcome = outcome,
		.reply = last->reply,
		.by = decided_by(s, last),
		.dns_asked = s->dns_asked,
		.dns_missed = s->dns_missed,
		.edits = last->edits,
		.edit_count = last->edit_count,
		.exit_code = explain_exit_code(outcome),
	};
}

static int
explain(struct generation *g, const struct replay_input *in, bool json)
{
	struct conversation c;
	struct answer last;

	generation_detach_stores(g);
	generation_swap(g);
	conversation_open(&c, "explain");
	replay_run(&c, in, NULL, &last);
	struct explained e = explain_run(c.session, in, &last);

	show_given_ids(c.session);
	if (json)
		explain_print_json(&e);
	else
		explain_print_text(&e);
	conversation_close(&c);
	generation_swap(NULL);
	return e.exit_code;
}

/* What is said of a message is printed there; the command itself went well. */
static int
type_session(struct generation *g, const struct replay_input *in)
{
	explain_session(g, in, stdin);
	if (!ferror(stdin))
		return EXIT_OK;
	fprintf(stderr, "chainmail explain: standard input cannot be read\n");
	return EXIT_NO;
}

static int
check_args(const struct explain_args *args, const char *file)
{
	struct net_addr address;

	if (args->session && (file != NULL || args->from != NULL || args->to.count > 0))
		return cli_usage(&command_explain,
			"--session is told the message, --from and --to by SMTP on standard input");
	if (args->session && args->json)
		return cli_usage(&command_explain, "--session has no JSON");
	if (!args->session && file == NULL)
		return cli_usage(&command_explain, "say which message: FILE, - for standard input, "
						   "or the ID of one that was kept");
	if (!args->session && args->from == NULL)
		return cli_usage(&command_explain, "--from ADDRESS is missing");
	if (!args->session && args->to.count == 0)
		return cli_usage(&command_explain, "--to ADDRESS is missing");
	if (args->client != NULL && !net_parse(&address, args->client))
		return cli_usage(&command_explain, "--client %s: not an IP address", args->client);
	if (args->server != NULL && !net_parse(&address, args->server))
		return cli_usage(&command_explain, "--server %s: not an IP address", args->server);
	return EXIT_OK;
}

/* Without an envelope it is no file that is meant, but one of the sessions that were kept. */
static bool
wants_kept(const struct explain_args *args, const char *what)
{
	return what != NULL && args->from == NULL && args->to.count == 0 &&
	       strspn(what, ID_LETTERS) == strlen(what) && access(what, F_OK) != 0;
}

static int
run_kept(const struct explain_args *args, const char *id)
{
	struct arena arena;
	const char *ring;
	int code = EXIT_NO;

	arena_init(&arena, 1024);
	if (cli_record_dir(args->record, cli_config_path(args->config), &arena, &ring))
		code = explain_kept(ring, id, args->json);
	arena_fini(&arena);
	return code;
}

static int
run(int argc, char **argv)
{
	struct explain_args args = {.port = 25};
	struct replay_input in = {0};
	int operand = cli_parse(&command_explain, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand + 1 < argc)
		return cli_usage(&command_explain, "\"%s\" is too much", argv[operand + 1]);
	if (wants_kept(&args, argv[operand]))
		return run_kept(&args, argv[operand]);
	if (check_args(&args, argv[operand]) != EXIT_OK)
		return EXIT_USAGE;
	char *message = args.session ? NULL : read_message(argv[operand], &in.message_len);

	if (message == NULL && !args.session)
		return cli_usage(&command_explain, "%s: %s", argv[operand], strerror(errno));
	quiet_log();
	struct generation *g = load_config(cli_config_path(args.config), LOAD_LEFT_OUT);
	int code = EXIT_NO;

	if (g != NULL && !load_zone(g, args.zone)) {
		generation_drop(g);
	} else if (g != NULL) {
		in.client_ip = args.client;
		in.client_name = args.client_name;
		in.client_port = args.client != NULL ? CLIENT_PORT : 0;
		in.server_ip = args.server;
		in.port = args.port;
		in.helo = args.helo;
		in.from = args.from;
		in.to = args.to.items;
		in.login = args.login;
		in.tls = args.tls;
		in.message = message;
		code = args.session ? type_session(g, &in) : explain(g, &in, args.json);
	}
	free(message);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.operands =
		"FILE|--session --client IP --helo NAME --from A --to B [--to C] ...|ID|QUEUEID",
	.help = "say what would become of a message, or became of one that was kept, and why",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
