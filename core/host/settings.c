/* SPDX-License-Identifier: MIT */
/*
 * settings.c - what the sections of filter.conf mean
 *
 * Rows and little else: a section is read, explained and printed by whoever loops over them.
 */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/net.h"
#include "chain/chain.h"
#include "service/store.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define KILO   INT64_C(1024)
#define MEGA   (1024 * KILO)
#define GIGA   (1024 * MEGA)

/* A domain name has no more octets. */
#define AUTHSERV_ID_MAX 253

#define MAIN(field) offsetof(struct main_settings, field)

/* A token (RFC 8601 section 2.5, RFC 2045 section 5.1): it must not break the field it begins. */
static bool
check_authserv_id(const char *text, char *why, size_t why_size)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] < 0x7f &&
		strchr("()<>@,;:\\\"/[]?=", text[len]) == NULL)
		len++;
	if (len > 0 && len <= AUTHSERV_ID_MAX && text[len] == '\0')
		return true;
	snprintf(why, why_size,
		"must be a host name, such as mx1.example.com, or another word of letters, "
		"digits, - . and _");
	return false;
}

static const struct cm_option main_rows[] = {
	{"admins", CM_OPT_LIST, MAIN(admins),
		.help = "users who, as root, may change things through the control socket",
		.since = "0.1"},
	{"authserv_id", CM_OPT_STRING, MAIN(authserv_id), .check = check_authserv_id,
		.help = "name in Authentication-Results; default: the name of this host",
		.since = "0.1"},
	{"drain_timeout", CM_OPT_DURATION, MAIN(drain_timeout_us), "30s", .max = 60 * MINUTE,
		.help = "how long open messages may take to end when the daemon stops",
		.since = "0.1"},
	{"fail_action", CM_OPT_CHOICE, MAIN(fail_action), "tempfail", "tempfail|accept|reject",
		.help = "what becomes of a message when a check cannot be completed",
		.since = "0.1"},
	{"group", CM_OPT_STRING, MAIN(group),
		.help = "group to run as when started by root; default: the user's",
		.since = "0.1"},
	{"max_header_size", CM_OPT_SIZE, MAIN(max_header_size), "1M", .min = KILO, .max = 64 * MEGA,
		.help = "header sections larger than this are refused", .since = "0.1"},
	{"max_message_size", CM_OPT_SIZE, MAIN(max_message_size), "50M", .max = 2 * GIGA,
		.help = "bodies larger than this are not kept for content checks", .since = "0.1"},
	{"max_recipients", CM_OPT_INT, MAIN(max_recipients), "10000", .min = 1, .max = 1000000,
		.help = "recipients of one message after which more are refused for now",
		.since = "0.1"},
	{"max_threads", CM_OPT_INT, MAIN(max_threads), "2000", .min = 1, .max = 30000,
		.help = "threads there may be, with those that wait for an answer", .since = "0.1"},
	{"message_timeout", CM_OPT_DURATION, MAIN(message_timeout_us), "25s", .min = SECOND,
		.max = 60 * MINUTE, .help = "checks that are not done by then fail",
		.since = "0.1"},
	{"pid_file", CM_OPT_PATH, MAIN(pid_file), .help = "file that holds the daemon's process id",
		.since = "0.1"},
	{"plugin_dir", CM_OPT_PATH, MAIN(plugin_dir),
		.help = "directory of the plugins; default: beside the binary, or as installed",
		.since = "0.1"},
	{"threads", CM_OPT_INT, MAIN(threads), "0", .max = 1024,
		.help = "threads that run at once; 0: one per core", .since = "0.1"},
	{"trusted_networks", CM_OPT_NETWORKS, MAIN(trusted), "[ 127.0.0.0/8, \"::1\" ]",
		.help = "clients that plugins and rules may treat as our own", .since = "0.1"},
	{"user", CM_OPT_STRING, MAIN(user), .help = "user to run as when started by root",
		.since = "0.1"},
};

#define DNS(field)	  offsetof(struct dns_settings, field)
#define RESOLVER_TEXT_MAX 64

/* "192.0.2.1", "2001:db8::1", each with or without "@5353" behind. */
static bool
check_resolver(const char *text, char *why, size_t why_size)
{
	char address[RESOLVER_TEXT_MAX], *port, *end;
	struct net_addr addr;
	unsigned long number = 53;

	snprintf(address, sizeof(address), "%s", text);
	port = strchr(address, '@');
	if (port != NULL) {
		*port++ = '\0';
		number = strtoul(port, &end, 10);
		number = *port < '0' || *port > '9' || *end != '\0' ? 0 : number;
	}
	if (net_parse(&addr, address) && number > 0 && number <= 65535)
		return true;
	snprintf(why, why_size,
		"must be an address, such as 192.0.2.1, or one with a port: "
		"127.0.0.1@5353");
	return false;
}

static const struct cm_option dns_rows[] = {
	{"cache_size", CM_OPT_SIZE, DNS(resolver.cache_size), "32M", .min = MEGA, .max = 4 * GIGA,
		.help = "memory for answers", .since = "0.1"},
	{"dnssec", CM_OPT_BOOL, DNS(resolver.dnssec), "no",
		.help = "believe no forged answer of a signed domain", .since = "0.1"},
	{"resolvers", CM_OPT_LIST, DNS(resolver.resolvers), .check = check_resolver,
		.help = "servers to ask, as ADDRESS or ADDRESS@PORT; default: the root servers and "
			"down from there, which is best for DNS lists",
		.since = "0.1"},
	{"timeout", CM_OPT_DURATION, DNS(resolver.timeout_us), "4s", .min = 10000, .max = MINUTE,
		.help = "how long a question may take", .since = "0.1"},
	{"trust_anchor", CM_OPT_PATH, DNS(resolver.trust_anchor), "/usr/share/dns/root.key",
		.help = "file with the keys of the root, for dnssec", .since = "0.1"},
	{"zone", CM_OPT_PATH, DNS(zone),
		.help = "answer from this zone file and ask nobody; for tests", .since = "0.1"},
};

/* "unix:/run/redis.sock", "192.0.2.1:6379", "[2001:db8::1]:6379". */
static bool
check_server(const char *text, char *why, size_t why_size)
{
	const char *colon = strrchr(text, ':');
	unsigned long port = 0;
	char *end;

	if (strncmp(text, "unix:/", 6) == 0)
		return true;
	if (colon != NULL && colon > text && colon[1] >= '0' && colon[1] <= '9') {
		port = strtoul(colon + 1, &end, 10);
		port = *end == '\0' ? port : 0;
	}
	if (port > 0 && port <= 65535)
		return true;
	snprintf(why, why_size, "must be unix:/PATH or HOST:PORT, such as 10.0.0.11:6379");
	return false;
}

#define LISTENER(field) offsetof(struct listener_settings, field)

static const struct cm_option listener_rows[] = {
	{"allow", CM_OPT_NETWORKS, LISTENER(allow),
		.help = "mail servers that may connect to an inet socket; default: all that reach "
			"it",
		.since = "0.1"},
	{"engine", CM_OPT_CHOICE, LISTENER(engine), "native", "native|libmilter",
		.help = "what speaks the milter protocol; libmilter serves one listener and stalls "
			"when checks wait",
		.since = "0.1"},
	{"group", CM_OPT_STRING, LISTENER(group), .help = "group of a unix socket", .since = "0.1"},
	{"idle_timeout", CM_OPT_DURATION, LISTENER(idle_us), "2h", .min = SECOND,
		.max = 7 * 24 * 60 * MINUTE,
		.help = "how long a mail server may be silent between two commands",
		.since = "0.1"},
	{"mode", CM_OPT_MODE, LISTENER(mode), "0660", .help = "file mode of a unix socket",
		.since = "0.1"},
	{"packet_timeout", CM_OPT_DURATION, LISTENER(packet_us), "60s", .min = SECOND,
		.max = 60 * MINUTE,
		.help = "how long a mail server may take to begin, to send one packet, and to "
			"take an answer",
		.since = "0.1"},
	{"socket", CM_OPT_SOCKET, LISTENER(socket), .flags = CM_OPT_REQUIRED,
		.help = "where the mail server connects", .since = "0.1"},
	{"type", CM_OPT_CHOICE, LISTENER(type), "milter", "milter|control",
		.help = "what connects there: a mail server, or people (chainmail status)",
		.since = "0.1"},
};

#define PROFILE(field) offsetof(struct profile_settings, profile.field)
#define AT(stage)      offsetof(struct profile_settings, at[stage])
#define AT_HELP	       "links at this stage instead of those of chain, in this order"

static const struct cm_option profile_rows[] = {
	{"authenticated", CM_OPT_CHOICE, PROFILE(login), "any", "any|yes|no",
		.help = "condition: the client has logged in", .since = "0.1"},
	{"body", CM_OPT_LIST, AT(CM_STAGE_BODY), .help = AT_HELP, .since = "0.1"},
	{"chain", CM_OPT_LIST, offsetof(struct profile_settings, chain), .flags = CM_OPT_REQUIRED,
		.help = "plugins and scripts, in the order in which they run at every stage",
		.since = "0.1"},
	{"client", CM_OPT_NETWORKS, PROFILE(clients),
		.help = "condition: the client's address is one of these", .since = "0.1"},
	{"connect", CM_OPT_LIST, AT(CM_STAGE_CONNECT), .help = AT_HELP, .since = "0.1"},
	{"daemon", CM_OPT_LIST, PROFILE(daemons),
		.help = "condition: the mail server's own name for its listener ({daemon_name})",
		.since = "0.1"},
	{"data", CM_OPT_LIST, AT(CM_STAGE_DATA), .help = AT_HELP, .since = "0.1"},
	{"eoh", CM_OPT_LIST, AT(CM_STAGE_EOH), .help = AT_HELP, .since = "0.1"},
	{"eom", CM_OPT_LIST, AT(CM_STAGE_EOM), .help = AT_HELP, .since = "0.1"},
	{"header", CM_OPT_LIST, AT(CM_STAGE_HEADER), .help = AT_HELP, .since = "0.1"},
	{"helo", CM_OPT_LIST, AT(CM_STAGE_HELO), .help = AT_HELP, .since = "0.1"},
	{"hold", CM_OPT_CHOICE, PROFILE(hold), "mail", "mail|rcpt",
		.help = "stage at which a refusal of connect or helo is given", .since = "0.1"},
	{"mail", CM_OPT_LIST, AT(CM_STAGE_MAIL), .help = AT_HELP, .since = "0.1"},
	{"mode", CM_OPT_CHOICE, PROFILE(mode), "enforce", "enforce|shadow|off",
		.help = "shadow: log what the chain would do, change nothing", .since = "0.1"},
	{"port", CM_OPT_NUMBERS, PROFILE(ports), .min = 1, .max = 65535,
		.help = "condition: the port that the client reached", .since = "0.1"},
	{"rcpt", CM_OPT_LIST, AT(CM_STAGE_RCPT), .help = AT_HELP, .since = "0.1"},
	{"unknown", CM_OPT_LIST, AT(CM_STAGE_UNKNOWN), .help = AT_HELP, .since = "0.1"},
};

static const struct cm_option plugin_rows[] = {
	{"type", CM_OPT_STRING, offsetof(struct plugin_settings, type),
		.help = "the plugin; default: the section's name", .since = "0.1"},
};

#define SCRIPT(field) offsetof(struct script_settings, field)

static const struct cm_option script_rows[] = {
	{"cpu", CM_OPT_DURATION, SCRIPT(cpu_us), "50ms", .min = 1000, .max = MINUTE,
		.help = "processor time that one hook may use", .since = "0.1"},
	{"file", CM_OPT_PATH, SCRIPT(file), .flags = CM_OPT_REQUIRED, .help = "the rule file",
		.since = "0.1"},
	{"memory", CM_OPT_SIZE, SCRIPT(memory), "16M", .min = 64 * KILO, .max = GIGA,
		.help = "memory that one hook may use", .since = "0.1"},
	{"on_load_error", CM_OPT_CHOICE, SCRIPT(on_load_error), "refuse", "refuse|skip",
		.help = "at a start, when the rule cannot be loaded: do not start, or start "
			"without it; a reload is refused",
		.since = "0.1"},
	{"store", CM_OPT_STORE, SCRIPT(store), .since = "0.1",
		.help = "what store.get and ratelimit of the rule use; default: the only store "
			"there is"},
};

#define MAP(field) offsetof(struct map_settings, field)

static const struct cm_option map_rows[] = {
	{"entries", CM_OPT_LIST, MAP(entries), .help = "\"key value\" lines instead of a file",
		.since = "0.1"},
	{"match", CM_OPT_CHOICE, MAP(match), "exact", "exact|cidr",
		.help = "keys are texts, or networks of which the first that holds counts",
		.since = "0.1"},
	{"reload", CM_OPT_DURATION, MAP(reload_us), "30s", .min = SECOND, .max = 24 * 60 * MINUTE,
		.help = "how often a newer file is looked for", .since = "0.1"},
	{"source", CM_OPT_STRING, MAP(source),
		.help = "postmap:FILE, the text that postmap reads, or FILE", .since = "0.1"},
};

#define LOG(field) offsetof(struct log_settings, field)

static const struct cm_option log_rows[] = {
	{"format", CM_OPT_CHOICE, LOG(format), "text", "text|json", .help = "how a line looks",
		.since = "0.1"},
	{"level", CM_OPT_CHOICE, LOG(level), "info", "error|warn|info|debug",
		.help = "lines less important than this are left out", .since = "0.1"},
	{"path", CM_OPT_PATH, LOG(path), .help = "the file of target = file", .since = "0.1"},
	{"summary", CM_OPT_BOOL, LOG(summary), "yes",
		.help = "one line per message with every verdict", .since = "0.1"},
	{"target", CM_OPT_CHOICE, LOG(target), "stderr", "stderr|syslog|journal|file",
		.help = "where lines go", .since = "0.1"},
};

#define GEO(field) offsetof(struct geo_settings, field)

static const struct cm_option geo_rows[] = {
	{"asn_database", CM_OPT_PATH, GEO(asn_database),
		.help = "database of autonomous systems, as GeoLite2-ASN.mmdb", .since = "0.1"},
	{"database", CM_OPT_PATH, GEO(database), .flags = CM_OPT_REQUIRED,
		.help = "database of countries or cities, as GeoLite2-Country.mmdb; a newer file "
			"is read by itself",
		.since = "0.1"},
};

#define NOTIFY(field) offsetof(struct notice_settings, field)

static bool
check_address(const char *text, char *why, size_t why_size)
{
	if (notice_address_ok(text))
		return true;
	snprintf(why, why_size, "must be an address, such as postmaster@example.com");
	return false;
}

static const struct cm_option notify_rows[] = {
	{"from", CM_OPT_STRING, NOTIFY(from), .check = check_address,
		.help = "author of notices; default: postmaster@ the name of main.authserv_id",
		.since = "0.1"},
	{"postmaster", CM_OPT_STRING, NOTIFY(postmaster), .check = check_address,
		.help = "who is told when a link trips (trip_after), once an hour at most; "
			"default: "
			"nobody",
		.since = "0.1"},
	{"server", CM_OPT_SOCKET, NOTIFY(server), "inet:25@127.0.0.1",
		.help = "the mail server that takes notices, over SMTP without a login",
		.since = "0.1"},
};

#define RECORD(field) offsetof(struct record_settings, field)

static const struct cm_option record_rows[] = {
	{"max_body", CM_OPT_SIZE, RECORD(max_body), "0", .max = 32 * MEGA,
		.help = "bodies up to this size are kept, too; 0: none", .since = "0.1"},
	{"max_sessions", CM_OPT_INT, RECORD(max_sessions), "10000", .min = 10, .max = 100 * MEGA,
		.help = "messages that are kept; the oldest go first", .since = "0.1"},
	{"max_size", CM_OPT_SIZE, RECORD(max_size), "256M", .min = MEGA, .max = 1024 * GIGA,
		.help = "of all files together; the oldest go first", .since = "0.1"},
	{"path", CM_OPT_PATH, RECORD(path), .flags = CM_OPT_REQUIRED,
		.help = "directory of the files, which the daemon's user must own", .since = "0.1"},
};

#define STORE(field) offsetof(struct store_config, field)

static const struct cm_option store_rows[] = {
	{"max_size", CM_OPT_SIZE, STORE(max_size), "1G", .min = MEGA, .max = 1024 * GIGA,
		.help = "of the file, or of the memory; what does not fit is refused",
		.since = "0.1"},
	{"password_file", CM_OPT_PATH, STORE(password_file),
		.help = "file whose first line is the password of Redis", .since = "0.1"},
	{"path", CM_OPT_PATH, STORE(path), .help = "directory of the files of LMDB",
		.since = "0.1"},
	{"prefix", CM_OPT_STRING, STORE(prefix),
		"chainmail:", .help = "in front of every key in Redis", .since = "0.1"},
	{"sentinel", CM_OPT_STRING, STORE(sentinel),
		.help = "name of the master; servers are its Sentinels then", .since = "0.1"},
	{"servers", CM_OPT_LIST, STORE(servers), .check = check_server,
		.help = "Redis servers, as unix:PATH or HOST:PORT", .since = "0.1"},
	{"sync", CM_OPT_DURATION, STORE(sync_us), "1s", .min = 1000, .max = MINUTE,
		.help = "at most this much is lost when the daemon is killed or the machine dies",
		.since = "0.1"},
	{"timeout", CM_OPT_DURATION, STORE(timeout_us), "50ms", .min = 1000, .max = 10 * SECOND,
		.help = "how long one operation of Redis may take", .since = "0.1"},
	{"type", CM_OPT_CHOICE, STORE(type), "lmdb", "memory|lmdb|redis",
		.help = "memory of the daemon, files of this machine, or a server for several",
		.since = "0.1"},
};

const struct section_kind section_kinds[] = {
	{"dns", .single = true, .rows = SCHEMA_ROWS(dns_rows),
		.help = "the resolver that every check asks"},
	{"geo", .single = true, .rows = SCHEMA_ROWS(geo_rows),
		.help = "where addresses are, for rules: m.geo"},
	{"listener", .named = true, .rows = SCHEMA_ROWS(listener_rows),
		.help = "where a mail server connects"},
	{"log", .rows = SCHEMA_ROWS(log_rows), .help = "a place where log lines go"},
	{"main", .single = true, .rows = SCHEMA_ROWS(main_rows),
		.help = "what holds for the whole daemon"},
	{"map", .named = true, .rows = SCHEMA_ROWS(map_rows),
		.help = "keys and values, from a file or written here"},
	{"notify", .single = true, .rows = SCHEMA_ROWS(notify_rows),
		.help = "how people get mail: from rules (notify{}), and of links that trip"},
	{"plugin", .named = true, .links = true, .rows = SCHEMA_ROWS(plugin_rows),
		.help = "a check written in C, with its settings"},
	{"profile", .named = true, .rows = SCHEMA_ROWS(profile_rows),
		.help = "which mail runs through which chain; the first whose conditions hold"},
	{"record", .single = true, .rows = SCHEMA_ROWS(record_rows),
		.help = "sessions that are kept, to be explained and played again"},
	{"script", .named = true, .links = true, .rows = SCHEMA_ROWS(script_rows),
		.help = "a rule written in Lua; its own settings stand in settings { }"},
	{"store", .named = true, .rows = SCHEMA_ROWS(store_rows),
		.help = "where what must last is kept: limits, greylists"},
};

const size_t section_kind_count = COUNT(section_kinds);

const struct section_kind *
section_kind_find(const char *name)
{
	for (size_t i = 0; i < section_kind_count; i++) {
		if (strcmp(section_kinds[i].name, name) == 0)
			return &section_kinds[i];
	}
	return NULL;
}
