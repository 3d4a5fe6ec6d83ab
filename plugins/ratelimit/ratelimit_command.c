/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_command.c - chainmail limit show, list, reset
 *
 * A key in the store says who it is of, so it can be made a subject again, with his limits of now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ratelimit.h"

/* More than that nobody reads, and more than that no command looks at. */
#define ROWS_MOST 1000u
#define KEYS_MOST 50000u
#define SECOND	  INT64_C(1000000)

struct key {
	struct key *next;
	char text[];
};

struct keys {
	struct cm_session *s;
	struct key *first;
	size_t count;
};

/* Rows of one link. */
struct rows {
	struct cm_session *s;
	int64_t over; /* percent that a row's bucket is filled to, at least */
	size_t count;
	bool read; /* somebody still reads them */
};

static const struct ratelimit_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

/* --- whose a key is --- */

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes ratelimit_append() of one part, in its place. */
static void
decode(char *part)
{
	char *out = part;

	for (; *part != '\0'; part++) {
		if (part[0] == '%' && digit(part[1]) >= 0 && digit(part[2]) >= 0) {
			*out++ = (char)(digit(part[1]) * 16 + digit(part[2]));
			part += 2;
		} else {
			*out++ = *part;
		}
	}
	*out = '\0';
}

static bool
is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* What people write: an address of the network, or 192.0.2.0/24, whose slash is not %2F. */
static const char *
read_net(struct cm_session *s, char *part, char **rest)
{
	size_t size, len = *rest == NULL ? 0 : strcspn(*rest, "/");
	char bits[4] = "";
	const char *net;
	char *out;

	if (strchr(part, '/') != NULL)
		return part;
	if (len > 0 && len < sizeof(bits))
		memcpy(bits, *rest, len);
	if (!is_number(bits)) {
		net = ratelimit_net(s, part);
		return net == NULL ? part : net;
	}
	strsep(rest, "/");
	size = strlen(part) + sizeof(bits) + 1;
	out = cm_msg_alloc(s, size);
	snprintf(out, size, "%s/%s", part, bits);
	return out;
}

/* "bob/198.51.100.7"; false: that is no key of this limit. *rest: what stands behind it, or NULL.
 */
static bool
read_who(struct cm_session *s, const char *shown, struct ratelimit_who *who, char **rest)
{
	const struct ratelimit_config *config = config_of(s);
	size_t len = strlen(shown);

	*who = (struct ratelimit_who){.missing = NULL};
	*rest = memcpy(cm_msg_alloc(s, len + 1), shown, len);
	for (size_t i = 0; i < config->part_count; i++) {
		char *part = strsep(rest, "/");

		if (part == NULL || part[0] == '\0')
			return false;
		decode(part);
		who->values[i] = strcmp(config->key.items[i], "client_net") == 0
					 ? read_net(s, part, rest)
					 : part;
	}
	return true;
}

/* --- rows --- */

static void
add_row(struct rows *r, const struct cm_cell *cells, size_t count)
{
	r->read = r->read && cm_row(r->s, cells, count);
	r->count++;
}

static void
rate_of(const struct ratelimit_limit *l, size_t window, char *out, size_t size)
{
	const struct cm_limit_window *w = &l->limit.window[window];
	char period[RATELIMIT_WORDS];

	ratelimit_short(w->period_us, period);
	snprintf(out, size, "%lld/%s", (long long)(w->count * l->unit), period);
}

/* False: the store does not answer. */
static bool
show_bucket(struct rows *r, const struct ratelimit_subject *who, struct ratelimit_bucket *b)
{
	struct ratelimit_answer a = ratelimit_look(r->s, b, 1);
	int64_t unit = b->limit.unit, used = a.store.used, limit = a.store.limit;
	char rate[64];

	if (a.outcome != RATELIMIT_OK && a.outcome != RATELIMIT_OVER) {
		cm_complain(r->s, "the store does not answer");
		return false;
	}
	if (used * 100 < limit * r->over)
		return true;
	rate_of(&b->limit, a.store.window, rate, sizeof(rate));
	const struct cm_cell cells[] = {
		{"key", who->shown, 0},
		{"limit", rate, 0},
		{"used", NULL, used * unit},
		{"of", NULL, limit * unit},
		{"left", NULL, used < limit ? (limit - used) * unit : 0},
		/* A store adds one for what it rounds. */
		{"next_in", NULL, (a.store.retry_us + SECOND - 2) / SECOND},
	};

	add_row(r, cells, sizeof(cells) / sizeof(*cells));
	return true;
}

static void
show_words(struct rows *r, const char *key, const char *words)
{
	add_row(r, (const struct cm_cell[]){{"key", key, 0}, {"limit", words, 0}}, 2);
}

/* Of several limits a key may fit one: so the others say what theirs are, and do not fail. */
static void
show_misfit(struct rows *r, const char *key)
{
	const struct cm_list *parts = &config_of(r->s)->key;
	char words[256] = "keys are ";

	for (size_t i = 0; i < parts->count; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
			i > 0 ? "/" : "", parts->items[i]);
	show_words(r, key, words);
}

/* --- commands --- */

/* The only operand; NULL after a complaint. */
static const char *
read_operand(struct cm_session *s, size_t count, const char *const *operands)
{
	if (count == 1)
		return operands[0];
	cm_complain(s, "say whose: KEY, such as a login; of several parts: PART/PART");
	return NULL;
}

/* False after a complaint; *subject NULL: there is nothing of him, and the row says why. */
static bool
show_key(struct rows *r, const char *key, struct ratelimit_subject **subject)
{
	struct ratelimit_subject *list = NULL;
	struct ratelimit_who who;
	char *rest;

	*subject = NULL;
	if (!read_who(r->s, key, &who, &rest) || rest != NULL) {
		show_misfit(r, key);
		return true;
	}
	*subject = ratelimit_subject(r->s, &list, &who);
	if (*subject == NULL) {
		cm_complain(
			r->s, "his limits cannot be told: a map cannot be read, or names no class");
		return false;
	}
	if ((*subject)->kind != RATELIMIT_IS_LIMITED)
		show_words(r, (*subject)->shown,
			(*subject)->kind == RATELIMIT_IS_EXEMPT ? "exempt" : "unlimited");
	for (size_t i = 0; i < (*subject)->bucket_count; i++) {
		if (!show_bucket(r, *subject, &(*subject)->bucket[i]))
			return false;
	}
	return true;
}

static bool
show(struct cm_session *s, size_t count, const char *const *operands)
{
	const char *key = read_operand(s, count, operands);
	struct ratelimit_subject *subject;

	return key != NULL && show_key(&(struct rows){.s = s, .read = true}, key, &subject);
}

static bool
gather(void *context, const char *key, const void *value, size_t len)
{
	struct keys *keys = context;
	size_t size = strlen(key) + 1;
	struct key *k;

	(void)value;
	(void)len;
	k = cm_msg_alloc(keys->s, sizeof(*k) + size);
	memcpy(k->text, key, size);
	k->next = keys->first;
	keys->first = k;
	return ++keys->count < KEYS_MOST;
}

/* What the keys of this link begin with: "limit/LINK/". */
static const char *
prefix_of(struct cm_session *s)
{
	size_t size = sizeof("limit//") + 3 * strlen(cm_link_name(s));
	char *prefix = cm_msg_alloc(s, size);
	size_t len = ratelimit_append(prefix, size, 0, "limit", false);

	len = ratelimit_append(prefix, size, len, cm_link_name(s), false);
	prefix[len] = '/';
	return prefix;
}

/* False after a complaint. A key of other settings than those of now is of nobody. */
static bool
list_key(struct rows *r, const struct key *key, size_t prefix_len)
{
	struct ratelimit_subject *list = NULL, *subject;
	struct ratelimit_who who;
	char *rest;

	if (!read_who(r->s, key->text + prefix_len, &who, &rest))
		return true;
	subject = ratelimit_subject(r->s, &list, &who);
	for (size_t i = 0; subject != NULL && i < subject->bucket_count; i++) {
		if (strcmp(subject->bucket[i].key, key->text) == 0)
			return show_bucket(r, subject, &subject->bucket[i]);
	}
	return true;
}

/* "80%", or "80"; -1: neither. */
static int64_t
read_percent(const char *text)
{
	char *end;
	long percent = strtol(text, &end, 10);

	if (end == text || percent < 0 || percent > 1000 || (*end != '\0' && strcmp(end, "%") != 0))
		return -1;
	return percent;
}

static bool
list(struct cm_session *s, size_t count, const char *const *operands)
{
	struct rows r = {.s = s, .read = true};
	struct keys keys = {.s = s};
	const char *prefix = prefix_of(s);

	r.over = count == 0 ? 0 : count == 1 ? read_percent(operands[0]) : -1;
	if (r.over < 0) {
		cm_complain(s, "--over takes a percentage, such as 80%%");
		return false;
	}
	if (cm_store_each(s, config_of(s)->store, prefix, gather, &keys) != CM_STORE_OK) {
		cm_complain(s, "the store does not answer");
		return false;
	}
	for (const struct key *k = keys.first; k != NULL && r.read; k = k->next) {
		if (r.count == ROWS_MOST) {
			cm_complain(s, "there are more than %u; say which: --over 80%%", ROWS_MOST);
			return false;
		}
		if (!list_key(&r, k, strlen(prefix)))
			return false;
	}
	if (keys.count < KEYS_MOST)
		return true;
	cm_complain(s,
		"there are more than %u keys, and the others were not looked at; ask for "
		"one: limit show KEY",
		KEYS_MOST);
	return false;
}

static bool
reset(struct cm_session *s, size_t count, const char *const *operands)
{
	const char *key = read_operand(s, count, operands);
	struct ratelimit_subject *subject;

	if (key == NULL || !show_key(&(struct rows){.s = s, .read = true}, key, &subject))
		return false;
	for (size_t i = 0; subject != NULL && i < subject->bucket_count; i++) {
		if (cm_store_delete(s, config_of(s)->store, subject->bucket[i].key) !=
			CM_STORE_AWAY)
			continue;
		cm_complain(s, "the store does not answer");
		return false;
	}
	return true;
}

const struct cm_command ratelimit_commands[RATELIMIT_COMMANDS] = {
	{"list", "[PERCENT]", "shows who has used that much of his limit, or anything", false,
		list},
	{"reset", "KEY", "forgets what was counted, and shows it", true, reset},
	{"show", "KEY", "shows what was counted: used, limit, and seconds until the next fits",
		false, show},
};
