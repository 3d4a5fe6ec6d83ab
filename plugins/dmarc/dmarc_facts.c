/* SPDX-License-Identifier: MIT */
/*
 * dmarc_facts.c - what other links found out about a message, and whom we trust
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dmarc.h"

#define WHY_SIZE 400u
#define KEY_SIZE (DMARC_NAME_SIZE + 1)

static const struct dmarc_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

/* A text of the message. */
static const char *
say(struct cm_session *s, const char *format, const char *one, const char *other)
{
	char *text = cm_msg_alloc(s, WHY_SIZE);

	snprintf(text, WHY_SIZE, "%s%.120s%s%.120s", format, one, other[0] == '\0' ? "" : ", ",
		other);
	return text;
}

/* --- identifiers (RFC 9989 section 3.2.2) --- */

/* False: the result vouches for nobody, nor might it. */
static bool
add(struct dmarc_identifier *id, const char *domain, const char *result, bool dkim)
{
	*id = (struct dmarc_identifier){.dkim = dkim, .pass = strcmp(result, "pass") == 0};
	return (id->pass || strcmp(result, "temperror") == 0) && dmarc_name(id->domain, domain);
}

/* The HELO name stands for the sender where there is no other. */
static bool
add_spf(struct cm_session *s, struct dmarc_identifier *id)
{
	const char *result = cm_result(s, "spf", "result"), *domain = cm_result(s, "spf", "domain");
	const char *scope = cm_result(s, "spf", "scope");

	if (result == NULL || domain == NULL || scope == NULL)
		return false;
	return (strcmp(scope, "mailfrom") == 0 || cm_sender(s)->null) &&
	       add(id, domain, result, false);
}

static bool
add_dkim(const struct cm_auth_result *r, struct dmarc_identifier *id)
{
	if (strcmp(r->method, "dkim") != 0)
		return false;
	for (size_t i = 0; i < r->count; i++) {
		const struct cm_auth_property *p = &r->properties[i];

		if (strcmp(p->type, "header") == 0 && strcmp(p->name, "d") == 0)
			return add(id, p->value, r->result, true);
	}
	return false;
}

struct dmarc_identifier *
dmarc_identifiers(struct cm_session *s, size_t *count)
{
	size_t rows = cm_auth_result_count(s);
	struct dmarc_identifier *ids = cm_msg_alloc(s, (rows + 1) * sizeof(*ids));

	*count = add_spf(s, &ids[0]);
	for (size_t i = 0; i < rows; i++)
		*count += add_dkim(cm_auth_result(s, i), &ids[*count]);
	return ids;
}

bool
dmarc_dkim_checked(const struct cm_session *s)
{
	if (cm_result(s, "dkim", "result") != NULL)
		return true;
	for (size_t i = 0; i < cm_auth_result_count(s); i++) {
		if (strcmp(cm_auth_result(s, i)->method, "dkim") == 0)
			return true;
	}
	return false;
}

/* --- exceptions --- */

/* As it is, then each domain above it with a dot in front. */
static enum cm_known
domain_listed(struct cm_session *s, const char *author)
{
	const struct cm_map *map = config_of(s)->skip_domains;
	const char *value;
	char key[KEY_SIZE];
	enum cm_known known =
		map == NULL || author[0] == '\0' ? CM_NONE : cm_map_get(s, map, author, &value);

	if (map == NULL)
		return CM_NONE;
	for (const char *p = dmarc_name_parent(author); known == CM_NONE && p != NULL;
		p = dmarc_name_parent(p)) {
		snprintf(key, sizeof(key), ".%s", p);
		known = cm_map_get(s, map, key, &value);
	}
	return known;
}

enum cm_known
dmarc_exempt(struct cm_session *s, const char *author, const char **why)
{
	enum cm_known known = cm_skip(s, &config_of(s)->exempt, NULL, why);

	if (known != CM_NONE)
		return known;
	known = domain_listed(s, author);
	*why = known == CM_KNOWN ? "the author domain is in skip_domains"
				 : "the map skip_domains cannot be read";
	return known;
}

/* --- forwarders and lists --- */

/* "example.org" is itself, ".example.org" all below it. */
static bool
in_list(const struct cm_list *list, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];
		size_t item_len = strlen(item);

		if (strcasecmp(item, name) == 0)
			return true;
		if (item[0] == '.' && len > item_len &&
			strcasecmp(name + len - item_len, item) == 0)
			return true;
	}
	return false;
}

static bool
is(const char *result, const char *word)
{
	return result != NULL && strcmp(result, word) == 0;
}

/* The plugin arc may trust more of them; NULL: there is none whose word counts. */
static const char *
trusted_sealer(struct cm_session *s)
{
	const struct cm_list *list = &config_of(s)->trusted_sealers;
	const char *trusted = cm_result(s, "arc", "trusted");
	const char *sealer = trusted == NULL ? cm_result(s, "arc", "sealer") : trusted;

	if (sealer == NULL || (trusted != NULL && list->count == 0))
		return sealer;
	return in_list(list, sealer) ? sealer : NULL;
}

/* It recorded that the message passed: of this author, where it says of whom. */
static bool
recorded_pass(const char *dmarc, const char *from, const char *author)
{
	return is(dmarc, "pass") &&
	       (from == NULL || from[0] == '\0' || strcasecmp(from, author) == 0);
}

/* Who is trusted has found, before the message was changed, that it passed. */
static bool
sealed(struct cm_session *s, const char *author, const char **why)
{
	const char *sealer = trusted_sealer(s);
	const char *oldest = cm_result(s, "arc", "oldest_pass");

	if (sealer == NULL || !is(cm_result(s, "arc", "result"), "pass") ||
		!recorded_pass(
			cm_result(s, "arc", "dmarc"), cm_result(s, "arc", "dmarc_from"), author))
		return false;
	*why = say(s, "dmarc=pass by ARC sealer ", sealer,
		oldest == NULL || oldest[strspn(oldest, "0123456789")] != '\0'
			? ""
			: say(s, "oldest pass ", oldest, ""));
	return true;
}

const char *
dmarc_unverified(const struct cm_session *s, const char *author)
{
	const struct cm_list *list = &config_of(s)->trusted_sealers;
	const char *sealer = cm_result(s, "arc", "unverified");

	if (sealer == NULL || (list->count > 0 && !in_list(list, sealer)) ||
		!recorded_pass(cm_result(s, "arc", "unverified_dmarc"),
			cm_result(s, "arc", "unverified_dmarc_from"), author))
		return NULL;
	return sealer;
}

bool
dmarc_forwarded(struct cm_session *s, const char *author, const char **why)
{
	const char *name = cm_client(s)->name;

	/* The mail server names only clients whose name leads back to them. */
	if (strcasecmp(name, "unknown") != 0 && in_list(&config_of(s)->trusted_forwarders, name)) {
		*why = say(s, "forwarder ", name, "");
		return true;
	}
	return sealed(s, author, why);
}

/* Anybody can write a List-Id; a list's own server is vouched for by the list's domain. */
bool
dmarc_listed(struct cm_session *s, const struct dmarc_identifier *ids, size_t count)
{
	if (cm_header(s, "List-Id", 1) == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (ids[i].pass)
			return true;
	}
	return false;
}
