/* SPDX-License-Identifier: MIT */
/*
 * fuzz_replay.c - any client with any message, through the whole chain
 *
 * The first lines are what the client says (see `lines`), the rest is the message. Beside crashes
 * it looks for replies and edits that must not reach an MTA.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/diag.h"
#include "door/replay.h"
#include "host/generation.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define RCPTS_MAX 8

/* The order of the input's lines. An empty one is left out (a client without HELO, no login). */
enum line { CLIENT, CLIENT_NAME, HELO, FROM, TO, LOGIN, PORT, LINES };

static const char sections[] =
	"listener l { socket = inet:10025@127.0.0.1 }\n"
	"map senders { entries = [ \"bad.example reject 553 5.7.1 %s 100%\",\n"
	"    \"later.example tempfail\", \"junk.example discard\", \"odd.example quarantine odd\" "
	"] }\n"
	"map rcpts { entries = [ \"dave@example.com reject\", \"erin@example.com discard\" ] }\n"
	"map helos { entries = [ \"liar.example reject\" ] }\n"
	"map nets { match = cidr; entries = [ \"198.51.100.0/24 reject\", \"2001:db8::/32 "
	"tempfail\" ] }\n"
	"map logins { entries = [ \"ann@example.org ann\", \"@bob.example bob\" ] }\n"
	"plugin access { client = nets; helo = helos; sender = senders; recipient = rcpts }\n"
	"plugin auth { login_map = logins }\n"
	"plugin mark { type = trace; level = debug; answer = [ \"mail prefix_subject [X] \",\n"
	"    \"rcpt add_rcpt copy@example.com\", \"eoh set_header 1 From: x@y.example\",\n"
	"    \"eoh remove_header 1 Received\", \"eom insert_header 0 X-B: 2\" ] }\n"
	"plugin watch { type = trace; level = debug; mode = shadow; answer = [ \"rcpt reject\" ] "
	"}\n"
	"profile submission { port = [ 587 ]; chain = [ watch, auth, mark ] }\n"
	"profile late { port = [ 26 ]; hold = rcpt; chain = [ access, mark ] }\n"
	"profile rest { chain = [ watch, access, mark ] }\n";

static void
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
write_conf(const char *path)
{
	char dir[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 16);
	FILE *f = fopen(path, "w");

	if (len <= 0 || f == NULL)
		die("no configuration");
	dir[len] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(dir, '/') = '\0';
	fprintf(f,
		"main { plugin_dir = \"%s/plugins\"; max_header_size = 8k; max_recipients = 4 }\n",
		dir);
	fputs(sections, f);
	fclose(f);
}

static void
load_once(void)
{
	static bool loaded;
	const struct log_config config = {.target = LOG_TARGET_FILE,
		.level = LOG_LEVEL_DEBUG,
		.path = "/dev/null",
		.summary = true};
	char path[] = "/tmp/fuzz_replay.XXXXXX";
	struct err err;

	if (loaded)
		return;
	loaded = true;
	int fd = mkstemp(path);

	if (fd < 0 || !log_open(&config, 1, &err))
		die("no log");
	close(fd);
	write_conf(path);
	struct diag *diag = diag_new();
	struct generation *g = generation_load(path, diag);

	if (g == NULL)
		diag_print(diag, stderr);
	diag_free(diag);
	unlink(path);
	if (g == NULL)
		die("the configuration does not load");
	generation_swap(g);
}

/* --- input --- */

/* Cuts the first line off text; NULL for an empty one. */
static char *
take_line(char **text, char *end)
{
	char *line = *text;
	char *lf = memchr(line, '\n', (size_t)(end - line));

	*text = lf != NULL ? lf + 1 : end;
	*(lf != NULL ? lf : end) = '\0';
	return line[0] != '\0' ? line : NULL;
}

static void
split_rcpts(char *line, const char *to[RCPTS_MAX + 1])
{
	size_t count = 0;
	char *word;

	while (line != NULL && count < RCPTS_MAX && (word = strsep(&line, " ")) != NULL)
		to[count++] = word;
	to[count] = NULL;
}

/* --- what must hold --- */

static void
check_reply(const struct answer *a)
{
	const struct reply *r = &a->reply;
	int class = a->verdict == CM_REJECT ? 5 : 4;

	if (a->verdict != CM_REJECT && a->verdict != CM_TEMPFAIL)
		return;
	if (r->code / 100 != class || r->status[0] != '0' + class || r->text == NULL)
		die("the reply does not fit the verdict");
	for (const char *p = r->text; *p != '\0'; p++) {
		if (*p != '\n' && (*p < ' ' || *p > '~'))
			die("the reply is not printable");
	}
}

static void
check_edit(const struct edit *e)
{
	for (const char *p = e->name; p != NULL && *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || *p == ':')
			die("the name of a field is none");
	}
	for (const char *p = e->value; p != NULL && *p != '\0'; p++) {
		if (*p == '\r' || (*p == '\n' && p[1] != ' ' && p[1] != '\t'))
			die("the value of an edit ends its line");
	}
}

static void
check_step(void *context, const struct cm_event *ev, const struct answer *a)
{
	(void)context;
	(void)ev;
	if (a->verdict > CM_DISCARD)
		die("the MTA knows no such verdict");
	check_reply(a);
	for (size_t i = 0; i < a->edit_count; i++)
		check_edit(a->edits[i]);
}

static void
run(const struct replay_input *in)
{
	const struct replay_output out = {.step = check_step};
	struct conversation c;
	struct answer last;

	conversation_open(&c, "fuzz");
	replay_run(&c, in, &out, &last);
	conversation_close(&c);
	if (conversations_open() != 0 || conversations_messages() != 0)
		die("a conversation is still counted");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *to[RCPTS_MAX + 1];
	char *line[LINES];
	char *copy = malloc(size + 1);
	char *text = copy, *end = copy + size;

	load_once();
	memcpy(copy, data, size);
	copy[size] = '\0';
	for (int i = 0; i < LINES; i++)
		line[i] = take_line(&text, end);
	split_rcpts(line[TO], to);
	struct replay_input in = {
		.client_ip = line[CLIENT],
		.client_name = line[CLIENT_NAME],
		.helo = line[HELO],
		.from = line[FROM],
		.to = to,
		.login = line[LOGIN],
		.port = line[PORT] != NULL ? (unsigned)atoi(line[PORT]) : 25,
		.tls = line[LOGIN] != NULL,
		.queue_id = "4XZ9Yt0kqzQ",
		.message = text,
		.message_len = (size_t)(end - text),
	};

	run(&in);
	free(copy);
	return 0;
}
