/* SPDX-License-Identifier: MIT */
/*
 * test_service.c - the cm_* services, as a hook sees them
 *
 * The hook under test stands in this file: a chain of one link is built by hand around it.
 */
#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "table.h"

#define ALL_NEEDS                                                                          \
	(CM_NEED_HEADERS | CM_NEED_BODY | CM_NEED_SIZE | CM_EDIT_HEADERS | CM_EDIT_RCPTS | \
		CM_EDIT_SENDER | CM_EDIT_BODY | CM_EDIT_QUARANTINE)

static const struct cm_macro macros[] = {{CM_STAGE_RCPT, "i"}, {CM_STAGE_MAIL, "{mail_addr}"}};

/* What the test looks at is looked at inside the hook. */
static void (*inside)(struct cm_session *);
static enum cm_stage when;
static unsigned calls;

static enum cm_verdict
hook(struct cm_session *s, const struct cm_event *ev)
{
	if (ev->stage == when) {
		calls++;
		inside(s);
	}
	return CM_CONTINUE;
}

/* One link, one profile, one session. */
struct world {
	struct cm_plugin plugin;
	struct link link, *links[1], *at[2];
	bool has[1];
	struct profile profile;
	struct chain chain;
	struct drive d;
	char log[TEMP_NAME_SIZE];
};

static void
world_init(struct world *w, uint32_t needs)
{
	*w = (struct world){0};
	close(temp_file(w->log, "chainmail-service"));
	drive_log_to(w->log);
	w->plugin = (struct cm_plugin){.abi = CM_ABI,
		.size = sizeof(struct cm_plugin),
		.name = "kind",
		.macros = macros,
		.macro_count = 2,
		.conn_size = 16,
		.msg_size = 16,
		.needs = needs,
		.connect = hook,
		.helo = hook,
		.mail = hook,
		.rcpt = hook,
		.eoh = hook,
		.eom = hook};
	w->link = (struct link){.name = "instance", .plugin = &w->plugin, .needs = needs};
	w->link.set.timeout_us = 10 * CLOCK_SEC;
	w->link.set.sample = 10000;
	w->link.config = w;
	w->links[0] = w->at[0] = &w->link;
	w->has[0] = true;
	w->profile = (struct profile){.name = "all", .has = w->has, .links = w->links};
	w->profile.link_count = 1;
	for (int i = 0; i < CM_STAGE_COUNT; i++)
		w->profile.at[i] = w->at;
	w->profile.at[CM_STAGE_DATA] = w->profile.at[CM_STAGE_HEADER] = &w->at[1];
	w->profile.at[CM_STAGE_BODY] = &w->at[1];
	w->chain = (struct chain){.profiles = &w->profile,
		.profile_count = 1,
		.links = w->links,
		.link_count = 1,
		.message_timeout_us = 25 * CLOCK_SEC,
		.limits = {100000, 1000, 100, 20},
		.authserv_id = "mx.test"};
	calls = 0;
}

static void
world_run(struct world *w, enum cm_stage stage, void (*look)(struct cm_session *), const char *body)
{
	static const struct cm_header fields[] = {
		{.name = "From", .value = " Ann <ann@example.org>"},
		{.name = "X-A", .value = " one"}, {.name = "x-a", .value = " two"}};
	struct drive *d = &w->d;

	when = stage;
	inside = look;
	d->s = session_new(&w->chain.limits, "l");
	d->s->rights = CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY |
		       CM_EDIT_QUARANTINE;
	d->s->macros_asked = true;
	chain_open(&w->chain, d->s);
	drive_connect(d, "192.0.2.1", "client.example.net", "25");
	drive_helo(d, "client.example.net");
	drive_mail(d, "<a@example.org>", NULL, NULL);
	drive_rcpt(d, "<b@example.com>");
	drive_rcpt(d, "<c@example.com>");
	drive_content(d, fields, 3, body);
	ck_assert_uint_gt(calls, 0);
}

/* Ends the session; what was logged. */
static const char *
world_fini(struct world *w)
{
	static char text[8192];
	size_t len;
	FILE *f;

	chain_end_message(w->d.s);
	chain_close(w->d.s);
	session_free(w->d.s);
	log_close();
	f = fopen(w->log, "r");
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	unlink(w->log);
	return text;
}

static void
look_at_facts(struct cm_session *s)
{
	const struct cm_auth *auth;
	const struct cm_tls *tls;
	const char *value;

	ck_assert_str_eq(cm_client(s)->ip, "192.0.2.1");
	ck_assert_str_eq(cm_client(s)->name, "client.example.net");
	ck_assert_uint_eq(cm_client(s)->port, 40000);
	ck_assert_uint_eq(cm_server(s)->port, 25);
	ck_assert_str_eq(cm_helo(s), "client.example.net");
	ck_assert_str_eq(cm_sender(s)->addr, "a@example.org");
	ck_assert_uint_eq(cm_rcpt_count(s), 2);
	ck_assert_str_eq(cm_rcpt(s, 1)->addr, "c@example.com");
	ck_assert_ptr_null(cm_rcpt(s, 2));
	ck_assert_int_eq(cm_stage(s), CM_STAGE_EOM);
	ck_assert_str_eq(cm_link_name(s), "instance");
	ck_assert(!cm_shadow(s));
	ck_assert_ptr_nonnull(cm_config(s));
	ck_assert_int_gt(cm_size(s), 0);
	/* Declared and not there: none. Not declared: who knows. */
	ck_assert_int_eq(cm_macro(s, "{mail_addr}", &value), CM_NONE);
	ck_assert_int_eq(cm_macro(s, "{nonsense}", &value), CM_UNDELIVERED);
	ck_assert_int_eq(cm_auth(s, &auth), CM_UNDELIVERED);
	ck_assert_ptr_null(auth);
	ck_assert_int_eq(cm_tls(s, &tls), CM_UNDELIVERED);
	ck_assert_int_eq(cm_macro(s, "{daemon_port}", &value), CM_KNOWN);
	ck_assert_str_eq(value, "25");
}

START_TEST(facts)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOM, look_at_facts, "hello\r\n");
	world_fini(&w);
}
END_TEST

static void
look_at_removed(struct cm_session *s)
{
	const struct cm_outgoing *out;

	cm_set_header(s, "X-A", 1, "gone");
	cm_remove_header(s, "x-a", 0);
	out = cm_outgoing(s);
	ck_assert_uint_eq(out->count, 1);
	ck_assert_str_eq(out->fields[0].name, "From");
	cm_set_header(s, "X-A", 2, "mine");
	out = cm_outgoing(s);
	ck_assert_uint_eq(out->count, 2);
	ck_assert_str_eq(out->fields[1].value, "mine");
}

START_TEST(outgoing_message_lacks_what_is_removed)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOM, look_at_removed, "hello\r\n");
	world_fini(&w);
}
END_TEST

/* Fields come as " Ann <ann@example.org>", " one", " two". */
static void
look_at_outgoing(struct cm_session *s)
{
	static const char *const wanted[][2] = {{"X-Top", "t"}, {"X-Second", "s"},
		{"From", "b@x.org"}, {"x-a", " two"}, {"X-B", "new"}, {"X-A", "more"}};
	const struct cm_outgoing *out = cm_outgoing(s);

	ck_assert_uint_eq(out->count, 3);
	ck_assert_str_eq(out->fields[2].value, " two");
	ck_assert_str_eq(out->from->items[0].addr, "ann@example.org");
	ck_assert_ptr_null(out->body);
	cm_set_header(s, "from", 1, "b@x.org");
	cm_remove_header(s, "X-A", 1);
	cm_set_header(s, "X-B", 1, "new");
	cm_add_header(s, "X-A", "more");
	cm_insert_header(s, 1, "X-Second", "s");
	cm_insert_header(s, 0, "X-Top", "t");
	cm_replace_body(s, "a\n", 2);
	cm_quarantine(s, "held");
	out = cm_outgoing(s);
	ck_assert_uint_eq(out->count, LENGTH(wanted));
	for (size_t i = 0; i < out->count; i++) {
		ck_assert_str_eq(out->fields[i].name, wanted[i][0]);
		ck_assert_str_eq(out->fields[i].value, wanted[i][1]);
	}
	ck_assert_uint_eq(out->from->count, 1);
	ck_assert_str_eq(out->from->items[0].addr, "b@x.org");
	ck_assert_uint_eq(out->body_len, 2);
	ck_assert_mem_eq(out->body, "a\n", 2);
	/* As received, still. */
	ck_assert_str_eq(cm_from(s)->items[0].addr, "ann@example.org");
}

START_TEST(outgoing_message_has_the_edits)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOM, look_at_outgoing, "hello\r\n");
	world_fini(&w);
}
END_TEST

static void
look_for_no_outgoing(struct cm_session *s)
{
	ck_assert_ptr_null(cm_outgoing(s));
}

/* Doors write a blank before a value that is not empty. */
static void
look_at_blanks(struct cm_session *s)
{
	const struct cm_outgoing *out;

	for (int told = 0; told < 2; told++) {
		s->blanks = told == 1;
		cm_set_header(s, "X-B", 1, "");
		cm_set_header(s, "X-A", 1, "new");
		out = cm_outgoing(s);
		ck_assert_str_eq(out->fields[1].value, "new");
		ck_assert(!out->fields[1].glued);
		ck_assert_str_eq(out->fields[3].value, "");
		ck_assert(out->fields[3].glued == s->blanks);
	}
}

START_TEST(outgoing_message_has_the_blanks)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOM, look_at_blanks, "hello\r\n");
	world_fini(&w);
}
END_TEST

START_TEST(outgoing_message_is_not_known_early)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOH, look_for_no_outgoing, "hello\r\n");
	world_fini(&w);
	world_init(&w, ALL_NEEDS & ~(unsigned)CM_NEED_HEADERS);
	world_run(&w, CM_STAGE_EOM, look_for_no_outgoing, "hello\r\n");
	world_fini(&w);
}
END_TEST

static void
look_early(struct cm_session *s)
{
	const struct cm_auth *auth;
	const unsigned char *data;
	const char *value;
	size_t len;

	ck_assert_ptr_null(cm_sender(s));
	ck_assert_ptr_null(cm_helo(s));
	ck_assert_ptr_null(cm_msg(s));
	ck_assert_ptr_nonnull(cm_conn(s));
	ck_assert_uint_eq(cm_rcpt_count(s), 0);
	ck_assert_uint_eq(cm_header_count(s), 0);
	ck_assert_ptr_null(cm_header(s, "From", 1));
	ck_assert_str_eq(cm_from(s)->problem, "the header section is not known here");
	ck_assert(!cm_body(s, &data, &len));
	ck_assert_int_eq(cm_auth(s, &auth), CM_UNDELIVERED);
	/* A macro that is due at MAIL says nothing by being absent at connect. */
	ck_assert_int_eq(cm_macro(s, "{mail_addr}", &value), CM_UNDELIVERED);
	ck_assert_ptr_null(cm_map_find(s, "nobody"));
	ck_assert_int_eq(cm_map_get(s, NULL, "x", &value), CM_UNDELIVERED);
	ck_assert_ptr_null(value);
}

START_TEST(nothing_is_known_too_early)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_CONNECT, look_early, "hello\r\n");
	world_fini(&w);
}
END_TEST

static void
look_at_content(struct cm_session *s)
{
	const unsigned char *data;
	size_t len;

	ck_assert_uint_eq(cm_header_count(s), 3);
	ck_assert_str_eq(cm_header_at(s, 0)->name, "From");
	ck_assert_ptr_null(cm_header_at(s, 3));
	ck_assert_str_eq(cm_header(s, "X-a", 2), " two");
	ck_assert_ptr_null(cm_header(s, "X-A", 3));
	ck_assert_uint_eq(cm_from(s)->count, 1);
	ck_assert_str_eq(cm_from(s)->items[0].addr, "ann@example.org");
	ck_assert_ptr_eq(cm_from(s), cm_from(s));
	ck_assert(cm_body(s, &data, &len));
	ck_assert_uint_eq(len, 7);
	ck_assert_mem_eq(data, "hello\r\n", 7);
}

START_TEST(content)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOM, look_at_content, "hello\r\n");
	world_fini(&w);
}
END_TEST

static void
look_for_body(struct cm_session *s)
{
	const unsigned char *data;
	size_t len;

	ck_assert(!cm_body(s, &data, &len));
	ck_assert_ptr_null(data);
}

START_TEST(body_over_the_limit_is_not_there)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOM, look_for_body, "more than twenty octets\r\n");
	world_fini(&w);
}
END_TEST

static void
use_undeclared(struct cm_session *s)
{
	const unsigned char *data;
	size_t len;

	/* Another link's need keeps them; this one did not ask. */
	s->keep_body = true;
	ck_assert_uint_eq(cm_header_count(s), 0);
	ck_assert_ptr_null(cm_header(s, "From", 1));
	ck_assert_ptr_nonnull(cm_from(s)->problem);
	ck_assert(!cm_body(s, &data, &len));
	ck_assert_int_eq(cm_size(s), -1);
	ck_assert(!cm_add_header(s, "X-B", "b"));
	ck_assert(!cm_insert_header(s, 0, "X-B", "b"));
	ck_assert(!cm_set_header(s, "X-B", 1, "b"));
	ck_assert(!cm_remove_header(s, "X-B", 1));
	ck_assert(!cm_prefix_subject(s, "[b]"));
	ck_assert(!cm_add_rcpt(s, "x@example.com"));
	ck_assert(!cm_drop_rcpt(s, "x@example.com"));
	ck_assert(!cm_set_sender(s, "x@example.com"));
	ck_assert(!cm_replace_body(s, "x", 1));
	ck_assert(!cm_quarantine(s, "x"));
}

START_TEST(undeclared_needs_are_refused)
{
	struct world w;
	const char *log;

	world_init(&w, 0);
	world_run(&w, CM_STAGE_EOM, use_undeclared, "hello\r\n");
	ck_assert_uint_eq(w.d.answer.edit_count, 0);
	log = world_fini(&w);
	ck_assert_ptr_nonnull(
		strstr(log, " instance: add header refused: the plugin did not declare it\n"));
	ck_assert_ptr_nonnull(strstr(log, " instance: cm_body refused: the plugin did not"));
}
END_TEST

static bool told, found;

static enum cm_verdict
look_at_field(struct cm_session *s, const struct cm_event *ev)
{
	(void)s;
	told = told || ev->glued;
	return CM_CONTINUE;
}

static void
look_at_fields(struct cm_session *s)
{
	found = cm_header_glued(s, 1);
}

/* Whatever another link asked the MTA for. */
START_TEST(blanks_are_told_to_who_declared_them)
{
	static const uint32_t needs[] = {CM_NEED_HEADERS, CM_NEED_HEADERS | CM_NEED_BLANKS};

	for (size_t i = 0; i < 2; i++) {
		struct world w;

		told = found = false;
		world_init(&w, needs[i]);
		w.plugin.header = look_at_field;
		w.profile.at[CM_STAGE_HEADER] = w.at;
		w.d.glued = 1u << 1;
		world_run(&w, CM_STAGE_EOH, look_at_fields, "hello\r\n");
		ck_assert_int_eq(told, i == 1);
		ck_assert_int_eq(found, i == 1);
		world_fini(&w);
	}
}
END_TEST

static void
edit_all(struct cm_session *s)
{
	ck_assert(cm_add_header(s, "X-B", "b"));
	ck_assert(cm_insert_header(s, 0, "X-C", "c"));
	ck_assert(cm_set_header(s, "X-A", 1, "new"));
	ck_assert(cm_add_rcpt(s, "x@example.com"));
	ck_assert(cm_set_sender(s, ""));
	ck_assert(cm_quarantine(s, "x"));
	ck_assert(!cm_insert_header(s, -1, "X-C", "c"));
	ck_assert(!cm_add_header(s, "X B", "b"));
	ck_assert(!cm_add_header(s, "X-B", "b\r\nX-Evil: yes"));
	ck_assert(!cm_add_rcpt(s, "a@b>\r\nDATA"));
}

START_TEST(edits_are_queued)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_MAIL, edit_all, "hello\r\n");
	ck_assert_uint_eq(w.d.answer.edit_count, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_ptr_eq(w.d.answer.edits[i]->by, &w.link);
	world_fini(&w);
}
END_TEST

static void
edit_and_look(struct cm_session *s)
{
	ck_assert(!cm_edited(s, "X-B") && !cm_edited(s, "Subject") && !cm_edited(s, NULL));
	ck_assert(cm_add_rcpt(s, "x@example.com"));
	ck_assert(cm_add_header(s, "X-B", "b"));
	ck_assert(cm_insert_header(s, 0, "X-C", "c"));
	ck_assert(cm_remove_header(s, "X-A", 1));
	ck_assert(cm_edited(s, "x-b") && cm_edited(s, "X-C") && cm_edited(s, "X-A"));
	ck_assert(!cm_edited(s, "X-D") && !cm_edited(s, "Subject") && !cm_edited(s, NULL));
	ck_assert(cm_prefix_subject(s, "[b]"));
	ck_assert(cm_edited(s, "subject") && !cm_edited(s, NULL));
	ck_assert(cm_replace_body(s, "x", 1));
	ck_assert(cm_edited(s, NULL));
}

START_TEST(what_is_edited_can_be_asked)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_EOM, edit_and_look, "hello\r\n");
	world_fini(&w);
}
END_TEST

START_TEST(edits_of_a_watched_link_are_checked_and_dropped)
{
	struct world w;
	const char *log;

	world_init(&w, ALL_NEEDS);
	w.link.set.mode = LINK_SHADOW;
	world_run(&w, CM_STAGE_MAIL, edit_all, "hello\r\n");
	ck_assert_uint_eq(w.d.answer.edit_count, 0);
	log = world_fini(&w);
	ck_assert_ptr_nonnull(strstr(log, " instance: shadow: would add header X-B\n"));
	ck_assert_ptr_nonnull(strstr(log, " instance: add header refused: "));
}
END_TEST

static void
share(struct cm_session *s)
{
	ck_assert_ptr_null(cm_result(s, "kind", "result"));
	cm_set_result(s, "result", "seen");
	ck_assert_str_eq(cm_result(s, "kind", "result"), "seen");
	ck_assert_ptr_null(cm_result(s, "instance", "result"));
	cm_set_note(s, "k", "v");
	ck_assert_str_eq(cm_note(s, "k"), "v");
	memset(cm_msg_alloc(s, 100), 1, 100);
	memset(cm_conn_alloc(s, 100), 1, 100);
	ck_assert_int_eq(cm_time(s), 1000000);
	ck_assert_int_eq(cm_clock(s), clock_now());
	ck_assert_int_eq(cm_deadline(s), clock_now() + 10 * CLOCK_SEC);
	cm_log(s, CM_LOG_INFO, "line\n%s \x1b[2J\\", "break\r");
	cm_log(s, (enum cm_level)77, "never");
	cm_reason(s, "because of %d", 7);
}

START_TEST(results_notes_log_and_clock)
{
	struct world w;
	const char *log;

	clock_freeze(1000000);
	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_MAIL, share, "hello\r\n");
	log = world_fini(&w);
	clock_thaw();
	ck_assert_ptr_nonnull(strstr(log, " instance: line\\x0abreak\\x0d \\x1b[2J\\x5c\n"));
	ck_assert_ptr_null(strstr(log, "never"));
}
END_TEST

static void
reply_badly(struct cm_session *s)
{
	ck_assert(!cm_reply(s, 250, "2.0.0", "fine"));
	ck_assert(!cm_reply(s, 550, "4.7.1", "two classes"));
	ck_assert(!cm_reply(s, 550, "5.7", "half a status"));
	ck_assert(cm_reply(s, 550, "5.7.1", "%0300d%0300d", 1, 2));
}

START_TEST(replies_are_checked)
{
	struct world w;
	const char *log;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_CONNECT, reply_badly, "hello\r\n");
	log = world_fini(&w);
	ck_assert_ptr_nonnull(strstr(log, " instance: cm_reply: "));
}
END_TEST

static void
look_away(struct cm_session *s)
{
	(void)s;
}

/* Behind a message no hook runs, and no edit or reply can count. */
START_TEST(outside_hooks_nothing_counts)
{
	struct world w;
	struct cm_session *s;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_MAIL, look_away, "hello\r\n");
	s = w.d.s;
	ck_assert(!cm_reply(s, 550, "5.7.1", "late"));
	ck_assert(!cm_add_header(s, "X-B", "b"));
	ck_assert_ptr_null(cm_config(s));
	ck_assert_str_eq(cm_link_name(s), "core");
	cm_reason(s, "late");
	cm_set_result(s, "late", "x");
	ck_assert_ptr_null(cm_result(s, "kind", "late"));
	world_fini(&w);
}
END_TEST

static void
add_auth_results(struct cm_session *s)
{
	static const struct cm_auth_property from = {"smtp", "mailfrom", "a@example.org"};
	struct cm_auth_result r = {.method = "spf", .result = "none", .count = 1};

	r.properties = &from;
	ck_assert_str_eq(cm_authserv_id(s), "mx.test");
	ck_assert_uint_eq(cm_auth_result_count(s), 0);
	ck_assert_ptr_null(cm_auth_result(s, 0));
	cm_add_auth_result(s, &r);
	r.method = "not a keyword\n";
	cm_add_auth_result(s, &r);
	ck_assert_uint_eq(cm_auth_result_count(s), 1);
	ck_assert_str_eq(cm_auth_result(s, 0)->method, "spf");
	ck_assert_str_eq(cm_auth_result(s, 0)->properties[0].value, "a@example.org");
	ck_assert_ptr_null(cm_auth_result(s, 1));
	ck_assert_ptr_null(cm_auth_result(s, SIZE_MAX));
}

START_TEST(results_for_a_field)
{
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_MAIL, add_auth_results, "hello\r\n");
	ck_assert_uint_eq(cm_auth_result_count(w.d.s), 1);
	/* A profile that does not name the link has nothing of it. */
	w.profile.link_count = 0;
	ck_assert_uint_eq(cm_auth_result_count(w.d.s), 0);
	ck_assert_ptr_nonnull(strstr(world_fini(&w),
		"instance: cm_add_auth_result: method and result must be keywords"));
}
END_TEST

static void
publish_result(struct cm_session *s)
{
	cm_set_result(s, "other", "x");
	cm_set_result(s, "result", "softfail");
	cm_reason(s, "because");
}

/* What a link found stands in the trace, where it was found. */
START_TEST(a_result_is_traced)
{
	const struct trace_record *r;
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_MAIL, publish_result, "hello\r\n");
	for (r = chain_trace(w.d.s)->first; r != NULL; r = r->next) {
		bool here = r->stage == CM_STAGE_MAIL;

		ck_assert_pstr_eq(r->result, here ? "softfail" : NULL);
		ck_assert_pstr_eq(r->reason, here ? "because" : NULL);
	}
	ck_assert_int_eq(chain_trace(w.d.s)->first->stage, CM_STAGE_MAIL);
	world_fini(&w);
}
END_TEST

static void
reason_of_texts(struct cm_session *s)
{
	cm_reason(s, "%s is %s, %s", "a", "", "b%sb");
}

static void
reason_of_more(struct cm_session *s)
{
	cm_reason(s, "%.2s has %d%%", "abc", 7);
}

static void
reason_that_ends(struct cm_session *s)
{
	cm_reason(s, "%s at the end", "nothing");
}

static void
long_reason(struct cm_session *s)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	cm_reason(s, "<%s> %s", text, text);
}

static void
longer_reason(struct cm_session *s)
{
	cm_reason(s, "<%0*d>", 5000, 7);
}

static const struct {
	void (*hook)(struct cm_session *);
	const char *reason; /* NULL: only how long it is matters */
} reasons[] = {
	{reason_of_texts, "a is , b%sb"},
	{reason_of_more, "ab has 7%"},
	{reason_that_ends, "nothing at the end"},
	{long_reason, NULL},
	{longer_reason, NULL},
};

/* With printf() or without: the same. */
START_TEST(a_reason_is_what_was_said)
{
	const char *reason;
	struct world w;

	world_init(&w, ALL_NEEDS);
	world_run(&w, CM_STAGE_MAIL, reasons[_i].hook, "hello\r\n");
	reason = chain_trace(w.d.s)->first->reason;
	if (reasons[_i].reason != NULL)
		ck_assert_str_eq(reason, reasons[_i].reason);
	else
		ck_assert_uint_eq(strlen(reason), 255);
	world_fini(&w);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("service");
	TCase *t = tcase_create("service");

	tcase_add_test(t, facts);
	tcase_add_test(t, outgoing_message_has_the_edits);
	tcase_add_test(t, outgoing_message_lacks_what_is_removed);
	tcase_add_test(t, outgoing_message_has_the_blanks);
	tcase_add_test(t, outgoing_message_is_not_known_early);
	tcase_add_test(t, nothing_is_known_too_early);
	tcase_add_test(t, content);
	tcase_add_test(t, body_over_the_limit_is_not_there);
	tcase_add_test(t, undeclared_needs_are_refused);
	tcase_add_test(t, blanks_are_told_to_who_declared_them);
	tcase_add_test(t, edits_are_queued);
	tcase_add_test(t, what_is_edited_can_be_asked);
	tcase_add_test(t, edits_of_a_watched_link_are_checked_and_dropped);
	tcase_add_test(t, results_notes_log_and_clock);
	tcase_add_test(t, results_for_a_field);
	tcase_add_test(t, a_result_is_traced);
	tcase_add_loop_test(t, a_reason_is_what_was_said, 0, LENGTH(reasons));
	tcase_add_test(t, replies_are_checked);
	tcase_add_test(t, outside_hooks_nothing_counts);
	suite_add_tcase(s, t);
	return table_run(s);
}
