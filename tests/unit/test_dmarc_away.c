/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_away.c - plugin dmarc when its store is away or full, whichever of its calls that hits
 *
 * The services that reach a store are this file's, and hide those of the core: the plugin finds
 * them as it finds those.
 */
#include <stdio.h>

#include "base/clock.h"
#include "dmarc_case.h"
#include "mail/session.h"
#include "service/store.h"
#include "table.h"

/* 2026-05-31, noon */
#define NOON INT64_C(1780228800)
#define DAY  INT64_C(86400)
/* More calls than anybody makes. */
#define ALWAYS 1000u

static struct drive d;
/* Calls so far, from 1 on, and those that fail: so many, and as what. */
static unsigned calls, first, last;
static enum cm_store_status trouble;
/* Of the report's rows. */
static long long counted, dropped;

/* --- the store -----------------------------------------------------------------------------------
 */

static struct cm_store *
writable(const struct cm_store *store)
{
	return (struct cm_store *)(uintptr_t)store;
}

static int64_t
deadline(void)
{
	return clock_now() + CLOCK_SEC;
}

static bool
fails(void)
{
	calls++;
	return calls >= first && calls <= last;
}

static void
fail_calls(unsigned from, unsigned to, enum cm_store_status status)
{
	calls = 0;
	first = from;
	last = to;
	trouble = status;
}

enum cm_store_status
cm_store_get(struct cm_session *s, const struct cm_store *store, const char *key,
	const void **value, size_t *len)
{
	struct store_value found = {0};
	enum cm_store_status status;

	/* There is always room to read. */
	if (fails())
		return CM_STORE_AWAY;
	status = store_get(writable(store), key, strlen(key), deadline(), session_arena(s), &found);
	*value = found.data;
	*len = found.len;
	return status;
}

enum cm_store_status
cm_store_set(struct cm_session *s, const struct cm_store *store, const char *key, const void *value,
	size_t len, int64_t ttl_us)
{
	(void)s;
	return fails() ? trouble
		       : store_set(
				 writable(store), key, strlen(key), value, len, ttl_us, deadline());
}

enum cm_store_status
cm_store_add(struct cm_session *s, const struct cm_store *store, const char *key, int64_t delta,
	int64_t ttl_us, int64_t *value)
{
	(void)s;
	return fails() ? trouble
		       : store_add(writable(store), key, strlen(key), delta, ttl_us, deadline(),
				 value);
}

struct showing {
	bool (*show)(void *, const char *, const void *, size_t);
	void *context;
};

static bool
show(void *context, const void *key, size_t len, const struct store_value *value)
{
	const struct showing *showing = context;
	char text[512];

	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)key);
	return showing->show(showing->context, text, value->data, value->len);
}

enum cm_store_status
cm_store_each(struct cm_session *s, const struct cm_store *store, const char *prefix,
	bool (*each)(void *, const char *, const void *, size_t), void *context)
{
	struct showing showing = {each, context};

	(void)s;
	return fails() ? CM_STORE_AWAY
		       : store_each(writable(store), prefix, strlen(prefix), show, &showing);
}

/* --- the day -------------------------------------------------------------------------------------
 */

static void
begin(const char *options)
{
	char text[400];

	clock_freeze(NOON);
	fail_calls(0, 0, CM_STORE_OK);
	snprintf(text, sizeof(text),
		"store m { type = memory }\nprofile all { chain = [ dmarc ] }\n"
		"plugin dmarc { store = m; report_email = d@example.com; need_dkim = no\n%s }\n",
		options);
	dmarc_case_load(&d,
		"_dmarc.example.org TXT \"v=DMARC1; p=none; rua=mailto:a@example.org\"\n", text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
}

static void
end(void)
{
	drive_fini(&d);
	clock_thaw();
}

static void
send(const char *ip, unsigned messages)
{
	while (messages-- > 0) {
		dmarc_case_send(&d, &(struct dmarc_mail){.ip = ip});
		chain_end_message(d.s);
	}
}

static bool
row(void *context, const char *link, const struct cm_cell *cells, size_t count)
{
	(void)context;
	(void)link;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(cells[i].name, "count") == 0)
			counted += (long long)cells[i].number;
		if (strcmp(cells[i].name, "dropped") == 0)
			dropped = (long long)cells[i].number;
	}
	return true;
}

/* Fills counted and dropped; "" or what the command complains of. */
static const char *
report(void)
{
	counted = dropped = 0;
	return dmarc_case_ask(&d, "report", (const char *const[]){"example.org", NULL}, row);
}

static void
next_day(void)
{
	fail_calls(0, 0, CM_STORE_OK);
	clock_advance(DAY * CLOCK_SEC);
}

/* --- messages ------------------------------------------------------------------------------------
 */

/*
 * The calls of a first message: its count, the rows of its domain and of the day so far, policy,
 * row, and those rows with this one.
 */
static const struct {
	const char *what;
	unsigned first, last;
	enum cm_store_status trouble;
	long long counted; /* of that message and two others of its kind */
} outages[] = {
	{"nothing", 0, 0, CM_STORE_OK, 3},
	{"all of it", 1, ALWAYS, CM_STORE_AWAY, 2},
	{"the count", 1, 1, CM_STORE_AWAY, 2},
	{"all behind the count", 2, ALWAYS, CM_STORE_AWAY, 3},
	{"the rows of the domain", 2, 2, CM_STORE_AWAY, 3},
	{"the rows of the day", 3, 3, CM_STORE_AWAY, 3},
	{"the policy", 4, 4, CM_STORE_AWAY, 3},
	{"the row", 5, 5, CM_STORE_AWAY, 3},
	{"all behind the policy", 5, ALWAYS, CM_STORE_AWAY, 3},
	{"the rows of the domain with this one", 6, 6, CM_STORE_AWAY, 3},
	{"the rows of the day with this one", 7, 7, CM_STORE_AWAY, 3},
	{"room for the policy", 4, 4, CM_STORE_FULL, 3},
	{"room for the row", 5, 5, CM_STORE_FULL, 3},
};

START_TEST(a_row_that_was_not_kept_is_kept_later)
{
	const char *what = outages[_i].what;

	begin("report_rows = 1; report_day_rows = 1");
	fail_calls(outages[_i].first, outages[_i].last, outages[_i].trouble);
	send("203.0.113.7", 1);
	fail_calls(0, 0, CM_STORE_OK);
	send("203.0.113.7", 2);
	next_day();
	ck_assert_msg(report()[0] == '\0', "%s", what);
	ck_assert_msg(counted == outages[_i].counted, "without %s: %lld", what, counted);
	end();
}
END_TEST

/* The second message of a kind whose row has been kept. */
START_TEST(a_row_that_cannot_be_read_is_not_kept_twice)
{
	begin("report_rows = 1; report_day_rows = 1");
	send("203.0.113.7", 1);
	fail_calls(2, 2, CM_STORE_AWAY);
	send("203.0.113.7", 1);
	fail_calls(0, 0, CM_STORE_OK);
	send("203.0.113.7", 1);
	next_day();
	ck_assert_str_eq(report(), "");
	ck_assert_int_eq(counted, 3);
	ck_assert_int_eq(dropped, 0);
	end();
}
END_TEST

/* All of a kind that there is no room for when it is seen again. */
START_TEST(what_has_no_room_later_is_dropped_whole)
{
	begin("report_rows = 1");
	fail_calls(4, ALWAYS, CM_STORE_FULL);
	send("203.0.113.7", 1);
	fail_calls(0, 0, CM_STORE_OK);
	send("203.0.113.8", 1);
	send("203.0.113.7", 1);
	next_day();
	ck_assert_str_eq(report(), "");
	ck_assert_int_eq(counted, 1);
	ck_assert_int_eq(dropped, 2);
	end();
}
END_TEST

/* --- the log -------------------------------------------------------------------------------------
 */

static unsigned
lines_with(const char *path, const char *words)
{
	FILE *f = fopen(path, "r");
	unsigned count = 0;
	char line[2000];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		count += strstr(line, words) != NULL;
	fclose(f);
	return count;
}

START_TEST(an_outage_is_logged_when_it_begins_and_when_it_ends)
{
	const char *path;

	begin("");
	path = drive_file(&d, "log", "");
	drive_log_to(path);
	fail_calls(1, ALWAYS, CM_STORE_AWAY);
	send("203.0.113.7", 5);
	fail_calls(0, 0, CM_STORE_OK);
	send("203.0.113.7", 5);
	drive_log_to("/dev/null");
	ck_assert_uint_eq(
		lines_with(path, "messages are not counted for DMARC reports: the store does not "
				 "answer, or is full"),
		1);
	ck_assert_uint_eq(lines_with(path, "counted for DMARC reports again; 5 may be missing "
					   "there"),
		1);
	end();
}
END_TEST

/* --- the report ----------------------------------------------------------------------------------
 */

/* Whichever call fails: a report is whole, or there is none. */
START_TEST(a_report_that_cannot_be_read_is_none)
{
	unsigned whole;

	begin("report_rows = 2");
	send("203.0.113.7", 3);
	send("203.0.113.8", 4);
	send("203.0.113.9", 5);
	next_day();
	ck_assert_str_eq(report(), "");
	ck_assert_int_eq(counted, 7);
	ck_assert_int_eq(dropped, 5);
	whole = calls;
	ck_assert_uint_ge(whole, 5);
	for (unsigned i = 1; i <= whole; i++) {
		fail_calls(i, i, CM_STORE_AWAY);
		ck_assert_str_eq(report(), "the store does not answer");
	}
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_away");
	TCase *c = tcase_create("dmarc_away");

	tcase_add_loop_test(c, a_row_that_was_not_kept_is_kept_later, 0, LENGTH(outages));
	tcase_add_test(c, a_row_that_cannot_be_read_is_not_kept_twice);
	tcase_add_test(c, what_has_no_room_later_is_dropped_whole);
	tcase_add_test(c, an_outage_is_logged_when_it_begins_and_when_it_ends);
	tcase_add_test(c, a_report_that_cannot_be_read_is_none);
	suite_add_tcase(suite, c);
	return table_run(suite);
}
