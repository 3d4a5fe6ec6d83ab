/* SPDX-License-Identifier: MIT */
/*
 * test_script_refused.c - a rule that uses all there is, and ends anywhere
 *
 * For each number n the rule ends, for want of memory or time, where it asks for the n-th block, in
 * a state of Lua that has done nothing yet. The next message finds everything as it was, and the
 * state can be closed without anything left.
 */
#include <lauxlib.h>
#include <unistd.h>

#include "host/script_state.h"
#include "script_case.h"
#include "table.h"
#include "temp.h"

/* What the rule asks for: the test would tell nothing if it did nothing. */
#define BLOCKS_LEAST 500u
/* A load that fails is thrown away as a whole, so some places will do. */
#define LOAD_STEP 8u

static struct rule r;

/* The steps of the hook: each is a function and gives a text. */
static const char early[] =
	"local m_, from_\n"
	"local function list(t, err) return t and table.concat(t, ',') or err end\n"
	"local shown = setmetatable({}, { __pairs = function() return next, { a = json.encode({1}) "
	"}, nil end, __tostring = function() return ('shown'):rep(400) end })\n"
	"local words = lpeg.P{ 'list', list = lpeg.Ct(lpeg.V'word' * (',' * lpeg.V'word')^0), "
	"word = lpeg.C(lpeg.R('az')^1) }\n"
	"local early = {\n"
	"function(m) return dns.a('one.example')[1] end,\n"
	"function(m) local a = dns.all{{'a', 'one.example'}, {'ptr', '192.0.2.1'}, {'txt', "
	"'bad.example'}}\n"
	"  return list(a[1].answers) .. list(a[2].answers) .. a[3].err end,\n"
	"function(m) return tostring(dnsbl('192.0.2.1', 'bl.example').listed) end,\n"
	"function(m) store.set('k', ('v'):rep(3000), '1h') return #store.get('k') end,\n"
	"function(m) store.set('n', '1', '1h') store.delete('n') return store.incr('n', 2, '1h') "
	"end,\n"
	"function(m) return store.add_to_set('s', 'a', '1h') end,\n"
	"function(m) return ratelimit{ key = 'a', limit = { '1000000/1h', '1000000/1d' }, cost = 0 "
	"}.used end,\n"
	"function(m) m:note('n', 'value') return m:note('n') end,\n"
	"function(m) log.info('line', { a = 1, b = shown, c = ('x'):rep(500) }) return 'log' end,\n"
	"function(m) metric('seen', { a = 1, b = 'c' }) return 'metric' end,\n"
	"function(m) return map('logins'):get('bob@example.com') .. tostring(map('logins')) end,\n"
	"function(m) return m.client.ip .. m.auth.user .. m.tls.version .. m.from.addr .. "
	"tostring(m.server.port) .. m.id:sub(1, 0) .. m.helo end,\n"
	"function(m) return tostring(m.client:inside('192.0.2.0/24', '10.0.0.0/8')) end,\n"
	"function(m) return select(2, pcall(function() return m.client['isp'] end)) end,\n"
	"function(m) return select(2, pcall(function() m.x = 1 end)) end,\n"
	"function(m) return select(2, pcall(function() return string['fin'] end)) end,\n"
	"function(m) return select(2, pcall(reject, { txt = 'a' })) and 'refusal' end,\n"
	"function(m) return tostring(greylist(m, { say = 'tempfail', delay = '9s' })) end,\n"
	"function(m) return type(notify{ to = 'a@example.com', subject = ('s'):rep(300), text = "
	"('t'):rep(900), once_per = '1h' }) end,\n"
	"%s}\n"; /* geo_step, where there is a database */

static const char geo_step[] =
	"function(m) return m.geo.country .. m.geo.city .. tostring(m.geo) .. "
	"tostring(m.geo.asn) end,\n";

static const char late[] =
	"local late = {\n"
	"function(m) return re.match('a1b22', '(\\\\d\\\\d)') .. re.gsub(('ab'):rep(12), 'b', "
	"{ b = ('c'):rep(200) }):sub(1, 6) .. re.find('(*UTF)x', 'x', 2) end,\n"
	"function(m) return select(2, pcall(re.find, 'a', '(')) end,\n"
	"function(m) return ('key = value'):gsub('%w+', function(w) return w:upper():rep(300) "
	"end):sub(1, 4) end,\n"
	"function(m) local n = 0 for a, b in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do n = n + b end "
	"return n end,\n"
	"function(m) return ('x'):find('[a-z][a-z]?[a-z]?[a-z]?[a-z]?[a-z]?[a-z]?[a-z]?[a-z]?') "
	"end,\n"
	"function(m) return list(words:match('a,bc,def')) end,\n"
	"function(m) local p = lpeg.Cs((lpeg.P'a' / 'bb' + 1)^0) return #p:match(('xa'):rep(300)) "
	"end,\n"
	"function(m) local p = lpeg.Cmt(lpeg.C(lpeg.locale().alpha^1) * lpeg.Cc(7), function(s, i, "
	"a, b) return i, a .. b end) return p:match('abc') end,\n"
	"function(m) return select(2, pcall(lpeg.P, { 'a', a = lpeg.V'a' })) end,\n"
	"function(m) local v = json.decode('{\"a\":[1,2.5,null,\"x\"],\"b\":[]}') return "
	"json.encode(v) .. json.encode({ s = ('\\xff'):rep(600), t = shown, u = json.array() "
	"}):sub(1, 9) end,\n"
	"function(m) return select(2, json.decode('[')) end,\n"
	"function(m) local t = {} for i = 1, 40 do t[i] = ('x'):rep(i) end table.sort(t, "
	"function(a, b) return #a > #b end) return table.concat(t):sub(1, 3) .. select('#', "
	"table.unpack(table.pack(table.unpack(t)))) end,\n"
	"function(m) return ('%5.1f %s %q'):format(1.25, shown, 'a'):sub(1, 9) .. "
	"string.pack('s4', ('x'):rep(2000)):sub(5, 7) end,\n"
	"function(m) return utf8.char(228, 0x20ac) .. tostring(shown):sub(1, 5) end,\n"
	"function(m) return select(2, xpcall(error, function(e) return e .. 'handled' end, 'x')) "
	"end,\n"
	"function(m) local n = 0 for name, value in m:header_list() do n = n + #value end return n "
	"end,\n"
	"function(m) return m:header('Subject') .. m:header_text('Subject') .. m.from_header.addr "
	"end,\n"
	"function(m) local s = '' for i, p in m:attachments() do s = s .. i .. p.name end return s "
	"end,\n"
	"function(m) local s = '' for i, u in m:urls() do s = s .. i .. u.host end return s end,\n"
	"function(m) m:set_header('X-A', 'b') m:prefix_subject('[x] ') return #m:body(100) end,\n"
	"function(m) return #m.rcpts .. m.rcpts[1].addr end,\n"
	"function(m) local s = '' for k, v in pairs(settings) do s = s .. k .. tostring(v) end "
	"return s .. settings.list[2] end,\n"
	"function(m) return require('mod').inner.deep.text end,\n"
	"}\n"
	"local function run(steps, m)\n"
	"  local out = {}\n"
	"  for i = 1, #steps do\n"
	"    local ok, what = pcall(steps[i], m)\n"
	"    out[i] = ok and tostring(what) or 'FAILED ' .. i\n"
	"  end\n"
	"  return table.concat(out, ' ')\n"
	"end\n"
	"local mod = require('mod')\n"
	"function mail(m, from) m:note('early', run(early, m)) end\n"
	"function message(m) m:note('late', run(late, m)) return reject('all') end\n"
	"function done(m, verdict) m:note('by', verdict.by) log.info(m:note('by') .. verdict.text) "
	"end\n";

static const char zone[] = "one.example A 192.0.2.1\n"
			   "1.2.0.192.in-addr.arpa PTR one.example\n"
			   "bad.example servfail\n"
			   "1.2.0.192.bl.example A 127.0.0.2\n";

static const struct cm_header fields[] = {
	{"From", " Bob <bob@example.com>"},
	{"Subject", " hello\r\n =?UTF-8?B?w6Q=?="},
	{"Content-Type", " multipart/mixed;\r\n\tboundary=\"b\""},
};

static const char body[] = "--b\r\nContent-Type: application/pdf; name=a.PDF\r\n\r\nxyz\r\n"
			   "--b\r\nContent-Type: text/plain\r\n\r\nhttp://A.example/\r\n--b--\r\n";

/* --- ending it --- */

/*
 * Lua collects its garbage and asks once more, so one that is refused is refused twice; refused
 * once, all that nothing holds is gone when the function goes on, if it does. Time is over as the
 * watchdog finds it: between two instructions, or where a function counts its steps.
 */
static const struct ending {
	const char *name;
	size_t refused;
	bool out_of_time;
} endings[] = {
	{"all garbage is collected", 1, false},
	{"one block is refused", 2, false},
	{"no block is to be had any more", SIZE_MAX, false},
	{"time is over", 0, true},
};

static struct {
	size_t blocks; /* asked for so far */
	size_t first;  /* the one where it ends; SIZE_MAX: nowhere */
	const struct ending *ending;
} plan;

static void
end_time(struct script_state *st)
{
	if (st->run == NULL)
		return;
	st->run->over = SCRIPT_OVER_CPU;
	lua_sethook(st->run->co, script_on_count, LUA_MASKCOUNT, 1);
}

static void *
allocate(void *state, void *at, size_t old_size, size_t size)
{
	bool more = size > 0 && (at == NULL || size > old_size);
	size_t number = plan.blocks;

	plan.blocks += more;
	if (more && number >= plan.first && plan.ending->out_of_time)
		end_time(state);
	if (more && number >= plan.first && number - plan.first < plan.ending->refused)
		return NULL;
	return script_allocate(state, at, old_size, size);
}

static void
end_at(size_t first, const struct ending *ending)
{
	plan.blocks = 0;
	plan.first = first;
	plan.ending = ending;
}

static void
end_nowhere(void)
{
	end_at(SIZE_MAX, &endings[0]);
}

/* The state that runs all of a session's hooks. */
static struct script_state *
state(void)
{
	return r.d.g->scripts->free;
}

static void
close_state(struct script_state *st)
{
	lua_close(st->L);
	ck_assert_uint_eq(st->memory.used, 0);
	ck_assert_ptr_null(st->memory.blocks);
	ck_assert_ptr_null(st->held);
	st->L = NULL;
	script_state_close(st);
}

static void
open_state(struct script_state *st)
{
	struct err err;

	ck_assert_msg(script_state_open(st, r.d.g->scripts, &err), "%s", err.text);
	lua_setallocf(st->L, allocate, st);
}

static void
renew_state(struct script_state *st)
{
	struct err err;

	end_nowhere();
	close_state(st);
	open_state(st);
	ck_assert_msg(script_state_load_all(st, &err), "%s", err.text);
}

/* --- running --- */

/* One database for all cases: Perl is slow to make it. */
static char geo_dir[TEMP_NAME_SIZE], geo_path[PATH_MAX];
static bool geo; /* it is there */

static void
make_geo(void)
{
	char command[PATH_MAX + 64];

	ck_assert(temp_dir(geo_dir, "refused"));
	snprintf(geo_path, sizeof(geo_path), "%s/geo.mmdb", geo_dir);
	snprintf(command, sizeof(command), "perl tests/unit/geo.pl %s DE 2>/dev/null", geo_path);
	geo = system(command) == 0;
	if (!geo)
		table_skip("m.geo in the rule", "install libmaxmind-db-writer-perl");
}

static void
remove_geo(void)
{
	unlink(geo_path);
	rmdir(geo_dir);
}

static void
write_rule(void)
{
	char *first = NULL, *text = NULL;

	ck_assert_int_gt(asprintf(&first, early, geo ? geo_step : ""), 0);
	ck_assert_int_gt(asprintf(&text, "%s%s", first, late), 0);
	drive_file(&r.d, "scripts/x.lua", text);
	free(first);
	free(text);
}

static void
setup(void)
{
	char dir[PATH_MAX], *text = NULL;

	rule_init(&r);
	drive_plugin_dir(dir, true);
	write_rule();
	drive_file(&r.d, "scripts/mod.lua", "return { inner = { deep = { text = 'deep' } } }\n");
	drive_file(&r.d, "zone", zone);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\n"
				 "store local { type = memory }\n"
				 "plugin greylist { }\n"
				 "profile p { chain = [ x ] }\n" RULE_MAPS
				 "script x { file = scripts/x.lua; cpu = 60s; timeout = 60s; "
				 "settings { list = [ "
				 "b, c ] } }\n"
				 "notify { server = inet:1@127.0.0.1 }\n%s%s%s",
				 dir, geo ? "geo { database = " : "", geo ? geo_path : "",
				 geo ? " }\n" : ""),
		0);
	drive_load_text(&r.d, text);
	free(text);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
}

static void
teardown(void)
{
	rule_fini(&r);
}

static const char *
note(const char *name)
{
	const char *text = session_note(r.d.s, name);

	return text == NULL ? "(nothing)" : text;
}

/* What the steps gave. */
static const char *
one_session(void)
{
	static char said[8192];

	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "client.example.org", "587");
	drive_helo(&r.d, "client.example.org");
	if (drive_mail(&r.d, "<bob@example.com>", "bob", "TLSv1.3") == CM_CONTINUE &&
		drive_rcpt(&r.d, "<to@example.net>") == CM_CONTINUE)
		drive_content(&r.d, fields, LENGTH(fields), body);
	snprintf(said, sizeof(said), "%s\n%s\n", note("early"), note("late"));
	chain_end_message(r.d.s);
	chain_close(r.d.s);
	session_free(r.d.s);
	r.d.s = NULL;
	return said;
}

START_TEST(hook_ends_anywhere)
{
	const struct ending *ending = &endings[_i];
	char *good;
	size_t blocks, ended = 0;

	renew_state(state());
	plan.blocks = 0;
	good = strdup(one_session());
	blocks = plan.blocks;
	ck_assert_msg(
		strstr(good, "FAILED") == NULL && strstr(good, "nothing") == NULL, "%s", good);
	ck_assert_uint_gt(blocks, BLOCKS_LEAST);
	for (size_t n = 0; n < blocks; n++) {
		const char *said;

		renew_state(state());
		end_at(n, ending);
		ended += strcmp(one_session(), good) != 0;
		end_nowhere();
		said = one_session();
		ck_assert_msg(strcmp(said, good) == 0, "%s, at %zu:\n%s\nand not\n%s", ending->name,
			n, said, good);
	}
	if (ending->refused != 1)
		ck_assert_uint_gt(ended, BLOCKS_LEAST);
	free(good);
}
END_TEST

START_TEST(load_ends_anywhere)
{
	struct script_state *st = state();
	size_t blocks = SIZE_MAX, ended = 0;
	struct err err;

	for (size_t n = 0; n < blocks; n += LOAD_STEP) {
		end_nowhere();
		close_state(st);
		open_state(st);
		end_at(n, &endings[_i]);
		if (script_state_load_all(st, &err))
			blocks = plan.blocks;
		else
			ended++;
	}
	ck_assert_uint_gt(endings[_i].refused == 1 ? blocks : LOAD_STEP * ended, BLOCKS_LEAST);
	renew_state(st);
	ck_assert_ptr_null(strstr(one_session(), "FAILED"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_refused");
	TCase *tc = tcase_create("all");

	tcase_add_unchecked_fixture(tc, make_geo, remove_geo);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, hook_ends_anywhere, 0, LENGTH(endings));
	tcase_add_loop_test(tc, load_ends_anywhere, 0, LENGTH(endings));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
