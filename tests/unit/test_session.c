/* SPDX-License-Identifier: MIT */
/*
 * test_session.c - what a session keeps, for how long, and how much of it
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/session.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static struct session_limits limits;
static struct cm_session *s;
static struct arena arena;

static void
setup(void)
{
	struct log_config quiet = {.target = LOG_TARGET_FILE, .path = "/dev/null"};
	struct err err;

	limits = (struct session_limits){
		.header_octets = 1000, .header_fields = 10, .recipients = 5, .body_octets = 100};
	ck_assert_msg(log_open(&quiet, 1, &err), "%s", err.text);
	s = session_new(&limits, "postfix");
	arena_init(&arena, 1024);
}

static void
teardown(void)
{
	session_free(s);
	arena_fini(&arena);
	log_close();
}

static enum session_kept
step(enum cm_stage stage)
{
	return session_keep(s, &(struct cm_event){.stage = stage});
}

static enum session_kept
helo(const char *name)
{
	return session_keep(s, &(struct cm_event){.stage = CM_STAGE_HELO, .name = name});
}

static enum session_kept
mail(const char *from)
{
	struct cm_address a;

	address_parse_path(&a, &arena, from);
	return session_keep(s, &(struct cm_event){.stage = CM_STAGE_MAIL, .address = &a});
}

static enum session_kept
rcpt(const char *to)
{
	struct cm_address a;
	enum session_kept kept;

	address_parse_path(&a, &arena, to);
	kept = session_keep(s, &(struct cm_event){.stage = CM_STAGE_RCPT, .address = &a});
	if (kept == SESSION_KEPT)
		session_add_rcpt(s, &a);
	return kept;
}

static enum session_kept
header(const char *name, const char *value)
{
	return session_keep(
		s, &(struct cm_event){.stage = CM_STAGE_HEADER, .name = name, .value = value});
}

static enum session_kept
body(const char *text)
{
	return session_keep(s, &(struct cm_event){.stage = CM_STAGE_BODY,
				       .data = (const unsigned char *)text,
				       .len = strlen(text)});
}

START_TEST(client_facts)
{
	struct net_addr addr;

	ck_assert(net_parse(&addr, "IPv6:2001:DB8:0::7"));
	session_set_client(s, "mail.example.org", &addr, 4711);
	ck_assert_str_eq(s->client.ip, "2001:db8::7");
	ck_assert_str_eq(s->client.name, "mail.example.org");
	ck_assert_uint_eq(s->client.port, 4711);
	ck_assert_uint_eq(s->peer.family, 6);
	ck_assert_str_eq(s->listener, "postfix");
}
END_TEST

static const struct name_case {
	const char *given, *name;
} names[] = {
	{NULL, "unknown"},
	{"", "unknown"},
	{"unknown", "unknown"},
	{"[192.0.2.1]", "unknown"},
	{"localhost", "localhost"},
};

START_TEST(client_without_a_name_is_unknown)
{
	session_set_client(s, names[_i].given, NULL, 0);
	ck_assert_str_eq(s->client.name, names[_i].name);
	ck_assert_str_eq(s->client.ip, "");
	ck_assert_uint_eq(s->peer.family, 0);
}
END_TEST

START_TEST(mail_begins_a_message_and_end_ends_it)
{
	char id[SESSION_ID_SIZE];

	ck_assert_str_eq(s->id, s->conn_id);
	ck_assert_ptr_eq(session_arena(s), &s->conn);
	helo("client.example");
	mail("<Bob@EXAMPLE.org>");
	ck_assert(s->in_message);
	ck_assert_ptr_eq(session_arena(s), &s->msg);
	ck_assert_str_ne(s->id, s->conn_id);
	ck_assert_str_eq(s->sender.addr, "Bob@example.org");
	memcpy(id, s->id, sizeof(id));
	rcpt("<a@x.y>");
	session_set_note(s, "n", "1");
	session_set_result(s, "spf", "result", "pass");
	session_end_message(s);
	session_end_message(s);
	ck_assert(!s->in_message);
	ck_assert_str_eq(s->id, s->conn_id);
	ck_assert_uint_eq(s->rcpt_count, 0);
	ck_assert_ptr_null(s->sender.addr);
	ck_assert_ptr_null(session_note(s, "n"));
	ck_assert_ptr_null(session_result(s, "spf", "result"));
	ck_assert_uint_eq(s->msg.used, 0);
	ck_assert_str_eq(s->helo, "client.example");
	mail("<>");
	ck_assert_str_ne(s->id, id);
	ck_assert(s->sender.null);
}
END_TEST

START_TEST(second_mail_ends_the_first_message)
{
	s->keep_headers = s->keep_body = true;
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	header("A", "1");
	body("text");
	step(CM_STAGE_EOM);
	mail("<c@x.y>");
	ck_assert_str_eq(s->sender.addr, "c@x.y");
	ck_assert_uint_eq(s->rcpt_count, 0);
	ck_assert_uint_eq(s->header_count, 0);
	ck_assert_ptr_null(s->header_index);
	ck_assert_ptr_null(s->body);
	ck_assert_int_eq(s->size, 0);
	ck_assert_ptr_null(session_header_value(s, "A", 1));
}
END_TEST

START_TEST(event_texts_are_copied)
{
	char name[] = "Subject", value[] = "hello", host[] = "client";

	helo(host);
	mail("<a@x.y>");
	s->keep_headers = true;
	header(name, value);
	memset(name, '!', 7);
	memset(value, '!', 5);
	memset(host, '!', 6);
	arena_reset(&arena);
	memset(arena_alloc(&arena, 512), '!', 512);
	ck_assert_str_eq(s->helo, "client");
	ck_assert_str_eq(s->sender.user, "a");
	ck_assert_str_eq(s->sender.text, "<a@x.y>");
	ck_assert_str_eq(session_header_value(s, "subject", 1), "hello");
}
END_TEST

START_TEST(headers_are_found_by_name_and_number)
{
	struct edit_fields f;

	mail("<a@x.y>");
	s->keep_headers = true;
	header("Received", "one");
	header("Subject", " two\n three");
	header("RECEIVED", "four");
	ck_assert_ptr_null(s->header_index);
	step(CM_STAGE_EOH);
	ck_assert_str_eq(session_header_value(s, "received", 1), "one");
	ck_assert_str_eq(session_header_value(s, "received", 2), "four");
	ck_assert_ptr_null(session_header_value(s, "received", 3));
	ck_assert_ptr_null(session_header_value(s, "Receive", 1));
	ck_assert_str_eq(s->header_index[1]->value, " two\n three");
	ck_assert_uint_eq(s->header_count, 3);
	f = session_fields(s);
	ck_assert_uint_eq(f.count(f.context, "Received"), 2);
	ck_assert_uint_eq(f.count(f.context, "To"), 0);
	ck_assert_str_eq(f.value(f.context, "Received", 2), "four");
	ck_assert_str_eq(f.spelling(f.context, "Received", 2), "RECEIVED");
}
END_TEST

START_TEST(recipients_are_told_to_the_planner)
{
	struct edit_fields f;

	mail("<a@x.y>");
	rcpt("<bob@X.Y>");
	rcpt("<c@x.y>");
	rcpt("<\"bob\"@x.y>");
	f = session_fields(s);
	ck_assert_uint_eq(f.rcpt_count, 3);
	ck_assert_str_eq(f.rcpt(f.context, 0)->text, "<bob@X.Y>");
	ck_assert_str_eq(f.rcpt(f.context, 2)->text, "<\"bob\"@x.y>");
}
END_TEST

static const enum cm_stage after_header[] = {CM_STAGE_EOH, CM_STAGE_BODY, CM_STAGE_EOM};

START_TEST(header_section_ends_even_if_nobody_says_so)
{
	mail("<a@x.y>");
	s->keep_headers = true;
	step(after_header[_i]);
	ck_assert_ptr_nonnull(s->header_index);
}
END_TEST

START_TEST(headers_that_nobody_needs_are_counted_only)
{
	mail("<a@x.y>");
	header("A", "12345");
	step(CM_STAGE_EOH);
	ck_assert_ptr_null(session_header_value(s, "A", 1));
	ck_assert_ptr_null(s->header_index);
	ck_assert_uint_eq(s->header_count, 1);
	ck_assert_int_eq(s->size, 1 + 2 + 5 + 2 + 2);
}
END_TEST

START_TEST(too_many_fields)
{
	mail("<a@x.y>");
	for (size_t i = 0; i < limits.header_fields; i++)
		ck_assert_int_eq(header("A", "b"), SESSION_KEPT);
	ck_assert_int_eq(header("A", "b"), SESSION_TOO_LARGE);
	ck_assert_uint_eq(s->header_count, limits.header_fields);
}
END_TEST

START_TEST(too_many_octets_of_header)
{
	char *huge = malloc(10000001);

	ck_assert_ptr_nonnull(huge);
	memset(huge, 'x', 10000000);
	huge[10000000] = '\0';
	mail("<a@x.y>");
	s->keep_headers = true;
	ck_assert_int_eq(header("A", huge), SESSION_TOO_LARGE);
	huge[500] = '\0';
	ck_assert_int_eq(header("A", huge), SESSION_KEPT);
	ck_assert_int_eq(header("A", huge), SESSION_TOO_LARGE);
	huge[490] = '\0';
	ck_assert_int_eq(header("A", huge), SESSION_KEPT);
	ck_assert_int_eq(header("A", ""), SESSION_TOO_LARGE);
	ck_assert_uint_eq(s->header_octets, 1000);
	ck_assert_uint_lt(s->msg.used, 5000);
	free(huge);
}
END_TEST

START_TEST(too_many_recipients)
{
	const struct cm_address *first;

	mail("<a@x.y>");
	rcpt("<r1@x.y>");
	first = &s->rcpts[0];
	for (int i = 2; i <= 5; i++)
		ck_assert_int_eq(rcpt("<r@x.y>"), SESSION_KEPT);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(rcpt("<late@x.y>"), SESSION_TOO_MANY);
	ck_assert_uint_eq(s->rcpt_count, 5);
	ck_assert_str_eq(s->rcpts[0].addr, "r1@x.y");
	/* A pointer that a link took before the list grew. */
	ck_assert_str_eq(first->addr, "r1@x.y");
}
END_TEST

START_TEST(body_is_kept_whole)
{
	mail("<a@x.y>");
	s->keep_body = true;
	body("one ");
	body("");
	body("two");
	ck_assert_uint_eq(s->body_len, 7);
	ck_assert_mem_eq(s->body, "one two", 7);
	ck_assert_int_eq(s->size, 2 + 7);
	ck_assert(!s->body_cut);
}
END_TEST

START_TEST(body_up_to_the_limit)
{
	char text[101];

	memset(text, 'x', 100);
	text[100] = '\0';
	mail("<a@x.y>");
	s->keep_body = true;
	body(text);
	ck_assert_uint_eq(s->body_len, 100);
	body("y");
	ck_assert(s->body_cut);
	ck_assert_ptr_null(s->body);
	body("z");
	ck_assert_ptr_null(s->body);
	ck_assert_int_eq(s->size, 2 + 102);
	mail("<a@x.y>");
	ck_assert(!s->body_cut);
	body("z");
	ck_assert_uint_eq(s->body_len, 1);
}
END_TEST

START_TEST(body_that_nobody_needs_is_counted_only)
{
	mail("<a@x.y>");
	body("text");
	ck_assert_ptr_null(s->body);
	ck_assert_int_eq(s->size, 2 + 4);
}
END_TEST

/* Macros: what is told, and what is known when it is not. */

static void
macro(enum cm_stage stage, const char *name, const char *value)
{
	session_macros_begin(s, stage);
	session_macro_add(s, stage, name, value);
}

static const char *
value_of(const char *name)
{
	const char *value;
	enum cm_known known = session_macro(s, name, &value);

	if (known == CM_KNOWN)
		return value;
	ck_assert_ptr_null(value);
	return known == CM_NONE ? "(none)" : "(undelivered)";
}

START_TEST(missing_macro_is_none_only_where_we_asked)
{
	ck_assert_str_eq(value_of("{auth_authen}"), "(undelivered)");
	s->macros_asked = true;
	ck_assert_str_eq(value_of("{auth_authen}"), "(none)");
	macro(CM_STAGE_MAIL, "{auth_authen}", "bob");
	ck_assert_str_eq(value_of("{auth_authen}"), "bob");
}
END_TEST

START_TEST(braces_do_not_matter)
{
	macro(CM_STAGE_CONNECT, "{j}", "mx.example");
	ck_assert_str_eq(value_of("j"), "mx.example");
	ck_assert_str_eq(value_of("{j}"), "mx.example");
	session_macro_add(s, CM_STAGE_CONNECT, "client_ptr", "p");
	ck_assert_str_eq(value_of("{client_ptr}"), "p");
	ck_assert_str_eq(value_of("{client_pt}"), "(undelivered)");
	ck_assert_str_eq(value_of("{client_ptr"), "(undelivered)");
}
END_TEST

START_TEST(empty_macro_is_none)
{
	macro(CM_STAGE_MAIL, "{auth_authen}", "");
	ck_assert_str_eq(value_of("{auth_authen}"), "(none)");
	ck_assert_ptr_null(s->auth.user);
}
END_TEST

START_TEST(later_list_wins_and_drops_what_is_behind_it)
{
	macro(CM_STAGE_MAIL, "i", "1");
	mail("<a@x.y>");
	macro(CM_STAGE_RCPT, "i", "2");
	ck_assert_str_eq(value_of("i"), "2");
	macro(CM_STAGE_EOM, "i", "3");
	ck_assert_str_eq(value_of("i"), "3");
	session_macros_begin(s, CM_STAGE_DATA);
	ck_assert_str_eq(value_of("i"), "2");
	ck_assert_str_eq(session_queue_id(s), "2");
	session_macros_begin(s, CM_STAGE_RCPT);
	ck_assert_str_eq(value_of("i"), "1");
}
END_TEST

START_TEST(macros_of_mail_end_with_the_message)
{
	macro(CM_STAGE_CONNECT, "j", "mx");
	macro(CM_STAGE_MAIL, "{auth_authen}", "bob");
	mail("<a@x.y>");
	macro(CM_STAGE_RCPT, "i", "Q1");
	session_end_message(s);
	ck_assert_str_eq(value_of("{auth_authen}"), "(undelivered)");
	ck_assert_str_eq(value_of("i"), "(undelivered)");
	ck_assert_ptr_null(session_queue_id(s));
	ck_assert_str_eq(value_of("j"), "mx");
}
END_TEST

START_TEST(macros_of_the_next_mail_outlive_an_open_message)
{
	macro(CM_STAGE_MAIL, "{mail_addr}", "first");
	mail("<a@x.y>");
	session_macros_begin(s, CM_STAGE_MAIL);
	session_macro_add(s, CM_STAGE_MAIL, "{mail_addr}", "second");
	session_macro_add(s, CM_STAGE_MAIL, "{auth_authen}", "bob");
	mail("<b@x.y>");
	ck_assert_str_eq(value_of("{mail_addr}"), "second");
	ck_assert_str_eq(value_of("{auth_authen}"), "bob");
	session_end_message(s);
	ck_assert_str_eq(value_of("{mail_addr}"), "(undelivered)");
}
END_TEST

/* What Postfix and Sendmail say of where a client connected to. */
START_TEST(the_server_is_what_the_client_reached)
{
	static const struct {
		const char *daemon_addr, *if_addr, *ip;
	} rows[] = {
		{"192.0.2.25", NULL, "192.0.2.25"},
		{"127.0.0.1", "", "127.0.0.1"},
		{"0.0.0.0", "192.0.2.25", "192.0.2.25"},
		{"IPv6:0:0:0:0:0:0:0:0", "IPv6:2001:db8:0:0:0:0:0:1", "2001:db8::1"},
		{"IPv6:0:0:0:0:0:0:0:1", NULL, "::1"},
		{"0.0.0.0", NULL, NULL},
		{"unknown", NULL, NULL},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		s->server.ip = NULL;
		session_macros_begin(s, CM_STAGE_CONNECT);
		session_macro_add(s, CM_STAGE_CONNECT, "{daemon_addr}", rows[i].daemon_addr);
		if (rows[i].if_addr != NULL)
			session_macro_add(s, CM_STAGE_CONNECT, "{if_addr}", rows[i].if_addr);
		ck_assert_pstr_eq(s->server.ip, rows[i].ip);
	}
}
END_TEST

START_TEST(an_address_is_no_reverse_name)
{
	session_macros_begin(s, CM_STAGE_CONNECT);
	session_macro_add(s, CM_STAGE_CONNECT, "{client_ptr}", "[192.0.2.7]");
	ck_assert_str_eq(s->client.ptr, "unknown");
}
END_TEST

START_TEST(facts_are_filled_from_macros)
{
	session_macros_begin(s, CM_STAGE_CONNECT);
	session_macro_add(s, CM_STAGE_CONNECT, "j", "mx.example");
	session_macro_add(s, CM_STAGE_CONNECT, "{client_ptr}", "ptr.example");
	session_macro_add(s, CM_STAGE_CONNECT, "{client_port}", "1234");
	session_macro_add(s, CM_STAGE_CONNECT, "{daemon_name}", "smtpd");
	session_macro_add(s, CM_STAGE_CONNECT, "{daemon_port}", "587");
	session_macro_add(s, CM_STAGE_CONNECT, "{daemon_addr}", "192.0.2.25");
	session_macros_begin(s, CM_STAGE_MAIL);
	session_macro_add(s, CM_STAGE_MAIL, "{auth_authen}", "bob");
	session_macro_add(s, CM_STAGE_MAIL, "{auth_type}", "PLAIN");
	session_macro_add(s, CM_STAGE_MAIL, "{tls_version}", "TLSv1.3");
	session_macro_add(s, CM_STAGE_MAIL, "{cipher}", "AES");
	session_macro_add(s, CM_STAGE_MAIL, "{cipher_bits}", "256");
	session_macro_add(s, CM_STAGE_MAIL, "{cert_subject}", "CN=x");
	ck_assert_str_eq(s->server.name, "mx.example");
	ck_assert_str_eq(s->server.daemon, "smtpd");
	ck_assert_str_eq(s->server.ip, "192.0.2.25");
	ck_assert_uint_eq(s->server.port, 587);
	ck_assert_str_eq(s->client.ptr, "ptr.example");
	ck_assert_uint_eq(s->client.port, 1234);
	ck_assert_str_eq(s->auth.user, "bob");
	ck_assert_str_eq(s->auth.method, "PLAIN");
	ck_assert_str_eq(s->tls.version, "TLSv1.3");
	ck_assert_str_eq(s->tls.cipher, "AES");
	ck_assert_uint_eq(s->tls.bits, 256);
	ck_assert_str_eq(s->tls.cert_subject, "CN=x");
}
END_TEST

static const struct number_case {
	const char *text;
	unsigned port;
} numbers[] = {
	{"25", 25},
	{"65535", 65535},
	{"65536", 0},
	{"99999999999999999999", 0},
	{"-1", 0},
	{"", 0},
	{"25x", 0},
	{" 25", 0},
	{"0", 0},
};

START_TEST(port_that_is_none_is_zero)
{
	macro(CM_STAGE_CONNECT, "{daemon_port}", numbers[_i].text);
	ck_assert_uint_eq(s->server.port, numbers[_i].port);
}
END_TEST

START_TEST(facts_told_in_each_message_cost_memory_once)
{
	size_t used = 0;

	for (int i = 0; i < 100; i++) {
		session_macros_begin(s, CM_STAGE_MAIL);
		session_macro_add(s, CM_STAGE_MAIL, "{auth_authen}", "bob");
		session_macro_add(s, CM_STAGE_MAIL, "{daemon_name}", "smtpd");
		mail("<a@x.y>");
		helo("client.example");
		session_end_message(s);
		if (i == 0)
			used = s->conn.used;
	}
	ck_assert_uint_eq(s->conn.used, used);
	ck_assert_uint_eq(s->msg.used, 0);
}
END_TEST

START_TEST(endless_macro_list_is_bounded)
{
	session_macros_begin(s, CM_STAGE_CONNECT);
	for (int i = 0; i < 100000; i++)
		session_macro_add(s, CM_STAGE_CONNECT, "{x}", "y");
	ck_assert_uint_lt(s->macro_arenas[CM_STAGE_CONNECT].used, 100000);
}
END_TEST

START_TEST(lists_told_again_cost_no_memory)
{
	size_t used = 0;
	char value[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(value, sizeof(value), "%04d", i);
		macro(CM_STAGE_CONNECT, "j", value);
		macro(CM_STAGE_HELO, "{tls_version}", value);
		ck_assert_str_eq(s->server.name, value);
		ck_assert_str_eq(s->tls.version, value);
		if (i == 0)
			used = s->conn.used + s->macro_arenas[CM_STAGE_CONNECT].used +
			       s->macro_arenas[CM_STAGE_HELO].used;
	}
	ck_assert_uint_eq(s->conn.used + s->macro_arenas[CM_STAGE_CONNECT].used +
				  s->macro_arenas[CM_STAGE_HELO].used,
		used);
}
END_TEST

START_TEST(login_ends_with_its_message)
{
	macro(CM_STAGE_CONNECT, "j", "mx");
	macro(CM_STAGE_MAIL, "{auth_authen}", "bob");
	mail("<a@x.y>");
	ck_assert_str_eq(s->auth.user, "bob");
	session_end_message(s);
	ck_assert_ptr_null(s->auth.user);
	ck_assert_str_eq(s->server.name, "mx");
	mail("<ceo@x.y>");
	ck_assert_ptr_null(s->auth.user);
	ck_assert_str_eq(value_of("{auth_authen}"), "(undelivered)");
	macro(CM_STAGE_MAIL, "{auth_authen}", "eve");
	mail("<b@x.y>");
	ck_assert_str_eq(s->auth.user, "eve");
	session_macros_begin(s, CM_STAGE_HELO);
	ck_assert_ptr_null(s->auth.user);
}
END_TEST

/* Notes and results. */

START_TEST(notes_of_the_message_hide_those_of_the_connection)
{
	session_set_note(s, "a", "conn");
	session_set_note(s, "b", "conn");
	mail("<a@x.y>");
	ck_assert_str_eq(session_note(s, "a"), "conn");
	session_set_note(s, "a", "msg");
	session_set_note(s, "a", "msg 2");
	session_set_note(s, "b", NULL);
	ck_assert_str_eq(session_note(s, "a"), "msg 2");
	ck_assert_ptr_null(session_note(s, "b"));
	ck_assert_ptr_null(session_note(s, "c"));
	session_end_message(s);
	ck_assert_str_eq(session_note(s, "a"), "conn");
	ck_assert_str_eq(session_note(s, "b"), "conn");
}
END_TEST

START_TEST(notes_of_a_helo_end_with_it)
{
	session_set_note(s, "a", "connect");
	session_set_result(s, "p", "r", "connect");
	helo("one");
	session_set_note(s, "a", "one");
	session_set_note(s, "b", "one");
	session_set_result(s, "p", "r", "one");
	mail("<a@x.y>");
	ck_assert_str_eq(session_note(s, "a"), "one");
	session_set_note(s, "a", "msg");
	session_end_message(s);
	ck_assert_str_eq(session_note(s, "a"), "one");
	ck_assert_str_eq(session_result(s, "p", "r"), "one");
	helo("two");
	ck_assert_str_eq(session_note(s, "a"), "connect");
	ck_assert_ptr_null(session_note(s, "b"));
	ck_assert_str_eq(session_result(s, "p", "r"), "connect");
}
END_TEST

/* Ten thousand recipients of a message have the same results. */
START_TEST(same_result_again_takes_no_memory)
{
	const char *first;
	size_t used;

	mail("<a@x.y>");
	session_set_result(s, "greylist", "result", "known");
	first = session_result(s, "greylist", "result");
	used = s->msg.used;
	session_set_result(s, "greylist", "result", "known");
	ck_assert_uint_eq(s->msg.used, used);
	ck_assert_ptr_eq(session_result(s, "greylist", "result"), first);
	session_set_result(s, "greylist", "result", "new");
	ck_assert_str_eq(session_result(s, "greylist", "result"), "new");
	ck_assert_str_eq(first, "known");
	session_set_result(s, "greylist", "result", NULL);
	ck_assert_ptr_null(session_result(s, "greylist", "result"));
}
END_TEST

START_TEST(results_belong_to_their_plugin)
{
	mail("<a@x.y>");
	session_set_result(s, "spf", "result", "pass");
	session_set_result(s, "dkim", "result", "fail");
	session_set_result(s, "spf", "domain", "x.y");
	ck_assert_str_eq(session_result(s, "spf", "result"), "pass");
	ck_assert_str_eq(session_result(s, "dkim", "result"), "fail");
	ck_assert_ptr_null(session_result(s, "dkim", "domain"));
	ck_assert_str_eq(s->results->group, "spf");
	ck_assert_str_eq(s->results->next->group, "dkim");
}
END_TEST

START_TEST(notes_are_bounded)
{
	char name[16];

	mail("<a@x.y>");
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		session_set_note(s, name, "v");
	}
	ck_assert_str_eq(session_note(s, "n255"), "v");
	ck_assert_ptr_null(session_note(s, "n256"));
	session_set_note(s, "n0", "w");
	ck_assert_str_eq(session_note(s, "n0"), "w");
}
END_TEST

/* Ids. */

#define THREADS 4
#define IDS	5000

static char ids[THREADS][IDS][SESSION_ID_SIZE];

static void *
make_ids(void *out)
{
	char(*list)[SESSION_ID_SIZE] = out;

	for (size_t i = 0; i < IDS; i++)
		session_id_new(list[i]);
	return NULL;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

START_TEST(ids_are_unique_in_all_threads)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, make_ids, ids[i]), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, (size_t)THREADS * IDS, SESSION_ID_SIZE, compare_ids);
	for (size_t i = 1; i < (size_t)THREADS * IDS; i++)
		ck_assert_str_ne((const char *)ids + i * SESSION_ID_SIZE,
			(const char *)ids + (i - 1) * SESSION_ID_SIZE);
}
END_TEST

START_TEST(ids_are_short_words_of_letters_and_digits)
{
	char id[SESSION_ID_SIZE];

	for (int64_t wall = 1800000000; wall < 2800000000; wall += 250000000) {
		clock_freeze(wall);
		session_id_new(id);
		ck_assert_uint_le(strlen(id), 10);
		ck_assert_uint_eq(strspn(id, "0123456789BCDFGHJKLMNPQRSTVWXYZ"
					     "bcdfghjklmnpqrstvwxyz"),
			strlen(id));
	}
	clock_thaw();
}
END_TEST

START_TEST(idle_session_is_small)
{
	s->keep_headers = true;
	helo("client.example");
	for (int i = 0; i < 3; i++) {
		mail("<a@x.y>");
		rcpt("<b@x.y>");
		for (int h = 0; h < 8; h++)
			header("Received", "from a.example by b.example; Thu, 1 Jan 1970 00:00:00");
		step(CM_STAGE_EOM);
		session_end_message(s);
	}
	ck_assert_uint_lt(sizeof(*s) + s->conn.used + s->conn.first_size + s->msg.first_size +
				  s->greeting.first_size +
				  s->macro_arenas[CM_STAGE_CONNECT].first_size +
				  s->macro_arenas[CM_STAGE_HELO].first_size,
		4096);
}
END_TEST

START_TEST(freeing_ends_an_open_message)
{
	struct cm_session *other = session_new(&limits, NULL);

	other->keep_body = true;
	session_macros_begin(other, CM_STAGE_MAIL);
	session_macro_add(other, CM_STAGE_MAIL, "i", "x");
	session_free(other);
	session_free(NULL);
	s->keep_body = true;
	mail("<a@x.y>");
	body("the sanitizer would see it");
}
END_TEST

static Suite *
suite(void)
{
	Suite *suite = suite_create("session");
	TCase *t = tcase_create("session");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, client_facts);
	tcase_add_loop_test(t, client_without_a_name_is_unknown, 0, LENGTH(names));
	tcase_add_test(t, mail_begins_a_message_and_end_ends_it);
	tcase_add_test(t, second_mail_ends_the_first_message);
	tcase_add_test(t, event_texts_are_copied);
	tcase_add_test(t, headers_are_found_by_name_and_number);
	tcase_add_test(t, recipients_are_told_to_the_planner);
	tcase_add_loop_test(t, header_section_ends_even_if_nobody_says_so, 0, LENGTH(after_header));
	tcase_add_test(t, headers_that_nobody_needs_are_counted_only);
	tcase_add_test(t, too_many_fields);
	tcase_add_test(t, too_many_octets_of_header);
	tcase_add_test(t, too_many_recipients);
	tcase_add_test(t, body_is_kept_whole);
	tcase_add_test(t, body_up_to_the_limit);
	tcase_add_test(t, body_that_nobody_needs_is_counted_only);
	tcase_add_test(t, missing_macro_is_none_only_where_we_asked);
	tcase_add_test(t, braces_do_not_matter);
	tcase_add_test(t, empty_macro_is_none);
	tcase_add_test(t, later_list_wins_and_drops_what_is_behind_it);
	tcase_add_test(t, macros_of_mail_end_with_the_message);
	tcase_add_test(t, macros_of_the_next_mail_outlive_an_open_message);
	tcase_add_test(t, facts_are_filled_from_macros);
	tcase_add_test(t, an_address_is_no_reverse_name);
	tcase_add_test(t, the_server_is_what_the_client_reached);
	tcase_add_loop_test(t, port_that_is_none_is_zero, 0, LENGTH(numbers));
	tcase_add_test(t, facts_told_in_each_message_cost_memory_once);
	tcase_add_test(t, endless_macro_list_is_bounded);
	tcase_add_test(t, lists_told_again_cost_no_memory);
	tcase_add_test(t, login_ends_with_its_message);
	tcase_add_test(t, notes_of_a_helo_end_with_it);
	tcase_add_test(t, notes_of_the_message_hide_those_of_the_connection);
	tcase_add_test(t, same_result_again_takes_no_memory);
	tcase_add_test(t, results_belong_to_their_plugin);
	tcase_add_test(t, notes_are_bounded);
	tcase_add_test(t, ids_are_unique_in_all_threads);
	tcase_add_test(t, ids_are_short_words_of_letters_and_digits);
	tcase_add_test(t, idle_session_is_small);
	tcase_add_test(t, freeing_ends_an_open_message);
	suite_add_tcase(suite, t);
	return suite;
}

int
main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
