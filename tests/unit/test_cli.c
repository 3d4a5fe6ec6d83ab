/* SPDX-License-Identifier: MIT */
/*
 * test_cli.c - what people type, what they read, and what scripts get as the exit status
 */
#include "cli/cli.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dkim_keys.h"
#include "drive.h"
#include "table.h"

#define ARGS_MAX 20
/* With example.org and a selector of one octet, a key at a name of 253 octets. */
#define LABEL_46 "a23456789012345678901234567890123456789012345."
#define LABELS_229 \
	LABEL_46 LABEL_46 LABEL_46 LABEL_46 "a2345678901234567890123456789012345678901234."
#define CHECK_KEY "dkim", "check", "-c", "dkim.conf", "--zone", "dkim.zone", "example.com"
#define EXPLAIN	  "explain", "m.eml", "--client", "203.0.113.7", "--helo", "h"

static const char sections[] =
	"listener l { socket = unix:m.sock }\n"
	"map senders { entries = [ \"bad@x.example reject 550 5.7.1 No 100% thanks\",\n"
	"    \"later@x.example tempfail\", \"junk@x.example discard\", \"odd@x.example quarantine "
	"odd\" ] }\n"
	"map rcpts { entries = [ \"dave@example.com reject 550 5.2.1 Dave left\" ] }\n"
	"profile submission { port = [ 587, 465 ]; chain = [ auth ] }\n"
	"profile talk { port = 26; chain = [ talk ] }\n"
	"profile rest { chain = [ access, mark, watch ] }\n"
	"plugin access { sender = senders; recipient = rcpts }\n"
	"plugin auth { mode = shadow; on_error = skip }\n"
	"plugin mark { type = trace; level = debug; answer = [ \"eom add_header X-Mark: a\\tb\" ] "
	"}\n"
	"plugin watch { type = trace; level = debug; sample = 50%; mode = shadow;\n"
	"    answer = [ \"rcpt reject\" ] }\n"
	"script talk { file = talk.lua }\n";

static const struct {
	const char *name;
	const char *args[ARGS_MAX]; /* behind the program's name */
	int status;
	const char *out[6]; /* what standard output holds */
	const char *err[3]; /* what standard error holds */
} cases[] = {
	{"nothing at all", {NULL}, EXIT_USAGE, {NULL}, {"chainmail check", "chainmail serve"}},
	{"the list of commands", {"help"}, EXIT_OK, {"chainmail explain", "$CHAINMAIL_CONFIG"},
		{NULL}},
	{"help for one command", {"help", "serve"}, EXIT_OK, {"-c, --config FILE"}, {NULL}},
	{"help names the default configuration", {"help", "explain"}, EXIT_OK,
		{"default: $CHAINMAIL_CONFIG, else " CHAINMAIL_CONFIG "\n"}, {NULL}},
	{"help as an option", {"serve", "--help"}, EXIT_OK, {"-c, --config FILE"}, {NULL}},
	{"a mistyped command", {"exlpain"}, EXIT_USAGE, {NULL}, {"did you mean \"explain\"?"}},
	{"a command like no other", {"frobnicate"}, EXIT_USAGE, {NULL},
		{"unknown command \"frobnicate\"\ntry: chainmail help\n"}},
	{"the version by habit", {"-V"}, EXIT_OK, {"chainmail "}, {NULL}},
	{"check by habit", {"-t", "-c", "filter.conf"}, EXIT_OK, {"filter.conf is good: "}, {NULL}},
	{"an option without a command", {"-c", "filter.conf"}, EXIT_USAGE, {NULL},
		{"a command comes first, not \"-c\""}},
	{"a mistyped option", {"check", "--jsno"}, EXIT_USAGE, {NULL},
		{"chainmail check: unknown option \"--jsno\", did you mean --json?",
			"try: chainmail help check"}},
	{"an option without its value", {"check", "-c"}, EXIT_USAGE, {NULL}, {"-c needs a value"}},
	{"a flag with a value", {"check", "--json=no"}, EXIT_USAGE, {NULL},
		{"chainmail check: --json takes no value\ntry: chainmail help check"}},
	{"the name of no file", {"check", "--config="}, EXIT_USAGE, {NULL},
		{"chainmail check: --config : the name is empty"}},
	{"one word too many", {"check", "x"}, EXIT_USAGE, {NULL}, {"\"x\" is too much"}},

	{"a good configuration", {"check", "-c", "filter.conf"}, EXIT_OK,
		{"filter.conf is good: 3 profiles, 4 plugins, 1 script, 2 maps, 1 listener\n"},
		{NULL}},
	{"a good configuration for programs", {"check", "--json", "-c", "filter.conf"}, EXIT_OK,
		{"\"good\": true", "\"mistakes\": []"}, {NULL}},
	{"a bad configuration", {"check", "-c", "bad.conf"}, EXIT_NO,
		{"bad.conf:1:1: error: unknown section",
			"\n\n2 errors, 0 warnings. Nothing was loaded.\n"},
		{NULL}},
	{"a bad configuration for programs", {"check", "-c", "bad.conf", "--json"}, EXIT_NO,
		{"\"good\": false", "\"line\""}, {NULL}},
	{"no configuration", {"check", "-c", "none.conf"}, EXIT_NO,
		{"none.conf: error: cannot open"}, {NULL}},

	{"the configuration as it is", {"config", "show", "-c", "filter.conf"}, EXIT_OK,
		{"plugin auth {\n    mode = shadow\n    on_error = skip\n}\n",
			"answer = [ \"eom add_header X-Mark: a\\tb\" ]"},
		{NULL}},
	{"the configuration with what was left out",
		{"config", "show", "--defaults", "-c", "filter.conf"}, EXIT_OK,
		{"log {\n", "    sample = 100%    # default\n", "    # user is not set\n"}, {NULL}},
	{"which check runs where", {"config", "show", "--chain", "-c", "filter.conf"}, EXIT_OK,
		{"profile submission (port 587 465)", "profile rest (default)",
			"SHADOW  errors: skip", " 3 watch"},
		{NULL}},
	{"a section explained", {"config", "help", "listener"}, EXIT_OK,
		{"listener - where", "  socket = ...", "  mode = 0660"}, {NULL}},
	{"a setting explained", {"config", "help", "main.drain_timeout"}, EXIT_OK,
		{"main.drain_timeout\n", "range    0s to 1h", "default  30s"}, {NULL}},
	{"a word of the language explained", {"config", "help", "include"}, EXIT_OK,
		{"include \"PATTERN\" - other files"}, {NULL}},
	{"a block explained", {"config", "help", "script.settings"}, EXIT_OK,
		{"script.settings { NAME = VALUE }"}, {NULL}},
	{"a plugin explained beside a mistake", {"config", "help", "auth", "-c", "bad.conf"},
		EXIT_OK, {"plugin auth - login"}, {NULL}},
	{"the plugins beside a mistake", {"plugins", "-c", "bad.conf"}, EXIT_OK,
		{"access           allows"}, {NULL}},
	{"no configuration for help", {"config", "help", "auth", "-c", "none.conf"}, EXIT_NO,
		{NULL}, {"none.conf: error: cannot open"}},
	{"a setting of all links", {"config", "help", "plugin.mode"}, EXIT_OK,
		{"plugin.mode\n", "one of enforce, shadow, off"}, {NULL}},
	{"a setting wherever it is", {"config", "help", "mode"}, EXIT_OK,
		{"mode of every plugin and script", "listener.mode", "profile.mode"}, {NULL}},
	{"a mistyped setting", {"config", "help", "listener.scoket"}, EXIT_NO, {NULL},
		{"did you mean \"listener.socket\"?"}},
	{"all sections as Markdown", {"config", "markdown"}, EXIT_OK,
		{"### listener", "| `socket` | socket address | required |"}, {NULL}},
	{"all sections as a manual page", {"config", "man"}, EXIT_OK,
		{".Ss listener\n", ".It Ic socket\n"}, {NULL}},
	{"a mistyped verb", {"config", "shwo"}, EXIT_USAGE, {NULL}, {"did you mean \"show\"?"}},

	{"a key for DKIM", {"dkim", "genkey", "Example.com", "S1", "-c", "dkim.conf"}, EXIT_OK,
		{"s1._domainkey.example.com. IN TXT ( \"v=DKIM1; k=rsa; p=MII",
			"AQAB\" )\n; the value as one line: v=DKIM1; k=rsa; p=MII"},
		{"wrote keys/example.com/s1.pem\n",
			"chainmail dkim check example.com s1; name s1 in the signing table"}},
	{"a key that is there", {"dkim", "genkey", "example.com", "there", "-c", "dkim.conf"},
		EXIT_NO, {NULL}, {"there.pem is there already, and is not replaced"}},
	{"a key elsewhere",
		{"dkim", "genkey", "example.com", "s1", "--ed25519", "--key-dir", "other", "-c",
			"none.conf"},
		EXIT_OK, {"s1._domainkey.example.com. IN TXT ( \"v=DKIM1; k=ed25519; p="},
		{"wrote other/example.com/s1.pem\n"}},
	{"a key of too few bits", {"dkim", "genkey", "example.com", "s1", "--bits", "1024"},
		EXIT_USAGE, {NULL},
		{"--bits is a number from 2048 to 4096, and not for --ed25519"}},
	{"bits for Ed25519", {"dkim", "genkey", "example.com", "s1", "--bits", "4096", "--ed25519"},
		EXIT_USAGE, {NULL},
		{"--bits is a number from 2048 to 4096, and not for --ed25519"}},
	{"the record of a key", {"dkim", "show", "example.com", "there", "-c", "dkim.conf"},
		EXIT_OK,
		{"there._domainkey.example.com. IN TXT ( \"" DKIM_KEYS_ED25519_RECORD
		 "\" )\n; the value as one line: " DKIM_KEYS_ED25519_RECORD "\n"},
		{NULL}},
	{"the record of no key", {"dkim", "show", "example.com", "s9", "-c", "dkim.conf"}, EXIT_NO,
		{NULL},
		{"keys/example.com/s9.pem is not there; make it: chainmail dkim genkey example.com "
		 "s9"}},
	{"keys below a mistake", {"dkim", "show", "example.com", "there", "-c", "nokeys.conf"},
		EXIT_OK, {"there._domainkey.example.com."}, {NULL}},
	{"a record that is right", {CHECK_KEY, "there"}, EXIT_OK,
		{"there._domainkey.example.com: good, the key of DNS is that of "
		 "keys/example.com/there.pem (Ed25519, 256 bits)\n"},
		{NULL}},
	{"a record that is tested", {CHECK_KEY, "tested"}, EXIT_OK,
		{"good, the key of DNS", "warning: t=y says that the key is tested"}, {NULL}},
	{"a key that is short", {CHECK_KEY, "short"}, EXIT_OK,
		{"(RSA, 1024 bits)\n", "warning: an RSA key should have 2048 bits"}, {NULL}},
	{"a record of another key", {CHECK_KEY, "wrong"}, EXIT_NO,
		{"wrong._domainkey.example.com: DNS serves another key, so signatures do not "
		 "verify\n"
		 "what it should be: chainmail dkim show example.com wrong\n"},
		{NULL}},
	{"a key that is revoked", {CHECK_KEY, "revoked"}, EXIT_NO,
		{"the key is revoked (p= is empty)"}, {NULL}},
	{"no record", {CHECK_KEY, "missing"}, EXIT_NO, {"DNS has no such name"}, {NULL}},
	{"two records", {CHECK_KEY, "twice"}, EXIT_NO, {"DNS has several records there"}, {NULL}},
	{"a server that does not answer", {CHECK_KEY, "silent"}, EXIT_LATER,
		{"silent._domainkey.example.com: nobody answered in time; try again\n"}, {NULL}},
	{"no private key to check", {CHECK_KEY, "s9"}, EXIT_NO, {NULL}, {"s9.pem is not there"}},
	{"a selector too few", {"dkim", "show", "example.com"}, EXIT_USAGE, {NULL},
		{"say what to do: chainmail dkim genkey DOMAIN SELECTOR"}},
	{"a mistyped verb of dkim", {"dkim", "chekc", "example.com", "s1"}, EXIT_USAGE, {NULL},
		{"did you mean \"check\"?"}},
	{"a domain that leads elsewhere", {"dkim", "show", "../etc", "s1"}, EXIT_USAGE, {NULL},
		{"\"../etc\" is not a domain name that can sign"}},
	{"a selector that leads elsewhere", {"dkim", "show", "example.com", "../s1"}, EXIT_USAGE,
		{NULL}, {"\"../s1\" is not a selector"}},
	{"a key at a name of 253 octets",
		{"dkim", "show", LABELS_229 "example.org", "s", "-c", "dkim.conf"}, EXIT_NO, {NULL},
		{"/s.pem is not there"}},
	{"a key at a name that DNS cannot have",
		{"dkim", "genkey", LABELS_229 "example.org", "s1", "-c", "dkim.conf"}, EXIT_USAGE,
		{NULL},
		{"example.org: a name in DNS has at most 253 octets; choose a shorter selector"}},

	{"types for editors", {"lua", "luals"}, EXIT_OK, {"---@"}, {NULL}},
	{"types of results, where no plugin is found", {"lua", "luals"}, EXIT_OK,
		{"---@field spf Results results of the plugin spf (from mail on)\n"
		 "---@field stage string",
			"---@field dmarc? string|{[string]: string} what the plugin dmarc would "},
		{NULL}},
	{"types of results", {"lua", "luals", "-c", "filter.conf"}, EXIT_OK,
		{"---@field spf SpfResults results of the plugin spf (from mail on)\n",
			"---@field arc_seal ArcSealResults results of the plugin arc_seal\n",
			"\n---@class DkimResults\n"
			"---@field algorithm? \"ed25519-sha256\"|\"rsa-sha1\"|\"rsa-sha256\" of "
			"the ",
			"\n---@field [integer] string? each signature in words\n\n---What the "
			"plugin "
			"dmarc publishes",
			"\n---@field dmarc? \"none\"|\"pass\"|\"fail\"|\"temperror\"|"
			"\"permerror\"|DmarcResults what the plugin dmarc would "},
		{NULL}},
	{"results in the manual", {"lua", "markdown", "-c", "filter.conf"}, EXIT_OK,
		{"\n### Results of the plugin arc_seal\n\n| Name | Is | |\n| --- | --- | --- |\n"
		 "| `m.arc_seal.cv` | `none`, `pass`, `fail` | ",
			"| `m.dkim[1]` | text | each", "| `m.ratelimit.NAME` | text | "},
		{NULL}},
	{"results in the manual page", {"lua", "man", "-c", "filter.conf"}, EXIT_OK,
		{".Ss Results of the plugin spf\n.Bl -tag -width Ds\n.It Li \"m.spf.domain\"\n",
			"\n.br\none of mailfrom, helo\n"},
		{NULL}},
	{"results of a plugin explained", {"config", "help", "spf", "-c", "filter.conf"}, EXIT_OK,
		{" results that it publishes:\n  spf.domain                   domain that was "
		 "asked\n",
			"\n                               mailfrom, helo\n"},
		{NULL}},
	{"results by number explained", {"config", "help", "dkim", "-c", "filter.conf"}, EXIT_OK,
		{"  dkim.1, 2, ...               each signature in words\n"}, {NULL}},
	{"no configuration for types", {"lua", "luals", "-c", "none.conf"}, EXIT_NO, {NULL},
		{"none.conf: error: cannot open"}},
	{"a form that is none", {"lua", "html"}, EXIT_USAGE, {NULL}, {"unknown form \"html\""}},

	{"a message that is taken",
		{EXPLAIN, "-c", "filter.conf", "--from", "a@x.example", "--to", "b@example.com"},
		EXIT_OK,
		{"profile rest (port 25, no login)\n", "rcpt      watch      SHADOW   reject",
			"verdict   accept", "headers   + X-Mark: a\\x09b  by mark\nexit 0\n"},
		{NULL}},
	{"a message that is refused",
		{EXPLAIN, "-c", "filter.conf", "--from", "bad@x.example", "--to", "b@example.com"},
		EXIT_NO,
		{"mail      access              reject       550 5.7.1 No 100% thanks (id ",
			"verdict   reject  550 5.7.1 No 100% thanks", "  by access  ", "exit 1\n"},
		{NULL}},
	{"a message for later",
		{EXPLAIN, "-c", "filter.conf", "--from", "later@x.example", "--to",
			"b@example.com"},
		EXIT_LATER, {"verdict   tempfail  451 4.7.1 ", "exit 75\n"}, {NULL}},
	{"a message that is dropped",
		{EXPLAIN, "-c", "filter.conf", "--from", "junk@x.example", "--to", "b@example.com"},
		EXIT_OK, {"verdict   discard  by access", "exit 0\n"}, {NULL}},
	{"a message that is held",
		{EXPLAIN, "-c", "filter.conf", "--from", "odd@x.example", "--to", "b@example.com"},
		EXIT_OK, {"verdict   quarantine", "hold      odd  by access\n", "exit 0\n"},
		{NULL}},
	{"no recipient left",
		{EXPLAIN, "-c", "filter.conf", "--from", "a@x.example", "--to", "dave@example.com"},
		EXIT_NO, {"<dave@example.com>  550 5.2.1 Dave left", "verdict   reject  550 5.2.1"},
		{NULL}},
	{"one recipient of two",
		{EXPLAIN, "-c", "filter.conf", "--from", "", "--to", "dave@example.com", "--to",
			"b@example.com"},
		EXIT_OK, {"<dave@example.com>  550 5.2.1 Dave left", "verdict   accept"}, {NULL}},
	{"another profile",
		{EXPLAIN, "-c", "filter.conf", "--from", "a@x.example", "--to", "b@example.com",
			"--port", "587", "--tls", "--login", "a\nb"},
		EXIT_OK, {"profile submission (port 587, login a\\x0ab, TLS)\n"}, {NULL}},
	{"a message for programs",
		{EXPLAIN, "--json", "-c", "filter.conf", "--from", "bad@x.example", "--to",
			"b@example.com"},
		EXIT_NO,
		{"{\"profile\":\"rest\",\"trace\":[{\"stage\":\"connect\"",
			"\"verdict\":\"reject\",\"code\":550,\"status\":\"5.7.1\"",
			"\"exit\":1}\n"},
		{NULL}},
	{"the port of the client",
		{EXPLAIN, "-c", "filter.conf", "--from", "a@x.example", "--to", "b@example.com",
			"--port", "26"},
		EXIT_NO, {"550 5.7.1 port 49152 (id ", "exit 1\n"}, {" talk: a line b=c\n"}},
	{"a local client has no port",
		{"explain", "m.eml", "-c", "filter.conf", "--from", "a@x.example", "--to",
			"b@example.com", "--port", "26"},
		EXIT_NO, {"550 5.7.1 port nil (id ", "exit 1\n"}, {" talk: a line b=c\n"}},
	{"no such message", {"explain", "none.eml", "--from", "", "--to", "b"}, EXIT_USAGE, {NULL},
		{"none.eml: No such file"}},
	{"no sender", {"explain", "m.eml", "--to", "b"}, EXIT_USAGE, {NULL},
		{"--from ADDRESS is missing"}},
	{"a client that has no address", {EXPLAIN, "--client", "1.2.3", "--from", "", "--to", "b"},
		EXIT_USAGE, {NULL}, {"--client 1.2.3: not an IP address"}},
	{"a server that has no address", {EXPLAIN, "--server", "mx", "--from", "", "--to", "b"},
		EXIT_USAGE, {NULL}, {"--server mx: not an IP address"}},
	{"a port that is none", {EXPLAIN, "--port", "65536", "--from", "", "--to", "b"}, EXIT_USAGE,
		{NULL}, {"--port 65536: want a number from 1 to 65535"}},
	{"a message behind a bad configuration",
		{EXPLAIN, "-c", "bad.conf", "--from", "", "--to", "b"}, EXIT_NO, {NULL},
		{"bad.conf:1:1: error: unknown section", "Nothing was loaded."}},
};

static struct drive d;

/* Selectors with a key. */
static const struct {
	const char *name, *pem;
} selectors[] = {
	{"missing", DKIM_KEYS_ED25519},
	{"revoked", DKIM_KEYS_ED25519},
	{"short", DKIM_KEYS_RSA},
	{"silent", DKIM_KEYS_ED25519},
	{"tested", DKIM_KEYS_ED25519},
	{"there", DKIM_KEYS_ED25519},
	{"twice", DKIM_KEYS_ED25519},
	{"wrong", DKIM_KEYS_ED25519},
};

#define RECORD(name, value) name "._domainkey.example.com TXT \"" value "\"\n"

static const char dkim_zone[] = RECORD("revoked", "v=DKIM1; k=ed25519; p=")
	RECORD("short", DKIM_KEYS_RSA_RECORD) "silent._domainkey.example.com timeout\n" RECORD(
		"tested", "t=y; "
			  "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
		RECORD("there", DKIM_KEYS_ED25519_RECORD) RECORD("twice", DKIM_KEYS_ED25519_RECORD)
			RECORD("twice", DKIM_KEYS_RSA_RECORD) RECORD("wrong", DKIM_KEYS_RSA_RECORD);

static void
write_keys(const char *plugin_dir)
{
	char text[PATH_MAX + 512];

	for (int i = 0; i < LENGTH(selectors); i++)
		dkim_keys_write("keys", "example.com", selectors[i].name, selectors[i].pem);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%.3000s\" }\nlistener l { socket = unix:m.sock }\n"
		"profile all { chain = [ ] }\nplugin sign { type = dkim; key_dir = keys }\n",
		plugin_dir);
	drive_file(&d, "dkim.conf", text);
	drive_file(&d, "nokeys.conf", "plugni p { }\nplugin dkim { key_dir = keys }\n");
	drive_file(&d, "dkim.zone", dkim_zone);
}

static void
remove_keys(void)
{
	for (int i = 0; i < LENGTH(selectors); i++)
		dkim_keys_remove("keys", "example.com", selectors[i].name);
	dkim_keys_remove("keys", "example.com", "s1");
	dkim_keys_remove("other", "example.com", "s1");
}

static void
write_files(void)
{
	char dir[PATH_MAX], bad[PATH_MAX + 128];
	FILE *f;

	drive_plugin_dir(dir, false);
	drive_init(&d);
	ck_assert_int_eq(chdir(d.dir), 0);
	f = fopen("filter.conf", "w");
	fprintf(f, "main { plugin_dir = \"%s\" }\n%s", dir, sections);
	fclose(f);
	snprintf(bad, sizeof(bad),
		"plugni p { }\nmain { plugin_dir = \"%s\" }\nprofile all { chain = [ ] }\n", dir);
	drive_file(&d, "bad.conf", bad);
	write_keys(dir);
	drive_file(&d, "talk.lua",
		"function mail(m)\n"
		"\tlog.info('a line', { b = 'c' })\n"
		"\treturn reject('port ' .. tostring(m.client.port))\n"
		"end\n");
	drive_file(&d, "m.eml", "From: a@x.example\nSubject: s\n\nbody\n");
}

static void
remove_files(void)
{
	remove_keys();
	drive_fini(&d);
}

/* Runs the command with its output in files; returns its exit status. */
static int
run(const char *const *args)
{
	char *argv[ARGS_MAX + 2] = {(char *)"chainmail"};
	int argc = 1, status;

	for (; args[argc - 1] != NULL; argc++)
		argv[argc] = (char *)args[argc - 1];
	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		log_close();
		if (freopen("out", "w", stdout) == NULL || freopen("err", "w", stderr) == NULL)
			_exit(99);
		int code = cli_main(argc, argv);

		fflush(NULL);
		_exit(code);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "%s ended by a signal", args[0]);
	return WEXITSTATUS(status);
}

static void
expect(const char *name, const char *file, const char *const *words, size_t count)
{
	static char text[1 << 20];
	FILE *f = fopen(file, "r");
	size_t len = fread(text, 1, sizeof(text) - 1, f);

	text[len] = '\0';
	fclose(f);
	unlink(file);
	for (size_t i = 0; i < count && words[i] != NULL; i++)
		ck_assert_msg(strstr(text, words[i]) != NULL, "%s: %s lacks \"%s\":\n%s", name,
			file, words[i], text);
	ck_assert_msg(
		words[0] != NULL || text[0] == '\0', "%s: %s is not empty:\n%s", name, file, text);
}

START_TEST(a_command)
{
	int status = run(cases[_i].args);

	expect(cases[_i].name, "out", cases[_i].out, sizeof(cases[_i].out) / sizeof(char *));
	expect(cases[_i].name, "err", cases[_i].err, sizeof(cases[_i].err) / sizeof(char *));
	ck_assert_msg(status == cases[_i].status, "%s: exit status %d, want %d", cases[_i].name,
		status, cases[_i].status);
}
END_TEST

/* Root may read everything; the user that the daemon becomes may not. */
START_TEST(check_asks_as_the_daemons_user)
{
	static const char *const args[] = {"check", "-c", "filter.conf", NULL};
	static const char *const words[] = {"filter.conf:2:18: error: map m: ",
		"/secret: Permission denied (as user nobody)\n", "      = help: chgrp nogroup ",
		" && chmod g+r ", "filter.conf:4:19: error: script r: cannot open ",
		"/closed/r.lua: Permission denied (as user nobody)\n", "/closed && chmod g+x "};

	if (geteuid() != 0) {
		table_skip("check_asks_as_the_daemons_user", "needs root");
		return;
	}
	ck_assert_int_eq(chmod(d.dir, 0755), 0);
	chmod(drive_file(&d, "secret", "a b\n"), 0600);
	ck_assert_int_eq(mkdir("closed", 0700), 0);
	drive_write("closed/r.lua", "function helo(m) end\n");
	drive_write("filter.conf", "main { user = nobody }\nmap m { source = secret }\n"
				   "listener l { socket = unix:m.sock }\n"
				   "script r { file = closed/r.lua }\n"
				   "profile p { chain = [ r ] }\n");
	ck_assert_int_eq(run(args), EXIT_NO);
	expect("check as root", "out", words, sizeof(words) / sizeof(*words));
	unlink("closed/r.lua");
	rmdir("closed");
}
END_TEST

/* What postconf prints, and what check says of it. */
static const struct {
	const char *postconf, *said;
} timeouts[] = {
	{"echo 30s", NULL},
	{"echo 1m", NULL},
	{"echo 20s", "filter.conf:1:26: warning: message_timeout 25s, but Postfix here has "
		     "milter_command_timeout = 20s\n"
		     "    1 | main { message_timeout = 25s }\n"
		     "      |                          ^~~\n"
		     "      = help: postconf -e milter_command_timeout=30s, or message_timeout = "
		     "15s\n"},
	{"echo 8", "or message_timeout = 4s\n"},
	{"echo x", NULL},
	{"exit 1", NULL},
	{"exec sleep 30", NULL},
};

START_TEST(check_asks_postfix_for_its_patience)
{
	static const char *const args[] = {"check", "-c", "filter.conf", NULL};
	static const char *const good[] = {"filter.conf is good: "};
	char path[160], text[64];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", timeouts[_i].postconf);
	chmod(drive_file(&d, "postconf", text), 0755);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", d.dir);
	setenv("PATH", path, 1);
	drive_write("filter.conf", "main { message_timeout = 25s }\n"
				   "listener l { socket = unix:m.sock }\n"
				   "profile p { chain = [ ] }\n");
	ck_assert_int_eq(run(args), EXIT_OK);
	if (timeouts[_i].said == NULL)
		expect(timeouts[_i].postconf, "out", good, 1);
	else
		expect(timeouts[_i].postconf, "out", &timeouts[_i].said, 1);
}
END_TEST

/* -c, else the environment, else what was installed. */
START_TEST(the_configuration_is_found)
{
	setenv("CHAINMAIL_CONFIG", "env.conf", 1);
	ck_assert_str_eq(cli_config_path("given.conf"), "given.conf");
	ck_assert_str_eq(cli_config_path(NULL), "env.conf");
	setenv("CHAINMAIL_CONFIG", "", 1);
	ck_assert_str_eq(cli_config_path(NULL), CHAINMAIL_CONFIG);
	unsetenv("CHAINMAIL_CONFIG");
	ck_assert_str_eq(cli_config_path(NULL), CHAINMAIL_CONFIG);
}
END_TEST

/* What is refused at HELO is given at MAIL, and shown with the id that the client sees there. */
START_TEST(a_held_refusal_has_one_id)
{
	static const char *const args[] = {"explain", "m.eml", "-c", "held.conf", "--client",
		"192.0.2.1", "--helo", "h", "--from", "", "--to", "b@example.com", NULL};
	char dir[PATH_MAX], text[4096], id[32];
	const char *first, *last;

	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%.3000s\" }\n"
		"listener l { socket = unix:m.sock }\n"
		"profile all { chain = [ door ] }\n"
		"plugin door { type = trace; level = debug; answer = [ \"helo reject\" ] }\n",
		dir);
	drive_file(&d, "held.conf", text);
	ck_assert_int_eq(run(args), EXIT_NO);
	FILE *f = fopen("out", "r");

	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	unlink("out");
	unlink("err");
	first = strstr(text, "(id ");
	ck_assert_msg(first != NULL, "%s", text);
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(first, ")") + 1, first);
	last = strstr(text, "verdict   reject");
	ck_assert_msg(last != NULL && first < last && strstr(last, id) != NULL, "%s", text);
}
END_TEST

/* Commands that answer as the daemon would, which starts without the rule. */
static const struct {
	const char *name;
	const char *args[ARGS_MAX];
	const char *out, *err;
} lacking[] = {
	{"check", {"check", "-c", "lacks.conf"}, "lacks.conf is good: 1 profile, 1 script, ", NULL},
	{"explain",
		{"explain", "m.eml", "-c", "lacks.conf", "--from", "a@x.example", "--to",
			"b@example.com"},
		"verdict   accept", "chainmail: warning: script lost is left out: "},
	{"config show", {"config", "show", "--chain", "-c", "lacks.conf"}, " 1 lost  (lua) ",
		"chainmail: warning: script lost is left out: "},
};

START_TEST(what_lacks_a_rule_says_so)
{
	drive_file(&d, "lacks.conf",
		"listener l { socket = unix:m.sock }\n"
		"profile all { chain = [ lost ] }\n"
		"script lost { file = bad.conf; on_load_error = skip }\n");
	ck_assert_int_eq(run(lacking[_i].args), EXIT_OK);
	expect(lacking[_i].name, "out", &lacking[_i].out, 1);
	expect(lacking[_i].name, "err", &lacking[_i].err, 1);
}
END_TEST

static void
write_ar_conf(const char *auth, const char *auth_results)
{
	char dir[PATH_MAX], text[4096];

	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%.3000s\"; authserv_id = mx.test }\n"
		"listener l { socket = unix:m.sock }\n"
		"profile all { chain = [ auth, quiet, auth_results ] }\n"
		"plugin auth { %s }\nplugin auth_results { %s }\n"
		"plugin quiet { type = trace; level = debug; answer = [ \"mail continue nothing to "
		"say\" ] }\n",
		dir, auth, auth_results);
	drive_file(&d, "ar.conf", text);
}

/* What a link found stands where it has no opinion; a field is shown as its reader takes it. */
START_TEST(what_was_found_is_shown)
{
	static const char *const args[] = {"explain", "ar.eml", "-c", "ar.conf", "--client",
		"192.0.2.1", "--helo", "h", "--from", "bob@x.example", "--to", "b@example.com",
		"--login", "b\nob", "--tls", NULL};
	static const char *const words[] = {"mail      auth                pass         ",
		"message   auth_results        no opinion   removed 2 forged fields  ",
		"mail      quiet               no opinion   nothing to say  ",
		"result    auth_results.removed = 2\n",
		"headers   - Authentication-Results[2]  by auth_results\n"
		"headers   - Authentication-Results[1]  by auth_results\n"
		"headers   + Authentication-Results: mx.test; auth=pass smtp.auth=\"b?ob\"  (at "
		"0)  by auth_results\n"};

	write_ar_conf("", "show_login = yes");
	drive_file(&d, "ar.eml",
		"Authentication-Results: mx.test; spf=pass\nFrom: a@x.example\n"
		"Authentication-Results: spf=pass\n\nbody\n");
	ck_assert_int_eq(run(args), EXIT_OK);
	expect("explain", "out", words, sizeof(words) / sizeof(*words));
	unlink("err");
}
END_TEST

START_TEST(what_was_found_is_told_to_programs)
{
	static const char *const args[] = {"explain", "m.eml", "-c", "ar.conf", "--json", "--from",
		"bob@x.example", "--to", "b@example.com", "--login", "bob", NULL};
	static const char *const words[] = {
		"\"link\":\"auth\",\"verdict\":\"continue\",\"shadow\":false,\"failed\":false,"
		"\"result\":\"pass\",\"calls\":1",
		"\"reason\":\"nothing to say\"",
		"\"name\":\"Authentication-Results\",\"value\":\"mx.test;\\u000a\\u0009auth=pass\","
		"\"index\":0}"};

	write_ar_conf("require_tls = no", "");
	ck_assert_int_eq(run(args), EXIT_OK);
	expect("explain --json", "out", words, sizeof(words) / sizeof(*words));
	unlink("err");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli");
	TCase *group = tcase_create("cli");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, group);
	tcase_set_timeout(group, 60);
	tcase_add_checked_fixture(group, write_files, remove_files);
	tcase_add_loop_test(group, a_command, 0, (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_test(group, check_asks_as_the_daemons_user);
	tcase_add_loop_test(group, check_asks_postfix_for_its_patience, 0,
		(int)(sizeof(timeouts) / sizeof(*timeouts)));
	tcase_add_test(group, the_configuration_is_found);
	tcase_add_test(group, a_held_refusal_has_one_id);
	tcase_add_loop_test(group, what_lacks_a_rule_says_so, 0, LENGTH(lacking));
	tcase_add_test(group, what_was_found_is_shown);
	tcase_add_test(group, what_was_found_is_told_to_programs);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
