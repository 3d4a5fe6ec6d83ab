/* SPDX-License-Identifier: MIT */
/*
 * generation_check.c - what the sections of filter.conf mean together
 *
 * Each check stands alone and says one kind of mistake. None of them runs after a syntax error,
 * whose consequences they would report.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "generation_build.h"
#include "script.h"

#define NAMES_MOST 200u

static bool
is_of(const struct profile *p, const struct link *l, const char *type)
{
	return !build_off(p, l) && strcmp(l->plugin->name, type) == 0;
}

static bool
has_before(const struct profile *p, const struct build_list *l, size_t i, const char *type)
{
	for (size_t k = 0; k < i; k++) {
		if (is_of(p, l->links[k], type))
			return true;
	}
	return false;
}

/*
 * The place of the link of that type behind link i which that one should have in front; count when
 * there is none. Where another is in front, one that signs may come last, and a rule has what it
 * reads.
 */
static size_t
find_behind(const struct build *b, const struct profile *p, const struct build_list *l, size_t i,
	const char *type)
{
	bool served = has_before(p, l, i, type);
	size_t k = i + 1;

	if (served && build_is_rule(b, l->links[i]))
		return l->count;
	while (k < l->count && (!is_of(p, l->links[k], type) || (served && l->links[k]->adds)))
		k++;
	return k;
}

/* "spf", "spf and dkim", "spf, dkim and arc". */
static size_t
join_names(struct buf *b, const char *const *names)
{
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	for (size_t i = 0; i < count; i++) {
		const char *before = i == 0 ? "" : i + 1 == count ? " and " : ", ";

		buf_printf(b, "%s%s", before, names[i]);
	}
	return count;
}

static void
help_order(struct build *b, const struct link *link)
{
	struct buf names;
	size_t count;

	buf_init(&names, NAMES_MOST);
	count = join_names(&names, link->plugin->after);
	diag_help(b->diag, "%s uses the results of %s; move it behind %s", link->name, names.data,
		count == 1   ? names.data
		: count == 2 ? "both"
			     : "all of them");
	buf_fini(&names);
}

static void
check_place(struct build *b, const struct profile *p, const struct build_list *l, size_t i)
{
	const struct link *link = l->links[i];

	if (build_off(p, link) || link->plugin->after == NULL)
		return;
	for (const char *const *type = link->plugin->after; *type != NULL; type++) {
		size_t later = find_behind(b, p, l, i, *type);

		if (later == l->count)
			continue;
		/* It may check what it does not sign: nobody knows whether the rule means that. */
		(build_is_rule(b, link) && l->links[later]->adds ? diag_warn : diag_error)(b->diag,
			l->items[i]->pos, NULL, "%s runs before %s in profile %s", link->name,
			l->links[later]->name, p->name);
		help_order(b, link);
		return;
	}
}

void
build_check_order(struct build *b, const struct profile *p, const struct build_list *l)
{
	for (size_t i = 0; i < l->count && !diag_broken(b->diag); i++)
		check_place(b, p, l, i);
}

static bool
has_type(const struct profile *p, const char *type)
{
	for (size_t i = 0; i < p->link_count; i++) {
		if (strcmp(p->links[i]->plugin->name, type) == 0)
			return true;
	}
	return false;
}

/* A profile whose chain has the link, and a plugin of the type where that is told; or NULL. */
static const struct profile *
find_profile(const struct build *b, size_t link, const char *type)
{
	for (size_t i = 0; i < b->g->chain.profile_count; i++) {
		const struct profile *p = &b->g->chain.profiles[i];

		if (p->has[link] && (type == NULL || has_type(p, type)))
			return p;
	}
	return NULL;
}

/* Where a profile has lost its chain, nobody knows what it would have named. */
static bool
chains_known(const struct build *b)
{
	for (size_t i = 0; i < b->g->chain.profile_count; i++) {
		if (conf_find(b->profile_sections[i]->section, "chain") == NULL)
			return false;
	}
	return b->g->chain.profile_count > 0;
}

static void
check_unused(struct build *b)
{
	if (!chains_known(b))
		return;
	for (size_t i = 0; i < b->g->chain.link_count; i++) {
		if (find_profile(b, i, NULL) == NULL && !b->g->chain.links[i]->asked)
			diag_warn(b->diag, b->link_sections[i]->section->pos, NULL,
				"%s is defined but no chain names it", b->link_sections[i]->what);
	}
}

/* A rule whose hooks read what none of its chains gives; one of several chains may do without. */
static void
check_read(struct build *b, size_t i)
{
	const struct link *l = b->g->chain.links[i];
	const struct profile *p = find_profile(b, i, NULL);
	const char *type;

	for (size_t k = 0; p != NULL && (type = script_reads(l->config, k)) != NULL; k++) {
		if (find_profile(b, i, type) != NULL)
			continue;
		diag_warn(b->diag, b->link_sections[i]->section->pos, NULL,
			"%s reads m.%s, and no chain that names it has the plugin %s", l->name,
			type, type);
		diag_help(b->diag, "name the plugin in the chain of profile %s, before %s", p->name,
			l->name);
	}
}

static void
check_reads(struct build *b)
{
	if (diag_errors(b->diag) > 0 || !chains_known(b))
		return;
	for (size_t i = 0; i < b->g->chain.link_count; i++) {
		if (b->g->chain.links[i]->left_out == NULL &&
			build_is_rule(b, b->g->chain.links[i]))
			check_read(b, i);
	}
}

/* Which of the mail with and without a login a profile takes, when nothing else is asked for. */
static unsigned
takes(const struct profile *p)
{
	static const unsigned logins[] = {
		[PROFILE_ANY] = 3, [PROFILE_AUTHENTICATED] = 1, [PROFILE_ANONYMOUS] = 2};

	if (p->ports.count > 0 || p->daemons.count > 0 || p->clients != NULL)
		return 0;
	return logins[p->login];
}

static void
never_used(struct build *b, size_t profile, size_t before)
{
	const struct profile *profiles = b->g->chain.profiles;

	diag_warn(b->diag, b->profile_sections[profile]->section->pos, NULL,
		takes(&profiles[before]) == 3
			? "profile %s is never used: profile %s before it has no conditions"
			: "profile %s is never used: profile %s and those before it take all mail",
		profiles[profile].name, profiles[before].name);
	diag_help(b->diag, "the first profile whose conditions hold is used; move %s up",
		profiles[profile].name);
}

static void
check_reachable(struct build *b)
{
	const struct chain *chain = &b->g->chain;
	unsigned taken = 0;
	size_t i = 0;

	for (; i < chain->profile_count && taken != 3; i++)
		taken |= takes(&chain->profiles[i]);
	for (size_t later = i; later < chain->profile_count; later++)
		never_used(b, later, i - 1);
}

/* A mode with an end that never comes, or has come. */
static void
check_until(struct build *b, const struct link *l, const struct conf_setting *until)
{
	if (l->set.mode == LINK_ENFORCE) {
		diag_warn(b->diag, until->value.pos, NULL,
			"until of %s ends nothing: it has mode = enforce", l->name);
		diag_help(b->diag,
			"until is when mode = shadow or off ends and the link is enforced");
	} else if (clock_wall() >= l->set.until) {
		diag_warn(b->diag, until->value.pos, NULL, "until of %s is over: it is enforced",
			l->name);
		diag_help(b->diag, "take mode and until away, or write a later time");
	}
}

/* Settings of a link that do nothing beside its others. */
static void
check_links(struct build *b)
{
	for (size_t i = 0; i < b->g->chain.link_count; i++) {
		const struct link *l = b->g->chain.links[i];
		const struct conf_section *s = b->link_sections[i]->section;
		const struct conf_setting *until = conf_find(s, "until");
		const struct conf_setting *tripped = conf_find(s, "tripped");

		if (until != NULL && l->set.until != 0)
			check_until(b, l, until);
		if (tripped != NULL && l->set.trip_after.count == 0)
			diag_warn(b->diag, tripped->value.pos, NULL,
				"tripped of %s does nothing without trip_after", l->name);
	}
}

/* What is not there, has no line to be shown. */
static void
check_complete(struct build *b)
{
	if (build_count(b, "profile") == 0) {
		diag_error_in(b->diag, b->g->path, 0, "no profile: no mail would be checked");
		diag_help(b->diag, "add: profile inbound { chain = [ ... ] }");
	}
	if (build_count(b, "listener") == 0) {
		(b->purpose != BUILD_TO_LOOK ? diag_error_in : diag_warn_in)(
			b->diag, b->g->path, 0, "no listener: no mail server can connect");
		diag_help(b->diag,
			"add: listener postfix { socket = unix:/run/chainmail/milter.sock }");
	}
}

void
build_check(struct build *b)
{
	if (diag_incomplete(b->diag))
		return;
	check_unused(b);
	check_reads(b);
	check_links(b);
	check_reachable(b);
	check_complete(b);
}
