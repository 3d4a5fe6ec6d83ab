/* SPDX-License-Identifier: MIT */
/*
 * dnsbl_question.c - what a list can be asked about, and the names that stand for it
 *
 * Strangers choose most of these names: one that is not plainly a domain is not asked for.
 */
#include "dnsbl.h"

#include <stdio.h>
#include <string.h>

#define DIGITS	   "0123456789"
#define LABEL_MOST 63u
#define NAME_CHARS DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_."

static const char *
client_ip(const struct cm_session *s)
{
	return cm_client(s)->ip;
}

static const char *
client_name(const struct cm_session *s)
{
	return cm_client(s)->name;
}

static const char *
sender_domain(const struct cm_session *s)
{
	const struct cm_address *sender = cm_sender(s);

	return sender != NULL && sender->valid ? sender->domain : NULL;
}

#define BLOCKED " blocked using %{zone}"

/* The words are Postfix's. */
const struct dnsbl_subject dnsbl_subjects[DNSBL_SUBJECTS] = {
	{"client", "Service unavailable; Client host [%{client_ip}]" BLOCKED, CM_STAGE_CONNECT,
		client_ip, true},
	{"client_name", "Service unavailable; Client host [%{domain}]" BLOCKED, CM_STAGE_CONNECT,
		client_name, false},
	{"helo", "Service unavailable; Helo command [%{domain}]" BLOCKED, CM_STAGE_HELO, cm_helo,
		false},
	{"sender", "Service unavailable; Sender address [%{domain}]" BLOCKED, CM_STAGE_MAIL,
		sender_domain, false},
};

/* None is empty or too long (RFC 1035 section 2.3.4). */
static bool
labels_valid(const char *text, size_t len)
{
	size_t label = 0;

	for (size_t i = 0; i < len; i++) {
		label = text[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MOST || (label == 0 && (i == 0 || text[i - 1] == '.')))
			return false;
	}
	return label > 0;
}

/*
 * Octets of a name without the root's dot; 0: not to be asked for. An address is no name: lists of
 * names answer it with an error that looks like an entry.
 */
static size_t
name_length(const char *text)
{
	size_t len = strspn(text, NAME_CHARS), last;

	if (len == 0 || text[len] != '\0')
		return 0;
	len -= text[len - 1] == '.';
	for (last = len; last > 0 && text[last - 1] != '.'; last--)
		continue;
	if (last == 0 || len > DNSBL_NAME_MOST || !labels_valid(text, len) ||
		strspn(text + last, DIGITS) >= len - last)
		return 0;
	return len;
}

static bool
below(char out[DNSBL_QUESTION_SIZE], const char *name, size_t len, const char *zone)
{
	int n = snprintf(out, DNSBL_QUESTION_SIZE, "%.*s.%s", (int)len, name, zone);

	return len > 0 && (size_t)n < DNSBL_QUESTION_SIZE;
}

bool
dnsbl_question(char out[DNSBL_QUESTION_SIZE], const char *what, bool address, const char *zone)
{
	if (what == NULL)
		return false;
	return address ? cm_dns_reverse(what, zone, out, DNSBL_QUESTION_SIZE)
		       : below(out, what, name_length(what), zone);
}

/* An entry may be one label alone. */
bool
dnsbl_test_question(char out[DNSBL_QUESTION_SIZE], const char *what, const char *zone)
{
	size_t len = strlen(what);

	return cm_dns_reverse(what, zone, out, DNSBL_QUESTION_SIZE) ||
	       (len <= DNSBL_NAME_MOST && strspn(what, NAME_CHARS) == len &&
		       below(out, what, len, zone));
}

void
dnsbl_list_set_test(struct dnsbl_list *l, const char *test)
{
	l->test[0] = '\0';
	if (strcmp(test, "no") != 0)
		dnsbl_test_question(l->test, test, l->zone);
}

void
dnsbl_list_init(struct dnsbl_list *l, const struct dnsbl_rule *rule)
{
	bool addresses = (rule->about & 1u) != 0;
	const char *test = rule->test;

	*l = (struct dnsbl_list){.zone = rule->zone};
	if (test == NULL)
		test = addresses ? "127.0.0.2" : "test";
	dnsbl_list_set_test(l, test);
	dnsbl_test_question(l->never, addresses ? "127.0.0.1" : "invalid", l->zone);
}
