/* SPDX-License-Identifier: MIT */
/*
 * spf_frame.c - the records of a check: found, checked, and reduced to what can matter
 *
 * An address either lies in a network or not, which is known before anything is evaluated: of the
 * ip4 and ip6 terms only the one that matches is kept, and nothing behind it. So the length of a
 * record does not matter, though libspf2 forgets what is behind 511 octets.
 */
#include <string.h>

#include "spf_state.h"
#include "spf_text.h"

/*
 * An address literal, or what ends in a number, is no name either.
 */
bool
spf_checkable(const char *domain)
{
	const char *last = NULL;

	for (const char *p = domain; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f || *p == '[')
			return false;
		if (*p == '.' && p[1] != '\0')
			last = p + 1;
	}
	return last != NULL && spf_name_valid(domain) && last[strspn(last, "0123456789.")] != '\0';
}

static bool
in_network(const struct spf_client *client, const struct spf_term *term)
{
	unsigned bits = client->six ? term->bits6 : term->bits4;
	unsigned char mask = (unsigned char)(0xff00u >> bits % 8);

	if (client->six != (term->kind == SPF_IP6))
		return false;
	if (memcmp(client->address, term->address, bits / 8) != 0)
		return false;
	return ((client->address[bits / 8 % 16] ^ term->address[bits / 8 % 16]) & mask) == 0;
}

/* A term that ends the evaluation whenever it is reached. */
static bool
always_matches(const struct spf_state *st, const struct spf_term *term)
{
	return term->kind == SPF_ALL ||
	       ((term->kind == SPF_IP4 || term->kind == SPF_IP6) && in_network(&st->client, term));
}

/*
 * RFC 8616 section 4: a local part that is not ASCII can be no label, so terms that name it do not
 * match. Were it asked for as octets, a wildcard would.
 */
static bool
never_matches(const struct spf_state *st, const struct spf_term *term)
{
	const char *local = st->query->local;

	while (*local != '\0' && (unsigned char)*local < 0x80)
		local++;
	return *local != '\0' && spf_macro_tells_local(term->spec, term->spec_len);
}

/* What the reader of a record knows on its way. */
struct reading {
	bool all;  /* there is an all: a redirect has no effect (section 6.1) */
	bool done; /* no later term can be reached */
};

static void
keep(struct spf_frame *frame, const struct spf_term *term)
{
	frame->terms[frame->count++] = *term;
}

static void
read_mechanism(struct spf_state *st, struct spf_frame *frame, const struct spf_term *term,
	struct reading *r)
{
	bool always = always_matches(st, term);
	bool asks = term->kind != SPF_ALL && term->kind != SPF_IP4 && term->kind != SPF_IP6;

	r->all = r->all || term->kind == SPF_ALL;
	if (r->done || (!always && (!asks || never_matches(st, term))))
		return;
	keep(frame, term);
	/* One that asks beyond the limit is kept, for it must be found out. */
	r->done = always || frame->count > SPF_MAX_LOOKUPS;
}

static void
read_term(struct spf_state *st, struct spf_frame *frame, const struct spf_term *term,
	struct reading *r)
{
	switch (term->kind) {
	case SPF_EXP:
		frame->exp = *term;
		break;
	case SPF_REDIRECT:
		frame->redirect = *term;
		break;
	case SPF_OTHER:
		break;
	case SPF_A:
	case SPF_ALL:
	case SPF_EXISTS:
	case SPF_INCLUDE:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_MX:
	case SPF_PTR:
		read_mechanism(st, frame, term, r);
		break;
	}
}

static void
stop_at_term(struct spf_state *st, const struct spf_frame *frame, const struct spf_cursor *c)
{
	char domain[SPF_SHOWN_SIZE / 3], term[SPF_SHOWN_SIZE / 4];

	spf_show(domain, sizeof(domain), frame->domain, strlen(frame->domain));
	if (c->term.text == NULL) {
		spf_stop(st, SPF_PERMERROR, "%s: %s", domain, c->problem);
		return;
	}
	spf_show(term, sizeof(term), c->term.text, c->term.len);
	spf_stop(st, SPF_PERMERROR, "%s: \"%s\": %s", domain, term, c->problem);
}

/* The whole record is read before anything of it is evaluated (section 4.6). */
static bool
read_record(struct spf_state *st, struct spf_frame *frame)
{
	struct reading r = {false, false};
	struct spf_cursor c;

	spf_record_begin(&c, frame->record->text, frame->record->len);
	while (spf_record_next(&c))
		read_term(st, frame, &c.term, &r);
	if (c.problem != NULL) {
		stop_at_term(st, frame, &c);
		return false;
	}
	if (r.all || r.done)
		frame->redirect.text = NULL;
	return true;
}

static void
stop_at_two(struct spf_state *st, const char *domain)
{
	char shown[SPF_SHOWN_SIZE / 2];

	spf_show(shown, sizeof(shown), domain, strlen(domain));
	spf_stop(st, SPF_PERMERROR, "%s: more than one SPF record", shown);
}

struct spf_frame *
spf_enter(struct spf_state *st, const char *domain)
{
	const struct cm_dns_answer *answer =
		spf_checkable(domain) ? spf_ask_text(st, domain) : NULL;
	const struct cm_dns_record *record = NULL;
	struct spf_frame *frame;
	size_t found;

	if (answer == NULL)
		return NULL;
	found = spf_record_choose(answer, &record);
	if (found > 1)
		stop_at_two(st, domain);
	if (found != 1)
		return NULL;
	/* There are as many frames as terms that can lead to one. */
	frame = &st->frames[st->frame_count++];
	*frame = (struct spf_frame){.record = record};
	memcpy(frame->domain, domain, strlen(domain) + 1);
	return read_record(st, frame) ? frame : NULL;
}

void
spf_term_domain(
	struct spf_state *st, const struct spf_frame *frame, const struct spf_term *term, char *out)
{
	struct spf_macro_values values;

	if (term->spec_len == 0) {
		memcpy(out, frame->domain, strlen(frame->domain) + 1);
		return;
	}
	values = spf_values(st, frame);
	spf_macro_domain(&values, term->spec, term->spec_len, out);
}

struct spf_frame *
spf_follow(struct spf_state *st, struct spf_frame *frame, const struct spf_term *term)
{
	char domain[SPF_NAME_SIZE], shown[SPF_SHOWN_SIZE / 2];
	struct spf_frame *next;

	if (!spf_term_begin(st))
		return NULL;
	spf_term_domain(st, frame, term, domain);
	next = spf_enter(st, domain);
	if (next != NULL && term->kind == SPF_REDIRECT && frame == &st->frames[st->top])
		st->top = st->frame_count - 1;
	if (next == NULL) {
		spf_show(shown, sizeof(shown), term->text, term->len);
		spf_stop(st, SPF_PERMERROR, "\"%s\" has no SPF record", shown);
	}
	return next;
}
