/* SPDX-License-Identifier: MIT */
/*
 * test_script_load.c - what a rule file may not say, in the words an administrator gets
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

#define MAIL "function mail(m) end\n"

#define PARENS "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("

static const struct {
	const char *code, *mistake;
} mistakes[] = {
	/* globals */
	{"function mial(m) end",
		"scripts/x.lua:1: error: function mial is not a stage (connect helo mail "
		"rcpt data headers message done); helper functions need \"local\""},
	{"count = 0\n" MAIL,
		"scripts/x.lua:1: error: global \"count\": write local, or store.set() to "
		"keep it between messages"},
	{MAIL "\nmail = 5", "scripts/x.lua:3: error: mail is a stage: write function mail(m)"},
	{MAIL MAIL, "scripts/x.lua:2: error: function mail is defined twice"},
	{MAIL "local x = rejct",
		"scripts/x.lua:2: error: unknown name \"rejct\"; did you mean \"reject\"?"},
	{MAIL "local x = nothing_like_it",
		"scripts/x.lua:2: error: unknown name \"nothing_like_it\" (profile p, "
		"chain position 1)\n"},
	{MAIL "string.find = nil", "scripts/x.lua:2: error: string cannot be changed"},
	{"function mail(m)\n\tcount = (count or 0) + 1\nend",
		"scripts/x.lua:2: error: global \"count\": write local, or store.set() to keep it "
		"between messages"},
	{"function mail(m)\n\tif m.helo then\n\t\tslep(5)\n\tend\nend",
		"scripts/x.lua:3: error: unknown name \"slep\" (profile p, chain position 1)\n"},
	{"function mail(m)\n\treturn rejct('no')\nend",
		"scripts/x.lua:2: error: unknown name \"rejct\"; did you mean \"reject\"?"},
	{"function mail(m)\n\tif m then return x end\n\tlocal t = { x = 1 }\nend",
		"scripts/x.lua:2: error: unknown name \"x\""},
	{"function mail(m)\n\tprint(m.helo)\nend",
		"scripts/x.lua:2: error: print is not available in rules; write log.info(text)"},
	{"local a\nb = 1\n" MAIL, "scripts/x.lua:2: error: global \"b\": write local"},
	{"local t = { task }\n" MAIL, "scripts/x.lua:1: error: unknown name \"task\""},
	{MAIL "local f = string.gmach",
		"scripts/x.lua:2: error: string has no \"gmach\"; did you mean "
		"\"gmatch\"?"},
	{MAIL "settings.x = 1", "scripts/x.lua:2: error: settings cannot be changed"},
	{"local x = 1", "scripts/x.lua: error: the file defines no hook: write function mail(m)"},
	{"", "scripts/x.lua: error: the file defines no hook"},

	/* what rules do not have */
	{MAIL "os.exit()", "scripts/x.lua:2: error: os is not available in rules; time.now()"},
	{MAIL "local s = string.dump(mail)", "scripts/x.lua:2: error: string has no \"dump\""},
	{MAIL "load('x = 1')()", "scripts/x.lua:2: error: load is not available in rules"},
	{MAIL "print('x')",
		"scripts/x.lua:2: error: print is not available in rules; write log.info"},
	{MAIL "debug.sethook()", "scripts/x.lua:2: error: debug is not available in rules"},
	{MAIL "coroutine.wrap(mail)",
		"scripts/x.lua:2: error: coroutine is not available in rules"},
	{MAIL "_ENV.x = 1", "scripts/x.lua:2: error: _ENV is not available in rules"},
	{MAIL "setmetatable({}, { __gc = mail })",
		"scripts/x.lua:2: error: __gc is not available in rules"},
	{MAIL "log.info('x')", "scripts/x.lua:2: error: log.info() can be used in hooks only"},

	/* what needs something of filter.conf, or is misspelled */
	{"function rcpt(m, to)\n\treturn greylist(m, {})\nend",
		"scripts/x.lua:2: error: greylist() needs the plugin greylist in filter.conf"},
	{"function message(mail)\n\tif mail.geo.country then return end\nend",
		"scripts/x.lua:2: error: mail.geo needs a database, in filter.conf: geo {"},
	{MAIL "local x = lpeg.Px('x')",
		"scripts/x.lua:2: error: lpeg has no \"Px\"; did you mean \"P\"?"},
	{MAIL "local x = lpeg.P{ lpeg.V'x' }",
		"scripts/x.lua:2: error: rule 'x' undefined in given grammar"},

	/* what is always true, or never */
	{"function mail(m)\n\tif m.from_trusted then return end\nend",
		"scripts/x.lua:2: error: from_trusted is called with a colon: m:from_trusted(...)"},
	{"function mail(m)\n\tif m.helo == 'x' and not m.from_trusted\n\tthen return end\nend",
		"scripts/x.lua:2: error: from_trusted is called with a colon: m:from_trusted(...)"},
	{"function rcpt(m, to)\n\tif to == 'bob@example.com' then return end\nend",
		"scripts/x.lua:2: error: to is not a text and equals none: write to.addr"},
	{"function mail(m, from)\n\tif m and from ~= \"\" then return end\nend",
		"scripts/x.lua:2: error: from is not a text and equals none: write from.addr"},
	{"function mail(m, from)\n\tlog.info('x', { 'y', from = from.addr, m = 1 })\n\tif from == "
	 "'x' and m.from == 'x' then return end\nend",
		"scripts/x.lua:3: error: from is not a text and equals none: write from.addr"},
	{"function mail(m)\n\tif not m.from_trusted then return end\nend",
		"scripts/x.lua:2: error: from_trusted is called with a colon: m:from_trusted(...)"},
	{"function done(m, v)\n\tif v == 'reject' then return end\nend",
		"scripts/x.lua:2: error: v is not a text and equals none: write v.kind"},
	{"function mail(msg)\n\tif msg.auth == 'bob' then return end\nend",
		"scripts/x.lua:2: error: msg.auth is not a text and equals none: write "
		"msg.auth.user"},
	{"function mail(m)\n\tif m.from ~= [[x]] then return end\nend",
		"scripts/x.lua:2: error: m.from is not a text and equals none: write m.from.addr"},
	{"function connect(m)\n\tif m.client == '192.0.2.1' then return end\nend",
		"scripts/x.lua:2: error: m.client is not a text and equals none: write "
		"m.client.ip"},

	/* what hooks are not given */
	{"\nfunction connect(m, ip) end", "scripts/x.lua:2: error: function connect has 2 "
					  "parameters, but is called with (m)"},
	{"function mail(m, from, login) end", "scripts/x.lua:1: error: function mail has 3 "
					      "parameters, but is called with (m, from)"},
	{"function message(m, body) end", "is called with (m) (profile p, chain position 1)\n"},
	{"function done(m, a, b) end", "but is called with (m, verdict)"},
	{"function helo(m, a, b) end", "but is called with (m, name)"},
	{"function rcpt(m, a, b) end", "but is called with (m, to)"},

	/* verdicts that nobody gets */
	{"function mail(m)\n\tif m then reject('no') end\nend",
		"scripts/x.lua:2: error: reject() does nothing unless the hook returns it: return "
		"reject(...)"},
	{"function mail(m)\n\treject{ code = 550 }\nend", "scripts/x.lua:2: error: reject() does"},
	{"function mail(m)\n\ttempfail 'later'\nend", "scripts/x.lua:2: error: tempfail() does"},
	{"function mail(m)\n\tlocal x = 5\n\taccept()\nend", "scripts/x.lua:3: error: accept()"},
	{"function mail(m)\n\tlocal x = m\n\tdiscard()\nend", "scripts/x.lua:3: error: discard()"},
	{"function message(m)\n\tlocal x = {}\n\tquarantine('x')\nend",
		"scripts/x.lua:3: error: quarantine()"},
	{"function mail(m)\n\tm:note('a', 1)\n\treject('no')\nend",
		"scripts/x.lua:3: error: reject()"},
	{"local function no(...)\n\tlocal x = ...\n\treject('no')\nend\n" MAIL,
		"scripts/x.lua:3: error: reject()"},
	{"local function no(m)\n\tlocal x = 'a'\n\treject[[no]]\nend\n" MAIL,
		"scripts/x.lua:3: error: reject()"},
	{"function mail(m)\n\t::again::\n\treject('no')\nend", "scripts/x.lua:3: error: reject()"},
	{"function mail(m)\n\t-- a CR ends it\rreject('no')\nend",
		"scripts/x.lua:2: error: reject()"},
	{"function mail(m)\n\tlocal t = { 1; 2 };\n\treject('no')\nend",
		"scripts/x.lua:3: error: reject()"},

	/* results of plugins that are not there */
	{"function mail(m)\n\tlocal x = m.spf.result\nend",
		"scripts/x.lua:2: error: m.spf needs the plugin spf in filter.conf"},
	{"function message(msg)\n\tif msg.dkim.result == 'pass' then end\nend",
		"scripts/x.lua:2: error: msg.dkim needs the plugin dkim in filter.conf"},
	{"function message(m)\n\tif m.dmarc.result == 'pass' then end\nend",
		"scripts/x.lua:2: error: m.dmarc needs the plugin dmarc in filter.conf"},

	/* maps and modules */
	{MAIL "local l = map \"login\"",
		"scripts/x.lua:2: error: map \"login\" is not in filter.conf"},
	{MAIL "require '../x'",
		"scripts/x.lua:2: error: module \"../x\": require takes the name of a "
		"file below the rule's directory"},
	{MAIL "require '/etc/passwd'",
		"scripts/x.lua:2: error: module \"/etc/passwd\": require takes"},
	{MAIL "require 'a..b'", "scripts/x.lua:2: error: module \"a..b\": require takes"},
	{MAIL "require 'gone'", "scripts/x.lua:2: error: module \"gone\": cannot open "},

	/* Lua's own */
	{"function mail(m)\n\tif m then x(\nend", "scripts/x.lua:3: error: "},
	{MAIL "\nlocal x = " PARENS PARENS PARENS PARENS,
		"scripts/x.lua:3: error: C stack overflow"},
	{"\xef\xbb\xbf#!/usr/bin/lua\n" MAIL "error('stop')", "scripts/x.lua:3: error: stop"},
	{"\xef\xbb\xbf\x1bLua", "script x: it is compiled Lua; only text is allowed"},
	{MAIL "error('stop')", "scripts/x.lua:2: error: stop"},
	{MAIL "error({})", "scripts/x.lua:2: error: error() was called with a table"},
	{MAIL "local x = nil + 1", "scripts/x.lua:2: error: attempt to perform arithmetic"},
	{"\x1bLua", "script x: it is compiled Lua; only text is allowed"},
	{MAIL "while true do end", "scripts/x.lua:2: error: loading used its 1s of processor time"},
	{MAIL "while true do pcall(error) end", "scripts/x.lua:2: error: loading used its 1s"},
	{MAIL "local t = {} for i = 1, 1e9 do t[i] = i end",
		"scripts/x.lua:2: error: not enough memory: loading may use 16384 KB"},
};

START_TEST(says_what_is_wrong)
{
	rule_try(&r, mistakes[_i].code, "");
	ck_assert_ptr_null(r.d.g);
	ck_assert_uint_eq(r.d.errors, 1);
	ck_assert_msg(strstr(r.d.mistakes, mistakes[_i].mistake) != NULL, "want %s\ngot %s",
		mistakes[_i].mistake, r.d.mistakes);
}
END_TEST

START_TEST(misses_a_file_at_its_place_in_the_configuration)
{
	drive_load_text(&r.d, "main { authserv_id = mx.test }\n"
			      "listener l { socket = inet:10025@127.0.0.1 }\n"
			      "profile p { chain = [ x ] }\n"
			      "script x { file = scripts/nothing.lua }\n");
	ck_assert_ptr_null(r.d.g);
	ck_assert_ptr_nonnull(
		strstr(r.d.mistakes, "filter.conf:4:19: error: script x: cannot open "));
	ck_assert_ptr_nonnull(
		strstr(r.d.mistakes, "scripts/nothing.lua: No such file or directory"));
}
END_TEST

/* What a start does with a rule that it cannot load; the others run. */
static const struct {
	const char *name, *code, *more, *said;
	bool starts;
} left_out[] = {
	{"a mistake of syntax stops the start", "function mail(m", "", ": error: ", false},
	{"so it does where on_load_error says so", "function mail(m", "on_load_error = refuse",
		": error: ", false},
	{"skip: it starts without the rule", "\nfunction mail(m", "on_load_error = skip",
		"scripts/x.lua:2: warning: ')' expected near <eof> (profile p, chain position 1)\n"
		"      = help: script x is left out (on_load_error = skip); a reload is refused "
		"until it can be loaded\n",
		true},
	{"skip: a function that is no stage", "function mial(m) end", "on_load_error = skip",
		"scripts/x.lua:1: warning: function mial is not a stage ", true},
	{"skip: a map that is not there", "local gone = map 'gone' function mail(m) end",
		"on_load_error = skip", "scripts/x.lua:1: warning: map \"gone\" is not in ", true},
	{"skip: a file that is not there", NULL, "on_load_error = skip",
		"filter.conf:5:19: warning: script x: cannot open ", true},
	{"skip is not for a mistake of filter.conf", "function mail(m) end",
		"on_load_error = skip; cpu = fast", ": error: cpu", false},
	{"skip is not for the mistakes of others", "function mail(m",
		"on_load_error = skip }\nscript y { file = scripts/nothing.lua",
		"error: script y: cannot open ", false},
	{"a rule without a mistake runs", "function mail(m) return reject('no') end",
		"on_load_error = skip", "", true},
};

START_TEST(starts_without_what_may_be_left_out)
{
	char *text = NULL;

	if (left_out[_i].code != NULL)
		drive_file(&r.d, "scripts/x.lua", left_out[_i].code);
	ck_assert_int_gt(asprintf(&text,
				 "main { authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "profile p { chain = [ x, good ] }\n"
				 "script good { file = \"%s\" }\n"
				 "script x { file = scripts/x.lua; %s }\n",
				 drive_file(&r.d, "scripts/good.lua",
					 "function rcpt(m) return tempfail('later') end"),
				 left_out[_i].more),
		0);
	drive_load_text(&r.d, text);
	free(text);
	drive_shorten(&r.d);
	ck_assert_msg(strstr(r.d.mistakes, left_out[_i].said) != NULL, "%s: %s", left_out[_i].name,
		r.d.mistakes);
	ck_assert_msg((r.d.g != NULL) == left_out[_i].starts, "%s", left_out[_i].name);
	if (!left_out[_i].starts)
		return;
	rule_expect(rule_session(&r),
		left_out[_i].said[0] == '\0' ? "550 5.7.1 no*" : "451 4.7.1 later*");
	chain_end_message(r.d.s);
}
END_TEST

/* No such plugin is built here: its section is the one mistake, whatever its place. */
START_TEST(takes_results_of_a_plugin_that_is_configured)
{
	drive_file(&r.d, "scripts/x.lua", "function mail(m) return m.spf.result and nil end");
	drive_load_text(&r.d, "listener l { socket = inet:10025@127.0.0.1 }\n"
			      "profile p { chain = [ sender, x ] }\n"
			      "script x { file = scripts/x.lua }\n"
			      "plugin sender { type = spf }\n");
	ck_assert_uint_eq(r.d.errors, 1);
	ck_assert_msg(strstr(r.d.mistakes, "error: plugin sender: ") != NULL, "%s", r.d.mistakes);
}
END_TEST

static const struct {
	const char *code, *mistake;
} module_mistakes[] = {
	{"local M = {}\nhelper = 1\nreturn M\n", "2: error: global \"helper\": write local"},
	{"local M = {}\nfunction M.f() return task end\nreturn M\n",
		"2: error: unknown name \"task\" (profile p, chain position 1)\n"},
	{"local M = {}\n\nreturn lpeg.V(M)\n",
		"3: error: lpeg: the name of a rule is a text or a "
		"whole number, not a table (profile p, chain position 1)\n"},
	{"local M = {\nreturn M\n", "2: error: "},
	{"#!/usr/bin/lua\nlocal M = " PARENS PARENS PARENS PARENS, "2: error: C stack overflow"},
	{"local M = {}\nerror('stop')\n", "2: error: stop (profile p, chain position 1)\n"},
};

START_TEST(says_what_is_wrong_in_a_module)
{
	char want[128];

	drive_file(&r.d, "scripts/lists.lua", module_mistakes[_i].code);
	rule_try(&r, MAIL "local lists = require 'lists'", "");
	snprintf(want, sizeof(want), "scripts/lists.lua:%s", module_mistakes[_i].mistake);
	ck_assert_ptr_null(r.d.g);
	ck_assert_uint_eq(r.d.errors, 1);
	ck_assert_msg(strncmp(r.d.mistakes, want, strlen(want)) == 0, "want %s\ngot %s", want,
		r.d.mistakes);
}
END_TEST

/* Links within the directory are how some people deploy; out of it they are refused. */
static const struct {
	const char *target, *mistake;
} links[] = {
	{"inside.lua", ""},
	{"../outside.lua", "is a link to a file that is not below the rule's directory"},
};

START_TEST(follows_no_link_out_of_the_directory)
{
	char link[128];

	drive_file(&r.d, "outside.lua", "return { x = 1 }\n");
	drive_file(&r.d, "scripts/inside.lua", "return { x = 1 }\n");
	snprintf(link, sizeof(link), "%s/scripts/link.lua", r.d.dir);
	ck_assert_int_eq(symlink(links[_i].target, link), 0);
	rule_try(&r, MAIL "require 'link'", "");
	unlink(link);
	ck_assert_uint_eq(r.d.errors, links[_i].mistake[0] == '\0' ? 0 : 1);
	ck_assert_msg(strstr(r.d.mistakes, links[_i].mistake) != NULL, "%s", r.d.mistakes);
}
END_TEST

START_TEST(finds_a_module_that_needs_itself)
{
	drive_file(&r.d, "scripts/a.lua", "local b = require 'b'\n");
	drive_file(&r.d, "scripts/b.lua", "local a = require 'a'\n");
	rule_try(&r, MAIL "require 'a'", "");
	ck_assert_msg(strstr(r.d.mistakes,
			      "scripts/b.lua:1: error: module \"a\" requires itself") != NULL,
		"%s", r.d.mistakes);
}
END_TEST

START_TEST(says_that_a_module_failed_before)
{
	drive_file(&r.d, "scripts/a.lua", "error('no')\n");
	rule_try(&r, "pcall(require, 'a')\n" MAIL "require 'a'", "");
	ck_assert_msg(
		strstr(r.d.mistakes, "or failed when it was loaded") != NULL, "%s", r.d.mistakes);
}
END_TEST

/* --- what is right
 * --------------------------------------------------------------------------------- */

static const char *const fine[] = {
	"#!/usr/bin/lua\nfunction mail(m) end",
	"\xef\xbb\xbf" MAIL,
	"\xef\xbb\xbf# no comment of Lua's\n" MAIL,
	"# without a hook, with an end\n" MAIL "-- no newline",
	"local store = {}\nfunction mail(m) store.x = 1 end", /* a local of that name */
	"local t = { dns = 1, re = 2 }\nfunction mail(m) return t.dns and nil end",
	"local function f(json) return json end\nfunction mail(m) f(1) end",
	"for _, metric in ipairs{ 1 } do local x = metric end\nfunction mail(m) end",
	"-- dns.a('x') in a comment\n--[[ store.get() ]]\nfunction mail(m) local s = 'notify' end",
	"function mail(m) local x = settings.geo end",
	"goto re\n::re::\nfunction mail(m) end",
	"local a <const>, b <close> = 1, nil\nfunction done(m, v) end",
	"local r = reject('5.7.1', 'made while loading')\nfunction mail(m) return nil, r end",
	"function mail(m) return m.helo == 'x' and reject('a') or nil end",
	"function mail(m) local v = reject 'a' v = tempfail('b') return nil end",
	"function mail(m) local t = { reject('a'), x = reject{}, [1] = reject'c' } end",
	"local function f() end\nfunction mail(m) f(reject('a')) if not reject('b') then end end",
	"local function reject(x) return x end\nfunction mail(m) reject('mine') end",
	"local t = { reject = function() end }\nfunction mail(m) t.reject('x') end",
	"local no = reject\nfunction mail(m) local t = { reject } end",
	"function mail(m) local s = 'a \\z\n\treject(m) _ENV' end",
	"function mail(m)\r\n local s = 'a\\\r\n reject(m) _ENV' end\r\n",
	"function mail(m) local t = { reject('a'); reject('b'); { 1; tempfail'c' } } end",
	"local M = {}\nfunction M.message(t) t.dkim = 1 end\nfunction mail(m) M.message({}) end",
	"local function f(to) return to == 'x' end\nfunction rcpt(m, to) f(to.addr) end",
	"function rcpt(m, to) local x = m.from .. to == 'x' or to.addr == 'y' or to == m.from end",
	"function rcpt(m, to) for to in pairs{} do local y = to == 'y' end end",
	"function rcpt(m, to) local t = { to = 'y', m.helo == 'x' } return t.to == 'y' and nil end",
	"function mail(...) end\nfunction data(m, ...) end\nfunction helo() end",
	"function headers(m) local ok, s = pcall(m.header, m, 'Subject') local f = m.header end",
	"local M = {}\nfunction M:f(a, ...) return self, a, ... end\nfunction mail(m) M:f(1) end",
	"local function f(a) return a end\nfunction mail(m) return helo and f(nil) end",
	"local t = { a = 1, b = { c = function(d) return d end } }\nfunction mail(m) t.e = t.a end",
	"local a <const>, b = 1, 2\nfunction mail(m) for i, j in pairs{ a, b } do b = i .. j end "
	"end",
	"function mail(m) goto out ::out:: local s = 'x' .. #m.helo end",
	"local function mail(a, from) return from == 'x' end\nfunction helo(m, n) mail(m, n) end",
	"function rcpt(m, to)\n to = to.addr:lower()\n if to == 'x' then return end\nend",
	"function rcpt(m, to) local a a, to = 1, to.addr return to == 'x' and a end",
	"function rcpt(m, to) local t = {} to, t[1].x = to.addr, 1 return to == 'x' and nil end",
	"function done(m, v) v = v and v.kind or '' if v == 'reject' then return end end",
	"function mail(m) m = { from = 'x' } return m.from == 'x' and nil end",
	"function mail(m) if not m.from_trusted(m) then return end end",
	"local x = 0x1p4 + 1e3 -- words in comments\nfunction mail(m) x = 3 end",
};

START_TEST(takes_what_is_right)
{
	rule_try(&r, fine[_i], "");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
}
END_TEST

/* --- what a link declares
 * ------------------------------------------------------------------------- */

static const struct {
	const char *code;
	uint32_t needs;
	const char *macros; /* sorted, with the number of their stage */
} declared[] = {
	{"function mail(m) end", 0, ""},
	{"function mail(m) if m.auth then end end", 0, "2{auth_authen} 2{auth_type} "},
	{"function mail(m) local a = m['auth'] end", 0, "2{auth_authen} 2{auth_type} "},
	{"function mail(m) local auth = 1 end -- m.auth", 0, ""},
	{"function mail(m) if m.tls then end end", 0, "2{tls_version} "},
	{"function mail(m) local c = m.tls.cipher end", 0, "2{cipher} 2{tls_version} "},
	{"function mail(m) return m.server.port == 25 and nil end", 0,
		"0j 0{daemon_addr} 0{daemon_name} 0{daemon_port} 0{if_addr} "},
	{"function mail(m) local p = m.client.ptr end", 0, "0{client_ptr} "},
	{"function mail(m) local q = m.queue_id end", 0, "4i "},
	{"function message(m) m:add_header('X-A', 'b') end", CM_EDIT_HEADERS, ""},
	{"function message(m) m:prefix_subject('x') m:add_rcpt('a@b') end",
		CM_EDIT_HEADERS | CM_EDIT_RCPTS, ""},
	{"function message(m) m:set_sender('') end", CM_EDIT_SENDER, ""},
	{"function headers(m) return m.from_header and nil end", CM_NEED_HEADERS, ""},
	{"function headers(m) m:header('X') end", CM_NEED_HEADERS, ""},
	{"function headers(m) for n in m:header_list() do end end", CM_NEED_HEADERS, ""},
	{"function message(m) local n = m.size end", CM_NEED_SIZE, ""},
	{"function message(m) m:body(1) end", CM_NEED_BODY, ""},
	{"function mail(m) return quarantine('x') end", CM_EDIT_QUARANTINE, ""},
	{"function mail(m) return discard('x') end", 0, ""},
	{"function rcpt(m) return discard('x') end", CM_EDIT_RCPTS, ""},
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

START_TEST(declares_what_its_text_uses)
{
	const struct cm_plugin *p;
	char macros[16][32];
	char text[512] = "";

	rule_load(&r, declared[_i].code, "");
	p = r.d.g->chain.links[0]->plugin;
	ck_assert_uint_eq(p->needs, declared[_i].needs);
	ck_assert_uint_le(p->macro_count, 16);
	for (uint32_t i = 0; i < p->macro_count; i++)
		snprintf(macros[i], sizeof(macros[i]), "%d%s ", (int)p->macros[i].stage,
			p->macros[i].name);
	qsort(macros, p->macro_count, sizeof(macros[0]), by_text);
	for (uint32_t i = 0; i < p->macro_count; i++)
		strcat(text, macros[i]);
	ck_assert_str_eq(text, declared[_i].macros);
}
END_TEST

START_TEST(declares_what_its_modules_use)
{
	drive_file(&r.d, "scripts/lib.lua",
		"local M = {}\nfunction M.mark(m) m:add_header('X-A', m.auth.user) end\nreturn "
		"M\n");
	rule_load(&r, "local lib = require 'lib'\nfunction message(m) lib.mark(m) end", "");
	ck_assert_uint_eq(r.d.g->chain.links[0]->plugin->needs, CM_EDIT_HEADERS);
	ck_assert_uint_eq(r.d.g->chain.links[0]->plugin->macro_count, 2);
}
END_TEST

START_TEST(hooks_the_stages_it_defines)
{
	const struct cm_plugin *p;

	rule_load(&r, "function helo(m) end\nfunction message(m) end\nfunction done(m) end", "");
	p = r.d.g->chain.links[0]->plugin;
	ck_assert_str_eq(p->name, "x");
	ck_assert_uint_eq(p->abi, CM_ABI);
	ck_assert(p->helo != NULL && p->eom != NULL && p->end_msg != NULL);
	ck_assert(p->connect == NULL && p->mail == NULL && p->rcpt == NULL && p->data == NULL);
	ck_assert(p->header == NULL && p->eoh == NULL && p->body == NULL && p->unknown == NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_load");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, says_what_is_wrong, 0, LENGTH(mistakes));
	tcase_add_test(tc, misses_a_file_at_its_place_in_the_configuration);
	tcase_add_loop_test(tc, starts_without_what_may_be_left_out, 0, LENGTH(left_out));
	tcase_add_test(tc, takes_results_of_a_plugin_that_is_configured);
	tcase_add_loop_test(tc, says_what_is_wrong_in_a_module, 0, LENGTH(module_mistakes));
	tcase_add_loop_test(tc, follows_no_link_out_of_the_directory, 0, LENGTH(links));
	tcase_add_test(tc, finds_a_module_that_needs_itself);
	tcase_add_test(tc, says_that_a_module_failed_before);
	tcase_add_loop_test(tc, takes_what_is_right, 0, LENGTH(fine));
	tcase_add_loop_test(tc, declares_what_its_text_uses, 0, LENGTH(declared));
	tcase_add_test(tc, declares_what_its_modules_use);
	tcase_add_test(tc, hooks_the_stages_it_defines);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
