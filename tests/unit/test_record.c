/* SPDX-License-Identifier: MIT */
/*
 * test_record.c - what is kept of a session, and what another configuration says to it
 */
#include "door/record.h"

#include "base/clock.h"
#include "door/replay_kept.h"
#include "kept_case.h"
#include "table.h"

#define SECRET	"the secret of the body"
#define MESSAGE "From: ann@example.org\nSubject: hello\n\n" SECRET "\n"
#define LISTED	"dave@example.com"

#define ACCESS(entry)                             \
	"map r { entries = [ \"" entry "\" ] }\n" \
	"profile all { chain = [ access ] }\nplugin access { recipient = r }\n"
#define PASSES	       ACCESS("nobody@example.net reject")
#define TRACE(answers) "profile all { chain = [ t ] }\n" T(answers)
#define T(answers)     "plugin t { type = trace; answer = [ " answers " ] }\n"

static struct replay_input
input(const char *const *to)
{
	return (struct replay_input){.client_ip = "192.0.2.1",
		.client_name = "mail.example.org",
		.client_port = 40000,
		.port = 25,
		.helo = "mail.example.org",
		.from = "ann@example.org",
		.to = to,
		.login = "ann",
		.queue_id = "4XZ9Yt0kqzQ",
		.message = MESSAGE,
		.message_len = strlen(MESSAGE)};
}

static const char *const both[] = {"bob@example.com", LISTED, NULL};

/* One session, kept. */
static void
keep_one(struct keeper *keeper, struct kept *k, const char *sections, const char *max_body)
{
	struct replay_input in = input(both);

	keeper_begin(keeper, sections, max_body);
	keeper_play(&in);
	keeper_stop(keeper);
	ck_assert_uint_eq(keeper_read(keeper, k, 1), 1);
}

/* --- what is kept --- */

START_TEST(a_session_is_kept_with_what_was_said_and_found)
{
	struct keeper keeper;
	struct kept k;

	keep_one(&keeper, &k, ACCESS(LISTED " reject"), "0");
	ck_assert_str_eq(k.client_ip, "192.0.2.1");
	ck_assert_str_eq(k.client_name, "mail.example.org");
	ck_assert_uint_eq(k.client_port, 40000);
	ck_assert_str_eq(k.helo, "mail.example.org");
	ck_assert_str_eq(k.queue_id, "4XZ9Yt0kqzQ");
	ck_assert_str_eq(k.profile, "all");
	ck_assert_str_eq(k.events->name, "<ann@example.org>");
	const struct kept_event *rcpt = kept_find(&k, NULL, CM_STAGE_RCPT);

	ck_assert_str_eq(rcpt->name, "<bob@example.com>");
	ck_assert_int_eq(rcpt->answered, CM_CONTINUE);
	rcpt = kept_find(&k, rcpt, CM_STAGE_RCPT);
	ck_assert_str_eq(rcpt->name, "<" LISTED ">");
	ck_assert_int_eq(rcpt->answered, CM_REJECT);
	ck_assert_ptr_null(kept_find(&k, rcpt, CM_STAGE_RCPT));
	ck_assert_str_eq(k.outcome.word, "accept");
	ck_assert_ptr_nonnull(k.traces[1].first);
	ck_assert_str_eq(k.traces[1].first->link->name, "access");
	kept_free(&k);
	keeper_end(&keeper);
}
END_TEST

/* The octets of the ring, as they are in its file. */
static bool
ring_holds(const struct keeper *k, const char *text)
{
	char path[128];
	static char octets[1 << 20];

	snprintf(path, sizeof(path), "%s/00000001.ring", k->ring);
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	size_t len = fread(octets, 1, sizeof(octets), f);

	fclose(f);
	return memmem(octets, len, text, strlen(text)) != NULL;
}

static const struct {
	const char *name, *max_body;
	bool kept;
} bodies[] = {
	{"no body is kept where nothing says so", "0", false},
	{"a body within the size is kept", "1k", true},
	{"a larger one is not", "10", false},
};

START_TEST(bodies_are_kept_where_the_configuration_says_so)
{
	struct keeper keeper;
	struct kept k;

	keep_one(&keeper, &k, TRACE(""), bodies[_i].max_body);
	ck_assert_msg(ring_holds(&keeper, SECRET) == bodies[_i].kept, "%s", bodies[_i].name);
	ck_assert_msg(ring_holds(&keeper, "Subject"), "%s", bodies[_i].name);
	ck_assert_msg(k.body_whole == bodies[_i].kept, "%s", bodies[_i].name);
	ck_assert_uint_eq(k.body_len, strlen(SECRET) + 2);
	kept_free(&k);
	keeper_end(&keeper);
}
END_TEST

START_TEST(what_nobody_finished_and_nobody_refused_is_not_kept)
{
	struct cm_address address;
	struct arena arena;
	struct answer a;
	struct conversation c;
	struct keeper keeper;
	const struct cm_event mail = {.stage = CM_STAGE_MAIL, .address = &address};

	keeper_begin(&keeper, PASSES, "0");
	arena_init(&arena, 256);
	address_parse_path(&address, &arena, "<ann@example.org>");
	conversation_open(&c, "l");
	conversation_begin(&c);
	conversation_event(&c, &mail, &a);
	conversation_event(&c, &mail, &a);
	conversation_close(&c);
	arena_fini(&arena);
	keeper_stop(&keeper);
	/* Nothing was, so there is not even a directory. */
	ck_assert_int_ne(access(keeper.ring, F_OK), 0);
	keeper_end(&keeper);
}
END_TEST

START_TEST(without_the_section_nothing_is_kept)
{
	struct replay_input in = input(both);
	struct drive d;
	struct err err;
	struct ring_health h;

	drive_init(&d);
	drive_load(&d, PASSES);
	ck_assert(ring_writer_start(&err));
	generation_swap(d.g);
	keeper_play(&in);
	generation_swap(NULL);
	d.g = NULL;
	ring_writer_stop();
	ring_writer_health(&h);
	ck_assert_int_eq(h.kept + h.crowded + h.refused, 0);
	drive_fini(&d);
}
END_TEST

/* What a link said outside of its sample counted for nothing, at every stage. */
START_TEST(what_is_outside_of_a_sample_is_kept_as_that)
{
	static const struct {
		const char *sample;
		bool out;
	} rows[] = {{"1%", true}, {"100%", false}};
	char sections[200];
	struct keeper keeper;
	unsigned seen = 0;
	struct kept k;

	snprintf(sections, sizeof(sections),
		"map r { entries = [ \"nobody.example reject\" ] }\n"
		"profile all { chain = [ access ] }\n"
		"plugin access { helo = r; recipient = r; sample = %s }\n",
		rows[_i].sample);
	keep_one(&keeper, &k, sections, "0");
	for (unsigned t = 0; t < 2; t++) {
		for (const struct trace_record *r = k.traces[t].first; r != NULL; r = r->next) {
			ck_assert_msg(r->sampled_out == rows[_i].out, "%s", rows[_i].sample);
			seen++;
		}
	}
	ck_assert_uint_gt(seen, 0);
	kept_free(&k);
	keeper_end(&keeper);
}
END_TEST

/* --- what another configuration says --- */

#define SCRIPT(file) "profile all { chain = [ r ] }\nscript r { file = " file " }\n"

static const struct {
	const char *name;
	const char *sections, *other; /* NULL: the same */
	const char *max_body;	      /* NULL: none */
	const char *then, *now, *by;
	bool same_rcpts, unfinished;
	const char *untried;
	unsigned stood_in, without;
} plays[] = {
	{
		.name = "the same configuration says the same",
		.sections = ACCESS(LISTED " reject"),
		.then = "accept",
		.now = "accept",
		.same_rcpts = true,
	},
	{
		.name = "a recipient that is refused now is another verdict",
		.sections = PASSES,
		.other = ACCESS(LISTED " reject"),
		.then = "accept",
		.now = "accept",
	},
	{
		.name = "a recipient that is taken now is one, too",
		.sections = ACCESS(LISTED " tempfail"),
		.other = PASSES,
		.then = "accept",
		.now = "accept",
	},
	{
		.name = "a client without recipients stops",
		.sections = PASSES,
		.other = ACCESS("example.com reject"),
		.then = "accept",
		.now = "reject",
		.by = "access",
	},
	{
		.name = "what was refused and is not any more was not finished then",
		.sections = ACCESS("example.com tempfail"),
		.other = PASSES,
		.then = "tempfail",
		.now = "accept",
		.unfinished = true,
	},
	{
		.name = "a refusal at end of message that is in the body's hands stays, as it was",
		.sections = TRACE("\"eom reject 550 5.7.1 Bad\""),
		.then = "reject",
		.now = "reject",
		.by = "t",
		.same_rcpts = true,
		.stood_in = 1,
	},
	{
		.name = "a plugin that wants the body and was not asked then has no opinion",
		.sections = TRACE(""),
		.other = "profile all { chain = [ other ] }\n"
			 "plugin other { type = trace; answer = [ \"eom reject 550 5.7.1 Bad\" ] "
			 "}\n",
		.then = "accept",
		.now = "accept",
		.same_rcpts = true,
		.without = 1,
	},
	{
		.name = "with the body it has one",
		.sections = TRACE(""),
		.other = TRACE("\"eom reject 550 5.7.1 Bad\""),
		.max_body = "1k",
		.then = "accept",
		.now = "reject",
		.by = "t",
		.same_rcpts = true,
	},
	{
		.name = "a quarantine stays one",
		.sections = TRACE("\"eom quarantine odd\""),
		.then = "quarantine",
		.now = "quarantine",
		.by = "t",
		.same_rcpts = true,
		.stood_in = 1,
	},
	{
		.name = "a refusal before the body is the other configuration's own",
		.sections = TRACE(""),
		.other = TRACE("\"mail reject 553 5.7.1 No\""),
		.then = "accept",
		.now = "reject",
		.by = "t",
	},
	{
		.name = "without the header a message cannot be tried",
		.sections = PASSES,
		.other = TRACE(""),
		.then = "accept",
		.now = "accept",
		.same_rcpts = true,
		.untried = "the header was not kept, for nothing asked for it then",
		.without = 1,
	},
	{
		.name = "but for what is refused before it",
		.sections = PASSES,
		.other = TRACE("\"mail reject 553 5.7.1 No\""),
		.then = "accept",
		.now = "reject",
		.by = "t",
	},
	{
		.name = "what is only watched refuses nothing",
		.sections = ACCESS("example.com reject"),
		.other = "map r { entries = [ \"example.com reject\" ] }\n"
			 "profile all { mode = shadow; chain = [ access ] }\n"
			 "plugin access { recipient = r }\n",
		.then = "reject",
		.now = "accept",
		.unfinished = true,
	},
};

START_TEST(another_configuration_says_what_it_would_have_said)
{
	const char *other = plays[_i].other == NULL ? plays[_i].sections : plays[_i].other;
	const char *max_body = plays[_i].max_body == NULL ? "0" : plays[_i].max_body;
	const char *name = plays[_i].name;
	struct keeper keeper;
	struct kept_run run;
	struct drive d;
	struct kept k;

	keep_one(&keeper, &k, plays[_i].sections, max_body);
	ck_assert_msg(
		strcmp(k.outcome.word, plays[_i].then) == 0, "%s: then %s", name, k.outcome.word);
	drive_init(&d);
	drive_load(&d, other);
	generation_swap(d.g);
	replay_kept(&run, d.g, &k);
	ck_assert_msg(strcmp(run.word, plays[_i].now) == 0, "%s: now %s", name, run.word);
	if (plays[_i].by != NULL)
		ck_assert_msg(run.outcome.by != NULL && strcmp(run.outcome.by, plays[_i].by) == 0,
			"%s", name);
	ck_assert_msg((run.rcpts == run.rcpts_then) == plays[_i].same_rcpts, "%s", name);
	ck_assert_msg(run.unfinished == plays[_i].unfinished, "%s", name);
	ck_assert_msg(run.stood_in == plays[_i].stood_in, "%s: %u", name, run.stood_in);
	ck_assert_msg(run.without == plays[_i].without, "%s: %u", name, run.without);
	ck_assert_msg((run.untried == NULL) == (plays[_i].untried == NULL), "%s", name);
	if (run.untried != NULL)
		ck_assert_str_eq(run.untried, plays[_i].untried);
	replay_kept_end(&run);
	generation_swap(NULL);
	d.g = NULL;
	drive_fini(&d);
	kept_free(&k);
	keeper_end(&keeper);
}
END_TEST

#define ZONE                                                                          \
	"1.2.0.192.in-addr.arpa PTR mail.example.org\nmail.example.org A 192.0.2.1\n" \
	"txt.example.org TXT \"a \\000 b\"\n"
#define RDNS                                                                                     \
	"profile all { chain = [ rdns ] }\nplugin rdns { no_ptr = reject; unconfirmed = reject " \
	"}\n"

/* Plays the session to the sections, where nobody has that zone. */
static void
play_dns(const struct kept *k, const char *sections, unsigned unasked, const char *word)
{
	struct kept_run run;
	struct drive d;

	drive_init(&d);
	drive_file(&d, "empty.zone", "nothing.example A 192.0.2.9\n");
	drive_load(&d, sections);
	generation_swap(d.g);
	replay_kept(&run, d.g, k);
	ck_assert_str_eq(run.word, word);
	ck_assert_uint_eq(run.unasked, unasked);
	replay_kept_end(&run);
	generation_swap(NULL);
	d.g = NULL;
	drive_fini(&d);
}

START_TEST(dns_answers_as_it_did_then)
{
	struct replay_input in = input(both);
	struct keeper keeper;
	struct kept k;
	struct drive d;
	struct err err;
	struct ring_config config = {.max_size = 1 << 20, .max_records = 100};

	in.login = NULL;
	drive_init(&d);
	drive_file(&d, "real.zone", ZONE);
	drive_load(&d, "record { path = ring }\ndns { zone = real.zone }\n" RDNS);
	snprintf(keeper.ring, sizeof(keeper.ring), "%s/ring", d.dir);
	config.path = keeper.ring;
	ck_assert(ring_writer_start(&err));
	ring_writer_configure(&config);
	generation_swap(d.g);
	ck_assert_int_eq(keeper_play(&in), CM_CONTINUE);
	generation_swap(NULL);
	d.g = NULL;
	ring_writer_stop();
	ck_assert_uint_eq(keeper_read(&keeper, &k, 1), 1);
	ck_assert_ptr_nonnull(k.questions);
	play_dns(&k, "dns { zone = empty.zone }\n" RDNS, 0, "accept");
	/* Nobody asked for the domain of the sender then. */
	play_dns(&k,
		"dns { zone = empty.zone }\nprofile all { chain = [ l ] }\n"
		"plugin l { type = dnsbl; zone = dbl.example; about = [ sender ]; action = reject "
		"}\n",
		1, "accept");
	kept_free(&k);
	keeper.drive = d;
	keeper_end(&keeper);
}
END_TEST

/* A macro that nobody asked the MTA for is not "none". */
START_TEST(what_was_not_asked_for_is_not_taken_for_none)
{
	struct keeper keeper;
	struct kept_run run;
	struct drive d;
	struct kept k;

	keep_one(&keeper, &k, PASSES, "0");
	ck_assert_str_eq(k.asked, "{auth_authen} {daemon_port} {tls_version} i ");
	k.asked = "{auth_authen} {daemon_port} i ";
	drive_init(&d);
	drive_file(&d, "r.lua",
		"function mail(m)\n  if not m.tls then return reject(\"5.7.1\", \"In clear\") "
		"end\nend\n");
	drive_load(&d, SCRIPT("r.lua"));
	generation_swap(d.g);
	replay_kept(&run, d.g, &k);
	ck_assert_str_eq(run.word, "tempfail");
	ck_assert_ptr_nonnull(strstr(run.outcome.reason, "this listener does not deliver "));
	replay_kept_end(&run);
	generation_swap(NULL);
	d.g = NULL;
	drive_fini(&d);
	kept_free(&k);
	keeper_end(&keeper);
}
END_TEST

/* --- octets --- */

/* Whatever the octets are, they are a session or none. */
START_TEST(no_octets_are_read_beyond_their_end)
{
	struct keeper keeper;
	struct kept k;
	const unsigned char *data;
	struct err err;
	size_t len;
	unsigned good = 0;

	keep_one(&keeper, &k, ACCESS(LISTED " reject"), "1k");
	kept_free(&k);
	struct ring_reader *r = ring_reader_open(keeper.ring, &err);

	ck_assert(ring_reader_next(r, &data, &len));
	for (size_t cut = 0; cut <= len; cut++) {
		unsigned char *copy = malloc(cut + 1);

		memcpy(copy, data, cut);
		if (kept_read(&k, copy, cut)) {
			good++;
			kept_free(&k);
		}
		free(copy);
	}
	/* Whole, and from the head on at each end of an item. */
	ck_assert_uint_ge(good, 1);
	for (size_t at = 0; at < len; at++) {
		unsigned char *copy = malloc(len);

		memcpy(copy, data, len);
		copy[at] ^= 0x81;
		if (kept_read(&k, copy, len))
			kept_free(&k);
		free(copy);
	}
	ring_reader_close(r);
	keeper_end(&keeper);
}
END_TEST

/* --- the writer --- */

START_TEST(what_the_writer_cannot_take_is_lost_and_counted)
{
	const size_t huge = (size_t)33 << 20;
	struct keeper keeper;
	struct ring_health h;

	keeper_begin(&keeper, PASSES, "0");
	ring_writer_put(malloc(huge), huge);
	ring_writer_health(&h);
	ck_assert_int_eq(h.crowded, 1);
	ck_assert_int_eq(h.kept, 0);
	keeper_stop(&keeper);
	ring_writer_put(malloc(8), 8);
	ring_writer_health(&h);
	ck_assert_int_eq(h.crowded, 2);
	keeper_end(&keeper);
}
END_TEST

START_TEST(a_directory_that_refuses_is_said_and_mail_goes_on)
{
	struct replay_input in = input(both);
	struct ring_config config = {.max_size = 1 << 20, .max_records = 100};
	struct keeper keeper;
	struct ring_health h;
	char file[160];

	keeper_begin(&keeper, PASSES, "0");
	drive_file(&keeper.drive, "file", "no directory");
	snprintf(file, sizeof(file), "%s/file", keeper.drive.dir);
	config.path = file;
	ring_writer_configure(&config);
	ck_assert_int_eq(keeper_play(&in), CM_CONTINUE);
	ring_writer_flush();
	ring_writer_health(&h);
	ck_assert_int_eq(h.refused, 1);
	ck_assert_msg(strstr(h.trouble, file) != NULL, "%s", h.trouble);
	/* Once it can be written, it is. */
	config.path = keeper.ring;
	ring_writer_configure(&config);
	ck_assert_int_eq(keeper_play(&in), CM_CONTINUE);
	ring_writer_flush();
	ring_writer_health(&h);
	ck_assert_int_eq(h.kept, 1);
	ck_assert_str_eq(h.trouble, "");
	keeper_stop(&keeper);
	keeper_end(&keeper);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");

	tcase_add_test(tests, a_session_is_kept_with_what_was_said_and_found);
	tcase_add_loop_test(
		tests, bodies_are_kept_where_the_configuration_says_so, 0, LENGTH(bodies));
	tcase_add_test(tests, what_nobody_finished_and_nobody_refused_is_not_kept);
	tcase_add_loop_test(tests, what_is_outside_of_a_sample_is_kept_as_that, 0, 2);
	tcase_add_test(tests, without_the_section_nothing_is_kept);
	tcase_add_loop_test(
		tests, another_configuration_says_what_it_would_have_said, 0, LENGTH(plays));
	tcase_add_test(tests, dns_answers_as_it_did_then);
	tcase_add_test(tests, what_was_not_asked_for_is_not_taken_for_none);
	tcase_add_test(tests, no_octets_are_read_beyond_their_end);
	tcase_add_test(tests, what_the_writer_cannot_take_is_lost_and_counted);
	tcase_add_test(tests, a_directory_that_refuses_is_said_and_mail_goes_on);
	suite_add_tcase(suite, tests);
	return table_run(suite);
}
