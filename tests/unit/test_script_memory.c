/* SPDX-License-Identifier: MIT */
/*
 * test_script_memory.c - what hooks that fail for want of memory leave behind: nothing; and what
 * the message keeps of what a rule does: little
 *
 * A hook that ends inside of a function of C leaves that function's memory to the collector. It
 * may come while another hook has used up what calls need, and then it can call nothing.
 */
#include <malloc.h>

#include "script_case.h"
#include "table.h"

/* Lua allows calls of C 200 deep. */
#define DEEPEST 200
#define DEPTHS	24
#define ROUNDS	2
/* Each message leaves 600,000 octets. */
#define GROWS_MOST ((size_t)1 << 20)

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

#define RULE                                                         \
	"local deep = setmetatable({}, { __index = function(t, n)\n" \
	"\tif n > 0 then return t[n - 1] end\n"                      \
	"\tfor _ = 1, 20000 do local garbage = {} end\n"             \
	"\treturn 0\n"                                               \
	"end })\n"                                                   \
	"function mail(m, from)\n"                                   \
	"\tlocal depth = tonumber(from.user)\n"                      \
	"\tif depth then return deep[depth] and error('deep') end\n" \
	"\t%s\n"                                                     \
	"end\n"

static void
load(const char *code)
{
	char *rule = NULL;

	ck_assert_int_gt(asprintf(&rule, RULE, code), 0);
	drive_file(&r.d, "scripts/x.lua", rule);
	free(rule);
	drive_load_text(&r.d,
		"main { authserv_id = mx.test }\n"
		"listener l { socket = inet:10025@127.0.0.1 }\n"
		"profile p { chain = [ x ] }\n"
		"script x { file = scripts/x.lua; cpu = 20ms; memory = 16M; timeout = 60s }\n");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
}

static void
run_out(const char *sender)
{
	const char *got = rule_message(&r, sender);

	ck_assert_msg(strncmp(got, "failed: ", 8) == 0, "%s: %s", sender, got);
	chain_end_message(r.d.s);
}

static void
collect_at_depth(int depth)
{
	char sender[32];

	snprintf(sender, sizeof(sender), "<%d@example.com>", depth);
	rule_message(&r, sender);
	chain_end_message(r.d.s);
}

static size_t
in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static const char *const left[] = {
	"while true do local x = ('x'):rep(1 << 20) end",
	"local text = '[' .. ('{},'):rep(20000) .. '0]' while true do json.decode(text) end",
	"local t = {} for i = 1, 10000 do t[i] = 'a' .. i end while true do json.encode(t) end",
};

/* Under the address sanitizer mallinfo2() tells nothing, and what is left is told at the end. */
START_TEST(is_free_again)
{
	size_t before, after;

	load("return nil");
	rule_fini(&r);
	rule_init(&r);
	before = in_use();
	load(left[_i]);
	for (int i = 0; i < ROUNDS * DEPTHS; i++) {
		run_out("<a@example.com>");
		collect_at_depth(DEEPEST - DEPTHS + i % DEPTHS);
	}
	rule_fini(&r);
	after = in_use();
	rule_init(&r);
	ck_assert_msg(after <= before + GROWS_MOST, "%s: %zu octets before, %zu after", left[_i],
		before, after);
}
END_TEST

/* --- what a message keeps --- */

/* What a rule may hand over is 4 MB, and the message has some more. */
#define KEEPS_MOST ((size_t)6 << 20)

/* Each makes the host keep many small things, or a few large ones. */
static const char *const kept[] = {
	"for i = 1, 80000 do dnsbl('', 'x') end",
	("local q = {} for i = 1, 63 do q[i] = {'ptr', '::1'} end q[64] = {'a', {}} "
	 "for i = 1, 400 do pcall(dns.all, q) end"),
	"local t = {} for i = 1, 60000 do t['k' .. i] = 1 end pcall(greylist, m, t)",
	"store.set('k', ('x'):rep(60000), '1h') for i = 1, 900 do store.get('k') end",
	"for i = 1, 80000 do pcall(m.add_header, m, 'A', 'b') end",
	"for i = 1, 80000 do m:note('n', i) end",
	"for i = 1, 80000 do map('logins'):get('eve@sales.test') end",
};

START_TEST(message_keeps_little)
{
	char dir[PATH_MAX], *rule = NULL, *text = NULL;

	drive_plugin_dir(dir, true);
	ck_assert_int_gt(asprintf(&rule, "function mail(m, from)\n%s\nend\n", kept[_i]), 0);
	drive_file(&r.d, "scripts/x.lua", rule);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "store local { type = memory }\n"
				 "plugin greylist { }\n"
				 "profile p { chain = [ x ] }\n" RULE_MAPS
				 "script x { file = scripts/x.lua; cpu = 60s; timeout = 60s; "
				 "memory = 64M }\n",
				 dir),
		0);
	drive_load_text(&r.d, text);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_mail(&r.d, "<a@example.com>", "bob", "TLSv1.3");
	ck_assert_msg(r.d.s->msg.used <= KEEPS_MOST, "%s: %zu octets", kept[_i], r.d.s->msg.used);
	free(rule);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_memory");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, is_free_again, 0, LENGTH(left));
	tcase_add_loop_test(tc, message_keeps_little, 0, LENGTH(kept));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
