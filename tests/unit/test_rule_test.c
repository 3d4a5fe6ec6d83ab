/* SPDX-License-Identifier: MIT */
/*
 * test_rule_test.c - chainmail test: what test files say, and what becomes of it
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "drive.h"
#include "longjmp.h"
#include "table.h"

#define ARGS_MAX 8
/* A rule that asks for a bit of everything. */
static const char rule[] =
	"local limit = settings.limit or '200/1h'\n"
	"local list = map 'list'\n"
	"function helo(m, name)\n"
	"  if name == 'bad' then return reject('5.7.1', 'Not you') end\n"
	"end\n"
	"function mail(m, from)\n"
	"  if from.user == 'oops' then return m.clinet end\n"
	"  if from.user == 'loop' then while true do end end\n"
	"  if from.user == 'dns' then\n"
	"    local a, err = dns.a('a.example')\n"
	"    if not a then log.warn('nobody knows', { error = err }) return end\n"
	"    return reject(#a .. ' answers')\n"
	"  end\n"
	"  if list:has(from.addr) then return reject('5.1.8', list:get(from.addr)) end\n"
	"  if from.user == 'edit' then m:add_header('X A', 'b') end "
	"  if m.tls and from.user == 'old' then return reject(m.tls.version) end "
	"  if m.client.ip == '192.0.2.9' then return accept('ours') end\n"
	"  if m.tls and m.auth and m.server.port == 587 then return reject(m.auth.method) end\n"
	"  if from.user == 'busy' then local n = 0 for i = 1, 300000 do n = n +\n 1 end end\n"
	"  if from.user == 'names' then return reject(m.client.name .. ' ' .. m.client.ptr) end\n"
	"  if from.user == 'why' then return reject{ text = 'No', reason = 'told to nobody' } end "
	"if from.user == 'where' then return reject(m.geo.country or 'nowhere') end "
	"if from.user == 'server' then return reject(m.server.ip) end\n"
	"end\n"
	"function rcpt(m, to)\n"
	"  if not ratelimit{ key = 'k', limit = limit }.ok then return tempfail('4.7.1', 'Later') "
	"end\n"
	"  if to.user == 'junk' then return discard() end\n"
	"end\n"
	"function headers(m)\n"
	"  if m:header('X-Two', 2) == 'b' and m:header('X-Fold') == 'one\\n two' then\n"
	"    return reject('two')\n"
	"  end\n"
	"end\n"
	"function message(m)\n"
	"  if m.spf.result == 'fail' then m:add_header('X-SPF', m.spf.domain or '-') end\n"
	"  if m:body(4) == 'hold' then return quarantine('held') end\n"
	"  if m:body(4) == 'time' then return reject(tostring(time.now())) end\n"
	"end\n"
	"function done(m, verdict)\n"
	"  if m.from.user == 'late' then return m.fromm end\n"
	"  log.info('over', { kind = verdict and verdict.kind })\n"
	"end\n";

/* What every file of the table begins with; its cases are on one line each, from line 2 on. */
#define BEGIN "map('list', { ['spam@x.example'] = 'No spam' })\n"
#define SPF   "spf = 'none'"

static const struct {
	const char *name;
	const char *text; /* of x_test.lua behind BEGIN */
	int status;
	const char *out[5]; /* what is printed */
} files[] = {
	{"a case that passes", "case 'a' { " SPF " } :mail 'a@x.example' :expect 'nothing'", 0,
		{"TAP version 14\nok 1 - x: a\n1..1\n# 1 passed, 0 failed, "}},
	{"a refusal, word by word",
		"case 'a' { " SPF " } :mail 'spam@x.example' :expect 'reject' :expect 'reject 550' "
		":expect 'reject 550 5.1.8' :expect 'reject 550 5.1.8 No' :expect 'reject 550 "
		"5.1.8 "
		"No spam '",
		0, {"ok 1 - x: a\n"}},
	{"a word is not the beginning of a longer one",
		"case 'a' { " SPF " } :mail 'spam@x.example' :expect 'reject 550 5.1.8 No spa'", 1,
		{"not ok 1 - x: a\n  ---\n  wanted: reject 550 5.1.8 No spa\n  got:    reject 550 "
		 "5.1.8 No spam (id ",
			"\n  at:     scripts/x_test.lua:2\n  trace:  helo x -, mail spf none, mail "
			"x reject "
			"550 5.1.8 No spam (id ",
			"\n  ...\n1..1\n# 0 passed, 1 failed, "}},
	{"another verdict than wanted",
		"case 'a' { " SPF " }\n  :mail 'a@x.example'\n  :expect 'tempfail'", 1,
		{"  wanted: tempfail\n  got:    nothing\n  at:     scripts/x_test.lua:4\n"}},
	{"one of two",
		"case 'a' { " SPF " } :mail '' :expect 'nothing'\n"
		"case 'b' { " SPF " } :mail '' :expect 'accept'",
		1, {"ok 1 - x: a\nnot ok 2 - x: b\n", "1..2\n# 1 passed, 1 failed, "}},
	{"a refusal at HELO, which the client hears at MAIL",
		"case 'a' { " SPF " } :helo 'bad' :expect 'reject 550 5.7.1 Not you' :mail 'a@x' "
		":expect 'reject 550 5.7.1 Not you' :helo 'good' :mail 'a@x' :expect 'nothing'",
		0, {NULL}},
	{"the HELO of the options", "case 'a' { helo = 'bad', " SPF " } :mail '' :expect 'reject'",
		0, {NULL}},
	{"a refusal stands for what follows of the message",
		"case 'a' { " SPF
		" } :mail 'spam@x.example' :rcpt 'a@x' :send {} :expect 'reject 550 "
		"5.1.8' :mail 'a@x.example' :send {} :expect 'nothing'",
		0, {NULL}},
	{"a recipient who is refused alone",
		"case 'a' { settings = { limit = '1/1h' }, " SPF " } :rcpt 'a@x' :expect 'nothing' "
		":rcpt 'b@x' :expect 'tempfail 451 4.7.1 Later' :send {} :expect 'nothing'",
		0, {NULL}},
	{"no recipient is left",
		"case 'a' { settings = { limit = '1/1h' }, " SPF " } :rcpt 'a@x' :mail 'b@x' :rcpt "
		"'b@x' :send {} :expect 'tempfail'",
		0, {NULL}},
	{"the clock moves when it is told to",
		"case 'a' { settings = { limit = '1/1h' }, " SPF " } :rcpt 'a@x' :advance '61min' "
		":rcpt 'b@x' :expect 'nothing'",
		0, {NULL}},
	{"the clock begins at the same time",
		"case 'a' { " SPF
		" } :send { body = 'time' } :expect 'reject 550 5.7.1 1767268800'\n"
		"case 'b' { " SPF
		" } :advance '1d' :send { body = 'time' } :expect 'reject 550 5.7.1 "
		"1767355200'",
		0, {NULL}},
	{"the clock of the file is that of its cases",
		"case 'a' { " SPF " } :advance '1d' :send { body = 'time' } :expect('reject 550 "
		"5.7.1 ' .. time.now() + duration '1d')",
		0, {NULL}},
	{"a value that is JSON",
		"map('m', { a = json.encode{ b = 1 } }) case 'a' { " SPF " } :mail '' :expect "
		"'nothing'",
		0, {NULL}},
	{"a map's key without a value", "map('m', { ['a@x'] = '' })", 1,
		{"'scripts/x_test.lua:2: \"a@x\" has no value: write [\"a@x\"] = true where "}},
	{"an error of done() is told where it is",
		"case 'a' { " SPF " } :mail 'late@x' :send {} :expect 'nothing'\n"
		":mail 'b@x'\n:expect 'reject'",
		1,
		{"  got:    'error: ", "message has no field \"fromm\"",
			"  at:     scripts/x_test.lua:4\n"}},
	{"an edit that is refused says why",
		"case 'a' { " SPF " } :mail 'bad edit@x' :mail 'edit@x' :expect 'nothing'", 1,
		{"m:add_header() was refused; the log says why", "add header refused: octet 0x20"}},
	{"an old version of TLS",
		"case 'a' { login = 'bob', method = 'X', port = 587, tls_version = 'TLSv1.1', " SPF
		" } :mail 'old@x' :expect 'reject 550 5.7.1 TLSv1.1'",
		0, {NULL}},
	{"each case has a store of its own",
		"for i = 1, 2 do case 'a' { settings = { limit = '1/1h' }, " SPF
		" } :rcpt 'a@x' :expect 'nothing' end",
		0, {"ok 2 - x: a\n"}},
	{"cases that share a store",
		"shared_store() for i = 1, 2 do case 'a' { settings = { limit = '1/1h' }, " SPF
		" } :rcpt 'a@x' :expect(i == 1 and 'nothing' or 'tempfail') end",
		0, {"ok 2 - x: a\n"}},
	{"what DNS says",
		"case 'a' { dns = { ['a.example A'] = { '192.0.2.1', '192.0.2.2' } }, " SPF
		" } :mail 'dns@x' :expect 'reject 550 5.7.1 2 answers'\n"
		"case 'b' { dns = { ['a.example A'] = {} }, " SPF
		" } :mail 'dns@x' :expect 'reject 550 5.7.1 0 answers'\n"
		"case 'c' { dns = { ['a.example A'] = 'timeout' }, " SPF
		" } :mail 'dns@x' :expect 'nothing' :expect_log 'nobody knows error=timeout'\n"
		"case 'd' { dns = { ['a.example CNAME'] = { 'b.example' }, ['b.example A'] = { "
		"'192.0.2.1' } }, " SPF " } :mail 'dns@x' :expect 'reject 550 5.7.1 1 answers'",
		0, {NULL}},
	{"a question without an answer",
		"case 'a' { dns = { ['b.example A'] = {}, ['a.example TXT'] = { 'x' } }, " SPF
		" } :mail 'dns@x' :expect 'nothing'",
		1,
		{"  got:    'test asked DNS for a.example A: add it to dns = { }'\n  at:     "
		 "scripts/x_test.lua:2\n"}},
	{"an alias that leads nowhere",
		"case 'a' { dns = { ['a.example CNAME'] = { 'b.example' } }, " SPF
		" } :mail 'dns@x' :expect 'nothing'",
		1, {"test asked DNS for a.example A: add it"}},
	{"an answer that is none",
		"case 'a' { dns = { ['a.example A'] = { 'x' } }, " SPF
		" } :mail '' :expect 'nothing'",
		1, {"dns:1: error: A needs an IPv4 address"}},
	{"an error that nobody expected",
		"case 'a' { " SPF " }\n  :mail 'oops@x'\n  :rcpt 'a@x'\n"
		"  :expect 'nothing'",
		1,
		{"  wanted: no error\n  got:    'error scripts/x.lua:7: message has no field "
		 "\"clinet\"",
			"  at:     scripts/x_test.lua:3\n"}},
	{"an error that was expected",
		"case 'a' { " SPF
		" } :mail 'oops@x' :expect 'error' :expect 'error scripts/x.lua:7'\n"
		"case 'b' { " SPF
		" } :mail 'oops@x' :expect 'error scripts/x.lua:7: message has no "
		"field'",
		1, {"not ok 1 - x: a\n", "ok 2 - x: b\n"}},
	{"a refusal that comes of an error is no refusal",
		"case 'a' { " SPF " } :mail 'oops@x' :expect 'tempfail'", 1,
		{"  wanted: tempfail\n  got:    'error scripts/x.lua:7: "}},
	{"a rule that does not end",
		"case 'a' { " SPF
		" } :mail 'loop@x' :expect 'error scripts/x.lua:8: mail() used its "
		"50ms of processor time'",
		0, {NULL}},
	{"an error behind the answer",
		"case 'a' { " SPF " } :mail 'late@x' :expect 'nothing'\n"
		"case 'b' { " SPF " } :mail 'late@x' :mail 'a@x' :expect 'nothing'",
		1,
		{"not ok 1 - x: a\n  ---\n  wanted: no error\n  got:    'error: ",
			"message has no field \"fromm\"", "not ok 2 - x: b\n"}},
	{"a rule that works hard within its budget",
		"case 'a' { " SPF " } :mail 'busy@x' :expect 'nothing'", 0, {NULL}},
	{"a verdict is expected of no step", "case 'a' { " SPF " } :advance '1h' :expect 'nothing'",
		1,
		{"scripts/x_test.lua:2: :expect is about the step before it, and there is none"}},
	{"edits are expected of no message",
		"case 'a' { " SPF " } :mail 'a@x' :expect_edit 'nothing'", 1,
		{"scripts/x_test.lua:2: :expect_edit is about a message: write :send { } before "
		 "it"}},
	{"edits are expected of the message before",
		"case 'a' { " SPF " } :send {} :mail 'a@x' :expect_edit 'nothing'", 1,
		{":expect_edit is about a message: write "}},
	{"a case that expects nothing at all", "case 'a' { " SPF " } :mail ''", 1,
		{"got:    'nothing is expected: end the case with :expect'\n"}},
	{"what was logged",
		"case 'a' { " SPF " } :mail 'spam@x.example' :mail 'b@x' :expect_log 'over "
		"kind=reject'\n"
		"case 'b' { " SPF " } :mail 'b@x' :expect_log 'over kind'",
		1,
		{"ok 1 - x: a\nnot ok 2 - x: b\n",
			"  wanted: a line of the log with \"over kind\"\n  got:    no line\n"}},
	{"what done() logs is there once the message was sent, and the answer stays",
		"case 'a' { " SPF " } :send { body = 'hold it' } :expect_log 'over kind' "
		":expect 'quarantine held' :expect_log 'over kind' :mail 'b@x' :expect 'nothing'\n"
		"case 'b' { spf = 'fail' } :send {} :expect_log 'over kind' :expect_edit 'add'\n"
		"case 'c' { " SPF " } :mail 'late@x' :send {} :expect_log 'fromm'\n"
		"case 'd' { " SPF " } :mail 'spam@x.example' :expect_log 'over kind=reject' :rcpt "
		"'a@x' :expect 'reject 550 5.1.8' :mail 'b@x' :expect 'nothing'\n"
		"case 'e' { " SPF " } :send {} :expect_log 'nothing of it'",
		1,
		{"ok 1 - x: a\nok 2 - x: b\nnot ok 3 - x: c\n  ---\n  wanted: no error\n",
			"ok 4 - x: d\nnot ok 5 - x: e\n",
			"mail spf none, mail x -, rcpt x -, headers x -, message x -\n"}},
	{"of a long log the latest lines are shown, each whole",
		"local c = case 'a' { " SPF " } for i = 1, 60 do c:mail 'spam@x.example' end "
		"c:mail 'a@x':send {} :expect_log 'nothing of it'",
		1,
		{"  got:    |\n    (",
			" lines before these)\n    2026-01-01T12:00:00+00:00 chainmail[",
			" x: over kind=reject\n", " x: over kind=accept\n  at: "}},
	{"a reason is for the log",
		"case 'a' { " SPF
		" } :mail 'why@x' :expect 'reject 550 5.7.1 No' :expect_log 'told "
		"to nobody'",
		0, {NULL}},
	{"what earlier links found",
		"case 'a' { spf = { result = 'fail', domain = 'x.example' } } :mail '' :send {} "
		":expect_edit 'add header X-SPF: x.example'\n"
		"case 'b' { spf = 'fail' } :send {} :expect_edit 'add header X-SPF: -'\n"
		"case 'c' { spf = 'pass' } :send {} :expect_edit 'nothing'\n"
		"case 'd' { spf = 'fail' } :send {} :expect_edit 'nothing'",
		1,
		{"ok 1 - x: a\nok 2 - x: b\nok 3 - x: c\nnot ok 4 - x: d\n",
			"  wanted: nothing\n  got:    'add header X-SPF: -'\n"}},
	{"a result that the plugin never gives",
		"case 'a' { dmarc = { polcy = 'x' } } :mail '' :expect 'nothing'", 1,
		{"scripts/x_test.lua:2: dmarc has no result \"polcy\"; did you mean \"policy\"?"}},
	{"on a line of its own",
		"case 'b' { spf = 'fail' } :mail '' :expect 'nothing'\n"
		"case 'a' { arc = { seller = 'x' } } :mail '' :expect 'nothing'",
		1,
		{"scripts/x_test.lua:3: arc has no result \"seller\"; did you mean \"sealer\"?"}},
	{"a word that the plugin never says",
		"case 'a' { spf = 'sofftail' } :mail '' :expect 'nothing'", 1,
		{"scripts/x_test.lua:2: spf.result is never \"sofftail\"; did you mean "
		 "\"softfail\"?"}},
	{"a word that is like none",
		"case 'a' { dkim = { result = 'good' } } :mail '' :expect 'nothing'", 1,
		{"scripts/x_test.lua:2: dkim.result is never \"good\", only pass, temperror, "}},
	{"a word of another result",
		"case 'a' { dmarc = { result = 'reject' } } :mail '' :expect 'nothing'", 1,
		{"dmarc.result is never \"reject\", only none, pass, fail, temperror, permerror"}},
	{"of several mistakes the first by name",
		"case 'a' { spf = { zone = 'a', result = 'x', demain = 'x' } } :mail '' :expect "
		"'nothing'",
		1, {"spf has no result \"demain\"; did you mean \"domain\"?"}},
	{"results in words of the plugin, and texts of anybody",
		"case 'a' { spf = { result = 'fail', domain = 'x.example', scope = 'mailfrom' }, "
		"dkim = { result = 'pass', ['1'] = 'pass x' }, dmarc = { method = 'tree walk' }, "
		"arc = { temporary = true, sets = 2 } } :mail '' :expect 'nothing'",
		0, {"ok 1 - x: a\n"}},
	{"a result that no case gives", "case 'a' {} :mail '' :expect 'nothing'", 1,
		{"scripts/x.lua:32: error: m.spf needs the plugin spf", "spf = \"pass\""}},
	{"the options of the session",
		"case 'a' { port = 587, login = 'bob', method = 'LOGIN', tls = true, " SPF
		" } :mail '' :expect 'reject 550 5.7.1 LOGIN'\n"
		"case 'b' { client = '192.0.2.9', trusted = "
		"true, " SPF " } :mail '' :expect 'accept'",
		0, {NULL}},
	{"the names of the client",
		"case 'a' { name = 'n.example', ptr = 'p.example', " SPF
		" } :mail 'names@x' :expect "
		"'reject 550 5.7.1 n.example p.example'\n"
		"case 'b' { " SPF " } :mail 'names@x' :expect 'reject 550 5.7.1 unknown unknown'",
		0, {NULL}},
	{"the address that the client reached",
		"case 'a' { server = '2001:db8::5', " SPF
		" } :mail 'server@x' :expect 'reject 550 5.7.1 2001:db8::5'\n"
		"case 'b' { " SPF " } :mail 'server@x' :expect 'reject 550 5.7.1 192.0.2.25'",
		0, {NULL}},
	{"an address that is none", "case 'a' { server = 'mx' } :expect 'nothing'", 1,
		{"server \"mx\" is not an IP address"}},
	{"the country of the client",
		"case 'a' { country = 'BR', " SPF
		" } :mail 'where@x' :expect 'reject 550 5.7.1 BR'\n"
		"case 'b' { " SPF " } :mail 'where@x' :expect 'reject 550 5.7.1 nowhere'",
		0, {NULL}},
	{"a quarantine",
		"case 'a' { " SPF " } :send { body = 'hold it' } :expect 'quarantine held'", 0,
		{NULL}},
	{"a recipient that is dropped",
		"case 'a' { " SPF
		" } :rcpt 'junk@x' :expect 'discard' :rcpt 'b@x' :send {} :expect_edit "
		"'drop recipient'",
		0, {NULL}},
	{"fields that stand twice, and one that is folded",
		"case 'a' { " SPF
		" } :send { ['X-Two'] = { 'a', 'b' }, ['X-Fold'] = 'one\\n two' } "
		":expect 'reject 550 5.7.1 two'\n"
		"case 'b' { " SPF
		" } :send { 'X-Two: a', 'X-Fold: one\\n two', 'X-Two: b' } :expect "
		"'reject 550 5.7.1 two'\n"
		"case 'c' { " SPF " } :send 'X-Two: a\\nX-Fold: one\\n two\\nX-Two: b\\n\\nhold' "
		":expect 'reject 550 5.7.1 two'\n",
		0, {NULL}},
	{"steps one by one",
		"case 'a' { " SPF
		" } :connect() :expect 'nothing' :helo 'h' :mail '<>' :rcpt '<a@x>' "
		":data() :expect 'nothing' :send { Subject = 's' } :expect 'nothing'",
		0, {NULL}},
	{"a second connection", "case 'a' { " SPF " } :mail '' :connect() :expect 'nothing'", 1,
		{"got:    the client is connected; a case is one connection\n"}},
	{"a name that TAP would read",
		"case 'a # TODO \\\\ b\\n' { " SPF " } :mail '' :expect 'nothing'", 0,
		{"ok 1 - x: a \\# TODO \\\\ b?\n"}},

	{"an option that is mistyped", "case 'a' { prot = 25 } :mail '' :expect 'nothing'", 1,
		{"not ok 1 - x: the file\n",
			"scripts/x_test.lua:2: unknown option of a case \"prot\"; did you mean "
			"\"port\"?"}},
	{"a step that is mistyped", "case 'a' {}\n  :mial '' :expect 'nothing'", 1,
		{"scripts/x_test.lua:3: unknown step of a case \"mial\"; did you mean \"mail\"?"}},
	{"a verdict that is mistyped", "case 'a' {} :mail '' :expect 'rejcet 550'", 1,
		{"scripts/x_test.lua:2: unknown verdict \"rejcet\"; did you mean \"reject\"?"}},
	{"a setting that filter.conf cannot have",
		"case 'a' { settings = { a = function() end } } :mail '' :expect 'nothing'", 1,
		{"a setting is text, a number, true, false or a list, not a function"}},
	{"settings of all kinds",
		"case 'a' { settings = { a = true, b = -1, c = 0.5, d = { 'x', 2 }, e = '\"\\\\' "
		"}, " SPF " } :mail '' :expect 'nothing'",
		0, {NULL}},
	{"a client without an address", "case 'a' { client = '1.2.3' } :expect 'nothing'", 1,
		{"client \"1.2.3\" is not an IP address"}},
	{"a country that no database has", "case 'a' { country = 'de' } :expect 'nothing'", 1,
		{"country \"de\" is not a code of two capital letters, such as \"DE\""}},
	{"a country in words", "case 'a' { country = 'Brazil' } :expect 'nothing'", 1,
		{"country \"Brazil\" is not a code"}},
	{"a line break in a command", "case 'a' {} :mail 'a\\nb' :expect 'nothing'", 1,
		{"no command of SMTP holds a line break"}},
	{"a line break in a field", "case 'a' {} :send { A = 'b\\nC: d' } :expect 'nothing'", 1,
		{"a line of a header field goes on with a blank"}},
	{"a NUL", "case 'a' {} :mail 'a\\0b' :expect 'nothing'", 1, {"holds a NUL"}},
	{"a question that is none", "case 'a' { dns = { x = {} } } :expect 'nothing'", 1,
		{"dns: \"x\" is no question: write [\"NAME TYPE\"]"}},
	{"a failure that is none", "case 'a' { dns = { ['x A'] = 'tmeout' } } :expect 'nothing'", 1,
		{"a failure is one of bogus, nxdomain, refused, servfail, timeout"}},
	{"a dot for a colon", "case 'a' {} .mail ''", 1, {"write :mail with a colon"}},
	{"options twice", "case 'a' {} {} :mail ''", 1, {"the options of a case stand once"}},
	{"a time that is none", "case 'a' {} :advance '1 parsec'", 1, {"\"1 parsec\": "}},
	{"a clock that moves too far",
		"local c = case 'a' {} for i = 1, 200 do c:advance '366d' end", 1,
		{"the clock of one file moves by at most a century"}},
	{"a map that is written twice",
		"map('list', {}) case 'a' { " SPF " } :mail '' :expect "
		"'nothing'",
		1, {"filter.conf of the case:", "error: "}},
	{"names of rules", "return reject('x')", 1, {"unknown name \"reject\""}},
	{"a global", "x = 1", 1, {"scripts/x_test.lua:2: global \"x\": write local"}},
	{"no case", "", 1, {"the file has no case: write case \"name\""}},
	{"no Lua", "case 'a", 1, {"scripts/x_test.lua:2: unfinished string"}},
	{"a file that does not end", "pcall(function() while true do end end)", 1,
		{"scripts/x_test.lua:2: loading used its 1s of processor time"}},
	{"a file that grows", "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end", 1,
		{"not enough memory: loading may use 16384 KB"}},
	{"a file that says too much",
		"local c = case 'a' {} local x = ('x'):rep(1e6) for i = 1, 1e6 do c:mail(x) end", 1,
		{"a test file says at most 16 MB"}},
	{"a table that acts",
		"case 'a' { settings = setmetatable({}, { __pairs = error, __index = "
		"error, __len = error }), " SPF " } :mail '' :expect 'nothing'",
		0, {NULL}},
	{"a plugin that does not exist",
		"plugin('nothing') case 'a' { " SPF " } :mail '' :expect 'nothing'", 1,
		{"plugin nothing: there is no "}},
};

static struct drive d;

static void
write_test(const char *begin, const char *text)
{
	char *all = NULL;

	ck_assert_int_gt(asprintf(&all, "%s%s\n", begin, text), 0);
	drive_write("scripts/x_test.lua", all);
	free(all);
}

static void
setup(void)
{
	char dir[PATH_MAX], text[PATH_MAX + 64];

	drive_plugin_dir(dir, false);
	drive_init(&d);
	ck_assert_int_eq(chdir(d.dir), 0);
	ck_assert_int_eq(mkdir("scripts", 0700), 0);
	snprintf(text, sizeof(text), "main { plugin_dir = \"%s\" }\n", dir);
	drive_write("filter.conf", text);
	drive_write("scripts/x.lua", rule);
	setenv("CHAINMAIL_CONFIG", "filter.conf", 1);
}

static void
teardown(void)
{
	static const char *const names[] = {"scripts/x.lua", "scripts/x_test.lua", "scripts/y.lua",
		"scripts/y_test.lua", "scripts/z.lua", "out", "err", "junit.xml"};

	for (int i = 0; i < LENGTH(names); i++)
		unlink(names[i]);
	rmdir("scripts");
	drive_fini(&d);
}

/* Runs the command in this process's child; out: its standard output, or a file for both. */
static pid_t
begin(const char *const *args, int out)
{
	char *argv[ARGS_MAX + 2] = {(char *)"chainmail", (char *)"test"};
	int argc = 2;
	pid_t child;

	for (; args[argc - 2] != NULL; argc++)
		argv[argc] = (char *)args[argc - 2];
	fflush(NULL);
	child = fork();
	if (child == 0) {
		if (dup2(out, STDOUT_FILENO) < 0 || freopen("err", "w", stderr) == NULL)
			_exit(99);
		int code = cli_main(argc, argv);

		fflush(NULL);
		_exit(code);
	}
	return child;
}

static int
run(const char *const *args)
{
	FILE *out = fopen("out", "w");
	pid_t child = begin(args, fileno(out));
	int status;

	fclose(out);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "ended by a signal");
	return WEXITSTATUS(status);
}

static const char *
read_file(const char *name)
{
	static char text[1 << 18];
	FILE *f = fopen(name, "r");

	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void
expect(const char *name, const char *file, const char *const *words, size_t count)
{
	const char *text = read_file(file);

	for (size_t i = 0; i < count && words[i] != NULL; i++)
		ck_assert_msg(strstr(text, words[i]) != NULL, "%s: %s lacks \"%s\":\n%s", name,
			file, words[i], text);
}

START_TEST(a_test_file)
{
	static const char *const args[] = {NULL};
	int status;

	write_test(BEGIN, files[_i].text);
	status = run(args);
	expect(files[_i].name, "out", files[_i].out, LENGTH(files[_i].out));
	ck_assert_msg(status == files[_i].status, "%s: exit status %d\n%s", files[_i].name, status,
		read_file("out"));
}
END_TEST

/* --- what the command line says ----------------------------------------------------------------
 */

#define TWO_CASES                                                             \
	BEGIN "case 'one & \"two\"' { " SPF " } :mail '' :expect 'nothing'\n" \
	      "case '<three>' { " SPF " } :mail '' :expect 'reject'"

static const struct {
	const char *name;
	const char *args[ARGS_MAX];
	int status;
	const char *out[4], *err[2];
} commands[] = {
	{"a directory", {"scripts"}, 1, {"1..2\n"}, {NULL}},
	{"a file", {"scripts/x_test.lua"}, 1, {"1..2\n"}, {NULL}},
	{"both", {"scripts", "./scripts/x_test.lua"}, 1, {"1..4\n"}, {NULL}},
	{"some cases", {"-k", "TWO"}, 0, {"ok 1 - x: one & \"two\"\n1..1\n"}, {NULL}},
	{"some cases of a rule", {"--match", "x: *three"}, 1, {"not ok 1 - x: <three>\n"}, {NULL}},
	{"no case", {"-k", "four"}, 1, {"1..0\n"}, {"chainmail test: no case fits \"four\"\n"}},
	{"JSON", {"--json"}, 1,
		{"{\"passed\":1,\"failed\":1,\"cases\":[{\"ok\":true,\"line\":2,\"rule\":\"x\","
		 "\"file\":\"scripts/x_test.lua\",\"name\":\"one & \\\"two\\\"\"},{\"ok\":false,"
		 "\"line\":3,",
			"\"wanted\":\"reject\",\"got\":\"nothing\",\"trace\":\"helo x -, mail spf "
			"none, mail "
			"x "
			"-\"}],\"coverage\":[{\"lines\":"},
		{NULL}},
	{"JUnit", {"--junit"}, 1,
		{"<testsuites name=\"chainmail test\" tests=\"2\" failures=\"1\" ",
			"<testsuite name=\"x\" tests=\"2\" failures=\"1\"",
			"<testcase name=\"one &#38; &#34;two&#34;\" classname=\"x\"",
			"<failure message=\"nothing\">wanted: reject\ngot: nothing\n"},
		{NULL}},
	{"JUnit and JSON in one", {"--junit", "--json"}, EXIT_USAGE, {NULL},
		{"--json and --junit are both printed; write one to a file: --junit=FILE"}},
	{"JUnit beside JSON", {"--junit=junit.xml", "--json"}, 1, {"{\"passed\":1,"}, {NULL}},
	{"JUnit beside TAP", {"--junit=junit.xml"}, 1, {"TAP version 14\n", "1..2\n"}, {NULL}},
	{"JUnit where nothing can be written", {"--junit=none/x", "-k", "two"}, 1, {"1..1\n"},
		{"chainmail test: cannot write none/x: No such file"}},
	{"a directory that is not there", {"none"}, EXIT_USAGE, {NULL},
		{"chainmail test: none: No such file", "try: chainmail help test"}},
	{"a directory without tests", {"."}, EXIT_USAGE, {NULL}, {"no NAME_test.lua in "}},
	{"a file that is no test", {"scripts/x.lua"}, EXIT_USAGE, {NULL},
		{"not a directory, and not NAME_test.lua"}},
	{"an option that is mistyped", {"--wacth"}, EXIT_USAGE, {NULL}, {"did you mean --watch?"}},
	{"its help", {"--help"}, 0, {"chainmail test [DIR|FILE] ...", "--junit[=FILE] "}, {NULL}},
};

START_TEST(a_command)
{
	int status;

	write_test("", TWO_CASES);
	status = run(commands[_i].args);
	expect(commands[_i].name, "out", commands[_i].out, LENGTH(commands[_i].out));
	expect(commands[_i].name, "err", commands[_i].err, LENGTH(commands[_i].err));
	ck_assert_msg(status == commands[_i].status, "%s: exit status %d\n%s", commands[_i].name,
		status, read_file("out"));
}
END_TEST

/* What JUnit's readers get is XML, whatever a case is called and whatever it got. */
START_TEST(junit_is_well_formed)
{
	static const char *const args[] = {"--junit=junit.xml", NULL};

	write_test(BEGIN,
		"case 'a\\1b\\xff<]]>&' { " SPF " } :mail '<\\2\\xfe>@x' :expect 'reject'\n"
		"case '\\u{e4}\\u{20ac}' { " SPF " } :mail 'oops@x' :expect 'nothing'");
	ck_assert_int_eq(run(args), 1);
	ck_assert_int_eq(system("xmllint --noout junit.xml"), 0);
}
END_TEST

/* Such a name could say more to filter.conf than a name. */
START_TEST(names_that_are_none)
{
	static const char *const args[] = {"scripts", NULL};
	static const char *const said[] = {
		"not ok 2 - y { } ?[0mz: the file\n", "cannot be named in filter.conf"};

	write_test(BEGIN, "case 'a' { " SPF " } :mail '' :expect 'nothing'");
	drive_write("scripts/y { } \x1b[0mz_test.lua", "os.exit()");
	ck_assert_int_eq(run(args), 1);
	unlink("scripts/y { } \x1b[0mz_test.lua");
	expect("names", "out", said, LENGTH(said));
}
END_TEST

/* --- coverage ----------------------------------------------------------------------------------
 */

static const struct {
	const char *name, *rule, *cases, *said;
} covers[] = {
	{"all lines", "function mail(m)\n  return reject('x')\nend\n", ":mail '' :expect 'reject'",
		"# scripts/x.lua 100 % (2 of 2 lines)\n# 1 passed"},
	{"a branch that is not taken",
		"function mail(m, from)\n  if from.null then\n    return reject('x')\n  end\n"
		"  return tempfail('y')\nend\n",
		":mail '' :expect 'reject'", "75 % (3 of 4 lines), never run: 5\n"},
	{"a hook that is never called",
		"function mail(m)\nend\n\nfunction helo(m)\n  local a = 1\n  local b = a\n\n"
		"  -- nothing\n  return reject('x')\nend\nfunction rcpt(m)\n  return "
		"accept()\nend\n",
		":mail '' :expect 'reject'", "never run: 12\n"},
	{"a function in a function that is never called",
		"local function f()\n  local function g()\n    return 1\n  end\n  return g()\nend\n"
		"function mail(m)\n  if m.from.user == 'f' then return f() end\nend\n",
		":mail '' :expect 'nothing'", "never run: 3, 5\n"},
	{"loops and tables",
		"local t = {\n  a = 1,\n  b = {\n    c = 2,\n  },\n}\nfunction mail(m, ...)\n"
		"  for k, v in pairs(t) do\n    if v == 3 then\n      t.a = nil\n    end\n  end\n"
		"  while t.a ~= 1 do\n    break\n  end\nend\n",
		":mail '' :expect 'nothing'", "never run: 10, 14\n"},
	{"a file with more lines than one octet counts",
		"local a = 1\n@function mail(m)\n  if a == 1 then return reject('x') end\n  a = "
		"2\nend\n",
		":mail '' :expect 'reject'", "75 % (3 of 4 lines), never run: 404\n"},
};

/* '@' stands for 400 empty lines. */
static void
write_rule(const char *text)
{
	FILE *f = fopen("scripts/x.lua", "w");

	for (; *text != '\0'; text++) {
		if (*text != '@') {
			fputc(*text, f);
			continue;
		}
		for (int i = 0; i < 400; i++)
			fputc('\n', f);
	}
	fclose(f);
}

START_TEST(lines_that_never_ran)
{
	static const char *const args[] = {"--coverage", NULL};
	char text[200];

	write_rule(covers[_i].rule);
	snprintf(text, sizeof(text), "case 'a' {} %s", covers[_i].cases);
	write_test("", text);
	run(args);
	expect(covers[_i].name, "out", &covers[_i].said, 1);
}
END_TEST

/* Of a rule and its module, each by itself, and their share together. */
START_TEST(modules_are_counted)
{
	static const char *const args[] = {"--coverage", NULL};
	static const char *const said[] = {"# scripts/x.lua 100 % (3 of 3 lines)\n",
		"# scripts/y.lua 60 % (3 of 5 lines), never run: 3-4\n# 1 passed, 0 failed, ",
		" s, 75 % of rule lines run\n", "# scripts/z.lua never ran\n"};

	drive_write("scripts/y.lua", "return {\n  no = function(x)\n    local y = x\n    return y\n"
				     "  end,\n}\n");
	drive_write("scripts/z.lua", "function mail(m) end\n");
	drive_write("scripts/x.lua", "local y = require 'y'\nfunction mail(m)\n"
				     "  if m.from.user == 'f' then return y.no() end\nend\n");
	write_test("", "case 'a' {} :mail '' :expect 'nothing'");
	ck_assert_int_eq(run(args), 0);
	expect("modules", "out", said, LENGTH(said));
}
END_TEST

/* Rules and directories of one name: each by itself, called as one finds it from here. */
static const struct {
	const char *name, *dir; /* where one is */
	const char *args[3];
	const char *said[5];
} places[] = {
	{"two directories called alike", ".", {"--coverage", "scripts", "deep/scripts"},
		{"  at:     scripts/x_test.lua:1\n", "  at:     deep/scripts/x_test.lua:1\n",
			"# deep/scripts/x.lua 66 % (2 of 3 lines), never run: 3\n",
			"# scripts/x.lua 100 % (3 of 3 lines)\n",
			"\n# deep/scripts/z.lua never ran\n"}},
	{"this directory", "scripts", {"."}, {"  at:     x_test.lua:1\n"}},
	{"one that is not below", "deep", {"../scripts", "--json"},
		{"/scripts/x_test.lua\",\"name\":\"a\"", "\"file\":\"/"}},
};

START_TEST(files_are_called_as_one_finds_them)
{
	static const char *const made[] = {"deep/scripts/x.lua", "deep/scripts/x_test.lua",
		"deep/scripts/z.lua", "deep/scripts", "deep"};
	const char *args[4] = {NULL};

	ck_assert_int_eq(mkdir("deep", 0700) | mkdir("deep/scripts", 0700), 0);
	write_test("", "case 'a' {} :mail '' :expect 'reject'");
	drive_write("scripts/x.lua", "function mail(m)\n  local a = 1\n  a = 2\nend\n");
	drive_write("deep/scripts/x.lua",
		"function mail(m)\n  if not m.id then\n    return\n  end\nend\n");
	drive_write("deep/scripts/z.lua", "function mail(m) end\n");
	drive_write("deep/scripts/x_test.lua", "case 'a' {} :mail '' :expect 'reject'\n");
	memcpy(args, places[_i].args, sizeof(places[_i].args));
	ck_assert_int_eq(chdir(places[_i].dir), 0);
	setenv("CHAINMAIL_CONFIG", places[_i].dir[0] == '.' ? "filter.conf" : "../filter.conf", 1);
	ck_assert_int_eq(run(args), 1);
	expect(places[_i].name, "out", places[_i].said, LENGTH(places[_i].said));
	unlink("out");
	unlink("err");
	ck_assert_int_eq(chdir(d.dir), 0);
	for (int i = 0; i < LENGTH(made); i++)
		ck_assert_int_eq(remove(made[i]), 0);
}
END_TEST

/* --- plugins that a rule asks, and watching -----------------------------------------------------
 */

START_TEST(a_plugin_is_asked)
{
	static const char *const args[] = {NULL};
	static const char *const said[] = {"ok 1 - x: a\n"};

	drive_write(
		"scripts/x.lua", "function rcpt(m) return greylist(m, { delay = '5min' }) end\n");
	write_test("plugin('greylist', { use_spf = false })\n",
		"case 'a' {} :rcpt 'a@x.example' :expect 'tempfail 451' :mail 'sender@example.org' "
		":advance '6min' :rcpt 'a@x.example' :expect 'nothing'");
	ck_assert_int_eq(run(args), 0);
	expect("greylist", "out", said, 1);
}
END_TEST

/* What the plugins publish is known only where they are. */
START_TEST(results_of_plugins_that_are_not_here)
{
	static const char *const args[] = {NULL};
	static const char *const said[] = {"ok 1 - x: a\n"};

	drive_write("filter.conf", "main { plugin_dir = \"none\" }\n");
	write_test(BEGIN, "case 'a' { spf = { reslut = 'sofftail' } } :mail '' :expect 'nothing'");
	ck_assert_int_eq(run(args), 0);
	expect("no plugins", "out", said, 1);
}
END_TEST

/* Reads until a line begins with that. */
static void
wait_for(FILE *in, const char *words)
{
	char line[1000];

	while (fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, words, strlen(words)) == 0)
			return;
	}
	ck_abort_msg("%s did not come", words);
}

/* A file that is written, one that takes the name of another, and a new one. */
START_TEST(saved_files_are_run_again)
{
	static const char *const args[] = {"--watch", NULL};
	int ends[2];
	FILE *in;
	pid_t child;

	write_test(BEGIN, "case 'a' { " SPF " } :mail '' :expect 'nothing'");
	ck_assert_int_eq(pipe(ends), 0);
	child = begin(args, ends[1]);
	close(ends[1]);
	in = fdopen(ends[0], "r");
	wait_for(in, "# 1 passed, 0 failed, ");
	write_test(BEGIN, "case 'a' { " SPF " } :mail '' :expect 'reject'");
	wait_for(in, "# 0 passed, 1 failed, ");
	drive_write("scripts/y.lua", "function mail(m) return reject('x') end\n");
	wait_for(in, "# 0 passed, 1 failed, ");
	ck_assert_int_eq(rename("scripts/y.lua", "scripts/x.lua"), 0);
	wait_for(in, "# 1 passed, 0 failed, ");
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	fclose(in);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rule_test");
	TCase *tc = tcase_create("rule_test");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_test_file, 0, LENGTH(files));
	tcase_add_loop_test(tc, a_command, 0, LENGTH(commands));
	tcase_add_test(tc, junit_is_well_formed);
	tcase_add_test(tc, names_that_are_none);
	tcase_add_loop_test(tc, lines_that_never_ran, 0, LENGTH(covers));
	tcase_add_test(tc, modules_are_counted);
	tcase_add_loop_test(tc, files_are_called_as_one_finds_them, 0, LENGTH(places));
	tcase_add_test(tc, a_plugin_is_asked);
	tcase_add_test(tc, results_of_plugins_that_are_not_here);
	tcase_add_test(tc, saved_files_are_run_again);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
