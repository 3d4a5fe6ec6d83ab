/* SPDX-License-Identifier: MIT */
/*
 * test_notice.c - mail to people: its form, its way to a mail server, its queue, and rules that
 * send
 *
 * The mail server is a thread of this process on a unix socket, which answers from a script and
 * keeps what it was told. The queue is turned by hand, with a clock that moves when told.
 */
#include "service/notice.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "chain/live.h"
#include "script_value.h"
#include "table.h"

static struct rule r;

/* --- a mail server --- */

static struct {
	int fd;
	char path[128], address[140];
	const char *script; /* the reply to each command and to the greeting, ends in NULL */
	char heard[65536];
	pthread_t thread;
	void (*at_mail)(const char *helo); /* in its thread, before it answers MAIL */
} server;

static bool
hear_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	char c;

	while (len + 1 < size && recv(fd, &c, 1, 0) == 1) {
		line[len++] = c;
		if (c == '\n')
			break;
	}
	line[len] = '\0';
	return len > 0;
}

static void
hear(int fd, bool data)
{
	char line[1024] = "";

	do {
		if (!hear_line(fd, line, sizeof(line)))
			return;
		strncat(server.heard, line, sizeof(server.heard) - strlen(server.heard) - 1);
		if (strncmp(line, "MAIL", 4) == 0 && server.at_mail != NULL)
			server.at_mail(server.heard + 5);
	} while (data && strcmp(line, ".\r\n") != 0);
}

/* "220 hi|250 ok|...": each is given, and then a command heard; behind 354 the message. */
static void *
converse(void *context)
{
	int fd = accept(server.fd, NULL, NULL);
	const char *p = server.script;

	(void)context;
	while (fd >= 0 && *p != '\0') {
		size_t len = strcspn(p, "|");
		bool data = strncmp(p, "354", 3) == 0;

		(void)!send(fd, p, len, MSG_NOSIGNAL);
		(void)!send(fd, "\r\n", 2, MSG_NOSIGNAL);
		hear(fd, data);
		p += len;
		p += *p == '|';
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void
serve(const char *script)
{
	server.script = script;
	server.heard[0] = '\0';
	ck_assert_int_eq(pthread_create(&server.thread, NULL, converse, NULL), 0);
}

static void
setup(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	rule_init(&r);
	snprintf(server.path, sizeof(server.path), "%s/mta", r.d.dir);
	snprintf(server.address, sizeof(server.address), "unix:%s", server.path);
	memcpy(to.sun_path, server.path, strlen(server.path));
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server.fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(server.fd, 8), 0);
	clock_freeze(1800000000);
}

static void
teardown(void)
{
	clock_thaw();
	close(server.fd);
	unlink(server.path);
	rule_fini(&r);
}

#define ALL_WELL "220 hi|250-mx\r\n250 ok|250 ok|250 ok|354 go|250 queued|221 bye"

/* --- its form --- */

static const struct notice_settings settings = {
	.server = "inet:25@127.0.0.1", .from = "postmaster@mx.test", .host = "mx.test"};

static const char *
written(const char *subject, const char *text)
{
	static char out[65536];
	const struct notice n = {.to = "ann@example.com",
		.subject = subject,
		.text = text,
		.by = "Rule x",
		.id = "ID"};
	struct buf b;

	buf_init(&b, 0);
	notice_write(&b, &settings, &n, 1800000000, "token");
	snprintf(out, sizeof(out), "%s", b.data);
	buf_fini(&b);
	return out;
}

START_TEST(message_is_whole)
{
	ck_assert_str_eq(written("Account bob blocked", "used from 3 countries\nwithin a day"),
		"From: Chainmail <postmaster@mx.test>\r\n"
		"To: <ann@example.com>\r\n"
		"Subject: Account bob blocked\r\n"
		"Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
		"Message-ID: <token@mx.test>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"\r\n"
		"dXNlZCBmcm9tIDMgY291bnRyaWVzDQp3aXRoaW4gYSBkYXkNCg0KLS0gDQpSdWxlIHggb24gbXgu\r\n"
		"dGVzdCwgbWVzc2FnZSBJRA0K\r\n");
}
END_TEST

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *subject, *field;
} subjects[] = {
	{"", "Subject: \r\n"},
	{"a\r\nBcc: all@example.com\r\n\r\nx", "Subject: a Bcc: all@example.com  x\r\n"},
	{"a\tb\x01\x7f", "Subject: a b  \r\n"},
	{"=?UTF-8?B?eA==?=", "Subject: =?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?=\r\n"},
	{"Gr\xc3\xbc\xc3\x9f"
	 "e",
		"Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"},
	{"\xff", "Subject: =?UTF-8?B?77+9?=\r\n"},
	{X60 X60 X60 X60, "Subject: " X60 X60 X60 "xxxxxxxxxxxxxxxxxxxx\r\n"},
	/* a word ends between characters, the text as well */
	{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xbc"
	 "b",
		"Subject: "
		"=?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=?=\r\n"
		" =?UTF-8?B?w7xi?=\r\n"},
	{X60 X60 X60 "xxxxxxxxxxxxxxxxxxx\xc3\xbc",
		"Subject: " X60 X60 X60 "xxxxxxxxxxxxxxxxxxx\r\n"},
};

START_TEST(subject_stays_in_its_field)
{
	const char *got = written(subjects[_i].subject, "x");
	const char *at = strstr(got, "Subject:");

	ck_assert_msg(
		strncmp(at, subjects[_i].field, strlen(subjects[_i].field)) == 0, "%.300s", at);
}
END_TEST

/* Whatever the text is: short lines of base64 and nothing else. */
START_TEST(text_ends_nothing)
{
	static char text[40000];
	const char *line;

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(i % 7 == 0 ? '\n' : i % 5 == 0 ? '.' : 1 + i % 255);
	line = strstr(written("x", text), "\r\n\r\n") + 4;
	while (*line != '\0') {
		size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					  "0123456789+/=");

		ck_assert_uint_le(len, 76);
		ck_assert_int_eq(strncmp(line + len, "\r\n", 2), 0);
		line += len + 2;
	}
}
END_TEST

static const struct {
	const char *address;
	bool ok;
} addresses[] = {
	{"ann@example.com", true},
	{"a+b@x", true},
	{"@x", false},
	{"a@", false},
	{"a", false},
	{"", false},
	{"a b@x", false},
	{"a@x\r\nDATA", false},
	{"<a@x>", false},
	{"a@x,b@x", false},
	{"a@b@c", false},
	{"\"a\"@x", false},
	{"\xc3\xa4@x", false},
};

START_TEST(address_is_taken_or_not)
{
	ck_assert_int_eq(notice_address_ok(addresses[_i].address), addresses[_i].ok);
}
END_TEST

/* --- over the wire --- */

static const struct {
	const char *script;
	enum notice_sent sent;
	const char *why;
} talks[] = {
	{ALL_WELL, NOTICE_SENT, ""},
	{"220-hi\r\n220 there|250-mx\r\n250-SIZE\r\n250 PIPELINING|250 ok|250 ok|354 go|250 "
	 "queued|221 bye",
		NOTICE_SENT, ""},
	{"421 busy", NOTICE_LATER, "it said: 421 busy"},
	{"554 go away", NOTICE_REFUSED, "it said: 554 go away"},
	{"220 hi|250 ok|250 ok|550 5.1.1 \x1b[0m nobody", NOTICE_REFUSED,
		"it said: 550 5.1.1 ?[0m nobody"},
	{"220 hi|250 ok|250 ok|450 4.2.0 grey", NOTICE_LATER, "it said: 450 4.2.0 grey"},
	{"220 hi|250 ok|250 ok|250 ok|354 go|452 full", NOTICE_LATER, "it said: 452 full"},
	{"220 hi|250 ok|250 ok|250 ok|250 what", NOTICE_REFUSED, "it said: 250 what"},
	{"nonsense", NOTICE_REFUSED, "it said: nonsense"},
	{"220 hi|250 ok", NOTICE_LATER, "it hung up"},
	{"", NOTICE_LATER, "it hung up"},
};

START_TEST(server_is_understood)
{
	const _Atomic bool stop = false;
	enum notice_sent sent;
	struct err why = {.text = ""};
	struct buf message;

	buf_init(&message, 0);
	buf_add_str(&message, "To: x\r\n\r\nx\r\n");
	serve(talks[_i].script);
	sent = notice_send(server.address, "helo.test", "ann@example.com", &message, &stop, &why);
	pthread_join(server.thread, NULL);
	buf_fini(&message);
	ck_assert_int_eq(sent, talks[_i].sent);
	ck_assert_str_eq(why.text, talks[_i].why);
	if (sent == NOTICE_SENT)
		ck_assert_str_eq(server.heard,
			"EHLO helo.test\r\nMAIL FROM:<>\r\nRCPT "
			"TO:<ann@example.com>\r\nDATA\r\nTo: x\r\n\r\nx\r\n.\r\n"
			"QUIT\r\n");
}
END_TEST

START_TEST(nobody_is_there)
{
	const _Atomic bool stop = false;
	struct err why;
	struct buf message;

	buf_init(&message, 0);
	ck_assert_int_eq(notice_send("unix:/nonexistent/mta", "h", "a@b", &message, &stop, &why),
		NOTICE_LATER);
	ck_assert_str_eq(why.text, "connect: No such file or directory");
	buf_fini(&message);
}
END_TEST

/* A server that says nothing does not keep the daemon from ending. */
START_TEST(end_of_the_daemon_is_not_delayed)
{
	const _Atomic bool stop = true;
	struct err why;
	struct buf message;

	buf_init(&message, 0);
	ck_assert_int_eq(
		notice_send(server.address, "h", "a@b", &message, &stop, &why), NOTICE_LATER);
	ck_assert_str_eq(why.text, "the daemon ends");
	buf_fini(&message);
}
END_TEST

/* --- the queue --- */

static enum notice_post
post(const char *subject)
{
	const struct notice_settings set = {
		.server = server.address, .from = "postmaster@mx.test", .host = "mx.test"};
	const struct notice n = {.to = "ann@example.com",
		.subject = subject,
		.text = "x",
		.by = "Rule x",
		.id = "ID"};

	return notice_post(&set, &n);
}

static bool
turn_with(const char *script, int64_t *wait)
{
	bool turned;

	serve(script);
	turned = notice_turn(wait);
	pthread_join(server.thread, NULL);
	return turned;
}

START_TEST(is_sent_once)
{
	int64_t wait;

	notice_open();
	ck_assert(!notice_turn(&wait) && wait == -1);
	ck_assert_int_eq(post("one"), NOTICE_QUEUED);
	ck_assert(turn_with(ALL_WELL, &wait));
	ck_assert(!notice_turn(&wait) && wait == -1);
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "notice to <ann@example.com> \"one\": sent"));
	notice_stop();
}
END_TEST

START_TEST(is_tried_again_and_given_up)
{
	int64_t wait, minute = 60 * CLOCK_SEC;
	char want[300];

	notice_open();
	post("one");
	for (unsigned i = 0; i < NOTICE_ATTEMPTS; i++) {
		ck_assert(turn_with("220 hi|451 4.3.0 later", &wait));
		ck_assert(!notice_turn(&wait));
		ck_assert_int_eq(wait, i + 1 < NOTICE_ATTEMPTS ? minute << i : -1);
		clock_advance(minute << i);
	}
	snprintf(want, sizeof(want),
		"notice to <ann@example.com> \"one\" is lost: %s: it said: 451 4.3.0 later",
		server.address);
	ck_assert_ptr_nonnull(strstr(rule_log(&r), want));
	notice_stop();
}
END_TEST

START_TEST(refused_is_lost)
{
	int64_t wait;

	notice_open();
	post("one");
	ck_assert(turn_with("220 hi|250 ok|250 ok|550 5.1.1 nobody", &wait));
	ck_assert(!notice_turn(&wait) && wait == -1);
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "is lost: "));
	notice_stop();
}
END_TEST

START_TEST(hour_and_queue_have_bounds)
{
	notice_open();
	for (int i = 0; i < NOTICE_HOURLY; i++)
		ck_assert_int_eq(post("many"), NOTICE_QUEUED);
	ck_assert_int_eq(post("more"), NOTICE_FULL);
	ck_assert_ptr_nonnull(
		strstr(rule_log(&r), "notice to <ann@example.com> \"more\" is lost: 100 wait"));
	clock_advance(3600 * CLOCK_SEC);
	ck_assert_int_eq(post("still"), NOTICE_FULL); /* nobody took one */
	notice_stop();
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "is lost: the daemon ends"));
	ck_assert_int_eq(post("late"), NOTICE_NO_DAEMON);
}
END_TEST

START_TEST(thread_sends)
{
	struct err err;

	clock_thaw();
	serve(ALL_WELL);
	ck_assert(notice_start(&err));
	post("one");
	pthread_join(server.thread, NULL);
	notice_stop();
	ck_assert_ptr_nonnull(strstr(server.heard, "Subject: one\r\n"));
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "\"one\": sent"));
}
END_TEST

/* --- rules --- */

#define SECTIONS(more)                                   \
	"main { authserv_id = mx.test }\n"               \
	"listener l { socket = inet:10025@127.0.0.1 }\n" \
	"profile p { chain = [ x ] }\n"                  \
	"script x { file = scripts/x.lua }\n" more

static void
load(const char *code)
{
	char *text = NULL;

	drive_file(&r.d, "scripts/x.lua", code);
	ck_assert_int_gt(
		asprintf(&text,
			SECTIONS("store s { type = memory }\n") "notify { server = \"%s\" }\n",
			server.address),
		0);
	drive_load_text(&r.d, text);
	free(text);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
}

#define TELL                                                                                    \
	"function mail(m, from) return reject(tostring(notify{ to = 'root@mx.test', subject = " \
	"from.addr .. ' came', text = 'look', once_per = '1h' })) end\n"

START_TEST(rule_tells_once)
{
	int64_t wait;

	notice_open();
	load(TELL);
	ck_assert_str_eq(value_next(&r), "550 5.7.1 true");
	ck_assert_str_eq(value_next(&r), "550 5.7.1 false");
	ck_assert(turn_with(ALL_WELL, &wait));
	ck_assert(!notice_turn(&wait));
	ck_assert_ptr_nonnull(strstr(server.heard, "MAIL FROM:<>\r\nRCPT TO:<root@mx.test>\r\n"));
	ck_assert_ptr_nonnull(strstr(server.heard, "From: Chainmail <postmaster@mx.test>\r\n"));
	ck_assert_ptr_nonnull(strstr(server.heard, "Subject: bob@example.com came\r\n"));
	clock_advance(3601 * CLOCK_SEC);
	ck_assert_str_eq(value_next(&r), "550 5.7.1 true");
	notice_stop();
}
END_TEST

/* What could not be queued may be told by the next message. */
START_TEST(rule_may_tell_again_what_was_lost)
{
	load(TELL);
	ck_assert_str_eq(value_next(&r), "550 5.7.1 false");
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "not sent, only the daemon sends"));
	notice_open();
	ck_assert_str_eq(value_next(&r), "550 5.7.1 true");
	notice_stop();
}
END_TEST

/* A session of the mail server with that HELO name. */
static const char *
session_with(const char *helo)
{
	enum cm_verdict v;

	drive_open(&r.d);
	v = drive_connect(&r.d, "127.0.0.1", "localhost", "25");
	if (v == CM_CONTINUE)
		v = drive_helo(&r.d, helo);
	return v == CM_CONTINUE ? rule_message(&r, "<>") : rule_outcome(&r, v);
}

static char in_flight[512], during[256];

static void
look(const char *helo)
{
	snprintf(in_flight, sizeof(in_flight), "%.*s", (int)strcspn(helo, "\r\n"), helo);
	snprintf(during, sizeof(during), "%s", session_with(in_flight));
}

static void
end_session(void)
{
	chain_end_message(r.d.s);
	chain_close(r.d.s);
	session_free(r.d.s);
	r.d.s = NULL;
}

/* --- links that trip --- */

/* The text of the message that the server was sent. */
static const char *
told(void)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static char out[4096];
	const char *p = strstr(server.heard, "\r\n\r\n"), *digit;
	unsigned bits = 0, word = 0;
	size_t len = 0;

	for (; p != NULL && *p != '.' && len + 1 < sizeof(out); p++) {
		if (*p == '\0' || (digit = strchr(digits, *p)) == NULL)
			continue;
		word = word << 6 | (unsigned)(digit - digits);
		bits += 6;
		if (bits >= 8 && (word >> (bits - 8) & 0xff) != '\r')
			out[len++] = (char)(word >> (bits - 8));
		bits -= bits >= 8 ? 8 : 0;
	}
	out[len] = '\0';
	return out;
}

/* A rule that fails for mail of ann and trips at the second time. */
static void
load_to_trip(const char *script, const char *notify)
{
	char *text = NULL;

	drive_file(&r.d, "scripts/x.lua",
		"function mail(m, from) if from.user == 'ann' then error('no ' .. from.domain) end "
		"end\n");
	ck_assert_int_gt(asprintf(&text,
				 "main { authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "profile p { chain = [ x ] }\n"
				 "script x { file = scripts/x.lua; trip_after = 2/5min; %s }\n"
				 "notify { server = \"%s\"; %s }\n",
				 script, server.address, notify),
		0);
	drive_load_text(&r.d, text);
	free(text);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	setenv("TZ", "UTC", 1);
	tzset();
	notice_open();
	live_join(&r.d.g->chain);
}

/* A message, and then a minute and a second: the next one is a try where the rule has tripped. */
static void
message_of(const char *sender)
{
	drive_open(&r.d);
	ck_assert_int_eq(drive_connect(&r.d, "192.0.2.1", "client.example.org", "25"), CM_CONTINUE);
	ck_assert_int_eq(drive_helo(&r.d, "client.example.org"), CM_CONTINUE);
	(void)rule_message(&r, sender);
	end_session();
	clock_advance(61 * CLOCK_SEC);
}

START_TEST(postmaster_is_told_of_a_link_that_trips)
{
	int64_t wait;
	char *end;

	load_to_trip("on_error = skip", "postmaster = root@mx.test");
	message_of("<ann@example.org>");
	ck_assert(!notice_turn(&wait) && wait == -1);
	message_of("<ann@example.org>");
	ck_assert(turn_with(ALL_WELL, &wait));
	ck_assert_ptr_nonnull(strstr(server.heard, "RCPT TO:<root@mx.test>\r\n"));
	ck_assert_ptr_nonnull(strstr(server.heard, "Subject: x tripped on mx.test\r\n"));
	end = strstr(told(), "Chainmail on mx.test, message ");
	ck_assert_msg(end != NULL, "%s", told());
	ck_assert_msg(
		strncmp(told(),
			"x fails, and is not called any more: tripped 08:01 (2 errors in "
			"5min)\n\n"
			"since         2027-01-15 08:01\n"
			"latest error  scripts/x.lua:1: no example.org (mail() "
			"scripts/x.lua:1) (at mail)\n"
			"mail          passes without it (tripped = skip)\n"
			"next          one message a minute tries it; when that goes well, it "
			"is back\n\n"
			"to see more   chainmail errors x\n"
			"              chainmail status\n"
			"when mended   chainmail reload\n\n"
			"While it fails you are told once an hour at most.\n\n\n-- \n",
			(size_t)(end - told())) == 0,
		"%s", told());
	notice_stop();
}
END_TEST

static const struct {
	const char *settings, *mail; /* what becomes of it */
} meanwhiles[] = {
	{"tripped = on_error; on_error = tempfail",
		"gets a temporary failure and is tried again by its sender (tripped = on_error, "
		"on_error = tempfail)"},
	{"tripped = on_error; on_error = reject",
		"is refused (tripped = on_error, on_error = reject)"},
	{"tripped = on_error; on_error = accept",
		"is accepted, and links behind it are not asked (tripped = on_error, on_error = "
		"accept)"},
	{"tripped = on_error; on_error = skip",
		"passes without it (tripped = on_error, on_error = skip)"},
	{"on_error = reject", "passes without it (tripped = skip)"},
	{"mode = shadow; tripped = on_error",
		"is treated as before, for the link is only watched (shadow)"},
	{"sample = 50%; mode = enforce; on_error = skip", "passes without it (tripped = skip)"},
};

START_TEST(postmaster_is_told_what_becomes_of_mail)
{
	int64_t wait;
	char line[200];

	load_to_trip(meanwhiles[_i].settings, "postmaster = root@mx.test");
	message_of("<ann@example.org>");
	message_of("<ann@example.org>");
	ck_assert(turn_with(ALL_WELL, &wait));
	snprintf(line, sizeof(line), "\nmail          %s\n", meanwhiles[_i].mail);
	ck_assert_msg(strstr(told(), line) != NULL, "%s", told());
	notice_stop();
}
END_TEST

/* Each letter is a message and a minute: f fails, w goes well; "h" lets an hour pass. */
static const struct {
	const char *says, *notify, *story;
	int told;
} stories[] = {
	{"nobody is told before it trips", "postmaster = root@mx.test", "fw", 0},
	{"nobody is told where nobody is named", "", "ffff", 0},
	{"tries that fail within the hour are not told of", "postmaster = root@mx.test",
		"fffffffff", 1},
	{"it works again and trips again within the hour", "postmaster = root@mx.test", "ffwffwff",
		1},
	{"it is open for more than an hour, and a try fails", "postmaster = root@mx.test",
		"fffhfffhf", 3},
	{"it is open for more than an hour, and a try goes well", "postmaster = root@mx.test",
		"fffhwf", 1},
	{"it trips again after more than an hour", "postmaster = root@mx.test", "ffwhff", 2},
};

START_TEST(postmaster_is_told_once_an_hour)
{
	int count = 0;

	load_to_trip("", stories[_i].notify);
	for (const char *p = stories[_i].story; *p != '\0'; p++) {
		if (*p == 'h')
			clock_advance(3600 * CLOCK_SEC);
		else
			message_of(*p == 'f' ? "<ann@example.org>" : "<bob@example.org>");
	}
	notice_stop();
	for (const char *at = rule_log(&r);
		(at = strstr(at, "notice to <root@mx.test> \"x tripped on mx.test\" is lost: the "
				 "daemon ends")) != NULL;
		at++)
		count++;
	ck_assert_msg(count == stories[_i].told, "%s: %d", stories[_i].says, count);
}
END_TEST

/* It comes back to us through the MTA: no rule sees it, and none tells of it again. */
START_TEST(own_notice_is_not_filtered)
{
	int64_t wait;

	notice_open();
	load("function connect(m) return reject('not you') end\n"
	     "function mail(m) return reject('nor this') end\n"
	     "function message(m) notify{ to = 'root@mx.test', subject = 'x', text = 'y' } end\n");
	post("one");
	server.at_mail = look;
	ck_assert(turn_with(ALL_WELL, &wait));
	ck_assert_int_eq(strncmp(in_flight, "notice-", 7), 0);
	ck_assert_str_eq(during, "accept");
	ck_assert(!notice_turn(&wait));
	/* The name is worth nothing any more, and a guess never is. */
	end_session();
	ck_assert_str_eq(session_with(in_flight), "550 5.7.1 not you");
	end_session();
	ck_assert_str_eq(session_with("notice-0.mx.test"), "550 5.7.1 not you");
	notice_stop();
}
END_TEST

static void
look_twice(const char *helo)
{
	look(helo);
	drive_helo(&r.d, "client.example.org");
	snprintf(during, sizeof(during), "%s", rule_message(&r, "<a@example.org>"));
}

/* Who greets again is somebody else. */
START_TEST(name_is_good_for_one_greeting)
{
	int64_t wait;

	notice_open();
	load("function mail(m) return reject('seen') end\n");
	post("one");
	server.at_mail = look_twice;
	ck_assert(turn_with(ALL_WELL, &wait));
	ck_assert_str_eq(during, "550 5.7.1 seen");
	notice_stop();
}
END_TEST

static const struct {
	const char *fields, *want;
} mistakes[] = {
	{"to = 'a@b', subject = 'x'", "notify{}: text is a nil, not a text*"},
	{"to = 'a@b', text = 'x'", "notify{}: subject is a nil, not a text*"},
	{"subject = 's', text = 'x'", "notify{}: to is a nil, not a text*"},
	{"to = {}, subject = 's', text = 'x'", "notify{}: to is a table, not a text*"},
	{"to = 'root', subject = 's', text = 'x'", "notify{}: to is one address, such as*"},
	{"to = 'a@b, c@d', subject = 's', text = 'x'", "notify{}: to is one address, such as*"},
	{"to = 'a@b', subject = 'a\\0b', text = 'x'",
		"notify{}: subject is a string, not a text without NUL*"},
	{"to = 'a@b', subject = 's', text = 'x', onceper = '1h'",
		"notify{} has no field \"onceper\"; did you mean \"once_per\"?*"},
	{"to = 'a@b', subject = 's', text = 'x', cc = 'c@d'",
		"notify{} has no field \"cc\", only once_per, subject, text, to*"},
	{"to = 'a@b', subject = 's', text = 'x', importance = 1",
		"notify{} has no field \"importance\", only once_per, subject, text, to*"},
	{"to = 'a@b', subject = 's', text = 'x', once_per = '1'", "notify{}: once_per: *"},
	{"to = 'a@b', subject = 's', text = 'x', once_per = 0", "notify{}: once_per is at least*"},
	{"to = 'a@b', subject = 's', text = 'x', once_per = true", "notify{}: once_per: it is*"},
};

START_TEST(mistake_is_told)
{
	char code[300], want[200];

	snprintf(code, sizeof(code), "function mail(m) notify{ %s } end\n", mistakes[_i].fields);
	snprintf(want, sizeof(want), "failed: scripts/x.lua:1: %s", mistakes[_i].want);
	load(code);
	rule_expect(rule_session(&r), want);
}
END_TEST

START_TEST(settings_are_checked)
{
	drive_file(&r.d, "scripts/x.lua", "function mail(m) end\n");
	drive_load_text(
		&r.d, SECTIONS("notify { from = nobody; postmaster = root; server = 25 }\n"));
	ck_assert_msg(strstr(r.d.mistakes, "from: must be an address") != NULL &&
			      strstr(r.d.mistakes, "postmaster: must be an address") != NULL &&
			      strstr(r.d.mistakes, "inet:25@127.0.0.1") != NULL,
		"%s", r.d.mistakes);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("notice");
	TCase *tc = tcase_create("notice");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 40); /* a server may take 60 s */
	tcase_add_test(tc, message_is_whole);
	tcase_add_loop_test(tc, subject_stays_in_its_field, 0, LENGTH(subjects));
	tcase_add_test(tc, text_ends_nothing);
	tcase_add_loop_test(tc, address_is_taken_or_not, 0, LENGTH(addresses));
	tcase_add_loop_test(tc, server_is_understood, 0, LENGTH(talks));
	tcase_add_test(tc, nobody_is_there);
	tcase_add_test(tc, end_of_the_daemon_is_not_delayed);
	tcase_add_test(tc, is_sent_once);
	tcase_add_test(tc, is_tried_again_and_given_up);
	tcase_add_test(tc, refused_is_lost);
	tcase_add_test(tc, hour_and_queue_have_bounds);
	tcase_add_test(tc, thread_sends);
	tcase_add_test(tc, rule_tells_once);
	tcase_add_test(tc, rule_may_tell_again_what_was_lost);
	tcase_add_test(tc, postmaster_is_told_of_a_link_that_trips);
	tcase_add_loop_test(tc, postmaster_is_told_what_becomes_of_mail, 0, LENGTH(meanwhiles));
	tcase_add_loop_test(tc, postmaster_is_told_once_an_hour, 0, LENGTH(stories));
	tcase_add_test(tc, own_notice_is_not_filtered);
	tcase_add_test(tc, name_is_good_for_one_greeting);
	tcase_add_loop_test(tc, mistake_is_told, 0, LENGTH(mistakes));
	tcase_add_test(tc, settings_are_checked);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
