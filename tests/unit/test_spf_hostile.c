/* SPDX-License-Identifier: MIT */
/*
 * test_spf_hostile.c - plugin spf: zones that were made to break or to burden whoever checks them
 */
#include "../conformance/spf_zone.h"
#include "table.h"
#include "temp.h"

static char dir[TEMP_NAME_SIZE], path[TEMP_NAME_SIZE + 16];

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-spf"));
	snprintf(path, sizeof(path), "%s/zone", dir);
}

static void
teardown(void)
{
	remove(path);
	remove(dir);
}

static void
repeat(FILE *f, unsigned times, const char *text)
{
	while (times-- > 0)
		fputs(text, f);
}

/* --- the zones -----------------------------------------------------------------------------------
 */

static void
include_of_itself(FILE *f)
{
	fputs("top.x TXT \"v=spf1 include:top.x -all\"\n", f);
}

static void
includes_in_a_circle(FILE *f)
{
	fputs("top.x TXT \"v=spf1 include:b.x -all\"\nb.x TXT \"v=spf1 include:top.x -all\"\n", f);
}

static void
redirects_in_a_circle(FILE *f)
{
	fputs("top.x TXT \"v=spf1 redirect=b.x\"\nb.x TXT \"v=spf1 redirect=top.x\"\n", f);
}

/* Ten includes in each record, four deep: 11,111 questions to who does not count them. */
static void
tree_of_includes(FILE *f)
{
	for (int depth = 0; depth < 4; depth++) {
		for (int i = 0; i < (depth == 0 ? 1 : 10); i++) {
			fprintf(f, depth == 0 ? "top.x TXT \"v=spf1" : "l%dn%d.x TXT \"v=spf1",
				depth, i);
			for (int j = 0; j < 10; j++)
				fprintf(f, " include:l%dn%d.x", depth + 1, j);
			fputs(" -all\"\n", f);
		}
	}
	for (int i = 0; i < 10; i++)
		fprintf(f, "l4n%d.x TXT \"v=spf1 -all\"\n", i);
}

/* Nine includes whose results do not match: within the limit, if only each record is counted. */
static void
broad_tree(FILE *f)
{
	fputs("top.x TXT \"v=spf1", f);
	for (int i = 0; i < 9; i++)
		fprintf(f, " include:i%d.x", i);
	fputs(" -all\"\n", f);
	for (int i = 0; i < 9; i++)
		fprintf(f, "i%d.x TXT \"v=spf1 mx:m.x mx:m.x ?all\"\n", i);
	fputs("m.x MX 1 a.x\nm.x MX 1 b.x\na.x A 192.0.2.1\nb.x A 192.0.2.1\n", f);
}

/* Ten terms may ask a hundred and ten questions by the letter of the standard. */
static void
many_hosts_each(FILE *f)
{
	fputs("top.x TXT \"v=spf1", f);
	repeat(f, 10, " mx:m.x");
	fputs(" -all\"\n", f);
	for (int i = 0; i < 10; i++)
		fprintf(f, "m.x MX 1 h%d.x\nh%d.x A 192.0.2.1\n", i, i);
}

static void
hundred_hosts(FILE *f)
{
	fputs("top.x TXT \"v=spf1 mx -all\"\n", f);
	for (int i = 0; i < 100; i++)
		fprintf(f, "top.x MX 1 h%d.x\nh%d.x A 192.0.2.1\n", i, i);
}

static void
hundred_names_of_the_client(FILE *f)
{
	fputs("top.x TXT \"v=spf1 ptr:y.x -all\"\n", f);
	for (int i = 0; i < 100; i++)
		fprintf(f, "10.2.0.192.in-addr.arpa PTR h%d.x\nh%d.x A 192.0.2.10\n", i, i);
}

/* libspf2 forgets what is behind 511 octets: the tail with the match. */
static void
long_record(FILE *f)
{
	fputs("top.x TXT \"v=spf1", f);
	repeat(f, 200, " ip4:198.51.100.1/32");
	fputs(" ip4:192.0.2.10 ?all\"\n", f);
}

static void
long_record_without_match(FILE *f)
{
	fputs("top.x TXT \"v=spf1", f);
	repeat(f, 150, " ip6:2001:db8:1111:2222::/64");
	fputs(" -all\"\n", f);
}

static void
record_beyond_all_bounds(FILE *f)
{
	fputs("top.x TXT \"v=spf1", f);
	repeat(f, 3000, " ip4:198.51.100.1/32");
	fputs(" +all\"\n", f);
}

static void
many_domains_behind_the_limit(FILE *f)
{
	fputs("top.x TXT \"v=spf1", f);
	repeat(f, 400, " a:a.x");
	fputs(" +all\"\na.x A 192.0.2.1\n", f);
}

/* A mechanism with so many macros is what CVE-2023-42118 needs. */
static void
mechanism_of_macros(FILE *f)
{
	fputs("top.x TXT \"v=spf1 exists:", f);
	repeat(f, 127, "%{d}");
	repeat(f, 950, "abcd");
	fputs(".%{d} -all\"\n", f);
}

static void
explanation_of_macros(FILE *f)
{
	fputs("top.x TXT \"v=spf1 exp=e.x -all\"\ne.x TXT \"", f);
	repeat(f, 127, "%{d}");
	fputs("abcd\"\n", f);
}

static void
explanation_without_end(FILE *f)
{
	fputs("top.x TXT \"v=spf1 exp=e.x -all\"\ne.x TXT \"", f);
	repeat(f, 5000, "%{S}%{H} ");
	fputs("\"\n", f);
}

/* Each include is a longer name than the one before. */
static void
names_that_grow(FILE *f)
{
	fputs("top.x TXT \"v=spf1 include:%{D}.%{D} -all\"\n"
	      "top.x.top.x TXT \"v=spf1 include:%{D}.%{D} -all\"\n"
	      "*.top.x TXT \"v=spf1 include:%{D}.%{D}.%{D} -all\"\n",
		f);
}

static void
names_that_grow_below(FILE *f)
{
	fputs("top.x TXT \"v=spf1 include:a.%{d} -all\"\n*.top.x TXT \"v=spf1 include:a.%{d} "
	      "-all\"\n",
		f);
}

static void
aliases_in_a_circle(FILE *f)
{
	fputs("top.x TXT \"v=spf1 a:c.x -all\"\nc.x CNAME d.x\nd.x CNAME c.x\n", f);
}

static void
long_chain_of_aliases(FILE *f)
{
	fputs("top.x TXT \"v=spf1 a:c0.x -all\"\n", f);
	for (int i = 0; i < 200; i++)
		fprintf(f, "c%d.x CNAME c%d.x\n", i, i + 1);
	fputs("c200.x A 192.0.2.10\n", f);
}

static void
octets_of_any_kind(FILE *f)
{
	fputs("top.x TXT \"v=spf1 a:", f);
	for (int i = 0; i < 256; i++)
		fprintf(f, "\\%03d", i);
	fputs(".x -all\"\n", f);
}

static void
octets_behind_the_version(FILE *f)
{
	fputs("top.x TXT \"v=spf1 \\000\\255\\255\\000\"\n", f);
}

static void
name_with_every_octet(FILE *f)
{
	fputs("top.x TXT \"v=spf1 exists:%{l}.x -all\"\n", f);
}

/* What an alias of ours looks like is a name like any other. */
static void
names_like_ours(FILE *f)
{
	fputs("top.x TXT \"v=spf1 include:ab.z redirect=ay.z exp=ax.z\"\n"
	      "ab.z TXT \"v=spf1 exists:aa.z ?all\"\nay.z TXT \"v=spf1 a:aa.z -all exp=bx.z\"\n"
	      "bx.z TXT \"ours\"\n",
		f);
}

static void
hundreds_of_addresses(FILE *f)
{
	fputs("top.x TXT \"v=spf1 a -all\"\n", f);
	for (int i = 0; i < 900; i++)
		fprintf(f, "top.x A 198.51.%d.%d\n", i / 250, i % 250);
	fputs("top.x A 192.0.2.10\n", f);
}

static const struct {
	const char *name;
	void (*zone)(FILE *);
	enum spf_code code;
	const char *explanation;
} zones[] = {
	{"an include of itself", include_of_itself, SPF_PERMERROR, ""},
	{"includes in a circle", includes_in_a_circle, SPF_PERMERROR, ""},
	{"redirects in a circle", redirects_in_a_circle, SPF_PERMERROR, ""},
	{"a tree of 10,000 includes", tree_of_includes, SPF_PERMERROR, ""},
	{"a broad tree", broad_tree, SPF_PERMERROR, ""},
	{"ten hosts in each of ten MX", many_hosts_each, SPF_PERMERROR, ""},
	{"a hundred hosts in an MX", hundred_hosts, SPF_PERMERROR, ""},
	{"a hundred names of the client", hundred_names_of_the_client, SPF_FAIL, ""},
	{"a record of 4 KB", long_record, SPF_PASS, ""},
	{"a record of 4 KB without a match", long_record_without_match, SPF_FAIL, ""},
	{"a record of 60 KB", record_beyond_all_bounds, SPF_PERMERROR, ""},
	{"400 terms that ask", many_domains_behind_the_limit, SPF_PERMERROR, ""},
	{"a mechanism of 127 macros", mechanism_of_macros, SPF_FAIL, ""},
	{"an explanation of 127 macros", explanation_of_macros, SPF_FAIL, NULL},
	{"an explanation without end", explanation_without_end, SPF_FAIL, NULL},
	{"names that grow", names_that_grow, SPF_PERMERROR, ""},
	{"names that grow below", names_that_grow_below, SPF_PERMERROR, ""},
	{"aliases in a circle", aliases_in_a_circle, SPF_TEMPERROR, ""},
	{"a long chain of aliases", long_chain_of_aliases, SPF_TEMPERROR, ""},
	{"octets of any kind", octets_of_any_kind, SPF_PERMERROR, ""},
	{"octets behind the version", octets_behind_the_version, SPF_PERMERROR, ""},
	{"a local part that is no label", name_with_every_octet, SPF_FAIL, ""},
	{"names like our own aliases", names_like_ours, SPF_FAIL, "ours"},
	{"nine hundred addresses", hundreds_of_addresses, SPF_PASS, ""},
};

static const char local[] = "a\x01\x7f\\\"..%{d}\xff b";

static void
check(struct spf_result *result)
{
	char sender[64];
	struct spf_zone z;

	snprintf(sender, sizeof(sender), "%s@top.x", local);
	ck_assert(spf_zone_open(&z, path));
	spf_zone_check(&z, "192.0.2.10", "helo\x02 \xfe.example", sender, result);
	spf_zone_close(&z);
}

static bool
plain(const char *text)
{
	while (*text >= 0x20 && *text < 0x7f)
		text++;
	return *text == '\0';
}

START_TEST(zone)
{
	FILE *f = fopen(path, "w");
	struct spf_result r;

	ck_assert_ptr_nonnull(f);
	zones[_i].zone(f);
	ck_assert_int_eq(fclose(f), 0);
	check(&r);
	ck_assert_msg(r.code == zones[_i].code, "%s: %s (%s)", zones[_i].name,
		spf_code_name(r.code), r.problem);
	ck_assert_msg(
		r.questions <= SPF_MAX_QUESTIONS, "%s: %u questions", zones[_i].name, r.questions);
	if (zones[_i].explanation != NULL)
		ck_assert_str_eq(r.explanation, zones[_i].explanation);
	else
		ck_assert_uint_gt(strlen(r.explanation), SPF_EXP_SIZE / 2);
	ck_assert(plain(r.domain) && plain(r.record) && plain(r.mechanism) && plain(r.problem) &&
		  plain(r.explanation));
}
END_TEST

/* --- no time ------------------------------------------------------------------------------------
 */

static bool
no_time(void *ctx)
{
	(void)ctx;
	return true;
}

/* Section 4.6.4: what the time was too short for is a temporary error. Silence alone is none in PTR
   (section 5.5). */
static const struct {
	const char *name, *record, *zone;
	bool late;
	enum spf_code code;
} times[] = {
	{"silent servers are no match", "ptr -all", "10.2.0.192.in-addr.arpa timeout\n", false,
		SPF_FAIL},
	{"no time is an error", "ptr -all", "10.2.0.192.in-addr.arpa timeout\n", true,
		SPF_TEMPERROR},
	{"no time for the addresses is one", "ptr -all",
		"10.2.0.192.in-addr.arpa PTR h.top.x\nh.top.x timeout\n", true, SPF_TEMPERROR},
	{"a name that was found in time matches", "ptr -all",
		"10.2.0.192.in-addr.arpa PTR h.top.x\nh.top.x A 192.0.2.10\n"
		"10.2.0.192.in-addr.arpa PTR i.top.x\ni.top.x timeout\n",
		true, SPF_PASS},
	{"a failed server has had its time", "ptr -all", "10.2.0.192.in-addr.arpa servfail\n", true,
		SPF_FAIL},
	{"an explanation may be late", "exp=%{p}.x -all", "10.2.0.192.in-addr.arpa timeout\n", true,
		SPF_FAIL},
};

START_TEST(time_is_up)
{
	FILE *f = fopen(path, "w");
	struct spf_result r;
	struct spf_zone z;

	ck_assert_ptr_nonnull(f);
	fprintf(f, "top.x TXT \"v=spf1 %s\"\n%s", times[_i].record, times[_i].zone);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert(spf_zone_open(&z, path));
	if (times[_i].late)
		z.dns.late = no_time;
	spf_zone_check(&z, "192.0.2.10", "h.x", "ann@top.x", &r);
	ck_assert_msg(r.code == times[_i].code, "%s: %s (%s)", times[_i].name,
		spf_code_name(r.code), r.problem);
	spf_zone_close(&z);
}
END_TEST

/* --- local parts --------------------------------------------------------------------------------
 */

/* RFC 8616 section 4; the zone answers whatever is asked below w.x. */
static const struct {
	const char *name, *record, *sender;
	enum spf_code code;
} local_parts[] = {
	{"ASCII is a label", "exists:%{l}.w.x -all", "ann@top.x", SPF_PASS},
	{"what is not ASCII is none", "exists:%{l}.w.x -all", "\xc3\xa4nn@top.x", SPF_FAIL},
	{"nor in an address", "a:%{S}.w.x/0 ~all", "ann\xc3\xa4@top.x", SPF_SOFTFAIL},
	{"nor does an include match", "include:%{l1r-}.i.x ?all", "\xc3\xa4@top.x", SPF_NEUTRAL},
	{"terms that do not name it are as ever", "exists:%{o}.w.x -all", "\xc3\xa4@top.x",
		SPF_PASS},
	{"an address of ours matches", "exists:%{l}.w.x ip4:192.0.2.10 -all", "\xc3\xa4@top.x",
		SPF_PASS},
};

START_TEST(local_part)
{
	FILE *f = fopen(path, "w");
	struct spf_result r;
	struct spf_zone z;

	ck_assert_ptr_nonnull(f);
	fprintf(f, "top.x TXT \"v=spf1 %s\"\n", local_parts[_i].record);
	fputs("*.w.x A 192.0.2.10\n*.i.x TXT \"v=spf1 +all\"\n", f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert(spf_zone_open(&z, path));
	spf_zone_check(&z, "192.0.2.10", "h.x", local_parts[_i].sender, &r);
	ck_assert_msg(r.code == local_parts[_i].code, "%s: %s (%s)", local_parts[_i].name,
		spf_code_name(r.code), r.problem);
	spf_zone_close(&z);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spf_hostile");
	TCase *t = tcase_create("spf_hostile");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, zone, 0, LENGTH(zones));
	tcase_add_loop_test(t, time_is_up, 0, LENGTH(times));
	tcase_add_loop_test(t, local_part, 0, LENGTH(local_parts));
	suite_add_tcase(s, t);
	return table_run(s);
}
