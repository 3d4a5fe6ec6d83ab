/* SPDX-License-Identifier: MIT */
/*
 * test_script_arguments.c - every function of rules, called with everything it does not expect
 *
 * What is called comes from the tables of the API, and from Lua's own libraries, so what is new is
 * called, too. A call may fail as it likes; the rule goes on behind it.
 */
#include "host/script_api.h"
#include "script_case.h"
#include "table.h"

static struct rule r;

/* An object of each class that has functions. */
static const struct {
	const char *class, *code;
} objects[] = {
	{"Client", "m.client"},
	{"Map", "map('logins')"},
	{"Message", "m"},
	{"Pattern", "lpeg.P'a'"},
};

/* Long ones last: what a hook hands to the host has a bound, and then all calls fail. */
static const char values[] =
	"local odd = setmetatable({}, { __len = function() return 1 << 40 end,\n"
	"\t__index = function(t, k) return k end, __tostring = function() return {} end,\n"
	"\t__pairs = function() return function() return {}, {} end end })\n"
	"local inside = {} inside[1] = inside\n"
	"local long = ('x'):rep(70000)\n"
	"local function values(m)\n"
	"\treturn table.pack(nil, true, -1, 1, 2, 0.5, 0/0, 1/0, math.mininteger, '', 'a', "
	"'a\\0b',\n"
	"\t\t'\\xff', '1h', '192.0.2.1', 'one.example', {}, { 1, 2 },\n"
	"\t\t{ a = 1, key = 'k', limit = '1/1h' }, odd, inside, function() error({}) end, m, "
	"m.from,\n"
	"\t\tlpeg.P'a', long)\n"
	"end\n"
	"local function few(m)\n"
	"\treturn table.pack(nil, 1, 'a', '1h', {}, m, error, long)\n"
	"end\n";

/* Functions of Lua: their names, whatever they are. Operators are functions here. */
static const char run[] =
	"for name, library in pairs({ string = string, table = table, math = math, utf8 = utf8 }) "
	"do\n"
	"\tfor f, call in pairs(library) do\n"
	"\t\tif type(call) == 'function' then\n"
	"\t\t\tcalls[#calls + 1] = { name .. '.' .. f, function() return call end }\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"local operators = { function(a, b) return a + b end, function(a, b) return a - b end,\n"
	"\tfunction(a, b) return a * b end, function(a, b) return a / b end,\n"
	"\tfunction(a, b) return a ^ b end, function(a, b) return a .. b end,\n"
	"\tfunction(a, b) return a == b end, function(a, b) return a < b end,\n"
	"\tfunction(a, b) return a[b] end, function(a, b) a[b] = b end,\n"
	"\tfunction(a) return #a end, function(a) return -a end, function(a) return tostring(a) "
	"end }\n"
	"for i, call in ipairs(operators) do\n"
	"\tcalls[#calls + 1] = { 'operator ' .. i, function() return call end }\n"
	"end\n"
	"function message(m)\n"
	"\tlocal which, first = m.from.user:match('(%d+)x(%d+)')\n"
	"\tlocal entry, v, w = calls[tonumber(which)], values(m), few(m)\n"
	"\tlocal a = v[tonumber(first)]\n"
	"\tif not entry then return reject('5.7.1', 'no more calls') end\n"
	"\tif tonumber(first) > v.n then return reject('5.7.1', 'no more values') end\n"
	"\tlocal f, self = entry[2](m)\n"
	"\tlocal function call(...)\n"
	"\t\tif self == nil then pcall(f, ...) else pcall(f, self, ...) end\n"
	"\tend\n"
	"\tlog.info(entry[1])\n"
	"\tpcall(f)\n"
	"\tpcall(f, a)\n"
	"\tcall(a)\n"
	"\tfor i = 1, v.n do\n"
	"\t\tcall(a, v[i])\n"
	"\t\tfor j = 1, w.n do call(a, v[i], w[j]) end\n"
	"\tend\n"
	"end\n";

static const char *
object_of(const struct script_class *class)
{
	for (int i = 0; i < LENGTH(objects); i++) {
		if (strcmp(objects[i].class, class->name) == 0)
			return objects[i].code;
	}
	ck_abort_msg("an object of class %s is not known here", class->name);
	return NULL;
}

static void
write_call(FILE *f, const struct script_class *class, const struct script_row *row)
{
	if (row->kind != SCRIPT_FUNCTION)
		return;
	if (class->kind == SCRIPT_OBJECT)
		fprintf(f, "\t{ '%s:%s', function(m) local o = %s return o.%s, o end },\n",
			class->name, row->name, object_of(class), row->name);
	else
		fprintf(f, "\t{ '%s.%s', function(m) return %s%s%s end },\n", class->name,
			row->name, class->name, class->name[0] == '\0' ? "" : ".", row->name);
}

static char *
rule_text(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "%slocal calls = {\n", values);
	for (size_t i = 0; script_classes[i] != NULL; i++) {
		for (size_t j = 0; j < script_classes[i]->row_count; j++)
			write_call(f, script_classes[i], &script_classes[i]->rows[j]);
	}
	fprintf(f, "}\n%s", run);
	fclose(f);
	return text;
}

static void
setup(void)
{
	char dir[PATH_MAX], *code = rule_text(), *text = NULL;

	rule_init(&r);
	drive_plugin_dir(dir, true);
	drive_file(&r.d, "scripts/x.lua", code);
	free(code);
	drive_file(&r.d, "zone", "one.example A 192.0.2.1\n");
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\n"
				 "store local { type = memory }\n"
				 "plugin greylist { }\n"
				 "profile p { chain = [ x ] }\n" RULE_MAPS
				 "script x { file = scripts/x.lua; cpu = 200ms; timeout = 60s }\n",
				 dir),
		0);
	drive_load_text(&r.d, text);
	free(text);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "client.example.org", "587");
	drive_helo(&r.d, "client.example.org");
}

static void
teardown(void)
{
	rule_fini(&r);
}

/* Of one function with one first argument: false where there is none. */
static bool
call(int which, int first)
{
	char sender[64];
	const char *got;

	snprintf(sender, sizeof(sender), "<%dx%d@example.com>", which, first);
	got = rule_message(&r, sender);
	chain_end_message(r.d.s);
	if (strstr(got, "no more") != NULL)
		return false;
	ck_assert_msg(strcmp(got, "continue") == 0 || strstr(got, "processor time") != NULL ||
			      strstr(got, "memory") != NULL,
		"call %s: %s", sender, got);
	return true;
}

START_TEST(are_refused_or_taken)
{
	int which, first;

	for (which = 1; call(which, 1); which++) {
		for (first = 2; call(which, first); first++)
			continue;
		ck_assert_int_gt(first, 20);
	}
	ck_assert_int_gt(which, 100);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_arguments");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, are_refused_or_taken);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
