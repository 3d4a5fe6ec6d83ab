/* SPDX-License-Identifier: MIT */
/*
 * fuzz_replay.c - any client with any message, through the whole chain
 *
 * The first lines are what the client says (see `lines`), the rest is the message. Beside crashes
 * it looks for replies and edits that must not reach an MTA.
 */
#include "door/replay.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define RCPTS_MAX 8

/* The order of the input's lines. An empty one is left out (a client without HELO, no login). */
enum line { CLIENT, CLIENT_NAME, HELO, FROM, TO, LOGIN, PORT, LINES };

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

	world_load();
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
