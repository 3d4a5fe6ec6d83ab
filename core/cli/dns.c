/* SPDX-License-Identifier: MIT */
/*
 * dns.c - chainmail dns: one question, asked as the daemon would ask it
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/load.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli.h"
#include "host/generation.h"
#include "service/dns_type.h"
#include "service/resolver.h"

/* Beyond what the resolver allows itself. */
#define PATIENCE_US (120 * CLOCK_SEC)

struct dns_args {
	const char *config, *zone;
	bool json;
};

#define ARG(field) offsetof(struct dns_args, field)

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, ARG(config), "FILE", CLI_CONFIG_HELP},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON"},
	{"zone", 0, CLI_PATH, ARG(zone), "FILE", CLI_ZONE_HELP},
};

static const struct {
	const char *name, *words;
	int exit_code;
} statuses[] = {
	[CM_DNS_FOUND] = {"found", "found", EXIT_OK},
	[CM_DNS_NO_DATA] = {"nodata", "the name exists, without such a record", EXIT_NO},
	[CM_DNS_NO_NAME] = {"nxdomain", "no such name", EXIT_NO},
	[CM_DNS_TIMEOUT] = {"timeout", "nobody answered in time", EXIT_LATER},
	[CM_DNS_SERVFAIL] = {"servfail", "the servers failed, or their answer made no sense",
		EXIT_LATER},
	[CM_DNS_REFUSED] = {"refused", "the server does not answer us", EXIT_LATER},
	[CM_DNS_BOGUS] = {"bogus", "DNSSEC says that the answer is forged", EXIT_LATER},
	[CM_DNS_BAD_NAME] = {"badname", "DNS can have no such name", EXIT_NO},
	[CM_DNS_CANCELLED] = {"cancelled", "the question was given up", EXIT_LATER},
};

/* One question and what became of it. */
struct asked {
	const char *name, *type;
	struct cm_dns_answer answer;
	int64_t us;
	bool dnssec, zone;
};

static const char *
dnssec_state(const struct asked *a)
{
	if (!a->dnssec || a->zone)
		return "off";
	return a->answer.secure ? "secure" : "insecure";
}

/* --- for people --- */

static void
print_record(const struct cm_dns_record *r, const char *type)
{
	struct buf text;

	buf_init(&text, 0);
	if (strcmp(type, "MX") == 0)
		buf_printf(&text, "%u ", r->preference);
	if (strcmp(type, "TXT") == 0)
		text_quote(&text, r->text, r->len);
	else
		buf_add_str(&text, r->text[0] == '\0' ? "." : r->text);
	printf("%s\n", text.data);
	buf_fini(&text);
}

static void
print_text(const struct asked *a)
{
	const struct cm_dns_answer *answer = &a->answer;

	for (size_t i = 0; i < answer->count; i++)
		print_record(&answer->records[i], a->type);
	if (answer->status != CM_DNS_FOUND)
		printf("%s\n", statuses[answer->status].words);
	if (strcasecmp(answer->name, a->name) != 0 && answer->name[0] != '\0')
		printf("name     %s\n", answer->name);
	printf("source   %s, %" PRId64 ".%" PRId64 " ms\n", a->zone ? "zone file" : "asked",
		a->us / CLOCK_MS, a->us % CLOCK_MS / 100);
	if (answer->ttl > 0)
		printf("ttl      %" PRIu32 " s\n", answer->ttl);
	printf("dnssec   %s\n", dnssec_state(a));
}

/* --- for machines --- */

static void
json_member(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "\"%s\":", name);
	text_json(out, value, strlen(value));
	buf_add_char(out, ',');
}

static void
print_json(const struct asked *a)
{
	const struct cm_dns_answer *answer = &a->answer;
	struct buf out;

	buf_init(&out, 0);
	buf_add_char(&out, '{');
	json_member(&out, "name", a->name);
	json_member(&out, "type", a->type);
	json_member(&out, "status", statuses[answer->status].name);
	json_member(&out, "canonical", answer->name);
	json_member(&out, "source", a->zone ? "zone" : "asked");
	json_member(&out, "dnssec", dnssec_state(a));
	buf_printf(&out, "\"ttl\":%" PRIu32 ",\"microseconds\":%" PRId64 ",\"records\":[",
		answer->ttl, a->us);
	for (size_t i = 0; i < answer->count; i++) {
		buf_add_str(&out, i > 0 ? ",{" : "{");
		if (strcmp(a->type, "MX") == 0)
			buf_printf(&out, "\"preference\":%u,", answer->records[i].preference);
		buf_add_str(&out, "\"value\":");
		text_json(&out, answer->records[i].text, answer->records[i].len);
		buf_add_char(&out, '}');
	}
	buf_add_str(&out, "]}");
	puts(out.data);
	buf_fini(&out);
}

/* --- the question --- */

static int
ask(struct generation *g, struct asked *a, enum cm_dns_type type, bool json)
{
	int64_t began = clock_now();
	struct question *q = resolver_ask(g->chain.resolver, a->name, type);

	question_wait(q, began + PATIENCE_US, &a->answer);
	a->us = clock_now() - began;
	a->dnssec = g->dns.resolver.dnssec;
	a->zone = g->dns.zone != NULL;
	if (json)
		print_json(a);
	else
		print_text(a);
	question_drop(q);
	return statuses[a->answer.status].exit_code;
}

static int
run(int argc, char **argv)
{
	struct dns_args args = {0};
	struct asked a = {0};
	enum cm_dns_type type;
	int operand = cli_parse(&command_dns, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (argc - operand != 2)
		return cli_usage(&command_dns, "say what to ask: TYPE NAME, as in: chainmail dns "
					       "MX example.org");
	if (!dns_type_find(argv[operand], &type))
		return cli_usage(
			&command_dns, "\"%s\" is not one of " DNS_TYPE_NAMES, argv[operand]);
	a.type = dns_type_name(type);
	a.name = argv[operand + 1];

	struct generation *g = load_config(cli_config_path(args.config), LOAD_NOTHING);
	int code = g != NULL && load_zone(g, args.zone) ? ask(g, &a, type, args.json) : EXIT_NO;

	generation_drop(g);
	return code;
}

const struct command command_dns = {
	.name = "dns",
	.operands = "TYPE NAME [-c FILE] [--zone FILE] [--json]",
	.help = "ask DNS as the checks do: answer, source, TTL, DNSSEC state",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
