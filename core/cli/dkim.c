/* SPDX-License-Identifier: MIT */
/*
 * dkim.c - chainmail dkim: makes keys, prints their records, and looks at what DNS serves
 *
 * Keys are those of plugins/lib, so that what is checked here is what the plugin signs with.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/load.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli.h"
#include "dkim_place.h"
#include "host/generation.h"
#include "lib/dkim_key.h"
#include "lib/dkim_name.h"
#include "lib/dkim_private.h"
#include "service/resolver.h"
#include "standard.h"

/* Beyond what the resolver allows itself. */
#define PATIENCE_US (120 * CLOCK_SEC)
/* RFC 1035 section 3.3: one string of a TXT record. */
#define STRING_MOST 255u

struct dkim_args {
	const char *config, *zone, *dir, *bits;
	bool ed25519;
};

#define ARG(field) offsetof(struct dkim_args, field)

static const struct cli_option options[] = {
	{"bits", 0, CLI_TEXT, ARG(bits), "BITS",
		"genkey: of an RSA key, 2048 to 4096; default: 2048"},
	{"config", 'c', CLI_PATH, ARG(config), "FILE", CLI_CONFIG_HELP},
	{"ed25519", 0, CLI_FLAG, ARG(ed25519), NULL, "genkey: an Ed25519 key, beside an RSA key"},
	{"key-dir", 0, CLI_PATH, ARG(dir), "DIR", "default: key_dir of plugin dkim"},
	{"zone", 0, CLI_PATH, ARG(zone), "FILE", "check: " CLI_ZONE_HELP},
};

/* What a verb works on. */
struct job {
	const struct dkim_args *args;
	const char *config;
	struct dkim_place place;
	struct dkim_private_name name;
	char dns[DKIM_NAME_KEY_SIZE]; /* SELECTOR._domainkey.DOMAIN */
	unsigned bits;		      /* of an RSA key to be made */
};

static int
complain(const char *why)
{
	fprintf(stderr, "chainmail dkim: %s\n", why);
	return EXIT_NO;
}

/* --- show --- */

/* As a zone file has it, and behind a comment as forms want it. */
static int
print_record(const struct job *job, const struct dkim_private *key)
{
	char record[DKIM_PRIVATE_RECORD_SIZE];

	if (!dkim_private_record(key, record))
		return complain("OpenSSL cannot say the public key");
	printf("%s. IN TXT (", job->dns);
	for (const char *p = record; *p != '\0'; p += strnlen(p, STRING_MOST))
		printf("%s\"%.*s\"", p == record ? " " : "\n\t", (int)STRING_MOST, p);
	printf(" )\n; the value as one line: %s\n", record);
	return EXIT_OK;
}

static struct dkim_private *
load(const struct job *job)
{
	char why[DKIM_PRIVATE_WHY];
	struct dkim_private *key = dkim_private_load(&job->name, why, sizeof(why));

	if (key == NULL)
		complain(why);
	return key;
}

static int
show(const struct job *job)
{
	struct dkim_private *key = load(job);
	int code = key == NULL ? EXIT_NO : print_record(job, key);

	dkim_private_free(key);
	return code;
}

/* --- genkey --- */

static bool
read_bits(const struct dkim_args *args, unsigned *bits)
{
	char *end = NULL;
	unsigned long n =
		args->bits == NULL ? DKIM_PRIVATE_BITS_LEAST : strtoul(args->bits, &end, 10);

	*bits = (unsigned)n;
	return n >= DKIM_PRIVATE_BITS_LEAST && n <= DKIM_PRIVATE_BITS_MOST &&
	       (end == NULL || *end == '\0') && !(args->ed25519 && args->bits != NULL);
}

static int
genkey(const struct job *job)
{
	char path[PATH_MAX], why[DKIM_PRIVATE_WHY];
	struct dkim_private *key;
	int code = EXIT_NO;
	sigset_t before;
	bool saved;

	key = dkim_private_new(job->args->ed25519 ? DKIM_KEY_ED25519 : DKIM_KEY_RSA, job->bits);
	if (key == NULL)
		return complain("OpenSSL cannot make a key");
	/* Half of a key would be taken for one that is in use. */
	standard_defer(&before);
	saved = dkim_private_save(key, &job->name, job->place.group, path, why, sizeof(why));
	standard_resume(&before);
	if (saved) {
		code = print_record(job, key);
		fprintf(stderr,
			"wrote %s\nnext: put the record into DNS; chainmail dkim check %s "
			"%s; name %s in the signing table; chainmail reload\n",
			path, job->name.domain, job->name.selector, job->name.selector);
	} else {
		complain(why);
	}
	dkim_private_free(key);
	return code;
}

/* --- check --- */

static const struct {
	const char *words;
	int exit_code;
} faults[] = {
	[CM_DNS_FOUND] = {NULL, EXIT_OK},
	[CM_DNS_NO_DATA] = {"DNS has no record there", EXIT_NO},
	[CM_DNS_NO_NAME] = {"DNS has no such name", EXIT_NO},
	[CM_DNS_TIMEOUT] = {"nobody answered in time; try again", EXIT_LATER},
	[CM_DNS_SERVFAIL] = {"the servers failed; try again", EXIT_LATER},
	[CM_DNS_REFUSED] = {"the server does not answer us", EXIT_LATER},
	[CM_DNS_BOGUS] = {"DNSSEC says that the answer is forged", EXIT_LATER},
	[CM_DNS_BAD_NAME] = {"DNS can have no such name", EXIT_NO},
	[CM_DNS_CANCELLED] = {"the question was given up", EXIT_LATER},
};

static int
report(const struct job *job, const char *words, int code)
{
	printf("%s: %s\n", job->dns, words);
	if (code == EXIT_NO)
		printf("what it should be: chainmail dkim show %s %s\n", job->name.domain,
			job->name.selector);
	return code;
}

static int
compare(const struct job *job, const struct dkim_private *key, const struct dkim_key *served)
{
	if (served == NULL)
		return complain("no memory");
	if (served->problem != NULL)
		return report(job, served->problem, EXIT_NO);
	if (!dkim_private_matches(key, served))
		return report(job, "DNS serves another key, so signatures do not verify", EXIT_NO);
	printf("%s: good, the key of DNS is that of %s/%s/%s.pem (%s, %u bits)\n", job->dns,
		job->name.dir, job->name.domain, job->name.selector,
		key->type == DKIM_KEY_RSA ? "RSA" : "Ed25519", key->bits);
	if (served->testing)
		printf("warning: t=y says that the key is tested; many treat such mail as "
		       "unsigned\n");
	if (key->bits < DKIM_PRIVATE_BITS_LEAST && key->type == DKIM_KEY_RSA)
		printf("warning: an RSA key should have 2048 bits (RFC 8301 section 3.2)\n");
	return EXIT_OK;
}

static int
judge(const struct job *job, const struct dkim_private *key, const struct cm_dns_answer *answer)
{
	const struct dkim_key *served;
	int code;

	if (faults[answer->status].words != NULL)
		return report(job, faults[answer->status].words, faults[answer->status].exit_code);
	if (answer->count != 1)
		return report(job,
			"DNS has several records there, so what verifies is anybody's guess; "
			"leave one",
			EXIT_NO);
	served = dkim_key_get(answer->records[0].text, answer->records[0].len);
	code = compare(job, key, served);
	dkim_key_drop(served);
	return code;
}

static int
check(const struct job *job)
{
	struct dkim_private *key = load(job);
	struct generation *g = key == NULL ? NULL : load_config(job->config, LOAD_NOTHING);
	int code = EXIT_NO;

	if (g != NULL && load_zone(g, job->args->zone)) {
		struct question *q = resolver_ask(g->chain.resolver, job->dns, CM_DNS_TXT);
		struct cm_dns_answer answer;

		question_wait(q, clock_now() + PATIENCE_US, &answer);
		code = judge(job, key, &answer);
		question_drop(q);
	}
	generation_drop(g);
	dkim_private_free(key);
	return code;
}

/* --- the verbs --- */

static const struct {
	const char *name;
	int (*run)(const struct job *);
} verbs[] = {
	{"check", check},
	{"genkey", genkey},
	{"show", show},
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

static int
unknown_verb(const char *given)
{
	const char *names[VERBS];
	const char *nearest;

	for (size_t i = 0; i < VERBS; i++)
		names[i] = verbs[i].name;
	nearest = text_nearest(given, names, VERBS);
	if (nearest != NULL)
		return cli_usage(
			&command_dkim, "unknown verb \"%s\", did you mean \"%s\"?", given, nearest);
	return cli_usage(
		&command_dkim, "unknown verb \"%s\"; there are check, genkey and show", given);
}

/* DNS does not know cases, and the names of files do. */
static const char *
lower(struct arena *arena, const char *name)
{
	char *copy = arena_strdup(arena, name);

	text_lower_all(copy);
	return copy;
}

static bool
take_names(struct job *job, struct arena *arena, const char *domain, const char *selector)
{
	job->name.domain = lower(arena, domain);
	job->name.selector = lower(arena, selector);
	if (!dkim_name_valid(domain, strlen(domain), 2))
		cli_usage(&command_dkim, "\"%s\" is not a domain name that can sign", domain);
	else if (!dkim_name_valid(selector, strlen(selector), 1))
		cli_usage(&command_dkim, "\"%s\" is not a selector", selector);
	else if (!dkim_name_key(job->dns, job->name.selector, job->name.domain))
		cli_usage(&command_dkim,
			"%s: a name in DNS has at most 253 octets; choose a shorter selector",
			job->dns);
	else
		return true;
	return false;
}

/* operands: the verb, a domain and a selector. */
static int
run_verb(const struct dkim_args *args, struct arena *arena, char **operands)
{
	struct job job = {.args = args, .config = cli_config_path(args->config)};
	size_t i = 0;

	while (i < VERBS && strcmp(verbs[i].name, operands[0]) != 0)
		i++;
	if (i == VERBS)
		return unknown_verb(operands[0]);
	if (!take_names(&job, arena, operands[1], operands[2]))
		return EXIT_USAGE;
	if (!read_bits(args, &job.bits))
		return cli_usage(&command_dkim,
			"--bits is a number from %u to %u, and not for --ed25519",
			DKIM_PRIVATE_BITS_LEAST, DKIM_PRIVATE_BITS_MOST);
	if (!dkim_place(job.config, args->dir, arena, &job.place))
		return EXIT_NO;
	job.name.dir = job.place.dir;
	return verbs[i].run(&job);
}

static int
run(int argc, char **argv)
{
	struct dkim_args args = {0};
	int operand = cli_parse(&command_dkim, argc, argv, &args), code;
	struct arena arena;

	if (operand < 0)
		return EXIT_USAGE;
	if (argc - operand != 3)
		return cli_usage(&command_dkim,
			"say what to do: chainmail dkim genkey DOMAIN SELECTOR, as in: chainmail "
			"dkim genkey example.org s2026");
	arena_init(&arena, 4096);
	code = run_verb(&args, &arena, argv + operand);
	arena_fini(&arena);
	return code;
}

const struct command command_dkim = {
	.name = "dkim",
	.operands = "genkey|show|check DOMAIN SELECTOR [--bits BITS | --ed25519] [--key-dir DIR]",
	.help = "make a key, print its DNS record, or compare it with what DNS serves",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
