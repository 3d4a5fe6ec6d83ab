/* SPDX-License-Identifier: MIT */
/*
 * test_expect.c - what a case expects, and what it got
 *
 * An expectation is the beginning of what is got, word by word: "reject" fits any refusal, "reject
 * 550 5.7.1" one with that status. A hook of the rule may have spoken where the client is told
 * later; then its own verdict is what the step gave.
 */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "host/script_test.h"
#include "mail/edit.h"
#include "test_play.h"

/* Octets of the log that are searched. */
#define LOG_MOST (1u << 20)
/* Of an error: nobody sees that log but here. */
#define LOG_SAYS "the log says why"
/* And of it, or of the edits, that are shown. */
#define SHOWN_MOST 2000u

static const char *
keep(struct test_play *p, struct buf *b)
{
	const char *kept = arena_strndup(&p->run->arena, b->data, b->len);

	buf_fini(b);
	return kept;
}

/* --- what the latest step gave -------------------------------------------------------------------
 */

/* The latest of the new records that fits; NULL: none does. */
static const struct trace_record *
find_new(const struct test_play *p, bool (*fits)(const struct trace_record *))
{
	const struct cm_session *s = p->conversation.session;
	const struct trace_record *found = NULL;
	const struct trace_record *r = chain_conn_trace(s)->first;

	for (; r != NULL; r = r->next) {
		bool new = r->stage == CM_STAGE_HELO ? p->new_helo : p->new_connection;

		if (new &&fits(r))
			found = r;
	}
	r = p->new_message || p->seen == NULL ? chain_trace(s)->first : *p->seen;
	for (; r != NULL; r = r->next) {
		if (fits(r))
			found = r;
	}
	return found;
}

static bool
has_failed(const struct trace_record *r)
{
	return r->failed;
}

static bool
has_spoken(const struct trace_record *r)
{
	return r->verdict != CM_CONTINUE && r->verdict != CM_DONE && r->verdict != CM_FAILED;
}

static void
add_reply(struct buf *b, const struct reply *reply)
{
	if (reply->code == 0)
		return;
	buf_printf(b, " %d %s ", reply->code, reply->status);
	text_escape(b, reply->text, strlen(reply->text));
}

const char *
test_failure(const struct test_play *p)
{
	const struct trace_record *r = find_new(p, has_failed);
	struct buf b;
	const char *text, *logged;

	if (r == NULL)
		return NULL;
	buf_init(&b, SHOWN_MOST);
	buf_add_str(&b, "error ");
	text_escape(&b, r->reason, strlen(r->reason));
	logged = strstr(r->reason, LOG_SAYS) == NULL ? NULL : test_logged_error(p);
	if (logged != NULL)
		buf_printf(&b, ": %s", logged);
	text = arena_strndup(&p->run->arena, b.data, b.len);
	buf_fini(&b);
	return text;
}

static const struct edit *
find_quarantine(const struct answer *a)
{
	for (size_t i = 0; i < a->edit_count; i++) {
		if (a->edits[i]->kind == EDIT_QUARANTINE)
			return a->edits[i];
	}
	return NULL;
}

const char *
test_outcome(struct test_play *p)
{
	const struct trace_record *r;
	const struct edit *hold;
	struct buf b;

	if (p->ended.outcome != NULL)
		return p->ended.outcome;
	r = find_new(p, has_spoken);
	hold = find_quarantine(&p->last);
	buf_init(&b, SHOWN_MOST);
	if (p->last.verdict != CM_CONTINUE && (p->last.verdict != CM_ACCEPT || hold == NULL)) {
		buf_add_str(&b, verdict_name(p->last.verdict));
		add_reply(&b, &p->last.reply);
	} else if (hold != NULL) {
		buf_add_str(&b, "quarantine ");
		text_escape(&b, hold->value, strlen(hold->value));
	} else if (r != NULL) {
		buf_add_str(&b, verdict_name(r->verdict));
		add_reply(&b, &r->reply);
	} else {
		buf_add_str(&b, "nothing");
	}
	return keep(p, &b);
}

/* --- trace ---------------------------------------------------------------------------------------
 */

static void
add_record(struct buf *b, const struct trace_record *r)
{
	const char *stage = stages[r->stage].lua_name;

	buf_printf(b, "%s%s %s ", b->len > 0 ? ", " : "",
		stage != NULL ? stage : stages[r->stage].name,
		r->link != NULL ? r->link->name : "core");
	if (r->failed)
		buf_add_str(b, "error");
	else if (has_spoken(r))
		buf_add_str(b, verdict_name(r->verdict));
	else if (r->result != NULL)
		text_escape(b, r->result, strlen(r->result));
	else
		buf_add_char(b, '-');
	add_reply(b, &r->reply);
	if (r->reason != NULL) {
		buf_add_str(b, ": ");
		text_escape(b, r->reason, strlen(r->reason));
	}
}

const char *
test_trace(struct test_play *p)
{
	const struct cm_session *s = p->conversation.session;
	struct buf b;

	if (p->ended.outcome != NULL)
		return p->ended.trace;
	buf_init(&b, SHOWN_MOST);
	for (const struct trace_record *r = chain_conn_trace(s)->first; r != NULL; r = r->next)
		add_record(&b, r);
	for (const struct trace_record *r = chain_trace(s)->first; r != NULL; r = r->next)
		add_record(&b, r);
	return keep(p, &b);
}

/* --- expectations --------------------------------------------------------------------------------
 */

/* want is the beginning of got, up to the end of a word. */
static bool
begins(const char *got, const char *want)
{
	size_t len = strlen(want);

	while (len > 0 && want[len - 1] == ' ')
		len--;
	return strncmp(got, want, len) == 0 &&
	       (got[len] == '\0' || !isalnum((unsigned char)got[len]));
}

bool
test_expect(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	const char *got = p->error != NULL ? p->error : test_outcome(p);

	if (begins(got, s->text)) {
		p->error = NULL;
		return true;
	}
	r->wanted = arena_strdup(&p->run->arena, s->text);
	r->got = got;
	return false;
}

/* On one line, as its reader takes it (RFC 5322 section 2.2.3). */
static void
add_unfolded(struct buf *b, const char *value)
{
	while (*value != '\0') {
		size_t fold = edit_fold(value);

		value += fold + strspn(value + fold, fold > 0 ? " \t" : "");
		buf_add_char(b, fold > 0 ? ' ' : *value++);
	}
}

/* "add header X-A: b", "remove header X-A", "drop recipient a@b.example" */
static const char *
edit_text(struct test_play *p, const struct edit *e)
{
	bool removes = e->kind == EDIT_SET_HEADER && e->value == NULL;
	struct buf raw, shown;

	buf_init(&raw, 0);
	buf_printf(&raw, "%s", removes ? "remove header" : edit_kind_name(e->kind));
	if (e->name != NULL)
		buf_printf(&raw, " %s%s", e->name, e->value != NULL ? ":" : "");
	if (e->value != NULL) {
		buf_add_char(&raw, ' ');
		add_unfolded(&raw, e->value);
	}
	buf_init(&shown, SHOWN_MOST);
	text_escape(&shown, raw.data, raw.len);
	buf_fini(&raw);
	return keep(p, &shown);
}

bool
test_expect_edit(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	bool ended = p->ended.outcome != NULL;
	size_t count = ended ? p->ended.edit_count : p->last.edit_count;
	const char *got = NULL;

	for (size_t i = 0; i < count; i++) {
		const char *text = ended ? p->ended.edits[i] : edit_text(p, p->last.edits[i]);

		if (begins(text, s->text))
			return true;
		got = got == NULL ? text : arena_printf(&p->run->arena, "%s; %s", got, text);
	}
	if (got == NULL && begins("nothing", s->text))
		return true;
	r->wanted = arena_strdup(&p->run->arena, s->text);
	r->got = got != NULL ? got : "no edit";
	return false;
}

static bool
reason_holds(const struct trace *t, const char *text)
{
	for (const struct trace_record *r = t->first; r != NULL; r = r->next) {
		if (r->reason != NULL && strstr(r->reason, text) != NULL)
			return true;
	}
	return false;
}

static void
read_log(const struct test_play *p, struct buf *out)
{
	char part[4096];
	ssize_t got;

	while ((got = pread(p->run->log, part, sizeof(part), (off_t)out->len)) > 0 && !buf_cut(out))
		buf_add(out, part, (size_t)got);
}

/* Behind "DATE chainmail[PID]: " */
static const char *
behind_head(const char *line)
{
	const char *end = strstr(line, "]: ");

	return end == NULL ? line : end + 3;
}

const char *
test_logged_error(const struct test_play *p)
{
	static const char mark[] = "error: ";
	const char *found = NULL, *line;
	struct buf log;

	buf_init(&log, LOG_MOST);
	read_log(p, &log);
	for (line = log.data; found == NULL && *line != '\0'; line += line[0] == '\n') {
		const char *text = behind_head(line);

		line += strcspn(line, "\n");
		if (text < line && strncmp(text, mark, strlen(mark)) == 0)
			found = arena_strndup(&p->run->arena, text, (size_t)(line - text));
	}
	buf_fini(&log);
	return found;
}

/* Ends a message that was answered, so that done() runs; what the message came to stays. */
static bool
end_message(struct test_play *p)
{
	const struct trace *trace = chain_trace(p->conversation.session);
	struct test_ended ended = {.edit_count = p->last.edit_count};
	struct buf reasons;

	if (!p->in_message || !p->over || p->ended.outcome != NULL)
		return false;
	ended.outcome = test_outcome(p);
	ended.trace = test_trace(p);
	ended.edits = arena_array(&p->run->arena, ended.edit_count, sizeof(*ended.edits));
	for (size_t i = 0; i < ended.edit_count; i++)
		ended.edits[i] = edit_text(p, p->last.edits[i]);
	buf_init(&reasons, 0);
	for (const struct trace_record *r = trace->first; r != NULL; r = r->next)
		buf_printf(&reasons, "%s\n", r->reason != NULL ? r->reason : "");
	ended.reasons = keep(p, &reasons);
	conversation_end_message(&p->conversation);
	p->seen = trace->last;
	p->last = (struct answer){.verdict = CM_CONTINUE};
	p->ended = ended;
	return true;
}

/* The latest lines of the log that one reads, for what is looked for came last. */
static const char *
latest_lines(const struct test_play *p, const struct buf *log)
{
	const char *from = log->data, *line;
	unsigned before = 0;

	if (log->len == 0)
		return "no line";
	while (log->len - (size_t)(from - log->data) > SHOWN_MOST) {
		line = strchr(from, '\n');
		if (line == NULL || line[1] == '\0')
			break;
		from = line + 1;
		before++;
	}
	if (before == 0)
		return arena_strndup(&p->run->arena, from, strnlen(from, SHOWN_MOST));
	return arena_printf(&p->run->arena, "(%u line%s before these)\n%.*s", before,
		before == 1 ? "" : "s", (int)SHOWN_MOST, from);
}

static bool
logged(const struct test_play *p, const char *text, struct buf *log)
{
	const struct cm_session *session = p->conversation.session;

	buf_init(log, LOG_MOST);
	read_log(p, log);
	return strstr(log->data, text) != NULL || reason_holds(chain_conn_trace(session), text) ||
	       reason_holds(chain_trace(session), text) ||
	       (p->ended.outcome != NULL && strstr(p->ended.reasons, text) != NULL);
}

bool
test_expect_log(struct test_play *p, const struct script_test_step *s, struct test_result *r)
{
	struct buf log;
	bool found = logged(p, s->text, &log);

	if (!found && end_message(p)) {
		buf_fini(&log);
		found = logged(p, s->text, &log);
	}
	if (!found) {
		r->wanted = arena_printf(&p->run->arena, "a line of the log with \"%s\"", s->text);
		r->got = latest_lines(p, &log);
	}
	buf_fini(&log);
	return found;
}
