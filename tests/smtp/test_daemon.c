/* SPDX-License-Identifier: MIT */
/*
 * test_daemon.c - the daemon as its service manager and its administrator see it
 *
 * Starts chainmail itself, with an ordinary user's rights, and says TERM, HUP and USR1 to it while
 * an MTA is connected. It waits for what must happen, never for a time; what must not happen early
 * is measured.
 */
#include "../unit/temp.h"
#include "logfile.h"
#include "mta.h"
#include "mta_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 10

static const char *program;
static const char *engine;
static int limit_ms;

/* One test: a directory with a configuration, and the daemon that runs there. */
static struct {
	char directory[TEMP_NAME_SIZE];
	char config[96];
	char log[96];
	char address[96]; /* of the usual listener */
	pid_t pid;	  /* 0: not running */
	int status;
	int passed;	 /* a listening socket for the daemon, or -1 */
	size_t log_from; /* lines before it are not looked at */
	char why[1024];
} t;

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The first complaint counts. */
static bool
complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (t.why[0] == '\0')
		vsnprintf(t.why, sizeof t.why, format, arguments);
	va_end(arguments);
	return false;
}

static bool
expect(bool ok, const char *what)
{
	return ok || complain("not so: %s", what);
}

/* Waits until done() says so. */
static bool
wait_for(bool (*done)(const char *), const char *what)
{
	const struct timespec step = {0, STEP_MS * 1000000L};
	long long deadline = wire_now_ms() + limit_ms;

	while (!done(what)) {
		if (wire_now_ms() > deadline)
			return complain("in vain waited for: %s", what);
		nanosleep(&step, NULL);
	}
	return true;
}

static bool
log_has(const char *glob)
{
	return logfile_count(t.log, t.log_from, glob) > 0;
}

static bool
logged(const char *glob)
{
	return wait_for(log_has, glob);
}

/* A line that comes after the signal. */
static bool
signal_and_log(int signal, const char *glob)
{
	t.log_from = logfile_size(t.log);
	kill(t.pid, signal);
	return logged(glob);
}

static bool
has_ended(const char *what)
{
	(void)what;
	if (t.pid != 0 && waitpid(t.pid, &t.status, WNOHANG) == t.pid)
		t.pid = 0;
	return t.pid == 0;
}

/* --- configuration, start, end ---------------------------------------------------------------- */

/* `rest` may name @DIR@ once; usual_listener() and usual_rules() are its usual parts. */
static void configure(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
configure(const char *format, ...)
{
	FILE *f = fopen(t.config, "w");
	va_list arguments;

	if (!f)
		abort();
	va_start(arguments, format);
	vfprintf(f, format, arguments);
	va_end(arguments);
	fprintf(f, "log { target = stderr }\n");
	fclose(f);
}

/* Refuses bad@example.org with that text. */
static const char *
rules(const char *text)
{
	static char made[512];

	snprintf(made, sizeof made,
		"map senders { entries = [ \"bad@example.org reject 550 5.7.1 %s\" ] }\n"
		"plugin access { sender = senders }\n"
		"profile all { chain = [ access ] }\n",
		text);
	return made;
}

static const char *
listener(const char *name, const char *socket)
{
	static char made[4][256];
	static unsigned next;
	char *to = made[next++ % 4];

	snprintf(to, sizeof made[0], "listener %s { engine = %s; socket = \"%s\" }\n", name, engine,
		socket);
	return to;
}

static void
run_child(int log)
{
	char pid[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(127);
	if (t.passed >= 0) {
		snprintf(pid, sizeof pid, "%ld", (long)getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_FDNAMES", "test", 1);
		if (t.passed != 3 && dup2(t.passed, 3) < 0)
			_exit(127);
		fcntl(3, F_SETFD, 0);
	}
	execl(program, program, "serve", "--config", t.config, (char *)NULL);
	_exit(127);
}

static pid_t
spawn(const char *log_path)
{
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid_t pid = fork();

	if (pid == 0)
		run_child(log);
	close(log);
	return pid;
}

static bool
serves_or_ended(const char *what)
{
	return log_has(what) || has_ended(what);
}

static bool
start(void)
{
	t.pid = spawn(t.log);
	return wait_for(serves_or_ended, "*chainmail * serves *") &&
	       expect(t.pid != 0, "the daemon starts");
}

/* The daemon ended by itself or after a signal, with that status. */
static bool
ended(int status)
{
	if (!wait_for(has_ended, "the end of the daemon"))
		return false;
	return (WIFEXITED(t.status) && WEXITSTATUS(t.status) == status) ||
	       complain("the daemon ended with wait status 0x%x, not exit status %d", t.status,
		       status);
}

static bool
stop(void)
{
	kill(t.pid, SIGTERM);
	return ended(0);
}

static const char *
in_directory(const char *name)
{
	static char made[4][160];
	static unsigned next;
	char *to = made[next++ % 4];

	snprintf(to, sizeof made[0], "%s/%s", t.directory, name);
	return to;
}

/* --- an MTA ----------------------------------------------------------------------------------- */

/* Connected and greeted; NULL and a complaint. */
static struct mta *
greet(const char *address)
{
	struct mta *m = mta_open(address, limit_ms);

	if (!m) {
		complain("%s: %s", address, strerror(errno));
		return NULL;
	}
	if (mta_negotiate(m, &mta_offer_postfix) != MTA_NEGOTIATED ||
		mta_connect(m, "mail.example.org", "203.0.113.7", 40000) >= MTA_REJECT ||
		mta_helo(m, "mail.example.org") >= MTA_REJECT) {
		complain("%s does not greet: %s", address, mta_text(m));
		mta_close(m);
		return NULL;
	}
	return m;
}

static enum mta_status
mail(struct mta *m, const char *from)
{
	return mta_mail(m, &from, 1);
}

static bool
begin_message(struct mta *m)
{
	const char *to = "<bob@example.com>";

	return expect(mail(m, "<a@example.org>") < MTA_ACCEPT && mta_rcpt(m, &to, 1) < MTA_ACCEPT,
		"a message is begun");
}

/* bad@example.org is refused with that text. */
static bool
refused_with(struct mta *m, const char *text)
{
	char wanted[128];

	snprintf(wanted, sizeof wanted, "550 5.7.1 %s (id ", text);
	if (mail(m, "<bad@example.org>") == MTA_REJECT &&
		strncmp(mta_text(m), wanted, strlen(wanted)) == 0)
		return true;
	return complain("not \"%s\" but: %s", text, mta_text(m));
}

static bool
serves(const char *address, const char *text)
{
	struct mta *m = greet(address);
	bool ok = m && refused_with(m, text);

	if (m)
		mta_quit(m);
	mta_close(m);
	return ok;
}

/* --- the tests -------------------------------------------------------------------------------- */

static int manager = -1;

/* Whether the next datagram to the service manager begins so. */
static bool
manager_hears(const char *text)
{
	char got[256] = "";
	ssize_t n = recv(manager, got, sizeof got - 1, MSG_DONTWAIT);

	return n > 0 && strncmp(got, text, strlen(text)) == 0;
}

static bool
service_manager_is_told(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	bool ok;

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(to.sun_path, sizeof to.sun_path, "%s", in_directory("notify"));
	if (bind(manager, (struct sockaddr *)&to, sizeof to) != 0)
		return complain("notify: %s", strerror(errno));
	setenv("NOTIFY_SOCKET", to.sun_path, 1);
	setenv("WATCHDOG_USEC", "1000000", 1);
	configure("%s%s", listener("test", t.address), rules("one"));
	ok = start() && wait_for(manager_hears, "READY=1") && wait_for(manager_hears, "WATCHDOG=1");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	if (ok)
		kill(t.pid, SIGHUP);
	ok = ok && wait_for(manager_hears, "RELOADING=1\nMONOTONIC_USEC=") &&
	     wait_for(manager_hears, "READY=1");
	ok = ok && stop() && wait_for(manager_hears, "STOPPING=1");
	close(manager);
	return ok;
}

static bool
pid_file_comes_and_goes(void)
{
	const char *path = in_directory("pid");
	char text[32] = "";
	FILE *f;

	configure("main { pid_file = %s }\n%s%s", path, listener("test", t.address), rules("one"));
	if (!start())
		return false;
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof text, f))
		complain("%s: %s", path, strerror(errno));
	if (f)
		fclose(f);
	return expect(strtol(text, NULL, 10) == (long)t.pid, "the file holds the process id") &&
	       stop() && expect(access(path, F_OK) != 0, "the file is removed");
}

static bool
each_signal_reloads(void)
{
	configure("%s%s", listener("test", t.address), rules("one"));
	if (!start() || !serves(t.address, "one"))
		return false;
	configure("%s%s", listener("test", t.address), rules("two"));
	if (!signal_and_log(SIGUSR1, "*reloaded *") || !serves(t.address, "two"))
		return false;
	configure("%s%s", listener("test", t.address), rules("three"));
	return signal_and_log(SIGHUP, "*reloaded *") && serves(t.address, "three") && stop();
}

static bool
changed_listeners_are_said(void)
{
	char other[128];

	snprintf(other, sizeof other, "unix:%s", in_directory("other.sock"));
	configure("%s%s", listener("test", t.address), rules("one"));
	if (!start())
		return false;
	configure("%s%s", listener("test", other), rules("two"));
	kill(t.pid, SIGHUP);
	return logged("*the listeners have changed; they stay*") && logged("*reloaded *") &&
	       serves(t.address, "two") &&
	       expect(access(other + strlen("unix:"), F_OK) != 0, "no new socket") && stop();
}

static bool
bad_reload_keeps_what_runs(void)
{
	static const char *const bad[] = {
		"log file { target = file; path = /nonexistent/log }\n",
		"nonsense\n",
		"profile more { chain = [ nothing ] }\n",
	};
	bool ok;

	configure("%s%s", listener("test", t.address), rules("one"));
	ok = start();
	for (size_t i = 0; ok && i < sizeof bad / sizeof *bad; i++) {
		configure("%s%s%s", listener("test", t.address), rules("two"), bad[i]);
		ok = signal_and_log(SIGHUP, "*The daemon keeps running*") &&
		     serves(t.address, "one");
	}
	return ok && stop();
}

/* Who looks at it may not have seen what the start printed. */
static bool
rule_that_is_left_out_is_logged(void)
{
	configure("%s%sscript gone { file = gone.lua; on_load_error = skip }\n",
		listener("test", t.address), rules("one"));
	return start() && logged("*script gone is left out: *: script gone: cannot open *") &&
	       serves(t.address, "one") && stop();
}

static bool
session_keeps_its_generation(void)
{
	configure("%s%s", listener("test", t.address), rules("one"));
	if (!start())
		return false;
	struct mta *m = greet(t.address);
	configure("%s%s", listener("test", t.address), rules("two"));
	kill(t.pid, SIGHUP);
	bool ok = m && logged("*reloaded *") && serves(t.address, "two") &&
		  refused_with(m, "one") && refused_with(m, "one");
	mta_close(m);
	return ok && serves(t.address, "two") && stop();
}

static bool
second_term_ends_at_once(void)
{
	configure(
		"main { drain_timeout = 10min }\n%s%s", listener("test", t.address), rules("one"));
	if (!start())
		return false;
	struct mta *m = greet(t.address);
	bool ok = m && begin_message(m);
	if (ok)
		kill(t.pid, SIGTERM);
	ok = ok && logged("*ending: 1 messages are open*");
	if (ok)
		kill(t.pid, SIGTERM);
	ok = ok && ended(0);
	mta_close(m);
	return ok;
}

static bool
open_message_may_finish(void)
{
	configure(
		"main { drain_timeout = 10min }\n%s%s", listener("test", t.address), rules("one"));
	if (!start())
		return false;
	struct mta *m = greet(t.address);
	struct mta *late = greet(t.address);
	bool ok = m && late && begin_message(m);
	if (ok)
		kill(t.pid, SIGTERM);
	ok = ok && logged("*ending: 1 messages are open*");
	ok = ok && expect(mail(late, "<a@example.org>") >= MTA_TEMPFAIL &&
				   strncmp(mta_text(late), "421 4.3.2 ", 10) == 0,
			   "a new message is asked to come later");
	ok = ok &&
	     expect(mta_data(m) < MTA_REJECT && mta_eom(m) <= MTA_ACCEPT, "the message is taken");
	ok = ok && ended(0) && expect(!log_has("*still open*"), "nothing was given up");
	mta_close(m);
	mta_close(late);
	return ok;
}

static bool
drain_timeout_is_kept(void)
{
	configure("main { drain_timeout = 1s }\n%s%s", listener("test", t.address), rules("one"));
	if (!start())
		return false;
	struct mta *m = greet(t.address);
	bool ok = m && begin_message(m);
	long long begin = wire_now_ms();
	if (ok)
		kill(t.pid, SIGTERM);
	ok = ok && ended(0) && expect(wire_now_ms() - begin >= 1000, "it waits that long") &&
	     logged("*1 messages are still open; their senders keep them*");
	mta_close(m);
	return ok;
}

static int
listen_unix(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, path, strlen(path) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) != 0 || listen(fd, 8) != 0)
		abort();
	return fd;
}

static bool
socket_of_the_manager_is_used(void)
{
	const char *path = t.address + strlen("unix:");

	configure("%s%s", listener("test", t.address), rules("one"));
	t.passed = listen_unix(path);
	bool ok = start() && serves(t.address, "one") && stop();
	close(t.passed);
	t.passed = -1;
	return ok && expect(access(path, F_OK) == 0, "the manager's socket is left in its place");
}

/* A port that is free now; 0: the machine has no such address. */
static unsigned
free_port(int family)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} to = {0};
	socklen_t size = sizeof to;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.any.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		to.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		to.six.sin6_addr = in6addr_loopback;
	size = family == AF_INET ? sizeof to.four : sizeof to.six;
	bool ok = fd >= 0 && bind(fd, &to.any, size) == 0 && getsockname(fd, &to.any, &size) == 0;
	close(fd);
	if (!ok)
		return 0;
	return ntohs(family == AF_INET ? to.four.sin_port : to.six.sin6_port);
}

static bool
several_listeners_are_served(void)
{
	char addresses[4][128];
	size_t count = 3;
	unsigned six = free_port(AF_INET6);

	snprintf(addresses[0], sizeof addresses[0], "%s", t.address);
	snprintf(addresses[1], sizeof addresses[1], "unix:%s", in_directory("two.sock"));
	snprintf(addresses[2], sizeof addresses[2], "inet:%u@127.0.0.1", free_port(AF_INET));
	if (six != 0)
		snprintf(addresses[count++], sizeof addresses[3], "inet6:%u@::1", six);
	else
		fprintf(stderr,
			"several_listeners_are_served: no IPv6 here, that one is SKIPPED\n");
	configure("%s%s%s%s%s", listener("one", addresses[0]), listener("two", addresses[1]),
		listener("three", addresses[2]), six ? listener("four", addresses[3]) : "",
		rules("one"));
	bool ok = start();
	for (size_t i = 0; ok && i < count; i++)
		ok = serves(addresses[i], "one");
	return ok && stop() &&
	       expect(access(in_directory("two.sock"), F_OK) != 0, "the sockets are removed");
}

static bool
second_listener_is_refused(void)
{
	char other[128];

	snprintf(other, sizeof other, "unix:%s", in_directory("two.sock"));
	configure("%s%s%s", listener("one", t.address), listener("two", other), rules("one"));
	t.pid = spawn(t.log);
	return wait_for(has_ended, "the end of the daemon") &&
	       expect(WIFEXITED(t.status) && WEXITSTATUS(t.status) != 0, "it does not start") &&
	       logged("*libmilter carries one listener*") &&
	       expect(access(t.address + strlen("unix:"), F_OK) != 0, "no socket is left");
}

static bool
live_socket_is_left_alone(void)
{
	const char *log = in_directory("log.second");
	int status = 0;

	configure("%s%s", listener("test", t.address), rules("one"));
	if (!start())
		return false;
	pid_t second = spawn(log);
	waitpid(second, &status, 0);
	return expect(WIFEXITED(status) && WEXITSTATUS(status) != 0, "the second one ends") &&
	       expect(logfile_count(log, 0, "*milter.sock*") > 0, "it says why") &&
	       serves(t.address, "one") && stop();
}

static const struct test {
	const char *name;
	bool (*run)(void);
	const char *engine; /* NULL: any */
} tests[] = {
	{"the service manager is told", service_manager_is_told, NULL},
	{"the pid file comes and goes", pid_file_comes_and_goes, NULL},
	{"USR1 and HUP reload", each_signal_reloads, NULL},
	{"changed listeners are said", changed_listeners_are_said, NULL},
	{"a bad reload keeps what runs", bad_reload_keeps_what_runs, NULL},
	{"a rule that is left out is logged", rule_that_is_left_out_is_logged, NULL},
	{"a session keeps its generation", session_keeps_its_generation, NULL},
	{"a second TERM ends at once", second_term_ends_at_once, NULL},
	{"an open message may finish", open_message_may_finish, NULL},
	{"drain_timeout is kept", drain_timeout_is_kept, NULL},
	{"a socket of the service manager is used", socket_of_the_manager_is_used, NULL},
	{"several listeners are served", several_listeners_are_served, "native"},
	{"libmilter has one listener", second_listener_is_refused, "libmilter"},
	{"a live socket is left alone", live_socket_is_left_alone, NULL},
};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static bool
run(const struct test *test)
{
	memset(&t, 0, sizeof t);
	t.passed = -1;
	if (!temp_dir(t.directory, "daemon"))
		abort();
	snprintf(t.config, sizeof t.config, "%s/filter.conf", t.directory);
	snprintf(t.log, sizeof t.log, "%s/log", t.directory);
	snprintf(t.address, sizeof t.address, "unix:%s/milter.sock", t.directory);
	bool ok = test->run();
	if (!has_ended(NULL)) {
		kill(t.pid, SIGKILL);
		waitpid(t.pid, &t.status, 0);
	}
	if (!ok) {
		size_t length;
		char *log = logfile_read(t.log, &length);

		printf("FAIL %s: %s\n--- what the daemon wrote:\n%s---\n", test->name, t.why,
			log ? log : "");
		free(log);
	}
	nftw(t.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return ok;
}

int
main(int argc, char **argv)
{
	unsigned passed = 0;
	unsigned failed = 0;

	if (argc < 3 || argc > 4 || (argc == 4 && strcmp(argv[3], "--slow") != 0)) {
		fprintf(stderr, "usage: test_daemon PROGRAM ENGINE [--slow]\n");
		return 2;
	}
	program = argv[1];
	engine = argv[2];
	limit_ms = argc == 4 ? 90000 : 15000;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		if (tests[i].engine && strcmp(tests[i].engine, engine) != 0)
			continue;
		if (run(&tests[i]))
			passed++;
		else
			failed++;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
