/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_key.c - whose limit it is: parts of a key, and the names under which he stands in maps
 *
 * A part that nobody told is never a text of its own: all who have none would share one limit.
 */
#include "ratelimit.h"
#include "../lib/network.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))

/* --- what the parts are --- */

static enum cm_known
told(const char *text, const char **value)
{
	*value = text;
	return text == NULL || text[0] == '\0' ? CM_NONE : CM_KNOWN;
}

/* What is no address is still what the client calls itself. */
static enum cm_known
told_address(const struct cm_address *a, const char **value)
{
	if (a == NULL || a->null)
		return CM_NONE;
	return told(a->addr[0] == '\0' ? a->text : a->addr, value);
}

static enum cm_known
get_auth_user(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	const struct cm_auth *auth;
	enum cm_known known = cm_auth(s, &auth);

	(void)rcpt;
	if (known == CM_KNOWN)
		*value = auth->user;
	return known;
}

static enum cm_known
get_client_ip(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	(void)rcpt;
	return told(cm_client(s)->ip, value);
}

const char *
ratelimit_net(struct cm_session *s, const char *ip)
{
	const struct ratelimit_config *config = cm_config(s);
	char net[NETWORK_SIZE], *kept;
	size_t size;

	if (!network_of(ip, (unsigned)config->prefix_v4, (unsigned)config->prefix_v6, net))
		return NULL;
	size = strlen(net) + 1;
	kept = cm_msg_alloc(s, size);
	memcpy(kept, net, size);
	return kept;
}

static enum cm_known
get_client_net(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	(void)rcpt;
	return told(ratelimit_net(s, cm_client(s)->ip), value);
}

static enum cm_known
get_helo(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	(void)rcpt;
	return told(cm_helo(s), value);
}

static enum cm_known
get_recipient(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	(void)s;
	return told_address(rcpt, value);
}

static enum cm_known
get_recipient_domain(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	(void)s;
	return told(rcpt == NULL ? NULL : rcpt->domain, value);
}

static enum cm_known
get_sender(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	(void)rcpt;
	return told_address(cm_sender(s), value);
}

static enum cm_known
get_sender_domain(struct cm_session *s, const struct cm_address *rcpt, const char **value)
{
	const struct cm_address *sender = cm_sender(s);

	(void)rcpt;
	return told(sender == NULL ? NULL : sender->domain, value);
}

/*
 * What else a part is called in maps. Case is no part of any key: many mail servers take bob and
 * Bob for one and tell the login as it was typed, and each spelling would have the limit anew.
 */
enum also { ALSO_NOTHING, ALSO_DOMAIN_OF, ALSO_AT_DOMAIN, ALSO_CLIENT };

static const struct part {
	const char *name;
	enum cm_stage known;
	enum also also;
	enum cm_known (*get)(struct cm_session *, const struct cm_address *, const char **);
} parts[] = {
	{"auth_user", CM_STAGE_MAIL, ALSO_DOMAIN_OF, get_auth_user},
	{"client_ip", CM_STAGE_CONNECT, ALSO_NOTHING, get_client_ip},
	{"client_net", CM_STAGE_CONNECT, ALSO_CLIENT, get_client_net},
	{"helo", CM_STAGE_HELO, ALSO_NOTHING, get_helo},
	{"recipient", CM_STAGE_RCPT, ALSO_DOMAIN_OF, get_recipient},
	{"recipient_domain", CM_STAGE_RCPT, ALSO_AT_DOMAIN, get_recipient_domain},
	{"sender", CM_STAGE_MAIL, ALSO_DOMAIN_OF, get_sender},
	{"sender_domain", CM_STAGE_MAIL, ALSO_AT_DOMAIN, get_sender_domain},
};

/* --- settings --- */

static size_t
find_part(const char *name)
{
	size_t i = 0;

	while (i < LENGTH(parts) && strcmp(parts[i].name, name) != 0)
		i++;
	return i;
}

bool
ratelimit_check_part(const char *name, char *why, size_t why_size)
{
	if (find_part(name) < LENGTH(parts))
		return true;
	/* Others have it, so people will look for it here. */
	if (strcmp(name, "asn") == 0) {
		snprintf(why, why_size,
			"\"asn\" needs a database of networks and their operators "
			"(libmaxminddb), which this version does not read; client_net is the "
			"nearest");
		return false;
	}
	snprintf(why, why_size,
		"\"%.40s\" is none of auth_user, client_ip, client_net, helo, recipient, "
		"recipient_domain, sender, sender_domain",
		name);
	return false;
}

/* Where what is counted is looked at, parts that are told later do not help. */
static const struct {
	enum ratelimit_count count;
	enum cm_stage known;
	const char *mistake;
} stages[] = {
	{RATELIMIT_CONNECTIONS, CM_STAGE_CONNECT,
		"count = connections takes keys of client_ip and client_net, for nothing else is "
		"known then"},
	{RATELIMIT_ERRORS, CM_STAGE_MAIL,
		"count = errors takes no key of a recipient, for it refuses before there is one"},
};

static const char *
find_mistake(const struct ratelimit_config *config, const struct part *part)
{
	for (size_t i = 0; i < LENGTH(stages); i++) {
		if ((int)stages[i].count == config->count && part->known > stages[i].known)
			return stages[i].mistake;
	}
	for (size_t i = 0; i < config->part_count; i++) {
		if (&parts[config->parts[i]] == part)
			return "key has a part twice";
	}
	return NULL;
}

bool
ratelimit_start_key(struct ratelimit_config *config, char *why, size_t why_size)
{
	const char *mistake = config->key.count == 0 ? "key has no part" : NULL;

	config->part_count = 0;
	for (size_t i = 0; mistake == NULL && i < config->key.count; i++) {
		size_t part = find_part(config->key.items[i]);

		mistake = find_mistake(config, &parts[part]);
		if (mistake == NULL)
			config->parts[config->part_count++] = (unsigned)part;
	}
	if (mistake != NULL)
		snprintf(why, why_size, "%s", mistake);
	return mistake == NULL;
}

bool
ratelimit_key_has(const struct ratelimit_config *config, const char *part)
{
	for (size_t i = 0; i < config->part_count; i++) {
		if (strcmp(parts[config->parts[i]].name, part) == 0)
			return true;
	}
	return false;
}

bool
ratelimit_key_by_rcpt(const struct ratelimit_config *config)
{
	return ratelimit_key_has(config, "recipient") ||
	       ratelimit_key_has(config, "recipient_domain");
}

/* --- keys --- */

enum cm_known
ratelimit_who(struct cm_session *s, const struct cm_address *rcpt, struct ratelimit_who *who)
{
	const struct ratelimit_config *config = cm_config(s);

	*who = (struct ratelimit_who){0};
	for (size_t i = 0; i < config->part_count; i++) {
		const struct part *part = &parts[config->parts[i]];
		enum cm_known known = part->get(s, rcpt, &who->values[i]);

		if (known == CM_KNOWN)
			continue;
		who->missing = part->name;
		return known;
	}
	return CM_KNOWN;
}

static void
put(char *out, size_t size, size_t at, int c)
{
	if (at < size)
		out[at] = (char)c;
}

static int
lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

size_t
ratelimit_append(char *out, size_t size, size_t len, const char *text, bool fold)
{
	static const char digits[] = "0123456789ABCDEF";

	if (len > 0)
		put(out, size, len++, '/');
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p >= ' ' && *p != 0x7f && *p != '%' && *p != '/') {
			put(out, size, len++, fold ? lower(*p) : *p);
			continue;
		}
		put(out, size, len++, '%');
		put(out, size, len++, digits[*p >> 4]);
		put(out, size, len++, digits[*p & 15]);
	}
	return len;
}

/* Where the key's own part begins is *own. */
static size_t
write_key(const struct cm_session *s, char *out, size_t size, const char *first,
	const struct ratelimit_who *who, size_t *own)
{
	const struct ratelimit_config *config = cm_config(s);
	size_t len = ratelimit_append(out, size, 0, first, false);

	len = ratelimit_append(out, size, len, cm_link_name(s), false);
	*own = len + 1;
	for (size_t i = 0; i < config->part_count; i++)
		len = ratelimit_append(out, size, len, who->values[i], true);
	put(out, size, len, '\0');
	return len;
}

const char *
ratelimit_key(struct cm_session *s, const char *first, const struct ratelimit_who *who,
	const char **shown)
{
	size_t own, size = write_key(s, NULL, 0, first, who, &own) + 1;
	char *key = cm_msg_alloc(s, size);

	write_key(s, key, size, first, who, &own);
	*shown = key + own;
	return key;
}

/* --- names --- */

static const char *
join(struct cm_session *s, const char *separator, const char *const *texts, size_t count)
{
	size_t size = 1;
	char *all;

	for (size_t i = 0; i < count; i++)
		size += strlen(texts[i]) + strlen(separator);
	all = cm_msg_alloc(s, size);
	for (size_t i = 0, len = 0; i < count; i++)
		len += (size_t)snprintf(
			all + len, size - len, "%s%s", i > 0 ? separator : "", texts[i]);
	return all;
}

/* Who asks about a network is no client: its first address stands for all of it. */
static const char *
client_of(struct cm_session *s, const char *network)
{
	size_t len = strcspn(network, "/");
	char *first;

	if (cm_client(s)->ip[0] != '\0')
		return cm_client(s)->ip;
	first = cm_msg_alloc(s, len + 1);
	memcpy(first, network, len);
	return first;
}

/* NULL: it has no other name. */
static const char *
other_name(struct cm_session *s, const struct part *part, const char *value)
{
	switch (part->also) {
	case ALSO_NOTHING:
		break;
	case ALSO_DOMAIN_OF:
		return strrchr(value, '@');
	case ALSO_AT_DOMAIN:
		return join(s, "@", (const char *const[]){"", value}, 2);
	case ALSO_CLIENT:
		return client_of(s, value);
	}
	return NULL;
}

size_t
ratelimit_names(
	struct cm_session *s, const struct ratelimit_who *who, const char *names[RATELIMIT_NAMES])
{
	const struct ratelimit_config *config = cm_config(s);
	size_t count = 0;

	if (config->part_count > 1)
		names[count++] = join(s, "/", who->values, config->part_count);
	for (size_t i = 0; i < config->part_count; i++) {
		const char *other;

		names[count++] = who->values[i];
		other = other_name(s, &parts[config->parts[i]], who->values[i]);
		if (other != NULL && other != who->values[i])
			names[count++] = other;
	}
	return count;
}
