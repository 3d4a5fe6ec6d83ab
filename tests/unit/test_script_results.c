/* SPDX-License-Identifier: MIT */
/*
 * test_script_results.c - results that rules name and plugins do not publish
 *
 * The plugins are the real ones, and what their tables say is what they do: published.c.
 */
#include "script_case.h"
#include "table.h"

static struct rule r;

static void
setup(void)
{
	rule_init(&r);
}

static void
teardown(void)
{
	rule_fini(&r);
}

/* The rule behind these plugins; its mistakes begin with "scripts/". */
static void
load(const char *code, const char *sections, bool test_plugins)
{
	char dir[PATH_MAX], *text = NULL;

	drive_plugin_dir(dir, test_plugins);
	drive_file(&r.d, "scripts/x.lua", code);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "script x { file = scripts/x.lua }\n"
				 "store memory { type = memory }\n%s",
				 dir, sections),
		0);
	drive_load_text(&r.d, text);
	free(text);
	drive_shorten(&r.d);
}

/* --- while a rule is loaded ---------------------------------------------------------------------
 */

#define CHECKS                                                                                 \
	"plugin spf { }\nplugin dkim { }\nplugin dmarc { }\nprofile p { chain = [ spf, dkim, " \
	"dmarc, x ] }\n"
#define OTHERS                                                                 \
	"plugin access { }\nplugin auth { }\n"                                 \
	"plugin own { type = ratelimit; key = [ client_ip ]; limit = 9/1h }\n" \
	"profile p { chain = [ access, auth, own, x ] }\n"
#define MESSAGE "function message(m)\n"

static const struct {
	const char *name, *code, *sections;
	const char *mistake; /* NULL: none */
} loads[] = {
	{"a name that is nearly one", MESSAGE "\tif m.dmarc.polcy == 'reject' then return end\nend",
		CHECKS,
		"scripts/x.lua:2: error: dmarc has no result \"polcy\"; did you mean \"policy\"?"},
	{"of spf", MESSAGE "\n\treturn m.spf.reslut and nil\nend", CHECKS,
		"scripts/x.lua:3: error: spf has no result \"reslut\"; did you mean \"result\"?"},
	{"whatever the first parameter is called",
		"function message(msg) return msg.spf.reslut and nil end", CHECKS,
		"scripts/x.lua:1: error: spf has no result \"reslut\""},
	{"a name that is like none", MESSAGE "return m.dmarc.colour and nil end", CHECKS,
		"scripts/x.lua:2: error: dmarc has no result \"colour\", only disposition, domain, "
		"method, org_domain, override, policy, record, result "},
	{"in brackets", MESSAGE "return m.dkim['resutl'] and nil end", CHECKS,
		"scripts/x.lua:2: error: dkim has no result \"resutl\"; did you mean \"result\"?"},
	{"of a plugin that is no name of the API", MESSAGE "return m.access.bye and nil end",
		OTHERS,
		"scripts/x.lua:2: error: access has no result \"bye\"; did you mean \"by\"?"},
	{"in a function beside the hooks",
		"local function f(m) return m.spf.reslut end\nfunction message(m) return f(m) and "
		"nil end",
		CHECKS, "scripts/x.lua:1: error: spf has no result \"reslut\""},
	{"a result that there is", MESSAGE "return m.dmarc.policy and m.spf['helo'] and nil end",
		CHECKS, NULL},
	{"a signature by its number",
		MESSAGE "return m.dkim['1'] and m.dkim[2] and m.dkim['30'] and nil end", CHECKS,
		NULL},
	{"no number", MESSAGE "return m.dkim['0'] and nil end", CHECKS,
		"scripts/x.lua:2: error: dkim has no result \"0\", only algorithm, "},
	{"a name that is put together", MESSAGE "return m.dmarc['pol' .. 'cy'] and nil end", CHECKS,
		NULL},
	{"a name with escapes", MESSAGE "return m.dmarc['polic\\x79'] and nil end", CHECKS, NULL},
	{"names nobody knows beforehand", MESSAGE "return m.ratelimit.own_used and nil end", OTHERS,
		NULL},
	{"the login, which is no plugin's", MESSAGE "return m.auth.user and nil end", OTHERS, NULL},
	{"something else that is called so",
		MESSAGE "\tlocal t = { spf = {} }\n\treturn t.spf.reslut\nend", CHECKS, NULL},
	{"a field of a field of that name",
		MESSAGE "\tlocal t = { m = { spf = {} } }\n\treturn t.m.spf.reslut\nend", CHECKS,
		NULL},
	{"words in strings and comments",
		MESSAGE "-- m.spf.reslut\nreturn 'm.spf.reslut' and nil end", CHECKS, NULL},
	{"a loop of that name",
		MESSAGE "for _, m in ipairs{ { dmarc = { polcy = 1 } } } do if m.dmarc.polcy then "
			"end end end",
		CHECKS, NULL},
	{"all results at once", MESSAGE "local r = m.spf return r and nil end", CHECKS, NULL},
};

START_TEST(is_refused_when_loaded)
{
	load(loads[_i].code, loads[_i].sections, false);
	ck_assert_msg((r.d.g == NULL) == (loads[_i].mistake != NULL), "%s: %s", loads[_i].name,
		r.d.mistakes);
	if (loads[_i].mistake != NULL)
		ck_assert_msg(strstr(r.d.mistakes, loads[_i].mistake) != NULL, "%s: %s",
			loads[_i].name, r.d.mistakes);
}
END_TEST

/* --- while it runs ------------------------------------------------------------------------------
 */

#define GET  "local function get(m, type, key) return m[type][key] end\n"
#define MAIL "function mail(m)\n"
#define SAY  " return reject(tostring(v)) end"
#define AT   "failed: scripts/x.lua:1: "

static const struct {
	const char *name, *code, *want;
} runs[] = {
	{"a name that is computed", GET MAIL "local v = get(m, 'access', 'reslut')" SAY,
		AT "access has no result \"reslut\"; did you mean \"result\"? (get *"},
	{"in another case", GET MAIL "local v = get(m, 'access', 'Result')" SAY,
		AT "access has no result \"Result\"; did you mean \"result\"?*"},
	{"one that is like none", GET MAIL "local v = get(m, 'access', 'x')" SAY,
		AT "access has no result \"x\", only by, result (get *"},
	{"a number", GET MAIL "local v = get(m, 'access', 1)" SAY,
		AT "access has no result \"1\", only by, result*"},
	{"what is no name at all", GET MAIL "local v = get(m, 'access', {})" SAY,
		AT "results has no field \"table\"*"},
	{"a long one", GET MAIL "local v = get(m, 'access', ('x'):rep(1000))" SAY,
		AT "access has no result "
		   "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\","
		   " only by*"},
	{"results that are kept in a variable", MAIL "local r = m.access\nlocal v = r.reslut" SAY,
		"failed: scripts/x.lua:3: access has no result \"reslut\"*"},
	{"what was published", GET MESSAGE "local v = get(m, 'ratelimit', 'result')" SAY,
		"550 5.7.1 ok"},
	{"what was not published", GET MAIL "local v = get(m, 'access', 'result')" SAY,
		"550 5.7.1 nil"},
	{"what its link was not asked for",
		GET MAIL "local v = get(m, 'ratelimit', 'other_key')" SAY, "550 5.7.1 nil"},
};

START_TEST(is_an_error_when_it_runs)
{
	load(runs[_i].code, OTHERS, false);
	ck_assert_msg(r.d.g != NULL, "%s: %s", runs[_i].name, r.d.mistakes);
	rule_expect(rule_session(&r), runs[_i].want);
	chain_end_message(r.d.s);
}
END_TEST

/* The plugin of that name which the tests have is from before there were such tables. */
START_TEST(a_plugin_that_says_nothing_may_publish_anything)
{
	load("function message(m) return reject(tostring(m.greylist.reslut)) end",
		"plugin greylist { }\nprofile p { chain = [ greylist, x ] }\n", true);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	rule_expect(rule_session(&r), "550 5.7.1 nil");
	chain_end_message(r.d.s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_results");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, is_refused_when_loaded, 0, LENGTH(loads));
	tcase_add_loop_test(tc, is_an_error_when_it_runs, 0, LENGTH(runs));
	tcase_add_test(tc, a_plugin_that_says_nothing_may_publish_anything);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
