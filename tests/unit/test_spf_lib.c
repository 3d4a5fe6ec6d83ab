/* SPDX-License-Identifier: MIT */
/*
 * test_spf_lib.c - plugin spf: what libspf2 gets to see, its errors, and many checks at once
 */
#include <netinet/in.h>
#include <pthread.h>
#include <spf2/spf.h>

#include "../../plugins/spf/spf_alias.h"
#include "../conformance/spf_zone.h"
#include "table.h"
#include "temp.h"

#define THREADS 4
#define CHECKS	300

static char dir[TEMP_NAME_SIZE], path[TEMP_NAME_SIZE + 16];

static const char zone[] =
	"top.x TXT \"v=spf1 ip4:198.51.100.1 a:%{l}.x/24//64 -mx/0 ?ptr include:i.x exists:e.x "
	"ip4:192.0.2.0/24 a redirect=r.x exp=e.x moo=%{d}\"\n"
	"long.x TXT \"v=spf1 a a a a a a a a a a a a a a -all\"\n"
	"r.x TXT \"v=spf1 redirect=top.x exp=e.x\"\n"
	"all.x TXT \"v=spf1 a ~all mx redirect=r.x\"\n"
	"i.x TXT \"v=spf1 mx exists:%{i}.x -all\"\n"
	"i.x MX 1 a.x\ni.x MX 2 b.x\na.x A 192.0.2.1\nb.x A 192.0.2.10\n"
	"chain.x TXT \"v=spf1 include:i.x -all exp=why.x\"\nwhy.x TXT \"%{i} %{p}\"\n"
	"10.2.0.192.in-addr.arpa PTR b.x\n";

static void
setup(void)
{
	FILE *f;

	ck_assert(temp_dir(dir, "chainmail-spf"));
	snprintf(path, sizeof(path), "%s/zone", dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(zone, f);
	ck_assert_int_eq(fclose(f), 0);
}

static void
teardown(void)
{
	remove(path);
	remove(dir);
}

static const struct {
	const char *domain, *ip, *text;
} texts[] = {
	{"top.x", "192.0.2.10",
		"v=spf1 +a:aa.z/24 -exists:ab.z ?exists:ac.z +include:ad.z +exists:ae.z "
		"+exists:af.z exp=ax.z"},
	{"top.x", "2001:db8::1",
		"v=spf1 +a:aa.z//64 -mx:ab.z//128 ?exists:ac.z +include:ad.z +exists:ae.z "
		"+a:af.z//128 redirect=ay.z exp=ax.z"},
	{"long.x", "192.0.2.10",
		"v=spf1 +a:aa.z/32 +a:ab.z/32 +a:ac.z/32 +a:ad.z/32 +a:ae.z/32 +a:af.z/32 "
		"+a:ag.z/32 +a:ah.z/32 +a:ai.z/32 +a:aj.z/32 +a:ak.z/32"},
	{"r.x", "192.0.2.10", "v=spf1 redirect=ay.z exp=ax.z"},
	{"all.x", "192.0.2.10", "v=spf1 +a:aa.z/32 ~exists:ab.z"},
};

START_TEST(text_for_the_library)
{
	struct spf_query query = {.ip = texts[_i].ip, .local = "", .domain = texts[_i].domain};
	char text[SPF_ALIAS_TEXT];
	struct spf_result result;
	struct spf_state st;
	struct spf_zone z;

	ck_assert(spf_zone_open(&z, path));
	query.dns = &z.dns;
	ck_assert(spf_state_init(&st, &query, &result));
	ck_assert_ptr_nonnull(spf_enter(&st, query.domain));
	spf_alias_record(&st, &st.frames[0], text);
	ck_assert_str_eq(text, texts[_i].text);
	spf_zone_close(&z);
}
END_TEST

static const char *const strangers[] = {"", "z", "aa", "aa.y", "ab.z.", "aax.z.z", "ba.z", "ag.z",
	"a`.z", "ay.z.z", "aabc.z", "\xff\x61.z"};

START_TEST(other_names_are_no_aliases)
{
	struct spf_query query = {.ip = "192.0.2.10", .local = "", .domain = "top.x"};
	struct spf_result result;
	struct spf_place place;
	struct spf_state st;
	struct spf_zone z;

	ck_assert(spf_zone_open(&z, path));
	query.dns = &z.dns;
	ck_assert(spf_state_init(&st, &query, &result));
	ck_assert_ptr_nonnull(spf_enter(&st, query.domain));
	ck_assert(spf_alias_find(&st, "aa.z", &place) && place.host == 0);
	ck_assert(spf_alias_find(&st, "bab.z", &place) && place.host == 2);
	ck_assert_msg(!spf_alias_find(&st, strangers[_i], &place), "\"%s\"", strangers[_i]);
	spf_zone_close(&z);
}
END_TEST

/* What it reports as an error would end the process. */
static const struct cm_dns_answer *
lookup_with_error(void *ctx, const char *name, enum cm_dns_type type)
{
	if (type == CM_DNS_MX)
		SPF_errorx("test", 1, "%s", "something is wrong inside");
	return spf_zone_lookup(ctx, name, type);
}

/* The leak sanitizer's, where there is one: what the library held then is lost, and that is known.
 */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

START_TEST(error_of_the_library_ends_the_check)
{
	struct spf_query query = {.ip = "192.0.2.10", .local = "", .helo = "", .receiver = ""};
	struct spf_result result;
	struct spf_zone z;
	struct spf_dns dns;

	ck_assert(spf_zone_open(&z, path));
	dns = (struct spf_dns){&z, lookup_with_error, spf_zone_begin, spf_zone_late};
	query.dns = &dns;
	query.domain = "chain.x";
	if (__lsan_disable != NULL)
		__lsan_disable();
	spf_check(&query, &result);
	if (__lsan_enable != NULL)
		__lsan_enable();
	ck_assert_int_eq(result.code, SPF_TEMPERROR);
	ck_assert_str_eq(result.problem, "libspf2 gave up");
	/* And the next one is as if nothing had been. */
	spf_zone_check(&z, "192.0.2.10", "h.x", "ann@chain.x", &result);
	ck_assert_int_eq(result.code, SPF_PASS);
	spf_zone_close(&z);
}
END_TEST

/* In a thread only results are looked at, for Check is not for threads. */
static void *
checks(void *failures)
{
	unsigned *failed = failures;
	struct spf_zone z;

	*failed = !spf_zone_open(&z, path);
	for (int i = 0; *failed == 0 && i < CHECKS; i++) {
		struct spf_result r;

		spf_zone_check(
			&z, i % 2 == 0 ? "192.0.2.10" : "198.51.100.10", "h.x", "ann@chain.x", &r);
		*failed += r.code != (i % 2 == 0 ? SPF_PASS : SPF_FAIL);
		*failed += strcmp(r.explanation, i % 2 == 0 ? "" : "198.51.100.10 unknown") != 0;
	}
	if (z.resolver != NULL)
		spf_zone_close(&z);
	return NULL;
}

START_TEST(checks_of_many_threads_do_not_meet)
{
	pthread_t threads[THREADS];
	unsigned failed[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, checks, &failed[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_uint_eq(failed[i], 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spf_lib");
	TCase *t = tcase_create("spf_lib");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, text_for_the_library, 0, LENGTH(texts));
	tcase_add_loop_test(t, other_names_are_no_aliases, 0, LENGTH(strangers));
	tcase_add_test(t, error_of_the_library_ends_the_check);
	tcase_add_test(t, checks_of_many_threads_do_not_meet);
	suite_add_tcase(s, t);
	return table_run(s);
}
