/* SPDX-License-Identifier: MIT */
/*
 * dmarc_rua.c - has who shall get a report agreed to get it (RFC 9990 section 4)
 *
 * Else anybody could have the world send its reports to somebody else.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dmarc_store.h"

/* Addresses of one report. */
#define URIS_MOST 10u
#define URI_SIZE  512u
#define MAILTO	  "mailto:"
#define INFIX	  "._report." DMARC_PREFIX

/* "domain._report._dmarc.host" */
#define QUESTION_SIZE (2 * DMARC_NAME_SIZE + sizeof(INFIX))

struct uri {
	char text[URI_SIZE];
	char host[DMARC_NAME_SIZE];
};

/*
 * "mailto:user@domain?header=value" without its headers; false: it is none. Scripts get what is
 * left, so it holds nothing that a shell or a mail program could take for something else.
 */
static bool
read_uri(struct uri *uri)
{
	char *at;

	uri->text[strcspn(uri->text, "?")] = '\0';
	at = strchr(uri->text, '@');
	if (strncasecmp(uri->text, MAILTO, strlen(MAILTO)) != 0 || at == NULL)
		return false;
	for (const char *p = uri->text + strlen(MAILTO); p < at; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			      (*p >= '0' && *p <= '9');

		if (!letter && (strchr("._+=-", *p) == NULL || p == uri->text + strlen(MAILTO)))
			return false;
	}
	return at > uri->text + strlen(MAILTO) && dmarc_name(uri->host, at + 1);
}

/* The next of a list with blanks between; false: there is none, or none that we could send to. */
static bool
next_uri(const char **list, struct uri *uri)
{
	while (**list != '\0') {
		size_t len = strcspn(*list, " ");
		const char *text = *list;

		*list += len + ((*list)[len] == ' ');
		if (len >= sizeof(uri->text))
			continue;
		snprintf(uri->text, sizeof(uri->text), "%.*s", (int)len, text);
		if (read_uri(uri))
			return true;
	}
	return false;
}

static void
write_question(char out[QUESTION_SIZE], const char *domain, const struct uri *uri)
{
	snprintf(out, QUESTION_SIZE, "%s" INFIX "%s", domain, uri->host);
}

/* One organization has both. */
static bool
is_inside(struct cm_session *s, const struct uri *uri, const char *org, bool *later)
{
	struct dmarc_query q;
	struct dmarc_dns dns;
	struct dmarc_walk w;
	const char *other;

	if (!dmarc_name_within(uri->host, org))
		return false;
	dmarc_ask(s, &q, &dns, uri->host);
	other = dmarc_check_org(&q, &w, uri->host);
	*later |= other == NULL;
	return other != NULL && strcmp(other, org) == 0;
}

/* The answer names another address, perhaps. False: of another host, and then nobody gets any. */
static bool
redirect(const struct dmarc_record *r, struct uri *uri)
{
	struct dmarc_slice rest = r->rua, slice;
	char text[URI_SIZE];
	struct uri other;

	if (!dmarc_record_rua(&rest, &slice) || slice.len >= sizeof(text))
		return true;
	snprintf(text, sizeof(text), "%.*s", (int)slice.len, slice.text);
	const char *list = text;

	if (!next_uri(&list, &other))
		return true;
	if (strcmp(other.host, uri->host) != 0)
		return false;
	*uri = other;
	return true;
}

static bool
has_agreed(struct cm_session *s, const char *domain, struct uri *uri, bool *later)
{
	const struct cm_dns_answer *a;
	char question[QUESTION_SIZE];

	write_question(question, domain, uri);
	a = cm_dns(s, question, CM_DNS_TXT);
	for (size_t i = 0; i < a->count; i++) {
		struct dmarc_record r;

		if (!dmarc_record_parse(&r, a->records[i].text, a->records[i].len))
			continue;
		return redirect(&r, uri);
	}
	*later |= a->status != CM_DNS_FOUND && a->status != CM_DNS_NO_DATA &&
		  a->status != CM_DNS_NO_NAME && a->status != CM_DNS_BAD_NAME;
	return false;
}

void
dmarc_rua_begin(struct cm_session *s, const char *domain, const char *org, const char *list)
{
	char question[QUESTION_SIZE];
	struct uri uri;

	for (size_t i = 0; i < URIS_MOST && next_uri(&list, &uri); i++) {
		write_question(question, domain, &uri);
		if (!dmarc_name_within(uri.host, org))
			cm_dns_begin(s, question, CM_DNS_TXT);
	}
}

const char *
dmarc_rua_agreed(
	struct cm_session *s, const char *domain, const char *org, const char *list, bool *later)
{
	size_t size = URIS_MOST * URI_SIZE, len = 0;
	char *agreed = cm_msg_alloc(s, size);
	struct uri uri;

	*later = false;
	for (size_t i = 0; i < URIS_MOST && next_uri(&list, &uri); i++) {
		bool unclear = false;

		if (is_inside(s, &uri, org, &unclear) ||
			(!unclear && has_agreed(s, domain, &uri, &unclear)))
			len += (size_t)snprintf(
				agreed + len, size - len, "%s%s", len > 0 ? " " : "", uri.text);
		*later |= unclear;
	}
	return agreed;
}
