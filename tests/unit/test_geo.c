/* SPDX-License-Identifier: MIT */
/*
 * test_geo.c - where an address is: a database that is made here, broken, replaced; and m.geo
 */
#include "service/geo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"
#include "script_value.h"
#include "table.h"

static struct rule r;
static char path[128];

/* False: the module of Perl that makes databases is not there. */
static bool
make(const char *file, const char *country)
{
	char command[400];

	snprintf(command, sizeof(command), "perl tests/unit/geo.pl '%s' %s 2>/dev/null", file,
		country);
	return system(command) == 0;
}

static void
setup(void)
{
	rule_init(&r);
	snprintf(path, sizeof(path), "%s/geo.mmdb", r.d.dir);
	clock_freeze(1800000000);
}

static void
teardown(void)
{
	clock_thaw();
	unlink(path);
	rule_fini(&r);
}

static bool
made(const char *test)
{
	if (make(path, "DE"))
		return true;
	table_skip(test, "install libmaxmind-db-writer-perl");
	return false;
}

static void
look_up(struct geo_file *g, const char *ip, struct geo_place *place)
{
	struct net_addr addr;

	memset(place, 0, sizeof(*place));
	ck_assert(net_parse(&addr, ip));
	geo_look_up(g, &addr, place);
}

static const struct {
	const char *ip, *country, *continent, *city, *as_name;
	uint32_t asn;
} places[] = {
	{"192.0.2.7", "DE", "EU", "K\xc3\xb6ln", "", 0},
	{"::ffff:192.0.2.7", "DE", "EU", "K\xc3\xb6ln", "", 0},
	{"2001:db8::1", "BR", "", "", "", 0},
	{"203.0.113.9", "", "", "", "Example Net", 64496},
	{"10.0.0.1", "", "", "", "", 0},
	{"::1", "", "", "", "", 0},
	/* cut, between characters */
	{"198.51.100.1", "LONGCOU", "",
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4",
		"", 0},
	/* a country without a code */
	{"198.51.100.200", "", "", "", "", 0},
};

START_TEST(address_is_somewhere)
{
	struct geo_place place;
	struct geo_file *g;
	struct err err;

	if (!made("address_is_somewhere"))
		return;
	g = geo_open(path, &err);
	ck_assert_msg(g != NULL, "%s", err.text);
	look_up(g, places[_i].ip, &place);
	ck_assert_str_eq(place.country, places[_i].country);
	ck_assert_str_eq(place.continent, places[_i].continent);
	ck_assert_str_eq(place.city, places[_i].city);
	ck_assert_str_eq(place.as_name, places[_i].as_name);
	ck_assert_uint_eq(place.asn, places[_i].asn);
	geo_close(g);
}
END_TEST

static void
expect_country(struct geo_file *g, const char *country)
{
	struct geo_place place;

	look_up(g, "192.0.2.7", &place);
	ck_assert_str_eq(place.country, country);
}

START_TEST(replaced_file_is_read)
{
	char new[140];
	struct geo_file *g;
	struct err err;

	if (!made("replaced_file_is_read"))
		return;
	snprintf(new, sizeof(new), "%s.new", path);
	g = geo_open(path, &err);
	ck_assert(make(new, "AT") && rename(new, path) == 0);
	expect_country(g, "DE");
	clock_advance(GEO_LOOK_US);
	expect_country(g, "AT");
	/* A bad one, said once; then none; then a good one. */
	ck_assert(truncate(path, 100) == 0);
	clock_advance(GEO_LOOK_US);
	expect_country(g, "AT");
	clock_advance(GEO_LOOK_US);
	expect_country(g, "AT");
	ck_assert_int_eq(unlink(path), 0);
	clock_advance(GEO_LOOK_US);
	expect_country(g, "AT");
	ck_assert(make(new, "CH") && rename(new, path) == 0);
	clock_advance(GEO_LOOK_US);
	expect_country(g, "CH");
	geo_close(g);
	const char *said = strstr(rule_log(&r), "stays in use");

	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_null(strstr(said + 1, "stays in use"));
}
END_TEST

/* Whoever writes over the file that is in use takes nothing away. */
START_TEST(truncated_file_ends_nothing)
{
	struct geo_file *g;
	struct err err;

	if (!made("truncated_file_ends_nothing"))
		return;
	g = geo_open(path, &err);
	ck_assert_int_eq(truncate(path, 0), 0);
	expect_country(g, "DE");
	geo_close(g);
}
END_TEST

/* Octets turned at random: lookups find something or nothing, and end. */
START_TEST(broken_database_ends_nothing)
{
	static unsigned char whole[1 << 16];
	unsigned seed = 20261126;
	size_t len;
	FILE *f;

	if (!made("broken_database_ends_nothing"))
		return;
	f = fopen(path, "rb");
	len = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	ck_assert_uint_gt(len, 500);
	for (int round = 0; round < 300; round++) {
		struct geo_place place;
		struct geo_file *g;
		struct err err;

		f = fopen(path, "wb");
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			fputc(seed >> 16 & 63 ? whole[i] : (int)(seed >> 8 & 255), f);
		}
		fclose(f);
		g = geo_open(path, &err);
		for (size_t i = 0; g != NULL && i < sizeof(places) / sizeof(*places); i++)
			look_up(g, places[i].ip, &place);
		geo_close(g);
	}
}
END_TEST

START_TEST(no_database_is_said)
{
	struct err err;
	FILE *f = fopen(path, "w");

	ck_assert_ptr_null(geo_open("/nonexistent/geo.mmdb", &err));
	ck_assert_str_eq(err.text, "cannot be opened: No such file or directory");
	ck_assert_ptr_null(geo_open("/dev/zero", &err));
	ck_assert_str_eq(err.text, "it is no file of at most 1 GB");
	fputs("no database\n", f);
	fclose(f);
	ck_assert_ptr_null(geo_open(path, &err));
	ck_assert_msg(strstr(err.text, "MaxMind DB") != NULL, "%s", err.text);
}
END_TEST

/* --- rules --- */

static void
load(const char *code, const char *section)
{
	char *text = NULL;

	drive_file(&r.d, "scripts/x.lua", code);
	ck_assert_int_gt(asprintf(&text,
				 "main { authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "profile p { chain = [ x ] }\n"
				 "script x { file = scripts/x.lua }\n%s",
				 section),
		0);
	drive_load_text(&r.d, text);
	free(text);
	drive_shorten(&r.d);
}

#define GEO "geo { database = geo.mmdb }\n"

START_TEST(rule_knows_the_country)
{
	if (!made("rule_knows_the_country"))
		return;
	load("function connect(m) return reject(tostring(m.geo) .. ' ' .. m.geo.continent .. ' ' "
	     ".. "
	     "tostring(m.geo.asn)) end\n",
		GEO);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	ck_assert_str_eq(rule_session(&r), "550 5.7.1 DE EU nil");
}
END_TEST

static const struct {
	const char *code, *section, *mistake;
} refused[] = {
	{"function mail(m) return m.geo.country and nil end\n", "",
		"scripts/x.lua:1: error: m.geo needs a database, in filter.conf: geo { database ="},
	{"function mail(m) end\n", "geo { database = none.mmdb }\n",
		"none.mmdb: cannot be opened: No such"},
	{"function mail(m) end\n", "geo { asn_database = x }\n", "geo needs database"},
	{"function mail(m) end\n", GEO, ""},
};

START_TEST(mistake_is_found_at_load)
{
	if (!made("mistake_is_found_at_load"))
		return;
	load(refused[_i].code, refused[_i].section);
	if (refused[_i].mistake[0] == '\0')
		ck_assert_str_eq(r.d.mistakes, "");
	else
		ck_assert_msg(
			strstr(r.d.mistakes, refused[_i].mistake) != NULL, "%s", r.d.mistakes);
}
END_TEST

START_TEST(unknown_field_is_told)
{
	if (!made("unknown_field_is_told"))
		return;
	load("function mail(m) return m.geo.contry end\n", GEO);
	rule_expect(rule_session(&r),
		"failed: scripts/x.lua:1: geo has no field \"contry\"; did you mean \"country\"?*");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("geo");
	TCase *tc = tcase_create("geo");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, address_is_somewhere, 0, LENGTH(places));
	tcase_add_test(tc, replaced_file_is_read);
	tcase_add_test(tc, truncated_file_ends_nothing);
	tcase_add_test(tc, broken_database_ends_nothing);
	tcase_add_test(tc, no_database_is_said);
	tcase_add_test(tc, rule_knows_the_country);
	tcase_add_loop_test(tc, mistake_is_found_at_load, 0, LENGTH(refused));
	tcase_add_test(tc, unknown_field_is_told);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
