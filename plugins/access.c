/* SPDX-License-Identifier: MIT */
/*
 * access.c - allows, refuses, drops or holds mail by maps of clients, names and addresses
 *
 * The right-hand sides are those of Postfix's access(5) as far as a filter can do them, and plain
 * words. The most specific key decides. A map with a right-hand side that is no action is refused.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Octets of an address or name that is looked up. */
#define KEY_MAX 512

struct config {
	const struct cm_map *client, *client_name, *helo, *sender, *recipient;
};

/* --- deciding --- */

struct action {
	enum cm_verdict verdict;
	bool quarantine;
	int code;	  /* 0: not said */
	char status[12];  /* "": not said */
	const char *text; /* reply or reason; "": not said */
};

/* What the first word may be, in any case. */
static const struct word {
	const char *name;
	enum cm_verdict verdict;
	bool quarantine;
} words[] = {
	{"accept", CM_ACCEPT, false},
	{"allow", CM_ACCEPT, false},
	{"defer", CM_TEMPFAIL, false},
	{"discard", CM_DISCARD, false},
	{"dunno", CM_CONTINUE, false},
	{"hold", CM_CONTINUE, true},
	{"ok", CM_ACCEPT, false},
	{"permit", CM_ACCEPT, false},
	{"quarantine", CM_CONTINUE, true},
	{"reject", CM_REJECT, false},
	{"tempfail", CM_TEMPFAIL, false},
};

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* "550 text", "reject 550 text": moves behind the code; false where none stands. */
static bool
take_code(const char **p, int *code)
{
	size_t digits = strspn(*p, "0123456789");

	if (digits != 3 || strchr(" \t", (*p)[3]) == NULL)
		return false;
	*code = 100 * ((*p)[0] - '0') + 10 * ((*p)[1] - '0') + (*p)[2] - '0';
	*p = skip_space(*p + 3);
	return true;
}

/* "5.7.1 text" (RFC 3463 section 2). */
static bool
take_status(const char **p, char status[12])
{
	size_t len = strcspn(*p, " \t");
	unsigned class, subject, detail;
	int end = 0;

	if (len >= 12 || strspn(*p, "0123456789.") != len)
		return false;
	if (sscanf(*p, "%1u.%3u.%3u%n", &class, &subject, &detail, &end) != 3 || (size_t)end != len)
		return false;
	memcpy(status, *p, len);
	status[len] = '\0';
	*p = skip_space(*p + len);
	return true;
}

/* Code and status are of the class that the verdict has; else what is wrong with them. */
static const char *
misfit(const struct action *a)
{
	char class = a->verdict == CM_REJECT ? '5' : '4';

	if (a->verdict != CM_REJECT && a->verdict != CM_TEMPFAIL)
		return NULL;
	if (a->code != 0 && a->code / 100 != class - '0')
		return a->verdict == CM_REJECT ? "reject goes with a code 5yz"
					       : "tempfail goes with a code 4yz, reject with 5yz";
	if (a->status[0] != '\0' && a->status[0] != class)
		return a->verdict == CM_REJECT ? "reject and 5yz go with a status 5.y.z"
					       : "tempfail and 4yz go with a status 4.y.z";
	return NULL;
}

static bool
take_word(const char **p, struct action *a)
{
	size_t len = strcspn(*p, " \t");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i].name) != len || strncasecmp(words[i].name, *p, len) != 0)
			continue;
		a->verdict = words[i].verdict;
		a->quarantine = words[i].quarantine;
		*p = skip_space(*p + len);
		return true;
	}
	return false;
}

/* What Postfix's access(5) has on top: only the MTA itself can do it. */
static const char *const beyond[] = {"bcc", "defer_if_permit", "defer_if_reject", "filter", "info",
	"prepend", "redirect", "warn"};

static const char *
no_action(const char *p)
{
	size_t len = strcspn(p, " \t");

	for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond); i++) {
		if (strlen(beyond[i]) == len && strncasecmp(beyond[i], p, len) == 0)
			return "an action of Postfix that a filter cannot do";
	}
	return "no action (accept reject tempfail discard quarantine dunno 4yz 5yz)";
}

/* A right-hand side; NULL, or what is wrong with it. */
static const char *
parse_action(const char *text, struct action *a)
{
	const char *p = skip_space(text);
	bool bare;

	*a = (struct action){0};
	/* A bare code and text says by its class what it means. */
	bare = take_code(&p, &a->code);
	if (bare)
		a->verdict = a->code / 100 == 5 ? CM_REJECT : CM_TEMPFAIL;
	else if (!take_word(&p, a))
		return no_action(p);
	if (a->verdict == CM_REJECT || a->verdict == CM_TEMPFAIL) {
		if (!bare)
			take_code(&p, &a->code);
		take_status(&p, a->status);
	}
	a->text = p;
	return misfit(a);
}

/* For the maps: each right-hand side, whenever they are read. */
static bool
check_action(const char *text, char *why, size_t why_size)
{
	struct action a;
	const char *wrong = parse_action(text, &a);

	if (wrong != NULL)
		snprintf(why, why_size, "\"%.60s\": %s", text, wrong);
	return wrong == NULL;
}

/* --- acting --- */

static const char *const verdict_names[] = {
	[CM_CONTINUE] = "dunno",
	[CM_ACCEPT] = "allow",
	[CM_REJECT] = "reject",
	[CM_TEMPFAIL] = "tempfail",
	[CM_DISCARD] = "discard",
};

/* What is looked up: its map, its name in logs, and what a refusal without a text says. */
static const struct lookup {
	size_t map;
	const char *name, *refusal;
} client = {offsetof(struct config, client), "client", "Client host rejected"},
  client_name = {offsetof(struct config, client_name), "client_name", "Client host rejected"},
  helo_name = {offsetof(struct config, helo), "helo", "Helo command rejected"},
  sender = {offsetof(struct config, sender), "sender", "Sender address rejected"},
  recipient = {offsetof(struct config, recipient), "recipient", "Recipient address rejected"};

static const struct cm_map *
map_of(const struct cm_session *s, const struct lookup *by)
{
	const char *config = cm_config(s);

	return *(const struct cm_map *const *)(const void *)(config + by->map);
}

static enum cm_verdict
failed(struct cm_session *s, const struct lookup *by, const char *key, const char *why)
{
	cm_reason(s, "%s: %.200s: %.200s", by->name, key, why);
	return CM_FAILED;
}

static enum cm_verdict
refuse(struct cm_session *s, const struct lookup *by, const char *key, const struct action *a)
{
	bool hard = a->verdict == CM_REJECT;
	int code = a->code != 0 ? a->code : hard ? 550 : 451;
	const char *status = a->status[0] != '\0' ? a->status : hard ? "5.7.1" : "4.7.1";

	cm_reason(s, "%s %s", by->name, key);
	if (a->text[0] != '\0')
		cm_reply(s, code, status, "%s", a->text);
	else
		cm_reply(s, code, status, "<%s>: %s: Access denied", key, by->refusal);
	return a->verdict;
}

static enum cm_verdict
apply(struct cm_session *s, const struct lookup *by, const char *key, const char *value)
{
	struct action a;

	if (parse_action(value, &a) != NULL)
		return failed(s, by, key, "its right-hand side is no action");
	cm_set_result(s, "result", a.quarantine ? "quarantine" : verdict_names[a.verdict]);
	cm_set_result(s, "by", by->name);
	if (a.verdict == CM_REJECT || a.verdict == CM_TEMPFAIL)
		return refuse(s, by, key, &a);
	cm_reason(s, "%s %s%s%s", by->name, key, a.text[0] == '\0' ? "" : ": ", a.text);
	if (a.quarantine && !cm_quarantine(s, a.text[0] == '\0' ? "held by access" : a.text))
		return failed(s, by, key, "could not be quarantined");
	return a.verdict;
}

/* One key. True when it decided, which dunno does too: nothing less specific is looked at. */
static bool
try_key(struct cm_session *s, const struct lookup *by, const char *key, enum cm_verdict *verdict)
{
	const char *value;

	switch (cm_map_get(s, map_of(s, by), key, &value)) {
	case CM_KNOWN:
		*verdict = apply(s, by, key, value);
		return true;
	case CM_NONE:
		return false;
	case CM_UNDELIVERED:
		break;
	}
	*verdict = failed(s, by, key, "the map could not be read");
	return true;
}

/* The name, then for each parent domain ".parent" and "parent". */
static bool
try_domains(
	struct cm_session *s, const struct lookup *by, const char *name, enum cm_verdict *verdict)
{
	bool found = try_key(s, by, name, verdict);

	for (const char *dot = strchr(name, '.'); !found && dot != NULL; dot = strchr(dot + 1, '.'))
		found = try_key(s, by, dot, verdict) ||
			(dot[1] != '\0' && try_key(s, by, dot + 1, verdict));
	return found;
}

static enum cm_verdict
check_name(struct cm_session *s, const struct lookup *by, const char *name)
{
	enum cm_verdict verdict = CM_CONTINUE;
	size_t len = strlen(name);
	char key[KEY_MAX];

	if (map_of(s, by) == NULL || len == 0 || len >= sizeof(key))
		return CM_CONTINUE;
	memcpy(key, name, len + 1);
	/* The root's dot names the same host. */
	if (key[len - 1] == '.')
		key[len - 1] = '\0';
	try_domains(s, by, key, &verdict);
	return verdict;
}

static enum cm_verdict
check_address(struct cm_session *s, const struct lookup *by, const struct cm_address *address)
{
	enum cm_verdict verdict = CM_CONTINUE;
	char key[KEY_MAX];
	size_t len;

	if (map_of(s, by) == NULL)
		return CM_CONTINUE;
	if (try_key(s, by, address->null ? "<>" : address->addr, &verdict) ||
		address->domain[0] == '\0')
		return verdict;
	len = strnlen(address->domain, sizeof(key) - 2);
	key[0] = '@';
	memcpy(key + 1, address->domain, len);
	key[1 + len] = '\0';
	if (!try_key(s, by, key, &verdict))
		try_domains(s, by, address->domain, &verdict);
	return verdict;
}

static enum cm_verdict
connect(struct cm_session *s, const struct cm_event *ev)
{
	enum cm_verdict verdict = CM_CONTINUE;

	(void)ev;
	if (map_of(s, &client) != NULL && cm_client(s)->ip[0] != '\0')
		try_key(s, &client, cm_client(s)->ip, &verdict);
	return verdict == CM_CONTINUE ? check_name(s, &client_name, cm_client(s)->name) : verdict;
}

static enum cm_verdict
helo(struct cm_session *s, const struct cm_event *ev)
{
	return check_name(s, &helo_name, ev->name);
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	return check_address(s, &sender, ev->address);
}

static enum cm_verdict
rcpt(struct cm_session *s, const struct cm_event *ev)
{
	return check_address(s, &recipient, ev->address);
}

/* --- the tables --- */

static uint32_t
silent_at(const void *settings)
{
	const struct config *c = settings;
	const uint32_t all = CM_AT(CM_STAGE_CONNECT) | CM_AT(CM_STAGE_HELO) | CM_AT(CM_STAGE_MAIL) |
			     CM_AT(CM_STAGE_RCPT);
	uint32_t asked = 0;

	if (c->client != NULL || c->client_name != NULL)
		asked |= CM_AT(CM_STAGE_CONNECT);
	if (c->helo != NULL)
		asked |= CM_AT(CM_STAGE_HELO);
	if (c->sender != NULL)
		asked |= CM_AT(CM_STAGE_MAIL);
	if (c->recipient != NULL)
		asked |= CM_AT(CM_STAGE_RCPT);
	return all & ~asked;
}

#define MAP(field, kind, words)                                                                   \
	{                                                                                         \
#field, CM_OPT_MAP, offsetof(struct config, field),                               \
			.choices = (kind), .since = "0.1", .check = check_action, .help = (words) \
	}

static const struct cm_option options[] = {
	MAP(client, "cidr", "map of client addresses"),
	MAP(client_name, "exact", "map of verified client names and their domains"),
	MAP(helo, "exact", "map of HELO names and their domains"),
	MAP(recipient, "exact", "map of recipients: address, @domain, domain, parent domains"),
	MAP(sender, "exact", "map of envelope senders: as recipient, and <> for the null sender"),
};

static const struct cm_published published[] = {
	{"by", "client|client_name|helo|sender|recipient", "which of its maps had an entry"},
	{"result", "dunno|allow|reject|tempfail|discard|quarantine", "what the entry says"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "access",
	.help = "allows, refuses, drops or holds mail by maps",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.needs = CM_EDIT_QUARANTINE | CM_EDIT_RCPTS,
	.connect = connect,
	.helo = helo,
	.mail = mail,
	.rcpt = rcpt,
	.silent_at = silent_at,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
