/* SPDX-License-Identifier: MIT */
/*
 * test_generation.c - what filter.conf becomes, and every mistake in its words
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "drive.h"
#include "service/map.h"
#include "table.h"

/* Lines 1 to 3 of every text; %s is the directory of the test plugins. */
static const char head[] = "main { plugin_dir = \"%s\" }\n"
			   "listener l { socket = inet:10025@127.0.0.1 }\n"
			   "plugin skeleton { refuse = x }\n";

#define WHOLE "profile all { chain = [ skeleton ] }\n"

/* What is said, with names of files as a person at their directory would see them. */
static const char *
said(const struct drive *d)
{
	static char text[8192];
	size_t len = strlen(d->dir) + 1;
	char *at;

	snprintf(text, sizeof(text), "%s", d->mistakes);
	while ((at = strstr(text, d->dir)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
	return text;
}

static void
load(struct drive *d, const char *sections)
{
	char dir[PATH_MAX];
	struct buf text;

	drive_plugin_dir(dir, true);
	buf_init(&text, 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(&text, head, dir);
#pragma GCC diagnostic pop
	buf_add_str(&text, sections);
	drive_load_text(d, text.data);
	buf_fini(&text);
}

static const struct {
	const char *what, *text, *said;
} mistakes[] = {
	{"an unknown section", "plugni x { }\n" WHOLE,
		"filter.conf:4:1: error: unknown section \"plugni\"\n"
		"    4 | plugni x { }\n"
		"      | ^~~~~~\n"
		"      = help: did you mean \"plugin\"?\n"},
	{"a section like no other", "frobnicate { }\n" WHOLE,
		"filter.conf:4:1: error: unknown section \"frobnicate\"\n"
		"    4 | frobnicate { }\n"
		"      | ^~~~~~~~~~\n"
		"      = help: sections: dns, geo, listener, log, main, map, notify, plugin, "
		"profile, record, "
		"script, "
		"store\n"},
	{"a section of later versions", "metrics { }\n" WHOLE,
		"filter.conf:4:1: error: section metrics is not available in this version\n"
		"    4 | metrics { }\n"
		"      | ^~~~~~~\n"},
	{"a setting outside", "mode = shadow\n" WHOLE,
		"filter.conf:4:1: error: mode stands outside a section\n"
		"    4 | mode = shadow\n"
		"      | ^~~~\n"
		"      = help: settings stand inside a section: main { mode = ... }\n"},
	{"a section without its name", "plugin { }\n" WHOLE,
		"filter.conf:4:8: error: section plugin needs a name\n"
		"    4 | plugin { }\n"
		"      |        ^\n"
		"      = help: write: plugin NAME {\n"},
	{"a name too many", "main here { }\n" WHOLE,
		"filter.conf:4:6: error: section main takes no name\n"
		"    4 | main here { }\n"
		"      |      ^~~~\n"},
	{"main twice", "main { }\n" WHOLE,
		"filter.conf:4:1: error: main is defined twice\n"
		"    4 | main { }\n"
		"      | ^~~~\n"
		"      = help: main stands in filter.conf:1\n"},
	{"a name twice", "plugin skeleton { }\n" WHOLE,
		"filter.conf:4:8: error: plugin skeleton is defined twice\n"
		"    4 | plugin skeleton { }\n"
		"      |        ^~~~~~~~\n"
		"      = help: plugin skeleton stands in filter.conf:3\n"},
	{"a plugin and a script of one name", "script skeleton { file = x }\n" WHOLE,
		"filter.conf:4:8: error: script skeleton has the name of plugin skeleton\n"
		"    4 | script skeleton { file = x }\n"
		"      |        ^~~~~~~~\n"
		"      = help: plugin skeleton stands in filter.conf:3\n"},
	{"a name that a chain does not find", "profile all { chain = [ skeleton, skelton ] }\n",
		"filter.conf:4:35: error: chain names \"skelton\", which is not defined\n"
		"    4 | profile all { chain = [ skeleton, skelton ] }\n"
		"      |                                   ^~~~~~~\n"
		"      = help: did you mean \"skeleton\"?\n"},
	{"a name like no other in a chain", "profile all { chain = [ skeleton, dkim ] }\n",
		"filter.conf:4:35: error: chain names \"dkim\", which is not defined\n"
		"    4 | profile all { chain = [ skeleton, dkim ] }\n"
		"      |                                   ^~~~\n"
		"      = help: define it: plugin dkim { } or script dkim { file = ... }\n"},
	{"a link twice in a chain", "profile all { chain = [ skeleton, skeleton ] }\n",
		"filter.conf:4:35: error: chain names \"skeleton\" twice\n"
		"    4 | profile all { chain = [ skeleton, skeleton ] }\n"
		"      |                                   ^~~~~~~~\n"},
	{"a name that a stage does not find",
		"profile all { chain = [ skeleton ]; rcpt = [ greylist ] }\n",
		"filter.conf:4:46: error: rcpt names \"greylist\", which is not defined\n"
		"    4 | profile all { chain = [ skeleton ]; rcpt = [ greylist ] }\n"
		"      |                                              ^~~~~~~~\n"
		"      = help: define it: plugin greylist { } or script greylist { file = ... }\n"},
	{"a profile without a chain", "profile all { }\n",
		"filter.conf:4:13: error: profile all needs chain\n"
		"    4 | profile all { }\n"
		"      |             ^\n"
		"      = help: add a line: chain = ...\n"},
	{"a plugin before the one it uses",
		"plugin later { }\nprofile all { chain = [ later, skeleton ] }\n",
		"filter.conf:5:25: error: later runs before skeleton in profile all\n"
		"    5 | profile all { chain = [ later, skeleton ] }\n"
		"      |                         ^~~~~\n"
		"      = help: later uses the results of older and skeleton; move it behind "
		"both\n"},
	{"a plugin before the one it uses, under another name",
		"plugin later { }\nplugin first { type = older }\n"
		"profile all { chain = [ skeleton ]; eom = [ later, first ] }\n",
		"filter.conf:6:45: error: later runs before first in profile all\n"
		"    6 | profile all { chain = [ skeleton ]; eom = [ later, first ] }\n"
		"      |                                             ^~~~~\n"
		"      = help: later uses the results of older and skeleton; move it behind "
		"both\n"
		"filter.conf:6:52: warning: first does nothing at eom\n"
		"    6 | profile all { chain = [ skeleton ]; eom = [ later, first ] }\n"
		"      |                                                    ^~~~~\n"},
	{"a plugin that is not there",
		"plugin skelton { }\nprofile all { chain = [ skelton, skeleton ] }\n",
		"filter.conf:4:8: error: plugin skelton: there is no file skelton.so in PLUGINS\n"
		"    4 | plugin skelton { }\n"
		"      |        ^~~~~~~\n"
		"      = help: did you mean \"skeleton\"?\n"},
	{"a type that is not there",
		"plugin a { type = frobnicate }\nprofile all { chain = [ a, skeleton ] }\n",
		"filter.conf:4:19: error: plugin a: there is no file frobnicate.so in PLUGINS\n"
		"    4 | plugin a { type = frobnicate }\n"
		"      |                   ^~~~~~~~~~\n"
		"      = help: list those there are: chainmail plugins\n"},
	{"a newer plugin", "plugin newer { }\nprofile all { chain = [ newer, skeleton ] }\n",
		"filter.conf:4:8: error: plugin newer: PLUGINS/newer.so: is built for plugin "
		"interface 2, this daemon has 1\n"
		"    4 | plugin newer { }\n"
		"      |        ^~~~~\n"},
	{"a setting the plugin has not",
		"plugin starter { numbr = 3 }\nprofile all { chain = [ starter, skeleton ] }\n",
		"filter.conf:4:18: error: unknown setting \"numbr\" in plugin starter\n"
		"    4 | plugin starter { numbr = 3 }\n"
		"      |                  ^~~~~\n"
		"      = help: did you mean \"number\"?\n"},
	{"a plugin that does not start",
		"plugin starter { refusal = \"no luck\" }\n"
		"profile all { chain = [ starter, skeleton ] }\n",
		"filter.conf:4:1: error: plugin starter: no luck\n"
		"    4 | plugin starter { refusal = \"no luck\" }\n"
		"      | ^~~~~~\n"},
	{"a map that a plugin does not find",
		"map logins { entries = [ \"a b\" ] }\nplugin starter { map = login }\n"
		"profile all { chain = [ starter, skeleton ] }\n",
		"filter.conf:5:24: error: map names \"login\", which is not defined\n"
		"    5 | plugin starter { map = login }\n"
		"      |                        ^~~~~\n"
		"      = help: did you mean \"logins\"?\n"},
	{"a map that cannot be read, and nothing more",
		"map logins { source = postmap:logins }\nplugin starter { map = logins }\n"
		"profile all { chain = [ starter, skeleton ] }\n",
		"filter.conf:4:23: error: map logins: logins: No such file or directory\n"
		"    4 | map logins { source = postmap:logins }\n"
		"      |                       ^~~~~~~~~~~~~~\n"},
	{"a compiled map", "map logins { source = hash:/etc/postfix/logins }\n" WHOLE,
		"filter.conf:4:23: error: map logins: there are no maps of type \"hash\"\n"
		"    4 | map logins { source = hash:/etc/postfix/logins }\n"
		"      |                       ^~~~~~~~~~~~~~~~~~~~~~~~\n"
		"      = help: name the text file that postmap reads: "
		"postmap:/etc/postfix/logins\n"},
	{"a map of another kind", "map x { source = ldap:/etc/x }\n" WHOLE,
		"filter.conf:4:18: error: map x: there are no maps of type \"ldap\"\n"
		"    4 | map x { source = ldap:/etc/x }\n"
		"      |                  ^~~~~~~~~~~\n"
		"      = help: write postmap:FILE or FILE, a text file\n"},
	{"a map without content", "map x { match = cidr }\n" WHOLE,
		"filter.conf:4:7: error: map x needs source or entries\n"
		"    4 | map x { match = cidr }\n"
		"      |       ^\n"
		"      = help: add a line: source = postmap:FILE\n"},
	{"a map with two contents", "map x { source = y; entries = [ \"a b\" ] }\n" WHOLE,
		"filter.conf:4:21: error: map x has source and entries\n"
		"    4 | map x { source = y; entries = [ \"a b\" ] }\n"
		"      |                     ^~~~~~~\n"
		"      = help: keep one of them\n"},
	{"a network that is none", "map x { match = cidr; entries = [ \"a b\" ] }\n" WHOLE,
		"entries of map x:1: error: \"a\" is not an address or network (a network has no "
		"bits set behind its prefix)\n"},
	{"a second listener of libmilter",
		"listener m { socket = inet:10026@127.0.0.1 }\n"
		"listener n { socket = inet:10027@127.0.0.1; engine = libmilter }\n"
		"listener o { socket = inet:10028@127.0.0.1; engine = libmilter }\n" WHOLE,
		"filter.conf:6:10: error: libmilter carries one listener; o is one too many\n"
		"    6 | listener o { socket = inet:10028@127.0.0.1; engine = libmilter }\n"
		"      |          ^\n"
		"      = help: engine = native, or let several mail servers connect to the socket "
		"of "
		"listener n\n"},
	{"a socket for everybody", "listener m { socket = unix:/run/m.sock; mode = 0666 }\n" WHOLE,
		"filter.conf:4:48: error: listener m: mode 0666 lets every user of this machine "
		"talk "
		"to the daemon as the mail server\n"
		"    4 | listener m { socket = unix:/run/m.sock; mode = 0666 }\n"
		"      |                                                ^~~~\n"
		"      = help: write mode = 0660, and group = the group of the mail server\n"},
	{"a listener of a later version",
		"listener policy { type = policy; socket = unix:/run/policy.sock }\n" WHOLE,
		"filter.conf:4:26: error: listener policy: type policy is not available in this "
		"version\n"
		"    4 | listener policy { type = policy; socket = unix:/run/policy.sock }\n"
		"      |                          ^~~~~~\n"},
	{"a listener of no version", "listener x { type = mitler; socket = unix:/run/x }\n" WHOLE,
		"filter.conf:4:21: error: type = mitler is not a choice\n"
		"    4 | listener x { type = mitler; socket = unix:/run/x }\n"
		"      |                     ^~~~~~\n"
		"      = help: did you mean \"milter\"? (one of: milter|control)\n"},
	{"a log file without a name", "log x { target = file }\n" WHOLE,
		"filter.conf:4:7: error: log x needs path\n"
		"    4 | log x { target = file }\n"
		"      |       ^\n"
		"      = help: add a line: path = /var/log/chainmail.log\n"},
	{"no profile", "",
		"filter.conf: error: no profile: no mail would be checked\n"
		"      = help: add: profile inbound { chain = [ ... ] }\n"},
	{"a section that is not closed, and nothing more",
		"profile all {\n\tchain = [ skeleton, nobody ]\n",
		"filter.conf:4:13: error: section profile all is not closed\n"
		"    4 | profile all {\n"
		"      |             ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"},
	{"a string that is not closed, and nothing more",
		"map m { source = \"postmap:/gone\n}\nscript r { file = \"r.lua }\n}\n" WHOLE,
		"filter.conf:4:18: error: unterminated string\n"
		"    4 | map m { source = \"postmap:/gone\n"
		"      |                  ^~~~~~~~~~~~~~ string starts here\n"
		"      = help: add the closing \" on the same line (use \\n for a line break)\n"
		"filter.conf:6:19: error: unterminated string\n"
		"    6 | script r { file = \"r.lua }\n"
		"      |                   ^~~~~~~~ string starts here\n"
		"      = help: add the closing \" on the same line (use \\n for a line break)\n"},
	{"a file that is not there, and nothing more",
		"include \"gone.conf\"\nplugin starter { map = m }\nplugin older { }\n"
		"profile all { chain = [ skeleton, starter, defined_there ] }\n",
		"filter.conf:4:9: error: cannot open gone.conf: No such file or directory\n"
		"    4 | include \"gone.conf\"\n"
		"      |         ^~~~~~~~~~~\n"
		"      = help: a pattern such as \"conf.d/*.conf\" may match nothing; a plain name "
		"must exist\n"},
	{"an include whose string is not closed", "include \"gone.conf\n" WHOLE,
		"filter.conf:4:9: error: unterminated string\n"
		"    4 | include \"gone.conf\n"
		"      |         ^~~~~~~~~~ string starts here\n"
		"      = help: add the closing \" on the same line (use \\n for a line break)\n"},
	{"a setting outside beside a mistake in the language",
		"mode = shadow\nplugin x y\nrefuse = z\n}\ntimeout = 5s\n" WHOLE,
		"filter.conf:4:1: error: mode stands outside a section\n"
		"    4 | mode = shadow\n"
		"      | ^~~~\n"
		"      = help: settings stand inside a section: main { mode = ... }\n"
		"filter.conf:5:8: error: = is missing between plugin and x\n"
		"    5 | plugin x y\n"
		"      |        ^\n"
		"      = help: write plugin = x, or plugin x { for a section\n"
		"filter.conf:7:1: error: unexpected }\n"
		"    7 | }\n"
		"      | ^ no section is open here\n"
		"      = help: remove it, or look for a { that is missing above\n"
		"filter.conf:8:1: error: timeout stands outside a section\n"
		"    8 | timeout = 5s\n"
		"      | ^~~~~~~\n"
		"      = help: settings stand inside a section: main { timeout = ... }\n"},
	{"two blocks of settings",
		"script s { file = x; settings { }\nsettings { } }\n"
		"profile all { chain = [ skeleton, s ] }\n",
		"filter.conf:5:1: error: script s has settings { } twice\n"
		"    5 | settings { } }\n"
		"      | ^~~~~~~~\n"},
};

/* The directory of the plugins differs from build to build. */
static const char *
without_plugin_dir(const char *text)
{
	static char out[8192];
	char dir[PATH_MAX];
	const char *at;

	drive_plugin_dir(dir, true);
	out[0] = '\0';
	while ((at = strstr(text, dir)) != NULL) {
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%.*sPLUGINS",
			(int)(at - text), text);
		text = at + strlen(dir);
	}
	strcat(out, text);
	return out;
}

START_TEST(mistake_in_its_words)
{
	struct drive d;

	drive_init(&d);
	load(&d, mistakes[_i].text);
	ck_assert_msg(strcmp(without_plugin_dir(said(&d)), mistakes[_i].said) == 0,
		"%s\n--- said:\n%s--- wanted:\n%s", mistakes[_i].what, without_plugin_dir(said(&d)),
		mistakes[_i].said);
	ck_assert_ptr_null(d.g);
	ck_assert_uint_gt(d.errors, 0);
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *what, *text, *said;
} warnings[] = {
	{"nothing to say", WHOLE, ""},
	{"a plugin that no chain names", "plugin older { }\n" WHOLE,
		"filter.conf:4:1: warning: plugin older is defined but no chain names it\n"
		"    4 | plugin older { }\n"
		"      | ^~~~~~\n"},
	{"an end of a mode that has none",
		"plugin older { until = 2100-01-01 }\nprofile p { chain = [ skeleton, older ] }\n",
		"filter.conf:4:24: warning: until of older ends nothing: it has mode = enforce\n"
		"    4 | plugin older { until = 2100-01-01 }\n"
		"      |                        ^~~~~~~~~~\n"
		"      = help: until is when mode = shadow or off ends and the link is enforced\n"},
	{"a mode that is over",
		"plugin older { mode = shadow; until = 2020-01-01 }\n"
		"profile p { chain = [ skeleton, older ] }\n",
		"filter.conf:4:39: warning: until of older is over: it is enforced\n"
		"    4 | plugin older { mode = shadow; until = 2020-01-01 }\n"
		"      |                                       ^~~~~~~~~~\n"
		"      = help: take mode and until away, or write a later time\n"},
	{"a mode that will be over",
		"plugin older { mode = shadow; until = 2100-01-01 }\n"
		"profile p { chain = [ skeleton, older ] }\n",
		""},
	{"tripped without trip_after",
		"plugin older { tripped = on_error }\nprofile p { chain = [ skeleton, older ] }\n",
		"filter.conf:4:26: warning: tripped of older does nothing without trip_after\n"
		"    4 | plugin older { tripped = on_error }\n"
		"      |                          ^~~~~~~~\n"},
	{"a profile behind one without conditions",
		WHOLE "profile late { port = 587; chain = [ skeleton ] }\n",
		"filter.conf:5:1: warning: profile late is never used: profile all before it has "
		"no conditions\n"
		"    5 | profile late { port = 587; chain = [ skeleton ] }\n"
		"      | ^~~~~~~\n"
		"      = help: the first profile whose conditions hold is used; move late up\n"},
	{"a profile behind those with and without a login",
		"profile in { authenticated = no; chain = [ skeleton ] }\n"
		"profile out { authenticated = yes; chain = [ skeleton ] }\n"
		"profile rest { chain = [ skeleton ] }\n",
		"filter.conf:6:1: warning: profile rest is never used: profile out and those "
		"before it take all mail\n"
		"    6 | profile rest { chain = [ skeleton ] }\n"
		"      | ^~~~~~~\n"
		"      = help: the first profile whose conditions hold is used; move rest up\n"},
	{"a profile behind others with conditions",
		"profile out { authenticated = yes; port = 587; chain = [ skeleton ] }\n"
		"profile in { authenticated = no; chain = [ skeleton ] }\n"
		"profile rest { chain = [ skeleton ] }\n",
		""},
	{"a link that does nothing at a stage",
		"profile all { chain = [ skeleton ]; rcpt = [ skeleton ] }\n",
		"filter.conf:4:46: warning: skeleton does nothing at rcpt\n"
		"    4 | profile all { chain = [ skeleton ]; rcpt = [ skeleton ] }\n"
		"      |                                              ^~~~~~~~\n"},
	{"a path that is not used", "log { path = /x }\n" WHOLE,
		"filter.conf:4:7: warning: path is used with target = file only\n"
		"    4 | log { path = /x }\n"
		"      |       ^~~~\n"},
	{"a plugin in front of one that is off",
		"plugin later { }\nplugin older { mode = off }\n"
		"profile all { chain = [ skeleton, later, older ] }\n",
		""},
};

START_TEST(warning_in_its_words)
{
	struct drive d;

	drive_init(&d);
	load(&d, warnings[_i].text);
	ck_assert_str_eq(said(&d), warnings[_i].said);
	ck_assert_msg(d.g != NULL, "%s", warnings[_i].what);
	drive_fini(&d);
}
END_TEST

START_TEST(no_listener_is_a_warning)
{
	struct drive d;

	drive_init(&d);
	drive_load_text(&d, "profile all { chain = [ ] }\n");
	ck_assert_ptr_nonnull(d.g);
	ck_assert_str_eq(said(&d), "filter.conf: warning: no listener: no mail server can connect\n"
				   "      = help: add: listener postfix { socket = "
				   "unix:/run/chainmail/milter.sock }\n");
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *id;
	bool good;
} ids[] = {
	{"mx1.example.com", true},
	{"mx_1", true},
	{"\"\"", false},
	{"\"mx 1\"", false},
	{"\"mx; spf=pass\"", false},
	{"mx/1", false},
	{"m\303\274.example", false},
};

/* It begins a header field that others trust. */
START_TEST(authserv_id_is_a_token)
{
	struct drive d;
	char text[256];

	drive_init(&d);
	snprintf(text, sizeof(text), "main { authserv_id = %s }\nprofile all { chain = [ ] }\n",
		ids[_i].id);
	drive_load_text(&d, text);
	ck_assert_msg((d.g != NULL) == ids[_i].good, "%s: %s", ids[_i].id, d.mistakes);
	if (!ids[_i].good)
		ck_assert_msg(strstr(d.mistakes, "filter.conf:1:22: error: authserv_id: must be a "
						 "host name, such as ") != NULL,
			"%s", d.mistakes);
	drive_fini(&d);
}
END_TEST

START_TEST(missing_file_is_one_mistake)
{
	struct drive d;
	struct diag *diag = diag_new();

	drive_init(&d);
	ck_assert_ptr_null(generation_load(d.conf, diag));
	ck_assert_uint_eq(diag_errors(diag), 1);
	ck_assert_uint_eq(diag_warnings(diag), 0);
	diag_free(diag);
	drive_fini(&d);
}
END_TEST

START_TEST(unreadable_map_names_the_user)
{
	struct drive d;

	if (geteuid() != 0) {
		table_skip("unreadable_map_names_the_user", "needs root");
		return;
	}
	drive_init(&d);
	chmod(drive_file(&d, "secret", "a b\n"), 0);
	chmod(d.dir, 0755);
	drive_write(d.conf, "");
	chmod(d.conf, 0666);
	ck_assert_int_eq(setegid(65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	load(&d, "map x { source = secret }\n" WHOLE);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
	/* Below a directory like /root the plugins cannot be read either, which is said too. */
	ck_assert_msg(strstr(said(&d),
			      "filter.conf:4:18: error: map x: secret: Permission denied (as user "
			      "nobody)\n"
			      "    4 | map x { source = secret }\n"
			      "      |                  ^~~~~~\n"
			      "      = help: chgrp nogroup secret && chmod g+r secret\n") != NULL,
		"%s", said(&d));
	drive_fini(&d);
}
END_TEST

START_TEST(settings_arrive)
{
	struct drive d;
	const struct generation *g;

	drive_init(&d);
	load(&d,
		"plugin second { type = skeleton; refuse = y; on_error = skip }\n"
		"log a { target = file; path = log; level = debug; summary = no }\n"
		"log b { target = stderr; format = json }\n"
		"map m { entries = [ \"a b\", \"c d\" ] }\n"
		"profile sub { port = [ 587, 465 ]; authenticated = yes; hold = rcpt; chain = "
		"second }\n"
		"profile all { mode = shadow; chain = [ skeleton, second ]; helo = [ second ] }\n");
	g = d.g;
	ck_assert_msg(g != NULL, "%s", d.mistakes);
	ck_assert_int_eq(g->main.fail_action, LINK_TEMPFAIL);
	ck_assert_int_eq(g->main.message_timeout_us, 25000000);
	ck_assert_int_eq(g->chain.limits.body_octets, 50 << 20);
	ck_assert_uint_eq(g->chain.limits.recipients, 10000);
	ck_assert_ptr_nonnull(g->main.authserv_id);
	ck_assert_uint_eq(g->listener_count, 1);
	ck_assert_str_eq(g->listeners[0].socket, "inet:10025@127.0.0.1");
	ck_assert_int_eq(g->listeners[0].mode, 0660);
	ck_assert_uint_eq(g->log_count, 2);
	ck_assert_int_eq(g->logs[0].target, LOG_TARGET_FILE);
	ck_assert_int_eq(g->logs[0].level, LOG_LEVEL_DEBUG);
	ck_assert(!g->logs[0].summary);
	ck_assert_int_eq(g->logs[1].format, LOG_FORMAT_JSON);
	ck_assert(g->chain.summary);
	ck_assert_uint_eq(g->map_count, 1);
	ck_assert_uint_eq(map_count(g->maps[0]), 2);
	ck_assert_uint_eq(g->chain.link_count, 2);
	ck_assert_str_eq(g->chain.links[1]->name, "second");
	ck_assert_str_eq(g->chain.links[1]->plugin->name, "skeleton");
	ck_assert_int_eq(g->chain.links[0]->set.on_error, LINK_TEMPFAIL);
	ck_assert_int_eq(g->chain.links[1]->set.on_error, LINK_SKIP);
	drive_fini(&d);
}
END_TEST

START_TEST(chains_are_flattened)
{
	const struct profile *p;
	struct drive d;

	drive_init(&d);
	load(&d, "plugin later { }\nplugin second { type = skeleton }\n"
		 "plugin gone { type = skeleton; mode = off }\n"
		 "profile sub { port = 587; authenticated = yes; hold = rcpt; chain = second }\n"
		 "profile off { client = 192.0.2.1; mode = off; chain = [ skeleton ] }\n"
		 "profile all { chain = [ skeleton, gone, second, later ]; helo = [ second ] }\n");
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	ck_assert_uint_eq(d.g->chain.profile_count, 3);
	p = &d.g->chain.profiles[0];
	ck_assert_str_eq(p->name, "sub");
	ck_assert_int_eq(p->login, PROFILE_AUTHENTICATED);
	ck_assert_int_eq(p->hold, PROFILE_HOLD_RCPT);
	ck_assert_uint_eq(p->ports.count, 1);
	ck_assert_str_eq(p->at[CM_STAGE_HELO][0]->name, "second");
	ck_assert_ptr_null(p->at[CM_STAGE_HELO][1]);
	ck_assert(!p->has[0] && p->has[2]);
	p++;
	ck_assert_ptr_null(p->at[CM_STAGE_HELO][0]);
	p++;
	ck_assert_str_eq(p->at[CM_STAGE_HELO][0]->name, "second");
	ck_assert_ptr_null(p->at[CM_STAGE_HELO][1]);
	/* All that it names, in the order of its chain. */
	ck_assert_uint_eq(p->link_count, 4);
	ck_assert_str_eq(p->links[0]->name, "skeleton");
	ck_assert_str_eq(p->links[1]->name, "gone");
	ck_assert_str_eq(p->links[2]->name, "second");
	ck_assert_str_eq(p->links[3]->name, "later");
	ck_assert_str_eq(p->at[CM_STAGE_EOM][0]->name, "later");
	ck_assert_ptr_null(p->at[CM_STAGE_EOM][1]);
	ck_assert_ptr_null(p->at[CM_STAGE_MAIL][0]);
	for (unsigned i = 0; i < CM_STAGE_COUNT; i++)
		ck_assert_ptr_nonnull(p->at[i]);
	drive_fini(&d);
}
END_TEST

START_TEST(scripts_are_links)
{
	const struct profile *p;
	struct drive d;

	drive_init(&d);
	drive_file(&d, "rule.lua", "function helo(m, name) end\n");
	load(&d, "script rule { file = rule.lua; on_error = skip; settings { x = 1 } }\n"
		 "profile all { chain = [ rule, skeleton ] }\n");
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	p = &d.g->chain.profiles[0];
	ck_assert_str_eq(p->at[CM_STAGE_HELO][0]->name, "rule");
	ck_assert_str_eq(p->at[CM_STAGE_HELO][1]->name, "skeleton");
	ck_assert_ptr_null(p->at[CM_STAGE_MAIL][0]);
	ck_assert_int_eq(p->at[CM_STAGE_HELO][0]->set.on_error, LINK_SKIP);
	drive_fini(&d);
}
END_TEST

START_TEST(broken_scripts_are_refused_where_they_are)
{
	struct drive d;

	drive_init(&d);
	drive_file(&d, "broken.lua", "function helo(m, name)\n\tif x the end\nend\n");
	load(&d, "script broken { file = broken.lua }\nscript gone { file = gone.lua }\n"
		 "profile all { chain = [ broken, gone, skeleton ] }\n");
	ck_assert_ptr_null(d.g);
	ck_assert_uint_eq(d.errors, 2);
	ck_assert_msg(strstr(said(&d), "\nbroken.lua:2: error: 'then' expected near 'the' (profile "
				       "all, chain position 1)\n") != NULL,
		"%s", said(&d));
	ck_assert_msg(
		strstr(said(&d), "filter.conf:5:22: error: script gone: ") != NULL, "%s", said(&d));
	drive_fini(&d);
}
END_TEST

/* The example of the top directory, with the plugins of this build. */
static void
load_example(struct drive *d)
{
	static const char main_line[] = "\nmain {\n";
	char cwd[PATH_MAX], dir[PATH_MAX], from[PATH_MAX + 16], to[128];
	static char text[65536];
	struct buf changed;
	size_t len;
	char *at;
	FILE *f = fopen("filter.conf.example", "r");

	ck_assert_msg(f != NULL, "filter.conf.example is not here: run from the top directory");
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	drive_plugin_dir(dir, false);
	at = strstr(text, main_line);
	ck_assert_ptr_nonnull(at);
	buf_init(&changed, 0);
	buf_add(&changed, text, (size_t)(at - text));
	buf_printf(&changed, "\nmain {\nplugin_dir = \"%s\"\n%s", dir, at + strlen(main_line));
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	snprintf(from, sizeof(from), "%s/scripts", cwd);
	snprintf(to, sizeof(to), "%s/scripts", d->dir);
	ck_assert_int_eq(symlink(from, to), 0);
	drive_load_text(d, changed.data);
	unlink(to);
	buf_fini(&changed);
}

static const struct {
	const char *what, *port, *helo, *login, *from, *to, *reply;
} example[] = {
	{"submission without login", "587", "x", NULL, "<bob@example.com>", "<a@example.org>",
		"530 5.7.0 Authentication required"},
	{"submission with a foreign sender", "587", "x", "bob", "<ceo@example.com>",
		"<a@example.org>",
		"553 5.7.1 <ceo@example.com>: Sender address rejected: not owned by user bob"},
	{"submission with a tag", "465", "x", "bob", "<bob+tag@example.com>", "<a@example.org>",
		""},
	{"a stranger", "25", "mail.example.net", NULL, "<a@example.org>", "<bob@example.com>", ""},
	{"a stranger who is localhost", "25", "localhost", NULL, "<a@example.org>",
		"<bob@example.com>", "550 5.7.1 You are not me"},
	{"a stranger with our name", "25", "mx1.example.com", NULL, "<a@example.org>",
		"<bob@example.com>", "550 5.7.1 You are not mx1.example.com"},
	{"a recipient who has left", "25", "mail.example.net", NULL, "<a@example.org>",
		"<dave@example.com>", "550 5.2.1 Dave has left"},
};

/* What DNS says to the example; tests have none. */
static void
give_zone(struct drive *d)
{
	const char *path =
		drive_file(d, "zone", "example.org TXT \"v=spf1 ip4:203.0.113.1 -all\"\n");
	struct diag *diag = diag_new();

	ck_assert(generation_set_zone(d->g, path, diag));
	diag_free(diag);
}

START_TEST(example_works)
{
	struct drive d;

	drive_init(&d);
	load_example(&d);
	ck_assert_str_eq(d.mistakes, "");
	ck_assert_ptr_nonnull(d.g);
	give_zone(&d);
	drive_open(&d);
	drive_connect(&d, "203.0.113.1", "client.example.net", example[_i].port);
	drive_helo(&d, example[_i].helo);
	if (drive_mail(&d, example[_i].from, example[_i].login, "TLSv1.3") == CM_CONTINUE)
		drive_rcpt(&d, example[_i].to);
	ck_assert_msg(strcmp(drive_reply(&d), example[_i].reply) == 0, "%s: %s", example[_i].what,
		drive_reply(&d));
	drive_fini(&d);
}
END_TEST

START_TEST(fail_action_is_the_default)
{
	struct drive d;
	char dir[PATH_MAX], text[PATH_MAX + 256];

	drive_plugin_dir(dir, true);
	drive_init(&d);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\"; fail_action = accept }\n"
		"plugin a { type = skeleton }\nplugin b { type = skeleton; on_error = tempfail }\n"
		"profile all { chain = [ a, b ] }\n",
		dir);
	drive_load_text(&d, text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	ck_assert_int_eq(d.g->chain.links[0]->set.on_error, LINK_ACCEPT);
	ck_assert_int_eq(d.g->chain.links[1]->set.on_error, LINK_TEMPFAIL);
	drive_fini(&d);
}
END_TEST

/* What starter wrote. */
static const char *
diary(const struct drive *d)
{
	static char text[256];
	char path[128];
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/diary", d->dir);
	f = fopen(path, "r");
	if (f != NULL) {
		len = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[len] = '\0';
	return text;
}

START_TEST(plugins_are_started_and_stopped)
{
	struct drive d;

	drive_init(&d);
	drive_file(&d, "diary", "");
	load(&d, "plugin a { type = starter; diary = diary; number = 1 }\n"
		 "plugin b { type = starter; diary = diary; number = 2 }\n"
		 "profile all { chain = [ skeleton, a, b ] }\n");
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	ck_assert_str_eq(diary(&d), "start 1\nstart 2\n");
	generation_drop(d.g);
	d.g = NULL;
	ck_assert_str_eq(diary(&d), "start 1\nstart 2\nstop 2\nstop 1\n");
	drive_fini(&d);
}
END_TEST

START_TEST(what_was_started_is_stopped_after_a_mistake)
{
	struct drive d;

	drive_init(&d);
	drive_file(&d, "diary", "");
	load(&d, "plugin a { type = starter; diary = diary }\n"
		 "plugin b { type = starter; diary = diary; refusal = no }\n"
		 "plugin c { type = starter; diary = diary; number = 0 }\n"
		 "profile all { chain = [ skeleton, a, b, c ] }\n");
	ck_assert_ptr_null(d.g);
	ck_assert_str_eq(diary(&d), "start 7\nstop 7\n");
	drive_fini(&d);
}
END_TEST

START_TEST(older_generation_ends_with_its_last_user)
{
	struct drive d;
	struct generation *first, *held;

	drive_init(&d);
	drive_file(&d, "diary", "");
	load(&d, "plugin a { type = starter; diary = diary; number = 1 }\n"
		 "profile all { chain = [ skeleton, a ] }\n");
	first = d.g;
	generation_swap(first);
	held = generation_hold();
	ck_assert_ptr_eq(held, first);
	ck_assert_uint_eq(held->number, 1);
	free(d.mistakes);
	load(&d, "plugin a { type = starter; diary = diary; number = 2 }\n"
		 "profile all { chain = [ skeleton, a ] }\n");
	generation_swap(d.g);
	d.g = NULL;
	ck_assert_str_eq(diary(&d), "start 1\nstart 2\n");
	generation_drop(held);
	ck_assert_str_eq(diary(&d), "start 1\nstart 2\nstop 1\n");
	held = generation_hold();
	ck_assert_uint_eq(held->number, 2);
	generation_drop(held);
	generation_swap(NULL);
	ck_assert_str_eq(diary(&d), "start 1\nstart 2\nstop 1\nstop 2\n");
	ck_assert_ptr_null(generation_hold());
	drive_fini(&d);
}
END_TEST

static atomic_bool ended;

/* A reader's generation is whole for as long as it is held. */
static void *
hold_on(void *arg)
{
	(void)arg;
	while (!ended) {
		struct generation *g = generation_hold();

		if (g == NULL || g->chain.link_count != 1 ||
			strcmp(g->chain.links[0]->name, "skeleton") != 0)
			return "not a whole generation";
		generation_drop(g);
	}
	return NULL;
}

START_TEST(readers_while_generations_are_swapped)
{
	pthread_t readers[4];
	struct drive d;
	void *wrong;

	drive_init(&d);
	load(&d, WHOLE);
	generation_swap(d.g);
	for (int i = 0; i < LENGTH(readers); i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, hold_on, NULL), 0);
	for (int i = 0; i < 100; i++) {
		free(d.mistakes);
		load(&d, WHOLE);
		ck_assert_ptr_nonnull(d.g);
		generation_swap(d.g);
	}
	ended = true;
	for (int i = 0; i < LENGTH(readers); i++) {
		pthread_join(readers[i], &wrong);
		ck_assert_msg(wrong == NULL, "%s", (const char *)wrong);
	}
	d.g = NULL;
	generation_swap(NULL);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("generation");
	TCase *t = tcase_create("generation");

	tcase_add_loop_test(t, mistake_in_its_words, 0, LENGTH(mistakes));
	tcase_add_loop_test(t, warning_in_its_words, 0, LENGTH(warnings));
	tcase_add_test(t, no_listener_is_a_warning);
	tcase_add_loop_test(t, authserv_id_is_a_token, 0, LENGTH(ids));
	tcase_add_test(t, missing_file_is_one_mistake);
	tcase_add_test(t, unreadable_map_names_the_user);
	tcase_add_test(t, settings_arrive);
	tcase_add_test(t, chains_are_flattened);
	tcase_add_test(t, scripts_are_links);
	tcase_add_test(t, broken_scripts_are_refused_where_they_are);
	tcase_add_loop_test(t, example_works, 0, LENGTH(example));
	tcase_add_test(t, fail_action_is_the_default);
	tcase_add_test(t, plugins_are_started_and_stopped);
	tcase_add_test(t, what_was_started_is_stopped_after_a_mistake);
	tcase_add_test(t, older_generation_ends_with_its_last_user);
	tcase_add_test(t, readers_while_generations_are_swapped);
	suite_add_tcase(s, t);
	return table_run(s);
}
