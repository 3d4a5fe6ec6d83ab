/* SPDX-License-Identifier: MIT */
/*
 * control_log.c - chainmail log: the message lines of the running daemon, as they come
 *
 * Read from the ring of the latest records, so mail waits for no reader: who is too slow loses
 * lines and is told how many. Nothing of the configuration is held meanwhile.
 */
#include "control_log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log_recent.h"
#include "base/net.h"
#include "base/text.h"
#include "control_client.h"
#include "host/generation.h"

#define ADDRESS_SIZE 64

#define ARG(field) offsetof(struct control_log_args, field)
#define VERDICTS   "any|abandoned|accept|discard|quarantine|reject|tempfail"

const struct cm_option control_log_options[CONTROL_LOG_OPTIONS] = {
	{"client", CM_OPT_NETWORKS, ARG(client), .help = "of clients in this network"},
	{"follow", CM_OPT_BOOL, ARG(follow), "no", .help = "go on with those to come; -f"},
	{"from", CM_OPT_STRING, ARG(from),
		.help = "of this envelope sender: address, @domain, or <>"},
	{"login", CM_OPT_STRING, ARG(login), .help = "of this login"},
	{"plugin", CM_OPT_STRING, ARG(plugin),
		.help = "in which this plugin or script decided, found something, or would have"},
	{"since", CM_OPT_DURATION, ARG(since_us), .help = "of the latest time: 10min",
		.min = CLOCK_SEC, .max = 365 * 24 * 3600 * CLOCK_SEC},
	{"to", CM_OPT_STRING, ARG(to), .help = "to this recipient, as the line has it"},
	{"verdict", CM_OPT_CHOICE, ARG(verdict), "any", .choices = VERDICTS,
		.help = "with this verdict"},
};

/* --- filters --- */

static const char *
value_of(const struct log_entry *e, const char *name)
{
	for (unsigned i = 0; i < e->count; i++) {
		if (strcmp(e->fields[i].name, name) == 0)
			return e->fields[i].value;
	}
	return NULL;
}

static bool
has_login(const struct control_log_args *args, const struct log_entry *e)
{
	const char *login = value_of(e, "auth");

	return args->login == NULL || (login != NULL && strcmp(login, args->login) == 0);
}

static bool
has_verdict(const struct control_log_args *args, const struct log_entry *e)
{
	const char *verdict = value_of(e, "verdict"), *name = VERDICTS;
	size_t len;

	for (int i = 0; i < args->verdict; i++)
		name += strcspn(name, "|") + 1;
	len = strcspn(name, "|");
	return args->verdict == 0 ||
	       (verdict != NULL && strncmp(verdict, name, len) == 0 && verdict[len] == '\0');
}

/* "<bob@example.com>+2": the address of a line, which may be wanted as "@example.com" or "<>". */
static bool
is_address(const char *field, const char *wanted)
{
	const char *end = field == NULL ? NULL : strrchr(field, '>');
	size_t len = strlen(wanted), has;

	if (end == NULL || field[0] != '<')
		return false;
	if (len >= 2 && wanted[0] == '<' && wanted[len - 1] == '>') {
		wanted++;
		len -= 2;
	}
	field++;
	has = (size_t)(end - field);
	if (wanted[0] == '@' && has > len) {
		field += has - len;
		has = len;
	}
	return has == len && strncasecmp(field, wanted, len) == 0;
}

static bool
has_sender(const struct control_log_args *args, const struct log_entry *e)
{
	return args->from == NULL || is_address(value_of(e, "from"), args->from);
}

static bool
has_recipient(const struct control_log_args *args, const struct log_entry *e)
{
	return args->to == NULL || is_address(value_of(e, "to"), args->to);
}

/* "mail.example.org[203.0.113.7]"; a local client is in no network. */
static bool
has_client(const struct control_log_args *args, const struct log_entry *e)
{
	const char *client = value_of(e, "client");
	const char *open = client == NULL ? NULL : strrchr(client, '[');
	char text[ADDRESS_SIZE];
	struct net_addr address;

	if (args->client == NULL)
		return true;
	if (open == NULL)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(open + 1, "]"), open + 1);
	return net_parse(&address, text) && networks_have(args->client, &address);
}

/* "dnsbl2:reject,other:edits" */
static bool
is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; list != NULL && *list != '\0'; list += *list == ',') {
		if (strncmp(list, name, len) == 0 && list[len] == ':')
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

/* What it found; one called like a field has "_result" behind its name. */
static bool
is_result(const struct log_field *f, const char *name)
{
	size_t len = strlen(name);

	/* Results have no name for the journal. */
	return f->journal == NULL && f->value != NULL && strncmp(f->name, name, len) == 0 &&
	       (f->name[len] == '\0' || strcmp(f->name + len, "_result") == 0);
}

static bool
has_plugin(const struct control_log_args *args, const struct log_entry *e)
{
	const char *by = value_of(e, "by");

	if (args->plugin == NULL || is_listed(value_of(e, "shadow"), args->plugin) ||
		(by != NULL && strcmp(by, args->plugin) == 0))
		return true;
	for (unsigned i = 0; i < e->count; i++) {
		if (is_result(&e->fields[i], args->plugin))
			return true;
	}
	return false;
}

static bool (*const filters[])(const struct control_log_args *, const struct log_entry *) = {
	has_client, has_login, has_plugin, has_recipient, has_sender, has_verdict};

static bool
is_wanted(const struct control_log_args *args, int64_t since, const struct log_entry *e)
{
	if (e->wall < since)
		return false;
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		if (!filters[i](args, e))
			return false;
	}
	return true;
}

/* --- lines --- */

/* {"row":{...},"say":"..."}: for programs and for people. */
static void
add_line(struct buf *out, const struct log_entry *e)
{
	struct buf text;
	char when[32];

	log_line_time(e->wall, when);
	buf_init(&text, 0);
	buf_printf(&text, "%s ", when);
	log_line_text(&text, e);
	buf_add_str(out, "{\"row\":");
	log_line_json(out, e);
	buf_add_str(out, ",\"say\":");
	text_json(out, text.data, text.len);
	buf_add_str(out, "}\n");
	buf_fini(&text);
}

static void
add_lost(struct buf *out, uint64_t lost)
{
	unsigned long long n = lost;

	if (lost > 0)
		buf_printf(out,
			"{\"row\":{\"lost\":%llu},\"say\":\"(%llu lines lost: they came faster "
			"than they were read)\"}\n",
			n, n);
}

/* --- the stream --- */

struct stream {
	struct control_client *client;
	const struct control_log_args *args;
	int64_t since; /* seconds since 1970 */
	struct log_reader reader;
	struct buf taken;
};

/* False: there was nothing to send, or nobody takes it, which *gone says. */
static bool
send_some(struct stream *s, bool *gone)
{
	struct log_field fields[LOG_RECENT_FIELDS];
	struct control_client *c = s->client;
	struct log_entry e;
	uint64_t lost;
	size_t at = 0;

	*gone = false;
	if (!log_reader_take(&s->reader, &s->taken, &lost))
		return false;
	add_lost(&c->out, lost);
	while (log_recent_next(&s->taken, &at, &e, fields)) {
		if (is_wanted(s->args, s->since, &e))
			add_line(&c->out, &e);
	}
	*gone = !control_stream(&c->wire, c->out.data, c->out.len, &c->ending);
	buf_clear(&c->out);
	return !*gone;
}

/* What is kept by now. */
static void
send_kept(struct stream *s)
{
	struct log_reader end;
	bool gone = false;

	log_reader_init(&end, false);
	while (s->reader.at < end.at && send_some(s, &gone))
		continue;
}

/* Until nobody listens any more. */
static void
send_all(struct stream *s)
{
	static const char begun[] = "{\"following\":true}\n";
	struct control_client *c = s->client;
	bool gone = !control_stream(&c->wire, begun, sizeof(begun) - 1, &c->ending);

	while (!gone && !atomic_load(&c->ending) && !control_left(&c->wire)) {
		if (!send_some(s, &gone) && !gone)
			control_pause(&c->wire);
	}
}

/* --- who may follow --- */

static atomic_uint followers, others; /* others: not root */

static void
leave(const struct control_client *c)
{
	atomic_fetch_sub(&followers, 1);
	if (c->uid != 0)
		atomic_fetch_sub(&others, 1);
}

/* They stay, so they leave places for those who ask and go. */
static bool
enter(const struct control_client *c, char *why)
{
	unsigned all = atomic_fetch_add(&followers, 1);
	unsigned rest = c->uid != 0 ? atomic_fetch_add(&others, 1) : 0;

	if (all < CONTROL_FOLLOWERS_MOST && rest < CONTROL_FOLLOWERS_OTHERS)
		return true;
	leave(c);
	snprintf(why, CONTROL_WHY_SIZE,
		"too many follow the log already; try again when one of them has ended");
	return false;
}

/* --- the command --- */

static bool
has_lines(void)
{
	struct generation *g = generation_hold();
	bool summary = g != NULL && g->chain.summary;

	generation_drop(g);
	return summary;
}

bool
control_log(struct control_client *c, const struct command_words *words, char *why)
{
	const struct control_log_args *args = words->args;
	struct stream s = {.client = c, .args = args};

	if (!has_lines()) {
		snprintf(why, CONTROL_WHY_SIZE,
			"there are no message lines: every log of the configuration has summary = "
			"no");
		return false;
	}
	if (args->follow && !enter(c, why))
		return false;
	s.since = args->since_us > 0 ? clock_wall() - args->since_us / CLOCK_SEC : 0;
	log_reader_init(&s.reader, !args->follow || args->since_us > 0);
	buf_init(&s.taken, 0);
	if (args->follow)
		send_all(&s);
	else
		send_kept(&s);
	buf_fini(&s.taken);
	if (args->follow)
		leave(c);
	return true;
}
