/* SPDX-License-Identifier: MIT */
/*
 * dnsbl_start.c - settings become rules and lists
 *
 * Each value and line has passed its own check; here is what they say together.
 */
#include "dnsbl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a line says nothing of. */
static void
set_defaults(struct dnsbl_rule *r, const struct dnsbl_config *config)
{
	*r = (struct dnsbl_rule){.zone = config->zone, .text = config->text, .test = config->test};
	r->action = config->threshold > 0 ? (int)DNSBL_SCORE : config->action;
	for (size_t i = 0; i < config->codes.count; i++)
		dnsbl_add_code(r, config->codes.items[i]);
	for (size_t i = 0; i < config->about.count; i++)
		dnsbl_add_about(r, config->about.items[i]);
}

/* In any case, with the root's dot or without. */
static bool
same_zone(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);

	len_a -= a[len_a - 1] == '.';
	len_b -= b[len_b - 1] == '.';
	return len_a == len_b && strncasecmp(a, b, len_a) == 0;
}

static struct dnsbl_list *
find_list(struct dnsbl *lists, const struct dnsbl_rule *rule)
{
	size_t i = 0;

	while (i < lists->list_count && !same_zone(lists->lists[i].zone, rule->zone))
		i++;
	if (i == lists->list_count)
		dnsbl_list_init(&lists->lists[lists->list_count++], rule);
	return &lists->lists[i];
}

static bool
weigh(struct dnsbl_rule *r, char *why, size_t why_size)
{
	if (r->weight == 0)
		r->weight = 1;
	else if (r->action != DNSBL_SCORE) {
		snprintf(why, why_size,
			"the weight of %.60s counts nowhere: set threshold, or take the weight or "
			"the action out",
			r->zone);
		return false;
	}
	return true;
}

/* Any line of a list may name its test entry. */
static bool
choose_test(struct dnsbl_list *l, const struct dnsbl_rule *r, const struct dnsbl_config *config,
	char *why, size_t why_size)
{
	if (r->test == config->test)
		return true;
	if (l->own_test != NULL && strcasecmp(l->own_test, r->test) != 0) {
		snprintf(why, why_size,
			"%.60s has one test entry: two lines of it name different ones", r->zone);
		return false;
	}
	l->own_test = r->test;
	dnsbl_list_set_test(l, r->test);
	return true;
}

static bool
add_rule(struct dnsbl_config *config, const char *line, char *why, size_t why_size)
{
	struct dnsbl *lists = config->lists;
	struct dnsbl_rule *r = &lists->rules[lists->rule_count++];

	set_defaults(r, config);
	if ((line != NULL && !dnsbl_rule_parse(r, line, why, why_size)) || !weigh(r, why, why_size))
		return false;
	r->list = find_list(lists, r);
	return choose_test(r->list, r, config, why, why_size);
}

/* A threshold that nothing reaches is a mistake. */
static bool
reachable(const struct dnsbl *lists, char *why, size_t why_size)
{
	int64_t most = 0;

	for (size_t i = 0; i < lists->rule_count; i++) {
		const struct dnsbl_rule *r = &lists->rules[i];

		if (r->action == DNSBL_SCORE && r->weight > 0)
			most += r->weight;
	}
	if (lists->threshold <= most)
		return true;
	snprintf(why, why_size,
		"threshold = %lld is never reached: the weights of all lines together are %lld",
		(long long)lists->threshold, (long long)most);
	return false;
}

static bool
add_rules(struct dnsbl_config *config, char *why, size_t why_size)
{
	if (config->zone != NULL && !add_rule(config, NULL, why, why_size))
		return false;
	for (size_t i = 0; i < config->zones.count; i++) {
		if (!add_rule(config, config->zones.items[i], why, why_size))
			return false;
	}
	return reachable(config->lists, why, why_size);
}

/* What no row can say. */
static const char *
find_mistake(const struct dnsbl_config *config)
{
	if (config->zone == NULL && config->zones.count == 0)
		return "needs zone or zones, such as zone = zen.spamhaus.org";
	if (config->about.count == 0)
		return "about is empty: name what to ask about, such as client";
	if (config->codes.count > DNSBL_CODES_MOST)
		return "more than 16 codes; a range such as 127.0.0.2-11 is one";
	if (config->threshold > 0 && config->action == DNSBL_ALLOW)
		return "a threshold allows nobody; give the line of an allow list action=allow or "
		       "a weight below 0";
	return NULL;
}

void
dnsbl_stop(void *settings)
{
	struct dnsbl *lists = ((struct dnsbl_config *)settings)->lists;

	for (size_t i = 0; i < lists->rule_count; i++)
		free(lists->rules[i].line);
	free(lists->rules);
	free(lists->lists);
	pthread_mutex_destroy(&lists->lock);
	free(lists);
}

bool
dnsbl_start(void *settings, char *why, size_t why_size)
{
	struct dnsbl_config *config = settings;
	size_t most = config->zones.count + 1;
	struct dnsbl *lists = calloc(1, sizeof(*lists));
	const char *mistake = lists == NULL ? "no memory" : find_mistake(config);
	bool done;

	if (mistake != NULL) {
		free(lists);
		snprintf(why, why_size, "%s", mistake);
		return false;
	}
	pthread_mutex_init(&lists->lock, NULL);
	lists->action = config->action;
	lists->threshold = config->threshold;
	lists->rules = calloc(most, sizeof(*lists->rules));
	lists->lists = calloc(most, sizeof(*lists->lists));
	config->lists = lists;
	snprintf(why, why_size, "no memory");
	done = lists->rules != NULL && lists->lists != NULL && add_rules(config, why, why_size);
	if (!done)
		dnsbl_stop(config);
	return done;
}
