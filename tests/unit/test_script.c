/* SPDX-License-Identifier: MIT */
/*
 * test_script.c - what hooks see, return and ask for, through the real chain
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

/* --- what a hook sees --------------------------------------------------------------------------
 */

/* Each line of Lua is true at the end of the message. */
static const char *const facts[] = {
	"m.client.ip == '192.0.2.1'",
	"m.client.name == 'client.example.org'",
	"m.client.port == 40000",
	"m.client.ptr == nil",
	"m.client:inside('192.0.2.0/24')",
	"m.client:inside('10.0.0.0/8', '192.0.2.1')",
	"not m.client:inside('10.0.0.0/8', '2001:db8::/32')",
	"tostring(m.client) == '192.0.2.1'",
	"m.server.port == 587",
	"m.server.name == nil",
	"m.helo == 'client.example.org'",
	"m.auth.user == 'bob'",
	"m.auth.method == nil",
	"m.tls.version == 'TLSv1.3'",
	"m.tls.bits == nil",
	"m.from.addr == 'bob@example.com'",
	"m.from.user == 'bob' and m.from.domain == 'example.com'",
	"m.from.null == false and m.from.valid == true",
	"m.from.text == '<bob@example.com>'",
	"tostring(m.from) == 'bob@example.com'",
	"#m.rcpts == 2",
	"m.rcpts[1].addr == 'to@example.net'",
	"m.rcpts[2].user == 'two'",
	"m.rcpts[3] == nil and m.rcpts[0] == nil and m.rcpts[-1] == nil",
	"(function() local n = 0 for i in ipairs(m.rcpts) do n = n + i end return n end)() == 3",
	"m.from_header.addr == 'bob@example.com'",
	"m.from_header.user == 'bob' and m.from_header.domain == 'example.com'",
	"m.from_header.problem == nil",
	"m:header('subject') == ' hello\\r\\n world'",
	"m:header('Received') == ' from a by b'",
	"m:header('Received', 2) == ' from b by c'",
	"m:header('Received', 3) == nil and m:header('X-None') == nil",
	"m:body(4) == 'line' and m:body(0) == ''",
	"m:body(1000) == 'line one\\r\\nline two\\r\\n'",
	"m.size > 20 and math.type(m.size) == 'integer'",
	"m.stage == 'message'",
	"#m.id > 4 and m.queue_id == nil",
	"m:from_trusted() == false",
	"m:note('unknown') == nil",
	"type(time.now()) == 'number' and time.now() > 1700000000",
	"duration '1h30min' == 5400 and duration '500ms' == 0.5",
	"duration '1h' .. '' == '3600'",
	"settings.name == 'a b' and settings.limit == 5 and settings.half == 0.5",
	"settings.strict == true and settings.loose == false and settings.country == 'NO'",
	"settings.text == '12' and settings.wait == '5min' and settings.none == nil",
	"#settings.list == 3 and settings.list[1] == 1 and settings.list[3] == 'x'",
	"table.concat(settings.list, ',', 2) == 'two,x'",
	"(function() local n = 0 for _ in pairs(settings) do n = n + 1 end return n end)() == 9",
	"logins:get('BOB@example.com') == 'bob' and logins:has('@sales.test')",
	"logins:get(m.from) == 'bob' and logins:get('x') == nil and not logins:has('x')",
	"tostring(logins) == 'map \"logins\"'",
	"map 'logins' ~= logins and map('logins'):has('bob@example.com')",
	"getmetatable(m) == false and getmetatable('') == false and getmetatable(string) == false",
	"('ab'):rep(5) == 'ababababab' and ('x'):rep(7) == 'xxxxxxx' and ('a'):rep(1, ',') == 'a'",
	"('ab'):rep(4, '--') == 'ab--ab--ab--ab' and (''):rep(3, '-') == '--'",
	"string.format('%5.1f|%q|%%|%-4s|%d', 1, 'a', 'x', 7) == '  1.0|\"a\"|%|x   |7'",
	"tostring({}) == 'table' and tostring(tostring) == 'function' and tostring(nil) == 'nil'",
	"tostring(settings) == 'table' and tostring(setmetatable({}, { __name = 'x' })) == 'table'",
	"tostring(setmetatable({}, { __tostring = function() return 'own' end })) == 'own'",
	"('%s %s %s %s'):format({}, nil, 1.5, true) == 'table nil 1.5 true'",
	"not pcall(string.format, '%p', {}) and not pcall(string.format, '%-20p', {})",
	"select(2, pcall(string.format, '%d', 'x')):find('bad argument #2 to')",
	"('x'):rep(3, ',') == 'x,x,x' and ('x'):rep(0) == '' and (''):rep(1 << 60) == ''",
	"select('#', pcall(error)) == 2 and pcall(error, 'x') == false",
	"select(2, xpcall(error, function(e) return e .. '!' end, 'x')) == 'x!'",
	"select(2, xpcall(function(a) return a end, error, 7)) == 7",
	"select(2, xpcall(error, function() error('y', 0) end)) == 'y'",
	"_VERSION == 'Lua 5.4'",
};

/* As a rule file: hooks that collect what is known by then. */
#define FACT_SETTINGS                                                                     \
	"settings { name = \"a b\"; limit = 5; half = 0.5; strict = yes; loose = false; " \
	"country = NO; text = \"12\"; wait = 5min; list = [ 1, two, x ] }"

START_TEST(sees_the_session)
{
	char code[1024];

	snprintf(code, sizeof(code),
		"local logins = map 'logins'\nfunction message(m)\n\t-- m:body m:header m.auth "
		"m.tls m.server\n"
		"\tif not (%s) then error('not so', 0) end\nend\n"
		"local declared = { m = { 'header', 'body', 'queue_id' } }\n",
		facts[_i]);
	rule_load(&r, code, FACT_SETTINGS);
	rule_expect(rule_session(&r), "continue");
	ck_assert_str_eq(r.d.answer.reply.code == 0 ? "" : drive_reply(&r.d), "");
}
END_TEST

/* Each field, and the macro of the mail server that it is. */
static const struct {
	const char *field, *macro, *value;
	enum cm_stage stage;
} told[] = {
	{"m.server.name", "j", "mx.example.com", CM_STAGE_CONNECT},
	{"m.server.ip", "{daemon_addr}", "198.51.100.1", CM_STAGE_CONNECT},
	{"m.server.daemon", "{daemon_name}", "smtpd", CM_STAGE_CONNECT},
	{"m.client.ptr", "{client_ptr}", "ptr.example.org", CM_STAGE_CONNECT},
	{"m.auth.method", "{auth_type}", "PLAIN", CM_STAGE_MAIL},
	{"m.tls.cipher", "{cipher}", "TLS_AES_256_GCM_SHA384", CM_STAGE_MAIL},
	{"m.tls.bits", "{cipher_bits}", "256", CM_STAGE_MAIL},
	{"m.tls.cert_subject", "{cert_subject}", "mail.example.org", CM_STAGE_MAIL},
	{"m.queue_id", "i", "4X00000001", CM_STAGE_RCPT},
};

static void
tell(enum cm_stage stage)
{
	session_macros_begin(r.d.s, stage);
	for (int i = 0; i < LENGTH(told); i++) {
		if (told[i].stage == stage)
			session_macro_add(r.d.s, stage, told[i].macro, told[i].value);
	}
}

START_TEST(sees_what_the_mail_server_tells)
{
	const struct drive *d = &r.d;
	char code[200], want[100];

	snprintf(code, sizeof(code), "function message(m) return reject(tostring(%s)) end",
		told[_i].field);
	snprintf(want, sizeof(want), "550 5.7.1 %s", told[_i].value);
	rule_load(&r, code, "");
	drive_open(&r.d);
	tell(CM_STAGE_CONNECT);
	session_set_client(d->s, "client.example.org", NULL, 0);
	drive_event(&r.d, &(struct cm_event){.stage = CM_STAGE_CONNECT});
	drive_helo(&r.d, "client.example.org");
	tell(CM_STAGE_MAIL);
	session_macro_add(d->s, CM_STAGE_MAIL, "{auth_authen}", "bob");
	session_macro_add(d->s, CM_STAGE_MAIL, "{tls_version}", "TLSv1.3");
	drive_path(&r.d, CM_STAGE_MAIL, "<bob@example.com>");
	tell(CM_STAGE_RCPT);
	drive_path(&r.d, CM_STAGE_RCPT, "<ann@example.net>");
	drive_content(&r.d, rule_fields, 4, "");
	rule_expect(drive_reply(&r.d), want);
	chain_end_message(d->s);
}
END_TEST

START_TEST(sees_arguments_of_its_stages)
{
	rule_load(&r,
		"local seen = {}\n"
		"function connect(m) assert(m.stage == 'connect' and m.helo_done == nil) end\n",
		"");
	rule_expect(
		rule_session(&r), "failed: scripts/x.lua:2: message has no field \"helo_done\"*");
}
END_TEST

START_TEST(runs_every_hook_in_order)
{
	rule_load(&r,
		"local function add(m, what) m:note('seen', (m:note('seen') or '') .. what .. ' ') "
		"end\n"
		"function connect(m) assert(m.stage == 'connect') log.info('connect') end\n"
		"function helo(m, name) assert(name == m.helo and m.auth == nil) log.info('helo') "
		"end\n"
		"function mail(m, from) add(m, 'mail=' .. from.addr) end\n"
		"function rcpt(m, to) add(m, 'rcpt=' .. to.addr .. '/' .. #m.rcpts) end\n"
		"function data(m) add(m, 'data=' .. #m.rcpts) end\n"
		"function headers(m) add(m, 'headers') end\n"
		"function message(m) add(m, m.stage) end\n"
		"function done(m, v) log.info(m:note('seen') .. v.kind) end\n",
		"");
	rule_expect(rule_session(&r), "continue");
	chain_end_message(r.d.s);
	ck_assert_ptr_nonnull(strstr(rule_log(&r), " x: connect\n"));
	ck_assert_ptr_nonnull(strstr(r.text, " x: helo\n"));
	ck_assert_msg(
		strstr(r.text, " x: mail=bob@example.com rcpt=to@example.net/0 "
			       "rcpt=two@example.net/1 data=2 headers message accept\n") != NULL,
		"%s", r.text);
}
END_TEST

START_TEST(tells_done_what_the_client_was_told)
{
	rule_load(&r,
		"function mail(m) return reject{ code = 554, status = '5.7.9', text = 'no' } end\n"
		"function done(m, v) log.info('end', { kind = v.kind, code = v.code, status = "
		"v.status, "
		"text = v.text, by = v.by, who = m.from.addr }) end\n",
		"");
	rule_expect(rule_session(&r), "554 5.7.9 no");
	chain_end_message(r.d.s);
	ck_assert_msg(
		strstr(rule_log(&r),
			" x: end by=x code=554 kind=reject status=5.7.9 text=\"no (id ") != NULL &&
			strstr(r.text, "who=bob@example.com\n") != NULL,
		"%s", r.text);
}
END_TEST

/* --- log lines ----------------------------------------------------------------------------------
 */

static const struct {
	const char *field, *shown;
} logged[] = {
	{"'word'", "word"},
	{"12", "12"},
	{"true", "true"},
	{"m.from", "a@b.c"},
	{"'two words'", "\"two words\""},
	{"''", "\"\""},
	{"'a\\tb'", "\"a\\x09b\""},
	{"'a\\nb'", "\"a\\x0ab\""},
	{"'a\\0b'", "\"a\\x00b\""},
	{"'a=b'", "\"a=b\""},
	{"'back\\\\slash'", "\"back\\x5cslash\""},
	{"'x\" admin=\"yes'", "\"x\\\" admin=\\\"yes\""},
	{"'x\\\\\" admin=yes \"'", "\"x\\x5c\\\" admin=yes \\\"\""},
	{"'\\xc3\\xa4'", "\"\\xc3\\xa4\""},
};

START_TEST(lets_no_value_look_like_another_field)
{
	char code[256], line[256];

	snprintf(code, sizeof(code), "function mail(m) log.info('l', { f = %s, z = 1 }) end",
		logged[_i].field);
	rule_load(&r, code, "");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	rule_expect(rule_message(&r, "<a@b.c>"), "continue");
	snprintf(line, sizeof(line), " x: l f=%s z=1\n", logged[_i].shown);
	ck_assert_msg(strstr(rule_log(&r), line) != NULL, "want %sgot %s", line, r.text);
}
END_TEST

/* --- errors of rules ---------------------------------------------------------------------------
 */

static const struct {
	const char *code, *want;
} failures[] = {
	{"function mail(m)\n\tlocal x = m.clinet\nend",
		"failed: scripts/x.lua:2: message has no field \"clinet\"; did you mean "
		"\"client\"? (mail() "
		"scripts/x.lua:2)"},
	{"function mail(m)\n\tm.score = 5\nend", "failed: scripts/x.lua:2: m.score cannot be "
						 "assigned; use m:note(key, value) to remember "
						 "something for this message*"},
	{"function mail(m)\n\tm.client.ip = 5\nend",
		"failed: scripts/x.lua:2: client.ip cannot be assigned (*"},
	{"function mail(m)\n\tdo local count end count = 1\nend",
		"failed: scripts/x.lua:2: global \"count\": write "
		"local, or store.set() to keep it between "
		"messages*"},
	{"function mail(m)\n\tdo local rejct end return rejct('x')\nend",
		"failed: scripts/x.lua:2: unknown name \"rejct\"; did you mean \"reject\"?*"},
	{"local function g(m)\n\treturn m.x.y\nend\nfunction mail(m)\n\tlocal v = g(m)\nend",
		"failed: scripts/x.lua:2: message has no field \"x\" (g scripts/x.lua:2 < mail() "
		"scripts/x.lua:5)"},
	{"function mail(m)\n\terror('plain', 0)\nend",
		"failed: scripts/x.lua:2: plain (mail() scripts/x.lua:2)"},
	{"function mail(m)\n\terror({})\nend",
		"failed: scripts/x.lua:2: error() was called with a table*"},
	{"function mail(m)\n\terror()\nend",
		"failed: scripts/x.lua:2: error() was called with a nil*"},
	{"function mail(m)\n\terror(setmetatable({}, { __tostring = function() return 'x' end "
	 "}))\nend",
		"failed: scripts/x.lua:2: error() was called with a table*"},
	{"function connect(m)\n\tlocal x = m.from\nend",
		"failed: scripts/x.lua:2: message.from is known from stage mail on, not at "
		"connect*"},
	{"function connect(m)\n\tlocal x = m.tls\nend",
		"failed: scripts/x.lua:2: message.tls is known from stage mail on, not at "
		"connect*"},
	{"function mail(m)\n\tlocal x = m:header('A')\nend",
		"failed: scripts/x.lua:2: message.header is known from stage headers on, not at "
		"mail*"},
	{"function headers(m)\n\tlocal x = m:body(1)\nend",
		"failed: scripts/x.lua:2: message.body is known from stage message on, not at "
		"headers*"},
	{"function headers(m)\n\tlocal x = m.header('A')\nend",
		"failed: scripts/x.lua:2: header is called with a colon: m:header(...)*"},
	{"local k = 'spf'\nfunction mail(m)\n\tlocal x = m[k].result\nend",
		"failed: scripts/x.lua:3: m.spf needs the plugin spf in filter.conf*"},
	{"local k = 'spf'\nfunction helo(m)\n\tlocal x = m[k]\nend",
		"failed: scripts/x.lua:3: message.spf is known from stage mail on, not at helo*"},
	{"local k = 'dkim'\nfunction headers(m)\n\tlocal x = m[k]\nend",
		"failed: scripts/x.lua:3: message.dkim is known from stage message on, not at "
		"headers*"},
	{"local k = 'dmarc'\nfunction rcpt(m)\n\tlocal x = m[k]\nend",
		"failed: scripts/x.lua:3: message.dmarc is known from stage message on, not at "
		"rcpt*"},
	{"local k = 'geo'\nfunction mail(m)\n\tlocal x = m[k]\nend",
		"failed: scripts/x.lua:3: m.geo needs a database: section geo*"},
	{"function mail(m)\n\tlocal x = m.client:inside('10.0.0/8')\nend",
		"failed: scripts/x.lua:2: \"10.0.0/8\" is not an address or network*"},
	{"function headers(m)\n\tfor n in m:header_list('Received') do end\nend",
		"failed: scripts/x.lua:2: bad argument #1 to 'header_list' (it gives all fields; "
		"m:header(name, n) is the n-th of a name)*"},
	{"function mail(m)\n\tduration 'soon'\nend",
		"failed: scripts/x.lua:2: duration \"soon\": *"},
	{"function mail(m)\n\tmap 'nothing'\nend",
		"failed: scripts/x.lua:2: map \"nothing\" is not in filter.conf*"},
	{"function mail(m)\n\trequire 'late'\nend",
		"failed: scripts/x.lua:2: module \"late\": write require at the top of the file*"},
	{"function mail(m)\n\tm:add_header('X: A', 'b')\nend",
		"failed: scripts/x.lua:2: m:add_header() was refused; the log says why*"},
	{"function mail(m)\n\tm:add_header('X-A', 'b\\0c')\nend",
		"failed: scripts/x.lua:2: bad argument #2 to 'add_header' (text holds a NUL "
		"character)*"},
	{"function mail(m)\n\tlocal k = 'add_header'\n\tm[k](m, 'X-A', 'b')\nend", "continue"},
	{"function mail(m)\n\tlocal k = 'add' .. '_header'\n\tm[k](m, 'X-A', 'b')\nend",
		"failed: scripts/x.lua:3: message.add_header needs its name written in the rule: "
		"the MTA is asked for what the text names, and \"add_header\" was computed*"},
	{"function headers(m)\n\tlocal s = m['head' .. 'er'](m, 'Subject')\nend",
		"failed: scripts/x.lua:2: message.header needs its name written in the rule*"},
	{"function headers(m)\n\tfor n in m['header_' .. 'list'](m) do end\nend",
		"failed: scripts/x.lua:2: message.header_list needs its name written*"},
	{"function headers(m)\n\tlocal f = m['from' .. '_header']\nend",
		"failed: scripts/x.lua:2: message.from_header needs its name written*"},
	{"function message(m)\n\tlocal f = m['bo' .. 'dy'](m, 1)\nend",
		"failed: scripts/x.lua:2: message.body needs its name written*"},
	{"function message(m)\n\tlocal f = m['si' .. 'ze']\nend",
		"failed: scripts/x.lua:2: message.size needs its name written*"},
	{"function mail(m)\n\tm:note('k', {})\nend", "failed: scripts/x.lua:2: bad argument*"},
	{"function mail(m)\n\tm:note('k', 1) m:note('k', nil) m:note('l', nil)\n"
	 "\tassert(m:note('k') == nil and m:note('l') == nil)\nend",
		"continue"},
	{"function mail(m)\n\tfor i = 1, 256 do m:note('k' .. i, 1) end\n"
	 "\tm:note('k1', 2) m:note('k2', nil) assert(m:note('k1') == '2')\n"
	 "\tm:note('more', 1)\nend",
		"failed: scripts/x.lua:4: m:note(\"more\"): a message has no room for more notes*"},
	{"function mail(m)\n\tfor i = 1, 200 do log.info('x') end\nend",
		"failed: scripts/x.lua:2: one hook may write at most 100 log lines*"},
	{"function mail(m)\n\tlog.info('x', { ['a=b c'] = 1 })\nend",
		"failed: scripts/x.lua:2: fields of a log line have names of letters*"},
	{"function mail(m)\n\tlog.info('x', { 1 })\nend",
		"failed: scripts/x.lua:2: fields of a log line have names of letters*"},
	{"function mail(m)\n\tfor i = 1, 500 do m:note('k', ('x'):rep(10000)) end\nend",
		"failed: scripts/x.lua:2: a rule may hand over at most 4096 KB of notes*"},
	{"function mail(m)\n\trawset(string, 'find', 1)\nend",
		"failed: scripts/x.lua:2: this table cannot be changed*"},
	{"function mail(m)\n\tsetmetatable(string, nil)\nend",
		"failed: scripts/x.lua:2: cannot change a protected metatable*"},
	{"function mail(m)\n\tfunction rcpt(x) end\nend",
		"failed: scripts/x.lua:2: function rcpt: stages are defined at the top of a rule "
		"file*"},
	{"function mail(m)\n\tlocal s = ('x'):foo()\nend",
		"failed: scripts/x.lua:2: string has no \"foo\"*"},
};

START_TEST(fails_in_words)
{
	rule_load(&r, failures[_i].code, "cpu = 10s; timeout = 60s");
	rule_expect(rule_session(&r), failures[_i].want);
	if (strncmp(failures[_i].want, "failed: ", 8) != 0)
		return;
	ck_assert_str_eq(drive_reply(&r.d), "451 4.3.0 Temporary problem, please try again later");
	ck_assert_ptr_nonnull(strstr(rule_log(&r), " x: scripts/x.lua:"));
}
END_TEST

START_TEST(says_a_failure_once_with_our_id)
{
	char line[256];
	const char *at;

	rule_load(&r, "local function g() error('stop') end\nfunction mail(m)\n\tg()\nend", "");
	rule_expect(rule_session(&r),
		"failed: scripts/x.lua:1: stop (g scripts/x.lua:1 < mail() scripts/x.lua:3)");
	snprintf(line, sizeof(line), "%s x: scripts/x.lua:1: stop (g scripts/x.lua:1 < mail() ",
		cm_id(r.d.s));
	at = strstr(rule_log(&r), line);
	ck_assert_msg(at != NULL, "%s", r.text);
	ck_assert_ptr_null(strstr(at + 1, line));
}
END_TEST

START_TEST(logs_a_failure_of_done)
{
	rule_load(&r, "function done(m)\n\terror('late')\nend", "");
	rule_expect(rule_session(&r), "continue");
	chain_end_message(r.d.s);
	ck_assert_ptr_nonnull(
		strstr(rule_log(&r), " x: scripts/x.lua:2: late (done() scripts/x.lua:2)\n"));
}
END_TEST

static const struct {
	const char *code, *want; /* in done() */
} late[] = {
	{"assert(m.stage == 'done') log.info('right')", "right"},
	{"m:note('k', 'v') log.info(m:note('k'))", "v"},
	{"m:add_header('X-A', 'b')",
		"scripts/x.lua:1: m:add_header() comes too late in done(): the message was "
		"answered"},
	{"m:set_sender('')", "scripts/x.lua:1: m:set_sender() comes too late in done()"},
	{"m:add_rcpt('a@b')", "scripts/x.lua:1: m:add_rcpt() comes too late in done()"},
	{"m:prefix_subject('x')", "scripts/x.lua:1: m:prefix_subject() comes too late in done()"},
};

START_TEST(only_keeps_books_when_done)
{
	char code[256], want[128];

	snprintf(code, sizeof(code), "function done(m) %s end", late[_i].code);
	rule_load(&r, code, "");
	rule_expect(rule_session(&r), "continue");
	chain_end_message(r.d.s);
	snprintf(want, sizeof(want), " x: %s", late[_i].want);
	ck_assert_msg(strstr(rule_log(&r), want) != NULL, "want %s\ngot %s", want, r.text);
}
END_TEST

START_TEST(forgets_everything_between_messages)
{
	rule_load(&r,
		"local kept\n"
		"function mail(m)\n"
		"\tif kept then return reject(tostring(pcall(function() return kept.id end)) .. ' "
		"' ..\n"
		"\t\ttostring(pcall(kept.x)) .. tostring(kept)) end\n"
		"\tkept = m\n"
		"end\n"
		"function message(m) m:note('a', 1) end\n",
		"");
	rule_expect(rule_session(&r), "continue");
	chain_end_message(r.d.s);
	rule_expect(rule_message(&r, "<a@b.c>"),
		"failed: scripts/x.lua:4: this message belongs to a "
		"hook that has ended; m:note() keeps "
		"values (mail() scripts/x.lua:4)");
}
END_TEST

START_TEST(refuses_kept_objects_of_every_kind)
{
	rule_load(&r,
		"local kept = {}\n"
		"function message(m)\n"
		"\tkept = { m, m.client, m.server, m.auth, m.tls, m.from, m.rcpts, m.from_header, "
		"m.rcpts[1] }\n"
		"\tkept.list, kept.header = m:header_list(), m.header\n"
		"\tkept.name = kept.list()\n"
		"end\n"
		"function mail(m)\n"
		"\tif #kept == 0 then return end\n"
		"\tfor i, o in ipairs(kept) do\n"
		"\t\tassert(not pcall(function() return o.ip or o.port or o.user or o[1] end), i)\n"
		"\t\tassert(type(tostring(o)) == 'string')\n"
		"\tend\n"
		"\tassert(not pcall(function() return #kept[7] end))\n"
		"\tassert(not pcall(kept.list))\n"
		"\tassert(not pcall(kept.header, kept[1], 'From'))\n"
		"\tassert(not pcall(m.client.inside, kept[2], '10.0.0.0/8'))\n"
		"\tassert(not pcall(m.add_header, kept[1], 'X-A', 'b'))\n"
		"\treturn reject('5.7.1', 'all dead')\n"
		"end\n",
		"");
	rule_expect(rule_session(&r), "continue");
	chain_end_message(r.d.s);
	rule_expect(rule_message(&r, "<a@b.c>"), "550 5.7.1 all dead");
}
END_TEST

/* m.NAME is what the plugin NAME of this configuration published, and never a rule's name. */
START_TEST(reads_results_of_plugins)
{
	const char *code = "function headers(m)\n"
			   "\tlocal r = m.access\n"
			   "\tassert(r.word == 'seen' and r.by == nil)\n"
			   "\treturn reject(tostring(m.x))\nend";
	char text[512];

	drive_file(&r.d, "scripts/x.lua", code);
	drive_load(&r.d, "profile p { chain = [ access, x ] }\n"
			 "plugin access { }\n"
			 "script x { file = scripts/x.lua }\n");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	session_set_result(r.d.s, "access", "word", "seen");
	snprintf(text, sizeof(text), "%s", rule_message(&r, "<a@b.c>"));
	rule_expect(text, "failed: scripts/x.lua:4: message has no field \"x\"*");
}
END_TEST

/* --- what the MTA does not tell
 * ------------------------------------------------------------------- */

static const struct {
	const char *code, *want;
} untold[] = {
	{"function mail(m)\n\tif not m.auth then return reject('open') end\nend",
		"failed: scripts/x.lua:2: this listener does not deliver the login*"},
	{"function mail(m)\n\tif m.tls then return end\nend",
		"failed: scripts/x.lua:2: this listener does not deliver TLS*"},
	{"function mail(m)\n\tlocal p = m.server.port\nend",
		"failed: scripts/x.lua:2: this listener does not deliver the port the client "
		"reached*"},
	{"function mail(m)\n\tlocal p = m.client.ptr\nend",
		"failed: scripts/x.lua:2: this listener does not deliver the client's reverse "
		"name*"},
	{"function helo(m)\n\tif m.auth then return reject('x') end\nend", "continue"},
	{"function mail(m)\n\tassert(m.client.port == nil)\nend", "continue"},
};

START_TEST(never_reads_silence_as_no)
{
	struct drive *d = &r.d;

	rule_load(&r, untold[_i].code, "");
	d->s = session_new(&d->g->chain.limits, "l");
	d->s->macros_asked = false;
	chain_open(&d->g->chain, d->s);
	session_set_client(d->s, "c", NULL, 0);
	drive_event(d, &(struct cm_event){.stage = CM_STAGE_CONNECT, .name = "c"});
	drive_helo(d, "c");
	rule_expect(rule_outcome(&r, drive_mail(d, "<a@b.c>", NULL, NULL)), untold[_i].want);
}
END_TEST

/* --- the From: field ----------------------------------------------------------------------------
 */

static const struct {
	const char *from; /* NULL: no field */
	const char *want;
} authors[] = {
	{NULL, "550 5.7.1 nil"},
	{" Ann <ann@Example.ORG>", "550 5.7.1 ann@example.org ann example.org -"},
	{" a@b.c, d@e.f", "550 5.7.1    several authors"},
	{" not an address", "550 5.7.1    *"},
};

START_TEST(never_takes_an_odd_author_for_none)
{
	struct cm_header field = {"From", authors[_i].from};
	const char *got;

	rule_load(&r,
		"function headers(m)\n"
		"\tlocal f = m.from_header\n"
		"\tif not f then return reject('nil') end\n"
		"\treturn reject(('%s %s %s %s'):format(f.addr, f.user, f.domain, f.problem or "
		"'-'))\n"
		"end",
		"");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	drive_mail(&r.d, "<a@b.c>", NULL, NULL);
	drive_rcpt(&r.d, "<a@b.c>");
	got = rule_outcome(&r, drive_content(&r.d, &field, field.value != NULL, "x"));
	rule_expect(got, authors[_i].want);
}
END_TEST

/* --- modules
 * -------------------------------------------------------------------------------------- */

START_TEST(loads_modules_once_and_seals_them)
{
	drive_file(&r.d, "scripts/lib.lua",
		"local M = { n = 0, list = { 1, 2 } }\n"
		"function M.twice(x) return 2 * x + (settings.more or 0) end\nreturn M\n");
	rule_load(&r,
		"local lib = require 'lib'\nlocal same = require 'lib'\n"
		"function mail(m)\n"
		"\tassert(lib == same and lib.twice(4) == 9 and #lib.list == 2)\n"
		"\tassert(require 'lib' == lib)\n"
		"\tlib.n = 1\n"
		"end",
		"settings { more = 1 }");
	rule_expect(rule_session(&r), "failed: scripts/x.lua:6: module lib cannot be changed*");
}
END_TEST

#define DEEP                                                                                  \
	"local lib = require 'deep'\nlocal list = lib.list\n"                                 \
	"function mail(m, from)\n"                                                            \
	"\tif from.user == 'write' then %s end\n"                                             \
	"\tassert(lib.list[1] == 'a' and #lib.list == 2 and lib.deep.er.list[2] == 2)\n"      \
	"\tlocal n = 0\n"                                                                     \
	"\tfor k, v in pairs(lib.deep.er) do n = n + #v end\n"                                \
	"\tfor i, v in ipairs(lib.list) do n = n + i end\n"                                   \
	"\tfor k, v in pairs(lib.shared) do n = n + 1 end\n"                                  \
	"\tassert(n == 2 + 3 + 1 and table.concat(lib.list) == 'ab')\n"                       \
	"\tassert(lib.list == list and lib.self == lib and lib.deep.er == lib.deep.er)\n"     \
	"\tassert(lib.new(3):twice() == 6 and lib.object:twice() == 8 and lib.grow() == 2)\n" \
	"\tassert(('a-b'):gsub('%%a', lib.letters) == 'A-b' and lib.shared.s == 1)\n"         \
	"end\n"

static const struct {
	const char *code, *want;
} deep_writes[] = {
	{"lib.list[1] = 'x'", "failed: scripts/x.lua:4: module deep cannot be changed*"},
	{"table.insert(lib.list, 'x')", "failed: scripts/x.lua:4: module deep cannot be changed*"},
	{"table.sort(lib.deep.er.list)", "failed: scripts/x.lua:4: module deep cannot be*"},
	{"rawset(lib.list, 1, 'x')", "failed: scripts/x.lua:4: this table cannot be changed*"},
	{"lib.object.n = 1", "failed: scripts/x.lua:4: module deep cannot be changed*"},
	{"for _, t in pairs(lib.deep) do t.list = 1 end",
		"failed: scripts/x.lua:4: module deep cannot be changed*"},
	{"setmetatable(lib.list, {})", "failed: scripts/x.lua:4: cannot change a protected*"},
	{"setmetatable({}, lib.Class)",
		"failed: scripts/x.lua:4: a table that cannot be changed is no metatable*"},
	{"lib.shared.s = 2", "failed: scripts/x.lua:4: settings cannot be changed*"},
};

START_TEST(seals_modules_in_depth)
{
	char code[2048];

	drive_file(&r.d, "scripts/deep.lua",
		"local Class = {}\nClass.__index = Class\n"
		"function Class:twice() return 2 * self.n end\n"
		"local function new(n) return setmetatable({ n = n }, Class) end\n"
		"local M = { list = { 'a', 'b' }, deep = { er = { list = { 1, 2 } } }, new = new,\n"
		"\tClass = Class, object = new(4), letters = { a = 'A' }, shared = settings }\n"
		"local own = { 1 }\nM.self, M.own = M, own\n"
		"function M.grow() own[2] = 1 return #own end\n"
		"return M\n");
	snprintf(code, sizeof(code), DEEP, deep_writes[_i].code);
	rule_load(&r, code, "settings { s = 1 }");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	rule_expect(rule_message(&r, "<good@b.c>"), "continue");
	chain_end_message(r.d.s);
	rule_expect(rule_message(&r, "<write@b.c>"), deep_writes[_i].want);
	chain_end_message(r.d.s);
	rule_expect(rule_message(&r, "<good@b.c>"), "continue");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, sees_the_session, 0, LENGTH(facts));
	tcase_add_loop_test(tc, sees_what_the_mail_server_tells, 0, LENGTH(told));
	tcase_add_test(tc, sees_arguments_of_its_stages);
	tcase_add_test(tc, runs_every_hook_in_order);
	tcase_add_test(tc, tells_done_what_the_client_was_told);
	tcase_add_loop_test(tc, lets_no_value_look_like_another_field, 0, LENGTH(logged));
	tcase_add_loop_test(tc, fails_in_words, 0, LENGTH(failures));
	tcase_add_test(tc, says_a_failure_once_with_our_id);
	tcase_add_test(tc, logs_a_failure_of_done);
	tcase_add_loop_test(tc, only_keeps_books_when_done, 0, LENGTH(late));
	tcase_add_test(tc, forgets_everything_between_messages);
	tcase_add_test(tc, refuses_kept_objects_of_every_kind);
	tcase_add_test(tc, reads_results_of_plugins);
	tcase_add_loop_test(tc, never_reads_silence_as_no, 0, LENGTH(untold));
	tcase_add_loop_test(tc, never_takes_an_odd_author_for_none, 0, LENGTH(authors));
	tcase_add_test(tc, loads_modules_once_and_seals_them);
	tcase_add_loop_test(tc, seals_modules_in_depth, 0, LENGTH(deep_writes));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
