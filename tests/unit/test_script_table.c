/* SPDX-License-Identifier: MIT */
/*
 * test_script_table.c - our table library against the one that Lua comes with
 *
 * Random calls (with a fixed seed) must fail in both or give the same results and the same tables.
 */
#include <check.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "host/script_state.h"
#include "longjmp.h"
#include "table.h"

static lua_State *L;

static void
setup(void)
{
	L = luaL_newstate();
	ck_assert_ptr_nonnull(L);
	*(void **)lua_getextraspace(L) = NULL; /* no budget */
	luaL_openlibs(L);
	lua_newtable(L);
	script_table_open(L);
	lua_setglobal(L, "ours");
}

static void
teardown(void)
{
	lua_close(L);
}

/* Runs the code and fails with the text it returns, if any. */
static void
run_lua(const char *code)
{
	ck_assert_msg(luaL_loadstring(L, code) == LUA_OK, "%s", lua_tostring(L, -1));
	ck_assert_msg(lua_pcall(L, 0, 1, 0) == LUA_OK, "%s", lua_tostring(L, -1));
	ck_assert_msg(lua_isnil(L, -1), "%s", lua_tostring(L, -1));
}

#define COMPARE                                                                        \
	"math.randomseed(20261123)\n"                                                  \
	"local int = math.random\n"                                                    \
	"local function show(...)\n"                                                   \
	"	local out = {}\n"                                                            \
	"	for i = 1, select('#', ...) do\n"                                            \
	"		local v = select(i, ...)\n"                                                 \
	"		out[i] = type(v) == 'table' and '{' .. show_table(v) .. '}' or "            \
	"tostring(v)\n"                                                                \
	"	end\n"                                                                       \
	"	return table.concat(out, ' ')\n"                                             \
	"end\n"                                                                        \
	"function show_table(t)\n"                                                     \
	"	local out = {}\n"                                                            \
	"	for i = -9, 40 do\n"                                                         \
	"		local v = type(t[i]) == 'table' and '{}' or t[i]\n"                         \
	"		if v ~= nil then out[#out + 1] = i .. '=' .. tostring(v) end\n"             \
	"	end\n"                                                                       \
	"	return table.concat(out, ',') .. (t.n and ' n=' .. t.n or '')\n"             \
	"end\n"                                                                        \
	"local function random_table()\n"                                              \
	"	local t = {}\n"                                                              \
	"	for i = 1, int(0, 9) do t[i] = int(0, 20) end\n"                             \
	"	return t\n"                                                                  \
	"end\n"                                                                        \
	"local function copy(t) return table.move(t, 1, #t, 1, {}) end\n"              \
	"local function try(f, t, ...)\n"                                              \
	"	local r = table.pack(pcall(f, t, ...))\n"                                    \
	"	return r[1] and show(table.unpack(r, 1, r.n)) .. ' / ' .. show_table(t) or " \
	"'error'\n"                                                                    \
	"end\n"                                                                        \
	"local ok, failed = 0, 0\n"                                                    \
	"local function compare(name, t, ...)\n"                                       \
	"	local want = try(table[name], copy(t), ...)\n"                               \
	"	local got = try(ours[name], copy(t), ...)\n"                                 \
	"	if want == 'error' then failed = failed + 1 else ok = ok + 1 end\n"          \
	"	if want ~= got then\n"                                                       \
	"		error(('%s {%s} %s: want %s, got %s'):format(name, show_table(t), "         \
	"show(...), want, got))\n"                                                     \
	"	end\n"                                                                       \
	"end\n"

START_TEST(does_what_the_stock_library_does)
{
	run_lua(COMPARE "for i = 1, 3000 do\n"
			"	local t, other = random_table(), random_table()\n"
			"	compare('insert', t, int(99))\n"
			"	compare('insert', t, int(-2, 12), int(99))\n"
			"	compare('insert', t)\n"
			"	compare('remove', t)\n"
			"	compare('remove', t, int(-2, 12))\n"
			"	compare('concat', t)\n"
			"	compare('concat', t, ', ', int(-1, 5), int(-1, 10))\n"
			"	compare('unpack', t, int(-1, 5), int(-1, 10))\n"
			"	compare('move', t, int(-1, 6), int(-1, 9), int(-3, 9))\n"
			"	compare('move', t, int(-1, 6), int(-1, 9), int(-3, 9), other)\n"
			"	compare('pack', t, 1, nil, 3)\n"
			"	compare('sort', t)\n"
			"	compare('sort', t, function(a, b) return a > b end)\n"
			"end\n"
			"compare('move', {}, math.mininteger, math.maxinteger, 1)\n"
			"compare('move', {}, 1, math.maxinteger, 2)\n"
			"compare('unpack', {}, math.mininteger, math.maxinteger)\n"
			"compare('unpack', {}, 1, 1e8)\n"
			"compare('sort', { 1, 'x' })\n"
			"compare('sort', { 1, 2 }, 5)\n"
			"compare('concat', { {} })\n"
			"if ok < 15000 or failed < 2000 then return 'too easy: ' .. ok .. ' ' .. "
			"failed end\n");
}
END_TEST

START_TEST(sorts_long_tables_and_follows_metamethods)
{
	run_lua(COMPARE
		"for _, n in ipairs{ 0, 1, 2, 3, 100, 1000, 1023, 1024, 1025 } do\n"
		"	local a = {}\n"
		"	for i = 1, n do a[i] = int(n) end\n"
		"	local b = copy(a)\n"
		"	table.sort(a)\n"
		"	ours.sort(b)\n"
		"	for i = 1, n do if a[i] ~= b[i] then return 'sort ' .. n .. ' at ' .. i "
		"end end\n"
		"end\n"
		"local log = {}\n"
		"local real = { 'c', 'a', 'b' }\n"
		"local t = setmetatable({}, { __index = real, __newindex = real,\n"
		"	__len = function() return #real end })\n"
		"ours.sort(t)\n"
		"ours.insert(t, 'd')\n"
		"ours.insert(t, 1, 'z')\n"
		"if ours.concat(t, ',') ~= 'z,a,b,c,d' then return ours.concat(t, ',') end\n"
		"if ours.remove(t, 1) ~= 'z' or ours.concat(t) ~= 'abcd' then return "
		"ours.concat(t) end\n"
		"if next(t) then return 'went past __newindex' end\n"
		/* An order that contradicts itself ends, and loses nothing. */
		"local odd = {}\n"
		"for i = 1, 200 do odd[i] = i end\n"
		"ours.sort(odd, function() return true end)\n"
		"table.sort(odd)\n"
		"for i = 1, 200 do if odd[i] ~= i then return 'lost ' .. i end end\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_table");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, does_what_the_stock_library_does);
	tcase_add_test(tc, sorts_long_tables_and_follows_metamethods);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
