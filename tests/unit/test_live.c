/* SPDX-License-Identifier: MIT */
/*
 * test_live.c - modes that are set at run time, errors, and what shadow would have done
 */
#include "chain/live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain_world.h"
#include "temp.h"

#define REFUSED "reject 550 5.7.1 Refused by local policy"

/* Links of other tests of this process have the same names: nothing of them is left. */
static void
join(void)
{
	struct chain nobody = {.link_count = 0};

	live_join(&nobody);
	live_join(&w.chain);
}

/* --- mode --- */

static const struct {
	const char *says;
	enum link_mode configured;
	int64_t until; /* of filter.conf, seconds from now; 0: for ever */
	bool set;
	enum link_mode mode;
	int64_t lasts;	/* seconds; 0: no end */
	int64_t passed; /* since then, seconds */
	const char *answer, *calls;
} modes[] = {
	{"enforce, and nobody set another", LINK_ENFORCE, 0, false, 0, 0, 0, REFUSED, "mail:one "},
	{"enforce, set to shadow", LINK_ENFORCE, 0, true, LINK_SHADOW, 0, 0, "continue",
		"mail:one "},
	{"enforce, set to off", LINK_ENFORCE, 0, true, LINK_OFF, 0, 0, "continue", ""},
	{"shadow, set to enforce", LINK_SHADOW, 0, true, LINK_ENFORCE, 0, 0, REFUSED, "mail:one "},
	{"enforce, set to shadow for an hour, of which a second is left", LINK_ENFORCE, 0, true,
		LINK_SHADOW, 3600, 3599, "continue", "mail:one "},
	{"enforce, set to shadow for an hour that is over", LINK_ENFORCE, 0, true, LINK_SHADOW,
		3600, 3600, REFUSED, "mail:one "},
	{"shadow, set to enforce for an hour that is over", LINK_SHADOW, 0, true, LINK_ENFORCE,
		3600, 3600, "continue", "mail:one "},
	{"shadow until it is over, set to off for longer", LINK_SHADOW, 10, true, LINK_OFF, 3600,
		20, "continue", ""},
	{"shadow until it is over, and so is what was set", LINK_SHADOW, 10, true, LINK_OFF, 15, 20,
		REFUSED, "mail:one "},
	{"shadow for ever, whatever the time", LINK_ENFORCE, 0, true, LINK_SHADOW, 0, 100000000,
		"continue", "mail:one "},
};

static void
set_mode(struct link *l, enum link_mode mode, int64_t lasts)
{
	const struct live_mode m = {true, (int)mode, lasts == 0 ? 0 : clock_wall() + lasts};

	live_set_mode(l, &m);
}

START_TEST(mode_that_is_set_goes_before_that_of_filter_conf)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);

	l->set.mode = (int)modes[_i].configured;
	l->set.until = modes[_i].until == 0 ? 0 : clock_wall() + modes[_i].until;
	join();
	if (modes[_i].set)
		set_mode(l, modes[_i].mode, modes[_i].lasts);
	clock_advance(modes[_i].passed * CLOCK_SEC);
	add_default_profile();
	begin(FRESH);
	ck_assert_msg(strcmp(mail("<a@x.y>"), modes[_i].answer) == 0, "%s: %s", modes[_i].says,
		answered());
	ck_assert_msg(strcmp(called(), modes[_i].calls) == 0, "%s", modes[_i].says);
}
END_TEST

/* The same link of the generation that a reload makes. */
START_TEST(mode_stays_over_a_reload_and_ends_with_its_link)
{
	struct link *l = add_link("one", BIT(CM_STAGE_MAIL)), again = {.name = "one"};
	struct link *list[] = {&again};
	struct chain next = {.links = list, .link_count = 1}, without = {.link_count = 0};

	join();
	set_mode(l, LINK_SHADOW, 3600);
	live_join(&next);
	ck_assert(live_mode(&again).set);
	ck_assert_int_eq(live_mode(&again).mode, LINK_SHADOW);
	ck_assert_int_eq(live_mode(&again).until, clock_wall() + 3600);
	ck_assert_msg(live_mode(l).set, "sessions of the old generation have it, too");
	live_join(&without);
	live_join(&next);
	ck_assert(!live_mode(&again).set);
}
END_TEST

START_TEST(log_says_that_a_mode_is_over_once)
{
	char path[TEMP_NAME_SIZE], text[4096] = "";
	int fd = temp_file(path, "chainmail-live");
	struct log_config config = {
		.target = LOG_TARGET_FILE, .level = LOG_LEVEL_INFO, .path = path};
	struct err err;

	ck_assert_int_ge(fd, 0);
	ck_assert(log_open(&config, 1, &err));
	add_link("one", BIT(CM_STAGE_MAIL));
	join();
	set_mode(&w.links[0], LINK_OFF, 60);
	live_end_modes();
	clock_advance(60 * CLOCK_SEC);
	live_end_modes();
	live_end_modes();
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	ck_assert_ptr_nonnull(strstr(text,
		"one: the mode that was set with chainmail mode is over, and that of filter.conf "
		"holds\n"));
	ck_assert_ptr_eq(strchr(text, '\n') + 1, strchr(text, '\0'));
	close(fd);
	unlink(path);
}
END_TEST

/* --- errors --- */

static const struct {
	const char *says;
	enum cm_verdict verdict;
	int64_t takes;
	enum failure kind;
	const char *reason;
} errors[] = {
	{"could not tell", CM_FAILED, 0, FAILURE_ERROR, "no answer"},
	{"is late", CM_CONTINUE, 11 * CLOCK_SEC, FAILURE_TIMEOUT, "took 11000 ms, had 10000 ms"},
};

START_TEST(error_is_kept_with_its_message)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, errors[_i].verdict);
	struct live_error latest[LIVE_ERRORS];
	uint64_t counts[FAILURE_KINDS];

	fake_of(l)->takes = errors[_i].takes;
	fake_of(l)->reason = errors[_i].verdict == CM_FAILED ? errors[_i].reason : NULL;
	join();
	add_default_profile();
	begin(FRESH);
	ck_assert_uint_eq(live_errors(l, counts, latest), 0);
	mail("<a@x.y>");
	ck_assert_uint_eq(live_errors(l, counts, latest), 1);
	ck_assert_str_eq(latest[0].id, w.s->id);
	ck_assert_str_eq(latest[0].reason, errors[_i].reason);
	ck_assert_int_eq(latest[0].stage, CM_STAGE_MAIL);
	ck_assert_int_eq(latest[0].kind, errors[_i].kind);
	ck_assert_int_eq(latest[0].at, clock_wall());
	for (int kind = 0; kind < FAILURE_KINDS; kind++)
		ck_assert_uint_eq(counts[kind], kind == (int)errors[_i].kind);
}
END_TEST

START_TEST(latest_errors_are_kept_and_all_are_counted)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_FAILED);
	struct live_error latest[LIVE_ERRORS];
	uint64_t counts[FAILURE_KINDS];
	char reason[2 * LIVE_REASON_SIZE];

	join();
	add_default_profile();
	begin(FRESH);
	for (unsigned i = 0; i < LIVE_ERRORS + 5; i++) {
		snprintf(reason, sizeof(reason), "%03u %600s", i, "long");
		fake_of(l)->reason = reason;
		mail("<a@x.y>");
	}
	ck_assert_uint_eq(live_errors(l, counts, latest), LIVE_ERRORS);
	ck_assert_uint_eq(counts[FAILURE_ERROR], LIVE_ERRORS + 5);
	ck_assert_int_eq(strncmp(latest[0].reason, "024 ", 4), 0);
	ck_assert_int_eq(strncmp(latest[LIVE_ERRORS - 1].reason, "005 ", 4), 0);
	ck_assert_uint_eq(strlen(latest[0].reason), LIVE_REASON_SIZE - 1);
}
END_TEST

/* --- what shadow would have done --- */

static const struct {
	const char *says;
	enum cm_stage stage;
	enum cm_verdict verdict;
	int edit; /* enum edit_kind; -1: none */
	unsigned refused;
	int kind; /* enum would; -1: nothing */
} woulds[] = {
	{"no opinion", CM_STAGE_MAIL, CM_CONTINUE, -1, 0, -1},
	{"a refusal at MAIL", CM_STAGE_MAIL, CM_REJECT, -1, 1, WOULD_REJECT},
	{"a refusal of each recipient", CM_STAGE_RCPT, CM_TEMPFAIL, -1, 1, WOULD_TEMPFAIL},
	{"a refusal at connect", CM_STAGE_CONNECT, CM_REJECT, -1, 1, WOULD_REJECT},
	{"a refusal at HELO", CM_STAGE_HELO, CM_TEMPFAIL, -1, 1, WOULD_TEMPFAIL},
	{"a refusal at each field", CM_STAGE_HEADER, CM_REJECT, -1, 1, WOULD_REJECT},
	{"a discard", CM_STAGE_EOM, CM_DISCARD, -1, 0, WOULD_DISCARD},
	{"an accept", CM_STAGE_DATA, CM_ACCEPT, -1, 0, WOULD_ACCEPT},
	{"an error that refuses", CM_STAGE_EOM, CM_FAILED, -1, 1, WOULD_TEMPFAIL},
	{"an edit", CM_STAGE_EOM, CM_CONTINUE, EDIT_ADD_HEADER, 0, WOULD_CHANGE},
	{"a message held", CM_STAGE_EOM, CM_CONTINUE, EDIT_QUARANTINE, 0, WOULD_QUARANTINE},
	{"a refusal of a command that nobody knows", CM_STAGE_UNKNOWN, CM_REJECT, -1, 0, -1},
	{"a link that wants no more", CM_STAGE_EOM, CM_DONE, -1, 0, -1},
};

static void
whole_message(const char *from)
{
	step(CM_STAGE_UNKNOWN);
	mail(from);
	rcpt("<b@x.y>");
	step(CM_STAGE_UNKNOWN);
	rcpt("<c@x.y>");
	content();
	chain_end_message(w.s);
}

START_TEST(what_shadow_would_have_done_is_counted_by_message)
{
	struct link *l = add_verdict("one", woulds[_i].stage, woulds[_i].verdict);
	struct live_would would;

	l->set.mode = LINK_SHADOW;
	if (woulds[_i].edit >= 0) {
		fake_of(l)->edit_at = BIT(woulds[_i].stage);
		fake_of(l)->edit.kind = (enum edit_kind)woulds[_i].edit;
	}
	join();
	add_default_profile();
	open_and_greet();
	whole_message("<a@x.y>");
	whole_message("<a@x.y>");
	whole_message("<>");
	would = live_would(l);
	ck_assert_msg(would.refused == 3 * woulds[_i].refused, "%s: %d", woulds[_i].says,
		(int)would.refused);
	ck_assert_uint_eq(would.affected, woulds[_i].kind < 0 ? 0 : 3);
	ck_assert_uint_eq(would.senders, woulds[_i].kind < 0 ? 0 : 2);
	for (int kind = 0; kind < WOULD_KINDS; kind++)
		ck_assert_msg(would.messages[kind] == (kind == woulds[_i].kind ? 3 : 0), "%s: %s",
			woulds[_i].says, would_name((enum would)kind));
}
END_TEST

START_TEST(link_that_is_enforced_would_have_done_nothing)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_TEMPFAIL);

	join();
	add_default_profile();
	open_and_greet();
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	chain_end_message(w.s);
	ck_assert_uint_eq(live_would(l).affected, 0);
}
END_TEST

START_TEST(senders_are_listed_by_their_messages)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);
	struct live_sender *list;
	size_t count;

	l->set.mode = LINK_SHADOW;
	join();
	add_default_profile();
	open_and_greet();
	whole_message("<a@x.y>");
	whole_message("<>");
	clock_advance(5 * CLOCK_SEC);
	whole_message("<>");
	list = live_senders(l, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(list[0].name, "<>");
	ck_assert_uint_eq(list[0].messages, 2);
	ck_assert_int_eq(list[0].last, clock_wall());
	ck_assert_str_eq(list[1].name, "a@x.y");
	ck_assert_uint_eq(list[1].would, 1u << WOULD_REJECT);
	free(list);
}
END_TEST

START_TEST(senders_are_bounded)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);
	struct live_sender *list;
	char from[200];
	size_t count;

	l->set.mode = LINK_SHADOW;
	join();
	add_default_profile();
	open_and_greet();
	for (unsigned i = 0; i < LIVE_SENDERS + 10; i++) {
		snprintf(from, sizeof(from), "<%u@%0100u.example>", i, 0u);
		mail(from);
		chain_end_message(w.s);
	}
	ck_assert_uint_eq(live_would(l).senders, LIVE_SENDERS);
	ck_assert(live_would(l).more);
	ck_assert_uint_eq(live_would(l).refused, LIVE_SENDERS + 10);
	list = live_senders(l, &count);
	ck_assert_uint_eq(count, LIVE_SENDERS);
	ck_assert_uint_eq(strlen(list[0].name), LIVE_SENDER_SIZE - 1);
	free(list);
}
END_TEST

/* --- threads --- */

#define MESSAGES 300

static _Atomic bool over;

/* Somebody changes the mode, reloads, and looks. */
static void *
fiddle(void *context)
{
	struct link *l = context, again = {.name = l->name};
	struct link *list[] = {&again};
	struct chain next = {.links = list, .link_count = 1};
	struct live_error latest[LIVE_ERRORS];
	uint64_t counts[FAILURE_KINDS];
	size_t senders;

	for (unsigned i = 0; !atomic_load(&over); i++) {
		live_join(&next);
		set_mode(&again, (enum link_mode)(i % 3), i % 2);
		live_end_modes();
		(void)live_errors(&again, counts, latest);
		(void)live_would(&again);
		free(live_senders(&again, &senders));
	}
	return NULL;
}

START_TEST(mode_changes_while_messages_come)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_FAILED);
	struct live_error latest[LIVE_ERRORS];
	uint64_t counts[FAILURE_KINDS];
	pthread_t thread;

	join();
	add_default_profile();
	open_and_greet();
	atomic_store(&over, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, fiddle, l), 0);
	for (int i = 0; i < MESSAGES; i++) {
		mail("<a@x.y>");
		rcpt("<b@x.y>");
		ck_assert(w.a.verdict == CM_CONTINUE || w.a.verdict == CM_TEMPFAIL);
		chain_end_message(w.s);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	set_mode(l, LINK_ENFORCE, 0);
	mail("<a@x.y>");
	ck_assert_str_eq(
		rcpt("<b@x.y>"), "tempfail 451 4.3.0 Temporary problem, please try again later");
	ck_assert_uint_gt(live_errors(l, counts, latest), 0);
	ck_assert_uint_le(counts[FAILURE_ERROR], MESSAGES + 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("live");
	TCase *t = tcase_create("live");

	tcase_add_checked_fixture(t, world_init, world_fini);
	tcase_add_loop_test(t, mode_that_is_set_goes_before_that_of_filter_conf, 0, LENGTH(modes));
	tcase_add_test(t, mode_stays_over_a_reload_and_ends_with_its_link);
	tcase_add_test(t, log_says_that_a_mode_is_over_once);
	tcase_add_loop_test(t, error_is_kept_with_its_message, 0, LENGTH(errors));
	tcase_add_test(t, latest_errors_are_kept_and_all_are_counted);
	tcase_add_loop_test(
		t, what_shadow_would_have_done_is_counted_by_message, 0, LENGTH(woulds));
	tcase_add_test(t, link_that_is_enforced_would_have_done_nothing);
	tcase_add_test(t, senders_are_listed_by_their_messages);
	tcase_add_test(t, senders_are_bounded);
	tcase_add_test(t, mode_changes_while_messages_come);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return table_run(suite());
}
