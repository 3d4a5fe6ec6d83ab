/* SPDX-License-Identifier: MIT */
/*
 * test_metric.c - the registry of counters, alone and through rules
 *
 * Each test is a process of its own, for the registry is the process's.
 */
#include "service/metric.h"

#include <pthread.h>

#include "base/buf.h"
#include "script_value.h"
#include "table.h"

static struct rule r;
static struct buf told;

static void
setup(void)
{
	rule_init(&r);
	buf_init(&told, 0);
}

static void
teardown(void)
{
	buf_fini(&told);
	rule_fini(&r);
}

static void
tell(void *context, const struct metric_sample *m)
{
	(void)context;
	buf_printf(&told, "%s{%s} %llu\n", m->name, m->labels, (unsigned long long)m->value);
}

static const char *
all(void)
{
	buf_clear(&told);
	metric_each(tell, NULL);
	return told.data;
}

static const struct {
	const char *name;
	bool metric, label;
} names[] = {
	{"a", true, true},
	{"account_blocked", true, true},
	{"_x9", true, true},
	{"__x", true, false},
	{"", false, false},
	{"9a", false, false},
	{"a-b", false, false},
	{"a b", false, false},
	{"a:b", false, false},
	{"\xc3\xa4", false, false},
	{"a123456789012345678901234567890123456789012345678901234567890", true, true},
	{"a1234567890123456789012345678901234567890123456789012345678901234", false, false},
};

START_TEST(name_is_taken_or_not)
{
	ck_assert_int_eq(metric_name_ok(names[_i].name), names[_i].metric);
	ck_assert_int_eq(metric_label_ok(names[_i].name), names[_i].label);
}
END_TEST

START_TEST(counts_by_label_set)
{
	const struct metric_label de[] = {{"country", "DE"}, {"rule", "x"}};
	const struct metric_label br[] = {{"country", "BR"}, {"rule", "x"}};

	ck_assert_str_eq(all(), "");
	metric_count("seen", de, 2);
	metric_count("seen", br, 2);
	metric_count("seen_total", de, 2);
	metric_count("another", NULL, 0);
	ck_assert_str_eq(all(), "chainmail_rule_another_total{} 1\n"
				"chainmail_rule_seen_total{country=\"BR\",rule=\"x\"} 1\n"
				"chainmail_rule_seen_total{country=\"DE\",rule=\"x\"} 2\n");
}
END_TEST

static const struct {
	const char *value, *shown;
} hostile[] = {
	{"", "chainmail_rule_a_total{v=\"\"} 1\n"},
	{"a\"b\\c", "chainmail_rule_a_total{v=\"a\\\"b\\\\c\"} 1\n"},
	{"a\nb\x1b[0m\xff", "chainmail_rule_a_total{v=\"a?b?[0m?\"} 1\n"},
	{"12345678901234567890123456789012345678901234567890123456789012345678",
		"chainmail_rule_a_total{v=\"1234567890123456789012345678901234567890123456789012345"
		"678901234\"} 1\n"},
};

START_TEST(value_ends_no_line)
{
	metric_count("a", &(struct metric_label){"v", hostile[_i].value}, 1);
	ck_assert_str_eq(all(), hostile[_i].shown);
}
END_TEST

/* What is beyond the bounds is counted, and said once. */
START_TEST(label_sets_have_a_bound)
{
	char value[16];
	const char *said;

	for (unsigned i = 0; i < METRIC_SETS_MOST + 50; i++) {
		snprintf(value, sizeof(value), "%u", i);
		metric_count("login", &(struct metric_label){"v", value}, 1);
	}
	metric_count("login", &(struct metric_label){"v", "0"}, 1);
	ck_assert_ptr_nonnull(strstr(all(), "login_total{v=\"0\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(all(), "login_total{v=\"99\"} 1\n"));
	ck_assert_ptr_null(strstr(all(), "login_total{v=\"100\"}"));
	ck_assert_ptr_nonnull(
		strstr(all(), "chainmail_rule_metric_overflow_total{metric=\"chainmail"
			      "_rule_login_total\"} 50\n"));
	said = strstr(rule_log(&r), "there are 100 label sets already; {v=\"100\"} and further");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_null(strstr(said + 1, "there are 100 label sets"));
}
END_TEST

START_TEST(metrics_have_a_bound)
{
	char name[16];
	const char *said;

	for (unsigned i = 0; i < METRICS_MOST + 7; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		metric_count(name, NULL, 0);
	}
	ck_assert_ptr_nonnull(strstr(all(), "chainmail_rule_metric_overflow_total{} 7\n"));
	said = strstr(rule_log(&r), "there are 128 metrics of rules already");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_null(strstr(said + 1, "there are 128 metrics"));
}
END_TEST

#define ROUNDS	20000
#define THREADS 4

static void *
count_on(void *name)
{
	for (int i = 0; i < ROUNDS; i++)
		metric_count("together", &(struct metric_label){"v", name}, 1);
	return NULL;
}

START_TEST(threads_lose_nothing)
{
	pthread_t threads[THREADS];
	char name[] = "x";

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count_on, name);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_str_eq(all(), "chainmail_rule_together_total{v=\"x\"} 80000\n");
}
END_TEST

/* --- rules --- */

START_TEST(rule_counts)
{
	rule_load(&r,
		"function mail(m, from)\n"
		"  metric('mails')\n"
		"  metric('mails_by', { zone = from.domain, auth = 1, tls = m.tls.version })\n"
		"end\n",
		"");
	ck_assert_str_eq(value_next(&r), "continue");
	ck_assert_str_eq(value_next(&r), "continue");
	ck_assert_str_eq(all(), "chainmail_rule_mails_by_total{auth=\"1\",rule=\"x\",tls=\"TLSv1."
				"3\",zone=\"example.com\"} 2\n"
				"chainmail_rule_mails_total{rule=\"x\"} 2\n");
}
END_TEST

static const struct {
	const char *statement, *want;
} mistakes[] = {
	{"metric()", "bad argument #1 to 'metric' (string expected*"},
	{"metric('a b')", "metric \"a b\": a name has letters, digits and _, at most 63*"},
	{"metric('')", "metric \"\": a name has letters*"},
	{"metric('a\\0')", "metric \"a\": a name has letters*"},
	{"metric('a', 1)", "bad argument #2 to 'metric' (table expected, got number)*"},
	{"metric('a', { 'x' })", "metric: labels have names of letters, digits and _*"},
	{"metric('a', { ['x-y'] = 'x' })", "metric: labels have names of letters, digits and _*"},
	{"metric('a', { rule = 'y' })", "metric: labels have names of letters, digits and _, not*"},
	{"metric('a', { x = {} })", "metric: label x is a table, not a text*"},
	{"metric('a', { x = true })", "metric: label x is a boolean, not a text*"},
	{"metric('a', { a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8 })",
		"metric: at most 7 labels*"},
};

START_TEST(mistake_is_told)
{
	mistake_expect(&r, mistakes[_i].statement, "", mistakes[_i].want);
	ck_assert_str_eq(all(), "");
}
END_TEST

START_TEST(counts_in_hooks_only)
{
	rule_try(&r, "metric('x')\nfunction mail(m) end\n", "");
	ck_assert_msg(strstr(r.d.mistakes, "metric() can be used in hooks only") != NULL, "%s",
		r.d.mistakes);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metric");
	TCase *tc = tcase_create("metric");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, name_is_taken_or_not, 0, LENGTH(names));
	tcase_add_test(tc, counts_by_label_set);
	tcase_add_loop_test(tc, value_ends_no_line, 0, LENGTH(hostile));
	tcase_add_test(tc, label_sets_have_a_bound);
	tcase_add_test(tc, metrics_have_a_bound);
	tcase_add_test(tc, threads_lose_nothing);
	tcase_add_test(tc, rule_counts);
	tcase_add_loop_test(tc, mistake_is_told, 0, LENGTH(mistakes));
	tcase_add_test(tc, counts_in_hooks_only);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
