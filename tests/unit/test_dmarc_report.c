/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_report.c - plugin dmarc: what is kept of a day, and chainmail dmarc report, show
 */
#include <jansson.h>
#include <sys/resource.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/dmarc_xml.h"
#include "dmarc_case.h"
#include "table.h"

/* 2026-05-31, noon */
#define NOON INT64_C(1780228800)
#define DAY  INT64_C(86400)

static const char zone[] =
	"_dmarc.example.org TXT \"v=DMARC1; p=reject; sp=none; fo=1; rua=mailto:d@example.org\"\n"
	"pass.example.org   TXT \"v=spf1 ip4:203.0.113.0/24 -all\"\n"
	"pass.other.test    TXT \"v=spf1 ip4:203.0.113.0/24 -all\"\n"
	"_dmarc.quar.test   TXT \"v=DMARC1; p=quarantine; rua=mailto:a@quar.test\"\n"
	"_dmarc.silent.test TXT \"v=DMARC1; p=reject\"\n"
	"_dmarc.tested.test TXT \"v=DMARC1; p=quarantine; t=y; adkim=s; "
	"rua=mailto:a@tested.test\"\n"
	"_dmarc.broken.test TXT \"v=DMARC1; p=x; rua=mailto:a@broken.test\"\n"
	"_dmarc.servfail.test servfail\n"
	"*.wild.test        TXT \"v=DMARC1; p=none; rua=mailto:a@wild.test\"\n"
	/* Addresses elsewhere. */
	"_dmarc.out.test    TXT \"v=DMARC1; p=none; rua=mailto:a@agreed.test,mailto:a@not.test!5m,"
	"mailto:a@moved.test, https://x.test, mailto:a@sub.out.test, mailto:a@own.out.test\"\n"
	"out.test._report._dmarc.agreed.test TXT \"v=DMARC1\"\n"
	"out.test._report._dmarc.moved.test  TXT \"v=DMARC1; rua=mailto:b@moved.test\"\n"
	"_dmarc.own.out.test TXT \"v=DMARC1; p=none; psd=n\"\n"
	"_dmarc.late.test   TXT \"v=DMARC1; p=none; rua=mailto:a@slow.test\"\n"
	"late.test._report._dmarc.slow.test timeout\n"
	"_dmarc.evil.test   TXT \"v=DMARC1; p=none; rua=mailto:a@greedy.test\"\n"
	"evil.test._report._dmarc.greedy.test TXT \"v=DMARC1; rua=mailto:a@victim.test\"\n"
	"_dmarc.ask.test    TXT \"v=DMARC1; p=none; rua=mailto:root?x@ask.test,"
	"mailto:a@ask.test?cc=b@ask.test\"\n";

static struct drive d;
/* The rows of an answer as the control socket has them; NULL: nobody wants them. */
static json_t *objects;
/* Rows of an answer, cells with "|" between; what it complains of. */
static char answer[1 << 18];

static void
begin(const char *options, const char *mode)
{
	char *text;

	clock_freeze(NOON);
	ck_assert_int_gt(
		asprintf(&text,
			"store m { type = memory }\n"
			"profile all { chain = [ spf, arc, dmarc ] }\n"
			"plugin spf { fail = accept }\nplugin arc { }\n"
			"plugin dmarc { store = m; report_email = dmarc@example.com; mode = %s\n"
			"%s }\n",
			mode, options),
		0);
	dmarc_case_load(&d, zone, text);
	free(text);
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
send(struct dmarc_mail mail)
{
	dmarc_case_send(&d, &mail);
	chain_end_message(d.s);
}

static void
add(const char *text)
{
	snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer), "%s", text);
}

static void
add_object(const char *link, const struct cm_cell *cells, size_t count)
{
	json_t *object = json_pack("{s:s}", "link", link);

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, cells[i].name,
			cells[i].text != NULL ? json_string(cells[i].text)
					      : json_integer(cells[i].number));
	json_array_append_new(objects, object);
}

static bool
row(void *context, const char *link, const struct cm_cell *cells, size_t count)
{
	char number[24];

	(void)context;
	ck_assert_str_eq(link, "dmarc");
	if (objects != NULL)
		add_object(link, cells, count);
	for (size_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%lld", (long long)cells[i].number);
		add(i == 0 ? "" : "|");
		add(cells[i].text == NULL ? number : cells[i].text);
	}
	add("\n");
	return true;
}

/* As the words are typed, which end in NULL. */
static void
ask_with(const char *name, const char *const *words)
{
	add(dmarc_case_ask(&d, name, words, row));
}

static const char *
show(const char *domain)
{
	answer[0] = '\0';
	ask_with("show", (const char *const[]){domain, NULL});
	return answer;
}

/* The domains of a day, NULL: yesterday. */
static const char *
list(const char *day)
{
	const char *const words[] = {day == NULL ? NULL : "--day", day, NULL};

	answer[0] = '\0';
	ask_with("report", words);
	return answer;
}

/* All reports of a day, one after the other. */
static const char *
reports(const char *day)
{
	char domains[20][64];
	size_t count = 0;

	list(day);
	for (const char *p = answer; *p != '\0'; p = strchr(p, '\n') + 1)
		snprintf(domains[count++], 64, "%.*s", (int)strcspn(p, "|"), p);
	answer[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const char *const words[] = {"--day", day, "--", domains[i], NULL};

		ask_with("report", day == NULL ? words + 2 : words);
	}
	return answer;
}

/* The answer of the next day. */
static const char *
report(void)
{
	clock_advance(DAY * CLOCK_SEC);
	return reports(NULL);
}

/* So many lines hold the text. */
static void
has(const char *text, unsigned times)
{
	unsigned found = 0;

	for (const char *p = answer; (p = strstr(p, text)) != NULL; p++)
		found++;
	ck_assert_msg(found == times, "%u times %s in\n%.4000s", found, text, answer);
}

#define ORG_REPORT                                                      \
	"report|example.org|1780185600|1780271999|mx.test|example.com|" \
	"dmarc@example.com||0|no|example.org|treewalk|reject|none||1|r|r|n|mailto:d@example.org\n"

/* --- what is counted -----------------------------------------------------------------------------
 */

/* row: of the report, without its "record|"; NULL: there is no report. */
static const struct {
	const char *what, *options;
	struct dmarc_mail mail;
	const char *domain, *row;
} kept[] = {
	{"a fail", "", {.ip = NULL}, "example.org",
		"1|203.0.113.7|reject|fail|fail||example.org|none.test|none.test|none|\n"},
	{"a pass by DKIM", "", {.fields = {"X-Claim: dkim=pass d=example.org s=key1"}},
		"example.org",
		"1|203.0.113.7|pass|pass|fail||example.org|none.test|none.test|none|example.org "
		"key1 "
		"pass\n"},
	{"a pass by SPF", "", {.sender = "<a@pass.example.org>"}, "example.org",
		"1|203.0.113.7|pass|fail|pass||example.org|pass.example.org|pass.example.org|pass|"
		"\n"},
	{"IPv6", "", {.ip = "2001:DB8:0::7"}, "example.org",
		"1|2001:db8::7|reject|fail|fail||example.org|none.test|none.test|none|\n"},
	{"a sub-domain is in the report of its organization", "", {.from = "a@mail.example.org"},
		"example.org",
		"1|203.0.113.7|none|fail|fail||mail.example.org|none.test|none.test|none|\n"},
	{"the null sender", "", {.sender = "<>"}, "example.org",
		"1|203.0.113.7|reject|fail|fail||example.org||||\n"},
	{"what is done here and was not asked for", "p_reject = none", {.ip = NULL}, "example.org",
		"1|203.0.113.7|none|fail|fail|local_policy|example.org|none.test|none.test|none|"
		"\n"},
	{"an exception", "skip_for = [ 203.0.113.7 ]", {.ip = NULL}, "example.org",
		"1|203.0.113.7|none|fail|fail|local_policy a client of "
		"skip_for|example.org|none.test|none.test|none|\n"},
	{"a list", "", {.sender = "<l@pass.other.test>", .fields = {"List-Id: <x.y>"}},
		"example.org",
		"1|203.0.113.7|quarantine|fail|fail|mailing_list it has a List-Id, and a domain "
		"vouches for its sender|example.org|pass.other.test|pass.other.test|pass|\n"},
	{"test mode", "", {.from = "a@tested.test"}, "tested.test",
		"1|203.0.113.7|none|fail|fail|policy_test_mode|tested.test|none.test|none.test|"
		"none|\n"},
	{"test mode and what is done here", "p_none = reject", {.from = "a@tested.test"},
		"tested.test",
		"1|203.0.113.7|reject|fail|fail|policy_test_mode;local_policy|tested.test|none."
		"test|"
		"none.test|none|\n"},
	{"signatures that say most first", "",
		{.fields = {"X-Claim: dkim=fail d=x.test s=a", "X-Claim: dkim=pass d=y.test s=b",
			 "X-Claim: dkim=pass d=mail.example.org s=c",
			 "X-Claim: dkim=pass d=EXAMPLE.org s=d",
			 "X-Claim: dkim=bogus d=z.test s=e"}},
		"example.org",
		"1|203.0.113.7|pass|pass|fail||example.org|none.test|none.test|none|example.org d "
		"pass;mail.example.org c pass;y.test b pass;x.test a fail\n"},
	{"a selector that nobody can have", "",
		{.fields = {"X-Claim: dkim=pass d=example.org s=a<b",
			 "X-Claim: dkim=pass d=y.test"}},
		"example.org",
		"1|203.0.113.7|pass|pass|fail||example.org|none.test|none.test|none|example.org "
		"unknown pass;y.test unknown pass\n"},
	{"a broken policy with an address", "", {.from = "a@broken.test"}, "broken.test",
		"1|203.0.113.7|none|fail|fail||broken.test|none.test|none.test|none|\n"},
	{"nobody wants a report", "", {.from = "a@silent.test"}, NULL, NULL},
	{"no record", "", {.from = "a@nothing.test"}, NULL, NULL},
	{"DNS that fails", "", {.from = "a@servfail.test"}, NULL, NULL},
	{"mail that will come again", "p_reject = tempfail", {.ip = NULL}, NULL, NULL},
	{"no author", "", {.from = "a@b.test, c@d.test"}, NULL, NULL},
};

START_TEST(messages_are_kept)
{
	char line[1000];

	begin(kept[_i].options, "enforce");
	send(kept[_i].mail);
	report();
	if (kept[_i].row == NULL) {
		ck_assert_msg(answer[0] == '\0', "%s: %s", kept[_i].what, answer);
	} else {
		snprintf(line, sizeof(line), "record|%s", kept[_i].row);
		ck_assert_msg(strstr(answer, line) != NULL, "%s: %s", kept[_i].what, answer);
		has("record|", 1);
		snprintf(line, sizeof(line), "report|%s|", kept[_i].domain);
		has(line, 1);
		has("report|", 1);
	}
	end();
}
END_TEST

START_TEST(the_same_is_one_row)
{
	begin("", "enforce");
	for (int i = 0; i < 5; i++)
		send((struct dmarc_mail){.ip = NULL});
	send((struct dmarc_mail){.ip = "203.0.113.8"});
	report();
	ck_assert_str_eq(answer, ORG_REPORT "record|5|203.0.113.7|reject|fail|fail||"
					    "example.org|none.test|none.test|"
					    "none|\n"
					    "record|1|203.0.113.8|reject|fail|fail||"
					    "example.org|none.test|none.test|"
					    "none|\n");
	end();
}
END_TEST

/* What is only watched refuses nobody, and the world must not be told that it did. */
START_TEST(a_watched_link_did_nothing)
{
	begin("", "shadow");
	send((struct dmarc_mail){.ip = NULL});
	send((struct dmarc_mail){.sender = "<a@pass.example.org>"});
	send((struct dmarc_mail){.from = "a@quar.test"});
	report();
	has("|none|fail|fail|local_policy|", 2);
	has("|pass|fail|pass||", 1);
	end();
}
END_TEST

START_TEST(domains_are_apart_and_days_too)
{
	begin("", "enforce");
	send((struct dmarc_mail){.from = "a@tested.test"});
	send((struct dmarc_mail){.ip = NULL});
	clock_advance(DAY * CLOCK_SEC);
	send((struct dmarc_mail){.ip = "203.0.113.9"});
	reports("2026-05-31");
	has("report|", 2);
	has("record|", 2);
	has("203.0.113.9", 0);
	has("report|tested.test|1780185600|1780271999|mx.test|example.com|"
	    "dmarc@example.com||0|no|tested.test|treewalk|quarantine||||s|r|y|mailto:a@tested."
	    "test\n",
		1);
	report();
	has("report|example.org|1780272000|1780358399|", 1);
	has("203.0.113.9", 1);
	has("record|", 1);
	end();
}
END_TEST

/* A filter with a store on the disk, where DNS says that of example.org. */
static void
begin_on_disk(const char *dir, const char *record)
{
	char *sections, *text;

	ck_assert_int_gt(
		asprintf(&sections,
			"store m { type = lmdb; path = \"%s\"; max_size = 4M }\n"
			"profile all { chain = [ spf, dmarc ] }\nplugin spf { fail = accept }\n"
			"plugin dmarc { store = m; report_email = dmarc@example.com; need_dkim = "
			"no }\n",
			dir),
		0);
	ck_assert_int_gt(asprintf(&text, "_dmarc.example.org TXT \"%s\"\n", record), 0);
	dmarc_case_load(&d, text, sections);
	free(sections);
	free(text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
}

START_TEST(a_policy_that_changes_is_the_latest)
{
	char dir[TEMP_NAME_SIZE], command[TEMP_NAME_SIZE + 16];

	ck_assert(temp_dir(dir, "chainmail-dmarc"));
	clock_freeze(NOON);
	begin_on_disk(dir, "v=DMARC1; p=reject; sp=none; rua=mailto:a@example.org");
	send((struct dmarc_mail){.from = "a@mail.example.org"});
	drive_fini(&d);
	begin_on_disk(dir, "v=DMARC1; p=none; rua=mailto:b@example.org");
	/* It has nothing new but the policy, and so is one row with the other. */
	send((struct dmarc_mail){.from = "a@mail.example.org"});
	report();
	has("|treewalk|none||||r|r|n|mailto:b@example.org\n", 1);
	has("report|", 1);
	has("record|2|", 1);
	has("record|", 1);
	end();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(rows_are_bounded)
{
	char ip[32];

	begin("report_rows = 3", "enforce");
	for (int i = 1; i <= 5; i++) {
		snprintf(ip, sizeof(ip), "203.0.113.%d", i);
		send((struct dmarc_mail){.ip = ip});
	}
	/* One that is there is counted. */
	send((struct dmarc_mail){.ip = "203.0.113.1"});
	send((struct dmarc_mail){.from = "a@tested.test"});
	report();
	has("record|", 4);
	has("record|2|203.0.113.1|", 1);
	has("dmarc@example.com||2|no|example.org|", 1);
	has("report|tested.test|", 1);
	end();
	begin("report_day_rows = 2", "enforce");
	send((struct dmarc_mail){.ip = "203.0.113.1"});
	send((struct dmarc_mail){.from = "a@tested.test"});
	send((struct dmarc_mail){.ip = "203.0.113.2"});
	report();
	has("record|", 2);
	has("dmarc@example.com||1|no|example.org|", 1);
	end();
}
END_TEST

START_TEST(a_domain_with_too_many_rows_takes_none_of_others)
{
	char ip[32];

	begin("report_rows = 1; report_day_rows = 3", "enforce");
	for (int i = 1; i <= 5; i++) {
		snprintf(ip, sizeof(ip), "203.0.113.%d", i);
		send((struct dmarc_mail){.ip = ip});
	}
	send((struct dmarc_mail){.from = "a@tested.test"});
	report();
	has("dmarc@example.com||4|no|example.org|", 1);
	has("report|tested.test|", 1);
	has("record|", 2);
	end();
}
END_TEST

/* A record has room for 16,000 addresses, and each message of the domain comes by here. */
START_TEST(a_long_list_of_addresses_is_read_once)
{
	size_t size = 65000, len = 0;
	char *text = malloc(size + 64);
	clock_t before;

	clock_freeze(NOON);
	len += (size_t)sprintf(text, "_dmarc.example.org TXT \"v=DMARC1; p=none; rua=");
	while (len < size)
		len += (size_t)sprintf(text + len, "a:b,");
	sprintf(text + len, "\"\n");
	dmarc_case_load(&d, text,
		"store m { type = memory }\nprofile all { chain = [ dmarc ] }\n"
		"plugin dmarc { store = m; report_email = d@example.com; need_dkim = no }\n");
	free(text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
	before = clock();
	send((struct dmarc_mail){.ip = NULL});
	ck_assert_int_lt(clock() - before, CLOCKS_PER_SEC);
	end();
}
END_TEST

START_TEST(they_are_forgotten)
{
	begin("", "enforce");
	send((struct dmarc_mail){.ip = NULL});
	clock_advance(8 * DAY * CLOCK_SEC);
	reports("2026-05-31");
	has("record|", 1);
	clock_advance(2 * DAY * CLOCK_SEC);
	ck_assert_str_eq(reports("2026-05-31"), "");
	end();
}
END_TEST

/* --- to whom it goes -----------------------------------------------------------------------------
 */

static const struct {
	const char *what, *from, *end;
} destinations[] = {
	{"who is elsewhere must have agreed", "a@out.test",
		"|no|out.test|treewalk|none||||r|r|n|mailto:a@agreed.test mailto:b@moved.test "
		"mailto:a@sub.out.test\n"},
	{"DNS that fails may answer later", "a@late.test",
		"|yes|late.test|treewalk|none||||r|r|n|\n"},
	{"who agrees and names others gets none", "a@evil.test",
		"|no|evil.test|treewalk|none||||r|r|n|\n"},
	{"a domain that stands in a header is none of an address", "a@ask.test",
		"|no|ask.test|treewalk|none||||r|r|n|mailto:a@ask.test\n"},
};

START_TEST(whom_a_report_is_for)
{
	begin("", "enforce");
	send((struct dmarc_mail){.from = destinations[_i].from});
	report();
	ck_assert_msg(strstr(answer, destinations[_i].end) != NULL, "%s: %s", destinations[_i].what,
		answer);
	end();
}
END_TEST

/* --- files ---------------------------------------------------------------------------------------
 */

#define SCHEMA "tests/unit/dmarc_report.xsd"

/* What the rows become, which the schema takes. */
START_TEST(rows_become_a_valid_file)
{
	const char *check = "xmllint --noout --nonet --schema " SCHEMA " - >/dev/null 2>&1";
	char file[300];
	struct buf xml;
	FILE *f;

	if (system("command -v xmllint >/dev/null") != 0 || access(SCHEMA, R_OK) != 0) {
		table_skip("rows_become_a_valid_file",
			"there is no xmllint (Debian: libxml2-utils), or no " SCHEMA);
		return;
	}
	begin("report_rows = 4; report_contact = \"<&>\"; skip_for = [ 203.0.113.9 ]", "enforce");
	send((struct dmarc_mail){.ip = "203.0.113.9"});
	send((struct dmarc_mail){.ip = "2001:db8::7", .sender = "<>"});
	send((struct dmarc_mail){.sender = "<a@pass.example.org>",
		.fields = {"X-Claim: dkim=pass d=example.org s=a<b",
			"X-Claim: dkim=temperror d=x.test s=key"}});
	send((struct dmarc_mail){.from = "a@mail.example.org"});
	send((struct dmarc_mail){.from = "a@nowhere.example.org"});
	objects = json_array();
	report();
	has("record|", 4);
	buf_init(&xml, 0);
	dmarc_xml(&xml, json_array_get(objects, 1), objects, 2, json_array_size(objects));
	f = popen(check, "w");
	fputs(xml.data, f);
	ck_assert_msg(pclose(f) == 0, "%s", xml.data);
	ck_assert_ptr_nonnull(strstr(xml.data, "<domain>example.org</domain>"));
	ck_assert_ptr_nonnull(
		strstr(xml.data, "<error>messages that were of too many kinds to be listed: 1<"));
	ck_assert(dmarc_xml_file(json_array_get(objects, 1), file, sizeof(file)));
	ck_assert(strncmp(file, "mx.test!example.org!1780185600!1780271999!", 42) == 0);
	buf_fini(&xml);
	json_decref(objects);
	objects = NULL;
	end();
}
END_TEST

/* --- commands ------------------------------------------------------------------------------------
 */

static const struct {
	const char *day, *answer;
} asked[] = {
	{"2026-05-31", "that day has not ended (in UTC)"},
	{"2026-02-30", "that is no day; write it as 2026-05-31"},
	{"yesterday", "that is no day; write it as 2026-05-31"},
	{"2020-01-01", ""},
};

START_TEST(days_that_can_be_asked_for)
{
	begin("", "enforce");
	ck_assert_str_eq(list(asked[_i].day), asked[_i].answer);
	end();
}
END_TEST

START_TEST(domains_are_listed)
{
	begin("", "enforce");
	send((struct dmarc_mail){.from = "a@tested.test"});
	send((struct dmarc_mail){.from = "a@mail.example.org"});
	clock_advance(DAY * CLOCK_SEC);
	ck_assert_str_eq(list(NULL), "example.org|2026-05-31\ntested.test|2026-05-31\n");
	ck_assert_str_eq(list("2026-05-30"), "");
	answer[0] = '\0';
	ask_with("report", (const char *const[]){"mail.example.org", NULL});
	ck_assert_str_eq(answer, "dmarc: nothing was counted of mail.example.org on 2026-05-31");
	end();
}
END_TEST

static long
most_kilobytes(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return used.ru_maxrss;
}

/* A wildcard makes as many domains as somebody likes, each with a record that is long. */
START_TEST(a_list_of_domains_holds_no_records)
{
	enum { DOMAINS = 3000, LONG = 3500 };
	char *text = malloc(LONG + 200), from[32];
	size_t len = 0;
	long before;

	clock_freeze(NOON);
	len += (size_t)sprintf(text, "*.wild.test TXT \"v=DMARC1; p=none; rua=");
	while (len < LONG)
		len += (size_t)sprintf(text + len, "mailto:a@wild.test,");
	sprintf(text + len, "\"\n");
	dmarc_case_load(&d, text,
		"store m { type = memory }\nprofile all { chain = [ dmarc ] }\n"
		"plugin dmarc { store = m; report_email = d@example.com; need_dkim = no }\n");
	free(text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
	for (int i = 0; i < DOMAINS; i++) {
		snprintf(from, sizeof(from), "a@d%04d.wild.test", i);
		send((struct dmarc_mail){.from = from});
	}
	clock_advance(DAY * CLOCK_SEC);
	before = most_kilobytes();
	list(NULL);
	ck_assert_int_lt(most_kilobytes() - before, 8000);
	has(".wild.test|2026-05-31\n", DOMAINS);
	end();
}
END_TEST

/* A list is made of parts that an answer has room for, and none is left out between them. */
START_TEST(a_long_list_goes_on_behind_its_last_domain)
{
	enum { DOMAINS = 5003 };
	char from[32];

	begin("report_day_rows = 6000", "enforce");
	for (int i = 0; i < DOMAINS; i++) {
		snprintf(from, sizeof(from), "a@d%04d.wild.test", i);
		send((struct dmarc_mail){.from = from});
	}
	clock_advance(DAY * CLOCK_SEC);
	list(NULL);
	has("\nd", 4999);
	has("\nmore|d4999.wild.test|2026-05-31\n", 1);
	answer[0] = '\0';
	ask_with("report", (const char *const[]){"--after", "d4999.WILD.test", NULL});
	ck_assert_str_eq(answer, "d5000.wild.test|2026-05-31\nd5001.wild.test|2026-05-31\n"
				 "d5002.wild.test|2026-05-31\n");
	answer[0] = '\0';
	ask_with("report", (const char *const[]){"--after", "z.test", NULL});
	ck_assert_str_eq(answer, "");
	ask_with("report", (const char *const[]){"--after", "z.test", "z.test", NULL});
	ck_assert_str_eq(answer, "--after takes a domain, and is for the list of all");
	end();
}
END_TEST

START_TEST(who_we_are)
{
	begin("report_org = \"Example & Sons\"; report_contact = \"https://example.com/dmarc\"",
		"enforce");
	send((struct dmarc_mail){.ip = NULL});
	report();
	has("|mx.test|Example & Sons|dmarc@example.com|https://example.com/dmarc|0|", 1);
	end();
}
END_TEST

START_TEST(without_an_address_nothing_is_kept)
{
	clock_freeze(NOON);
	dmarc_case_load(&d, zone,
		"store m { type = memory }\nprofile all { chain = [ dmarc ] }\n"
		"plugin dmarc { store = m }\n");
	drive_open(&d);
	send((struct dmarc_mail){.ip = NULL});
	ck_assert_str_eq(
		list(NULL), "dmarc: nothing is kept for reports: set report_email and store");
	end();
}
END_TEST

static const struct {
	const char *domain, *answer;
} shown[] = {
	{"a.Example.org",
		"_dmarc.a.example.org|none\n"
		"_dmarc.example.org|v=DMARC1; p=reject; sp=none; fo=1; rua=mailto:d@example.org\n"
		"_dmarc.org|none\n"
		"a.example.org|example.org|example.org|tree walk\n"},
	{"x.servfail.test",
		"_dmarc.x.servfail.test|none\n_dmarc.servfail.test|DNS does not answer\n"
		"x.servfail.test|none|unknown|tree walk\n"},
	{"nothing.test", "_dmarc.nothing.test|none\n_dmarc.test|none\n"
			 "nothing.test|none|nothing.test|tree walk\n"},
	{"no domain", "that is no domain"},
};

START_TEST(what_dns_says_is_shown)
{
	begin("", "enforce");
	ck_assert_str_eq(show(shown[_i].domain), shown[_i].answer);
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_report");
	TCase *c = tcase_create("reports");

	tcase_add_loop_test(c, messages_are_kept, 0, LENGTH(kept));
	tcase_add_test(c, the_same_is_one_row);
	tcase_add_test(c, a_watched_link_did_nothing);
	tcase_add_test(c, domains_are_apart_and_days_too);
	tcase_add_test(c, a_policy_that_changes_is_the_latest);
	tcase_add_test(c, rows_are_bounded);
	tcase_add_test(c, a_domain_with_too_many_rows_takes_none_of_others);
	tcase_add_test(c, a_long_list_of_addresses_is_read_once);
	tcase_add_test(c, they_are_forgotten);
	tcase_add_loop_test(c, whom_a_report_is_for, 0, LENGTH(destinations));
	tcase_add_test(c, rows_become_a_valid_file);
	tcase_add_loop_test(c, days_that_can_be_asked_for, 0, LENGTH(asked));
	tcase_add_test(c, domains_are_listed);
	tcase_add_test(c, a_list_of_domains_holds_no_records);
	tcase_add_test(c, a_long_list_goes_on_behind_its_last_domain);
	tcase_add_test(c, who_we_are);
	tcase_add_test(c, without_an_address_nothing_is_kept);
	tcase_add_loop_test(c, what_dns_says_is_shown, 0, LENGTH(shown));
	suite_add_tcase(suite, c);
	return table_run(suite);
}
