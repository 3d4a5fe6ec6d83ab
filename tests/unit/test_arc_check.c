/* SPDX-License-Identifier: MIT */
/*
 * test_arc_check.c - what chains come to that went through several hands
 */
#include "arc_case.h"

static const struct {
	const char *story;
	enum arc_status status;
	unsigned instance, oldest_pass;
	const char *reason; /* begins so */
} stories[] = {
	{"", ARC_NONE, 0, 0, ""},
	{"one seals", ARC_PASS, 0, 0, ""},
	{"two seals", ARC_PASS, 0, 0, ""},
	{"one seals, two seals, three seals, four seals", ARC_PASS, 0, 0, ""},
	{"one seals, a Received is added, two seals, a Received is added", ARC_PASS, 0, 0, ""},

	/* What changes behind a seal, and whether somebody answers for it. */
	{"one seals, the body changes", ARC_FAIL, 1, 0,
		"the message signature of one.example: the body is not what was signed"},
	{"one seals, the body grows", ARC_FAIL, 1, 0,
		"the message signature of one.example: the body is not what was signed"},
	{"one seals, the subject changes", ARC_FAIL, 1, 0,
		"the message signature of one.example: the header is not what was signed"},
	{"one seals, a From is added", ARC_FAIL, 1, 0,
		"the message signature of one.example: the header is not what was signed"},
	{"one seals, the body changes, two seals as pass", ARC_PASS, 0, 2, ""},
	{"one seals, two seals, the subject changes, three seals as pass", ARC_PASS, 0, 3, ""},
	{"one seals, the body changes, two seals as pass, three seals", ARC_PASS, 0, 2, ""},
	{"one seals, two seals, the body changes", ARC_FAIL, 2, 0,
		"the message signature of two.example: the body is not what was signed"},

	/* What the sets say. */
	{"one seals, change mx.one.example to mx.two.example", ARC_FAIL, 1, 0,
		"the seal of one.example: fields of ARC are not what was sealed"},
	{"one seals, two seals, change mx.one.example to mx.two.example", ARC_FAIL, 2, 0,
		"the seal of two.example: fields of ARC are not what was sealed"},
	{"one seals as pass", ARC_FAIL, 1, 0, "cv=pass cannot be"},
	{"one seals as fail", ARC_FAIL, 1, 0, "its seal says that the chain is broken (cv=fail)"},
	{"one seals, two seals as none", ARC_FAIL, 2, 0, "cv=none cannot be"},
	{"one seals, the body changes, two seals", ARC_FAIL, 2, 0,
		"its seal says that the chain is broken (cv=fail)"},
	/* Nobody seals what is dead. */
	{"one seals, the body changes, two seals, three seals", ARC_FAIL, 2, 0,
		"its seal says that the chain is broken (cv=fail)"},
	{"one seals, change cv=none to cv=nine", ARC_FAIL, 1, 0,
		"cv= of the seal is not none, pass or fail"},
	{"one seals, change cv=none to h=from; cv=none", ARC_FAIL, 1, 0, "the seal has h="},
	{"one seals, change i=1; mx to i=1 mx", ARC_FAIL, 0, 0,
		"an ARC-Authentication-Results cannot be used: it has no instance (i=) from 1 to "
		"50"},
	{"one seals, change i=1; mx to i=0; mx", ARC_FAIL, 0, 0,
		"an ARC-Authentication-Results cannot be used: it has no instance (i=) from 1 to "
		"50"},
	{"one seals, change i=1; mx to i=51; mx", ARC_FAIL, 0, 0,
		"an ARC-Authentication-Results cannot be used: it has no instance (i=) from 1 to "
		"50"},
	{"one seals, change ARC-Seal: i=1; to ARC-Seal:", ARC_FAIL, 0, 0,
		"an ARC-Seal cannot be used: it has no instance"},
	{"one seals, change ARC-Seal: i=1; to ARC-Seal: i=2;", ARC_FAIL, 1, 0,
		"there is no ARC-Seal"},
	{"one seals, change ARC-Message-Signature: to X-Was:", ARC_FAIL, 1, 0,
		"there is no ARC-Message-Signature"},
	{"one seals, two seals, change ARC-Seal: i=2; to ARC-Seal: i=1;", ARC_FAIL, 1, 0,
		"there are two ARC-Seal"},
	{"one seals, change h=from: to h=arc-seal:from:", ARC_FAIL, 1, 0,
		"ARC-Message-Signature cannot be used: h= has ARC-Seal"},
	{"one seals, change h=from:from:to to h=to", ARC_FAIL, 1, 0,
		"ARC-Message-Signature cannot be used: From is not signed (h=)"},
	{"one seals, change a=ed25519-sha256; c=r to a=rsa-sha1; c=r", ARC_FAIL, 1, 0,
		"the message signature of one.example: rsa-sha1 proves nothing (RFC 8301)"},
	{"one seals, change t=1799999900 to t=1800000301", ARC_FAIL, 1, 0,
		"the seal of one.example: it is of the future (t=)"},
	{"one seals, change c=relaxed/relaxed; to c=relaxed/relaxed; t=1;", ARC_FAIL, 0, 0,
		"an ARC-Message-Signature cannot be used: a tag stands there twice"},
	{"one seals, change t=1799999900;\n\th to t=1799999900; x=1799999999;\n\th", ARC_FAIL, 1, 0,
		"the message signature of one.example: it has expired (x=)"},
	{"one seals, change c=relaxed/relaxed; to c=relaxed/relaxed; l=5;", ARC_FAIL, 1, 0,
		"the message signature of one.example: not all of the body is signed (l=)"},
	{"one seals, change c=relaxed/relaxed; to c=relaxed/relaxed; l=500;", ARC_FAIL, 1, 0,
		"the message signature of one.example: not all of the body is signed (l=)"},
	/* All of it is signed, but not with an l=. */
	{"one seals, change c=relaxed/relaxed; to c=relaxed/relaxed; l=14;", ARC_FAIL, 1, 0,
		"the message signature of one.example: the header is not what was signed"},

	/* Nobody can cover what is not there: no seal is made. */
	{"one seals, change ARC-Message-Signature: to X-Was:, two seals as pass", ARC_FAIL, 1, 0,
		"there is no ARC-Message-Signature"},

	/* An older message signature need not even be one, as long as the seals are true. */
	{"one seals, two seals, change i=1; a=ed25519-sha256; c=relaxed/relaxed to i=1; "
	 "a=ed25519-sha256; c=odd, seal 1 again by one, seal 2 again by two",
		ARC_PASS, 0, 2, ""},
	{"one seals, two seals, change i=1; a=ed25519-sha256; c=relaxed to i=1; a=rsa-sha1; "
	 "c=relaxed, seal 1 again by one, seal 2 again by two",
		ARC_PASS, 0, 2, ""},
	{"one seals, two seals, change d=one.example; s=s; t=1799999900;\n\th to d=nobody.example; "
	 "s=s;\n\th, seal 1 again by one, seal 2 again by two",
		ARC_PASS, 0, 2, ""},
	{"one seals, two seals, change d=two.example; s=s; t=1799999900;\n\th to d=nobody.example; "
	 "s=s;\n\th, seal 2 again by two",
		ARC_FAIL, 2, 0,
		"the message signature of nobody.example: there is no such key in DNS"},

	/* Keys. */
	{"one seals, the key of one is gone", ARC_FAIL, 1, 0,
		"the message signature of one.example: there is no such key in DNS"},
	{"one seals, two seals, the key of one is gone", ARC_FAIL, 1, 0,
		"the seal of one.example: there is no such key in DNS"},
	{"one seals, change d=one.example to d=two.example", ARC_FAIL, 1, 0,
		"the seal of two.example: the key is of another type than the signature"},
	{"three seals, change d=three.example to d=four.example", ARC_FAIL, 1, 0,
		"the seal of four.example: fields of ARC are not what was sealed, or the key is "
		"another"},
	/* What failed for good is no better for a key that cannot be had now. */
	{"one seals, two seals, the key of two is late, the key of one is gone", ARC_FAIL, 1, 0,
		"the seal of one.example: there is no such key in DNS"},
	{"one seals, two seals, change mx.one.example to mx.four.example, the key of two is late",
		ARC_FAIL, 1, 0,
		"the seal of one.example: fields of ARC are not what was sealed, or the key is "
		"another"},
};

START_TEST(a_story_comes_to_its_end)
{
	char *story = strdup(stories[_i].story);
	struct arc_result r;
	struct arc_case c;

	arc_case_init(&c);
	arc_case_tell(&c, story);
	arc_case_check(&c, c.text, strlen(c.text), &r);
	ck_assert_msg(r.status == stories[_i].status, "%s: %s (%s)", stories[_i].story,
		arc_status_name(r.status), r.reason);
	ck_assert_msg(
		r.instance == stories[_i].instance, "%s: at set %u", stories[_i].story, r.instance);
	ck_assert_msg(r.oldest_pass == stories[_i].oldest_pass, "%s: unchanged since set %u",
		stories[_i].story, r.oldest_pass);
	ck_assert_msg(strncmp(r.reason, stories[_i].reason, strlen(stories[_i].reason)) == 0 &&
			      (stories[_i].reason[0] != '\0' || r.reason[0] == '\0'),
		"%s: %s", stories[_i].story, r.reason);
	ck_assert(!r.later);
	arc_case_fini(&c);
	free(story);
}
END_TEST

START_TEST(a_key_that_is_late_is_no_forgery)
{
	static const char *const late[] = {"one seals, two seals, the key of one is late",
		"one seals, two seals, the key of two is late"};
	char *story = strdup(late[_i]);
	struct arc_result r;
	struct arc_case c;

	arc_case_init(&c);
	arc_case_tell(&c, story);
	arc_case_check(&c, c.text, strlen(c.text), &r);
	ck_assert_int_eq(r.status, ARC_FAIL);
	ck_assert_msg(r.later, "%s: %s", late[_i], r.reason);
	arc_case_fini(&c);
	free(story);
}
END_TEST

/* RFC 6376 section 3.5 knows no empty name; sealers do. */
START_TEST(a_gap_in_h_is_forgiven_to_arc_alone)
{
	static const char value[] = "v=1; i=1; a=rsa-sha256; d=one.example; s=s; h=from::to:; "
				    "bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AAAA";
	struct dkim_sig sig;
	const char *why;

	ck_assert(dkim_sig_read(&sig, DKIM_SIG_ARC_MESSAGE, value, strlen(value), &why));
	ck_assert_uint_eq(sig.name_count, 2);
	ck_assert(!dkim_sig_read(&sig, DKIM_SIG_DKIM, value, strlen(value), &why));
	ck_assert_str_eq(why, "h= is not a list of header fields");
}
END_TEST

/* Section 4.2.1; ten message signatures are looked at. */
START_TEST(fifty_sets_are_a_chain_and_no_more_are_added)
{
	struct arc_result r;
	struct arc_case c;

	arc_case_init(&c);
	arc_case_seal_as(&c, 0, ARC_NONE);
	for (unsigned i = 2; i <= 60; i++)
		arc_case_seal_as(&c, i % 2 == 0 ? 2 : 0, ARC_PASS);
	arc_case_check(&c, c.text, strlen(c.text), &r);
	ck_assert_msg(r.status == ARC_PASS, "%s", r.reason);
	ck_assert_uint_eq(r.oldest_pass, 41);
	ck_assert_ptr_null(strstr(c.text, "i=51"));
	arc_case_fini(&c);
}
END_TEST

START_TEST(the_keys_that_will_be_wanted_are_named)
{
	static const char *const wanted[] = {"s._domainkey.three.example",
		"s._domainkey.two.example", "s._domainkey.one.example"};
	char story[] = "one seals, two seals, three seals", name[DKIM_NAME_KEY_SIZE];
	struct arc_check *check = malloc(sizeof(*check));
	struct arc_chain chain;
	struct arc_message m;
	struct arc_case c;
	size_t count = 0;

	arc_case_init(&c);
	arc_case_tell(&c, story);
	arc_message_split(&m, strdup(c.text), strlen(c.text));
	ck_assert(arc_chain_init(&chain, m.fields, m.count));
	arc_check_init(check, &chain, m.fields, m.count, ARC_NOW);
	for (; arc_check_key(check, count, name); count++)
		ck_assert_str_eq(name, wanted[count % 3]);
	ck_assert_uint_eq(count, 6);
	arc_check_fini(check);
	arc_chain_fini(&chain);
	arc_message_free(&m);
	arc_case_fini(&c);
	free(check);
}
END_TEST

/* --- mutations ----------------------------------------------------------------------------------
 */

/* The place is inside the last digit of base64 of the newest seal, whose lowest bits mean nothing.
 */
static bool
means_nothing(const char *text, size_t at)
{
	const char *end = strstr(text, "\nARC-Message-Signature");

	return text + at < end && text + at + 3 >= end;
}

/* The name of a field, whose case does not count, and white space before its colon. */
static bool
in_name(const char *text, size_t at)
{
	size_t line = at;

	while (line > 0 && text[line - 1] != '\n')
		line--;
	return text[line] != '\t' && text[line] != ' ' &&
	       memchr(text + line, ':', at - line) == NULL && strstr(text, "\n\n") > text + at;
}

START_TEST(no_bit_of_what_is_signed_may_turn_over)
{
	static char tale[] = "one seals, the body changes, two seals as pass, three seals";
	char story[sizeof(tale)], *text;
	struct arc_result r;
	struct arc_case c;
	size_t len;

	memcpy(story, tale, sizeof(story));
	arc_case_init(&c);
	arc_case_tell(&c, story);
	len = strlen(c.text);
	text = malloc(len + 1);
	for (size_t at = (size_t)_i; at < len; at += 8) {
		for (unsigned bit = 0; bit < 8; bit++) {
			char turned = (char)(c.text[at] ^ (char)(1u << bit));

			if (means_nothing(c.text, at) || (bit == 5 && in_name(c.text, at)))
				continue;
			memcpy(text, c.text, len + 1);
			text[at] = turned;
			arc_case_check(&c, text, len, &r);
			ck_assert_msg(r.status != ARC_PASS, "octet %zu, bit %u passes: %s", at, bit,
				text);
		}
	}
	free(text);
	arc_case_fini(&c);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arc_check");
	TCase *tc = tcase_create("arc_check");

	tcase_add_loop_test(tc, a_story_comes_to_its_end, 0, LENGTH(stories));
	tcase_add_loop_test(tc, a_key_that_is_late_is_no_forgery, 0, 2);
	tcase_add_test(tc, a_gap_in_h_is_forgiven_to_arc_alone);
	tcase_add_test(tc, fifty_sets_are_a_chain_and_no_more_are_added);
	tcase_add_test(tc, the_keys_that_will_be_wanted_are_named);
	tcase_add_loop_test(tc, no_bit_of_what_is_signed_may_turn_over, 0, 8);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
