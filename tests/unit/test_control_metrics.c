/* SPDX-License-Identifier: MIT */
/*
 * test_control_metrics.c - the daemon's counters: each moves, and each is documented
 *
 * A configuration is served, something happens, and `metrics` is asked before and after it. The
 * clock moves only when told.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/control_client.h"
#include "admin/load.h"
#include "base/clock.h"
#include "door/conversation.h"
#include "drive.h"
#include "service/resolver.h"
#include "service/store.h"
#include "table.h"

#define WALL INT64_C(1800000000) /* 2027-01-15 08:00 UTC */

static struct drive d;
static struct control_client client;
static struct conversation talk;

static const char conf[] =
	"dns { zone = zone }\n"
	"log { target = file; path = reload.log }\n"
	"map list { match = exact; entries = [ \"a b\", \"c d\" ] }\n"
	"store m { type = memory; max_size = 1M }\n"
	"plugin refuse { type = trace; level = debug; answer = [ \"rcpt tempfail\" ] }\n"
	"plugin watch { type = trace; level = debug; answer = [ \"mail reject\" ]; mode = shadow "
	"}\n"
	"script bad { file = bad.lua; on_error = skip; trip_after = 1/5min }\n"
	"profile few { client = 192.0.2.9; chain = [ bad ] }\n"
	"profile all { chain = [ bad, watch, refuse ] }\n";

static const char bad[] = "function mail(m, from)\n"
			  "	if from.user == \"bad\" then error(\"broken\") end\n"
			  "	if from.user == \"no\" then return reject(\"no\") end\n"
			  "	if from.user == \"drop\" then return discard() end\n"
			  "end\n"
			  "function message(m)\n"
			  "	if m.from.user == \"hold\" then return quarantine(\"held\") end\n"
			  "end\n";

static void
setup(void)
{
	setenv("TZ", "UTC", 1);
	clock_freeze(WALL);
	drive_init(&d);
	drive_file(&d, "bad.lua", bad);
	drive_file(&d, "reload.log", "");
	drive_file(&d, "zone", "a.example 600 A 192.0.2.1\n");
	drive_load(&d, conf);
	generation_swap(d.g);
	d.g = generation_hold();
	client = (struct control_client){.uid = 0, .config = d.conf};
	buf_init(&client.out, 0);
	control_metrics_begin();
}

static void
teardown(void)
{
	conversation_close(&talk);
	buf_fini(&client.out);
	generation_swap(NULL);
	drive_fini(&d);
	clock_thaw();
}

/* The value of a sample as it is written, "" where there is none. */
static const char *
value_of(const char *sample, char out[64])
{
	static const char question[] = "{\"command\":[\"metrics\"]}";
	char want[400] = "{\"say\":\"";
	size_t len = strlen(want);
	const char *found;

	for (const char *p = sample; *p != '\0'; p++) {
		if (*p == '"')
			want[len++] = '\\';
		want[len++] = *p;
	}
	want[len++] = ' ';
	want[len] = '\0';
	buf_clear(&client.out);
	control_answer(&client, question, strlen(question));
	found = strstr(client.out.data, want);
	snprintf(out, 64, "%.*s", found == NULL ? 0 : (int)strcspn(found + len, "\""),
		found == NULL ? "" : found + len);
	return out;
}

/* --- what happens --- */

static void
message(const char *ip, const char *from)
{
	char path[64];
	enum cm_verdict v;

	snprintf(path, sizeof(path), "<%s@example.org>", from);
	drive_open(&d);
	drive_connect(&d, ip, "client.example", "25");
	drive_helo(&d, "client.example");
	v = drive_mail(&d, path, NULL, NULL);
	if (v == CM_CONTINUE)
		v = drive_rcpt(&d, "<bob@example.com>");
	if (v == CM_CONTINUE)
		(void)drive_content(&d, NULL, 0, "x\r\n");
	chain_end_message(d.s);
	chain_close(d.s);
	session_free(d.s);
	d.s = NULL;
}

static void
send_bad(void)
{
	message("192.0.2.9", "bad");
}

static void
send_drop(void)
{
	message("192.0.2.9", "drop");
}

static void
send_good(void)
{
	message("192.0.2.9", "good");
}

static void
send_hold(void)
{
	message("192.0.2.9", "hold");
}

static void
send_no(void)
{
	message("192.0.2.9", "no");
}

static void
send_to_all(void)
{
	message("192.0.2.1", "good");
}

static void
go_away(void)
{
	drive_open(&d);
	drive_connect(&d, "192.0.2.9", "client.example", "25");
	drive_helo(&d, "client.example");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	chain_close(d.s);
	session_free(d.s);
	d.s = NULL;
}

static void
connect_one(void)
{
	conversation_open(&talk, "l");
	conversation_begin(&talk);
}

/* A minute later, with one more entry of the map. */
static void
reload_with_more(void)
{
	static const char old[] = "\"c d\"", more[] = "\"c d\", \"e f\"";
	char text[4096] = "", changed[4200];
	const char *at;
	uint64_t before = reload_count(RELOAD_OK);
	FILE *in = fopen(d.conf, "re");

	ck_assert_ptr_nonnull(in);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, in), 0);
	fclose(in);
	at = strstr(text, old);
	ck_assert_ptr_nonnull(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, more,
		at + strlen(old));
	drive_write(d.conf, changed);
	clock_advance(60 * CLOCK_SEC);
	reload_config(d.conf, NULL);
	ck_assert_uint_eq(reload_count(RELOAD_OK), before + 1);
}

static void
reload_nothing(void)
{
	reload_config("/nonexistent/filter.conf", NULL);
}

static void
ask_dns(void)
{
	question_drop(resolver_ask(d.g->chain.resolver, "a.example", CM_DNS_A));
}

static void
ask_dns_twice(void)
{
	ask_dns();
	ask_dns();
}

static char in_flight[64];

static bool
look(void *context, const char *name, enum cm_dns_type type, struct cm_dns_answer *answer)
{
	(void)context;
	(void)name;
	(void)type;
	(void)answer;
	value_of("chainmail_dns_inflight", in_flight);
	return false;
}

static void
look_while_asked(void)
{
	generation_set_resolver(d.g, resolver_open_given(look, NULL));
	ask_dns();
	ck_assert_str_eq(in_flight, "1");
}

static void
store_one(void)
{
	ck_assert_int_eq(
		store_set(d.g->stores[0], "k", 1, "v", 1, 0, clock_now() + CLOCK_SEC), CM_STORE_OK);
}

static void
store_too_much(void)
{
	static const char value[STORE_VALUE_MOST];

	for (int key = 0; store_set(d.g->stores[0], &key, sizeof(key), value, sizeof(value), 0,
				  clock_now() + CLOCK_SEC) == CM_STORE_OK;
		key++)
		ck_assert_int_lt(key, 1000);
}

static void
work(void)
{
	int64_t until = clock_cpu() + 10 * CLOCK_MS;

	while (clock_cpu() < until)
		continue;
}

static void
open_one(void)
{
	ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
}

static void
take_memory(void)
{
	enum { OCTETS = 32 << 20 };
	static char *taken;

	taken = malloc(OCTETS);
	ck_assert_ptr_nonnull(taken);
	for (size_t i = 0; i < OCTETS; i += 512)
		((volatile char *)taken)[i] = 1;
}

static void
begin_later(void)
{
	clock_advance(60 * CLOCK_SEC);
	control_metrics_begin();
}

static void
nothing(void)
{
}

/* before, after NULL: any number, and a larger one. */
static const struct {
	const char *sample;
	void (*happens)(void);
	const char *before, *after;
} moves[] = {
	{"chainmail_breaker_state{plugin=\"bad\"}", send_bad, "0", "1"},
	{"chainmail_build_info{version=\"" CHAINMAIL_VERSION "\"}", nothing, "1", "1"},
	{"chainmail_config_generation", reload_with_more, NULL, NULL},
	{"chainmail_config_load_timestamp_seconds", reload_with_more, "1800000000", "1800000060"},
	{"chainmail_config_reloads_total{result=\"ok\"}", reload_with_more, "0", "1"},
	{"chainmail_config_reloads_total{result=\"refused\"}", reload_nothing, "0", "1"},
	{"chainmail_connections", connect_one, "0", "1"},
	{"chainmail_connections_total", connect_one, "0", "1"},
	{"chainmail_dns_cache_hits_total", ask_dns_twice, "0", "1"},
	{"chainmail_dns_inflight", look_while_asked, "0", "0"},
	{"chainmail_dns_queries_total{type=\"A\"}", ask_dns_twice, "0", "1"},
	{"chainmail_dns_queries_total{type=\"MX\"}", ask_dns_twice, "0", "0"},
	{"chainmail_errors_total{plugin=\"bad\",kind=\"error\"}", send_bad, "0", "1"},
	{"chainmail_errors_total{plugin=\"bad\",kind=\"timeout\"}", send_bad, "0", "0"},
	{"chainmail_map_entries{map=\"list\"}", reload_with_more, "2", "3"},
	{"chainmail_message_duration_seconds_bucket{profile=\"few\",le=\"0.001000\"}", send_good,
		"0", "1"},
	{"chainmail_message_duration_seconds_bucket{profile=\"few\",le=\"+Inf\"}", send_good, "0",
		"1"},
	{"chainmail_message_duration_seconds_count{profile=\"few\"}", send_good, "0", "1"},
	{"chainmail_message_duration_seconds_count{profile=\"all\"}", send_good, "0", "0"},
	{"chainmail_message_duration_seconds_sum{profile=\"few\"}", send_good, "0.000000",
		"0.000000"},
	{"chainmail_messages_total{profile=\"few\",verdict=\"accept\"}", send_good, "0", "1"},
	{"chainmail_messages_total{profile=\"few\",verdict=\"abandoned\"}", go_away, "0", "1"},
	{"chainmail_messages_total{profile=\"few\",verdict=\"discard\"}", send_drop, "0", "1"},
	{"chainmail_messages_total{profile=\"few\",verdict=\"quarantine\"}", send_hold, "0", "1"},
	{"chainmail_messages_total{profile=\"few\",verdict=\"reject\"}", send_no, "0", "1"},
	{"chainmail_messages_total{profile=\"all\",verdict=\"tempfail\"}", send_to_all, "0", "1"},
	{"chainmail_recipients_total{profile=\"few\",verdict=\"accept\"}", send_good, "0", "1"},
	{"chainmail_recipients_total{profile=\"few\",verdict=\"quarantine\"}", send_hold, "0", "1"},
	{"chainmail_recipients_total{profile=\"all\",verdict=\"tempfail\"}", send_to_all, "0", "1"},
	{"chainmail_recipients_total{profile=\"all\",verdict=\"abandoned\"}", send_to_all, "0",
		"0"},
	{"chainmail_shadow_verdicts_total{plugin=\"watch\",stage=\"mail\",verdict=\"reject\"}",
		send_to_all, "", "1"},
	{"chainmail_store_bytes{store=\"m\"}", store_one, NULL, NULL},
	{"chainmail_store_degraded{store=\"m\"}", store_too_much, "0", "1"},
	{"chainmail_verdicts_total{plugin=\"bad\",stage=\"mail\",verdict=\"reject\"}", send_no, "",
		"1"},
	{"chainmail_verdicts_total{plugin=\"bad\",stage=\"mail\",verdict=\"discard\"}", send_drop,
		"", "1"},
	{"chainmail_verdicts_total{plugin=\"refuse\",stage=\"rcpt\",verdict=\"tempfail\"}",
		send_to_all, "", "1"},
	{"chainmail_verdicts_total{plugin=\"watch\",stage=\"mail\",verdict=\"reject\"}",
		send_to_all, "", ""},
	{"process_cpu_seconds_total", work, NULL, NULL},
	{"process_open_fds", open_one, NULL, NULL},
	{"process_resident_memory_bytes", take_memory, NULL, NULL},
	{"process_start_time_seconds", begin_later, "1800000000", "1800000060"},
};

START_TEST(metric_moves)
{
	char before[64], after[64];

	value_of(moves[_i].sample, before);
	moves[_i].happens();
	value_of(moves[_i].sample, after);
	if (moves[_i].after == NULL) {
		ck_assert_msg(atof(before) < atof(after), "%s: %s, then %s", moves[_i].sample,
			before, after);
		return;
	}
	ck_assert_msg(strcmp(before, moves[_i].before) == 0 && strcmp(after, moves[_i].after) == 0,
		"%s: %s, then %s", moves[_i].sample, before, after);
}
END_TEST

/* What a link has said stays counted over a reload. */
START_TEST(counters_live_over_a_reload)
{
	static const char *const samples[] = {
		"chainmail_verdicts_total{plugin=\"bad\",stage=\"mail\",verdict=\"reject\"}",
		"chainmail_messages_total{profile=\"few\",verdict=\"reject\"}",
	};
	char value[64];

	send_no();
	reload_with_more();
	send_no();
	for (size_t i = 0; i < 2; i++)
		ck_assert_str_eq(value_of(samples[i], value), "2");
}
END_TEST

static bool
has_a_row(const char *name)
{
	for (int i = 0; i < LENGTH(moves); i++) {
		if (strncmp(moves[i].sample, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

START_TEST(each_metric_is_tested_and_documented)
{
	FILE *in = fopen("docs/COMMANDS.md", "re");
	static char text[1 << 18], line[500];
	const char *last = "";
	size_t documented = 0;

	ck_assert_ptr_nonnull(in);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, in), 0);
	fclose(in);
	for (size_t i = 0; i < control_metric_count; i++) {
		const struct control_metric *m = &control_metrics[i];

		snprintf(line, sizeof(line), "\n| `%s` | %s | %s | %s |\n", m->name, m->type,
			m->labels, m->help);
		ck_assert_msg(strstr(text, line) != NULL, "docs/COMMANDS.md lacks%s", line);
		ck_assert_msg(has_a_row(m->name), "%s is not tested", m->name);
		ck_assert_msg(strcmp(last, m->name) < 0, "%s is not sorted", m->name);
		last = m->name;
	}
	for (const char *p = text; (p = strstr(p, "\n| `")) != NULL; p++)
		documented +=
			strncmp(p + 4, "chainmail_", 10) == 0 || strncmp(p + 4, "process_", 8) == 0;
	ck_assert_uint_eq(documented, control_metric_count);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control_metrics");
	TCase *tc = tcase_create("control_metrics");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, metric_moves, 0, LENGTH(moves));
	tcase_add_test(tc, counters_live_over_a_reload);
	tcase_add_test(tc, each_metric_is_tested_and_documented);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
