/* SPDX-License-Identifier: MIT */
/*
 * test_silent.c - at which stages plugins make the mail server wait, by their settings
 */
#include "chain/chain.h"
#include "drive.h"
#include "table.h"

#define LIMIT(settings) "type = ratelimit; limit = 9/1h; " settings
#define BIT(stage)	(UINT32_C(1) << (stage))

/* The stages before DATA whose answer is waited for; m: MAIL, r: RCPT. */
static const struct {
	const char *what, *section, *waits;
} silences[] = {
	{"recipients are counted at RCPT", LIMIT("key = [ client_ip ]"), "r"},
	{"different recipients, too", LIMIT("key = [ auth_user ]; count = distinct_recipients"),
		"r"},
	{"messages at MAIL", LIMIT("key = [ client_ip ]; count = messages"), "m"},
	{"messages to a recipient at RCPT", LIMIT("key = [ recipient ]; count = messages"), "r"},
	{"octets at MAIL", LIMIT("key = [ auth_user ]; count = bytes"), "m"},
	{"connections are told at MAIL", LIMIT("key = [ client_ip ]; count = connections"), "m"},
	{"errors at both", LIMIT("key = [ client_ip ]; count = errors"), "mr"},
	{"access without a map", "type = access", ""},
	{"access by client", "type = access; client = n", "m"},
	{"access by HELO name", "type = access; helo = m", "m"},
	{"access by sender", "type = access; sender = m", "m"},
	{"access by recipient", "type = access; recipient = m", "r"},
	{"dmarc asks ahead", "type = dmarc", ""},
	{"spf that refuses", "type = spf; fail = reject", "m"},
	{"spf whose DNS must answer", "type = spf; fail = tag", "m"},
	{"spf that only marks", "type = spf; fail = tag; temperror = accept", ""},
	{"greylist", "type = greylist", "r"},
};

START_TEST(waits_where_there_may_be_a_verdict)
{
	char text[1024], waits[3] = "";
	struct drive d;

	drive_init(&d);
	snprintf(text, sizeof(text),
		"store s { type = memory }\nmap m { entries = [ \"example.com reject\" ] }\n"
		"map n { match = cidr; entries = [ \"203.0.113.1 reject\" ] }\n"
		"profile all { chain = [ one ] }\nplugin one { %s }\n",
		silences[_i].section);
	drive_load(&d, text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	if ((d.g->needs.replies & BIT(CM_STAGE_MAIL)) != 0)
		strcat(waits, "m");
	if ((d.g->needs.replies & BIT(CM_STAGE_RCPT)) != 0)
		strcat(waits, "r");
	ck_assert_msg(strcmp(waits, silences[_i].waits) == 0, "%s: waits at \"%s\"",
		silences[_i].what, waits);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("silent");
	TCase *t = tcase_create("settings");

	tcase_add_loop_test(t, waits_where_there_may_be_a_verdict, 0, LENGTH(silences));
	suite_add_tcase(s, t);
	return table_run(s);
}
