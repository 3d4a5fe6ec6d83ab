/* SPDX-License-Identifier: MIT */
/*
 * test_session_auth.c - what links found: for how long it is kept, what replaces what, and how much
 */
#include <stdio.h>

#include "chain/chain.h"
#include "drive.h"
#include "table.h"

static const struct session_limits limits = {100000, 1000, 100, 1000};
static const struct link first, second;
static struct cm_session *s;
static char log_path[TEMP_NAME_SIZE];

static void
setup(void)
{
	close(temp_file(log_path, "chainmail-auth"));
	drive_log_to(log_path);
	s = session_new(&limits, "l");
}

static void
teardown(void)
{
	session_free(s);
	log_close();
	unlink(log_path);
}

static void
keep(enum cm_stage stage)
{
	struct cm_address nobody = {.text = "<>", .addr = "", .user = "", .domain = ""};

	session_keep(s, &(struct cm_event){.stage = stage, .name = "h", .address = &nobody});
}

/* "method result value" of one property smtp.helo; no value: no property. */
static void
add(const struct link *by, const char *text)
{
	char method[16], result[16], value[16] = "";
	struct cm_auth_property property = {"smtp", "helo", value};
	struct cm_auth_result r = {.method = method, .result = result, .properties = &property};
	struct err err;

	r.count = sscanf(text, "%15s %15s %15s", method, result, value) == 3;
	ck_assert(session_add_auth(s, by, &r, &err));
}

/* All of a link, as it was added, with a comma behind each. */
static const char *
all(const struct link *by)
{
	static char text[1024];
	const struct cm_auth_result *r;
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; (r = session_auth(s, by, i)) != NULL; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s%s%s,", r->method,
			r->result, r->count > 0 ? " " : "",
			r->count > 0 ? r->properties[0].value : "");
	return text;
}

START_TEST(each_link_has_its_own)
{
	keep(CM_STAGE_MAIL);
	ck_assert_str_eq(all(&first), "");
	add(&first, "spf pass");
	add(&second, "spf fail");
	add(&first, "iprev pass a");
	ck_assert_str_eq(all(&first), "spf pass,iprev pass a,");
	ck_assert_str_eq(all(&second), "spf fail,");
}
END_TEST

START_TEST(the_same_again_replaces)
{
	keep(CM_STAGE_MAIL);
	add(&first, "spf none");
	add(&first, "spf pass a");
	add(&first, "spf pass b");
	add(&first, "SPF fail a");
	ck_assert_str_eq(all(&first), "spf none,SPF fail a,spf pass b,");
}
END_TEST

/* The connection's before HELO's before the message's; a later one hides an earlier one. */
START_TEST(spans)
{
	keep(CM_STAGE_CONNECT);
	add(&first, "iprev pass");
	add(&first, "ptr none");
	keep(CM_STAGE_HELO);
	add(&first, "spf pass h");
	add(&first, "ptr pass");
	ck_assert_str_eq(all(&first), "iprev pass,spf pass h,ptr pass,");
	keep(CM_STAGE_MAIL);
	add(&first, "spf fail m");
	add(&first, "spf none h");
	ck_assert_str_eq(all(&first), "iprev pass,ptr pass,spf fail m,spf none h,");
	session_end_message(s);
	ck_assert_str_eq(all(&first), "iprev pass,spf pass h,ptr pass,");
	keep(CM_STAGE_HELO);
	ck_assert_str_eq(all(&first), "iprev pass,ptr none,");
	keep(CM_STAGE_MAIL);
	ck_assert_str_eq(all(&first), "iprev pass,ptr none,");
}
END_TEST

START_TEST(it_is_a_copy)
{
	char method[] = "dkim", result[] = "pass", comment[] = "c", reason[] = "r", value[] = "v";
	const struct cm_auth_property property = {"header", "d", value};
	const struct cm_auth_result r = {method, result, comment, reason, 1, &property};
	const struct cm_auth_result *kept;
	struct err err;

	keep(CM_STAGE_MAIL);
	ck_assert(session_add_auth(s, &first, &r, &err));
	method[0] = result[0] = comment[0] = reason[0] = value[0] = 'X';
	kept = session_auth(s, &first, 0);
	ck_assert_str_eq(kept->method, "dkim");
	ck_assert_str_eq(kept->result, "pass");
	ck_assert_str_eq(kept->comment, "c");
	ck_assert_str_eq(kept->reason, "r");
	ck_assert_str_eq(kept->properties[0].type, "header");
	ck_assert_str_eq(kept->properties[0].name, "d");
	ck_assert_str_eq(kept->properties[0].value, "v");
}
END_TEST

/* Of the connection and of the message together; said once in a message. */
START_TEST(there_is_an_end)
{
	char text[32], log[1024];
	FILE *f;

	keep(CM_STAGE_CONNECT);
	add(&first, "iprev pass");
	keep(CM_STAGE_MAIL);
	for (int i = 0; i < 70; i++) {
		snprintf(text, sizeof(text), "spf pass %d", i);
		add(&first, text);
	}
	add(&first, "spf fail 0");
	ck_assert_ptr_nonnull(session_auth(s, &first, 63));
	ck_assert_ptr_null(session_auth(s, &first, 64));
	ck_assert_str_eq(session_auth(s, &first, 1)->result, "fail");
	session_end_message(s);
	keep(CM_STAGE_MAIL);
	add(&first, "spf pass a");
	ck_assert_str_eq(all(&first), "iprev pass,spf pass a,");
	log_close();
	f = fopen(log_path, "r");
	log[fread(log, 1, sizeof(log) - 1, f)] = '\0';
	fclose(f);
	ck_assert_msg(
		strstr(log, "more than 64 results for Authentication-Results") != NULL, "%s", log);
	ck_assert_ptr_eq(strchr(log, '\n'), log + strlen(log) - 1);
}
END_TEST

START_TEST(long_texts_are_cut)
{
	char text[3000];
	const struct cm_auth_property property = {"smtp", "mailfrom", text};
	const struct cm_auth_result r = {"spf", "pass", text, text, 1, &property};
	struct err err;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	keep(CM_STAGE_MAIL);
	ck_assert(session_add_auth(s, &first, &r, &err));
	ck_assert(session_add_auth(s, &first, &r, &err));
	ck_assert_uint_eq(strlen(session_auth(s, &first, 0)->comment), 1024);
	ck_assert_uint_eq(strlen(session_auth(s, &first, 0)->reason), 1024);
	ck_assert_uint_eq(strlen(session_auth(s, &first, 0)->properties[0].value), 1024);
	ck_assert_ptr_null(session_auth(s, &first, 1));
}
END_TEST

#define NAMES "method and result must be keywords, such as spf and pass"
#define PROPS "spf has a property that is not TYPE.NAME=VALUE"
#define K65   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* What could not stand in a field. */
static const struct {
	const char *method, *result;
	struct cm_auth_property property;
	size_t count;
	const char *why;
} wrong[] = {
	{NULL, "pass", {0}, 0, NAMES},
	{"", "pass", {0}, 0, NAMES},
	{"spf", NULL, {0}, 0, NAMES},
	{"spf", "", {0}, 0, NAMES},
	{"spf;x", "pass", {0}, 0, NAMES},
	{"spf ", "pass", {0}, 0, NAMES},
	{"s_f", "pass", {0}, 0, NAMES},
	{"-spf", "pass", {0}, 0, NAMES},
	{"spf-", "pass", {0}, 0, NAMES},
	{"sp\xc3\xa9", "pass", {0}, 0, NAMES},
	{"spf", "pass\n", {0}, 0, NAMES},
	{K65, "pass", {0}, 0, NAMES},
	{"spf", "pass", {"smtp.x", "helo", "a"}, 1, PROPS},
	{"spf", "pass", {"smtp", "he=lo", "a"}, 1, PROPS},
	{"spf", "pass", {"smtp", "helo", NULL}, 1, PROPS},
	{"spf", "pass", {NULL, "helo", "a"}, 1, PROPS},
	{"spf", "pass", {"smtp", NULL, "a"}, 1, PROPS},
	{"spf", "pass", {"smtp", "helo", "a"}, 17, "spf has more than 16 properties"},
};

START_TEST(what_no_field_could_say)
{
	struct cm_auth_result r = {.method = wrong[_i].method, .result = wrong[_i].result};
	struct err err;

	r.properties = &wrong[_i].property;
	r.count = wrong[_i].count;
	keep(CM_STAGE_MAIL);
	ck_assert(!session_add_auth(s, &first, &r, &err));
	ck_assert_str_eq(err.text, wrong[_i].why);
	ck_assert_ptr_null(session_auth(s, &first, 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session_auth");
	TCase *t = tcase_create("session_auth");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_link_has_its_own);
	tcase_add_test(t, the_same_again_replaces);
	tcase_add_test(t, spans);
	tcase_add_test(t, it_is_a_copy);
	tcase_add_test(t, there_is_an_end);
	tcase_add_test(t, long_texts_are_cut);
	tcase_add_loop_test(t, what_no_field_could_say, 0, LENGTH(wrong));
	suite_add_tcase(suite, t);
	return table_run(suite);
}
