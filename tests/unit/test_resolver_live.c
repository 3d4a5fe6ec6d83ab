/* SPDX-License-Identifier: MIT */
/*
 * test_resolver_live.c - the real resolver, libunbound and all, against a hostile server
 *
 * Time is real here, so nothing depends on how fast something is: a question that must be answered
 * may take long, and one that must not be answered is not worth a long wait.
 */
#include "service/resolver.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "hostile.h"
#include "table.h"

#define PATIENT	  (40 * CLOCK_SEC)
#define SOON	  (2 * CLOCK_SEC) /* for what may be answered, and may not */
#define IMPATIENT (400 * CLOCK_MS)
/* Far more than a question may take; a wait that ends there has hung. */
#define HUNG (50 * CLOCK_SEC)

static struct resolver *
open_resolver(const char *const *servers, size_t count, int64_t timeout_us)
{
	struct resolver_config config = {
		.resolvers = {.count = count, .items = servers},
		.timeout_us = timeout_us,
		.cache_size = 4 << 20,
	};
	struct err err;
	struct resolver *r = resolver_open(&config, &err);

	ck_assert_msg(r != NULL, "%s", err.text);
	return r;
}

struct live {
	struct hostile server;
	struct resolver *resolver;
};

static void
begin(struct live *l, int64_t timeout_us)
{
	const char *servers[1];

	hostile_begin(&l->server, "127.0.0.1");
	servers[0] = l->server.at;
	l->resolver = open_resolver(servers, 1, timeout_us);
}

static void
end(struct live *l)
{
	resolver_close(l->resolver);
	hostile_end(&l->server);
}

/* The texts live as long as the question. */
static struct question *
ask(struct resolver *r, const char *name, enum cm_dns_type type, struct cm_dns_answer *a)
{
	struct question *q = resolver_ask(r, name, type);

	question_wait(q, clock_now() + HUNG, a);
	return q;
}

static enum cm_dns_status
status_of(struct resolver *r, const char *name, enum cm_dns_type type)
{
	struct cm_dns_answer a;

	question_drop(ask(r, name, type, &a));
	return a.status;
}

/* How often the server was asked for a name that begins with "counted". */
static int
asked(struct resolver *r, const char *name)
{
	struct cm_dns_answer a;
	char question[256];
	struct question *q;
	int count;

	snprintf(question, sizeof(question), "asked.%s", name);
	q = ask(r, question, CM_DNS_TXT, &a);
	ck_assert_int_eq(a.status, CM_DNS_FOUND);
	count = atoi(a.records[0].text);
	question_drop(q);
	return count;
}

/* --- what each behaviour gives ---------------------------------------------------------------- */

static const char *const status_names[] = {
	"found", "no data", "no name", "timeout", "servfail", "refused", "bogus", "bad name"};

struct row {
	const char *name;
	enum cm_dns_type type;
	enum cm_dns_status status;
	const char *text; /* of the first record; NULL: not looked at */
	size_t count;
};

static const struct row answered[] = {
	{"ok.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"ok.x.example", CM_DNS_AAAA, CM_DNS_FOUND, "2001:db8::1", 1},
	{"ok.x.example", CM_DNS_TXT, CM_DNS_FOUND, "v=spf1 ip4:203.0.113.0/24 -all", 1},
	{"ok.x.example", CM_DNS_MX, CM_DNS_FOUND, "ok.mail.x.example", 1},
	{"ok.x.example", CM_DNS_PTR, CM_DNS_FOUND, "ok.host.x.example", 1},
	{"OK.X.Example.", CM_DNS_NS, CM_DNS_FOUND, "ok.host.x.example", 1},
	{"none.example", CM_DNS_A, CM_DNS_NO_NAME, NULL, 0},
	{"d300.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"nxdomain.x.example", CM_DNS_TXT, CM_DNS_NO_NAME, NULL, 0},
	{"nodata.x.example", CM_DNS_MX, CM_DNS_NO_DATA, NULL, 0},
	{"nosoa.nxdomain.x.example", CM_DNS_A, CM_DNS_NO_NAME, NULL, 0},
	{"nosoa.nodata.x.example", CM_DNS_A, CM_DNS_NO_DATA, NULL, 0},
	{"ttlneg.nxdomain.x.example", CM_DNS_A, CM_DNS_NO_NAME, NULL, 0},
	{"v6only.x.example", CM_DNS_A, CM_DNS_NO_DATA, NULL, 0},
	{"v6only.x.example", CM_DNS_AAAA, CM_DNS_FOUND, "2001:db8::1", 1},
	{"servfail.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	/* libunbound tells a server that does not want us as one that fails. */
	{"refused.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"formerr.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"notimp.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"trunc.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"twice.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"spoofed.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"mx100.x.example", CM_DNS_MX, CM_DNS_FOUND, NULL, 100},
	{"many500.x.example", CM_DNS_A, CM_DNS_FOUND, NULL, 500},
	{"ttl0.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"ttlmax.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"ttlneg.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"cname1.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"cname5.x.example", CM_DNS_TXT, CM_DNS_FOUND, "v=spf1 ip4:203.0.113.0/24 -all", 1},
	{"cname50.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"chain5.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"chain50.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"cnameself.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"cnameloop1.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"cname3.x.example", CM_DNS_CNAME, CM_DNS_FOUND, "cname2.x.example", 1},
	{"cnamenul.x.example", CM_DNS_A, CM_DNS_FOUND, "192.0.2.1", 1},
	{"nul.x.example", CM_DNS_MX, CM_DNS_FOUND, "n\\000l.\\255\"\\046\\010.x.example", 1},
	{"trunconly.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"tcpclose.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"tcpcut.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"loop.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"forward.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"liecount.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"lielen.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"lieshort.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"lieshort.x.example", CM_DNS_AAAA, CM_DNS_SERVFAIL, NULL, 0},
	{"lieshort.x.example", CM_DNS_MX, CM_DNS_SERVFAIL, NULL, 0},
	{"lieshort.x.example", CM_DNS_TXT, CM_DNS_SERVFAIL, NULL, 0},
	{"half.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"short.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"garbage.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"noqr.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"wrongname.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"wrongtype.x.example", CM_DNS_A, CM_DNS_SERVFAIL, NULL, 0},
	{"..", CM_DNS_A, CM_DNS_BAD_NAME, NULL, 0},
};

/* Nobody answers, or what comes cannot be told from a forger's try. */
static const struct row unanswered[] = {
	{"silent.x.example", CM_DNS_A, CM_DNS_TIMEOUT, NULL, 0},
	{"silent.x.example", CM_DNS_TXT, CM_DNS_TIMEOUT, NULL, 0},
	{"d60000.x.example", CM_DNS_A, CM_DNS_TIMEOUT, NULL, 0},
	{"tcpsilent.x.example", CM_DNS_A, CM_DNS_TIMEOUT, NULL, 0},
	{"wrongid.x.example", CM_DNS_A, CM_DNS_TIMEOUT, NULL, 0},
	{"tiny.x.example", CM_DNS_A, CM_DNS_TIMEOUT, NULL, 0},
	{"empty.x.example", CM_DNS_A, CM_DNS_TIMEOUT, NULL, 0},
};

/* False, with words, when the answer is another one. */
static bool
is_as_wanted(const struct row *row, const struct cm_dns_answer *a)
{
	const char *text = a->count > 0 ? a->records[0].text : "";
	bool ok = a->status == row->status && a->count == row->count &&
		  (row->text == NULL || strcmp(text, row->text) == 0);

	if (!ok)
		fprintf(stderr, "%s %d: wanted %s, %zu records, %s; got %s, %zu, %s\n", row->name,
			row->type, status_names[row->status], row->count,
			row->text != NULL ? row->text : "any", status_names[a->status], a->count,
			text);
	return ok;
}

/* All at once, so that the time is that of the slowest. */
static void
ask_all(const struct row *rows, int count, int64_t timeout_us)
{
	struct question *questions[LENGTH(answered) + LENGTH(unanswered)];
	struct cm_dns_answer a;
	int wrong = 0;
	struct live l;

	begin(&l, timeout_us);
	for (int i = 0; i < count; i++)
		questions[i] = resolver_ask(l.resolver, rows[i].name, rows[i].type);
	for (int i = 0; i < count; i++) {
		question_wait(questions[i], clock_now() + HUNG, &a);
		wrong += !is_as_wanted(&rows[i], &a);
		question_drop(questions[i]);
	}
	ck_assert_msg(wrong == 0, "%d of %d answers are not as wanted", wrong, count);
	end(&l);
}

START_TEST(each_behaviour_has_its_status)
{
	ask_all(answered, LENGTH(answered), PATIENT);
}
END_TEST

START_TEST(what_is_not_answered_ends_with_its_time)
{
	ask_all(unanswered, LENGTH(unanswered), IMPATIENT);
}
END_TEST

/* --- what is in an answer --------------------------------------------------------------------- */

START_TEST(text_of_64_kilobytes_arrives_whole)
{
	struct cm_dns_answer a;
	struct question *q;
	struct live l;

	begin(&l, PATIENT);
	q = ask(l.resolver, "big.x.example", CM_DNS_TXT, &a);
	ck_assert_int_eq(a.status, CM_DNS_FOUND);
	ck_assert_uint_eq(a.records[0].len, 64746);
	for (size_t i = 0; i < a.records[0].len; i++)
		ck_assert_int_eq(a.records[0].text[i], 'a' + (int)(i % 26));
	question_drop(q);
	end(&l);
}
END_TEST

START_TEST(text_may_hold_any_octet)
{
	static const char text[] = "v=spf1 a\0b \x80\xff\r\n\x1b[31m -all";
	struct cm_dns_answer a;
	struct question *q;
	struct live l;

	begin(&l, PATIENT);
	q = ask(l.resolver, "nul.x.example", CM_DNS_TXT, &a);
	ck_assert_int_eq(a.status, CM_DNS_FOUND);
	ck_assert_uint_eq(a.records[0].len, sizeof(text) - 1);
	ck_assert_mem_eq(a.records[0].text, text, sizeof(text));
	question_drop(q);
	end(&l);
}
END_TEST

START_TEST(name_behind_aliases_is_told)
{
	struct cm_dns_answer a;
	struct question *q;
	struct live l;

	begin(&l, PATIENT);
	q = ask(l.resolver, "cname3.x.example", CM_DNS_A, &a);
	ck_assert_str_eq(a.name, "cname0.x.example");
	question_drop(q);
	q = ask(l.resolver, "cnamenul.x.example", CM_DNS_A, &a);
	ck_assert_str_eq(a.name, "ok.n\\000l.\\255\"\\046\\010.x.example");
	question_drop(q);
	end(&l);
}
END_TEST

/* A day at most, whatever a server says; and what says nothing is not kept. */
START_TEST(time_to_live_is_bounded)
{
	static const struct {
		const char *name;
		uint32_t least, most;
	} rows[] = {
		{"ok.x.example", 1, 300},
		{"ttl7.x.example", 1, 7},
		{"ttl0.x.example", 0, 0},
		{"ttlmax.x.example", 80000, 86400},
		{"ttlneg.x.example", 0, 0},
		{"nxdomain.x.example", 1, 60},
		{"ttlmax.nxdomain.x.example", 800, 900},
		{"servfail.x.example", 0, 0},
	};
	struct cm_dns_answer a;
	struct live l;

	begin(&l, PATIENT);
	for (int i = 0; i < LENGTH(rows); i++) {
		question_drop(ask(l.resolver, rows[i].name, CM_DNS_A, &a));
		ck_assert_msg(a.ttl >= rows[i].least && a.ttl <= rows[i].most, "%s: %u s",
			rows[i].name, a.ttl);
	}
	end(&l);
}
END_TEST

/* --- who is asked, and how often -------------------------------------------------------------- */

static const struct {
	const char *name;
	int times; /* that the server is asked for two questions, one after the other */
} kept[] = {
	{"counted.ok.x.example", 1},
	{"counted.nxdomain.x.example", 1},
	{"counted.nodata.x.example", 1},
	{"counted.ttl0.x.example", 2},
	{"counted.ttlneg.x.example", 2},
};

START_TEST(answers_are_kept_as_long_as_they_hold)
{
	struct live l;

	begin(&l, PATIENT);
	for (int i = 0; i < 2; i++)
		(void)status_of(l.resolver, kept[_i].name, CM_DNS_A);
	ck_assert_int_eq(asked(l.resolver, kept[_i].name), kept[_i].times);
	end(&l);
}
END_TEST

START_TEST(who_asks_the_same_meanwhile_gets_the_same_question)
{
	struct question *questions[50];
	struct live l;

	begin(&l, PATIENT);
	for (int i = 0; i < 50; i++)
		questions[i] = resolver_ask(
			l.resolver, i % 2 ? "Silent.one.example." : "silent.ONE.example", CM_DNS_A);
	for (int i = 0; i < 50; i++) {
		ck_assert_ptr_eq(questions[i], questions[0]);
		question_drop(questions[i]);
	}
	end(&l);
}
END_TEST

START_TEST(addresses_nobody_asked_for_are_not_believed)
{
	struct cm_dns_answer a;
	struct question *q;
	struct live l;

	begin(&l, PATIENT);
	ck_assert_int_eq(status_of(l.resolver, "poison.p.example", CM_DNS_A), CM_DNS_FOUND);
	q = ask(l.resolver, "ok.victim.p.example", CM_DNS_A, &a);
	ck_assert_int_eq(a.status, CM_DNS_FOUND);
	ck_assert_str_eq(a.records[0].text, "192.0.2.1");
	question_drop(q);
	end(&l);
}
END_TEST

/* --- waiting ---------------------------------------------------------------------------------- */

START_TEST(who_cannot_wait_is_told_so)
{
	struct cm_dns_answer a;
	struct question *q;
	struct live l;

	begin(&l, PATIENT);
	q = resolver_ask(l.resolver, "silent.x.example", CM_DNS_A);
	question_wait(q, clock_now() + 50 * CLOCK_MS, &a);
	ck_assert_int_eq(a.status, CM_DNS_TIMEOUT);
	ck_assert_str_eq(a.name, "silent.x.example");
	ck_assert_uint_eq(a.count, 0);
	ck_assert(!question_answered(q));
	question_drop(q);
	end(&l);
}
END_TEST

/* Names without an answer do not stand in the way of others. */
START_TEST(silent_names_delay_nobody)
{
	struct question *silent[200];
	struct cm_dns_answer a;
	char name[64];
	struct live l;

	begin(&l, PATIENT);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "silent.n%d.example", i);
		silent[i] = resolver_ask(l.resolver, name, CM_DNS_A);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "ok.n%d.example", i);
		question_drop(ask(l.resolver, name, CM_DNS_A, &a));
		ck_assert_int_eq(a.status, CM_DNS_FOUND);
	}
	for (int i = 0; i < 200; i++) {
		ck_assert(!question_answered(silent[i]));
		question_drop(silent[i]);
	}
	end(&l);
}
END_TEST

START_TEST(resolver_may_end_with_questions_in_flight)
{
	char name[64];
	struct live l;

	begin(&l, PATIENT);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%s.n%d.example", i % 2 ? "silent" : "trunc", i);
		question_drop(resolver_ask(l.resolver, name, CM_DNS_A));
	}
	end(&l);
}
END_TEST

/* --- servers ---------------------------------------------------------------------------------- */

/* A socket where nobody reads: a server that is there and says nothing. */
static int
dumb_server(char at[64])
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(at, 64, "127.0.0.1@%u", ntohs(address.sin_port));
	return fd;
}

START_TEST(second_server_answers_where_the_first_is_silent)
{
	struct hostile server;
	const char *servers[2];
	struct resolver *r;
	char dumb[64];
	int fd = dumb_server(dumb);

	hostile_begin(&server, "127.0.0.1");
	servers[0] = dumb;
	servers[1] = server.at;
	r = open_resolver(servers, 2, PATIENT);
	ck_assert_int_eq(status_of(r, "ok.x.example", CM_DNS_A), CM_DNS_FOUND);
	resolver_close(r);
	hostile_end(&server);
	close(fd);
}
END_TEST

START_TEST(server_that_is_gone_is_a_failure)
{
	struct live l;

	begin(&l, SOON);
	ck_assert_int_eq(status_of(l.resolver, "ok.x.example", CM_DNS_A), CM_DNS_FOUND);
	hostile_end(&l.server);
	enum cm_dns_status status = status_of(l.resolver, "ok.y.example", CM_DNS_A);

	ck_assert_msg(
		status == CM_DNS_TIMEOUT || status == CM_DNS_SERVFAIL, "%s", status_names[status]);
	/* What is known still holds. */
	ck_assert_int_eq(status_of(l.resolver, "ok.x.example", CM_DNS_A), CM_DNS_FOUND);
	resolver_close(l.resolver);
}
END_TEST

static bool
has_ipv6(void)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

START_TEST(server_of_ipv6_alone)
{
	struct hostile server;
	const char *servers[1];
	struct resolver *r;

	if (!has_ipv6()) {
		table_skip("server_of_ipv6_alone", "this machine has no ::1");
		return;
	}
	hostile_begin(&server, "::1");
	servers[0] = server.at;
	r = open_resolver(servers, 1, PATIENT);
	ck_assert_int_eq(status_of(r, "trunc.x.example", CM_DNS_A), CM_DNS_FOUND);
	resolver_close(r);
	hostile_end(&server);
}
END_TEST

/* --- many threads ----------------------------------------------------------------------------- */

#define ASKERS	  8
#define QUESTIONS 300

struct asker {
	struct resolver *resolver;
	pthread_t thread;
	unsigned seed;
	int lost; /* good names that got no answer */
};

/* Names that others ask as well, and names of its own. */
static void *
ask_around(void *context)
{
	static const char *const words[] = {"cname4", "garbage", "half", "liecount", "loop",
		"nodata", "nul", "nxdomain", "ok", "ok", "poison", "refused", "servfail", "silent",
		"trunc", "ttl0"};
	struct asker *asker = context;
	struct cm_dns_answer a;
	char name[64];

	for (int i = 0; i < QUESTIONS; i++) {
		const char *word = words[rand_r(&asker->seed) % LENGTH(words)];

		snprintf(name, sizeof(name), "%s.n%d.example", word, rand_r(&asker->seed) % 40);
		struct question *q =
			resolver_ask(asker->resolver, name, i % 3 == 0 ? CM_DNS_TXT : CM_DNS_A);

		/* Who gives up early must not disturb who waits. */
		bool early = i % 5 == 0 || strcmp(word, "silent") == 0;

		question_wait(q, clock_now() + (early ? 0 : HUNG), &a);
		asker->lost += !early && strcmp(word, "ok") == 0 && a.status != CM_DNS_FOUND;
		question_drop(q);
	}
	return NULL;
}

START_TEST(threads_ask_for_everything_at_once)
{
	struct asker askers[ASKERS];
	struct live l;

	begin(&l, PATIENT);
	for (unsigned i = 0; i < ASKERS; i++) {
		askers[i] = (struct asker){.resolver = l.resolver, .seed = i};
		ck_assert_int_eq(
			pthread_create(&askers[i].thread, NULL, ask_around, &askers[i]), 0);
	}
	for (unsigned i = 0; i < ASKERS; i++) {
		pthread_join(askers[i].thread, NULL);
		ck_assert_int_eq(askers[i].lost, 0);
	}
	end(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("resolver_live");
	TCase *t = tcase_create("resolver_live");

	tcase_add_test(t, each_behaviour_has_its_status);
	tcase_add_test(t, what_is_not_answered_ends_with_its_time);
	tcase_add_test(t, text_of_64_kilobytes_arrives_whole);
	tcase_add_test(t, text_may_hold_any_octet);
	tcase_add_test(t, name_behind_aliases_is_told);
	tcase_add_test(t, time_to_live_is_bounded);
	tcase_add_loop_test(t, answers_are_kept_as_long_as_they_hold, 0, LENGTH(kept));
	tcase_add_test(t, who_asks_the_same_meanwhile_gets_the_same_question);
	tcase_add_test(t, addresses_nobody_asked_for_are_not_believed);
	tcase_add_test(t, who_cannot_wait_is_told_so);
	tcase_add_test(t, silent_names_delay_nobody);
	tcase_add_test(t, resolver_may_end_with_questions_in_flight);
	tcase_add_test(t, second_server_answers_where_the_first_is_silent);
	tcase_add_test(t, server_that_is_gone_is_a_failure);
	tcase_add_test(t, server_of_ipv6_alone);
	tcase_add_test(t, threads_ask_for_everything_at_once);
	suite_add_tcase(s, t);
	return table_run(s);
}
