/* SPDX-License-Identifier: MIT */
/*
 * test_ratelimit_away.c - plugin ratelimit when its store is away: for good, for now, and full
 *
 * The two services that reach a store are this file's, and hide those of the core: the plugin finds
 * them as it finds those. What they pass on goes to stores in memory.
 */
#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "service/store.h"
#include "table.h"

/* What the store says, and how often it was asked. */
static enum cm_store_status away;
static int asked;
static struct cm_store *memory;

static struct cm_store *
writable(const struct cm_store *store)
{
	return (struct cm_store *)(uintptr_t)store;
}

enum cm_store_status
cm_store_limit(struct cm_session *s, const struct cm_store *store, const char *key,
	const struct cm_limit *limit, const struct cm_limit_take *take,
	struct cm_limit_answer *answer)
{
	(void)s;
	if (store != memory)
		asked++;
	if (store != memory && away != CM_STORE_OK)
		return away;
	return store_limit(
		writable(store), key, strlen(key), limit, take, clock_now() + CLOCK_SEC, answer);
}

const struct cm_store *
cm_store_fallback(const struct cm_store *store)
{
	(void)store;
	return memory;
}

static void
begin(struct drive *d, const char *settings)
{
	const struct store_config config = {
		.name = "aside", .type = STORE_MEMORY, .max_size = INT64_C(1) << 20};
	char text[1024];
	struct err err;

	clock_freeze(1800000000);
	drive_init(d);
	snprintf(text, sizeof(text),
		"store m { type = memory }\nprofile all { chain = [ quota ] }\n"
		"plugin quota { type = ratelimit; key = [ auth_user ]; limit = 3/1h; %s }\n",
		settings);
	drive_load(d, text);
	drive_open(d);
	drive_connect(d, "192.0.2.1", "unknown", "587");
	drive_helo(d, "client.example.net");
	memory = store_open(&config, &err);
	ck_assert_ptr_nonnull(memory);
	away = CM_STORE_OK;
	asked = 0;
}

static void
fini(struct drive *d)
{
	drive_fini(d);
	store_close(memory);
}

static int
rcpts(struct drive *d, int count)
{
	int taken = 0;

	for (int i = 0; i < count; i++)
		taken += drive_rcpt(d, "<r@example.com>") == CM_CONTINUE;
	return taken;
}

static int
message(struct drive *d, int count)
{
	int taken;

	drive_mail(d, "<a@example.com>", "bob", NULL);
	taken = rcpts(d, count);
	if (taken > 0)
		ck_assert_int_eq(drive_content(d, NULL, 0, "text"), CM_CONTINUE);
	chain_end_message(d->s);
	return taken;
}

static const struct {
	const char *what, *settings;
	enum cm_store_status away;
	int taken; /* of five */
	const char *reply, *result;
} cases[] = {
	{"counts in memory", "", CM_STORE_AWAY, 3,
		"450 4.7.28 Recipient limit of 3 per hour exceeded by this message alone, try "
		"again in 20 minutes; 3 used",
		"over"},
	{"counts in memory what has no room", "", CM_STORE_FULL, 3,
		"450 4.7.28 Recipient limit of 3 per hour exceeded by this message alone, try "
		"again in 20 minutes; 3 used",
		"over"},
	{"asks to wait", "on_store_error = tempfail", CM_STORE_AWAY, 0,
		"451 4.3.0 Temporary problem, please try again later", "unknown"},
	{"lets pass", "on_store_error = skip", CM_STORE_AWAY, 5, "", "unknown"},
	{"lets pass what has no room", "on_store_error = skip", CM_STORE_FULL, 5, "", "unknown"},
};

START_TEST(store_is_away)
{
	struct drive d;

	begin(&d, cases[_i].settings);
	away = cases[_i].away;
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_msg(rcpts(&d, 5) == cases[_i].taken, "%s", cases[_i].what);
	ck_assert_str_eq(drive_reply(&d), cases[_i].reply);
	ck_assert_pstr_eq(cm_result(d.s, "ratelimit", "result"), cases[_i].result);
	if (strcmp(cases[_i].settings, "") == 0)
		/* A store that is away is not waited for again and again. */
		ck_assert_int_eq(asked, 1);
	chain_end_message(d.s);
	fini(&d);
}
END_TEST

/* What was counted in memory stays there, what was counted in the store as well. */
START_TEST(store_comes_and_goes)
{
	struct drive d;

	begin(&d, "");
	ck_assert_int_eq(message(&d, 2), 2);
	away = CM_STORE_AWAY;
	ck_assert_int_eq(message(&d, 9), 3);
	ck_assert_int_eq(message(&d, 1), 0);
	away = CM_STORE_OK;
	ck_assert_int_eq(message(&d, 2), 1);
	fini(&d);
}
END_TEST

/* Each part ends where it was taken. */
START_TEST(store_goes_in_the_middle)
{
	struct drive d;

	begin(&d, "");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 2), 2);
	away = CM_STORE_AWAY;
	ck_assert_int_eq(rcpts(&d, 2), 2);
	away = CM_STORE_OK;
	ck_assert_int_eq(drive_content(&d, NULL, 0, "text"), CM_CONTINUE);
	chain_end_message(d.s);
	ck_assert_int_eq(message(&d, 9), 1);
	away = CM_STORE_AWAY;
	ck_assert_int_eq(message(&d, 9), 1);
	fini(&d);
}
END_TEST

/* Nobody can tell, so on_error decides. */
START_TEST(memory_is_full_too)
{
	struct drive d;

	begin(&d, "on_error = reject");
	away = CM_STORE_FULL;
	store_close(memory);
	memory = NULL;
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(drive_rcpt(&d, "<r@example.com>"), CM_REJECT);
	ck_assert_str_eq(
		drive_reply(&d), "550 5.3.0 A check of this message could not be completed");
	fini(&d);
}
END_TEST

/* It was reserved, and the store forgets it by itself. */
START_TEST(store_is_away_at_the_end)
{
	struct drive d;

	begin(&d, "");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 3), 3);
	away = CM_STORE_AWAY;
	chain_end_message(d.s);
	away = CM_STORE_OK;
	ck_assert_int_eq(message(&d, 1), 0);
	clock_advance(16 * 60 * CLOCK_SEC);
	ck_assert_int_eq(message(&d, 1), 1);
	fini(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ratelimit away");
	TCase *t = tcase_create("away");

	tcase_add_loop_test(t, store_is_away, 0, LENGTH(cases));
	tcase_add_test(t, store_comes_and_goes);
	tcase_add_test(t, store_goes_in_the_middle);
	tcase_add_test(t, memory_is_full_too);
	tcase_add_test(t, store_is_away_at_the_end);
	suite_add_tcase(suite, t);
	return table_run(suite);
}
