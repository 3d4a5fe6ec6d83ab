/* SPDX-License-Identifier: MIT */
/*
 * test_generation_system.c - what `check` asks of the machine, so that `serve` starts
 */
#include <stdio.h>
#include <sys/stat.h>

#include "drive.h"
#include "table.h"

#define PROFILE "profile all { chain = [ ] }\n"
#define LOCAL	"listener l { socket = unix:m.sock }\n"

/* Texts, and what is said of them to a daemon. */
static const struct {
	const char *what, *text, *said;
} cases[] = {
	{"everything there", LOCAL "log { target = file; path = log }\n" PROFILE, ""},
	{"a user that is not there", "main { user = no_such_user }\n" LOCAL PROFILE,
		"filter.conf:1:15: error: user: there is no user no_such_user on this machine\n"
		"    1 | main { user = no_such_user }\n"
		"      |               ^~~~~~~~~~~~\n"
		"      = help: make it: useradd --system --user-group --home-dir /nonexistent "
		"--shell /usr/sbin/nologin no_such_user\n"},
	{"a group that is not there", "main { user = root; group = no_such }\n" LOCAL PROFILE,
		"filter.conf:1:29: error: group: there is no group no_such on this machine\n"
		"    1 | main { user = root; group = no_such }\n"
		"      |                             ^~~~~~~\n"
		"      = help: make it: groupadd --system no_such\n"},
	{"a socket's group that is not there",
		"listener l { socket = unix:m.sock; group = no_such }\n" PROFILE,
		"filter.conf:1:44: error: group: there is no group no_such on this machine\n"
		"    1 | listener l { socket = unix:m.sock; group = no_such }\n"
		"      |                                            ^~~~~~~\n"
		"      = help: make it: groupadd --system no_such\n"},
	{"a socket without its directory", "listener l { socket = unix:gone/m.sock }\n" PROFILE,
		"filter.conf:1:23: error: socket: directory DIR/gone does not exist\n"
		"    1 | listener l { socket = unix:gone/m.sock }\n"
		"      |                       ^~~~~~~~~~~~~~~~\n"
		"      = help: make it: mkdir -p DIR/gone\n"},
	{"a directory that is a file", "listener l { socket = unix:filter.conf/m }\n" PROFILE,
		"filter.conf:1:23: error: socket: directory DIR/filter.conf does not exist\n"
		"    1 | listener l { socket = unix:filter.conf/m }\n"
		"      |                       ^~~~~~~~~~~~~~~~~~\n"
		"      = help: make it: mkdir -p DIR/filter.conf\n"},
	{"a log file without its directory",
		"main { user = root }\n" LOCAL "log { target = file; path = gone/log }\n" PROFILE,
		"filter.conf:3:29: error: path: directory DIR/gone does not exist\n"
		"    3 | log { target = file; path = gone/log }\n"
		"      |                             ^~~~~~~~\n"
		"      = help: make it: install -d -o root DIR/gone\n"},
	{"a log file that is a directory", LOCAL "log { target = file; path = / }\n" PROFILE,
		"filter.conf:2:29: error: path: / is a directory\n"
		"    2 | log { target = file; path = / }\n"
		"      |                             ^\n"},
	{"a pid file without its directory", "main { pid_file = gone/pid }\n" LOCAL PROFILE,
		"filter.conf:1:19: error: pid_file: directory DIR/gone does not exist\n"
		"    1 | main { pid_file = gone/pid }\n"
		"      |                   ^~~~~~~~\n"
		"      = help: make it: mkdir -p DIR/gone\n"},
	{"a place for sessions that can be made", LOCAL "record { path = sessions }\n" PROFILE, ""},
	{"sessions without their directory", LOCAL "record { path = gone/sessions }\n" PROFILE,
		"filter.conf:2:17: error: path: directory DIR/gone does not exist\n"
		"    2 | record { path = gone/sessions }\n"
		"      |                 ^~~~~~~~~~~~~\n"
		"      = help: make it: mkdir -p DIR/gone\n"},
	{"a place for sessions that is a file", LOCAL "record { path = filter.conf }\n" PROFILE,
		"filter.conf:2:17: error: path: DIR/filter.conf is no directory\n"
		"    2 | record { path = filter.conf }\n"
		"      |                 ^~~~~~~~~~~\n"},
	{"no listener", PROFILE,
		"filter.conf: error: no listener: no mail server can connect\n"
		"      = help: add: listener postfix { socket = unix:/run/chainmail/milter.sock }"
		"\n"},
};

/* What is said, with DIR for the directory; in front of filter.conf it is left out. */
static const char *
said(const struct drive *d)
{
	static char text[4096];
	const char *from = d->mistakes;
	size_t len = strlen(d->dir);
	char *out = text;

	while (*from != '\0') {
		if (strncmp(from, d->dir, len) != 0) {
			*out++ = *from++;
			continue;
		}
		from += len;
		if (strncmp(from, "/filter.conf:", 13) == 0) {
			from++;
		} else {
			memcpy(out, "DIR", 3);
			out += 3;
		}
	}
	*out = '\0';
	return text;
}

START_TEST(said_to_a_daemon)
{
	struct drive d;

	drive_init(&d);
	d.to_serve = true;
	drive_load_text(&d, cases[_i].text);
	ck_assert_msg(strcmp(said(&d), cases[_i].said) == 0, "%s:\n%s", cases[_i].what, said(&d));
	ck_assert_int_eq(d.g == NULL, d.errors > 0);
	drive_fini(&d);
}
END_TEST

START_TEST(not_asked_where_nobody_serves)
{
	struct drive d;

	drive_init(&d);
	drive_load_text(&d, cases[_i].text);
	ck_assert_msg(d.g != NULL, "%s: %s", cases[_i].what, d.mistakes);
	drive_fini(&d);
}
END_TEST

START_TEST(group_alone_is_refused)
{
	struct drive d;

	drive_init(&d);
	drive_load_text(&d, "main { group = root }\n" LOCAL PROFILE);
	ck_assert_str_eq(said(&d), "filter.conf:1:8: error: main has group without user, which "
				   "changes nothing\n"
				   "    1 | main { group = root }\n"
				   "      |        ^~~~~\n"
				   "      = help: add a line: user = chainmail\n");
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("generation_system");
	TCase *t = tcase_create("generation_system");

	tcase_add_loop_test(t, said_to_a_daemon, 0, LENGTH(cases));
	tcase_add_loop_test(t, not_asked_where_nobody_serves, 0, LENGTH(cases));
	tcase_add_test(t, group_alone_is_refused);
	suite_add_tcase(s, t);
	return table_run(s);
}
