/* SPDX-License-Identifier: MIT */
/*
 * test_milter_native.c - the native engine's state machine, without sockets and threads
 */
#include "door/milter_native.h"

#include <stdio.h>

#include "drive.h"
#include "mta_bytes.h"
#include "table.h"

static struct drive d;
static struct milter_native native;
static struct buf in, out;
static char log_path[128];

static void
setup(void)
{
	drive_init(&d);
	snprintf(log_path, sizeof(log_path), "%s/log", d.dir);
	drive_log_to(log_path);
	buf_init(&in, 0);
	buf_init(&out, 0);
	milter_native_init(&native, "l");
}

static void
load(const char *sections)
{
	drive_load(&d, sections);
	generation_swap(d.g);
	d.g = NULL;
}

static void
teardown(void)
{
	milter_native_fini(&native);
	buf_fini(&in);
	buf_fini(&out);
	generation_swap(NULL);
	log_close();
	unlink(log_path);
	drive_fini(&d);
}

/* --- the MTA --- */

static void
put(char command, const char *data, size_t len)
{
	mta_put(&in, command, data, len);
}

#define PUT(command, data) put(command, data, sizeof(data) - 1)

/* Gives what was put to the engine; false: it ends the connection. */
static bool
send_all(size_t *skip)
{
	size_t used;
	bool on = milter_native_feed(&native, in.data, in.len, &out, &used, skip);

	ck_assert_uint_le(used, in.len);
	if (on)
		ck_assert_uint_eq(used, in.len);
	buf_clear(&in);
	return on;
}

static bool
goes_on(void)
{
	size_t skip;

	return send_all(&skip);
}

/* The commands of all packets that came back, "?" for one that is none. */
static const char *
answers(void)
{
	static char text[64];
	size_t at = 0, count = 0;
	struct milter_packet p;

	while (at < out.len && count < sizeof(text) - 1) {
		ck_assert_int_eq(
			milter_frame(&p, out.data + at, out.len - at, 1 << 24), MILTER_PACKET);
		text[count++] = (char)p.command;
		at += p.size;
	}
	text[count] = '\0';
	buf_clear(&out);
	return text;
}

#define OFFER		MTA_OFFER
#define NOTHING_OFFERED "\0\0\0\6\0\0\1\xff\0\0\0\0"
#define CLIENT		MTA_CLIENT

/* --- order --- */

enum where { NEW, READY, IDLE, MAIL, RCPT, DATA, HEADER, EOH, BODY, WHERES };

static const char *const names[] = {
	"new", "negotiated", "connected", "mail", "rcpt", "data", "header", "eoh", "body"};

/* Says what leads to the state. */
static void
go_to(enum where where)
{
	static const struct {
		char command;
		const char *data;
		size_t len;
	} steps[] = {
		[READY] = {'O', OFFER, 12},
		[IDLE] = {'C', CLIENT, 32},
		[MAIL] = {'M', "<a@example.org>", 16},
		[RCPT] = {'R', "<b@example.com>", 16},
		[DATA] = {'T', "", 0},
		[HEADER] = {'L', "Subject\0hello", 14},
		[EOH] = {'N', "", 0},
		[BODY] = {'B', "text\r\n", 6},
	};

	for (enum where i = READY; i <= where; i++)
		put(steps[i].command, steps[i].data, steps[i].len);
	ck_assert_msg(goes_on(), "%s", names[where]);
	buf_clear(&out);
}

/* Where a command may come: a letter for each state, "-" where it ends the connection. */
static const struct {
	char command;
	const char *data;
	size_t len;
	const char *legal; /* new ready idle mail rcpt data header eoh body */
} commands[] = {
	{'A', "", 0, "-aaaaaaaa"},
	{'B', "x", 1, "----bbbbb"},
	{'C', CLIENT, 32, "-c-------"},
	{'D',
		"Mi\0"
		"1",
		5, "-dddddddd"},
	{'E', "", 0, "----eeeee"},
	{'E', "last", 4, "----eeeee"},
	{'H', "h", 2, "--hhhhhhh"},
	{'K', "", 0, "-kkkkkkkk"},
	{'L', "A\0b", 4, "----lll--"},
	{'M', "<c@d>", 6, "--mmmmmmm"},
	{'N', "", 0, "----nnn--"},
	{'O', OFFER, 12, "o--------"},
	{'Q', "", 0, "---------"},
	{'R', "<c@d>", 6, "--rrr----"},
	{'T', "", 0, "--t-t----"},
	{'U', "FOO", 4, "--uuuuuuu"},
	{'X', "", 0, "---------"},
	{'\0', "", 0, "---------"},
};

#define RULES "plugin trace { level = debug }\nprofile all { chain = [ trace ] }\n"

START_TEST(commands_come_in_their_order)
{
	enum where where = (enum where)(_i % WHERES);
	int row = _i / WHERES;

	load(RULES);
	if (where != NEW)
		go_to(where);
	put(commands[row].command, commands[row].data, commands[row].len);
	ck_assert_msg(goes_on() == (commands[row].legal[where] != '-'), "%c in %s",
		commands[row].command, names[where]);
	/* Whatever it was, it must end cleanly. */
}
END_TEST

/* A message from any state, after what an MTA says to begin anew. */
START_TEST(every_state_can_begin_a_message)
{
	static const char *const ways[] = {"A", "K", "M", "H"};
	enum where where = IDLE + (enum where)(_i % (WHERES - IDLE));
	char way = ways[_i / (WHERES - IDLE)][0];

	load(RULES);
	go_to(where);
	if (way == 'A' || way == 'K')
		put(way, "", 0);
	if (way == 'K')
		put('C', CLIENT, 32);
	if (way == 'H')
		PUT('H', "again\0");
	PUT('M', "<a@example.org>\0");
	PUT('R', "<b@example.com>\0");
	PUT('T', "");
	PUT('L', "Subject\0hello\0");
	PUT('N', "");
	PUT('B', "text");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_int_eq(out.data[out.len - 1], 'c');
}
END_TEST

/* --- answers --- */

static const char refusing[] =
	"map s { entries = [ \"<> reject 550 5.7.1 100% no\", \"m@x.org reject\",\n"
	"    \"d@x.org discard\", \"q@x.org quarantine odd\" ] }\n"
	"map r { entries = [ \"r@x.org reject\", \"t@x.org tempfail\" ] }\n"
	"plugin access { sender = s; recipient = r }\n"
	"profile all { chain = [ access ] }\n";

START_TEST(each_command_that_wants_an_answer_gets_one)
{
	load(refusing);
	put('O', OFFER, 12);
	put('C', CLIENT, 32);
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "O"); /* connect needs none */
	PUT('M', "<m@x.org>\0");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "y");
	PUT('M', "<a@x.org>\0");
	PUT('R', "<r@x.org>\0");
	PUT('R', "<t@x.org>\0");
	PUT('R', "<b@x.org>\0");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "cyycc");
	PUT('M', "<d@x.org>\0");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "d");
	PUT('M', "<q@x.org>\0");
	PUT('R', "<b@x.org>\0");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "ccqc");
}
END_TEST

START_TEST(a_percent_sign_is_doubled)
{
	load(refusing);
	put('O', OFFER, 12);
	put('C', CLIENT, 32);
	ck_assert(goes_on());
	buf_clear(&out);
	PUT('M', "<>\0");
	ck_assert(goes_on());
	ck_assert_msg(
		strncmp(out.data + 4, "y550 5.7.1 100%% no (id ", 24) == 0, "%s", out.data + 4);
}
END_TEST

START_TEST(an_mta_that_can_do_nothing_waits_for_every_answer)
{
	load(RULES);
	put('O', NOTHING_OFFERED, 12);
	put('C', CLIENT, 32);
	PUT('H', "h\0");
	PUT('M', "<a@x.org>\0");
	PUT('R', "<b@x.org>\0");
	PUT('T', "");
	PUT('L', "A\0b\0");
	PUT('N', "");
	PUT('B', "x");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "Occccccccc");
}
END_TEST

/* --- connections that serve several clients --- */

START_TEST(a_connection_is_used_again_on_what_was_negotiated)
{
	struct generation *first;

	load(refusing);
	go_to(MAIL);
	first = native.conversation.generation;
	const char *id = native.conversation.session->conn_id;
	char old[SESSION_ID_SIZE];

	memcpy(old, id, sizeof(old));
	PUT('K', "");
	put('C',
		"other\0"
		"4\x9c\x40"
		"198.51.100.9",
		22);
	PUT('M', "<m@x.org>\0");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "y");
	ck_assert_str_eq(native.conversation.session->client.ip, "198.51.100.9");
	ck_assert_str_ne(native.conversation.session->conn_id, old);
	ck_assert_ptr_eq(native.conversation.generation, first);
}
END_TEST

/* --- macros --- */

static const char *
macro(const char *name)
{
	const char *value;

	return session_macro(native.conversation.session, name, &value) == CM_KNOWN ? value : "-";
}

START_TEST(macros_are_replaced_and_dropped_by_stage)
{
	load(RULES);
	put('O', OFFER, 12);
	PUT('D', "Cj\0mx.one\0");
	put('C', CLIENT, 32);
	PUT('D', "M{mail_addr}\0a@x.org\0i\0first\0");
	PUT('M', "<a@x.org>\0");
	PUT('D', "R{rcpt_addr}\0one@x.org\0");
	PUT('R', "<one@x.org>\0");
	ck_assert(goes_on());
	ck_assert_str_eq(macro("{rcpt_addr}"), "one@x.org");
	ck_assert_str_eq(macro("i"), "first");
	PUT('D', "R{rcpt_host}\0x.org\0");
	PUT('R', "<two@x.org>\0");
	ck_assert(goes_on());
	ck_assert_str_eq(macro("{rcpt_addr}"), "-");
	ck_assert_str_eq(macro("{rcpt_host}"), "x.org");
	PUT('A', "");
	ck_assert(goes_on());
	ck_assert_str_eq(macro("{rcpt_host}"), "-");
	ck_assert_str_eq(macro("{mail_addr}"), "-");
	ck_assert_str_eq(macro("j"), "mx.one");
	PUT('D', "Cj\0mx.two\0");
	ck_assert(goes_on());
	ck_assert_str_eq(macro("j"), "mx.two");
}
END_TEST

/* --- recipients that the MTA refused --- */

START_TEST(a_link_may_see_recipients_that_the_mta_refused)
{
	drive_run_test_plugins(&d, "plugin refused { }\nprofile all { chain = [ refused ] }\n");
	go_to(MAIL);
	PUT('D', "R{rcpt_mailer}\0local\0{rcpt_addr}\0one@x.org\0");
	PUT('R', "<one@x.org>\0");
	PUT('D', "R{rcpt_mailer}\0error\0{rcpt_addr}\0User unknown\0");
	PUT('R', "<two@x.org>\0");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_ptr_nonnull(memmem(out.data, out.len, "X-Refused\0001 of 1: User unknown", 31));
	ck_assert_str_eq(answers(), "cchc");
}
END_TEST

/* --- large packets --- */

START_TEST(a_header_that_is_too_large_refuses_the_message_alone)
{
	size_t size = (size_t)3 << 20, skip;
	char head[5 + 5000] = {0};

	load(RULES);
	go_to(DATA);
	head[0] = 0;
	head[1] = 0x30;
	head[4] = 'L';
	memcpy(head + 5, "X-Large\0", 8);
	memset(head + 13, 'x', sizeof(head) - 13);
	buf_add(&in, head, sizeof(head));
	ck_assert(send_all(&skip));
	ck_assert_uint_eq(skip, size + 4 - sizeof(head));
	buf_clear(&out);
	PUT('N', "");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_ptr_nonnull(memmem(out.data, out.len, "552 5.3.4", 9));
	buf_clear(&out);
	PUT('M', "<a@x.org>\0");
	PUT('R', "<b@x.org>\0");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_int_eq(out.data[out.len - 1], 'c');
}
END_TEST

/* A client goes on after DATA was refused; its mail must not pass for want of an answer. */
START_TEST(a_client_may_go_on_after_a_refusal_at_data)
{
	load("plugin trace { answer = [ \"data reject\" ]; stop_early = yes }\n"
	     "profile all { chain = [ trace ] }\n");
	go_to(RCPT);
	PUT('T', "");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "y");
	PUT('R', "<c@example.com>\0");
	PUT('T', "");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "yy");
	PUT('M', "<a@example.org>\0");
	PUT('R', "<b@example.com>\0");
	PUT('T', "");
	ck_assert(goes_on());
	ck_assert_str_eq(answers(), "ccy");
}
END_TEST

START_TEST(a_field_without_a_name_refuses_the_message)
{
	load(RULES);
	go_to(DATA);
	PUT('L', "\0no name\0");
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert_ptr_nonnull(memmem(out.data, out.len, "y550 5.6.0", 10));
}
END_TEST

START_TEST(repeated_macros_take_no_more_memory)
{
	load(RULES);
	go_to(IDLE);
	for (int i = 0; i < 1000; i++) {
		PUT('D', "M{mail_addr}\0a@x.org\0");
		PUT('D', "R{rcpt_addr}\0one@x.org\0");
		PUT('D', "Ei\0queue\0");
		ck_assert(goes_on());
	}
	struct cm_session *s = native.conversation.session;

	ck_assert_uint_eq(s->msg.used, 0);
	for (int i = 0; i < CM_STAGE_COUNT; i++)
		ck_assert_uint_lt(s->macro_arenas[i].used, 200);
	PUT('M', "<a@x.org>\0");
	for (int i = 0; i < 1000; i++)
		PUT('D', "R{rcpt_addr}\0one@x.org\0");
	ck_assert(goes_on());
	ck_assert_uint_lt(s->macro_arenas[CM_STAGE_RCPT].used, 200);
}
END_TEST

START_TEST(strangers_cannot_make_us_wait_for_much)
{
	size_t used, skip;

	/* The begin of a megabyte, and of an HTTP request. */
	load(RULES);
	ck_assert(!milter_native_feed(&native, "\0\x0f\0\0O", 5, &out, &used, &skip));
	ck_assert(!milter_native_feed(&native, "\0\0\0\x20M", 5, &out, &used, &skip));
	ck_assert(milter_native_feed(&native, "\0\0\0\x0dO", 5, &out, &used, &skip));
	ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(the_beginning_of_a_large_header_is_waited_for)
{
	size_t used, skip;
	const char head[] = "\0\x30\0\0LX-Large\0x";

	load(RULES);
	go_to(DATA);
	ck_assert(milter_native_feed(&native, head, sizeof(head), &out, &used, &skip));
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(skip, 0);
}
END_TEST

/* --- end of message --- */

START_TEST(progress_is_asked_for_at_end_of_message_alone)
{
	load(RULES);
	go_to(BODY);
	ck_assert(!atomic_load(&native.may_progress));
	PUT('E', "");
	ck_assert(goes_on());
	ck_assert(!atomic_load(&native.may_progress));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("milter_native");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, commands_come_in_their_order, 0, LENGTH(commands) * WHERES);
	tcase_add_loop_test(t, every_state_can_begin_a_message, 0, 4 * (WHERES - IDLE));
	tcase_add_test(t, each_command_that_wants_an_answer_gets_one);
	tcase_add_test(t, a_percent_sign_is_doubled);
	tcase_add_test(t, an_mta_that_can_do_nothing_waits_for_every_answer);
	tcase_add_test(t, a_connection_is_used_again_on_what_was_negotiated);
	tcase_add_test(t, macros_are_replaced_and_dropped_by_stage);
	tcase_add_test(t, a_link_may_see_recipients_that_the_mta_refused);
	tcase_add_test(t, a_header_that_is_too_large_refuses_the_message_alone);
	tcase_add_test(t, a_client_may_go_on_after_a_refusal_at_data);
	tcase_add_test(t, a_field_without_a_name_refuses_the_message);
	tcase_add_test(t, repeated_macros_take_no_more_memory);
	tcase_add_test(t, strangers_cannot_make_us_wait_for_much);
	tcase_add_test(t, the_beginning_of_a_large_header_is_waited_for);
	tcase_add_test(t, progress_is_asked_for_at_end_of_message_alone);
	suite_add_tcase(suite, t);
	return table_run(suite);
}
