/* SPDX-License-Identifier: MIT */
/*
 * script.c - a transcript read from a file: what the MTA says, line by line, and what must come
 * back
 *
 * Every mistake in a transcript is told with its line before anything is played: a test that is not
 * understood must not pass.
 */
#include "script.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)4 << 20)

/* What stands behind a verb: words, a header field, or the rest of the line as it is. */
enum shape { SHAPE_HEADER, SHAPE_REST, SHAPE_WORDS };

static const struct verb_row {
	const char *name;
	enum verb verb;
	enum shape shape;
	size_t least;
	size_t most;
	bool bytes; /* a NUL may stand in its words */
} verbs[] = {
	{"abort", VERB_ABORT, SHAPE_WORDS, 0, 0, false},
	{"body", VERB_BODY, SHAPE_WORDS, 1, 1, true},
	{"connect", VERB_CONNECT, SHAPE_WORDS, 2, 2, false},
	{"data", VERB_DATA, SHAPE_WORDS, 0, 0, false},
	{"eoh", VERB_EOH, SHAPE_WORDS, 0, 0, false},
	{"eom", VERB_EOM, SHAPE_WORDS, 0, 0, false},
	{"header", VERB_HEADER, SHAPE_HEADER, 2, 2, false},
	{"helo", VERB_HELO, SHAPE_WORDS, 1, 1, false},
	{"log", VERB_LOG, SHAPE_REST, 1, 1, false},
	{"macro", VERB_MACRO, SHAPE_WORDS, 0, 0, false},
	{"logever", VERB_LOG_EVER, SHAPE_REST, 1, 1, false},
	{"logonce", VERB_LOG_ONCE, SHAPE_REST, 1, 1, false},
	{"mail", VERB_MAIL, SHAPE_WORDS, 1, SCRIPT_WORDS_MAX, false},
	{"nolog", VERB_NOLOG, SHAPE_WORDS, 1, 1, true},
	{"packet", VERB_PACKET, SHAPE_WORDS, 2, 2, true},
	{"quit", VERB_QUIT, SHAPE_WORDS, 0, 0, false},
	{"quit_nc", VERB_QUIT_NC, SHAPE_WORDS, 0, 0, false},
	{"raw", VERB_RAW, SHAPE_WORDS, 1, 1, true},
	{"rcpt", VERB_RCPT, SHAPE_WORDS, 1, SCRIPT_WORDS_MAX, false},
	{"rset", VERB_ABORT, SHAPE_WORDS, 0, 0, false},
	{"sleep", VERB_SLEEP, SHAPE_WORDS, 1, 1, false},
	{"unknown", VERB_UNKNOWN, SHAPE_REST, 1, 1, false},
	{"vanish", VERB_VANISH, SHAPE_WORDS, 0, 0, false},
};

#define WORD(text)                               \
	{                                        \
		(char *)(text), sizeof(text) - 1 \
	}

/* Names that the test rules act upon: what they leave behind is seen where it does not belong. */
static const struct prelude usual_prelude = {
	.words = {WORD("<mail-quarantine-early-accept@example.net>"), WORD("<before@example.com>"),
		WORD("<rcpt-discard@example.com>")},
	.word_count = 3,
};

struct reader {
	struct script *script;
	const char *path;
	unsigned line;
	char *why;
	size_t why_size;
};

static bool
complain(const struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool
complain(const struct reader *r, const char *format, ...)
{
	va_list arguments;
	int n = snprintf(r->why, r->why_size, "%s:%u: ", r->path, r->line);

	va_start(arguments, format);
	if (n > 0 && (size_t)n < r->why_size)
		vsnprintf(r->why + n, r->why_size - (size_t)n, format, arguments);
	va_end(arguments);
	return false;
}

static void *
keep(struct script *s, void *memory)
{
	void **kept = realloc(s->kept, (s->kept_count + 1) * sizeof *kept);

	if (!kept || !memory)
		abort();
	s->kept = kept;
	s->kept[s->kept_count++] = memory;
	return memory;
}

/* --- words ------------------------------------------------------------------------------- */

static const char *
after_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static bool
read_words(const struct reader *r, struct step *step, const char *p)
{
	for (p = after_blanks(p); *p; p = after_blanks(p)) {
		struct word word;

		p = word_read(&word, p);
		keep(r->script, word.bytes);
		if (!p)
			return complain(
				r, "a quote that does not end, or an escape that does not exist");
		bool macro = word.bytes[0] == '{';
		size_t *count = macro ? &step->macro_count : &step->word_count;
		if (*count == SCRIPT_WORDS_MAX)
			return complain(r, "more than %d words", SCRIPT_WORDS_MAX);
		if (macro && !strstr(word.bytes, "}="))
			return complain(r, "a macro is written {name}=value");
		(macro ? step->macros : step->words)[(*count)++] = word;
	}
	return true;
}

static struct word
kept_word(struct script *s, const char *bytes, size_t length)
{
	struct word w = {0};

	word_add(&w, bytes, length, 1);
	keep(s, w.bytes);
	return w;
}

/* `Name: value`, the value with all that follows the colon; or two quoted words. */
static bool
read_header(const struct reader *r, struct step *step, const char *p)
{
	const char *colon = strchr(p, ':');

	if (*p == '"')
		return read_words(r, step, p);
	if (!colon)
		return complain(r, "a header is written Name: value, or \"name\" \"value\"");
	step->words[0] = kept_word(r->script, p, (size_t)(colon - p));
	step->words[1] = kept_word(r->script, colon + 1, strlen(colon + 1));
	step->word_count = 2;
	return true;
}

static bool
read_arguments(const struct reader *r, struct step *step, enum shape shape, const char *p)
{
	p = after_blanks(p);
	switch (shape) {
	case SHAPE_HEADER:
		return read_header(r, step, p);
	case SHAPE_REST:
		step->words[0] = kept_word(r->script, p, strlen(p));
		step->word_count = *p != '\0';
		return true;
	case SHAPE_WORDS:
		return read_words(r, step, p);
	}
	return false;
}

/* --- lines ------------------------------------------------------------------------------- */

static bool
is_keyword(const char *p, const char *keyword)
{
	size_t length = strlen(keyword);

	return strncmp(p, keyword, length) == 0 &&
	       (p[length] == '\0' || p[length] == ' ' || p[length] == '\t');
}

static bool
check_words(const struct reader *r, const struct step *step, const struct verb_row *row)
{
	if (step->word_count < row->least || step->word_count > row->most)
		return complain(r, "%s takes %zu to %zu words, not %zu", row->name, row->least,
			row->most, step->word_count);
	for (size_t i = 0; !row->bytes && i < step->word_count; i++)
		if (strlen(step->words[i].bytes) != step->words[i].length)
			return complain(r, "%s cannot hold a NUL; use packet", row->name);
	return true;
}

static bool
read_repeat(const struct reader *r, struct step *step, const char **p)
{
	char *end;

	if (!is_keyword(*p, "repeat"))
		return true;
	unsigned long n = strtoul(*p + strlen("repeat"), &end, 10);
	if (n == 0 || n > 10000000)
		return complain(r, "repeat N, with N from 1 to 10,000,000");
	step->repeat = (unsigned)n;
	*p = after_blanks(end);
	return true;
}

static bool
read_step(const struct reader *r, const char *p)
{
	struct script *s = r->script;
	struct step step = {.line = r->line, .repeat = 1};

	if (!read_repeat(r, &step, &p))
		return false;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (!is_keyword(p, verbs[i].name))
			continue;
		step.verb = verbs[i].verb;
		p += strlen(verbs[i].name);
		if (!read_arguments(r, &step, verbs[i].shape, p) ||
			!check_words(r, &step, &verbs[i]))
			return false;
		struct step *steps = realloc(s->steps, (s->step_count + 1) * sizeof *steps);
		if (!steps)
			abort();
		s->steps = steps;
		s->steps[s->step_count++] = step;
		return true;
	}
	return complain(r, "the MTA cannot say \"%.40s\"", p);
}

static bool
read_expect(const struct reader *r, const char *p)
{
	struct script *s = r->script;
	struct step *step = s->step_count ? &s->steps[s->step_count - 1] : NULL;
	const char *source = kept_word(s, p, strlen(p)).bytes;

	if (!step || step->expect_count == SCRIPT_LINES_MAX)
		return complain(r, "expect stands below what the MTA says, at most %d times",
			SCRIPT_LINES_MAX);
	if (!expect_parse(&step->expects[step->expect_count++], source))
		return complain(r, "an answer cannot be \"%.40s\"", p);
	return true;
}

static bool
read_edit(const struct reader *r, const char *p)
{
	struct script *s = r->script;
	struct step *step = s->step_count ? &s->steps[s->step_count - 1] : NULL;

	if (!step || step->verb != VERB_EOM || step->edit_count == SCRIPT_EDITS_MAX)
		return complain(r, "edit stands below eom, at most %d times", SCRIPT_EDITS_MAX);
	if (strcmp(p, "any") == 0)
		step->any_edits = true;
	else
		step->edits[step->edit_count++] = kept_word(s, p, strlen(p)).bytes;
	return true;
}

static bool
read_pieces(const struct reader *r, const char *p)
{
	struct script *s = r->script;
	struct step *step = s->step_count ? &s->steps[s->step_count - 1] : NULL;
	char *end;

	if (!step || step->verb != VERB_EOM)
		return complain(r, "pieces stands below eom");
	step->counts_pieces = true;
	step->pieces = strtoul(p, &end, 10);
	return (end != p && *end == '\0') || complain(r, "pieces N");
}

/* --- lines at the top -------------------------------------------------------------------- */

static bool
read_config(const struct reader *r, const char *p)
{
	r->script->config = kept_word(r->script, p, strlen(p)).bytes;
	return true;
}

static bool
read_engine(const struct reader *r, const char *p)
{
	r->script->engine = kept_word(r->script, p, strlen(p)).bytes;
	return true;
}

static bool
read_ways(const struct reader *r, const char *p)
{
	static const struct {
		const char *name;
		unsigned ways;
	} rows[] = {
		{"after-rset", WAY_AFTER_RSET},
		{"all", WAYS_ALL},
		{"alone", WAY_ALONE},
		{"second", WAY_SECOND},
	};
	unsigned ways = 0;

	for (p = after_blanks(p); *p; p = after_blanks(p)) {
		size_t i = 0;

		while (i < sizeof rows / sizeof *rows && !is_keyword(p, rows[i].name))
			i++;
		if (i == sizeof rows / sizeof *rows)
			return complain(r, "ways: alone, second, after-rset or all, not \"%s\"", p);
		ways |= rows[i].ways;
		p += strlen(rows[i].name);
	}
	r->script->ways = ways;
	return ways != 0 || complain(r, "ways: of what?");
}

/* What follows is the reason, for people. */
static bool
read_differs(const struct reader *r, const char *p)
{
	r->script->differs = true;
	return *p != '\0' || complain(r, "differs: why?");
}

static bool
read_offer(const struct reader *r, const char *p)
{
	struct mta_offer *o = &r->script->offer;
	char rest;

	if (strcmp(p, "none") == 0) {
		r->script->negotiate = false;
		return true;
	}
	if (sscanf(p, "%u %x %x %c", &o->version, &o->actions, &o->steps, &rest) != 3)
		return complain(r, "offer: VERSION ACTIONS STEPS, or none");
	return true;
}

/* `refused`, a sender with recipients and macros, or both. */
static bool
read_before(const struct reader *r, const char *p)
{
	struct prelude *before = &r->script->before;
	struct step words = {0};

	before->refused = is_keyword(p, "refused");
	if (before->refused)
		p = after_blanks(p + strlen("refused"));
	if (*p == '\0')
		return before->refused || complain(r, "before: what?");
	if (!read_words(r, &words, p))
		return false;
	if (words.word_count == 1 || (words.word_count == 0 && words.macro_count == 0))
		return complain(r, "before: [refused] [SENDER RECIPIENT...] [{name}=value...]");
	memcpy(before->macros, words.macros, sizeof before->macros);
	before->macro_count = words.macro_count;
	if (words.word_count == 0)
		return true;
	memcpy(before->words, words.words, sizeof before->words);
	before->word_count = words.word_count;
	return true;
}

static bool
read_witness(const struct reader *r, const char *p)
{
	r->script->witness = true;
	return strcmp(p, "yes") == 0 || complain(r, "witness: yes");
}

static bool
read_clients(const struct reader *r, const char *p)
{
	r->script->clients_max = (unsigned)strtoul(p, NULL, 10);
	return r->script->clients_max > 0 || complain(r, "clients: N");
}

static const struct {
	const char *name;
	bool (*read)(const struct reader *r, const char *p);
	bool anywhere;
} directives[] = {
	{"before:", read_before, false},
	{"clients:", read_clients, false},
	{"config:", read_config, false},
	{"differs:", read_differs, false},
	{"edit", read_edit, true},
	{"engine:", read_engine, false},
	{"expect", read_expect, true},
	{"offer:", read_offer, false},
	{"pieces", read_pieces, true},
	{"ways:", read_ways, false},
	{"witness:", read_witness, false},
};

static bool
read_line(const struct reader *r, char *line)
{
	size_t length = strlen(line);

	while (length > 0 && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	const char *p = after_blanks(line);
	if (*p == '\0' || *p == '#')
		return true;
	for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
		if (!is_keyword(p, directives[i].name))
			continue;
		if (!directives[i].anywhere && r->script->step_count > 0)
			return complain(r, "%s stands at the top", directives[i].name);
		return directives[i].read(r, after_blanks(p + strlen(directives[i].name)));
	}
	return read_step(r, p);
}

static char *
read_whole(const struct reader *r)
{
	FILE *f = fopen(r->path, "r");
	char *text = f ? malloc(FILE_MAX + 1) : NULL;

	if (!f) {
		complain(r, "%s", strerror(errno));
		return NULL;
	}
	if (!text)
		abort();
	size_t length = fread(text, 1, FILE_MAX + 1, f);
	fclose(f);
	if (length > FILE_MAX || memchr(text, '\0', length)) {
		complain(r, "too large, or with a NUL");
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

bool
script_read(struct script *s, const char *path, char *why, size_t why_size)
{
	struct reader r = {s, path, 0, why, why_size};
	bool ok = true;

	*s = (struct script){.ways = WAYS_ALL, .negotiate = true, .offer = mta_offer_postfix};
	s->before = usual_prelude;
	s->path = kept_word(s, path, strlen(path)).bytes;
	char *text = read_whole(&r);
	if (!text)
		return false;
	for (char *line = text; ok && line;) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		r.line++;
		ok = read_line(&r, line);
		line = end;
	}
	free(text);
	if (ok && s->step_count == 0)
		return complain(&r, "the MTA says nothing here");
	return ok;
}

void
script_fini(struct script *s)
{
	for (size_t i = 0; i < s->kept_count; i++)
		free(s->kept[i]);
	free(s->kept);
	free(s->steps);
	*s = (struct script){0};
}

size_t
script_first_mail(const struct script *s)
{
	size_t i = 0;

	while (i < s->step_count && s->steps[i].verb != VERB_MAIL)
		i++;
	return i;
}
