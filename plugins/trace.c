/* SPDX-License-Identifier: MIT */
/*
 * trace.c - logs every event, and answers as told
 *
 * A template with every hook, a tool to see what a mail server sends, and a test double: each line
 * of `answer` is a stage and what to do there, a verdict or an edit.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32

struct action {
	const char *name;
	enum cm_verdict verdict;
	/* What else it does; rest is the text behind its name. False: the link fails. */
	bool (*run)(struct cm_session *, const struct action *, const char *rest);
	const char *usage;
};

struct answer {
	enum cm_stage stage;
	const struct action *action;
	const char *rest;
};

struct config {
	int level;
	struct cm_list lines;
	struct answer *answers; /* made of lines by start() */
};

static const char *const stages[CM_STAGE_COUNT] = {
	[CM_STAGE_CONNECT] = "connect",
	[CM_STAGE_HELO] = "helo",
	[CM_STAGE_MAIL] = "mail",
	[CM_STAGE_RCPT] = "rcpt",
	[CM_STAGE_DATA] = "data",
	[CM_STAGE_HEADER] = "header",
	[CM_STAGE_EOH] = "eoh",
	[CM_STAGE_BODY] = "body",
	[CM_STAGE_EOM] = "eom",
	[CM_STAGE_UNKNOWN] = "unknown",
};

/* --- what an answer does --- */

/* The first word of text; returns what stands behind it. */
static const char *
take_word(const char *text, char word[WORD_MAX])
{
	size_t len = strcspn(text, " \t");

	snprintf(word, WORD_MAX, "%.*s", (int)(len < WORD_MAX ? len : 0), text);
	return text + len + strspn(text + len, " \t");
}

/* "Name: value" */
static const char *
take_field(const char *text, char name[128])
{
	size_t len = strcspn(text, ":");

	snprintf(name, 128, "%.*s", (int)len, text);
	text += len + (text[len] == ':');
	return text + strspn(text, " \t");
}

static bool
give_reason(struct cm_session *s, const struct action *a, const char *rest)
{
	(void)a;
	if (rest[0] != '\0')
		cm_reason(s, "%s", rest);
	return true;
}

/* "550 5.7.1 text" */
static bool
give_reply(struct cm_session *s, const struct action *a, const char *rest)
{
	char code[WORD_MAX], status[WORD_MAX];
	const char *text = take_word(take_word(rest, code), status);

	(void)a;
	return rest[0] == '\0' || cm_reply(s, atoi(code), status, "%s", text);
}

static bool
add_header(struct cm_session *s, const struct action *a, const char *rest)
{
	char name[128];
	const char *value = take_field(rest, name);

	(void)a;
	return cm_add_header(s, name, value);
}

static bool
insert_header(struct cm_session *s, const struct action *a, const char *rest)
{
	char index[WORD_MAX], name[128];
	const char *value = take_field(take_word(rest, index), name);

	(void)a;
	return cm_insert_header(s, atoi(index), name, value);
}

static bool
set_header(struct cm_session *s, const struct action *a, const char *rest)
{
	char index[WORD_MAX], name[128];
	const char *value = take_field(take_word(rest, index), name);

	(void)a;
	return cm_set_header(s, name, (size_t)atoi(index), value);
}

static bool
remove_header(struct cm_session *s, const struct action *a, const char *rest)
{
	char index[WORD_MAX];
	const char *name = take_word(rest, index);

	(void)a;
	return cm_remove_header(s, name, (size_t)atoi(index));
}

static bool
replace_body(struct cm_session *s, const struct action *a, const char *rest)
{
	(void)a;
	return cm_replace_body(s, rest, strlen(rest));
}

/* Edits whose argument is one text. */
static bool
edit_text(struct cm_session *s, const struct action *a, const char *rest)
{
	static const struct {
		const char *name;
		bool (*edit)(struct cm_session *, const char *);
	} edits[] = {
		{"add_rcpt", cm_add_rcpt},
		{"drop_rcpt", cm_drop_rcpt},
		{"prefix_subject", cm_prefix_subject},
		{"quarantine", cm_quarantine},
		{"set_sender", cm_set_sender},
	};
	size_t i = 0;

	while (strcmp(edits[i].name, a->name) != 0)
		i++;
	return edits[i].edit(s, rest);
}

static const struct action actions[] = {
	{"accept", CM_ACCEPT, give_reason, "[reason]"},
	{"add_header", CM_CONTINUE, add_header, "NAME: VALUE"},
	{"add_rcpt", CM_CONTINUE, edit_text, "ADDRESS"},
	{"continue", CM_CONTINUE, give_reason, "[reason]"},
	{"discard", CM_DISCARD, give_reason, "[reason]"},
	{"done", CM_DONE, give_reason, "[reason]"},
	{"drop_rcpt", CM_CONTINUE, edit_text, "ADDRESS"},
	{"failed", CM_FAILED, give_reason, "[reason]"},
	{"insert_header", CM_CONTINUE, insert_header, "INDEX NAME: VALUE"},
	{"prefix_subject", CM_CONTINUE, edit_text, "TEXT"},
	{"quarantine", CM_CONTINUE, edit_text, "REASON"},
	{"reject", CM_REJECT, give_reply, "[CODE STATUS TEXT]"},
	{"remove_header", CM_CONTINUE, remove_header, "N NAME"},
	{"replace_body", CM_CONTINUE, replace_body, "TEXT"},
	{"set_header", CM_CONTINUE, set_header, "N NAME: VALUE"},
	{"set_sender", CM_CONTINUE, edit_text, "ADDRESS"},
	{"tempfail", CM_TEMPFAIL, give_reply, "[CODE STATUS TEXT]"},
};

/* Does what is ordered for the stage; the last verdict counts. */
static enum cm_verdict
answer(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	enum cm_verdict verdict = CM_CONTINUE;

	for (size_t i = 0; i < config->lines.count; i++) {
		const struct answer *a = &config->answers[i];

		if (a->stage != ev->stage)
			continue;
		if (!a->action->run(s, a->action, a->rest))
			return CM_FAILED;
		if (a->action->verdict != CM_CONTINUE)
			verdict = a->action->verdict;
	}
	return verdict;
}

/* --- hooks --- */

static enum cm_level
level(const struct cm_session *s)
{
	const struct config *config = cm_config(s);

	return (enum cm_level)config->level;
}

static enum cm_verdict
connect(struct cm_session *s, const struct cm_event *ev)
{
	const struct cm_client *client = cm_client(s);

	cm_log(s, level(s), "connect %.255s [%s]:%u, port %u", ev->name, client->ip, client->port,
		cm_server(s)->port);
	return answer(s, ev);
}

/* helo, header, unknown */
static enum cm_verdict
named(struct cm_session *s, const struct cm_event *ev)
{
	cm_log(s, level(s), "%s %.255s%s%.255s", stages[ev->stage], ev->name,
		ev->value == NULL ? "" : ": ", ev->value == NULL ? "" : ev->value);
	return answer(s, ev);
}

/* mail, rcpt */
static enum cm_verdict
addressed(struct cm_session *s, const struct cm_event *ev)
{
	const char *argument = ev->args == NULL || ev->args[0] == NULL ? "" : ev->args[0];

	cm_log(s, level(s), "%s %.320s%s%.80s", stages[ev->stage], ev->address->text,
		argument[0] == '\0' ? "" : " ", argument);
	return answer(s, ev);
}

/* data, eoh, eom */
static enum cm_verdict
bare(struct cm_session *s, const struct cm_event *ev)
{
	cm_log(s, level(s), "%s, %zu recipients, %lld octets", stages[ev->stage], cm_rcpt_count(s),
		(long long)cm_size(s));
	return answer(s, ev);
}

static enum cm_verdict
body(struct cm_session *s, const struct cm_event *ev)
{
	cm_log(s, level(s), "body, %zu octets", ev->len);
	return answer(s, ev);
}

static void
end_msg(struct cm_session *s)
{
	const struct cm_address *from = cm_sender(s);

	cm_log(s, level(s), "end of message from %.320s", from == NULL ? "?" : from->text);
}

/* --- settings --- */

/* "550 5.7.1": of the class that the verdict has. */
static bool
reply_fits(const struct action *a, const char *rest)
{
	const char class = a->verdict == CM_REJECT ? '5' : '4';
	char code[WORD_MAX], status[WORD_MAX];

	if (a->run != give_reply || rest[0] == '\0')
		return true;
	take_word(take_word(rest, code), status);
	return strlen(code) == 3 && strspn(code, "0123456789") == 3 && code[0] == class &&
	       status[0] == class && status[1] == '.';
}

/* NULL, or what is wrong with the line. */
static const char *
parse_answer(const char *line, struct answer *a)
{
	char stage[WORD_MAX], name[WORD_MAX];
	unsigned i = 0;

	a->rest = take_word(take_word(line, stage), name);
	while (i < CM_STAGE_COUNT && strcmp(stages[i], stage) != 0)
		i++;
	a->stage = (enum cm_stage)i;
	for (size_t n = 0; n < sizeof(actions) / sizeof(*actions); n++) {
		if (strcmp(actions[n].name, name) == 0)
			a->action = &actions[n];
	}
	if (a->action == NULL || a->stage == CM_STAGE_COUNT)
		return "is not: STAGE ACTION ARGUMENTS";
	/* What stands in brackets may be left out. */
	if (a->rest[0] == '\0' && a->action->usage[0] != '[')
		return "lacks what stands behind the action";
	return reply_fits(a->action, a->rest) ? NULL : "has no code and status of that class";
}

static bool
check_answer(const char *line, char *why, size_t why_size)
{
	struct answer a = {0};
	const char *wrong = parse_answer(line, &a);

	if (wrong == NULL)
		return true;
	if (a.action != NULL && a.stage != CM_STAGE_COUNT)
		snprintf(why, why_size, "\"%.100s\" %s: %s %s", line, wrong, a.action->name,
			a.action->usage);
	else
		snprintf(why, why_size, "\"%.100s\" %s", line, wrong);
	return false;
}

static bool
start(void *settings, char *why, size_t why_size)
{
	struct config *config = settings;

	config->answers = calloc(config->lines.count + 1, sizeof(*config->answers));
	if (config->answers == NULL) {
		snprintf(why, why_size, "no memory");
		return false;
	}
	for (size_t i = 0; i < config->lines.count; i++)
		parse_answer(config->lines.items[i], &config->answers[i]);
	return true;
}

static void
stop(void *settings)
{
	free(((struct config *)settings)->answers);
}

static const struct cm_option options[] = {
	{"answer", CM_OPT_LIST, offsetof(struct config, lines), .since = "0.1",
		.check = check_answer,
		.help = "what to do: \"STAGE VERDICT ...\", \"STAGE EDIT ...\""},
	{"level", CM_OPT_CHOICE, offsetof(struct config, level), "info", "error|warn|info|debug",
		.since = "0.1", .help = "level of the log lines"},
};

static const struct cm_macro macros[] = {
	{CM_STAGE_CONNECT, "{daemon_port}"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "trace",
	.help = "logs every event, and answers as told (for tests)",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.needs = CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY |
		 CM_EDIT_QUARANTINE | CM_NEED_SIZE,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.start = start,
	.stop = stop,
	.connect = connect,
	.helo = named,
	.mail = addressed,
	.rcpt = addressed,
	.data = bare,
	.header = named,
	.eoh = bare,
	.body = body,
	.eom = bare,
	.unknown = named,
	.end_msg = end_msg,
};
