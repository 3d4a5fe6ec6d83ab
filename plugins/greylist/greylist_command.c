/* SPDX-License-Identifier: MIT */
/*
 * greylist_command.c - chainmail greylist show, allow, forget
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "greylist.h"

#define FROM_SIZE  300u
#define KEY_SIZE   401u /* of any key in a store, with its NUL */
#define FIRST_PART 3u	/* greylist/LINK/KIND/FROM */
#define ROWS_MOST  1000u
#define ROUNDS	   1000u
#define DAY_US	   (INT64_C(86400) * GREYLIST_SECOND)

/* What is looked for, and what was found. */
struct looking {
	struct cm_session *s;
	const char *text;		     /* NULL: everything */
	char network[FROM_SIZE];	     /* of the text, where it is an address */
	char written[GREYLIST_PART_SIZE];    /* the text as keys have it, */
	char as_sender[GREYLIST_PART_SIZE];  /* and as they have it for a sender */
	char as_network[GREYLIST_PART_SIZE]; /* and for a client, */
	char as_site[GREYLIST_PART_SIZE];    /* and for where it is */
	char (*keys)[KEY_SIZE];		     /* forget: what is to be deleted */
	size_t count;
};

static const struct greylist_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

static void
look_for(struct looking *l, struct cm_session *s, const char *text)
{
	size_t size = text == NULL ? 0 : strlen(text) + 1;
	char *same = cm_msg_alloc(s, size + 1), site[FROM_SIZE];

	*l = (struct looking){.s = s, .text = text};
	if (text == NULL)
		return;
	greylist_write_part(l->written, text);
	greylist_sender(text, same, size);
	greylist_write_part(l->as_sender, same);
	if (greylist_network(config_of(s), text, l->network, sizeof(l->network)))
		greylist_write_part(l->as_network, l->network);
	if (greylist_site(config_of(s), text, site, sizeof(site)))
		greylist_write_part(l->as_site, site);
}

static bool
complain(struct cm_session *s, const char *why)
{
	cm_complain(s, "%s", why);
	return false;
}

/* All entries of this link. */
static bool
each(struct looking *l, bool (*use)(void *, const char *, const void *, size_t))
{
	char prefix[GREYLIST_KEY_SIZE];

	greylist_key(prefix, cm_link_name(l->s), "", NULL, 0);
	return cm_store_each(l->s, config_of(l->s)->store, prefix, use, l) == CM_STORE_OK ||
	       complain(l->s, "the store does not answer");
}

/* --- show --- */

/* Any part of it has the text, or it is the network of that address. */
static bool
holds(const struct looking *l, const char *key)
{
	char part[GREYLIST_PART_SIZE];

	if (l->text == NULL)
		return true;
	for (unsigned i = FIRST_PART; greylist_part(key, i, part); i++) {
		if (strstr(part, l->text) != NULL ||
			(i == FIRST_PART && strcmp(part, l->network) == 0))
			return true;
	}
	return false;
}

static const char *
state_of(const struct greylist_config *c, const char *kind, const struct greylist_record *r)
{
	if (strcmp(kind, "from") == 0 && greylist_allowed(c, r))
		return "allowed";
	return r->passes > 0 ? "passed" : "waiting";
}

static bool
show_entry(void *context, const char *key, const void *value, size_t len)
{
	struct looking *l = context;
	char kind[GREYLIST_PART_SIZE], from[GREYLIST_PART_SIZE];
	char sender[GREYLIST_PART_SIZE] = "", rcpt[GREYLIST_PART_SIZE] = "";
	struct greylist_record r;

	greylist_decode(&r, value, len);
	/* Sets and counters have other values. */
	if (!r.there || !holds(l, key) || !greylist_part(key, FIRST_PART - 1, kind) ||
		!greylist_part(key, FIRST_PART, from))
		return true;
	greylist_part(key, FIRST_PART + 1, sender);
	greylist_part(key, FIRST_PART + 2, rcpt);
	const struct cm_cell cells[] = {
		{"kind", kind, 0},
		{"from", from, 0},
		{"sender", sender, 0},
		{"recipient", rcpt, 0},
		{"state", state_of(config_of(l->s), kind, &r), 0},
		{"passes", NULL, r.passes == GREYLIST_FOR_EVER ? 0 : (int64_t)r.passes},
		{"first_at", NULL, r.first},
		{"last_at", NULL, r.last},
	};

	return ++l->count <= ROWS_MOST && cm_row(l->s, cells, sizeof(cells) / sizeof(*cells));
}

static bool
show(struct cm_session *s, size_t count, const char *const *operands)
{
	struct looking l;

	look_for(&l, s, count > 0 ? operands[0] : NULL);
	if (!each(&l, show_entry))
		return false;
	return l.count <= ROWS_MOST ||
	       complain(s, "these are the first 1000: say a part of what you look for");
}

/* --- forget --- */

/* "example.org" and "@example.org" of "ann@example.org". */
static bool
is_domain_of(const char *text, const char *part)
{
	const char *at = strrchr(part, '@');

	return at != NULL && strcasecmp(text[0] == '@' ? at : at + 1, text) == 0;
}

/* A part of it is the text: more than what was meant must not be gone. */
static bool
is_about(const struct looking *l, const char *key)
{
	char part[GREYLIST_PART_SIZE];

	for (unsigned i = FIRST_PART; greylist_written_part(key, i, part); i++) {
		if (strcasecmp(part, l->written) == 0 || is_domain_of(l->written, part) ||
			(i == FIRST_PART && (strcmp(part, l->as_network) == 0 ||
						    strcmp(part, l->as_site) == 0)) ||
			(i == FIRST_PART + 1 && strcasecmp(part, l->as_sender) == 0))
			return true;
	}
	return false;
}

static bool
gather(void *context, const char *key, const void *value, size_t len)
{
	struct looking *l = context;

	(void)value;
	(void)len;
	if (is_about(l, key) && strlen(key) < KEY_SIZE)
		snprintf(l->keys[l->count++], KEY_SIZE, "%s", key);
	return l->count < ROWS_MOST;
}

/* Nothing may be changed while entries are shown, so in rounds. */
static bool
forget_round(struct looking *l)
{
	l->count = 0;
	if (!each(l, gather))
		return false;
	for (size_t i = 0; i < l->count; i++) {
		enum cm_store_status status =
			cm_store_delete(l->s, config_of(l->s)->store, l->keys[i]);

		if (status != CM_STORE_OK && status != CM_STORE_NONE)
			return complain(l->s, "the store does not answer");
	}
	return true;
}

static bool
forget(struct cm_session *s, size_t count, const char *const *operands)
{
	struct looking l;
	int64_t all = 0;

	(void)count;
	if (operands[0][0] == '\0')
		return complain(s, "say what: a client, network, address or domain");
	look_for(&l, s, operands[0]);
	l.keys = cm_msg_alloc(s, ROWS_MOST * sizeof(*l.keys));
	l.count = ROWS_MOST;
	for (unsigned i = 0; i < ROUNDS && l.count == ROWS_MOST; i++) {
		if (!forget_round(&l))
			return false;
		all += (int64_t)l.count;
	}
	cm_row(s, &(struct cm_cell){"forgotten", NULL, all}, 1);
	return true;
}

/* --- allow --- */

struct allow_args {
	int64_t for_us;
};

static const struct cm_option allow_options[] = {
	{"for", CM_OPT_DURATION, offsetof(struct allow_args, for_us), "90d",
		.help = "how long it is allowed; ten years at most", .min = GREYLIST_SECOND,
		.max = 3653 * DAY_US},
};

/* "203.0.113.7", or a network, which must be one of those that count. */
static bool
read_network(const struct greylist_config *c, const char *text, char *out, size_t size)
{
	char address[INET6_ADDRSTRLEN + 1];
	size_t len = strcspn(text, "/");

	if (len >= sizeof(address))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)len, text);
	return greylist_network(c, address, out, size) &&
	       (text[len] == '\0' || strcmp(text + len, strchr(out, '/')) == 0);
}

static bool
read_domain(const struct greylist_config *c, const char *text, char *out, size_t size)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t len = strlen(text);

	/* All digits and dots: an address with a mistake in it. */
	if (!c->use_spf || len == 0 || len >= size || strspn(text, "0123456789.") == len)
		return false;
	for (size_t i = 0; i <= len; i++) {
		const char *big = strchr(upper, text[i]);

		out[i] = big == NULL || *big == '\0' ? text[i] : others[big - upper];
		if (strchr(others, out[i]) == NULL)
			return false;
	}
	return true;
}

static bool
complain_of(struct cm_session *s, const char *text)
{
	const struct greylist_config *c = config_of(s);

	cm_complain(s, "\"%.100s\" is no address, no network of %lld or %lld bits%s", text,
		(long long)c->prefix_v4, (long long)c->prefix_v6,
		c->use_spf ? ", and no domain" : "; domains do not count, for use_spf = no");
	return false;
}

static bool
allow(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct allow_args *args = cm_args(s);
	int64_t now = cm_time(s);
	struct greylist_record r = {true, now, now, GREYLIST_FOR_EVER};
	unsigned char value[GREYLIST_RECORD];
	char key[GREYLIST_KEY_SIZE], from[FROM_SIZE];

	(void)count;
	if (!read_network(config_of(s), operands[0], from, sizeof(from)) &&
		!read_domain(config_of(s), operands[0], from, sizeof(from)))
		return complain_of(s, operands[0]);
	greylist_encode(&r, value);
	greylist_key(key, cm_link_name(s), "from", (const char *const[]){from}, 1);
	if (cm_store_set(s, config_of(s)->store, key, value, sizeof(value), args->for_us) !=
		CM_STORE_OK)
		return complain(s, "the store does not take it");
	cm_row(s,
		(const struct cm_cell[]){{"allowed", from, 0},
			{"until_at", NULL, now + args->for_us / GREYLIST_SECOND}},
		2);
	return true;
}

const struct cm_command greylist_commands[GREYLIST_COMMANDS] = {
	{"allow", "CLIENT|NETWORK|DOMAIN", "let mail from there pass at once", true, allow,
		allow_options, sizeof(allow_options) / sizeof(*allow_options),
		sizeof(struct cm_option), sizeof(struct allow_args)},
	{.name = "forget",
		.operands = "CLIENT|NETWORK|ADDRESS|DOMAIN",
		.help = "forget everything about it",
		.changes = true,
		.run = forget},
	{.name = "show",
		.operands = "[TEXT]",
		.help = "what is known, or what of it holds the text",
		.run = show},
};
