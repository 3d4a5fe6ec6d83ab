/* SPDX-License-Identifier: MIT */
/*
 * test_explain_session.c - SMTP by hand: each answer is the client's, and stands before its reasons
 */
#include "cli/cli.h"

#include <stdio.h>
#include <sys/wait.h>

#include "drive.h"
#include "table.h"

#define ARGS_MOST  12
#define WORDS_MOST 10

static const char sections[] =
	"listener l { socket = unix:m.sock }\n"
	"map senders { entries = [ \"bad@x.example reject 550 5.7.1 No 100% thanks\",\n"
	"    \"later@x.example tempfail\", \"junk@x.example discard\",\n"
	"    \"odd@x.example quarantine odd\", \"fine@x.example accept\" ] }\n"
	"map rcpts { entries = [ \"dave@example.com reject 550 5.2.1 Dave left\" ] }\n"
	"profile submission { port = 587; chain = [ rule ] }\n"
	"profile rest { chain = [ access, rule ] }\n"
	"plugin access { sender = senders; recipient = rcpts }\n"
	"script rule { file = rule.lua }\n";

static const char rule[] =
	"function helo(m, name)\n"
	"    if name == 'liar' then return reject('You lie') end\n"
	"end\n"
	"function mail(m, from)\n"
	"    if m.auth then m:note('login', m.auth.user .. ' ' .. (m.tls and 'tls' or 'plain')) "
	"end\n"
	"end\n"
	"function headers(m)\n"
	"    if m:header('Subject') == 'bad' then return reject('5.7.1', 'Bad subject') end\n"
	"end\n"
	"function message(m)\n"
	"    if m.from.user == 'held' then return quarantine('look at it') end\n"
	"    m:add_header('X-Seen', (m:note('login') or m.client.ip) .. ' ' .. #m.rcpts)\n"
	"end\n";

#define MAIL(from) "MAIL FROM:<" from ">\n"
#define RCPT(to)   "RCPT TO:<" to ">\n"
#define SEND	   "DATA\nSubject: hi\n\nHello\n.\n"

static const struct {
	const char *name;
	const char *args[ARGS_MOST]; /* behind explain --session -c filter.conf */
	const char *typed;
	const char *out[WORDS_MOST]; /* in this order; "!..." is not there at all */
} talks[] = {
	{"a message", {"--client", "192.0.2.1"},
		"EHLO mx\r\n" MAIL("a@b.example") RCPT("bob@example.com") SEND "QUIT\r\n",
		{"220 mx.example.com ESMTP\n    connect   access",
			"> EHLO mx\n250 mx.example.com\n",
			"    helo      rule                no opinion",
			"250 2.1.0 Ok\n    mail      access", "    profile rest\n",
			"250 2.1.5 Ok\n    rcpt      access", "354 End data with ",
			"250 2.0.0 Ok: nothing is sent\n    headers   rule",
			"    verdict   accept  (",
			"    headers   + X-Seen: 192.0.2.1 1  by rule\n"}},
	{"a sender that is refused, and another", {NULL},
		MAIL("bad@x.example") RCPT("b@c.example") MAIL("a@b.example"),
		{"550 5.7.1 No 100% thanks (id ", "    mail      access              reject ",
			"503 5.5.1 Error: need MAIL command\n", "250 2.1.0 Ok\n"}},
	{"a recipient that is refused alone", {NULL},
		MAIL("a@b.example") RCPT("dave@example.com") RCPT("bob@example.com") SEND,
		{"550 5.2.1 Dave left", "250 2.1.5 Ok\n", "354 ", "250 2.0.0 Ok",
			"X-Seen:  1  by rule"}},
	{"recipients that are refused, all of them", {NULL},
		MAIL("a@b.example") RCPT("dave@example.com") "DATA\n.\n",
		{"550 5.2.1 Dave left", "554 5.5.1 Error: no valid recipients\n",
			"500 5.5.2 Error: command not recognized"}},
	{"a check that has seen each of the recipients is shown each time", {NULL},
		MAIL("a@b.example") RCPT("b@c.example") RCPT("d@c.example"),
		{"250 2.1.5 Ok\n    rcpt      access ",
			"250 2.1.5 Ok\n    rcpt      access              no opinion   2 calls"}},
	{"a message that is refused, and one that is not", {NULL},
		MAIL("a@b.example") RCPT("b@c.example") "DATA\nSubject: bad\n\n.\n" MAIL(
			"a@b.example") RCPT("b@c.example") SEND,
		{"550 5.7.1 Bad subject (id ", "    headers   rule                reject ",
			"    verdict   reject  550 5.7.1 Bad subject (id ", "  by rule  (",
			"250 2.1.0 Ok", "    mail      access              no opinion",
			"250 2.0.0 Ok: nothing is sent", "    verdict   accept  ("}},
	{"a message for later", {NULL}, MAIL("later@x.example"), {"451 4.7.1 "}},
	{"a message that is dropped", {NULL},
		MAIL("junk@x.example") RCPT("b@c.example") SEND MAIL("a@b.example"),
		{"250 2.1.0 Ok\n",
			"    discard: no check sees the rest, and the message is dropped\n",
			"> RCPT TO:<b@c.example>\n250 2.1.5 Ok\n> DATA\n354 ",
			"250 2.0.0 Ok: nothing is sent\n> MAIL",
			"250 2.1.0 Ok\n    mail      access "}},
	{"a message that is held", {NULL}, MAIL("odd@x.example") RCPT("b@c.example") SEND,
		{"250 2.0.0 Ok: nothing is sent\n", "    verdict   quarantine",
			"    hold      odd  by access\n"}},
	{"a message that a rule holds", {NULL}, MAIL("held@x.example") RCPT("b@c.example") SEND,
		{"    message   rule                quarantine   look at it  ",
			"    verdict   quarantine", "    hold      look at it  by rule\n"}},
	{"a refusal at HELO waits for MAIL", {NULL}, "HELO liar\n" MAIL("a@b.example"),
		{"250 mx.example.com\n    helo ", "  reject       550 5.7.1 You lie (id ",
			"told at MAIL or RCPT", "550 5.7.1 You lie (id ",
			"    told now: the refusal at connect or HELO\n"}},
	{"another HELO is another chance", {NULL}, "HELO liar\nHELO mx\n" MAIL("a@b.example"),
		{"You lie", "> HELO mx\n250 mx.example.com\n    helo      access ",
			"250 2.1.0 Ok\n"}},
	{"RSET begins anew", {NULL},
		MAIL("a@b.example") "RSET\n" RCPT("b@c.example") MAIL("c@b.example"),
		{"250 2.0.0 Ok\n", "503 5.5.1 Error: need MAIL command\n", "250 2.1.0 Ok\n"}},
	{"EHLO ends a message, too", {NULL}, MAIL("a@b.example") "EHLO mx\n" RCPT("b@c.example"),
		{"503 5.5.1 Error: need MAIL command\n"}},
	{"what the client is", {"--login", "bob", "--tls", "--port", "587", "--helo", "pc"},
		MAIL("a@b.example") RCPT("b@c.example") SEND,
		{"> EHLO pc\n250 mx.example.com\n", "    profile submission\n",
			"X-Seen: bob tls 1  by rule"}},
	{"parameters and odd paths", {NULL},
		"mail from: <\"a>b\"@b.example> SIZE=7 BODY=8BITMIME\nRCPT TO:bob@example.com\n",
		{"250 2.1.0 Ok\n", "250 2.1.5 Ok\n"}},
	{"a mistyped command", {NULL}, "MIAL FROM:<a@b>\nRCTP TO:<x>\nx\n\n",
		{"command not recognized; did you mean MAIL\n",
			"command not recognized; did you mean RCPT\n",
			"command not recognized; HELP lists them\n",
			"command not recognized; HELP lists them\n"}},
	{"commands without what they need", {NULL}, "EHLO\nMAIL\nRCPT\nDATA\nMAIL FROM <a@b>\n",
		{"501 5.5.4 Error: say a name", "501 5.5.4 Error: say the sender",
			"503 5.5.1 Error: need MAIL", "503 5.5.1 Error: need MAIL",
			"501 5.5.4 Error: say the sender"}},
	{"commands that are options here", {NULL}, "STARTTLS\nAUTH PLAIN\nhelp\nNOOP x\n",
		{"--session --tls\n", "--session --login USER\n", "214-RCPT TO:<ADDRESS>\n",
			"250 2.0.0 Ok\n"}},
	{"a message without its end", {NULL},
		MAIL("a@b.example") RCPT("b@c.example") "DATA\nSubject: hi\n",
		{"(the message has no end, a line with a dot: it is forgotten)\n", "!verdict"}},
	{"nothing behind QUIT", {NULL}, "QUIT\nNOOP\n", {"221 2.0.0 Bye\n", "!250"}},
	{"nothing at all", {NULL}, "", {"220 mx.example.com ESMTP\n"}},
	{"what a terminal would act on", {NULL}, "\033[2J\007\nEHLO \033]0;x\007\n",
		{"> \\x1b[2J\\x07\n500 5.5.2 ", "250 mx.example.com\n", "!\033", "!\007"}},
};

static struct drive d;

static void
setup(void)
{
	char dir[PATH_MAX], text[PATH_MAX + sizeof(sections) + 100];

	drive_init(&d);
	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\"; authserv_id = mx.example.com }\n%s", dir, sections);
	ck_assert_int_eq(chdir(d.dir), 0);
	drive_file(&d, "rule.lua", rule);
	drive_write("filter.conf", text);
}

static void
teardown(void)
{
	drive_fini(&d);
}

/* The exit status; what is printed is in the files out and err. */
static int
talk_from(const char *in, const char *const *args)
{
	char *argv[ARGS_MOST + 6] = {(char *)"chainmail", (char *)"explain", (char *)"--session",
		(char *)"-c", (char *)"filter.conf"};
	int argc = 5, status;

	for (; *args != NULL; args++)
		argv[argc++] = (char *)*args;
	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		log_close();
		if (freopen(in, "r", stdin) == NULL || freopen("out", "w", stdout) == NULL ||
			freopen("err", "w", stderr) == NULL)
			_exit(99);
		int code = cli_main(argc, argv);

		fflush(NULL);
		_exit(code);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
talk(const char *const *args, const char *typed, size_t len)
{
	FILE *in = fopen("in", "w");
	int status;

	fwrite(typed, 1, len, in);
	fclose(in);
	status = talk_from("in", args);
	unlink("in");
	return status;
}

static const char *
printed(const char *name)
{
	static char text[1 << 20];
	FILE *f = fopen(name, "r");

	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	unlink(name);
	return text;
}

/* Nothing was typed, and not because somebody was done. */
START_TEST(input_that_cannot_be_read_is_said)
{
	static const char *const args[] = {NULL};

	ck_assert_int_eq(talk_from(".", args), EXIT_NO);
	ck_assert_str_eq(printed("err"), "chainmail explain: standard input cannot be read\n");
	unlink("out");
}
END_TEST

START_TEST(a_session)
{
	int status = talk(talks[_i].args, talks[_i].typed, strlen(talks[_i].typed));
	const char *out = printed("out"), *at = out;

	for (int i = 0; i < WORDS_MOST && talks[_i].out[i] != NULL; i++) {
		const char *words = talks[_i].out[i];

		if (words[0] == '!') {
			ck_assert_msg(strstr(at, words + 1) == NULL, "%s: has %s:\n%s",
				talks[_i].name, words + 1, out);
			continue;
		}
		at = strstr(at, words);
		ck_assert_msg(at != NULL, "%s: \"%s\" is not in its place:\n%s", talks[_i].name,
			words, out);
		at += strlen(words);
	}
	ck_assert_int_eq(status, EXIT_OK);
	ck_assert_str_eq(printed("err"), "");
}
END_TEST

static const struct {
	const char *args[ARGS_MOST];
	const char *err;
} refusals[] = {
	{{"m.eml"}, "--session is told the message, --from and --to by SMTP on standard input\n"},
	{{"--from", "a@b.example"}, "--session is told the message, "},
	{{"--to", "a@b.example"}, "--session is told the message, "},
	{{"--json"}, "--session has no JSON\n"},
	{{"--client", "x"}, "--client x: not an IP address\n"},
};

START_TEST(options_that_do_not_go_together)
{
	ck_assert_int_eq(talk(refusals[_i].args, "", 0), EXIT_USAGE);
	ck_assert_str_eq(printed("out"), "");
	ck_assert_ptr_nonnull(strstr(printed("err"), refusals[_i].err));
}
END_TEST

/* Many messages, recipients and commands; and octets of all kinds. */
START_TEST(endless_typing_is_survived)
{
	static const char *const no_args[] = {NULL};
	static char text[1 << 20];
	size_t len = 0;
	unsigned seed = 1;

	while (len < sizeof(text) - 4096) {
		len += (size_t)sprintf(text + len, "EHLO mx\nMAIL FROM:<a@b.example>\n");
		for (int i = 0; i < 300 && len < sizeof(text) - 2048; i++) {
			len += (size_t)sprintf(text + len, "RCPT TO:<b%d@c.example>\nx%d\n", i, i);
			seed = seed * 1103515245 + 12345;
			text[len++] = (char)(seed >> 16);
		}
		len += (size_t)sprintf(text + len, "\n" SEND);
	}
	ck_assert_int_eq(talk(no_args, text, len), EXIT_OK);
	unlink("out");
	unlink("err");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("explain_session");
	TCase *tc = tcase_create("sessions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, input_that_cannot_be_read_is_said);
	tcase_add_loop_test(tc, a_session, 0, LENGTH(talks));
	tcase_add_loop_test(tc, options_that_do_not_go_together, 0, LENGTH(refusals));
	tcase_add_test(tc, endless_typing_is_survived);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
