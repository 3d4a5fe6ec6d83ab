/* SPDX-License-Identifier: MIT */
/*
 * test_schema.c - sections become structs, and what is said where they cannot
 */
#include "conf/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/net.h"
#include "conf_case.h"
#include "table.h"

enum { ENFORCE, SHADOW, OFF };

struct settings {
	bool flag;
	int mode;
	int64_t delay, count, file_mode, percent, size, time;
	struct cm_list list;
	const struct cm_map *map;
	const struct cm_networks *networks;
	struct cm_numbers numbers;
	const char *path, *socket, *text;
	struct cm_rate rate;
};

#define AT(member) offsetof(struct settings, member)

static const struct cm_option dns_rows[] = {
	{.name = "timeout", .type = CM_OPT_DURATION, .offset = AT(delay)},
	{.name = "cache_size", .type = CM_OPT_SIZE, .offset = AT(size), .max = 1 << 30},
	{.name = "resolvers", .type = CM_OPT_NETWORKS, .offset = AT(networks)},
	{.name = "dnssec", .type = CM_OPT_BOOL, .offset = AT(flag)},
};

static const struct cm_option greylist_rows[] = {
	{.name = "mode",
		.type = CM_OPT_CHOICE,
		.offset = AT(mode),
		.fallback = "enforce",
		.choices = "enforce|shadow|off"},
	{.name = "delay",
		.type = CM_OPT_DURATION,
		.offset = AT(delay),
		.fallback = "5min",
		.min = 1000000,
		.max = INT64_C(3600000000)},
	{.name = "remember", .type = CM_OPT_DURATION, .offset = AT(time)},
	{.name = "sample", .type = CM_OPT_PERCENT, .offset = AT(percent)},
	{.name = "wait", .renamed_to = "delay"},
};

static const struct cm_option zen_rows[] = {
	{.name = "zone", .type = CM_OPT_STRING, .offset = AT(text), .flags = CM_OPT_REQUIRED},
	{.name = "codes", .type = CM_OPT_LIST, .offset = AT(list)},
	{.name = "text", .type = CM_OPT_STRING, .offset = AT(path)},
};

static bool
starts_small(const char *text, char *why, size_t why_size)
{
	if (text[0] >= 'a' && text[0] <= 'z')
		return true;
	snprintf(why, why_size, "\"%s\" does not start small", text);
	return false;
}

static const struct cm_option checked_rows[] = {
	{.name = "words", .type = CM_OPT_LIST, .offset = AT(list), .check = starts_small},
	{.name = "word", .type = CM_OPT_STRING, .offset = AT(text), .check = starts_small},
};

static const struct cm_option spf_rows[] = {
	{.name = "softfail", .type = CM_OPT_STRING, .offset = AT(text)},
	{.name = "skip_for", .type = CM_OPT_MAP, .offset = AT(map)},
};

static const struct cm_option listener_rows[] = {
	{.name = "socket", .type = CM_OPT_SOCKET, .offset = AT(socket)},
	{.name = "mode", .type = CM_OPT_MODE, .offset = AT(file_mode)},
	{.name = "port", .type = CM_OPT_NUMBERS, .offset = AT(numbers), .min = 1, .max = 65535},
	{.name = "threads", .type = CM_OPT_INT, .offset = AT(count), .min = 1, .max = INT64_MAX},
	{.name = "limit", .type = CM_OPT_RATE, .offset = AT(rate)},
	{.name = "pid_file", .type = CM_OPT_PATH, .offset = AT(path)},
	{.name = "until", .type = CM_OPT_TIME, .offset = AT(time)},
};

/* By the last word of a section's name. */
static const struct {
	const char *section;
	struct schema_rows rows;
} kinds[] = {
	{"checked", SCHEMA_ROWS(checked_rows)},
	{"dns", SCHEMA_ROWS(dns_rows)},
	{"greylist", SCHEMA_ROWS(greylist_rows)},
	{"postfix", SCHEMA_ROWS(listener_rows)},
	{"spf", SCHEMA_ROWS(spf_rows)},
	{"zen", SCHEMA_ROWS(zen_rows)},
};

static struct arena arena;
static struct diag *diag;
static const char known_map; /* stands for an open map */
static const char *const map_names[] = {"partners", "sender_logins"};

static const struct cm_map *
find_map(void *context, const char *name)
{
	(void)context;
	for (size_t i = 0; i < sizeof(map_names) / sizeof(*map_names); i++) {
		if (strcmp(map_names[i], name) == 0)
			return (const struct cm_map *)(const void *)&known_map;
	}
	return NULL;
}

static const char *const *
all_map_names(void *context, size_t *count)
{
	(void)context;
	*count = sizeof(map_names) / sizeof(*map_names);
	return map_names;
}

static const struct schema_world world = {.arena = &arena,
	.base_dir = "/etc/chainmail",
	.find_map = find_map,
	.map_names = all_map_names};

/* Fills every section that has rows. */
static void
fill_all(const struct conf_section *root)
{
	for (const struct conf_section *s = root->sections; s != NULL; s = s->next) {
		const char *last = s->name == NULL ? s->kind : s->name;
		char *what = s->name == NULL ? arena_strdup(&arena, s->kind)
					     : arena_printf(&arena, "%s %s", s->kind, s->name);

		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			struct settings out = {0};
			const struct schema_part part = {
				.rows = kinds[i].rows, .out = &out, .block = "settings"};

			if (strcmp(kinds[i].section, last) == 0)
				schema_fill(what, s, &part, 1, &world, diag);
		}
	}
}

static char dir[64];

static void
setup(void)
{
	conf_case_enter(dir);
	setenv("TZ", "UTC-1", 1);
	arena_init(&arena, 4096);
	diag = diag_new();
}

static void
teardown(void)
{
	diag_free(diag);
	arena_fini(&arena);
	conf_case_leave(dir);
}

static void
assert_output(const char *wanted)
{
	char *output = conf_case_output(diag);

	ck_assert_msg(strcmp(output, wanted) == 0, "%s\nwanted:\n%s", output, wanted);
	free(output);
}

/* --- mistakes: those of docs/CONFIG.md first, whole --- */

static const struct {
	const char *name;
	struct conf_line lines[CONF_CASE_LINES];
	const char *output;
} mistakes[] = {
	{"a setting nobody knows", {{38, "dns {"}, {39, "    timeot     = 4s"}, {40, "}"}},
		"filter.conf:39:5: error: unknown setting \"timeot\" in dns\n"
		"   39 |     timeot     = 4s\n"
		"      |     ^~~~~~\n"
		"      = help: did you mean \"timeout\"?\n"
		"\n"
		"1 error, 0 warnings."},
	{"a slip in a deprecated name", {{1, "plugin greylist {"}, {2, "wiat = 5min"}, {3, "}"}},
		"filter.conf:2:1: error: unknown setting \"wiat\" in plugin greylist\n"
		"    2 | wiat = 5min\n"
		"      | ^~~~\n"
		"      = help: did you mean \"delay\"?\n"
		"\n"
		"1 error, 0 warnings."},
	{"texts that the row itself does not take",
		{{1, "checked {"}, {2, "words = [ a, B, c, \"D\" ]; word = E"}, {3, "}"}},
		"filter.conf:2:14: error: words: \"B\" does not start small\n"
		"    2 | words = [ a, B, c, \"D\" ]; word = E\n"
		"      |              ^\n"
		"filter.conf:2:20: error: words: \"D\" does not start small\n"
		"    2 | words = [ a, B, c, \"D\" ]; word = E\n"
		"      |                    ^~~\n"
		"filter.conf:2:34: error: word: \"E\" does not start small\n"
		"    2 | words = [ a, B, c, \"D\" ]; word = E\n"
		"      |                                  ^\n"
		"\n"
		"3 errors, 0 warnings."},
	{"a duration without a unit, and one with a wrong unit",
		{{126, "plugin greylist {"},
			{127, "    mode             = shadow                  # log what it would "
			      "do, change nothing"},
			{128, "    delay            = 5"}, {130, "    remember         = 5weeks"},
			{131, "}"}},
		"filter.conf:128:24: error: delay needs a duration with a unit\n"
		"  128 |     delay            = 5\n"
		"      |                        ^ unit missing\n"
		"      = help: did you mean 5s or 5min? units: ms s min h d w (they add up: "
		"1h30min)\n"
		"filter.conf:130:25: error: remember: unknown unit \"weeks\"\n"
		"  130 |     remember         = 5weeks\n"
		"      |                         ^~~~~ not a time unit\n"
		"      = help: units: ms s min h d w (they add up: 1h30min)\n"
		"\n"
		"2 errors, 0 warnings."},
	{"four mistakes of four kinds",
		{{21, "listener postfix {"}, {23, "    socket = /run/chainmail/milter.sock"},
			{24, "}"}, {113, "plugin zen {"}, {120, "}"}, {126, "plugin greylist {"},
			{127, "    mode             = shaddow                  # log what it would "
			      "do, change nothing"},
			{128, "}"},
			{164, "include \"conf.d/local.conf\"                        # your own "
			      "additions, in name order"}},
		"filter.conf:23:14: error: socket: \"/run/chainmail/milter.sock\" is not a socket "
		"address\n"
		"   23 |     socket = /run/chainmail/milter.sock\n"
		"      |              ^~~~~~~~~~~~~~~~~~~~~~~~~~\n"
		"      = help: write unix:/run/chainmail/milter.sock\n"
		"filter.conf:113:12: error: plugin zen needs zone\n"
		"  113 | plugin zen {\n"
		"      |            ^\n"
		"      = help: add a line: zone = ...\n"
		"filter.conf:127:24: error: mode = shaddow is not a choice\n"
		"  127 |     mode             = shaddow                  # log what it would do, "
		"change nothing\n"
		"      |                        ^~~~~~~\n"
		"      = help: did you mean \"shadow\"? (one of: enforce|shadow|off)\n"
		"filter.conf:164:9: error: cannot open conf.d/local.conf: No such file or "
		"directory\n"
		"  164 | include \"conf.d/local.conf\"                        # your own "
		"additions, in name order\n"
		"      |         ^~~~~~~~~~~~~~~~~~~\n"
		"      = help: a pattern such as \"conf.d/*.conf\" may match nothing; a plain name "
		"must exist\n"
		"\n"
		"4 errors, 0 warnings."},
	{"a setting far from all",
		{{1, "plugin zen {"}, {2, "    zone = a; retries = 5"}, {3, "}"}},
		"filter.conf:2:15: error: unknown setting \"retries\" in plugin zen\n"
		"    2 |     zone = a; retries = 5\n"
		"      |               ^~~~~~~\n"
		"      = help: plugin zen has zone codes text\n"
		"\n"
		"1 error, 0 warnings."},
	{"a name with a hyphen and in capitals",
		{{1, "dns {"}, {2, "    cache-size = 5M; DNSSEC = yes"}, {3, "}"}},
		"filter.conf:2:5: error: unknown setting \"cache-size\" in dns\n"
		"    2 |     cache-size = 5M; DNSSEC = yes\n"
		"      |     ^~~~~~~~~~\n"
		"      = help: did you mean \"cache_size\"?\n"
		"filter.conf:2:22: error: unknown setting \"DNSSEC\" in dns\n"
		"    2 |     cache-size = 5M; DNSSEC = yes\n"
		"      |                      ^~~~~~\n"
		"      = help: did you mean \"dnssec\"?\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a block nobody knows", {{1, "plugin spf { setings { a = 1 } settings { b = 2 } }"}},
		"filter.conf:1:14: error: unknown section \"setings\" in plugin spf\n"
		"    1 | plugin spf { setings { a = 1 } settings { b = 2 } }\n"
		"      |              ^~~~~~~\n"
		"      = help: did you mean \"settings\"?\n"
		"\n"
		"1 error, 0 warnings."},
	{"a choice far from all", {{1, "plugin greylist { mode = monitor }"}},
		"filter.conf:1:26: error: mode = monitor is not a choice\n"
		"    1 | plugin greylist { mode = monitor }\n"
		"      |                          ^~~~~~~\n"
		"      = help: one of: enforce|shadow|off\n"
		"\n"
		"1 error, 0 warnings."},
	{"a choice in capitals", {{1, "plugin greylist { mode = Shadow }"}},
		"filter.conf:1:26: error: mode = Shadow is not a choice\n"
		"    1 | plugin greylist { mode = Shadow }\n"
		"      |                          ^~~~~~\n"
		"      = help: did you mean \"shadow\"? (one of: enforce|shadow|off)\n"
		"\n"
		"1 error, 0 warnings."},
	{"yes and no in other words", {{1, "dns { dnssec = true }"}},
		"filter.conf:1:16: error: dnssec: \"true\" is not yes or no\n"
		"    1 | dns { dnssec = true }\n"
		"      |                ^~~~\n"
		"      = help: write yes or no\n"
		"\n"
		"1 error, 0 warnings."},
	{"half of a duration without a unit", {{1, "dns { timeout = 1h30 }"}},
		"filter.conf:1:17: error: timeout needs a duration with a unit\n"
		"    1 | dns { timeout = 1h30 }\n"
		"      |                 ^~~~ unit missing\n"
		"      = help: did you mean 1h30s or 1h30min? units: ms s min h d w (they add up: "
		"1h30min)\n"
		"\n"
		"1 error, 0 warnings."},
	{"a unit that is wrong in a string", {{1, "dns { timeout = \"5sec\" }"}},
		"filter.conf:1:19: error: timeout: unknown unit \"sec\"\n"
		"    1 | dns { timeout = \"5sec\" }\n"
		"      |                   ^~~ not a time unit\n"
		"      = help: units: ms s min h d w (they add up: 1h30min)\n"
		"\n"
		"1 error, 0 warnings."},
	{"a unit that is wrong behind another", {{1, "dns { timeout = 1h5m3s }"}},
		"filter.conf:1:20: error: timeout: unknown unit \"m\"\n"
		"    1 | dns { timeout = 1h5m3s }\n"
		"      |                    ^ not a time unit\n"
		"      = help: units: ms s min h d w (they add up: 1h30min)\n"
		"\n"
		"1 error, 0 warnings."},
	{"a duration in words", {{1, "dns { timeout = soon }"}},
		"filter.conf:1:17: error: timeout: \"soon\" is not a duration with a unit\n"
		"    1 | dns { timeout = soon }\n"
		"      |                 ^~~~ a digit is wanted here\n"
		"      = help: such as 30s or 1h30min\n"
		"\n"
		"1 error, 0 warnings."},
	{"a size with a wrong unit", {{1, "dns { cache_size = 32MB }"}},
		"filter.conf:1:22: error: cache_size: unknown unit \"MB\"\n"
		"    1 | dns { cache_size = 32MB }\n"
		"      |                      ^~ not a size unit\n"
		"      = help: units: k M G (1k is 1024 octets)\n"
		"\n"
		"1 error, 0 warnings."},
	{"numbers out of range",
		{{1, "plugin greylist { delay = 2h }"}, {2, "dns { cache_size = 2G }"},
			{3, "listener postfix { threads = 0; port = [ 25, 0, 70000 ] }"}},
		"filter.conf:1:27: error: delay: 2h is out of range\n"
		"    1 | plugin greylist { delay = 2h }\n"
		"      |                           ^~\n"
		"      = help: from 1s to 1h\n"
		"filter.conf:2:20: error: cache_size: 2G is out of range\n"
		"    2 | dns { cache_size = 2G }\n"
		"      |                    ^~\n"
		"      = help: from 0 to 1G\n"
		"filter.conf:3:30: error: threads: 0 is out of range\n"
		"    3 | listener postfix { threads = 0; port = [ 25, 0, 70000 ] }\n"
		"      |                              ^\n"
		"      = help: at least 1\n"
		"filter.conf:3:46: error: port: 0 is out of range\n"
		"    3 | listener postfix { threads = 0; port = [ 25, 0, 70000 ] }\n"
		"      |                                              ^\n"
		"      = help: from 1 to 65535\n"
		"filter.conf:3:49: error: port: 70000 is out of range\n"
		"    3 | listener postfix { threads = 0; port = [ 25, 0, 70000 ] }\n"
		"      |                                                 ^~~~~\n"
		"      = help: from 1 to 65535\n"
		"\n"
		"5 errors, 0 warnings."},
	{"numbers that are none",
		{{1, "listener postfix { threads = 4x; mode = 0680; port = [ smtp, 25 ] }"}},
		"filter.conf:1:31: error: threads: \"4x\" is not a whole number\n"
		"    1 | listener postfix { threads = 4x; mode = 0680; port = [ smtp, 25 ] }\n"
		"      |                               ^ a digit is wanted here\n"
		"filter.conf:1:43: error: mode: \"0680\" is not a file mode in octal\n"
		"    1 | listener postfix { threads = 4x; mode = 0680; port = [ smtp, 25 ] }\n"
		"      |                                           ^~ a digit from 0 to 7 is "
		"wanted here\n"
		"      = help: such as 0660\n"
		"filter.conf:1:56: error: port: \"smtp\" is not a whole number\n"
		"    1 | listener postfix { threads = 4x; mode = 0680; port = [ smtp, 25 ] }\n"
		"      |                                                        ^~~~ a digit is "
		"wanted here\n"
		"\n"
		"3 errors, 0 warnings."},
	{"a number that is too large", {{1, "listener postfix { threads = 99999999999999999999 }"}},
		"filter.conf:1:30: error: threads: \"99999999999999999999\" is not a whole number\n"
		"    1 | listener postfix { threads = 99999999999999999999 }\n"
		"      |                              ^~~~~~~~~~~~~~~~~~~~ too large\n"
		"\n"
		"1 error, 0 warnings."},
	{"a percentage without its sign", {{1, "plugin greylist { sample = 10 }"}},
		"filter.conf:1:28: error: sample needs a percentage\n"
		"    1 | plugin greylist { sample = 10 }\n"
		"      |                            ^~ unit missing\n"
		"      = help: did you mean 10%?\n"
		"\n"
		"1 error, 0 warnings."},
	{"a rate without time and one without unit",
		{{1, "listener postfix { limit = 100 }"}, {2, "listener postfix { limit = 100/1 }"},
			{3, "listener postfix { limit = 100/hour }"}},
		"filter.conf:1:28: error: limit needs a rate (COUNT/TIME)\n"
		"    1 | listener postfix { limit = 100 }\n"
		"      |                            ^~~ unit missing\n"
		"      = help: did you mean 100/1h? units: ms s min h d w (they add up: 1h30min)\n"
		"filter.conf:2:28: error: limit needs a rate (COUNT/TIME)\n"
		"    2 | listener postfix { limit = 100/1 }\n"
		"      |                            ^~~~~ unit missing\n"
		"      = help: did you mean 100/1s or 100/1min? units: ms s min h d w (they add "
		"up: 1h30min)\n"
		"filter.conf:3:32: error: limit: \"100/hour\" is not a rate (COUNT/TIME)\n"
		"    3 | listener postfix { limit = 100/hour }\n"
		"      |                                ^~~~ a digit is wanted here\n"
		"      = help: such as 100/1h\n"
		"\n"
		"3 errors, 0 warnings."},
	{"a date that is none",
		{{1, "listener postfix { until = 31.12.2026 }"},
			{2, "listener postfix { until = 2026-02-30 }"}},
		"filter.conf:1:30: error: until: \"31.12.2026\" is not a date or date and time\n"
		"    1 | listener postfix { until = 31.12.2026 }\n"
		"      |                              ^~~~~~~~ YYYY-MM-DD or \"YYYY-MM-DD hh:mm\" "
		"is wanted\n"
		"      = help: such as 2026-12-31 or \"2026-12-31 08:00\"\n"
		"filter.conf:2:28: error: until: \"2026-02-30\" is not a date or date and time\n"
		"    2 | listener postfix { until = 2026-02-30 }\n"
		"      |                            ^~~~~~~~~~ there is no such time\n"
		"      = help: such as 2026-12-31 or \"2026-12-31 08:00\"\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a list where one value is wanted", {{1, "dns { timeout = [ 4s, 5s ]; dnssec = [] }"}},
		"filter.conf:1:17: error: timeout takes one value, not a list\n"
		"    1 | dns { timeout = [ 4s, 5s ]; dnssec = [] }\n"
		"      |                 ^~~~~~~~~~\n"
		"      = help: write timeout = 4s\n"
		"filter.conf:1:38: error: dnssec takes one value, not a list\n"
		"    1 | dns { timeout = [ 4s, 5s ]; dnssec = [] }\n"
		"      |                                      ^~\n"
		"\n"
		"2 errors, 0 warnings."},
	{"networks that are none",
		{{1, "dns { resolvers = [ 127.0.0.1, 192.0.2.1/24, \"2001:db8::1/32\", localhost, "
		     "10.0.0.0/33 ] }"}},
		"filter.conf:1:32: error: resolvers: \"192.0.2.1/24\" is not an address or "
		"network\n"
		"    1 | dns { resolvers = [ 127.0.0.1, 192.0.2.1/24, \"2001:db8::1/32\", "
		"localhost, 10.0.0.0/33 ] }\n"
		"      |                                ^~~~~~~~~~~~\n"
		"      = help: did you mean 192.0.2.0/24?\n"
		"filter.conf:1:46: error: resolvers: \"2001:db8::1/32\" is not an address or "
		"network\n"
		"    1 | dns { resolvers = [ 127.0.0.1, 192.0.2.1/24, \"2001:db8::1/32\", "
		"localhost, 10.0.0.0/33 ] }\n"
		"      |                                              ^~~~~~~~~~~~~~~~\n"
		"      = help: did you mean 2001:db8::/32?\n"
		"filter.conf:1:64: error: resolvers: \"localhost\" is not an address or network\n"
		"    1 | dns { resolvers = [ 127.0.0.1, 192.0.2.1/24, \"2001:db8::1/32\", "
		"localhost, 10.0.0.0/33 ] }\n"
		"      |                                                                ^~~~~~~~~\n"
		"      = help: write 192.0.2.1, 192.0.2.0/24, \"2001:db8::1\" or 2001:db8::/32\n"
		"filter.conf:1:75: error: resolvers: \"10.0.0.0/33\" is not an address or network\n"
		"    1 | dns { resolvers = [ 127.0.0.1, 192.0.2.1/24, \"2001:db8::1/32\", "
		"localhost, 10.0.0.0/33 ] }\n"
		"      |                                                                           "
		"^~~~~~~~~~~\n"
		"      = help: write 192.0.2.1, 192.0.2.0/24, \"2001:db8::1\" or 2001:db8::/32\n"
		"\n"
		"4 errors, 0 warnings."},
	{"a map that is not defined",
		{{1, "plugin spf { skip_for = partner }"}, {2, "plugin spf { skip_for = vips }"}},
		"filter.conf:1:25: error: skip_for names \"partner\", which is not defined\n"
		"    1 | plugin spf { skip_for = partner }\n"
		"      |                         ^~~~~~~\n"
		"      = help: did you mean \"partners\"?\n"
		"filter.conf:2:25: error: skip_for names \"vips\", which is not defined\n"
		"    2 | plugin spf { skip_for = vips }\n"
		"      |                         ^~~~\n"
		"      = help: define it: map vips { source = ... }\n"
		"\n"
		"2 errors, 0 warnings."},
	{"sockets as other programs write them",
		{{1, "listener postfix { socket = local:/run/x.sock }"},
			{2, "listener postfix { socket = 127.0.0.1:8891 }"},
			{3, "listener postfix { socket = 8891 }"},
			{4, "listener postfix { socket = inet:127.0.0.1:8891 }"},
			{5, "listener postfix { socket = inet:8891 }"},
			{6, "listener postfix { socket = inet:8891@::1 }"},
			{7, "listener postfix { socket = inet6:99999@::1 }"},
			{8, "listener postfix { socket = unix: }"},
			{9, "listener postfix { socket = tcp }"}},
		"filter.conf:1:29: error: socket: \"local:/run/x.sock\" is not a socket address\n"
		"    1 | listener postfix { socket = local:/run/x.sock }\n"
		"      |                             ^~~~~~~~~~~~~~~~~\n"
		"      = help: write unix:/run/x.sock\n"
		"filter.conf:2:29: error: socket: \"127.0.0.1:8891\" is not a socket address\n"
		"    2 | listener postfix { socket = 127.0.0.1:8891 }\n"
		"      |                             ^~~~~~~~~~~~~~\n"
		"      = help: write inet:8891@127.0.0.1\n"
		"filter.conf:3:29: error: socket: \"8891\" is not a socket address\n"
		"    3 | listener postfix { socket = 8891 }\n"
		"      |                             ^~~~\n"
		"      = help: write inet:8891@127.0.0.1\n"
		"filter.conf:4:29: error: socket: \"inet:127.0.0.1:8891\" is not a socket address\n"
		"    4 | listener postfix { socket = inet:127.0.0.1:8891 }\n"
		"      |                             ^~~~~~~~~~~~~~~~~~~\n"
		"      = help: write inet:8891@127.0.0.1\n"
		"filter.conf:5:29: error: socket: \"inet:8891\" is not a socket address\n"
		"    5 | listener postfix { socket = inet:8891 }\n"
		"      |                             ^~~~~~~~~\n"
		"      = help: write inet:8891@127.0.0.1\n"
		"filter.conf:6:29: error: socket: \"inet:8891@::1\" is not a socket address\n"
		"    6 | listener postfix { socket = inet:8891@::1 }\n"
		"      |                             ^~~~~~~~~~~~~\n"
		"      = help: write inet6:8891@::1\n"
		"filter.conf:7:29: error: socket: \"inet6:99999@::1\" is not a socket address\n"
		"    7 | listener postfix { socket = inet6:99999@::1 }\n"
		"      |                             ^~~~~~~~~~~~~~~\n"
		"      = help: write inet6:PORT@HOST, such as inet6:9464@::1\n"
		"filter.conf:8:29: error: socket: \"unix:\" is not a socket address\n"
		"    8 | listener postfix { socket = unix: }\n"
		"      |                             ^~~~~\n"
		"      = help: write unix:PATH, such as unix:/run/chainmail/milter.sock\n"
		"filter.conf:9:29: error: socket: \"tcp\" is not a socket address\n"
		"    9 | listener postfix { socket = tcp }\n"
		"      |                             ^~~\n"
		"      = help: a socket address is unix:PATH, inet:PORT@HOST or inet6:PORT@HOST\n"
		"\n"
		"9 errors, 0 warnings."},
	{"an empty file name", {{1, "listener postfix { pid_file = \"\" }"}},
		"filter.conf:1:31: error: pid_file: \"\" is not a file name\n"
		"    1 | listener postfix { pid_file = \"\" }\n"
		"      |                               ^~\n"
		"\n"
		"1 error, 0 warnings."},
	{"a name of an older version", {{1, "plugin greylist { wait = 10min }"}},
		"filter.conf:1:19: warning: wait in plugin greylist is now called delay\n"
		"    1 | plugin greylist { wait = 10min }\n"
		"      |                   ^~~~\n"
		"      = help: write delay; the old name will be gone in a later version\n"
		"\n"
		"0 errors, 1 warning."},
	{"a name of an older version and the new one",
		{{1, "plugin greylist {"}, {2, "    delay = 10min"}, {3, "    wait = 10min"},
			{4, "}"}},
		"filter.conf:3:5: warning: wait in plugin greylist is now called delay\n"
		"    3 |     wait = 10min\n"
		"      |     ^~~~\n"
		"      = help: write delay; the old name will be gone in a later version\n"
		"filter.conf:3:5: error: delay and wait are the same setting of plugin greylist\n"
		"    3 |     wait = 10min\n"
		"      |     ^~~~\n"
		"      = help: keep delay\n"
		"\n"
		"1 error, 1 warning."},
	{"no follow-up mistakes after a syntax error",
		{{1, "plugin zen {"}, {2, "    zone ="}, {3, "}"},
			{4, "plugin spf { skip_for = partner"}, {5, "log { }"}},
		"filter.conf:2:10: error: zone has no value\n"
		"    2 |     zone =\n"
		"      |          ^ value missing\n"
		"      = help: write zone = VALUE; an empty text is written \"\"\n"
		"filter.conf:4:12: error: section plugin spf is not closed\n"
		"    4 | plugin spf { skip_for = partner\n"
		"      |            ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"\n"
		"2 errors, 0 warnings."},
	{"mistakes of meaning beside a syntax error",
		{{1, "dns { timeot = 4s"}, {2, "plugin greylist { delay = 5 }"}},
		"filter.conf:1:5: error: section dns is not closed\n"
		"    1 | dns { timeot = 4s\n"
		"      |     ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"filter.conf:1:7: error: unknown setting \"timeot\" in dns\n"
		"    1 | dns { timeot = 4s\n"
		"      |       ^~~~~~\n"
		"      = help: did you mean \"timeout\"?\n"
		"filter.conf:2:27: error: delay needs a duration with a unit\n"
		"    2 | plugin greylist { delay = 5 }\n"
		"      |                           ^ unit missing\n"
		"      = help: did you mean 5s or 5min? units: ms s min h d w (they add up: "
		"1h30min)\n"
		"\n"
		"3 errors, 0 warnings."},
};

START_TEST(mistake_is_reported_once_with_its_place)
{
	conf_case_lines("filter.conf", mistakes[_i].lines);
	fill_all(conf_read(&arena, "filter.conf", diag));
	assert_output(mistakes[_i].output);
}
END_TEST

/* The last example of docs/CONFIG.md: a mistake in an included file. */
START_TEST(mistake_in_an_included_file_tells_how_it_was_reached)
{
	static const struct conf_line top[CONF_CASE_LINES] = {
		{164, "include \"conf.d/*.conf\"                        # your own additions, in "
		      "name order"}};
	static const struct conf_line included[CONF_CASE_LINES] = {
		{1, "plugin spf {"}, {2, "    softfial = tag"}, {3, "}"}};

	ck_assert_int_eq(mkdir("conf.d", 0777), 0);
	conf_case_lines("filter.conf", top);
	conf_case_lines("conf.d/10-local.conf", included);
	fill_all(conf_read(&arena, "filter.conf", diag));
	assert_output(
		"conf.d/10-local.conf:2:5: error: unknown setting \"softfial\" in plugin spf\n"
		"    2 |     softfial = tag\n"
		"      |     ^~~~~~~~\n"
		"      = help: did you mean \"softfail\"?\n"
		"      = included from filter.conf:164\n"
		"\n1 error, 0 warnings.");
}
END_TEST

/* --- values --- */

#define ROW(member, option_type)                                           \
	{                                                                  \
		.name = #member, .type = option_type, .offset = AT(member) \
	}

static const struct cm_option all_rows[] = {
	ROW(flag, CM_OPT_BOOL),
	{.name = "mode",
		.type = CM_OPT_CHOICE,
		.offset = AT(mode),
		.choices = "enforce|shadow|off"},
	ROW(delay, CM_OPT_DURATION),
	ROW(count, CM_OPT_INT),
	ROW(list, CM_OPT_LIST),
	ROW(map, CM_OPT_MAP),
	ROW(file_mode, CM_OPT_MODE),
	ROW(networks, CM_OPT_NETWORKS),
	ROW(numbers, CM_OPT_NUMBERS),
	ROW(path, CM_OPT_PATH),
	ROW(percent, CM_OPT_PERCENT),
	ROW(rate, CM_OPT_RATE),
	ROW(size, CM_OPT_SIZE),
	ROW(socket, CM_OPT_SOCKET),
	ROW(text, CM_OPT_STRING),
	ROW(time, CM_OPT_TIME),
};

static bool
fill(const struct cm_option *rows, size_t count, const char *text, struct settings *out)
{
	const struct schema_part part = {.rows = {rows, count, sizeof(*rows)}, .out = out};
	const struct conf_section *root =
		conf_parse(&arena, "filter.conf", text, strlen(text), diag);

	memset(out, 0, sizeof(*out));
	return schema_fill("x", root, &part, 1, &world, diag);
}

static bool
in_set(const struct settings *s, const char *text)
{
	struct net_addr addr;

	ck_assert(net_parse(&addr, text));
	return networks_have(s->networks, &addr);
}

START_TEST(every_type_fills_its_member)
{
	struct settings s;

	ck_assert(fill(all_rows, LENGTH(all_rows),
		"flag = yes; mode = off; delay = 1h30min; count = -7; list = [ a, \"b c\" ]\n"
		"map = partners; file_mode = 0660; networks = [ 127.0.0.0/8, \"::1\" ]\n"
		"numbers = [ 587, 465 ]; path = scripts/a.lua; percent = 12.5%; rate = 100/1h\n"
		"size = 50M; socket = inet:9464@127.0.0.1; text = \"a\\nb\"; time = \"1970-01-01 "
		"01:01\"\n",
		&s));
	ck_assert(s.flag);
	ck_assert_int_eq(s.mode, OFF);
	ck_assert_int_eq(s.delay, INT64_C(5400000000));
	ck_assert_int_eq(s.count, -7);
	ck_assert_uint_eq(s.list.count, 2);
	ck_assert_str_eq(s.list.items[0], "a");
	ck_assert_str_eq(s.list.items[1], "b c");
	ck_assert_ptr_eq(s.map, find_map(NULL, "partners"));
	ck_assert_int_eq(s.file_mode, 0660);
	ck_assert(in_set(&s, "127.1.2.3") && in_set(&s, "::1") && !in_set(&s, "10.0.0.1"));
	ck_assert_uint_eq(s.numbers.count, 2);
	ck_assert_int_eq(s.numbers.items[1], 465);
	ck_assert_str_eq(s.path, "/etc/chainmail/scripts/a.lua");
	ck_assert_int_eq(s.percent, 1250);
	ck_assert_int_eq(s.rate.count, 100);
	ck_assert_int_eq(s.rate.period_us, INT64_C(3600000000));
	ck_assert_int_eq(s.size, 50 << 20);
	ck_assert_str_eq(s.socket, "inet:9464@127.0.0.1");
	ck_assert_str_eq(s.text, "a\nb");
	ck_assert_int_eq(s.time, 60);
}
END_TEST

START_TEST(what_is_not_set_is_zero)
{
	static const struct settings zero;
	struct settings s;

	ck_assert(fill(all_rows, LENGTH(all_rows), "", &s));
	ck_assert_mem_eq(&s, &zero, sizeof(s));
}
END_TEST

START_TEST(list_takes_a_single_word)
{
	struct settings s;

	ck_assert(fill(
		all_rows, LENGTH(all_rows), "list = a; numbers = 25; networks = 192.0.2.0/24", &s));
	ck_assert_uint_eq(s.list.count, 1);
	ck_assert_str_eq(s.list.items[0], "a");
	ck_assert_uint_eq(s.numbers.count, 1);
	ck_assert_int_eq(s.numbers.items[0], 25);
	ck_assert(in_set(&s, "192.0.2.9"));
}
END_TEST

START_TEST(list_may_be_empty)
{
	struct settings s;

	ck_assert(fill(all_rows, LENGTH(all_rows), "list = []; numbers = []; networks = []", &s));
	ck_assert_uint_eq(s.list.count, 0);
	ck_assert_uint_eq(s.numbers.count, 0);
	ck_assert_ptr_nonnull(s.networks);
	ck_assert(!in_set(&s, "192.0.2.9"));
}
END_TEST

static const struct {
	const char *text, *path, *socket;
} names[] = {
	{"path = /a; socket = unix:/run/x.sock", "/a", "unix:/run/x.sock"},
	{"path = a; socket = unix:x.sock", "/etc/chainmail/a", "unix:/etc/chainmail/x.sock"},
	{"path = \"../a b\"; socket = inet6:25@::1", "/etc/chainmail/../a b", "inet6:25@::1"},
	{"path = x; socket = \"inet6:25@[::1]\"", "/etc/chainmail/x", "inet6:25@[::1]"},
	{"path = a; socket = inet:25@mail.example.org", "/etc/chainmail/a",
		"inet:25@mail.example.org"},
};

START_TEST(names_start_at_the_directory_of_the_configuration)
{
	struct settings s;

	ck_assert(fill(all_rows, LENGTH(all_rows), names[_i].text, &s));
	ck_assert_str_eq(s.path, names[_i].path);
	ck_assert_str_eq(s.socket, names[_i].socket);
}
END_TEST

static const struct cm_option default_rows[] = {
	{.name = "flag", .type = CM_OPT_BOOL, .offset = AT(flag), .fallback = "yes"},
	{.name = "mode",
		.type = CM_OPT_CHOICE,
		.offset = AT(mode),
		.fallback = "shadow",
		.choices = "enforce|shadow|off"},
	{.name = "delay", .type = CM_OPT_DURATION, .offset = AT(delay), .fallback = "5min"},
	{.name = "list", .type = CM_OPT_LIST, .offset = AT(list), .fallback = "[ a, b ]"},
	{.name = "networks",
		.type = CM_OPT_NETWORKS,
		.offset = AT(networks),
		.fallback = "[ 127.0.0.0/8, \"::1\" ]"},
	{.name = "path", .type = CM_OPT_PATH, .offset = AT(path), .fallback = "state"},
	{.name = "text",
		.type = CM_OPT_STRING,
		.offset = AT(text),
		.fallback = "Greylisted, try again"},
	{.name = "socket", .type = CM_OPT_STRING, .offset = AT(socket), .fallback = "\"a\\nb\""},
};

START_TEST(defaults_are_filled_in_and_give_way)
{
	struct settings s;

	ck_assert(fill(default_rows, LENGTH(default_rows), "delay = 1s; list = []", &s));
	ck_assert(s.flag);
	ck_assert_int_eq(s.mode, SHADOW);
	ck_assert_int_eq(s.delay, 1000000);
	ck_assert_uint_eq(s.list.count, 0);
	ck_assert(in_set(&s, "::1"));
	ck_assert_str_eq(s.path, "/etc/chainmail/state");
	ck_assert_str_eq(s.text, "Greylisted, try again");
	ck_assert_str_eq(s.socket, "a\nb");
	ck_assert(fill(default_rows, LENGTH(default_rows), "", &s));
	ck_assert_int_eq(s.delay, INT64_C(300000000));
	ck_assert_uint_eq(s.list.count, 2);
	ck_assert_str_eq(s.list.items[1], "b");
}
END_TEST

START_TEST(wrong_default_is_told_from_the_configuration)
{
	static const struct cm_option rows[] = {
		{.name = "delay", .type = CM_OPT_DURATION, .offset = AT(delay), .fallback = "5"}};
	struct settings s;

	ck_assert(!fill(rows, 1, "", &s));
	assert_output("default of delay in x:1:1: error: delay needs a duration with a unit\n"
		      "    1 | 5\n"
		      "      | ^ unit missing\n"
		      "      = help: did you mean 5s or 5min? units: ms s min h d w (they add up: "
		      "1h30min)\n"
		      "\n1 error, 0 warnings.");
}
END_TEST

START_TEST(renamed_setting_fills_the_new_one)
{
	static const struct cm_option rows[] = {
		{.name = "wait", .renamed_to = "delay"}, {.name = "delay",
								 .type = CM_OPT_DURATION,
								 .offset = AT(delay),
								 .fallback = "5min"}};
	struct settings s;

	ck_assert(fill(rows, LENGTH(rows), "wait = 1s", &s));
	ck_assert_int_eq(s.delay, 1000000);
	ck_assert_uint_eq(diag_warnings(diag), 1);
}
END_TEST

START_TEST(type_of_a_newer_interface_is_refused)
{
	static const struct cm_option rows[] = {{.name = "a", .type = (enum cm_option_type)99}};
	struct settings s;

	ck_assert(!fill(rows, 1, "a = 1", &s));
	assert_output("filter.conf:1:5: error: a of x has a type this version does not know\n"
		      "    1 | a = 1\n"
		      "      |     ^\n"
		      "\n1 error, 0 warnings.");
	ck_assert_str_eq(schema_type_text((enum cm_option_type)99), "unknown");
}
END_TEST

/* struct cm_option as a plugin of an earlier version has it: without the last members. */
struct short_option {
	const char *name;
	enum cm_option_type type;
	size_t offset;
	const char *fallback;
};

START_TEST(shorter_rows_of_an_older_plugin_are_read)
{
	static const struct short_option rows[] = {{"flag", CM_OPT_BOOL, AT(flag), "yes"},
		{"delay", CM_OPT_DURATION, AT(delay), NULL}};
	const struct schema_rows table = {
		(const struct cm_option *)(const void *)rows, LENGTH(rows), sizeof(rows[0])};
	struct settings s = {0};
	const struct schema_part part = {.rows = table, .out = &s};
	const struct conf_section *root = conf_parse(&arena, "x", "delay = 5s", 10, diag);

	ck_assert_str_eq(schema_row(&table, 1).name, "delay");
	ck_assert_ptr_null(schema_row(&table, 1).renamed_to);
	ck_assert_uint_eq(schema_row(&table, 1).flags, 0);
	ck_assert(schema_fill("x", root, &part, 1, &world, diag));
	ck_assert(s.flag);
	ck_assert_int_eq(s.delay, 5000000);
}
END_TEST

START_TEST(section_is_read_through_several_tables)
{
	static const struct cm_option common[] = {
		{.name = "flag", .type = CM_OPT_BOOL, .offset = AT(flag)}};
	struct settings own = {0}, shared = {0};
	const struct schema_part parts[] = {{.rows = SCHEMA_ROWS(common), .out = &shared},
		{.rows = SCHEMA_ROWS(zen_rows), .out = &own}};
	static const char text[] = "flag = yes; zone = a; flg = no";
	const struct conf_section *root = conf_parse(&arena, "x", text, sizeof(text) - 1, diag);

	ck_assert(!schema_fill("plugin zen", root, parts, 2, &world, diag));
	ck_assert(shared.flag && !own.flag);
	ck_assert_str_eq(own.text, "a");
	assert_output("x:1:23: error: unknown setting \"flg\" in plugin zen\n"
		      "    1 | flag = yes; zone = a; flg = no\n"
		      "      |                       ^~~\n"
		      "      = help: did you mean \"flag\"?\n"
		      "\n1 error, 0 warnings.");
}
END_TEST

START_TEST(values_outlive_the_text_they_were_read_from)
{
	struct arena short_lived;
	struct settings s = {0};
	const struct schema_part part = {.rows = SCHEMA_ROWS(all_rows), .out = &s};
	const struct conf_section *root;

	arena_init(&short_lived, 4096);
	root = conf_parse(&short_lived, "x", "text = a; list = [ b ]", 22, diag);
	ck_assert(schema_fill("x", root, &part, 1, &world, diag));
	arena_fini(&short_lived);
	ck_assert_str_eq(s.text, "a");
	ck_assert_str_eq(s.list.items[0], "b");
}
END_TEST

START_TEST(every_type_has_words)
{
	for (int type = CM_OPT_BOOL; type <= CM_OPT_TIME; type++) {
		ck_assert_str_ne(schema_type_text((enum cm_option_type)type), "unknown");
		ck_assert_uint_gt(strlen(schema_type_text((enum cm_option_type)type)), 3);
	}
	ck_assert_str_eq(schema_type_text(CM_OPT_DURATION), "duration with a unit");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("schema");
	TCase *t = tcase_create("schema");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, mistake_is_reported_once_with_its_place, 0, LENGTH(mistakes));
	tcase_add_test(t, mistake_in_an_included_file_tells_how_it_was_reached);
	tcase_add_test(t, every_type_fills_its_member);
	tcase_add_test(t, what_is_not_set_is_zero);
	tcase_add_test(t, list_takes_a_single_word);
	tcase_add_test(t, list_may_be_empty);
	tcase_add_loop_test(t, names_start_at_the_directory_of_the_configuration, 0, LENGTH(names));
	tcase_add_test(t, defaults_are_filled_in_and_give_way);
	tcase_add_test(t, wrong_default_is_told_from_the_configuration);
	tcase_add_test(t, renamed_setting_fills_the_new_one);
	tcase_add_test(t, type_of_a_newer_interface_is_refused);
	tcase_add_test(t, shorter_rows_of_an_older_plugin_are_read);
	tcase_add_test(t, section_is_read_through_several_tables);
	tcase_add_test(t, values_outlive_the_text_they_were_read_from);
	tcase_add_test(t, every_type_has_words);
	suite_add_tcase(s, t);
	return table_run(s);
}
