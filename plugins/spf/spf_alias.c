/* SPDX-License-Identifier: MIT */
/*
 * spf_alias.c - a record as libspf2 gets to see it: known words and short names made here
 *
 * "ca.z" is the first term of the third record, "bca.z" the second host of its MX. Each domain is
 * such a name, so that the text is short and harmless, whatever was published.
 */
#include "spf_alias.h"

#include <stdio.h>
#include <string.h>

#define EXP	 'x'
#define REDIRECT 'y'
#define SELF	 'z'

static const char signs[SPF_CODES] = {
	[SPF_PASS] = '+', [SPF_FAIL] = '-', [SPF_NEUTRAL] = '?', [SPF_SOFTFAIL] = '~'};

static void
alias(char out[SPF_ALIAS_SIZE], size_t frame, char term)
{
	out[0] = (char)('a' + frame);
	out[1] = term;
	memcpy(out + 2, ".z", sizeof(".z"));
}

static size_t
number(const struct spf_state *st, const struct spf_frame *frame)
{
	return (size_t)(frame - st->frames);
}

static unsigned
bits_of(const struct spf_state *st, const struct spf_term *term)
{
	return st->client.six ? term->bits6 : term->bits4;
}

/* A prefix of 0 is a mistake to the library; any address matches it. */
bool
spf_alias_compares(const struct spf_state *st, const struct spf_term *term)
{
	return (term->kind == SPF_A || term->kind == SPF_MX) && bits_of(st, term) > 0;
}

/*
 * Networks and all are written as a question, too, which is answered with yes: so the library asks
 * for each term it evaluates, and the last one it asked for is the one that matched.
 */
static const char *
mechanism(const struct spf_state *st, const struct spf_term *term)
{
	if (spf_alias_compares(st, term))
		return term->kind == SPF_A ? "a" : "mx";
	return term->kind == SPF_INCLUDE ? "include" : "exists";
}

/* Where the text goes on; SPF_ALIAS_TEXT is more than eleven terms need. */
static char *
write_alias(char *out, size_t frame, char term)
{
	alias(out, frame, term);
	return out + 4;
}

static char *
write_term(const struct spf_state *st, const struct spf_frame *frame, unsigned i, char *out)
{
	const struct spf_term *term = &frame->terms[i];

	*out++ = ' ';
	*out++ = signs[term->qualifier];
	out = stpcpy(out, mechanism(st, term));
	*out++ = ':';
	out = write_alias(out, number(st, frame), (char)('a' + i));
	if (spf_alias_compares(st, term))
		out += snprintf(out, sizeof("//128"), st->client.six ? "//%hhu" : "/%hhu",
			(unsigned char)bits_of(st, term));
	return out;
}

void
spf_alias_record(
	const struct spf_state *st, const struct spf_frame *frame, char out[SPF_ALIAS_TEXT])
{
	size_t n = number(st, frame);

	out = stpcpy(out, "v=spf1");
	for (unsigned i = 0; i < frame->count; i++)
		out = write_term(st, frame, i, out);
	if (frame->redirect.text != NULL)
		out = write_alias(stpcpy(out, " redirect="), n, REDIRECT);
	if (frame->exp.text != NULL)
		write_alias(stpcpy(out, " exp="), n, EXP);
}

void
spf_alias_top(char out[SPF_ALIAS_SIZE])
{
	alias(out, 0, SELF);
}

void
spf_alias_host(char out[SPF_ALIAS_SIZE], const char *term, size_t i)
{
	out[0] = (char)('a' + i);
	memcpy(out + 1, term, sizeof("aa.z"));
}

static const struct spf_term *
term_of(const struct spf_frame *frame, char which)
{
	unsigned i = (unsigned)(which - 'a');

	if (which == REDIRECT)
		return &frame->redirect;
	if (which == EXP)
		return &frame->exp;
	return which >= 'a' && i < frame->count ? &frame->terms[i] : NULL;
}

bool
spf_alias_find(struct spf_state *st, const char *name, struct spf_place *place)
{
	size_t len = strlen(name);
	unsigned frame;

	if ((len != 4 && len != 5) || strcmp(name + len - 2, ".z") != 0)
		return false;
	place->host = len == 5 ? (size_t)(name[0] - 'a' + 1) : 0;
	name += len - 4;
	frame = (unsigned)(name[0] - 'a');
	if (frame >= st->frame_count)
		return false;
	place->frame = &st->frames[frame];
	place->term = term_of(place->frame, name[1]);
	return place->term != NULL && place->term->text != NULL;
}
