/* SPDX-License-Identifier: MIT */
/*
 * auth_results.c - one Authentication-Results field of ours, and none that others wrote as us
 *
 * RFC 8601. Who reads the field believes it by its authserv-id alone. So one that came with the
 * message is removed when it claims an id of ours, or one that cannot be read: others may read it.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/authres.h"

#define FIELD "Authentication-Results"
/* Octets of an id that is compared; a domain name has fewer. */
#define ID_SIZE 256
/* No honest message has more; it is refused, for a failure may mean to accept. */
#define FORGED_MOST 900
/* Octets of the field; results that do not fit are left out. */
#define FIELD_SIZE 16384
struct config {
	struct cm_list extra_ids, remove_fields;
	const struct cm_networks *trusted_relays;
	bool show_login;
};

/* --- whose field it is --- */

enum origin { ORIGIN_FOREIGN, ORIGIN_OURS, ORIGIN_UNREADABLE };

/*
 * A quoted-string without its white space, which no id has; NULL: it is none, or holds what a
 * careless reader takes for the end of the id or for a comment.
 */
static const char *
take_quoted(const char *p, char id[ID_SIZE])
{
	size_t len = 0;

	for (p++; *p != '"'; p++) {
		if (authres_blank(*p))
			continue;
		if (*p == '\\')
			p++;
		if ((!authres_token_char(*p) && *p != '/') || len + 1 >= ID_SIZE)
			return NULL;
		id[len++] = *p;
	}
	id[len] = '\0';
	return p + 1;
}

/* authserv-id = value = token / quoted-string; NULL: neither, or none that a host could have. */
static const char *
take_id(const char *p, char id[ID_SIZE])
{
	size_t len = authres_token_length(p);

	if (*p == '"')
		return take_quoted(p, id);
	if (len >= ID_SIZE)
		return NULL;
	memcpy(id, p, len);
	id[len] = '\0';
	return p + len;
}

/* [CFWS] authserv-id [CFWS authres-version] [CFWS], then results or nothing. */
static bool
read_id(const char *value, char id[ID_SIZE])
{
	const char *p = authres_skip_cfws(value);

	if (p == NULL || (p = take_id(p, id)) == NULL || (p = authres_skip_cfws(p)) == NULL)
		return false;
	p = authres_skip_cfws(p + strspn(p, "0123456789"));
	return p != NULL && (*p == ';' || *p == '\0') && id[0] != '\0';
}

/* Octets up to what a mail server may append: the root's dot, or "/" and a job. */
static size_t
id_length(const char *id)
{
	size_t len = strcspn(id, "/");

	while (len > 0 && id[len - 1] == '.')
		len--;
	return len;
}

static bool
same_id(const char *a, const char *b)
{
	size_t len = id_length(a);

	return len == id_length(b) && strncasecmp(a, b, len) == 0;
}

static enum origin
origin_of(const char *value, const char *ours, const struct cm_list *extra)
{
	char id[ID_SIZE];
	size_t i = 0;

	if (!read_id(value, id) || id_length(id) == 0)
		return ORIGIN_UNREADABLE;
	while (i < extra->count && !same_id(id, extra->items[i]))
		i++;
	return i < extra->count || same_id(id, ours) ? ORIGIN_OURS : ORIGIN_FOREIGN;
}

/* --- what ours says --- */

/* A login is nobody's business but the server's. */
static bool
is_login(const struct cm_auth_result *r, const struct cm_auth_property *p)
{
	return strcasecmp(r->method, "auth") == 0 && strcasecmp(p->type, "smtp") == 0 &&
	       strcasecmp(p->name, "auth") == 0;
}

/* All of it or nothing. */
static void
put_result(struct authres_field *f, const struct cm_auth_result *r, bool show_login)
{
	struct authres_field before = *f;

	authres_result(f, r->method, r->result, r->comment, r->reason);
	for (size_t i = 0; i < r->count; i++) {
		const struct cm_auth_property *p = &r->properties[i];

		if (show_login || !is_login(r, p))
			authres_property(f, p->type, p->name, p->value);
	}
	authres_keep(f, &before);
}

/* The value of the field; out holds it with its folds as LF. */
static void
write_field(char *out, size_t size, const char *id, const struct cm_auth_result *const *results,
	size_t count, bool show_login)
{
	struct authres_field f;
	size_t head;

	authres_begin(&f, out, size, strlen(FIELD ": "));
	authres_id(&f, id);
	head = f.len;
	for (size_t i = 0; i < count; i++)
		put_result(&f, results[i], show_login);
	if (f.len == head)
		authres_text(&f, "; none");
	authres_end(&f);
}

/* --- acting --- */

/* In any case; blanks before the colon are not part of a name (RFC 5322 section 4.5). */
static bool
is_named(const struct cm_header *h, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(h->name, name, len) == 0 &&
	       h->name[len + strspn(h->name + len, " \t")] == '\0';
}

static size_t
count_named(const struct cm_session *s, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < cm_header_count(s); i++)
		count += strcasecmp(cm_header_at(s, i)->name, name) == 0;
	return count;
}

/* From the last to the first; false: one that must go cannot. */
static bool
remove_named(struct cm_session *s, const char *name, size_t *removed)
{
	const struct config *config = cm_config(s);
	size_t n = count_named(s, name);

	for (size_t i = cm_header_count(s); i-- > 0;) {
		const struct cm_header *h = cm_header_at(s, i);
		bool exact = strcasecmp(h->name, name) == 0;
		size_t index = n;

		if (!is_named(h, name))
			continue;
		n -= exact;
		if (origin_of(h->value, cm_authserv_id(s), &config->extra_ids) == ORIGIN_FOREIGN)
			continue;
		if (!exact || ++*removed > FORGED_MOST || !cm_remove_header(s, name, index))
			return false;
	}
	return true;
}

static enum cm_verdict
remove_forged(struct cm_session *s)
{
	const struct config *config = cm_config(s);
	size_t removed = 0;
	bool done = remove_named(s, FIELD, &removed);
	char count[24];

	for (size_t i = 0; done && i < config->remove_fields.count; i++)
		done = remove_named(s, config->remove_fields.items[i], &removed);
	if (removed > FORGED_MOST) {
		cm_reply(s, 554, "5.7.1", "More than %d forged fields", FORGED_MOST);
		return CM_REJECT;
	}
	snprintf(count, sizeof(count), "%zu", removed);
	cm_set_result(s, "removed", count);
	if (!done)
		cm_reason(s, "a forged field cannot be removed");
	else if (removed > 0)
		cm_reason(s, "removed %zu forged field%s", removed, removed == 1 ? "" : "s");
	return done ? CM_CONTINUE : CM_FAILED;
}

static bool
insert_ours(struct cm_session *s)
{
	const struct config *config = cm_config(s);
	size_t count = cm_auth_result_count(s);
	const struct cm_auth_result **results =
		cm_msg_alloc(s, (count + 1) * sizeof(const struct cm_auth_result *));
	char value[FIELD_SIZE];

	for (size_t i = 0; i < count; i++)
		results[i] = cm_auth_result(s, i);
	write_field(value, sizeof(value), cm_authserv_id(s), results, count, config->show_login);
	return cm_insert_header(s, 0, FIELD, value);
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	bool trusted = cm_client_in(s, config->trusted_relays);
	enum cm_verdict v = trusted ? CM_CONTINUE : remove_forged(s);

	(void)ev;
	return insert_ours(s) || v != CM_CONTINUE ? v : CM_FAILED;
}

/* --- the tables --- */

static bool
check_id(const char *text, char *why, size_t why_size)
{
	if (text[authres_token_length(text)] == '\0' && id_length(text) > 0 &&
		strlen(text) < ID_SIZE)
		return true;
	snprintf(why, why_size, "\"%.60s\" is not an authserv-id, such as mx2.example.com", text);
	return false;
}

/* RFC 5322 section 2.2. Those of ARC are covered by its seals. */
static bool
check_name(const char *text, char *why, size_t why_size)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~' && text[len] != ':')
		len++;
	if (len == 0 || text[len] != '\0')
		snprintf(why, why_size, "\"%.60s\" is not the name of a header field", text);
	else if (strncasecmp(text, "ARC-", 4) == 0)
		snprintf(why, why_size, "%.60s must stay, or ARC breaks", text);
	else
		return true;
	return false;
}

#define AT(field) offsetof(struct config, field)

static const struct cm_option options[] = {
	{"extra_ids", CM_OPT_LIST, AT(extra_ids), .since = "0.1", .check = check_id,
		.help = "further authserv-ids that are ours: fields with them are removed, too"},
	{"remove_fields", CM_OPT_LIST, AT(remove_fields), .since = "0.1", .check = check_name,
		.help = "further fields to treat so, such as X-Authentication-Results"},
	{"show_login", CM_OPT_BOOL, AT(show_login), "no", .since = "0.1",
		.help = "smtp.auth= tells every recipient the login"},
	{"trusted_relays", CM_OPT_NETWORKS, AT(trusted_relays), .since = "0.1",
		.help = "clients whose fields stay: mail servers of ours that write them"},
};

static const char *const after[] = {"arc", "auth", "dkim", "dmarc", "dnsbl", "rdns", "spf", NULL};

static const struct cm_published published[] = {
	{"removed", NULL, "how many forged fields were removed"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "auth_results",
	.help = "writes Authentication-Results, and removes those that strangers wrote as us",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.needs = CM_NEED_HEADERS | CM_EDIT_HEADERS | CM_AFTER_ACCEPT,
	.after = after,
	.eom = eom,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
