/* SPDX-License-Identifier: MIT */
/*
 * test_trip.c - links that fail too often, through whole messages
 *
 * A row is a story: what the link does in each message, and what became of it.
 */
#include "chain/breaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain_world.h"
#include "temp.h"

/* What the link does at the stage that the story is about. */
enum deed { WELL, FAILS, LATE, NO_INPUT, NO_TIME_LEFT };

static struct {
	enum cm_stage stage;
	enum deed deed;
	bool called;
} now;

static enum cm_verdict
hook(struct cm_session *s, const struct cm_event *ev)
{
	if (ev->stage != now.stage)
		return CM_CONTINUE;
	now.called = true;
	if (now.deed == LATE)
		clock_advance(11 * CLOCK_SEC);
	if (now.deed == NO_INPUT)
		chain_set_failure(s, FAILURE_INPUT);
	return now.deed == FAILS || now.deed == NO_INPUT ? CM_FAILED : CM_CONTINUE;
}

static struct cm_plugin plugin;

static struct link *
add_breaker(int64_t failures)
{
	const struct cm_rate rate = {failures, 300 * CLOCK_SEC};
	struct link *l = add_link("one", ALL_STAGES & ~BIT(CM_STAGE_UNKNOWN));

	now.called = false;
	plugin = fake_plugin;
	plugin.connect = plugin.helo = plugin.mail = plugin.rcpt = plugin.data = hook;
	plugin.header = plugin.eoh = plugin.body = plugin.eom = hook;
	l->plugin = &plugin;
	l->set.trip_after = rate;
	l->breaker = breaker_new(&w.arena, "one", &rate);
	return l;
}

/* --- stories --- */

static const struct {
	const char *word;
	enum deed deed;
} deeds[] = {{"well", WELL}, {"fails", FAILS}, {"late", LATE}, {"no-input", NO_INPUT}};

/* One message; what became of it. */
static const char *
play(const char *word)
{
	enum cm_verdict v = CM_CONTINUE;

	for (int i = 0; i < LENGTH(deeds); i++) {
		if (strcmp(deeds[i].word, word) == 0)
			now.deed = deeds[i].deed;
	}
	now.called = false;
	mail("<a@x.y>");
	v = w.a.verdict;
	if (v == CM_CONTINUE) {
		rcpt(strcmp(word, "refused") == 0 ? "<bad@x.y>" : "<b@x.y>");
		v = w.a.verdict;
	}
	for (int i = 0; i < 3 && v == CM_CONTINUE; i++) {
		static const enum cm_stage rest[] = {CM_STAGE_DATA, CM_STAGE_EOH, CM_STAGE_EOM};

		step(rest[i]);
		v = w.a.verdict;
	}
	chain_end_message(w.s);
	if (strcmp(word, "refused") == 0)
		return now.called ? "asked" : "refused";
	if (now.called)
		return v == CM_CONTINUE || v == CM_ACCEPT ? "ran" : verdict_name(v);
	return v == CM_CONTINUE || v == CM_ACCEPT
		       ? "left-out"
		       : arena_printf(&w.arena, "left-%s", verdict_name(v));
}

/* "+59s" lets time pass; each other word is a message. */
static const char *
tell(const char *story)
{
	char *copy = arena_strdup(&w.arena, story), *word;
	const char *told = "";

	while ((word = strsep(&copy, " ")) != NULL) {
		if (word[0] == '+')
			clock_advance(atoi(word + 1) * CLOCK_SEC);
		else if (word[0] != '\0')
			told = arena_printf(
				&w.arena, "%s%s%s", told, told[0] == '\0' ? "" : " ", play(word));
	}
	return told;
}

#define THRICE	  "fails fails fails "
#define THRICE_IS "tempfail tempfail tempfail "

static const struct {
	const char *says;
	enum cm_stage stage;
	int64_t failures;
	enum link_tripped tripped;
	enum link_failure on_error;
	const char *story, *ending;
} stories[] = {
	{"a link without it never trips", CM_STAGE_EOM, 0, 0, 0, THRICE THRICE,
		THRICE_IS "tempfail tempfail tempfail"},
	{"one failure less is not enough", CM_STAGE_EOM, 3, 0, 0, "fails fails well",
		"tempfail tempfail ran"},
	{"the third one trips, and the link is left out", CM_STAGE_EOM, 3, 0, 0, THRICE "well well",
		THRICE_IS "left-out left-out"},
	{"the first one trips, if so configured", CM_STAGE_EOM, 1, 0, 0, "fails well",
		"tempfail left-out"},
	{"messages between that go well do not help", CM_STAGE_MAIL, 3, 0, 0,
		"fails well fails well well fails well",
		"tempfail ran tempfail ran ran tempfail left-out"},
	{"failures that are long past do not count", CM_STAGE_EOM, 3, 0, 0,
		"fails fails +301 fails well fails fails well",
		"tempfail tempfail tempfail ran tempfail tempfail left-out"},
	{"the time has not quite passed", CM_STAGE_EOM, 3, 0, 0, "fails fails +300 fails well",
		THRICE_IS "left-out"},
	{"tripped = on_error refuses as before, without asking the link", CM_STAGE_EOM, 3,
		LINK_TRIPPED_ON_ERROR, LINK_TEMPFAIL, THRICE "well", THRICE_IS "left-tempfail"},
	{"with on_error = reject, too", CM_STAGE_MAIL, 1, LINK_TRIPPED_ON_ERROR, LINK_REJECT,
		"fails well", "reject left-reject"},
	{"a minute is not over", CM_STAGE_EOM, 3, 0, 0, THRICE "+59 well", THRICE_IS "left-out"},
	{"after a minute one goes well, and all is well", CM_STAGE_EOM, 3, 0, 0,
		THRICE "+60 well well fails well", THRICE_IS "ran ran tempfail ran"},
	{"after a minute one fails, and it takes another", CM_STAGE_EOM, 3, 0, 0,
		THRICE "+60 fails well +59 well +1 well well",
		THRICE_IS "tempfail left-out left-out ran ran"},
	{"failures before it tripped do not count afterwards", CM_STAGE_EOM, 3, 0, 0,
		THRICE "+60 well fails fails well fails well",
		THRICE_IS "ran tempfail tempfail ran tempfail left-out"},
	{"a try that another link refused has shown nothing", CM_STAGE_EOM, 3, 0, 0,
		THRICE "+60 refused well well", THRICE_IS "refused ran ran"},
	{"a try that another link refused, and the next one fails", CM_STAGE_EOM, 3, 0, 0,
		THRICE "+60 refused fails well", THRICE_IS "refused tempfail left-out"},
	{"what is late is a failure", CM_STAGE_EOM, 3, 0, 0, "late late late well",
		THRICE_IS "left-out"},
	{"what the mail server does not tell never trips", CM_STAGE_MAIL, 3, 0, 0,
		"no-input no-input no-input no-input no-input", THRICE_IS "tempfail tempfail"},
	{"nor does it end a try", CM_STAGE_MAIL, 3, 0, 0, THRICE "+60 no-input well well",
		THRICE_IS "tempfail ran ran"},
	{"on_error = skip fails without a word, and trips all the same", CM_STAGE_EOM, 3, 0,
		LINK_SKIP, THRICE "well", "ran ran ran left-out"},
};

START_TEST(link_that_fails_too_often_is_left_out)
{
	struct link *l = add_breaker(stories[_i].failures);
	const char *told;

	l->set.tripped = (int)stories[_i].tripped;
	l->set.on_error = (int)stories[_i].on_error;
	now.stage = stories[_i].stage;
	fake_of(add_verdict("two", CM_STAGE_RCPT, CM_REJECT))->rcpt = "bad@x.y";
	add_default_profile();
	open_and_greet();
	told = tell(stories[_i].story);
	ck_assert_msg(strcmp(told, stories[_i].ending) == 0, "%s: %s", stories[_i].says, told);
}
END_TEST

/* --- one message --- */

START_TEST(message_with_a_hundred_failures_is_one_failure)
{
	add_breaker(2)->set.on_error = LINK_SKIP;
	add_default_profile();
	open_and_greet();
	now.stage = CM_STAGE_HEADER;
	now.deed = FAILS;
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	for (int i = 0; i < 100; i++)
		header("X", "y");
	ck_assert_uint_eq(breaker_look(w.links[0].breaker).trips, 0);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	header("X", "y");
	ck_assert_uint_eq(breaker_look(w.links[0].breaker).trips, 1);
}
END_TEST

START_TEST(command_that_nobody_knows_trips_nothing)
{
	struct link *l = add_breaker(1);

	fake_of(l)->hooks |= BIT(CM_STAGE_UNKNOWN);
	plugin.unknown = hook;
	add_default_profile();
	open_and_greet();
	now.stage = CM_STAGE_UNKNOWN;
	now.deed = FAILS;
	step(CM_STAGE_UNKNOWN);
	mail("<a@x.y>");
	step(CM_STAGE_UNKNOWN);
	ck_assert_msg(now.called, "the link was not asked");
	ck_assert_int_eq(breaker_look(l->breaker).state, BREAKER_CLOSED);
}
END_TEST

/* Who saw the beginning of a message judges its end, and who did not does not. */
START_TEST(message_is_seen_whole_or_not_at_all)
{
	add_breaker(1);
	add_default_profile();
	open_and_greet();
	now.stage = CM_STAGE_MAIL;
	now.deed = WELL;
	mail("<a@x.y>");
	breaker_note_failure(w.links[0].breaker, CM_STAGE_EOM);
	ck_assert_int_eq(breaker_look(w.links[0].breaker).state, BREAKER_OPEN);
	now.stage = CM_STAGE_RCPT;
	now.called = false;
	rcpt("<b@x.y>");
	ck_assert_msg(now.called, "a link that saw MAIL is left out of RCPT");
	mail("<c@x.y>");
	clock_advance(61 * CLOCK_SEC);
	now.called = false;
	rcpt("<b@x.y>");
	ck_assert_msg(!now.called, "a link that was left out of MAIL is tried at RCPT");
	mail("<d@x.y>");
	rcpt("<b@x.y>");
	ck_assert_msg(now.called, "the next message is no try");
	ck_assert_int_eq(breaker_look(w.links[0].breaker).state, BREAKER_HALF_OPEN);
}
END_TEST

START_TEST(end_of_a_message_is_not_told_to_a_link_that_was_left_out)
{
	add_breaker(1);
	add_default_profile();
	open_and_greet();
	w.note_ends = true;
	breaker_note_failure(w.links[0].breaker, CM_STAGE_EOM);
	tell("well");
	ck_assert_str_eq(called(), "");
	tell("+60 well");
	ck_assert_str_eq(called(), "end_msg(accept):one ");
}
END_TEST

START_TEST(trace_says_once_a_stage_that_a_link_tripped)
{
	struct link *l = add_breaker(1);

	setenv("TZ", "UTC", 1);
	add_default_profile();
	open_and_greet();
	breaker_note_failure(l->breaker, CM_STAGE_EOM);
	mail("<a@x.y>");
	ck_assert_str_eq(last_reason(), "tripped 08:00 (1 error in 5min)");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	for (int i = 0; i < 90; i++)
		header("X", "y");
	ck_assert_uint_le(chain_trace(w.s)->count, 5);
	ck_assert_uint_eq(chain_trace(w.s)->lost, 0);
}
END_TEST

/* --- one connection --- */

/* A connection with a message; what became of both. */
static const char *
connection(enum deed deed)
{
	const char *was;

	now.deed = deed;
	now.called = false;
	open_session();
	connect_from("192.0.2.1");
	was = now.called ? "asked" : "left-out";
	helo("client.example");
	now.deed = WELL;
	mail("<a@x.y>");
	was = arena_printf(&w.arena, "%s %s", was, verdict_name(w.a.verdict));
	chain_close(w.s);
	session_free(w.s);
	w.s = NULL;
	return was;
}

START_TEST(what_fails_at_connect_is_tried_at_connect)
{
	struct link *l = add_breaker(2);

	add_default_profile();
	now.stage = CM_STAGE_CONNECT;
	ck_assert_str_eq(connection(FAILS), "asked tempfail");
	ck_assert_str_eq(connection(FAILS), "asked tempfail");
	ck_assert_str_eq(connection(WELL), "left-out continue");
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(connection(FAILS), "asked tempfail");
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(connection(WELL), "asked continue");
	ck_assert_int_eq(breaker_look(l->breaker).state, BREAKER_CLOSED);
}
END_TEST

START_TEST(message_does_not_try_what_fails_at_connect)
{
	struct link *l = add_breaker(1);
	struct breaker_ticket ticket;

	breaker_note_failure(l->breaker, CM_STAGE_CONNECT);
	clock_advance(60 * CLOCK_SEC);
	ck_assert_int_eq(breaker_enter(l->breaker, CM_STAGE_MAIL, &ticket), BREAKER_STOP);
	ck_assert_int_eq(breaker_enter(l->breaker, CM_STAGE_HELO, &ticket), BREAKER_STOP);
	ck_assert_int_eq(breaker_enter(l->breaker, CM_STAGE_CONNECT, &ticket), BREAKER_TRY);
}
END_TEST

/* Left out at connect, it works again when the message begins. */
START_TEST(link_that_was_left_out_at_connect_is_caught_up_at_mail)
{
	struct link *l = add_breaker(1);
	struct breaker_ticket ticket;

	add_default_profile();
	now.stage = CM_STAGE_CONNECT;
	now.deed = WELL;
	breaker_note_failure(l->breaker, CM_STAGE_EOM);
	open_session();
	connect_from("192.0.2.1");
	ck_assert(!now.called);
	clock_advance(60 * CLOCK_SEC);
	ck_assert_int_eq(breaker_enter(l->breaker, CM_STAGE_MAIL, &ticket), BREAKER_TRY);
	breaker_tried(l->breaker, &ticket, BREAKER_WORKED);
	mail("<a@x.y>");
	ck_assert_msg(now.called, "it was never shown the client");
}
END_TEST

/* --- a breaker alone --- */

START_TEST(one_try_at_a_time)
{
	struct breaker *b = add_breaker(1)->breaker;
	struct breaker_ticket first, second;

	breaker_note_failure(b, CM_STAGE_EOM);
	ck_assert_int_eq(breaker_enter(b, CM_STAGE_MAIL, &first), BREAKER_STOP);
	clock_advance(60 * CLOCK_SEC);
	ck_assert_int_eq(breaker_enter(b, CM_STAGE_MAIL, &first), BREAKER_TRY);
	ck_assert_int_eq(first.stage, CM_STAGE_EOM);
	ck_assert_int_eq(breaker_enter(b, CM_STAGE_MAIL, &second), BREAKER_STOP);
	clock_advance(59 * CLOCK_SEC);
	ck_assert_int_eq(breaker_enter(b, CM_STAGE_MAIL, &second), BREAKER_STOP);
	/* Nobody waits longer for the first, and what it says then is not heard. */
	clock_advance(1 * CLOCK_SEC);
	ck_assert_int_eq(breaker_enter(b, CM_STAGE_MAIL, &second), BREAKER_TRY);
	breaker_tried(b, &first, BREAKER_WORKED);
	ck_assert_int_eq(breaker_look(b).state, BREAKER_HALF_OPEN);
	breaker_tried(b, &second, BREAKER_FAILED);
	ck_assert_int_eq(breaker_look(b).state, BREAKER_OPEN);
	ck_assert_int_eq(breaker_look(b).retry_at, clock_wall() + 60);
}
END_TEST

#define THREADS 4
#define ROUNDS	400

static struct {
	struct breaker *breaker;
	pthread_barrier_t barrier;
	_Atomic unsigned tries, stops;
} race;

/* All at once: fail until it trips, and want to try. */
static void *
run_race(void *context)
{
	struct breaker_ticket ticket;

	(void)context;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&race.barrier);
		breaker_note_failure(race.breaker, CM_STAGE_EOM);
		if (pthread_barrier_wait(&race.barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			clock_advance(60 * CLOCK_SEC);
		pthread_barrier_wait(&race.barrier);
		switch (breaker_enter(race.breaker, CM_STAGE_MAIL, &ticket)) {
		case BREAKER_TRY:
			atomic_fetch_add(&race.tries, 1);
			pthread_barrier_wait(&race.barrier);
			breaker_tried(race.breaker, &ticket, BREAKER_WORKED);
			continue;
		case BREAKER_STOP:
			atomic_fetch_add(&race.stops, 1);
			break;
		case BREAKER_RUN:
		case BREAKER_UNASKED:
			break;
		}
		pthread_barrier_wait(&race.barrier);
	}
	return NULL;
}

START_TEST(threads_that_fail_and_try_at_once)
{
	pthread_t threads[THREADS];

	race.breaker = add_breaker(THREADS)->breaker;
	pthread_barrier_init(&race.barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_race, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&race.barrier);
	ck_assert_uint_eq(breaker_look(race.breaker).trips, ROUNDS);
	ck_assert_uint_eq(atomic_load(&race.tries), ROUNDS);
	ck_assert_uint_eq(atomic_load(&race.stops), ROUNDS * (THREADS - 1));
}
END_TEST

START_TEST(log_tells_of_the_trip_and_of_its_end)
{
	char path[TEMP_NAME_SIZE], text[4096] = "";
	int fd = temp_file(path, "chainmail-trip");
	struct log_config config = {
		.target = LOG_TARGET_FILE, .level = LOG_LEVEL_INFO, .path = path};
	struct err err;

	ck_assert_int_ge(fd, 0);
	ck_assert(log_open(&config, 1, &err));
	add_breaker(3);
	now.stage = CM_STAGE_EOM;
	add_default_profile();
	open_and_greet();
	tell(THRICE "well well +60 well");
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	ck_assert_ptr_nonnull(strstr(text,
		"one: tripped, 3 errors in 5min, the latest at eom; it is tried again in a "
		"minute; see: chainmail errors one\n"));
	ck_assert_ptr_nonnull(strstr(text, "one: works again\n"));
	ck_assert_ptr_null(strstr(strstr(text, "tripped") + 1, "tripped"));
	close(fd);
	unlink(path);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("trip");
	TCase *t = tcase_create("trip");

	tcase_add_checked_fixture(t, world_init, world_fini);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, link_that_fails_too_often_is_left_out, 0, LENGTH(stories));
	tcase_add_test(t, message_with_a_hundred_failures_is_one_failure);
	tcase_add_test(t, command_that_nobody_knows_trips_nothing);
	tcase_add_test(t, message_is_seen_whole_or_not_at_all);
	tcase_add_test(t, end_of_a_message_is_not_told_to_a_link_that_was_left_out);
	tcase_add_test(t, trace_says_once_a_stage_that_a_link_tripped);
	tcase_add_test(t, what_fails_at_connect_is_tried_at_connect);
	tcase_add_test(t, message_does_not_try_what_fails_at_connect);
	tcase_add_test(t, link_that_was_left_out_at_connect_is_caught_up_at_mail);
	tcase_add_test(t, one_try_at_a_time);
	tcase_add_test(t, threads_that_fail_and_try_at_once);
	tcase_add_test(t, log_tells_of_the_trip_and_of_its_end);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return table_run(suite());
}
