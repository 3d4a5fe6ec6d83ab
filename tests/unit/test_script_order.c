/* SPDX-License-Identifier: MIT */
/*
 * test_script_order.c - rules that read results of plugins, and where they stand in the chain
 *
 * The plugins are the real ones. Nobody is asked in DNS: who has logged in is not checked.
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

/* A chain of spf, dkim and the rule, in the order given. */
static void
load(const char *code, const char *chain)
{
	char dir[PATH_MAX], *text = NULL;

	drive_plugin_dir(dir, false);
	drive_file(&r.d, "scripts/x.lua", code);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "profile p { %s }\n"
				 "script x { file = scripts/x.lua }\n"
				 "plugin sender { type = spf }\nplugin dkim { }\n"
				 "plugin sign { type = dkim }\n",
				 dir, chain),
		0);
	drive_load_text(&r.d, text);
	free(text);
}

#define RULE_FIRST "chain = [ x, sender, dkim ]"
#define RULE_LAST  "chain = [ sender, dkim, x ]"

static const struct {
	const char *name, *code, *chain, *mistake;
} orders[] = {
	{"mail reads m.spf before spf ran", "function mail(m)\n\treturn m.spf.result and nil\nend",
		RULE_FIRST, "x runs before sender in profile p"},
	{"message reads msg.dkim before dkim ran",
		"function message(msg)\n\tif msg then local d = msg.dkim end\nend", RULE_FIRST,
		"x runs before dkim in profile p"},
	{"both, and the first is told",
		"function mail(m) return m.spf.result and nil end\n"
		"function message(m) return m.dkim.result and nil end",
		RULE_FIRST, "x runs before sender in profile p"},
	{"between them", "function message(m) return m.dkim.result and nil end",
		"chain = [ sender, x, dkim ]", "x runs before dkim in profile p"},
	{"behind blocks of all kinds",
		"function mail(m)\n"
		"  for i = 1, 2 do if i > 3 then break elseif i > 2 then i = 1 else i = 2 end end\n"
		"  while false do end\n  repeat local f = function() end until true\n"
		"  do return m.spf.result and nil end\nend",
		RULE_FIRST, "x runs before sender in profile p"},

	{"a hook in a block",
		"do local n = 1\nfunction mail(m) return m.spf.result and nil end end", RULE_FIRST,
		"x runs before sender in profile p"},
	{"two that give its results, and both behind it",
		"function message(m) return m.dkim.result and nil end", "chain = [ x, dkim, sign ]",
		"x runs before dkim in profile p"},

	{"a loop of that name",
		"function mail(m) for _, m in ipairs({ { spf = 1 } }) do if m.spf then end end end",
		RULE_FIRST, NULL},
	{"a local of that name",
		"function mail(m) local a, m = 1, { spf = 1 } if m.spf then end end", RULE_FIRST,
		NULL},
	{"behind both", "function message(m) return m.dkim.result and m.spf.result and nil end",
		RULE_LAST, NULL},
	{"a later stage finds them", "function message(m) return m.spf.result and nil end",
		"chain = [ x, sender ]", NULL},
	{"so does done()",
		"function mail(m) end\nfunction done(m) return m.spf.result and m.dkim.result and "
		"nil end",
		RULE_FIRST, NULL},
	{"another hook of the same file does not count",
		"function rcpt(m) return m.spf.result and nil end\nfunction mail(m) end",
		RULE_FIRST, NULL},
	{"words in strings and comments are none",
		"function mail(m)\n-- m.spf\nlocal s = 'm.spf'\nend", RULE_FIRST, NULL},
	{"a field of something else",
		"function mail(m) local t = { spf = 1 } return t.spf and nil end", RULE_FIRST,
		NULL},
	{"a field of a field of that name",
		"local t = { m = { spf = 1 } }\nfunction mail(m) return t.m.spf and nil end",
		RULE_FIRST, NULL},
	{"what a function gives, in a hook without parameters",
		"local function f() return { spf = 1 } end\n"
		"function mail() return f().spf and nil end",
		RULE_FIRST, NULL},
	{"a local function that is called like a stage",
		"local function mail(m) return m.spf.result end\n"
		"function rcpt(m) return mail(m) and nil end",
		RULE_FIRST, NULL},
	{"another function behind a hook in a block",
		"do function mail(m) end\nlocal function f(m) return m.spf end\n"
		"function rcpt(m) return f(m) and nil end end",
		RULE_FIRST, NULL},
	{"behind what verifies, before what signs",
		"function message(m) return m.dkim.result and nil end", "chain = [ dkim, x, sign ]",
		NULL},
	{"a chain without them", "function mail(m) return m.spf.result and nil end",
		"chain = [ x, dkim ]", NULL},
};

START_TEST(must_stand_behind_what_it_reads)
{
	load(orders[_i].code, orders[_i].chain);
	ck_assert_msg((r.d.g == NULL) == (orders[_i].mistake != NULL), "%s: %s", orders[_i].name,
		r.d.mistakes);
	if (orders[_i].mistake != NULL)
		ck_assert_msg(strstr(r.d.mistakes, orders[_i].mistake) != NULL, "%s: %s",
			orders[_i].name, r.d.mistakes);
}
END_TEST

#define NOWHERE                                                                                    \
	"filter.conf:4:1: warning: x reads m.spf, and no chain that names it has the plugin spf\n" \
	"    4 | script x { file = scripts/x.lua }\n"                                              \
	"      | ^~~~~~\n"                                                                         \
	"      = help: name the plugin in the chain of profile p, before x\n"

static const struct {
	const char *name, *code, *chain, *warning;
} absences[] = {
	{"no chain of its has the plugin", "function rcpt(m) return m.spf.result and nil end",
		"chain = [ x ]", NOWHERE},
	{"nor another profile with the rule", "function rcpt(m) return m.spf.result and nil end",
		"chain = [ dkim, x ] }\nprofile q { port = 1; chain = [ x ]", "x reads m.spf"},
	{"one of its chains has it", "function rcpt(m) return m.spf.result and nil end",
		"port = 1; chain = [ x ] }\nprofile q { chain = [ x, sender ]", NULL},
	{"so has the chain of one stage", "function rcpt(m) return m.spf.result and nil end",
		"chain = [ x ]; mail = [ sender ]", NULL},
	{"a rule that no chain names", "function rcpt(m) return m.spf.result and nil end",
		"chain = [ dkim ]", NULL},
	{"a rule that reads none", "function rcpt(m) return m.helo and nil end", "chain = [ x ]",
		NULL},
};

START_TEST(is_told_that_nobody_gives_what_it_reads)
{
	const char *warning = absences[_i].warning;

	load(absences[_i].code, absences[_i].chain);
	drive_shorten(&r.d);
	ck_assert_msg(r.d.g != NULL, "%s: %s", absences[_i].name, r.d.mistakes);
	ck_assert_msg((strstr(r.d.mistakes, "reads m.") != NULL) == (warning != NULL) &&
			      (warning == NULL || strstr(r.d.mistakes, warning) != NULL),
		"%s: %s", absences[_i].name, r.d.mistakes);
}
END_TEST

START_TEST(is_told_where_to_go)
{
	load("function message(m) return m.spf.result and m.dkim.result and nil end", RULE_FIRST);
	drive_shorten(&r.d);
	ck_assert_ptr_nonnull(strstr(r.d.mistakes,
		"filter.conf:3:23: error: x runs before dkim in profile p\n"
		"    3 | profile p { chain = [ x, sender, dkim ] }\n"
		"      |                       ^\n"
		"      = help: x uses the results of dkim; move it behind dkim\n"));
}
END_TEST

/* What the text of the hooks does not tell. */
#define GET "local function get(m, name) return m[name].result end\n"

static const struct {
	const char *name, *code, *chain, *want;
} turns[] = {
	{"a function reads m.spf at its stage",
		GET "function mail(m) local r = get(m, 'spf') return reject('read') end",
		RULE_FIRST,
		"failed: scripts/x.lua:1: m.spf is not known yet: plugin spf stands behind x in "
		"profile p; move x behind it (get scripts/x.lua:1 < mail() scripts/x.lua:2)"},
	{"a function reads m.dkim at its stage",
		GET "function message(m) local r = get(m, 'dkim') return reject('read') end",
		RULE_FIRST,
		"failed: scripts/x.lua:1: m.dkim is not known yet: plugin dkim stands behind x in "
		"profile p; move x behind it (get scripts/x.lua:1 < message() scripts/x.lua:2)"},
	{"its turn has been",
		GET "function mail(m) if not get(m, 'spf') then return reject('read') end end",
		RULE_LAST, "550 5.7.1 read"},
	{"the turn of the first has been",
		GET "function message(m) local r = get(m, 'dkim') return reject('read') end",
		"chain = [ dkim, x, sign ]", "550 5.7.1 read"},
	{"its stage has been",
		GET "function rcpt(m) if not get(m, 'spf') then return reject('read') end end",
		RULE_FIRST, "550 5.7.1 read"},
	{"it is in no chain of this message",
		GET "function mail(m) if not get(m, 'spf') then return reject('read') end end",
		"chain = [ x ]", "550 5.7.1 read"},
};

START_TEST(is_told_that_its_turn_is_too_early)
{
	load(turns[_i].code, turns[_i].chain);
	ck_assert_msg(r.d.g != NULL, "%s: %s", turns[_i].name, r.d.mistakes);
	rule_expect(rule_session(&r), turns[_i].want);
	chain_end_message(r.d.s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_order");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, must_stand_behind_what_it_reads, 0, LENGTH(orders));
	tcase_add_loop_test(tc, is_told_that_nobody_gives_what_it_reads, 0, LENGTH(absences));
	tcase_add_test(tc, is_told_where_to_go);
	tcase_add_loop_test(tc, is_told_that_its_turn_is_too_early, 0, LENGTH(turns));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
