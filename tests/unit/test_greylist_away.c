/* SPDX-License-Identifier: MIT */
/*
 * test_greylist_away.c - plugin greylist when its store is away or full, and when two servers see
 * the same mail at once
 *
 * The services that reach a store are this file's, and hide those of the core: the plugin finds
 * them as it finds those. What they pass on goes to stores in memory.
 */
#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "mail/session.h"
#include "service/store.h"
#include "table.h"

#define WALL	1800000000
#define WAIT(n) "451 4.7.1 Greylisted, try again in " n " seconds"

static struct drive d;
static struct cm_store *aside;
/* What the store of the configuration says of reads and of changes. */
static enum cm_store_status reads, changes;
/* Another server's visit, just after the next time that the record of a triple was read. */
static void (*meanwhile)(void);

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

enum cm_store_status
cm_store_get(struct cm_session *s, const struct cm_store *store, const char *key,
	const void **value, size_t *len)
{
	void (*other)(void) = meanwhile;
	struct store_value found = {0};
	enum cm_store_status status = reads;

	if (store == aside || status == CM_STORE_OK)
		status = store_get(
			writable(store), key, strlen(key), deadline(), session_arena(s), &found);
	*value = found.data;
	*len = found.len;
	if (other != NULL && strstr(key, "/triple/") != NULL) {
		meanwhile = NULL;
		other();
	}
	return status;
}

enum cm_store_status
cm_store_set(struct cm_session *s, const struct cm_store *store, const char *key, const void *value,
	size_t len, int64_t ttl_us)
{
	(void)s;
	if (store != aside && changes != CM_STORE_OK)
		return changes;
	return store_set(writable(store), key, strlen(key), value, len, ttl_us, deadline());
}

enum cm_store_status
cm_store_add(struct cm_session *s, const struct cm_store *store, const char *key, int64_t delta,
	int64_t ttl_us, int64_t *value)
{
	(void)s;
	if (store != aside && changes != CM_STORE_OK)
		return changes;
	return store_add(writable(store), key, strlen(key), delta, ttl_us, deadline(), value);
}

enum cm_store_status
cm_store_add_member(struct cm_session *s, const struct cm_store *store, const char *key,
	const char *member, int64_t ttl_us, int64_t *count)
{
	(void)s;
	if (store != aside && changes != CM_STORE_OK)
		return changes;
	return store_add_member(writable(store), key, strlen(key), member, strlen(member), ttl_us,
		deadline(), count);
}

const struct cm_store *
cm_store_fallback(const struct cm_store *store)
{
	(void)store;
	return aside;
}

static void
begin(const char *settings)
{
	const struct store_config config = {
		.name = "aside", .type = STORE_MEMORY, .max_size = INT64_C(1) << 20};
	char text[512];
	struct err err;

	clock_freeze(WALL);
	drive_init(&d);
	snprintf(text, sizeof(text),
		"store m { type = memory }\nprofile all { chain = [ greylist ] }\n"
		"plugin greylist { %s }\n",
		settings);
	drive_load(&d, text);
	aside = store_open(&config, &err);
	ck_assert_ptr_nonnull(aside);
	reads = changes = CM_STORE_OK;
	meanwhile = NULL;
}

static void
end(void)
{
	drive_fini(&d);
	store_close(aside);
	clock_thaw();
}

/* What a recipient is told, and the result; each visit is a connection of its own. */
static struct {
	char said[1024], result[16];
} seen;

static void
visit(const char *sender)
{
	struct drive one = {.g = d.g};

	drive_open(&one);
	drive_connect(&one, "192.0.2.1", "client.example.net", "25");
	drive_helo(&one, "client.example.net");
	drive_mail(&one, sender, NULL, NULL);
	drive_rcpt(&one, "<b@example.net>");
	snprintf(seen.said, sizeof(seen.said), "%s", drive_reply(&one));
	snprintf(seen.result, sizeof(seen.result), "%s", cm_result(one.s, "greylist", "result"));
	chain_end_message(one.s);
	chain_close(one.s);
	session_free(one.s);
}

#define TEMPORARY "451 4.3.0 Temporary problem, please try again later"

static const struct {
	const char *name, *settings;
	enum cm_store_status reads, changes;
	const char *said, *result;
} cases[] = {
	{"lets pass", "", CM_STORE_AWAY, CM_STORE_AWAY, "", "unknown"},
	{"lets pass what it could not write", "", CM_STORE_OK, CM_STORE_AWAY, "", "unknown"},
	{"lets pass what has no room", "", CM_STORE_OK, CM_STORE_FULL, "", "unknown"},
	{"refuses for now", "on_store_error = tempfail", CM_STORE_AWAY, CM_STORE_AWAY, TEMPORARY,
		"unknown"},
	{"refuses for now what has no room", "on_store_error = tempfail", CM_STORE_OK,
		CM_STORE_FULL, TEMPORARY, "unknown"},
	{"remembers by itself", "on_store_error = memory", CM_STORE_AWAY, CM_STORE_AWAY,
		WAIT("300"), "new"},
	{"remembers by itself what has no room", "on_store_error = memory", CM_STORE_OK,
		CM_STORE_FULL, WAIT("300"), "new"},
};

START_TEST(store_is_away)
{
	begin(cases[_i].settings);
	reads = cases[_i].reads;
	changes = cases[_i].changes;
	visit("<a@example.org>");
	ck_assert_msg(
		strcmp(seen.said, cases[_i].said) == 0, "%s: \"%s\"", cases[_i].name, seen.said);
	ck_assert_str_eq(seen.result, cases[_i].result);
	end();
}
END_TEST

/* What this daemon remembered meanwhile counts until the store is back, and what was in it then. */
START_TEST(store_goes_and_comes_back)
{
	begin("on_store_error = memory");
	visit("<a@example.org>");
	reads = changes = CM_STORE_AWAY;
	clock_advance(100 * CLOCK_SEC);
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, WAIT("300"));
	visit("<x@example.org>");
	clock_advance(200 * CLOCK_SEC);
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, WAIT("100"));
	reads = changes = CM_STORE_OK;
	visit("<a@example.org>");
	ck_assert_str_eq(seen.result, "passed");
	visit("<x@example.org>");
	ck_assert_str_eq(seen.result, "new");
	end();
}
END_TEST

/* A disk that refuses can still be read: who has waited does not wait for the disk. */
START_TEST(who_has_waited_passes_a_store_that_takes_nothing)
{
	begin("on_store_error = tempfail; auto_allow_after = 1; remember = 2h");
	visit("<a@example.org>");
	clock_advance(300 * CLOCK_SEC);
	changes = CM_STORE_AWAY;
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, "");
	ck_assert_str_eq(seen.result, "passed");
	changes = CM_STORE_OK;
	visit("<a@example.org>");
	ck_assert_str_eq(seen.result, "passed");
	visit("<x@example.org>");
	ck_assert_str_eq(seen.result, "allowed");
	/* Nor does it who comes from where all pass, although that cannot be renewed. */
	clock_advance(60 * 60 * CLOCK_SEC);
	changes = CM_STORE_AWAY;
	visit("<x@example.org>");
	ck_assert_str_eq(seen.said, "");
	ck_assert_str_eq(seen.result, "allowed");
	end();
}
END_TEST

/* --- two at once --- */

static void
same_triple(void)
{
	visit("<a@example.org>");
	clock_advance(20 * CLOCK_SEC);
}

static void
other_triple(void)
{
	visit("<x@example.org>");
}

/* The slower of two servers must not begin anew what the other one has written. */
START_TEST(first_visits_are_one)
{
	begin("");
	meanwhile = same_triple;
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, WAIT("300"));
	clock_advance(279 * CLOCK_SEC);
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, "451 4.7.1 Greylisted, try again in 1 second");
	clock_advance(CLOCK_SEC);
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, "");
	end();
}
END_TEST

/* A server that ends between its two steps holds nobody up for long. */
START_TEST(claim_of_a_dead_server_ends)
{
	static const char key[] =
		"greylist/greylist/claim/192.0.2.0%2f24/a@example.org/b@example.net";
	int64_t claims;

	begin("delay = 1min; retry_window = 10min");
	ck_assert_int_eq(
		cm_store_add(NULL, d.g->stores[0], key, 1, 60 * CLOCK_SEC, &claims), CM_STORE_OK);
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, WAIT("60"));
	clock_advance(60 * CLOCK_SEC);
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, WAIT("60"));
	clock_advance(60 * CLOCK_SEC);
	visit("<a@example.org>");
	ck_assert_str_eq(seen.said, "");
	end();
}
END_TEST

/* The two do not see each other's pass, and still they are of one hour. */
START_TEST(passes_at_the_same_moment_are_one)
{
	begin("auto_allow_after = 2");
	visit("<a@example.org>");
	visit("<x@example.org>");
	clock_advance(300 * CLOCK_SEC);
	meanwhile = other_triple;
	visit("<a@example.org>");
	ck_assert_str_eq(seen.result, "passed");
	visit("<y@example.org>");
	ck_assert_str_eq(seen.result, "new");
	clock_advance(60 * 60 * CLOCK_SEC);
	visit("<y@example.org>");
	ck_assert_str_eq(seen.result, "passed");
	visit("<z@example.org>");
	ck_assert_str_eq(seen.result, "allowed");
	end();
}
END_TEST

START_TEST(triple_that_passes_twice_at_the_same_moment_counts_once)
{
	begin("auto_allow_after = 2");
	visit("<a@example.org>");
	clock_advance(300 * CLOCK_SEC);
	meanwhile = same_triple;
	visit("<a@example.org>");
	ck_assert_str_eq(seen.result, "passed");
	visit("<y@example.org>");
	ck_assert_str_eq(seen.result, "new");
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("greylist_away");
	TCase *tc = tcase_create("away");

	tcase_add_loop_test(tc, store_is_away, 0, LENGTH(cases));
	tcase_add_test(tc, store_goes_and_comes_back);
	tcase_add_test(tc, who_has_waited_passes_a_store_that_takes_nothing);
	tcase_add_test(tc, first_visits_are_one);
	tcase_add_test(tc, claim_of_a_dead_server_ends);
	tcase_add_test(tc, passes_at_the_same_moment_are_one);
	tcase_add_test(tc, triple_that_passes_twice_at_the_same_moment_counts_once);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
