/* SPDX-License-Identifier: MIT */
/*
 * play.c - plays one transcript against a filter, in one of its ways
 *
 * An answer is looked at the way an SMTP client sees it: header, eoh and body have no answer of
 * their own, a refusal there is the answer to the end of the message. A line without `expect` must
 * be well.
 */
#include "play.h"

#include "logfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG_STEP_MS 50

struct player {
	const struct stage_door *door;
	const struct script *script;
	struct complaint *complaint;
	struct mta *mta;  /* NULL: not connected */
	size_t log_start; /* where the log stood when the play began */
};

static bool complain(struct player *p, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool
complain(struct player *p, unsigned line, const char *format, ...)
{
	va_list arguments;

	p->complaint->line = line;
	va_start(arguments, format);
	vsnprintf(p->complaint->text, sizeof p->complaint->text, format, arguments);
	va_end(arguments);
	return false;
}

static void
pause_ms(int ms)
{
	const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static bool
be_connected(struct player *p, unsigned line)
{
	if (p->mta)
		return true;
	p->mta = mta_open(p->door->address, p->door->timeout_ms);
	if (!p->mta)
		return complain(
			p, line, "cannot connect to %s: %s", p->door->address, strerror(errno));
	if (!p->script->negotiate || mta_negotiate(p->mta, &p->script->offer) == MTA_NEGOTIATED)
		return true;
	return complain(p, line, "no agreement on options: %s", mta_text(p->mta));
}

static void
hang_up(struct player *p)
{
	mta_close(p->mta);
	p->mta = NULL;
}

/* --- the log of the filter -------------------------------------------------------------------- */

/* The log may come a moment after the answer. */
static bool
check_log(struct player *p, const struct step *step)
{
	const char *glob = step->words[0].bytes;
	size_t from = step->verb == VERB_LOG_EVER ? 0 : p->log_start;
	size_t count = 0;

	if (!p->door->log)
		return true;
	if (p->mta)
		mta_flush(p->mta);
	for (int waited = 0; count == 0 && waited < p->door->log_wait_ms; waited += LOG_STEP_MS) {
		count = logfile_count(p->door->log, from, glob);
		if (count == 0)
			pause_ms(LOG_STEP_MS);
	}
	if (count == 0)
		return complain(p, step->line, "no line of the log is like: %s", glob);
	if (step->verb == VERB_LOG_ONCE && count > 1 && p->door->clients == 1)
		return complain(p, step->line, "%zu lines of the log are like: %s", count, glob);
	return true;
}

/* --- what the MTA says ------------------------------------------------------------------------ */

static void
set_macros(const struct word *macros, size_t count, struct mta *m,
	void (*set)(struct mta *, const char *name, const char *value))
{
	for (size_t i = 0; i < count; i++) {
		char name[256];
		const char *text = macros[i].bytes;
		const char *end = strstr(text, "}=");

		snprintf(name, sizeof name, "%.*s", (int)(end + 1 - text), text);
		set(m, name, end + 2);
	}
}

/* 203.0.113.7:40000, [2001:db8::1]:40000, or an address alone. */
static enum mta_status
say_connect(struct mta *m, const char *name, const char *text)
{
	char address[256];
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = close ? strchr(close, ':') : strchr(text, ':');
	unsigned port = 40000;

	if (strncmp(text, "unix:", 5) == 0 || (!close && colon && strchr(colon + 1, ':')))
		colon = NULL;
	if (colon)
		port = (unsigned)strtoul(colon + 1, NULL, 10);
	const char *start = close ? text + 1 : text;
	const char *end = close ? close : colon ? colon : text + strlen(text);
	snprintf(address, sizeof address, "%.*s", (int)(end - start), start);
	return mta_connect(m, name, address, (uint16_t)port);
}

/* `%d` in a repeated line is the number of the repetition, from 1. */
static void
numbered(const struct step *step, const char *word, unsigned n, char *to, size_t size)
{
	const char *mark = step->repeat > 1 ? strstr(word, "%d") : NULL;

	if (mark)
		snprintf(to, size, "%.*s%u%s", (int)(mark - word), word, n, mark + 2);
	else
		snprintf(to, size, "%s", word);
}

static enum mta_status
say_words(struct mta *m, const struct step *step, unsigned n)
{
	const char *words[SCRIPT_WORDS_MAX];
	char first[4096];

	for (size_t i = 0; i < step->word_count; i++)
		words[i] = step->words[i].bytes;
	if (step->repeat > 1) {
		numbered(step, words[0], n, first, sizeof first);
		words[0] = first;
	}
	return (step->verb == VERB_MAIL ? mta_mail : mta_rcpt)(m, words, step->word_count);
}

static enum mta_status
say_header(struct mta *m, const struct step *step, unsigned n)
{
	char name[512];

	if (step->repeat == 1)
		return mta_header(m, step->words[0].bytes, step->words[1].bytes);
	numbered(step, step->words[0].bytes, n, name, sizeof name);
	return mta_header(m, name, step->words[1].bytes);
}

/* Bytes no MTA sends; an answer is awaited only where one is expected. */
static enum mta_status
say_bytes(const struct player *p, const struct step *step)
{
	struct mta *m = p->mta;

	if (step->verb == VERB_RAW)
		mta_raw(m, step->words[0].bytes, step->words[0].length);
	else
		mta_packet(m, step->words[0].bytes[0], step->words[1].bytes, step->words[1].length);
	if (step->expect_count == 0)
		return MTA_NONE;
	return mta_listen(m, step->expects[0].silence ? p->door->silence_ms : 0);
}

static enum mta_status
say(struct player *p, const struct step *step, unsigned n)
{
	struct mta *m = p->mta;
	const struct word *w = step->words;

	switch (step->verb) {
	case VERB_BODY:
		return mta_body(m, w[0].bytes, w[0].length);
	case VERB_CONNECT:
		return say_connect(m, w[0].bytes, w[1].bytes);
	case VERB_DATA:
		return mta_data(m);
	case VERB_EOH:
		return mta_eoh(m);
	case VERB_EOM:
		return mta_eom(m);
	case VERB_HEADER:
		return say_header(m, step, n);
	case VERB_HELO:
		return mta_helo(m, w[0].bytes);
	case VERB_MAIL:
	case VERB_RCPT:
		return say_words(m, step, n);
	case VERB_PACKET:
	case VERB_RAW:
		return say_bytes(p, step);
	case VERB_UNKNOWN:
		return mta_unknown(m, w[0].bytes);
	case VERB_ABORT:
		mta_abort(m);
		break;
	case VERB_QUIT_NC:
		mta_quit_nc(m);
		break;
	case VERB_QUIT:
		mta_quit_and_wait(m);
		hang_up(p);
		break;
	case VERB_VANISH:
		hang_up(p);
		break;
	case VERB_LOG:
	case VERB_LOG_EVER:
	case VERB_LOG_ONCE:
	case VERB_NOLOG:
	case VERB_MACRO:
	case VERB_SLEEP:
		break;
	}
	return MTA_NONE;
}

/* --- what must come back ---------------------------------------------------------------------- */

/* Lines whose answer an SMTP client hears, so that it must be well unless the transcript says
 * otherwise. */
static bool
is_heard(enum verb verb)
{
	return verb == VERB_CONNECT || verb == VERB_DATA || verb == VERB_EOM || verb == VERB_HELO ||
	       verb == VERB_MAIL || verb == VERB_RCPT || verb == VERB_UNKNOWN;
}

static bool
check_one(struct player *p, const struct step *step, const struct expect *e, enum mta_status status)
{
	const char *text = p->mta ? mta_text(p->mta) : "";

	if (expect_met(e, status, text, step->verb == VERB_EOM))
		return true;
	char *line = one_line(text, strlen(text));
	complain(p, step->line, "expected %s, got %s%s%s", e->source, mta_status_name(status),
		*line ? ": " : "", line);
	free(line);
	return false;
}

/* Checks the n-th answer of a line; counts in `some` which EXPECT_SOME were met by now. */
static bool
check_answer(struct player *p, const struct step *step, unsigned n, enum mta_status status,
	unsigned *some)
{
	if (status == MTA_GARBLED)
		return complain(
			p, step->line, "the filter broke the protocol: %s", mta_text(p->mta));
	if (step->expect_count == 0 && is_heard(step->verb))
		return check_one(p, step, &expect_ok, status);
	for (size_t i = 0; i < step->expect_count; i++) {
		const struct expect *e = &step->expects[i];
		bool now =
			e->scope == EXPECT_EACH || (e->scope == EXPECT_LAST && n == step->repeat);

		if (e->scope == EXPECT_SOME &&
			expect_met(e, status, mta_text(p->mta), step->verb == VERB_EOM))
			*some |= 1u << i;
		if (now && !check_one(p, step, e, status))
			return false;
	}
	return true;
}

static bool
check_some(struct player *p, const struct step *step, unsigned some)
{
	for (size_t i = 0; i < step->expect_count; i++)
		if (step->expects[i].scope == EXPECT_SOME && (some & (1u << i)) == 0)
			return complain(
				p, step->line, "not one answer was: %s", step->expects[i].source);
	return true;
}

/* Edits must be all those of the transcript, in its order, and no others. */
static bool
check_edits(struct player *p, const struct step *step)
{
	size_t count;
	const struct mta_edit *edits = mta_edits(p->mta, &count);
	bool leading_space = (mta_terms(p->mta)->steps & 0x100000) != 0;

	for (size_t i = 0; i < count || i < step->edit_count; i++) {
		char *got = i < count ? edit_line(&edits[i], leading_space) : NULL;
		const char *wanted = i < step->edit_count ? step->edits[i] : NULL;
		bool same = got && wanted && glob_match(wanted, got);

		if (!same)
			complain(p, step->line, "edit %zu: expected %s, got %s", i + 1,
				wanted ? wanted : "none", got ? got : "none");
		free(got);
		if (!same)
			return false;
	}
	return true;
}

static bool
run_step(struct player *p, const struct step *step)
{
	unsigned some = 0;

	if (step->verb == VERB_SLEEP) {
		pause_ms(atoi(step->words[0].bytes));
		return true;
	}
	if (step->verb == VERB_LOG || step->verb == VERB_LOG_EVER || step->verb == VERB_LOG_ONCE)
		return check_log(p, step);
	if (step->verb == VERB_NOLOG)
		return true;
	if (!be_connected(p, step->line))
		return false;
	set_macros(step->macros, step->macro_count, p->mta, mta_macro);
	for (unsigned n = 1; n <= step->repeat; n++) {
		enum mta_status status = say(p, step, n);

		if (!check_answer(p, step, n, status, &some))
			return false;
	}
	if (step->counts_pieces && mta_body_count(p->mta) != step->pieces)
		return complain(p, step->line, "%zu pieces of the body were sent, not %lu",
			mta_body_count(p->mta), step->pieces);
	if (step->verb == VERB_EOM && !step->any_edits && !check_edits(p, step))
		return false;
	return check_some(p, step, some);
}

/* --- ways --------------------------------------------------------------------------------------
 */

static const struct {
	enum way way;
	const char *name;
} way_names[] = {
	{WAY_ALONE, "alone"},
	{WAY_SECOND, "second message"},
	{WAY_AFTER_RSET, "after rset"},
};

const char *
way_name(enum way way)
{
	for (size_t i = 0; i < sizeof way_names / sizeof *way_names; i++)
		if (way_names[i].way == way)
			return way_names[i].name;
	return "?";
}

bool
play_possible(const struct script *script, enum way way)
{
	return (script->ways & way) != 0 &&
	       (way == WAY_ALONE || script_first_mail(script) < script->step_count);
}

/* The content of the message before: it asks test rules for edits. */
static enum mta_status
play_prelude_content(struct mta *m, const char *from)
{
	(void)mta_data(m);
	(void)mta_header(m, "From", from);
	(void)mta_header(m, "Subject", " the message before");
	(void)mta_header(m, "X-Edit", " add add_rcpt set");
	(void)mta_eoh(m);
	(void)mta_body(m, "before\r\n", 8);
	return mta_eom(m);
}

/* A message that ought to leave nothing behind. It must be taken as far as it goes, or it could
 * not leave anything; where it cannot be the transcript says so. */
static bool
play_prelude(struct player *p, enum way way)
{
	const struct prelude *before = &p->script->before;
	const char *from = before->words[0].bytes;
	char text[512];

	set_macros(before->macros, before->macro_count, p->mta, mta_brief_macro);
	enum mta_status status = mta_mail(p->mta, &from, 1);
	for (size_t i = 1; i < before->word_count && status < MTA_REJECT; i++) {
		const char *to = before->words[i].bytes;

		status = mta_rcpt(p->mta, &to, 1);
	}
	if (way == WAY_SECOND && status < MTA_REJECT)
		status = play_prelude_content(p->mta, from);
	snprintf(text, sizeof text, "%s", mta_text(p->mta));
	mta_abort(p->mta);
	mta_forget_brief_macros(p->mta);
	if (before->refused ? status == MTA_REJECT || status == MTA_TEMPFAIL : status < MTA_REJECT)
		return true;
	return complain(p, 0, "the message before was %s, got %s: %s",
		before->refused ? "to be refused" : "to be taken", mta_status_name(status), text);
}

/* Another MTA within a message: what is played must not harm it. */
static struct mta *
open_witness(struct player *p)
{
	const char *from = "<witness@example.org>";
	const char *to = "<bob@example.com>";
	struct mta *m = mta_open(p->door->address, p->door->timeout_ms);

	if (m && mta_negotiate(m, &mta_offer_postfix) == MTA_NEGOTIATED &&
		mta_connect(m, "witness.example.org", "203.0.113.8", 40001) < MTA_REJECT &&
		mta_helo(m, "witness.example.org") < MTA_REJECT &&
		mta_mail(m, &from, 1) < MTA_REJECT && mta_rcpt(m, &to, 1) < MTA_REJECT)
		return m;
	complain(p, 0, "the witness cannot begin: %s", m ? mta_text(m) : strerror(errno));
	mta_close(m);
	return NULL;
}

static bool
hear_witness(struct player *p, struct mta *m)
{
	(void)mta_data(m);
	(void)mta_header(m, "Subject", " the witness");
	(void)mta_body(m, "text\r\n", 6);
	enum mta_status status = mta_eom(m);

	if (status < MTA_REJECT && !mta_unasked(m)) {
		mta_quit_and_wait(m);
		return true;
	}
	return complain(
		p, 0, "the witness was harmed: %s %s", mta_status_name(status), mta_text(m));
}

static bool
finish(struct player *p)
{
	if (!p->mta)
		return true;
	bool unasked = mta_unasked(p->mta);
	mta_quit_and_wait(p->mta);
	return !unasked || complain(p, 0, "after the last line the filter said more, or hung up");
}

bool
play(const struct stage_door *door, const struct script *script, enum way way,
	struct complaint *complaint)
{
	struct player p = {door, script, complaint, NULL, 0};
	size_t first = way == WAY_ALONE ? script->step_count : script_first_mail(script);
	struct mta *witness = script->witness ? open_witness(&p) : NULL;
	bool ok = !script->witness || witness;

	if (door->log)
		p.log_start = logfile_size(door->log);
	for (size_t i = 0; ok && i < script->step_count; i++) {
		if (i == first)
			ok = be_connected(&p, 0) && play_prelude(&p, way);
		ok = ok && run_step(&p, &script->steps[i]);
	}
	ok = ok && finish(&p);
	ok = ok && (!witness || hear_witness(&p, witness));
	mta_close(witness);
	hang_up(&p);
	return ok;
}

const struct step *
play_unclean(const struct stage_door *door, const struct script *script)
{
	for (size_t i = 0; door->log && i < script->step_count; i++) {
		const struct step *step = &script->steps[i];

		if (step->verb == VERB_NOLOG &&
			logfile_has(door->log, step->words[0].bytes, step->words[0].length))
			return step;
	}
	return NULL;
}
