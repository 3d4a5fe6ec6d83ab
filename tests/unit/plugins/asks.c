/* SPDX-License-Identifier: MIT */
/*
 * asks.c - a check that asks DNS what its settings say, all at once
 *
 * "%d" in a name stands for the sender's domain. What was answered are results: asks.0, asks.1, ...
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 300

struct config {
	struct cm_list early, mail, eom;
};

static const struct cm_option options[] = {
	{"begin", CM_OPT_LIST, offsetof(struct config, early),
		.help = "\"TYPE NAME\" begun at MAIL, for later"},
	{"eom", CM_OPT_LIST, offsetof(struct config, eom), .help = "asked at end of message"},
	{"mail", CM_OPT_LIST, offsetof(struct config, mail), .help = "asked at MAIL"},
};

static const char *const statuses[] = {
	[CM_DNS_FOUND] = "found",
	[CM_DNS_NO_DATA] = "nodata",
	[CM_DNS_NO_NAME] = "nxdomain",
	[CM_DNS_TIMEOUT] = "timeout",
	[CM_DNS_SERVFAIL] = "servfail",
	[CM_DNS_REFUSED] = "refused",
	[CM_DNS_BOGUS] = "bogus",
	[CM_DNS_BAD_NAME] = "badname",
	[CM_DNS_CANCELLED] = "cancelled",
};

/* "TXT %d": the number of the type, and the name. */
static enum cm_dns_type
read_question(struct cm_session *s, const char *text, char name[NAME_SIZE])
{
	const char *at = strchr(text, ' ') + 1, *domain = strstr(at, "%d");

	if (domain == NULL)
		snprintf(name, NAME_SIZE, "%s", at);
	else
		snprintf(name, NAME_SIZE, "%.*s%s%s", (int)(domain - at), at, cm_sender(s)->domain,
			domain + 2);
	return strncmp(text, "TXT ", 4) == 0  ? CM_DNS_TXT
	       : strncmp(text, "MX ", 3) == 0 ? CM_DNS_MX
					      : CM_DNS_A;
}

static void
begin_all(struct cm_session *s, const struct cm_list *list)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		enum cm_dns_type type = read_question(s, list->items[i], name);

		cm_dns_begin(s, name, type);
	}
}

static void
collect_all(struct cm_session *s, const struct cm_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char name[NAME_SIZE], key[24], value[400];
		enum cm_dns_type type = read_question(s, list->items[i], name);
		const struct cm_dns_answer *a = cm_dns(s, name, type);

		snprintf(key, sizeof(key), "%zu", i);
		snprintf(value, sizeof(value), "%s %s%s", statuses[a->status],
			a->cached ? "cached " : "", a->count > 0 ? a->records[0].text : "-");
		cm_set_result(s, key, value);
	}
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);

	(void)ev;
	begin_all(s, &config->early);
	begin_all(s, &config->mail);
	collect_all(s, &config->mail);
	return CM_CONTINUE;
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);

	(void)ev;
	begin_all(s, &config->eom);
	collect_all(s, &config->eom);
	return CM_CONTINUE;
}

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "asks",
	.help = "asks DNS",
	.options = options,
	.option_count = 3,
	.option_size = sizeof(struct cm_option),
	.config_size = sizeof(struct config),
	.mail = mail,
	.eom = eom,
};
