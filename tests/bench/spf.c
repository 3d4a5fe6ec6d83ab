/* SPDX-License-Identifier: MIT */
/*
 * spf.c - what an SPF check costs when all answers are known, beside libspf2 alone
 *
 * usage: bench_spf [ROUNDS]. Three ways on the same zone and the same mail, in turns: libspf2 with
 * a DNS layer of its own over a table, our check over the same table, and our check through the
 * daemon's resolver and its cache. The figure is the least of all rounds, in microseconds of one
 * check: whatever disturbs makes it longer.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <spf2/spf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "../conformance/spf_zone.h"
#include "../unit/temp.h"

#define CHECKS 20000

#define FOUR(net)                                                                           \
	" ip4:198.51.100." net " ip4:198.51.101." net " ip4:198.51.102." net " ip4:198.51." \
	"103." net
#define EIGHT(a, b) FOUR(a) FOUR(b)

/* Names in the order of the alphabet. */
static const struct entry {
	const char *name;
	enum cm_dns_type type;
	const char *value;
} zone[] = {
	{"10.2.0.192.x.org", CM_DNS_A, "127.0.0.2"},
	{"a.org", CM_DNS_A, "192.0.2.10"},
	{"a.org", CM_DNS_TXT, "v=spf1 mx a -all"},
	{"chain.org", CM_DNS_TXT, "v=spf1 include:i1.org include:i2.org exp=why.org -all"},
	{"exists.org", CM_DNS_TXT, "v=spf1 exists:%{ir}.x.org -all"},
	{"i1.org", CM_DNS_TXT, "v=spf1 include:i3.org" EIGHT("0/30", "4/30") " ?all"},
	{"i2.org", CM_DNS_TXT, "v=spf1 include:i4.org" EIGHT("8/30", "12/30") " ?all"},
	{"i3.org", CM_DNS_TXT, "v=spf1" EIGHT("16/30", "20/30") FOUR("24/30") " ?all"},
	{"i4.org", CM_DNS_TXT, "v=spf1" EIGHT("32/30", "36/30") FOUR("40/30") " ip4:192.0.2.20"},
	{"m1.a.org", CM_DNS_A, "192.0.2.1"},
	{"m2.a.org", CM_DNS_A, "192.0.2.2"},
	{"m3.a.org", CM_DNS_A, "192.0.2.3"},
	{"net.org", CM_DNS_TXT, "v=spf1 ip4:192.0.2.0/24 -all"},
	{"why.org", CM_DNS_TXT, "Not %{i} for %{d}"},
};

static const char *const hosts[] = {"m1.a.org", "m2.a.org", "m3.a.org"};

static const struct scene {
	const char *what, *client, *domain;
	enum spf_code code;
} scenes[] = {
	{"a network", "192.0.2.10", "net.org", SPF_PASS},
	{"an MX of three hosts, then a", "192.0.2.10", "a.org", SPF_PASS},
	{"exists with a macro", "192.0.2.10", "exists.org", SPF_PASS},
	{"five records, 40 networks", "192.0.2.20", "chain.org", SPF_PASS},
	{"the same, a fail with its explanation", "192.0.2.10", "chain.org", SPF_FAIL},
};

static void
die(const char *what)
{
	fprintf(stderr, "bench_spf: %s\n", what);
	exit(1);
}

static const struct entry *
find(const char *name, enum cm_dns_type type)
{
	size_t low = 0, high = sizeof(zone) / sizeof(*zone);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcasecmp(zone[middle].name, name);

		if (order == 0)
			order = (int)zone[middle].type - (int)type;
		if (order == 0)
			return &zone[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* --- libspf2 alone -------------------------------------------------------------------------------
 */

static void
add(SPF_dns_rr_t *rr, size_t len)
{
	if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, len) != SPF_E_SUCCESS)
		die("no memory");
	rr->num_rr++;
}

static SPF_dns_rr_t *
raw_lookup(SPF_dns_server_t *dns, const char *name, ns_type type, int should_cache)
{
	const struct entry *e = find(name, (enum cm_dns_type)type);
	bool mx = type == ns_t_mx && strcasecmp(name, "a.org") == 0;
	SPF_dns_rr_t *rr = SPF_dns_rr_new_init(
		dns, name, type, 0, e == NULL && !mx ? HOST_NOT_FOUND : NETDB_SUCCESS);

	(void)should_cache;
	for (size_t i = 0; mx && i < sizeof(hosts) / sizeof(*hosts); i++) {
		add(rr, strlen(hosts[i]) + 1);
		memcpy(rr->rr[i]->mx, hosts[i], strlen(hosts[i]) + 1);
	}
	if (e != NULL) {
		add(rr, strlen(e->value) + 1);
		if (type == ns_t_a)
			inet_pton(AF_INET, e->value, &rr->rr[0]->a);
		else
			memcpy(rr->rr[0]->txt, e->value, strlen(e->value) + 1);
	}
	return rr;
}

static SPF_server_t *server;

static void
raw_check(const struct scene *scene)
{
	static const SPF_result_t wanted[SPF_CODES] = {
		[SPF_PASS] = SPF_RESULT_PASS, [SPF_FAIL] = SPF_RESULT_FAIL};
	SPF_request_t *request = SPF_request_new(server);
	SPF_response_t *response = NULL;
	char sender[64];

	snprintf(sender, sizeof(sender), "ann@%s", scene->domain);
	SPF_request_set_ipv4_str(request, scene->client);
	SPF_request_set_helo_dom(request, "mail.example.org");
	SPF_request_set_env_from(request, sender);
	SPF_request_query_mailfrom(request, &response);
	/* It forgets what is behind 511 octets, so the long records end as they should not. */
	if (SPF_response_result(response) != wanted[scene->code])
		die("libspf2 has another result");
	SPF_response_free(response);
	SPF_request_free(request);
}

/* --- ours ----------------------------------------------------------------------------------------
 */

static struct cm_dns_answer answers[SPF_ZONE_QUESTIONS];
static struct cm_dns_record records[SPF_ZONE_QUESTIONS][3];
static unsigned char addresses[SPF_ZONE_QUESTIONS][4];
static size_t asked;

static const struct cm_dns_answer *
table_lookup(void *ctx, const char *name, enum cm_dns_type type)
{
	const struct entry *e = find(name, type);
	struct cm_dns_record *r = records[asked];
	struct cm_dns_answer *a = &answers[asked];

	(void)ctx;
	*a = (struct cm_dns_answer){.status = CM_DNS_FOUND, .name = name, .records = r};
	if (type == CM_DNS_MX && strcasecmp(name, "a.org") == 0) {
		for (; a->count < sizeof(hosts) / sizeof(*hosts); a->count++)
			r[a->count] = (struct cm_dns_record){
				.text = hosts[a->count], .len = strlen(hosts[a->count])};
	} else if (e != NULL) {
		r[a->count++] = (struct cm_dns_record){.text = e->value, .len = strlen(e->value)};
		if (type == CM_DNS_A && inet_pton(AF_INET, e->value, addresses[asked]) == 1)
			r[0].address = addresses[asked];
	} else {
		a->status = CM_DNS_NO_NAME;
	}
	asked++;
	return a;
}

static void
table_begin(void *ctx, const char *name, enum cm_dns_type type)
{
	(void)ctx;
	(void)name;
	(void)type;
}

static bool
table_late(void *ctx)
{
	(void)ctx;
	return false;
}

static void
table_check(const struct scene *scene)
{
	const struct spf_dns dns = {NULL, table_lookup, table_begin, table_late};
	const struct spf_query query = {.ip = scene->client,
		.local = "ann",
		.domain = scene->domain,
		.helo = "mail.example.org",
		.receiver = "mx.example.net",
		.dns = &dns};
	struct spf_result result;

	asked = 0;
	spf_check(&query, &result);
	if (result.code != scene->code)
		die(result.problem);
}

static struct spf_zone resolved;

static void
resolver_check(const struct scene *scene)
{
	struct spf_result result;
	char sender[64];

	snprintf(sender, sizeof(sender), "ann@%s", scene->domain);
	spf_zone_check(&resolved, scene->client, "mail.example.org", sender, &result);
	if (result.code != scene->code)
		die(result.problem);
}

static void
open_zone(void)
{
	char dir[TEMP_NAME_SIZE], path[TEMP_NAME_SIZE + 16];
	FILE *f;

	if (!temp_dir(dir, "chainmail-bench"))
		die("no temporary directory");
	snprintf(path, sizeof(path), "%s/zone", dir);
	f = fopen(path, "w");
	for (size_t i = 0; f != NULL && i < sizeof(zone) / sizeof(*zone); i++)
		fprintf(f, zone[i].type == CM_DNS_A ? "%s A %s\n" : "%s TXT \"%s\"\n", zone[i].name,
			zone[i].value);
	for (size_t i = 0; f != NULL && i < sizeof(hosts) / sizeof(*hosts); i++)
		fprintf(f, "a.org MX 10 %s\n", hosts[i]);
	if (f == NULL || fclose(f) != 0 || !spf_zone_open(&resolved, path))
		die("no zone");
	unlink(path);
	rmdir(dir);
}

/* --- figures -------------------------------------------------------------------------------------
 */

static const struct way {
	const char *name;
	void (*check)(const struct scene *);
} ways[] = {
	{"libspf2 alone", raw_check}, {"ours", table_check}, {"ours, resolver", resolver_check}};

#define WAYS (sizeof(ways) / sizeof(*ways))

static double
measure(const struct way *way, const struct scene *scene)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < CHECKS; i++)
		way->check(scene);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       1e3 / CHECKS;
}

static void
run_scene(const struct scene *scene, int rounds)
{
	double best[WAYS] = {0};

	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < WAYS; i++) {
			double us = measure(&ways[i], scene);

			best[i] = best[i] == 0 || us < best[i] ? us : best[i];
		}
	}
	printf("| %s |", scene->what);
	for (size_t i = 0; i < WAYS; i++)
		printf(" %.1f |", best[i]);
	printf("\n");
}

int
main(int argc, char **argv)
{
	SPF_dns_server_t dns = {.lookup = raw_lookup, .name = "table"};
	int rounds = argc > 1 ? atoi(argv[1]) : 7;

	server = SPF_server_new_dns(&dns, 0);
	if (server == NULL || rounds < 1)
		die("usage: bench_spf [ROUNDS]");
	open_zone();
	printf("| us of one check, all answers known |");
	for (size_t i = 0; i < WAYS; i++)
		printf(" %s |", ways[i].name);
	printf("\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		run_scene(&scenes[i], rounds);
	spf_zone_close(&resolved);
	SPF_server_free(server);
	return 0;
}
