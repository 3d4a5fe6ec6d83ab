/* SPDX-License-Identifier: MIT */
/*
 * explain_session.c - chainmail explain --session: SMTP by hand, each answer with its reasons
 *
 * Plays the MTA towards who types, and a current Postfix towards the chain. What a client would be
 * told stands at the margin, why is indented. Whatever is typed, memory is bounded.
 */
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "cli.h"
#include "explain.h"
#include "explain_typed.h"
#include "host/generation.h"
#include "mail/address.h"
#include "standard.h"

#define INDENT "    "
/* Octets of a typed line that are repeated where nobody saw it. */
#define ECHO_MOST 200u
/* The connection's trace, and the message's. */
#define TRACES 2

/* What was shown of a trace: records only come, and repeated calls are counted in one. */
struct shown {
	size_t count;
	unsigned calls[TRACE_MAX];
};

struct session {
	struct conversation c;
	struct replay_player player;
	struct replay_input in;
	struct answer last;
	struct shown shown[TRACES];
	FILE *input;
	bool echo;	     /* nobody sees what is typed */
	bool mail;	     /* the sender was taken, */
	size_t rcpts;	     /* so many recipients, */
	bool rest_unasked;   /* and the MTA asks nothing more in this message, */
	bool client_unasked; /* or in this connection */
	bool ended;
};

/* --- reasons --- */

static const struct trace *
trace_of(const struct session *s, int which)
{
	return which == 0 ? chain_conn_trace(s->c.session) : chain_trace(s->c.session);
}

/* A refusal of the connection waits (docs/RULES.md): the client hears nothing of it yet. */
static bool
waits(const struct trace_record *r, const struct answer *a)
{
	return stages[r->stage].held && !r->shadow && a->verdict == CM_CONTINUE &&
	       (r->verdict == CM_REJECT || r->verdict == CM_TEMPFAIL);
}

/* How many records were shown. */
static size_t
show_trace(struct session *s, int which)
{
	struct shown *shown = &s->shown[which];
	size_t i = 0, news = 0;

	for (const struct trace_record *r = trace_of(s, which)->first; r != NULL && i < TRACE_MAX;
		r = r->next, i++) {
		if (i < shown->count && r->calls == shown->calls[i])
			continue;
		printf(INDENT);
		explain_print_record(s->c.session, r);
		if (waits(r, &s->last))
			printf(INDENT
				"          told at MAIL or RCPT, if the profile of the message "
				"names it\n");
		shown->calls[i] = r->calls;
		news++;
	}
	shown->count = i;
	return news;
}

/* A new greeting takes the place of the one before, and so does its trace. */
static void
forget_greeting(struct session *s)
{
	struct shown *shown = &s->shown[0];
	size_t kept = 0, i = 0;

	for (const struct trace_record *r = trace_of(s, 0)->first; r != NULL && i < shown->count;
		r = r->next, i++) {
		if (r->stage != CM_STAGE_HELO)
			shown->calls[kept++] = shown->calls[i];
	}
	shown->count = kept;
}

/* --- answers --- */

static const char *
our_name(const struct session *s)
{
	const char *name = s->c.generation->chain.authserv_id;

	return name != NULL ? name : "localhost";
}

/* Each line of the text with the code in front, as the client gets it. */
static void
print_reply(const struct reply *reply)
{
	const char *line = reply->text;
	size_t len = strcspn(line, "\n");

	for (; line[len] != '\0'; line += len + 1, len = strcspn(line, "\n"))
		printf("%d-%s %.*s\n", reply->code, reply->status, (int)len, line);
	printf("%d %s %s\n", reply->code, reply->status, line);
}

/* What is known once somebody said that the MTA need not ask any more. */
static void
note_unasked(struct session *s, enum cm_stage stage)
{
	bool done = s->last.verdict == CM_ACCEPT || s->last.verdict == CM_DISCARD;

	if (!done)
		return;
	if (stages[stage].scope == SCOPE_CONNECTION)
		s->client_unasked = true;
	s->rest_unasked = true;
	printf(INDENT "%s: no check sees the rest%s\n", verdict_name(s->last.verdict),
		s->last.verdict == CM_DISCARD ? ", and the message is dropped" : "");
}

/* The answer to the event: of the chain, or else "250 ..."; then the reasons. True: taken. */
static bool
answer(struct session *s, enum cm_stage stage, const char *otherwise)
{
	bool refused = s->last.reply.code != 0 &&
		       (s->last.verdict == CM_REJECT || s->last.verdict == CM_TEMPFAIL);
	size_t news = 0;

	if (refused)
		print_reply(&s->last.reply);
	else
		puts(otherwise);
	for (int which = 0; which < TRACES; which++)
		news += show_trace(s, which);
	if (refused && news == 0)
		printf(INDENT "told now: the refusal at connect or HELO\n");
	note_unasked(s, stage);
	return !refused;
}

/* The event, unless nobody is asked any more. */
static bool
play(struct session *s, const struct cm_event *ev, const char *otherwise)
{
	s->last = (struct answer){.verdict = CM_CONTINUE};
	if (s->client_unasked || s->rest_unasked) {
		puts(otherwise);
		return true;
	}
	replay_step(&s->player, ev);
	return answer(s, ev->stage, otherwise);
}

static void
forget_message(struct session *s)
{
	conversation_end_message(&s->c);
	s->mail = false;
	s->rcpts = 0;
	s->rest_unasked = false;
	s->shown[1].count = 0;
}

/* --- commands; args may be cut --- */

static void
greet(struct session *s, char *args)
{
	const struct cm_event ev = {.stage = CM_STAGE_HELO, .name = args};
	char otherwise[300];

	text_clean(args);
	if (args[0] == '\0') {
		puts("501 5.5.4 Error: say a name: EHLO mail.example.org");
		return;
	}
	forget_message(s);
	forget_greeting(s);
	snprintf(otherwise, sizeof(otherwise), "250 %s", our_name(s));
	play(s, &ev, otherwise);
}

/* MAIL or RCPT. */
static bool
play_path(struct session *s, enum cm_stage stage, const struct typed_path *typed,
	const char *otherwise)
{
	struct cm_address address;
	const struct cm_event ev = {.stage = stage, .address = &address, .args = typed->args};
	const char *path = typed->path;
	bool taken;

	if (path[0] != '<')
		path = arena_printf(&s->player.scratch, "<%s>", path);
	address_parse_path(&address, &s->player.scratch, path);
	taken = play(s, &ev, otherwise);
	arena_reset(&s->player.scratch);
	return taken;
}

static void
take_mail(struct session *s, char *args)
{
	struct typed_path typed;

	if (!typed_path(args, "FROM", &typed)) {
		puts("501 5.5.4 Error: say the sender: MAIL FROM:<ann@example.org>");
		return;
	}
	if (s->mail) {
		puts("503 5.5.1 Error: nested MAIL command; RSET begins anew");
		return;
	}
	s->mail = play_path(s, CM_STAGE_MAIL, &typed, "250 2.1.0 Ok");
	if (s->mail && chain_chosen(s->c.session) != NULL)
		printf(INDENT "profile %s\n", chain_chosen(s->c.session)->name);
	if (!s->mail)
		forget_message(s);
}

static void
take_rcpt(struct session *s, char *args)
{
	struct typed_path typed;

	if (!s->mail)
		puts("503 5.5.1 Error: need MAIL command");
	else if (!typed_path(args, "TO", &typed))
		puts("501 5.5.4 Error: say the recipient: RCPT TO:<bob@example.com>");
	else
		s->rcpts += play_path(s, CM_STAGE_RCPT, &typed, "250 2.1.5 Ok");
}

/* What became of the message, while all of it is still there. */
static void
end_message(struct session *s)
{
	const struct explained e = explain_run(s->c.session, &s->in, &s->last);

	answer(s, CM_STAGE_EOM, "250 2.0.0 Ok: nothing is sent");
	explain_print_outcome(&e, INDENT);
}

static void
take_message(struct session *s)
{
	struct buf message;
	enum typed how;

	buf_init(&message, 0);
	how = typed_message(s->input, &message);
	if (s->echo && how == TYPED_LINE)
		printf("> (%zu octets)\n", message.len);
	s->last = (struct answer){.verdict = CM_CONTINUE};
	if (how == TYPED_END) {
		puts("(the message has no end, a line with a dot: it is forgotten)");
	} else if (how == TYPED_TOO_LONG) {
		printf("552 5.3.4 Error: more than %u MB are not typed here\n",
			TYPED_MESSAGE_MOST >> 20);
	} else if (s->client_unasked || s->rest_unasked) {
		puts("250 2.0.0 Ok: nothing is sent");
	} else {
		replay_content(&s->player, message.data, message.len);
		end_message(s);
	}
	buf_fini(&message);
}

static void
take_data(struct session *s, char *args)
{
	const struct cm_event ev = {.stage = CM_STAGE_DATA};

	(void)args;
	if (!s->mail || s->rcpts == 0) {
		puts(s->mail ? "554 5.5.1 Error: no valid recipients"
			     : "503 5.5.1 Error: need MAIL command");
		return;
	}
	if (play(s, &ev, "354 End data with <CR><LF>.<CR><LF>")) {
		fflush(stdout);
		take_message(s);
	}
	forget_message(s);
}

static void
reset(struct session *s, char *args)
{
	(void)args;
	forget_message(s);
	puts("250 2.0.0 Ok");
}

static void
do_nothing(struct session *s, char *args)
{
	(void)s;
	(void)args;
	puts("250 2.0.0 Ok");
}

static void
quit(struct session *s, char *args)
{
	(void)args;
	puts("221 2.0.0 Bye");
	s->ended = true;
}

static void
refuse_tls(struct session *s, char *args)
{
	(void)s;
	(void)args;
	puts("502 5.5.1 Error: not here; begin with: chainmail explain --session --tls");
}

static void
refuse_auth(struct session *s, char *args)
{
	(void)s;
	(void)args;
	puts("502 5.5.1 Error: not here; begin with: chainmail explain --session --login USER");
}

static void help(struct session *, char *args);

static const struct verb {
	const char *name, *form;
	void (*run)(struct session *, char *args);
} verbs[] = {
	{"AUTH", NULL, refuse_auth},
	{"DATA", "DATA", take_data},
	{"EHLO", "EHLO NAME", greet},
	{"HELO", "HELO NAME", greet},
	{"HELP", "HELP", help},
	{"MAIL", "MAIL FROM:<ADDRESS>", take_mail},
	{"NOOP", "NOOP", do_nothing},
	{"QUIT", "QUIT", quit},
	{"RCPT", "RCPT TO:<ADDRESS>", take_rcpt},
	{"RSET", "RSET", reset},
	{"STARTTLS", NULL, refuse_tls},
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

static void
help(struct session *s, char *args)
{
	(void)s;
	(void)args;
	for (size_t i = 0; i < VERBS; i++) {
		if (verbs[i].form != NULL)
			printf("214-%s\n", verbs[i].form);
	}
	puts("214 Ctrl-D ends, too");
}

/* --- lines --- */

/* An MTA tells its filters, too. */
static void
complain(struct session *s, const char *line)
{
	const struct cm_event ev = {.stage = CM_STAGE_UNKNOWN, .name = line};
	const char *names[VERBS], *nearest;
	char word[16], otherwise[160];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, " \t"), line);
	for (char *c = word; *c != '\0'; c++)
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	for (size_t i = 0; i < VERBS; i++)
		names[i] = verbs[i].name;
	nearest = text_nearest(word, names, VERBS);
	snprintf(otherwise, sizeof(otherwise), "500 5.5.2 Error: command not recognized; %s%s",
		nearest != NULL ? "did you mean " : "HELP lists them",
		nearest != NULL ? nearest : "");
	play(s, &ev, otherwise);
}

static void
run_line(struct session *s, char *line)
{
	size_t len = strcspn(line, " \t");
	char *args = line + len + strspn(line + len, " \t");

	for (size_t end = strlen(args); end > 0 && strchr(" \t", args[end - 1]) != NULL; end--)
		args[end - 1] = '\0';
	for (size_t i = 0; i < VERBS; i++) {
		if (strlen(verbs[i].name) == len && strncasecmp(line, verbs[i].name, len) == 0) {
			verbs[i].run(s, args);
			return;
		}
	}
	complain(s, line);
}

static void
echo(const char *line)
{
	struct buf shown;

	buf_init(&shown, ECHO_MOST);
	text_escape(&shown, line, strlen(line));
	printf("> %s%s\n", shown.data, buf_cut(&shown) ? "..." : "");
	buf_fini(&shown);
}

static void
talk(struct session *s)
{
	static const char *const nonsense[] = {
		[TYPED_TOO_LONG] = "500 5.5.2 Error: line too long",
		[TYPED_NUL] = "500 5.5.2 Error: a line has no NUL",
	};
	char line[TYPED_LINE_MOST];
	enum typed how;

	while (!s->ended && standard_flush() && (how = typed_line(s->input, line)) != TYPED_END) {
		if (s->echo && how == TYPED_LINE)
			echo(line);
		if (how == TYPED_LINE)
			run_line(s, line);
		else
			puts(nonsense[how]);
	}
}

/* --- the session --- */

static void
connect_client(struct session *s)
{
	const struct cm_event ev = {.stage = CM_STAGE_CONNECT, .name = s->c.session->client.name};
	char otherwise[300];

	snprintf(otherwise, sizeof(otherwise), "220 %s ESMTP", our_name(s));
	s->ended = !play(s, &ev, otherwise) && s->last.reply.code == 421;
}

void
explain_session(struct generation *g, const struct replay_input *in, FILE *input)
{
	struct session s = {.in = *in, .input = input, .echo = !isatty(fileno(input))};
	char name[TYPED_LINE_MOST];

	generation_detach_stores(g);
	generation_swap(g);
	conversation_open(&s.c, "explain");
	replay_begin(&s.player, &s.c, &s.in, NULL, &s.last);
	connect_client(&s);
	if (in->helo != NULL && !s.ended) {
		snprintf(name, sizeof(name), "EHLO %s", in->helo);
		echo(name);
		run_line(&s, name);
	}
	talk(&s);
	replay_end(&s.player);
	conversation_close(&s.c);
	generation_swap(NULL);
}
