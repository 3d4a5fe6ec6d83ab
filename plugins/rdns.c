/* SPDX-License-Identifier: MIT */
/*
 * rdns.c - whether the client's address has a name that leads back to it, and its HELO name one
 *
 * The first is iprev of RFC 8601 section 3. All is asked as soon as it is known and judged at MAIL,
 * where the login is known. By itself nothing is refused: each finding has a setting.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>

#define DIGITS	     "0123456789"
#define LABEL_CHARS  DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
#define LABEL_MOST   63u
#define NAME_MOST    253u
#define NAMES_MOST   10u /* RFC 8601 section 3 */
#define REVERSE_SIZE 128u
#define TAG_SIZE     128u
#define HEADER_MOST  128u

enum action { ACCEPT, TAG, TEMPFAIL, REJECT };

struct config {
	int no_ptr, unconfirmed, temperror;
	int helo_invalid, helo_unknown, helo_mismatch, helo_literal_mismatch;
	bool helo;
	const char *header;
	struct cm_skip skip;
};

#define AT(field) offsetof(struct config, field)

/* What may be found of the address and of the HELO name. */
static const struct finding {
	const char *result;
	const char *setting; /* NULL: nothing to object */
	size_t action;
	const char *words;
} address_good = {"pass", NULL, 0, NULL},
  no_ptr = {"permerror", "no_ptr", AT(no_ptr), "no reverse name"},
  unconfirmed = {"fail", "unconfirmed", AT(unconfirmed),
	  "the reverse name does not lead back to the address"},
  address_unsure = {"temperror", "temperror", AT(temperror),
	  "the reverse name could not be looked up"},
  helo_good = {"pass", NULL, 0, NULL},
  helo_invalid = {"invalid", "helo_invalid", AT(helo_invalid), "Invalid name"},
  helo_unknown = {"unknown", "helo_unknown", AT(helo_unknown), "Host not found"},
  helo_mismatch = {"mismatch", "helo_mismatch", AT(helo_mismatch),
	  "The name does not lead to your address"},
  helo_literal_mismatch = {"literal_mismatch", "helo_literal_mismatch", AT(helo_literal_mismatch),
	  "The address is not yours"},
  helo_unsure = {"temperror", "temperror", AT(temperror), "The name could not be looked up"};

/* --- deciding --- */

/* A full domain name: labels with dots between them, and no address. */
static bool
is_host_name(const char *name)
{
	const char *label = name;
	size_t labels = 0, len = 0;

	if (strlen(name) > NAME_MOST + 1)
		return false;
	for (; *label != '\0'; label += len + (label[len] == '.')) {
		len = strspn(label, LABEL_CHARS);
		if (len == 0 || len > LABEL_MOST || (label[len] != '.' && label[len] != '\0'))
			return false;
		labels++;
		name = label;
	}
	/* The last one is not of digits alone. */
	return labels > 1 && strspn(name, DIGITS) < len;
}

/* In whatever way they are written. */
static bool
same_address(const char *a, const char *b)
{
	char reversed[2][REVERSE_SIZE];

	return cm_dns_reverse(a, NULL, reversed[0], REVERSE_SIZE) &&
	       cm_dns_reverse(b, NULL, reversed[1], REVERSE_SIZE) &&
	       strcmp(reversed[0], reversed[1]) == 0;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]": RFC 5321 section 4.1.3 */
static const struct finding *
judge_literal(const char *helo, const char *ip)
{
	char address[REVERSE_SIZE], reversed[REVERSE_SIZE];
	size_t len = strlen(helo);

	if (len < 2 || helo[len - 1] != ']' || len >= sizeof(address))
		return &helo_invalid;
	snprintf(address, sizeof(address), "%.*s", (int)len - 2, helo + 1);
	if (!cm_dns_reverse(address, NULL, reversed, sizeof(reversed)))
		return &helo_invalid;
	return same_address(address, ip) ? &helo_good : &helo_literal_mismatch;
}

/* In the order in which one answer of several outweighs another. */
enum found { NOTHING, UNSURE, FOUND };

static enum found
judge_status(const struct cm_dns_answer *answer)
{
	static const enum found found[] = {
		[CM_DNS_FOUND] = FOUND,
		[CM_DNS_NO_DATA] = NOTHING,
		[CM_DNS_NO_NAME] = NOTHING,
		[CM_DNS_TIMEOUT] = UNSURE,
		[CM_DNS_SERVFAIL] = UNSURE,
		[CM_DNS_REFUSED] = UNSURE,
		[CM_DNS_BOGUS] = UNSURE,
		[CM_DNS_BAD_NAME] = NOTHING,
		[CM_DNS_CANCELLED] = UNSURE,
	};

	return found[answer->status];
}

static bool
has_address(const struct cm_dns_answer *answer, const char *ip)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (same_address(answer->records[i].text, ip))
			return true;
	}
	return false;
}

/* --- asking --- */

static enum cm_dns_type
address_type(const char *ip)
{
	return strchr(ip, ':') == NULL ? CM_DNS_A : CM_DNS_AAAA;
}

/* Our own, and those that are left out. why: NULL, or what nobody can tell. */
static bool
skipped(struct cm_session *s, const char **why)
{
	const struct config *config = cm_config(s);

	return cm_skip(s, &config->skip, NULL, why) == CM_KNOWN;
}

static const enum cm_dns_type helo_types[] = {CM_DNS_A, CM_DNS_AAAA, CM_DNS_MX};

#define HELO_TYPES (sizeof(helo_types) / sizeof(*helo_types))

static void
begin_address(struct cm_session *s)
{
	char name[REVERSE_SIZE];

	if (cm_dns_reverse(cm_client(s)->ip, NULL, name, sizeof(name)))
		cm_dns_begin(s, name, CM_DNS_PTR);
}

static void
begin_helo(struct cm_session *s)
{
	const struct config *config = cm_config(s);
	const char *helo = cm_helo(s);

	for (size_t i = 0; config->helo && helo != NULL && is_host_name(helo) && i < HELO_TYPES;
		i++)
		cm_dns_begin(s, helo, helo_types[i]);
}

/* The first of the names that leads back to the address. */
static const struct finding *
confirm(struct cm_session *s, const struct cm_dns_answer *names, const char **name)
{
	const char *ip = cm_client(s)->ip;
	size_t count = names->count < NAMES_MOST ? names->count : NAMES_MOST;
	const struct finding *worst = &unconfirmed;

	for (size_t i = 0; i < count; i++)
		cm_dns_begin(s, names->records[i].text, address_type(ip));
	for (size_t i = 0; i < count; i++) {
		const struct cm_dns_answer *answer =
			cm_dns(s, names->records[i].text, address_type(ip));

		*name = names->records[i].text;
		if (has_address(answer, ip))
			return &address_good;
		if (judge_status(answer) == UNSURE)
			worst = &address_unsure;
	}
	*name = NULL;
	return worst;
}

static const struct finding *
look_at_address(struct cm_session *s, const char **name)
{
	char reverse[REVERSE_SIZE];
	const struct cm_dns_answer *names;

	*name = NULL;
	if (!cm_dns_reverse(cm_client(s)->ip, NULL, reverse, sizeof(reverse)))
		return &no_ptr;
	names = cm_dns(s, reverse, CM_DNS_PTR);
	switch (judge_status(names)) {
	case FOUND:
		return confirm(s, names, name);
	case NOTHING:
		return &no_ptr;
	case UNSURE:
		break;
	}
	return &address_unsure;
}

static const struct finding *
look_at_name(struct cm_session *s, const char *helo)
{
	static const struct finding *const findings[] = {
		[NOTHING] = &helo_unknown,
		[UNSURE] = &helo_unsure,
		[FOUND] = &helo_mismatch,
	};
	const char *ip = cm_client(s)->ip;
	const struct cm_dns_answer *own = cm_dns(s, helo, address_type(ip));
	enum found all = NOTHING;

	if (has_address(own, ip))
		return &helo_good;
	if (judge_status(own) == UNSURE)
		return &helo_unsure;
	for (size_t i = 0; i < HELO_TYPES; i++) {
		enum found one = judge_status(cm_dns(s, helo, helo_types[i]));

		all = one > all ? one : all;
	}
	return findings[all];
}

static const struct finding *
look_at_helo(struct cm_session *s)
{
	const char *helo = cm_helo(s);

	if (helo[0] == '[')
		return judge_literal(helo, cm_client(s)->ip);
	return is_host_name(helo) ? look_at_name(s, helo) : &helo_invalid;
}

/* --- acting --- */

static enum action
action_of(const struct cm_session *s, const struct finding *f)
{
	const char *config = cm_config(s);

	if (f->setting == NULL)
		return ACCEPT;
	return (enum action) * (const int *)(const void *)(config + f->action);
}

static void
publish_address(struct cm_session *s, const struct finding *f, const char *name)
{
	const struct cm_auth_property ip = {"policy", "iprev", cm_client(s)->ip};

	cm_set_result(s, "result", f->result);
	if (name != NULL)
		cm_set_result(s, "name", name);
	cm_add_auth_result(s, &(struct cm_auth_result){.method = "iprev",
				      .result = f->result,
				      .comment = name != NULL ? name : f->words,
				      .count = 1,
				      .properties = &ip});
}

static void
reply_address(struct cm_session *s, const struct finding *f, bool hard)
{
	cm_reply(s, hard ? 550 : 451, hard ? "5.7.25" : "4.7.25", "Client host [%s]: %s",
		cm_client(s)->ip, f->words);
}

/* The words are Postfix's. */
static void
reply_helo(struct cm_session *s, const struct finding *f, bool hard)
{
	cm_reply(s, hard ? 550 : 451, hard ? "5.7.1" : "4.7.1",
		"<%.255s>: Helo command rejected: %s", cm_helo(s), f->words);
}

static bool
tag(struct cm_session *s, const struct finding *address, const struct finding *helo)
{
	const struct config *config = cm_config(s);
	const char *first = action_of(s, address) == TAG ? address->setting : "";
	const char *second = action_of(s, helo) == TAG ? helo->setting : "";
	char value[TAG_SIZE];

	if (first[0] == '\0' && second[0] == '\0')
		return true;
	snprintf(value, sizeof(value), "%s%s%s", first,
		first[0] != '\0' && second[0] != '\0' ? " " : "", second);
	return cm_add_header(s, config->header, value);
}

static enum cm_verdict
act(struct cm_session *s, const struct finding *address, const struct finding *helo)
{
	bool by_helo = action_of(s, helo) > action_of(s, address);
	enum action action = action_of(s, by_helo ? helo : address);

	if (action < TEMPFAIL)
		return tag(s, address, helo) ? CM_CONTINUE : CM_FAILED;
	if (by_helo)
		reply_helo(s, helo, action == REJECT);
	else
		reply_address(s, address, action == REJECT);
	return action == REJECT ? CM_REJECT : CM_TEMPFAIL;
}

/* What would refuse a login, too, must know whether there is one. */
static enum cm_verdict
look(struct cm_session *s, const char *unclear)
{
	const struct config *config = cm_config(s);
	const struct finding *address, *helo = &helo_good;
	bool greeted = config->helo && cm_helo(s) != NULL;
	enum cm_verdict verdict;
	const char *name;

	address = look_at_address(s, &name);
	publish_address(s, address, name);
	if (greeted)
		helo = look_at_helo(s);
	if (greeted)
		cm_set_result(s, "helo", helo->result);
	cm_reason(s, "iprev=%s%s%s", address->result, greeted ? " helo=" : "",
		greeted ? helo->result : "");
	verdict = act(s, address, helo);
	if (verdict == CM_CONTINUE || unclear == NULL)
		return verdict;
	cm_reason(s, "%s", unclear);
	return CM_FAILED;
}

static enum cm_verdict
connect(struct cm_session *s, const struct cm_event *ev)
{
	const char *why;

	(void)ev;
	if (!skipped(s, &why))
		begin_address(s);
	return CM_CONTINUE;
}

static enum cm_verdict
helo(struct cm_session *s, const struct cm_event *ev)
{
	const char *why;

	(void)ev;
	if (!skipped(s, &why))
		begin_helo(s);
	return CM_CONTINUE;
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	const char *why;

	(void)ev;
	if (skipped(s, &why))
		return CM_CONTINUE;
	begin_address(s);
	begin_helo(s);
	return look(s, why);
}

/* --- the tables --- */

/* RFC 5322 section 2.2; the host takes no longer one. */
static bool
check_header(const char *text, char *why, size_t why_size)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~' && text[len] != ':')
		len++;
	if (len > 0 && len <= HEADER_MOST && text[len] == '\0')
		return true;
	snprintf(why, why_size, "\"%.60s\" is not the name of a header field", text);
	return false;
}

#define ACTIONS "accept|tag|tempfail|reject"

#define FINDING(field, words)                                                        \
	{                                                                            \
#field, CM_OPT_CHOICE, AT(field), "accept", ACTIONS, .since = "0.1", \
								     .help = (words) \
	}

static const struct cm_option options[] = {
	{"header", CM_OPT_STRING, AT(header), "X-rDNS", .check = check_header, .since = "0.1",
		.help = "field that tag adds, with the names of the settings that said so"},
	{"helo", CM_OPT_BOOL, AT(helo), "yes", .since = "0.1",
		.help = "look at the HELO name, too"},
	FINDING(helo_invalid, "HELO with what is neither a full domain name nor [ADDRESS]"),
	FINDING(helo_literal_mismatch, "HELO with [ADDRESS] of somebody else"),
	FINDING(helo_mismatch, "HELO name that does not lead to the client's address"),
	FINDING(helo_unknown, "HELO name without addresses and MX"),
	FINDING(no_ptr, "address without a name (PTR)"),
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_FOR(AT(skip), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
	{"temperror", CM_OPT_CHOICE, AT(temperror), "accept", "accept|tag|tempfail", .since = "0.1",
		.help = "DNS did not answer"},
	FINDING(unconfirmed, "address whose names do not lead back to it"),
};

static const struct cm_macro macros[] = {
	CM_SKIP_MACRO,
};

static const struct cm_published published[] = {
	{"helo", "pass|invalid|unknown|mismatch|literal_mismatch|temperror", "of the HELO name"},
	{"name", NULL, "the name that leads back to the address"},
	{"result", "pass|fail|permerror|temperror",
		"of the address (iprev of RFC 8601); permerror: it has no name"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "rdns",
	.help = "asks whether the names of clients lead back to them",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.needs = CM_EDIT_HEADERS,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.connect = connect,
	.helo = helo,
	.mail = mail,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
