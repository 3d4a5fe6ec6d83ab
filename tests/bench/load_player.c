/* SPDX-License-Identifier: MIT */
/*
 * load_player.c - sends messages of the corpus to a filter, to two one after the other, or to an
 * MTA
 *
 * Two filters are asked as Postfix asks them: each command goes to both; the content goes to the
 * first as a whole, and then, with the fields that the first one added, to the second.
 */
#include "load_player.h"
#include "load_smtp.h"
#include "../smtp/mta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TIMEOUT_MS  30000
#define FILTERS	    2u
#define SMTP	    "smtp:"
#define ADDRESS_MAX 320u
#define PORT	    40000

#define ADDITIONS_MAX 16u
#define ADDITION_SIZE 32u

struct player {
	const char *addresses[FILTERS];
	size_t filters;
	struct mta *mtas[FILTERS];
	unsigned port;
	struct smtp *smtp;
};

/* --- what became of a message ------------------------------------------------------------------
 */

/* What filters added, in an order that does not depend on theirs. */
struct additions {
	char words[ADDITIONS_MAX][ADDITION_SIZE];
	size_t count;
};

static void
add(struct additions *a, const char *word, size_t length)
{
	if (a->count < ADDITIONS_MAX)
		snprintf(a->words[a->count++], ADDITION_SIZE, "%.*s", (int)length, word);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Behind a comment or a quoted string (RFC 8601 section 2.2), or one octet on. */
static const char *
step_over(const char *p)
{
	const char *end = *p == '(' ? strchr(p, ')') : *p == '"' ? strchr(p + 1, '"') : NULL;

	return end ? end + 1 : p + 1;
}

static bool
is_check(const char *name, size_t length)
{
	static const char *const checks[] = {"dkim", "dmarc", "spf"};

	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		if (strlen(checks[i]) == length && strncmp(checks[i], name, length) == 0)
			return true;
	return false;
}

/* Each "method=result" of an Authentication-Results field. */
static void
add_results(struct additions *a, const char *value)
{
	const char *p = strchr(value, ';');

	while (p && *p) {
		p += 1 + strspn(p + 1, " \t\n");
		size_t name = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
		if (p[name] == '=' && is_check(p, name)) {
			size_t result = strspn(p + name + 1, "abcdefghijklmnopqrstuvwxyz");
			add(a, p, name + 1 + result);
		}
		while (*p && *p != ';')
			p = step_over(p);
	}
}

static void
add_edits(struct additions *a, const struct mta *m)
{
	size_t count;
	const struct mta_edit *edits = mta_edits(m, &count);

	for (size_t i = 0; i < count; i++) {
		if (edits[i].kind != MTA_ADD_HEADER && edits[i].kind != MTA_INSERT_HEADER)
			continue;
		if (strcasecmp(edits[i].name, "Authentication-Results") == 0)
			add_results(a, edits[i].value);
		else if (strcasecmp(edits[i].name, "X-Offer") == 0)
			add(a, "offer", 5);
	}
}

static void
tell(char outcome[OUTCOME_SIZE], const char *end, struct additions *a)
{
	size_t used = (size_t)snprintf(outcome, OUTCOME_SIZE, "%s", end);

	qsort(a->words, a->count, ADDITION_SIZE, by_name);
	for (size_t i = 0; i < a->count && used < OUTCOME_SIZE; i++)
		used += (size_t)snprintf(outcome + used, OUTCOME_SIZE - used, " %s", a->words[i]);
}

/* --- filters -----------------------------------------------------------------------------------
 */

static enum mta_status
say_hello(struct mta *m, const struct corpus_mail *mail)
{
	bool literal = mail->helo[0] == '[';

	if (mail->login) {
		mta_macro(m, "auth_authen", mail->login);
		mta_macro(m, "auth_type", "PLAIN");
		mta_macro(m, "daemon_port", "587");
	}
	enum mta_status status = mta_negotiate(m, &mta_offer_postfix);
	if (status != MTA_NEGOTIATED)
		return MTA_CLOSED;
	status = mta_connect(m, literal ? "unknown" : mail->helo, mail->client, PORT);
	return status < MTA_REJECT ? mta_helo(m, mail->helo) : status;
}

static enum mta_status
say_envelope(struct player *p, const struct corpus_mail *mail)
{
	char from[ADDRESS_MAX], to[ADDRESS_MAX], size[32];
	const char *const mail_words[] = {from, size}, *const rcpt_words[] = {to};
	enum mta_status status = MTA_NONE;

	snprintf(from, sizeof from, "<%s>", mail->sender);
	snprintf(size, sizeof size, "SIZE=%zu", mail->data_length);
	for (size_t f = 0; status < MTA_REJECT && f < p->filters; f++)
		status = mta_mail(p->mtas[f], mail_words, 2);
	for (size_t i = 0; status < MTA_REJECT && i < mail->rcpt_count; i++) {
		snprintf(to, sizeof to, "<%s>", mail->rcpts[i]);
		for (size_t f = 0; status < MTA_REJECT && f < p->filters; f++)
			status = mta_rcpt(p->mtas[f], rcpt_words, 1);
	}
	for (size_t f = 0; status < MTA_REJECT && f < p->filters; f++)
		status = mta_data(p->mtas[f]);
	return status;
}

/* The fields that the filter before this one added stand above or below those that came. */
static enum mta_status
say_added(struct mta *m, const struct mta *before, enum mta_edit_kind kind)
{
	size_t count = 0;
	const struct mta_edit *edits = before ? mta_edits(before, &count) : NULL;
	enum mta_status status = MTA_NONE;

	for (size_t i = 0; status < MTA_REJECT && i < count; i++) {
		char value[4096];
		if (edits[i].kind != kind)
			continue;
		snprintf(value, sizeof value, "%s%s", edits[i].value[0] == ' ' ? "" : " ",
			edits[i].value);
		status = mta_header(m, edits[i].name, value);
	}
	return status;
}

static enum mta_status
say_content(struct mta *m, const struct mta *before, const struct corpus_mail *mail)
{
	enum mta_status status = say_added(m, before, MTA_INSERT_HEADER);

	for (size_t i = 0; status < MTA_REJECT && i < mail->field_count; i++)
		status = mta_header(m, mail->fields[i].name, mail->fields[i].value);
	if (status < MTA_REJECT)
		status = say_added(m, before, MTA_ADD_HEADER);
	if (status < MTA_REJECT)
		status = mta_eoh(m);
	if (status < MTA_REJECT)
		status = mta_body(m, mail->body, mail->body_length);
	return mta_eom(m);
}

static bool
open_filters(struct player *p, const struct corpus_mail *mail)
{
	for (size_t f = 0; f < p->filters; f++) {
		p->mtas[f] = mta_open(p->addresses[f], TIMEOUT_MS);
		if (!p->mtas[f] || say_hello(p->mtas[f], mail) >= MTA_REJECT)
			return false;
	}
	return true;
}

static bool
play_filters(struct player *p, const struct corpus_mail *mail, char outcome[OUTCOME_SIZE])
{
	struct additions a = {.count = 0};

	if (!p->mtas[0] && !open_filters(p, mail)) {
		tell(outcome, "no session", &a);
		return false;
	}
	enum mta_status status = say_envelope(p, mail);
	for (size_t f = 0; status < MTA_REJECT && f < p->filters; f++)
		status = say_content(p->mtas[f], f > 0 ? p->mtas[f - 1] : NULL, mail);
	for (size_t f = 0; status < MTA_REJECT && f < p->filters; f++)
		add_edits(&a, p->mtas[f]);
	tell(outcome, status < MTA_REJECT ? "taken" : mta_status_name(status), &a);
	return status < MTA_SHUTDOWN;
}

/* --- either ------------------------------------------------------------------------------------
 */

static bool
play_smtp(struct player *p, const struct corpus_mail *mail, char outcome[OUTCOME_SIZE])
{
	if (!p->smtp)
		p->smtp = smtp_open(p->port, mail);
	unsigned code = p->smtp ? smtp_send(p->smtp, mail) : 0;

	const char *end = code == 0    ? "no session"
			  : code < 300 ? "taken"
			  : code < 500 ? "tempfail"
				       : "reject";
	snprintf(outcome, OUTCOME_SIZE, "%s", end);
	return code != 0;
}

struct player *
player_new(const char *address, const char *then)
{
	struct player *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	if (strncmp(address, SMTP, strlen(SMTP)) == 0)
		p->port = (unsigned)strtoul(address + strlen(SMTP), NULL, 10);
	p->addresses[p->filters++] = address;
	if (then)
		p->addresses[p->filters++] = then;
	return p;
}

bool
player_send(struct player *p, const struct corpus_mail *mail, char outcome[OUTCOME_SIZE])
{
	bool ok = p->port > 0 ? play_smtp(p, mail, outcome) : play_filters(p, mail, outcome);

	if (!ok || mail->last)
		player_hang_up(p);
	return ok;
}

void
player_hang_up(struct player *p)
{
	for (size_t f = 0; f < p->filters; f++) {
		if (p->mtas[f])
			mta_quit(p->mtas[f]);
		mta_close(p->mtas[f]);
		p->mtas[f] = NULL;
	}
	smtp_close(p->smtp);
	p->smtp = NULL;
}

void
player_free(struct player *p)
{
	player_hang_up(p);
	free(p);
}
