/* SPDX-License-Identifier: MIT */
/*
 * spf_ask.c - the questions of a check, counted (RFC 7208 section 4.6.4)
 *
 * libspf2 counts terms in each record anew and void answers not at all, so a tree of includes asks
 * what its publisher likes. Here everything counts for the whole check, and all that asks DNS goes
 * through ask().
 */
#include <stdio.h>
#include <string.h>

#include "spf_state.h"
#include "spf_text.h"

enum outcome { FOUND, EMPTY, FAULT };

static const struct {
	enum outcome outcome;
	const char *name;
} outcomes[] = {
	[CM_DNS_FOUND] = {FOUND, "found"},
	[CM_DNS_NO_DATA] = {EMPTY, "no such record"},
	[CM_DNS_NO_NAME] = {EMPTY, "no such name"},
	[CM_DNS_TIMEOUT] = {FAULT, "nobody answered in time"},
	[CM_DNS_SERVFAIL] = {FAULT, "the servers failed"},
	[CM_DNS_REFUSED] = {FAULT, "the server does not answer us"},
	[CM_DNS_BOGUS] = {FAULT, "DNSSEC says the answer is forged"},
	[CM_DNS_BAD_NAME] = {EMPTY, "no such question"},
	[CM_DNS_CANCELLED] = {FAULT, "the question was given up"},
};

static const char *
type_name(enum cm_dns_type type)
{
	static const struct {
		enum cm_dns_type type;
		const char *name;
	} names[] = {{CM_DNS_A, "A"}, {CM_DNS_AAAA, "AAAA"}, {CM_DNS_MX, "MX"}, {CM_DNS_PTR, "PTR"},
		{CM_DNS_TXT, "TXT"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return "?";
}

static enum cm_dns_type
address_type(const struct spf_state *st)
{
	return st->client.six ? CM_DNS_AAAA : CM_DNS_A;
}

/* So many more questions may be asked; they are counted now. */
static bool
pay(struct spf_state *st, unsigned questions)
{
	if (st->result->questions + questions > SPF_MAX_QUESTIONS)
		return false;
	st->result->questions += questions;
	return true;
}

static const struct cm_dns_answer *
look_up(struct spf_state *st, const char *text, enum cm_dns_type type)
{
	const struct spf_dns *dns = st->query->dns;

	return dns->lookup(dns->ctx, text, type);
}

/* NULL: the check was stopped, or cannot afford it. */
static const struct cm_dns_answer *
ask(struct spf_state *st, const char *text, enum cm_dns_type type)
{
	if (st->stopped)
		return NULL;
	if (pay(st, 1))
		return look_up(st, text, type);
	spf_stop(st, SPF_PERMERROR, "needs more than %u DNS questions", SPF_MAX_QUESTIONS);
	return NULL;
}

/* Section 4.6.4 limits the terms that find nothing, not the questions: an MX counts once. */
static void
count_void(struct spf_state *st)
{
	if (st->term_void || st->explaining)
		return;
	st->term_void = true;
	if (++st->result->voids > SPF_MAX_VOIDS)
		spf_stop(
			st, SPF_PERMERROR, "more than %u terms find nothing in DNS", SPF_MAX_VOIDS);
}

static void
stop_at_fault(struct spf_state *st, const char *text, enum cm_dns_type type,
	const struct cm_dns_answer *answer)
{
	char shown[SPF_SHOWN_SIZE / 2];

	spf_show(shown, sizeof(shown), text, strlen(text));
	spf_stop(st, SPF_TEMPERROR, "%s %s: %s", shown, type_name(type),
		outcomes[answer->status].name);
}

/* The answer, if it is one with records; else what section 4.6.4 and 4.4 say. */
static const struct cm_dns_answer *
judge(struct spf_state *st, const char *text, enum cm_dns_type type,
	const struct cm_dns_answer *answer)
{
	switch (outcomes[answer->status].outcome) {
	case FOUND:
		return answer;
	case EMPTY:
		count_void(st);
		break;
	case FAULT:
		stop_at_fault(st, text, type, answer);
		break;
	}
	return NULL;
}

bool
spf_term_begin(struct spf_state *st)
{
	st->term_void = false;
	if (st->result->lookups == SPF_MAX_LOOKUPS) {
		spf_stop(st, SPF_PERMERROR, "more than %u terms ask DNS", SPF_MAX_LOOKUPS);
		return false;
	}
	st->result->lookups++;
	return true;
}

const struct cm_dns_answer *
spf_ask(struct spf_state *st, const char *name, enum cm_dns_type type)
{
	const struct cm_dns_answer *answer;
	char text[SPF_ASKED_SIZE];

	if (!spf_name_valid(name))
		return NULL;
	spf_name_text(text, name);
	answer = ask(st, text, type);
	return answer == NULL ? NULL : judge(st, text, type, answer);
}

const struct cm_dns_answer *
spf_ask_addresses(struct spf_state *st, const char *name)
{
	return spf_ask(st, name, address_type(st));
}

const struct cm_dns_answer *
spf_ask_text(struct spf_state *st, const char *name)
{
	const struct cm_dns_answer *answer;
	char text[SPF_ASKED_SIZE];

	if (!spf_name_valid(name))
		return NULL;
	spf_name_text(text, name);
	answer = ask(st, text, CM_DNS_TXT);
	if (answer == NULL || outcomes[answer->status].outcome == FOUND)
		return answer;
	if (outcomes[answer->status].outcome == FAULT)
		stop_at_fault(st, text, CM_DNS_TXT, answer);
	return NULL;
}

/* --- several addresses at once --- */

/* Begins the addresses of all names, if that is within the limits. */
static bool
begin_addresses(struct spf_state *st, const struct cm_dns_answer *names, size_t count)
{
	const struct spf_dns *dns = st->query->dns;

	if (count < 2 || !pay(st, (unsigned)count))
		return false;
	for (size_t i = 0; i < count; i++)
		dns->begin(dns->ctx, names->records[i].text, address_type(st));
	return true;
}

static const struct cm_dns_answer *
collect_address(struct spf_state *st, const char *text, bool begun)
{
	return begun && !st->stopped ? look_up(st, text, address_type(st))
				     : ask(st, text, address_type(st));
}

const struct cm_dns_answer *
spf_ask_hosts(struct spf_state *st, struct spf_frame *frame, const char *name)
{
	const struct cm_dns_answer *hosts = spf_ask(st, name, CM_DNS_MX);

	if (hosts != NULL && hosts->count > SPF_MAX_NAMES) {
		spf_stop(st, SPF_PERMERROR, "more than %u names in one MX", SPF_MAX_NAMES);
		hosts = NULL;
	}
	frame->hosts = hosts;
	frame->hosts_begun = hosts != NULL && begin_addresses(st, hosts, hosts->count);
	return hosts;
}

const struct cm_dns_answer *
spf_ask_host(struct spf_state *st, struct spf_frame *frame, size_t i)
{
	const struct cm_dns_answer *answer;
	const char *host;

	if (frame->hosts == NULL || i >= frame->hosts->count)
		return NULL;
	/* "" is the null MX of RFC 7505. */
	host = frame->hosts->records[i].text;
	if (host[0] == '\0')
		return NULL;
	answer = collect_address(st, host, frame->hosts_begun);
	return answer == NULL ? NULL : judge(st, host, address_type(st), answer);
}

/* --- names of the client --- */

static bool
has_address(const struct spf_state *st, const struct cm_dns_answer *answer)
{
	size_t octets = st->client.six ? 16 : 4;

	for (size_t i = 0; i < answer->count; i++) {
		const unsigned char *address = answer->records[i].address;

		if (address != NULL && memcmp(address, st->client.address, octets) == 0)
			return true;
	}
	return false;
}

/* A name that is more than letters, digits and signs is nobody's. */
static bool
plain(const char *name)
{
	return name[0] != '\0' && strchr(name, '\\') == NULL;
}

/* That the servers were silent counts as no name (section 5.5); that we had no time does not. */
static void
note_late(struct spf_state *st, const struct cm_dns_answer *answer)
{
	const struct spf_dns *dns = st->query->dns;

	if (answer->status == CM_DNS_TIMEOUT && dns->late(dns->ctx))
		st->names_late = true;
}

/* Section 5.5: what cannot be asked, for whatever reason, is no name; the first ten count. */
static void
validate_names(struct spf_state *st, const struct cm_dns_answer *ptr)
{
	size_t count = ptr->count < SPF_MAX_NAMES ? ptr->count : SPF_MAX_NAMES;
	bool begun = begin_addresses(st, ptr, count);

	for (size_t i = 0; i < count; i++) {
		const char *name = ptr->records[i].text;
		const struct cm_dns_answer *answer = collect_address(st, name, begun);

		if (answer == NULL)
			continue;
		note_late(st, answer);
		if (plain(name) && has_address(st, answer))
			st->names[st->name_count++] = name;
	}
}

static void
find_names(struct spf_state *st)
{
	char reverse[SPF_NAME_SIZE];
	const struct cm_dns_answer *ptr;

	if (st->names_known || !cm_dns_reverse(st->client.readable, NULL, reverse, sizeof(reverse)))
		return;
	st->names_known = true;
	ptr = ask(st, reverse, CM_DNS_PTR);
	if (ptr == NULL)
		return;
	note_late(st, ptr);
	if (ptr->status == CM_DNS_FOUND)
		validate_names(st, ptr);
	else if (outcomes[ptr->status].outcome == EMPTY)
		count_void(st);
}

bool
spf_ask_name(struct spf_state *st, const char *domain)
{
	char text[SPF_ASKED_SIZE];

	if (!spf_name_valid(domain))
		return false;
	spf_name_text(text, domain);
	find_names(st);
	for (unsigned i = 0; i < st->name_count && !st->stopped; i++) {
		if (spf_name_below(st->names[i], text))
			return true;
	}
	if (st->names_late)
		spf_stop(st, SPF_TEMPERROR, "there was no time to find the client's names");
	return false;
}

/* %{p}: the domain itself, else a name below it, else any (section 7.3). */
static const char *
name_macro(void *ctx)
{
	struct spf_state *st = ctx;
	char text[SPF_ASKED_SIZE];
	const char *best = "unknown";
	int rank = 0;

	find_names(st);
	spf_name_text(text, st->naming->domain);
	for (unsigned i = st->name_count; i-- > 0;) {
		const char *name = st->names[i];
		int here = !spf_name_below(name, text) ? 1 : strlen(name) > strlen(text) ? 2 : 3;

		if (here >= rank) {
			rank = here;
			best = name;
		}
	}
	return best;
}

struct spf_macro_values
spf_values(struct spf_state *st, const struct spf_frame *frame)
{
	const struct spf_query *q = st->query;

	st->naming = frame;
	return (struct spf_macro_values){
		.local = q->local[0] == '\0' ? "postmaster" : q->local,
		.sender_domain = q->domain,
		.domain = frame->domain,
		.helo = q->helo,
		.ip = st->client.dotted,
		.ip_readable = st->client.readable,
		.version = st->client.six ? "ip6" : "in-addr",
		.receiver = q->receiver,
		.time = st->time,
		.name = name_macro,
		.ctx = st,
	};
}
