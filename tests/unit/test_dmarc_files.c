/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_files.c - chainmail dmarc report: files, their names, and that they are as RFC 9990
 * says
 *
 * The daemon is a thread that says what the test wrote down.
 */
#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "cli/dmarc.h"
#include "cli/dmarc_xml.h"
#include "table.h"
#include "temp.h"

#define ANSWERS_MOST 10
#define XML_MOST     20000

/* --- a daemon ------------------------------------------------------------------------------------
 */

static struct {
	char dir[TEMP_NAME_SIZE], socket[TEMP_NAME_SIZE + 16], out[TEMP_NAME_SIZE + 16];
	int fd;
	pthread_t thread;
	const char *const *answers; /* one for each question, ends in NULL */
	char asked[ANSWERS_MOST][400];
	size_t count;
} fake;

static void *
serve(void *unused)
{
	(void)unused;
	for (; fake.answers[fake.count] != NULL; fake.count++) {
		int fd = accept(fake.fd, NULL, NULL);
		char *asked = fake.asked[fake.count];
		size_t len = 0;

		while (len + 1 < sizeof(*fake.asked) && read(fd, asked + len, 1) == 1 &&
			asked[len] != '\n')
			len++;
		asked[len] = '\0';
		ck_assert_int_gt(send(fd, fake.answers[fake.count],
					 strlen(fake.answers[fake.count]), MSG_NOSIGNAL),
			0);
		close(fd);
	}
	return NULL;
}

static void
setup(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	memset(&fake, 0, sizeof(fake));
	ck_assert(temp_dir(fake.dir, "chainmail-dmarc"));
	snprintf(fake.socket, sizeof(fake.socket), "%s/socket", fake.dir);
	snprintf(fake.out, sizeof(fake.out), "%s/out", fake.dir);
	ck_assert_int_eq(mkdir(fake.out, 0700), 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", fake.socket);
	fake.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fake.fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fake.fd, 8), 0);
}

static void
teardown(void)
{
	char command[TEMP_NAME_SIZE + 16];

	close(fake.fd);
	snprintf(command, sizeof(command), "rm -r %s", fake.dir);
	ck_assert_int_eq(system(command), 0);
}

/* The exit code of "chainmail dmarc report ..." when the daemon answers so. words end in NULL. */
static int
run(const char *const *answers, const char *out, const char *const *words)
{
	char *argv[16] = {strdup("dmarc"), strdup("report"), strdup("--socket"),
		strdup(fake.socket), strdup("--out"), strdup(out)};
	int argc = 6, code;

	for (; *words != NULL; words++)
		argv[argc++] = strdup(*words);
	fake.answers = answers;
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, serve, NULL), 0);
	code = dmarc_run(argc, argv);
	pthread_join(fake.thread, NULL);
	while (argc > 0)
		free(argv[--argc]);
	return code;
}

static const char *const no_words[] = {NULL};

/* The name of the only file in out, "" for none. */
static const char *
only_file(void)
{
	static char name[300];
	DIR *dir = opendir(fake.out);
	struct dirent *e;
	int count = 0;

	name[0] = '\0';
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s", e->d_name);
		count++;
	}
	closedir(dir);
	ck_assert_int_le(count, 1);
	return name;
}

static const char *
read_file(const char *name)
{
	static char text[XML_MOST];
	char path[600];
	gzFile gz;
	int len;

	snprintf(path, sizeof(path), "%s/%s", fake.out, name);
	gz = gzopen(path, "rb");
	ck_assert_ptr_nonnull(gz);
	ck_assert_int_eq(gzdirect(gz), 0);
	len = gzread(gz, text, sizeof(text) - 1);
	ck_assert_int_gt(len, 0);
	text[len] = '\0';
	ck_assert_int_eq(gzclose(gz), Z_OK);
	return text;
}

/* --- what is valid -------------------------------------------------------------------------------
 */

/* The schema is beside this file; the test runs from the top of the tree. */
#define SCHEMA "tests/unit/dmarc_report.xsd"

/* False: there is no xmllint here, which was said. */
static bool
has_xmllint(const char *test)
{
	if (system("command -v xmllint >/dev/null") == 0 && access(SCHEMA, R_OK) == 0)
		return true;
	table_skip(test, "there is no xmllint (Debian: libxml2-utils), or no " SCHEMA);
	return false;
}

static bool
is_valid(const char *xml)
{
	FILE *f = popen("xmllint --noout --nonet --schema " SCHEMA " - >/dev/null 2>&1", "w");

	fputs(xml, f);
	return pclose(f) == 0;
}

#define REPORT_OF(link, domain, rua, more)                                                       \
	"{\"row\":{\"link\":\"" link "\",\"what\":\"report\",\"domain\":\"" domain               \
	"\",\"begin_at\":1780185600,\"end_at\":1780271999,\"receiver\":\"mx.example.com\","      \
	"\"org_name\":\"Example & <Sons>\",\"email\":\"dmarc@example.com\"," more                \
	"\"org_domain\":\"" domain "\",\"discovery_method\":\"treewalk\",\"p\":\"reject\","      \
	"\"sp\":\"\",\"np\":\"none\",\"fo\":\"1:d\",\"adkim\":\"r\",\"aspf\":\"s\",\"testing\":" \
	"\"n\","                                                                                 \
	"\"rua\":\"" rua "\"}}\n"
#define PLAIN  "\"extra_contact_info\":\"\",\"dropped\":0,\"unclear\":\"no\","
#define REPORT REPORT_OF("dmarc", "example.org", "mailto:a@example.org MAILTO:b@example.net", PLAIN)
#define RECORD(count, ip, dis, reasons, from, dkim)                                                \
	"{\"row\":{\"link\":\"dmarc\",\"what\":\"record\",\"count\":" count ",\"source_ip\":\"" ip \
	"\",\"disposition\":\"" dis "\",\"dkim\":\"pass\",\"spf\":\"fail\",\"reasons\":\"" reasons \
	"\",\"header_from\":\"example.org\",\"envelope_from\":\"" from "\",\"spf_domain\":\"" from \
	"\",\"spf_result\":\"none\",\"dkim_results\":\"" dkim "\"}}\n"
#define DONE "{\"done\":true}\n"

static const char *const one[] = {
	REPORT RECORD("3", "203.0.113.7", "pass", "", "example.net",
		"example.org key1 pass;example.net k.2 fail") RECORD("4", "2001:db8::7", "reject",
		"policy_test_mode;trusted_forwarder forwarder mx.example.net", "example.net", "")
		DONE,
	NULL};

static const char expected[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
			       "  <version>1.0</version>\n"
			       "  <report_metadata>\n"
			       "    <org_name>Example &amp; &lt;Sons&gt;</org_name>\n"
			       "    <email>dmarc@example.com</email>\n"
			       "    <report_id>@ID@</report_id>\n"
			       "    <date_range>\n"
			       "      <begin>1780185600</begin>\n"
			       "      <end>1780271999</end>\n"
			       "    </date_range>\n"
			       "    <generator>Chainmail " CHAINMAIL_VERSION "</generator>\n"
			       "  </report_metadata>\n"
			       "  <policy_published>\n"
			       "    <domain>example.org</domain>\n"
			       "    <discovery_method>treewalk</discovery_method>\n"
			       "    <p>reject</p>\n"
			       "    <np>none</np>\n"
			       "    <fo>1:d</fo>\n"
			       "    <adkim>r</adkim>\n"
			       "    <aspf>s</aspf>\n"
			       "    <testing>n</testing>\n"
			       "  </policy_published>\n"
			       "  <record>\n"
			       "    <row>\n"
			       "      <source_ip>203.0.113.7</source_ip>\n"
			       "      <count>3</count>\n"
			       "      <policy_evaluated>\n"
			       "        <disposition>pass</disposition>\n"
			       "        <dkim>pass</dkim>\n"
			       "        <spf>fail</spf>\n"
			       "      </policy_evaluated>\n"
			       "    </row>\n"
			       "    <identifiers>\n"
			       "      <header_from>example.org</header_from>\n"
			       "      <envelope_from>example.net</envelope_from>\n"
			       "    </identifiers>\n"
			       "    <auth_results>\n"
			       "      <dkim>\n"
			       "        <domain>example.org</domain>\n"
			       "        <selector>key1</selector>\n"
			       "        <result>pass</result>\n"
			       "      </dkim>\n"
			       "      <dkim>\n"
			       "        <domain>example.net</domain>\n"
			       "        <selector>k.2</selector>\n"
			       "        <result>fail</result>\n"
			       "      </dkim>\n"
			       "      <spf>\n"
			       "        <domain>example.net</domain>\n"
			       "        <scope>mfrom</scope>\n"
			       "        <result>none</result>\n"
			       "      </spf>\n"
			       "    </auth_results>\n"
			       "  </record>\n"
			       "  <record>\n"
			       "    <row>\n"
			       "      <source_ip>2001:db8::7</source_ip>\n"
			       "      <count>4</count>\n"
			       "      <policy_evaluated>\n"
			       "        <disposition>reject</disposition>\n"
			       "        <dkim>pass</dkim>\n"
			       "        <spf>fail</spf>\n"
			       "        <reason>\n"
			       "          <type>policy_test_mode</type>\n"
			       "        </reason>\n"
			       "        <reason>\n"
			       "          <type>trusted_forwarder</type>\n"
			       "          <comment>forwarder mx.example.net</comment>\n"
			       "        </reason>\n"
			       "      </policy_evaluated>\n"
			       "    </row>\n"
			       "    <identifiers>\n"
			       "      <header_from>example.org</header_from>\n"
			       "      <envelope_from>example.net</envelope_from>\n"
			       "    </identifiers>\n"
			       "    <auth_results>\n"
			       "      <spf>\n"
			       "        <domain>example.net</domain>\n"
			       "        <scope>mfrom</scope>\n"
			       "        <result>none</result>\n"
			       "      </spf>\n"
			       "    </auth_results>\n"
			       "  </record>\n"
			       "</feedback>\n";

START_TEST(a_report_is_a_file)
{
	static const char prefix[] = "mx.example.com!example.org!1780185600!1780271999!";
	char wanted[sizeof(expected) + 32], name[300], id[32];
	const char *xml, *at = strstr(expected, "@ID@");

	ck_assert_int_eq(run(one, fake.out, (const char *const[]){"example.org", NULL}), 0);
	ck_assert_str_eq(fake.asked[0], "{\"command\":[\"dmarc\",\"report\",\"example.org\"]}");
	snprintf(name, sizeof(name), "%s", only_file());
	ck_assert(strncmp(name, prefix, strlen(prefix)) == 0);
	ck_assert_int_eq(sscanf(name + strlen(prefix), "%16[0-9a-f]", id), 1);
	ck_assert_str_eq(name + strlen(prefix) + 16, ".xml.gz");
	xml = read_file(name);
	snprintf(wanted, sizeof(wanted), "%.*s%s%s", (int)(at - expected), expected, id, at + 4);
	ck_assert_str_eq(xml, wanted);
	/* Made again, it is the same file. */
	fake.count = 0;
	ck_assert_int_eq(run(one, fake.out, no_words), 0);
	ck_assert_str_eq(only_file(), name);
}
END_TEST

START_TEST(a_report_is_valid)
{
	if (!has_xmllint("a_report_is_valid"))
		return;
	ck_assert_int_eq(run(one, fake.out, no_words), 0);
	ck_assert(is_valid(read_file(only_file())));
	/* The schema refuses something. */
	ck_assert(!is_valid("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"/>"));
}
END_TEST

/* Another reporter's: elements that have no order stand in another one, as in the RFC's example. */
static const char others[] =
	"<feedback "
	"xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"><version>1.0</version><report_metadata>"
	"<email>a@b.test</email><org_name>B</org_name><report_id>1</report_id><date_range>"
	"<end>86399</end><begin>0</begin></date_range></report_metadata><policy_published>"
	"<domain>example.com</domain><p>quarantine</p><sp>none</sp><np>none</np>"
	"<testing>n</testing><discovery_method>psl</discovery_method></policy_published><record>"
	"<row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated>"
	"<disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>"
	"<identifiers><envelope_from/><header_from>example.com</header_from></identifiers>"
	"<auth_results><dkim><domain>example.com</domain><result>pass</result><selector>s</"
	"selector>"
	"</dkim><spf><domain>b.test</domain><scope>mfrom</scope><result>fail</result></spf>"
	"</auth_results></record></feedback>";

/* RFC 9990 section 3.1.1. */
static const struct {
	const char *what, *from, *to;
	bool valid;
} schemas[] = {
	{"as it is", "", "", true},
	{"no version", "<version>1.0</version>", "", true},
	{"another version", "<version>1.0", "<version>1", false},
	{"no SPF", "<spf><domain>b.test</domain><scope>mfrom</scope><result>fail</result></spf>",
		"", true},
	{"SPF of a HELO name", "mfrom", "helo", false},
	{"no selector", "<selector>s</selector>", "", false},
	{"a report of RFC 7489", "<np>none</np>", "<pct>100</pct>", false},
	{"a disposition before its row", "<disposition>pass</disposition><dkim>pass</dkim>",
		"<dkim>pass</dkim><disposition>pass</disposition>", false},
	{"an unknown disposition", "<disposition>pass", "<disposition>tag", false},
	{"an unknown method", "psl", "guess", false},
	{"no count", "<count>1</count>", "", false},
};

START_TEST(the_schema_is_that_of_the_standard)
{
	const char *at = strstr(others, schemas[_i].from);
	char xml[sizeof(others) + 200];

	if (!has_xmllint("the_schema_is_that_of_the_standard"))
		return;
	ck_assert_ptr_nonnull(at);
	snprintf(xml, sizeof(xml), "%.*s%s%s", (int)(at - others), others, schemas[_i].to,
		at + strlen(schemas[_i].from));
	ck_assert_msg(is_valid(xml) == schemas[_i].valid, "%s", schemas[_i].what);
}
END_TEST

/* --- several -------------------------------------------------------------------------------------
 */

START_TEST(each_domain_is_asked_for)
{
	static const char *const answers[] = {
		"{\"row\":{\"link\":\"dmarc\",\"domain\":\"example.org\",\"day\":\"2026-05-31\"}}\n"
		"{\"row\":{\"link\":\"other\",\"domain\":\"-x.test\",\"day\":\"2026-05-31\"}}"
		"\n" DONE,
		REPORT RECORD("1", "192.0.2.1", "none", "", "example.net", "") DONE,
		REPORT_OF("other", "-x.test", "", PLAIN)
			RECORD("1", "192.0.2.1", "none", "", "example.net", "") DONE,
		NULL};
	const char *const day[] = {"--day", "2026-05-31", NULL};

	ck_assert_int_eq(run(answers, fake.out, day), 0);
	ck_assert_str_eq(
		fake.asked[0], "{\"command\":[\"dmarc\",\"report\",\"--day\",\"2026-05-31\"]}");
	ck_assert_str_eq(fake.asked[1],
		"{\"command\":[\"dmarc\",\"report\",\"--day\",\"2026-05-31\",\"--link\",\"dmarc\","
		"\"--\",\"example.org\"]}");
	ck_assert_str_eq(fake.asked[2],
		"{\"command\":[\"dmarc\",\"report\",\"--day\",\"2026-05-31\",\"--link\",\"other\","
		"\"--\",\"-x.test\"]}");
	/* The other has nobody who may get it. */
	ck_assert(strstr(only_file(), "!example.org!") != NULL);
}
END_TEST

#define LISTED(domain) \
	"{\"row\":{\"link\":\"dmarc\",\"domain\":\"" domain "\",\"day\":\"2026-05-31\"}}\n"
#define LABEL	 "a2345678901234567890123456789012345678901234567890123456789."
#define LONG	 LABEL LABEL LABEL LABEL "test"
#define TOO_LONG "{\"error\":\"the answer is too long\",\"kind\":\"refused\"}\n"
#define ANY	 RECORD("1", "192.0.2.1", "none", "", "x.test", "")

/* The answer for the first domain of two; the second has a report. */
static const struct {
	const char *what, *answer;
} troubles[] = {
	{"a name that no file can have",
		REPORT_OF("dmarc", LONG, "mailto:a@b.test", PLAIN) ANY DONE},
	{"more than the daemon says at once",
		REPORT_OF("dmarc", "a.test", "mailto:a@b.test", PLAIN) ANY TOO_LONG},
};

START_TEST(a_domain_that_makes_trouble_is_alone_with_it)
{
	const char *const answers[] = {
		LISTED("a.test") LISTED("example.org") DONE, troubles[_i].answer, one[0], NULL};
	int code = run(answers, fake.out, no_words);

	ck_assert_msg(code == 1, "%s: %d", troubles[_i].what, code);
	ck_assert_msg(strstr(only_file(), "!example.org!") != NULL, "%s: %s", troubles[_i].what,
		only_file());
}
END_TEST

START_TEST(a_list_that_is_too_long_has_a_beginning)
{
	const char *const answers[] = {LISTED("example.org") TOO_LONG, one[0], NULL};

	ck_assert_int_eq(run(answers, fake.out, no_words), 1);
	ck_assert(strstr(only_file(), "!example.org!") != NULL);
}
END_TEST

#define MORE(link, after)                                                                    \
	"{\"row\":{\"link\":\"" link "\",\"what\":\"more\",\"after\":\"" after "\",\"day\":" \
	"\"2026-05-31\"}}\n"
#define NOBODY REPORT_OF("dmarc", "a.test", "", PLAIN) ANY DONE

/* Each link whose list goes on is asked for the rest of it, until there is none. */
START_TEST(a_list_in_several_answers)
{
	const char *const answers[] = {LISTED("a.test") MORE("dmarc", "a.test") LISTED("b.test")
					       MORE("other", "b.test") DONE,
		NOBODY, NOBODY, LISTED("c.test") MORE("dmarc", "c.test") DONE, NOBODY,
		LISTED("example.org") DONE, one[0], DONE, NULL};

	ck_assert_int_eq(run(answers, fake.out, no_words), 0);
	ck_assert_uint_eq(fake.count, 8);
	ck_assert_str_eq(fake.asked[3],
		"{\"command\":[\"dmarc\",\"report\",\"--day\",\"2026-05-31\",\"--link\",\"dmarc\","
		"\"--after\",\"a.test\"]}");
	ck_assert_str_eq(fake.asked[5],
		"{\"command\":[\"dmarc\",\"report\",\"--day\",\"2026-05-31\",\"--link\",\"dmarc\","
		"\"--after\",\"c.test\"]}");
	ck_assert_str_eq(fake.asked[7],
		"{\"command\":[\"dmarc\",\"report\",\"--day\",\"2026-05-31\",\"--link\",\"other\","
		"\"--after\",\"b.test\"]}");
	ck_assert(strstr(only_file(), "!example.org!") != NULL);
}
END_TEST

/* Whoever answers so is none of ours. */
START_TEST(a_list_that_turns_in_a_circle_ends)
{
	static const char *const answers[] = {MORE("dmarc", "b.test") DONE,
		MORE("dmarc", "c.test") DONE, MORE("dmarc", "b.test") DONE, NULL};

	ck_assert_int_eq(run(answers, fake.out, no_words), 0);
	ck_assert_uint_eq(fake.count, 3);
}
END_TEST

/* Half of a report would say that the rest did not happen. */
START_TEST(a_report_that_is_too_long_is_none)
{
	const char *const answers[] = {REPORT ANY TOO_LONG, NULL};

	ck_assert_int_eq(run(answers, fake.out, (const char *const[]){"example.org", NULL}), 1);
	ck_assert_str_eq(only_file(), "");
}
END_TEST

/* Who can write into the directory knows the names of tomorrow. */
START_TEST(a_link_that_lies_in_wait_is_not_followed)
{
	char link[800], target[TEMP_NAME_SIZE + 16];

	ck_assert_int_eq(run(one, fake.out, no_words), 0);
	snprintf(link, sizeof(link), "%s/%s.part", fake.out, only_file());
	snprintf(target, sizeof(target), "%s/target", fake.dir);
	ck_assert_int_eq(symlink(target, link), 0);
	fake.count = 0;
	ck_assert_int_eq(run(one, fake.out, no_words), 0);
	ck_assert_int_ne(access(target, F_OK), 0);
	ck_assert_str_ne(only_file(), "");
}
END_TEST

static const struct {
	const char *what;
	const char *answers[2];
	int code;
	bool written;
} ends[] = {
	{"nothing was counted", {DONE}, 0, false},
	{"nobody may get it",
		{REPORT_OF("dmarc", "example.org", "", PLAIN)
				RECORD("1", "192.0.2.1", "none", "", "x.test", "") DONE},
		0, false},
	{"a report without records", {REPORT DONE}, 0, false},
	{"DNS does not say who may get it",
		{REPORT_OF("dmarc", "example.org", "",
			"\"extra_contact_info\":\"\",\"dropped\":0,\"unclear\":\"yes\",") DONE},
		75, false},
	{"it says so of some",
		{REPORT_OF("dmarc", "example.org", "mailto:a@b.test",
			"\"extra_contact_info\":\"\",\"dropped\":0,\"unclear\":\"yes\",")
				RECORD("1", "192.0.2.1", "none", "", "x.test", "") DONE},
		75, true},
	{"the daemon refuses", {"{\"error\":\"that is no day\",\"kind\":\"refused\"}\n"}, 1, false},
	{"the daemon hangs up", {REPORT}, 75, false},
	{"nonsense", {"nonsense\n" DONE}, 0, false},
	{"a domain that no file is called",
		{REPORT_OF("dmarc", "../../x", "mailto:a@b.test", PLAIN)
				RECORD("1", "192.0.2.1", "none", "", "x.test", "") DONE},
		1, false},
};

START_TEST(other_ends)
{
	const char *const answers[] = {ends[_i].answers[0], NULL};
	int code = run(answers, fake.out, no_words);

	ck_assert_msg(code == ends[_i].code, "%s: %d", ends[_i].what, code);
	ck_assert_msg(
		(only_file()[0] != '\0') == ends[_i].written, "%s: %s", ends[_i].what, only_file());
}
END_TEST

START_TEST(a_directory_that_is_not_there)
{
	char nowhere[TEMP_NAME_SIZE + 32];

	snprintf(nowhere, sizeof(nowhere), "%s/nowhere", fake.out);
	ck_assert_int_eq(run(one, nowhere, no_words), 1);
}
END_TEST

/* --- what strangers write ------------------------------------------------------------------------
 */

static const struct {
	const char *text, *xml;
} texts[] = {
	{"plain", "plain"},
	{"<&>\"'", "&lt;&amp;&gt;&quot;&apos;"},
	{"]]>", "]]&gt;"},
	{"a\nb\tc\001d\177", "a?b?c?d?"},
	{"J\303\274rgen \342\202\254 \360\237\231\202",
		"J\303\274rgen \342\202\254 \360\237\231\202"},
	{"\357\277\276\357\277\277", "??????"},
};

START_TEST(texts_are_escaped)
{
	json_t *report = json_pack("{s:s}", "org_name", texts[_i].text);
	json_t *rows = json_array();
	char wanted[200];
	struct buf out;

	snprintf(wanted, sizeof(wanted), "<org_name>%s</org_name>", texts[_i].xml);
	buf_init(&out, 0);
	dmarc_xml(&out, report, rows, 0, 0);
	ck_assert_msg(strstr(out.data, wanted) != NULL, "%s", out.data);
	buf_fini(&out);
	json_decref(report);
	json_decref(rows);
}
END_TEST

/* Every octet, and every list that is none. */
START_TEST(nothing_breaks_the_document)
{
	static const char *const lists[] = {
		";", ";;a;", "a", "a b", "a b c d", " ", "  ; ", "a;b c;"};
	char octets[257];
	json_t *rows = json_array(), *report;
	struct buf out;

	if (!has_xmllint("nothing_breaks_the_document"))
		return;
	for (int i = 1; i < 256; i++)
		octets[i - 1] = (char)i;
	octets[255] = '\0';
	report = json_object();
	json_object_set_new(report, "org_name", json_stringn_nocheck(octets, 255));
	for (int i = 0; i < LENGTH(lists); i++)
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s}", "reasons", lists[i], "dkim_results",
				      lists[i], "header_from", "\360\237\231\202 </x>"));
	buf_init(&out, 0);
	dmarc_xml(&out, report, rows, 0, json_array_size(rows));
	FILE *f = popen("xmllint --noout --nonet - 2>&1", "w");

	fputs(out.data, f);
	ck_assert_int_eq(pclose(f), 0);
	buf_fini(&out);
	json_decref(report);
	json_decref(rows);
}
END_TEST

START_TEST(what_was_dropped_is_said)
{
	json_t *report = json_pack("{s:i}", "dropped", 7), *rows = json_array();
	struct buf out;

	buf_init(&out, 0);
	dmarc_xml(&out, report, rows, 0, 0);
	ck_assert_ptr_nonnull(strstr(
		out.data, "<error>messages that were of too many kinds to be listed: 7</error>"));
	buf_fini(&out);
	json_decref(report);
	json_decref(rows);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_files");
	TCase *c = tcase_create("reports");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_report_is_a_file);
	tcase_add_test(c, a_report_is_valid);
	tcase_add_loop_test(c, the_schema_is_that_of_the_standard, 0, LENGTH(schemas));
	tcase_add_test(c, each_domain_is_asked_for);
	tcase_add_loop_test(c, a_domain_that_makes_trouble_is_alone_with_it, 0, LENGTH(troubles));
	tcase_add_test(c, a_list_that_is_too_long_has_a_beginning);
	tcase_add_test(c, a_list_in_several_answers);
	tcase_add_test(c, a_list_that_turns_in_a_circle_ends);
	tcase_add_test(c, a_report_that_is_too_long_is_none);
	tcase_add_test(c, a_link_that_lies_in_wait_is_not_followed);
	tcase_add_loop_test(c, other_ends, 0, LENGTH(ends));
	tcase_add_test(c, a_directory_that_is_not_there);
	tcase_add_loop_test(c, texts_are_escaped, 0, LENGTH(texts));
	tcase_add_test(c, nothing_breaks_the_document);
	tcase_add_test(c, what_was_dropped_is_said);
	suite_add_tcase(suite, c);
	return table_run(suite);
}
