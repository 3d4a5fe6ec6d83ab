/* SPDX-License-Identifier: MIT */
/*
 * auth_results.c - one Authentication-Results field of ours, and none that others wrote as us
 *
 * RFC 8601. Who reads the field believes it by its authserv-id alone. So one that came with the
 * message is removed when it claims an id of ours, or one that cannot be read: others may read it.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELD "Authentication-Results"
/* Octets of an id that is compared; a domain name has fewer. */
#define ID_SIZE 256
/* No honest message has more; it is refused, for a failure may mean to accept. */
#define FORGED_MOST 900
/* Octets of the field; results that do not fit are left out. */
#define FIELD_SIZE 16384
/* Columns after which a line is folded (RFC 5322 section 2.1.1), and those of a tab. */
#define LINE_COLUMNS 78
#define TAB_COLUMNS  8
/* A longer value is left out, for part of it would name another; a longer text is cut. */
#define VALUE_MOST 400
#define TEXT_MOST  200
/* What a token does not hold (RFC 2045 section 5.1), and an atom does (RFC 5322 section 3.2.3). */
#define TSPECIALS "()<>@,;:\\\"/[]?="
#define ATEXT	  "!#$%&'*+-/=?^_`{|}~"

struct config {
	struct cm_list extra_ids, remove_fields;
	const struct cm_networks *trusted_relays;
	bool show_login;
};

/* --- whose field it is --- */

enum origin { ORIGIN_FOREIGN, ORIGIN_OURS, ORIGIN_UNREADABLE };

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_token_char(char c)
{
	return c > ' ' && c <= '~' && strchr(TSPECIALS, c) == NULL;
}

static size_t
token_length(const char *text)
{
	size_t len = 0;

	while (is_token_char(text[len]))
		len++;
	return len;
}

/* Behind comments, which nest, and white space (RFC 5322 section 3.2.2); NULL: one has no end. */
static const char *
skip_cfws(const char *p)
{
	size_t depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if (*p == '\\' && depth > 0 && p[1] != '\0')
			p++;
		else if (depth == 0 && !is_space(*p))
			break;
	}
	return depth == 0 ? p : NULL;
}

/*
 * A quoted-string without its white space, which no id has; NULL: it is none, or holds what a
 * careless reader takes for the end of the id or for a comment.
 */
static const char *
take_quoted(const char *p, char id[ID_SIZE])
{
	size_t len = 0;

	for (p++; *p != '"'; p++) {
		if (is_space(*p))
			continue;
		if (*p == '\\')
			p++;
		if ((!is_token_char(*p) && *p != '/') || len + 1 >= ID_SIZE)
			return NULL;
		id[len++] = *p;
	}
	id[len] = '\0';
	return p + 1;
}

/* authserv-id = value = token / quoted-string; NULL: neither, or none that a host could have. */
static const char *
take_id(const char *p, char id[ID_SIZE])
{
	size_t len = token_length(p);

	if (*p == '"')
		return take_quoted(p, id);
	if (len >= ID_SIZE)
		return NULL;
	memcpy(id, p, len);
	id[len] = '\0';
	return p + len;
}

/* [CFWS] authserv-id [CFWS authres-version] [CFWS], then results or nothing. */
static bool
read_id(const char *value, char id[ID_SIZE])
{
	const char *p = skip_cfws(value);

	if (p == NULL || (p = take_id(p, id)) == NULL || (p = skip_cfws(p)) == NULL)
		return false;
	p = skip_cfws(p + strspn(p, "0123456789"));
	return p != NULL && (*p == ';' || *p == '\0') && id[0] != '\0';
}

/* Octets up to what a mail server may append: the root's dot, or "/" and a job. */
static size_t
id_length(const char *id)
{
	size_t len = strcspn(id, "/");

	while (len > 0 && id[len - 1] == '.')
		len--;
	return len;
}

static bool
same_id(const char *a, const char *b)
{
	size_t len = id_length(a);

	return len == id_length(b) && strncasecmp(a, b, len) == 0;
}

static enum origin
origin_of(const char *value, const char *ours, const struct cm_list *extra)
{
	char id[ID_SIZE];
	size_t i = 0;

	if (!read_id(value, id) || id_length(id) == 0)
		return ORIGIN_UNREADABLE;
	while (i < extra->count && !same_id(id, extra->items[i]))
		i++;
	return i < extra->count || same_id(id, ours) ? ORIGIN_OURS : ORIGIN_FOREIGN;
}

/* --- what ours says --- */

/* The field as it grows; a blank is where its line may be folded. */
struct field {
	char *data;
	size_t size, len;
	size_t line, blank; /* where they begin; no blank: not behind line */
	size_t columns;	    /* of the line */
	bool full;
};

static void
fold(struct field *f)
{
	memmove(f->data + f->blank + 1, f->data + f->blank, f->len - f->blank);
	f->data[f->blank] = '\n';
	f->len++;
	f->line = ++f->blank;
	f->columns = f->len - f->line;
}

/* Room is left for a fold and the end. */
static void
put_char(struct field *f, char c)
{
	if (f->len + 3 > f->size) {
		f->full = true;
		return;
	}
	/* At the first of several, for no line may end in blanks. */
	if (c == ' ' && f->len > f->line && f->data[f->len - 1] != ' ')
		f->blank = f->len;
	f->data[f->len++] = c;
	f->columns++;
	if (f->columns > LINE_COLUMNS && f->blank > f->line)
		fold(f);
}

static void
put(struct field *f, const char *text)
{
	while (*text != '\0')
		put_char(f, *text++);
}

/* With a backslash before each of special and '?' for what is no printable ASCII. */
static void
put_escaped(struct field *f, const char *text, size_t most, const char *special)
{
	for (size_t i = 0; text[i] != '\0' && i < most; i++) {
		if (strchr(special, text[i]) != NULL)
			put_char(f, '\\');
		put_char(f, text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	}
	if (strnlen(text, most + 1) > most)
		put(f, "...");
}

static bool
is_token(const char *text)
{
	size_t len = token_length(text);

	return len > 0 && text[len] == '\0';
}

static void
put_value(struct field *f, const char *text, size_t most)
{
	if (is_token(text) && strlen(text) <= most) {
		put(f, text);
		return;
	}
	put_char(f, '"');
	put_escaped(f, text, most, "\"\\");
	put_char(f, '"');
}

/* Letters, digits and those of extra, with single dots inside. */
static bool
is_dotted(const char *text, size_t len, const char *extra)
{
	for (size_t i = 0; i < len; i++) {
		bool inner = i > 0 && i + 1 < len && text[i + 1] != '.';

		if (!is_alnum(text[i]) && strchr(extra, text[i]) == NULL &&
			!(text[i] == '.' && inner))
			return false;
	}
	return true;
}

/* RFC 6376 section 3.5: sub-domain 1*("." sub-domain). */
static bool
is_domain(const char *text)
{
	size_t len = strlen(text);

	return is_dotted(text, len, "-") && strchr(text, '.') != NULL && text[0] != '-' &&
	       text[len - 1] != '-' && strstr(text, ".-") == NULL && strstr(text, "-.") == NULL;
}

/* pvalue = value / [[local-part] "@"] domain-name (RFC 8601 section 2.2). */
static void
put_pvalue(struct field *f, const char *text)
{
	const char *at = strrchr(text, '@');

	if (at != NULL && is_domain(at + 1) && is_dotted(text, (size_t)(at - text), ATEXT))
		put(f, text);
	else
		put_value(f, text, VALUE_MOST);
}

/* A login is nobody's business but the server's. */
static bool
is_login(const struct cm_auth_result *r, const struct cm_auth_property *p)
{
	return strcasecmp(r->method, "auth") == 0 && strcasecmp(p->type, "smtp") == 0 &&
	       strcasecmp(p->name, "auth") == 0;
}

static void
put_properties(struct field *f, const struct cm_auth_result *r, bool show_login)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct cm_auth_property *p = &r->properties[i];

		if (strnlen(p->value, VALUE_MOST + 1) > VALUE_MOST ||
			(!show_login && is_login(r, p)))
			continue;
		put_char(f, ' ');
		put(f, p->type);
		put_char(f, '.');
		put(f, p->name);
		put_char(f, '=');
		put_pvalue(f, p->value);
	}
}

/* resinfo; all of it or nothing. */
static void
put_result(struct field *f, const struct cm_auth_result *r, bool show_login)
{
	struct field before = *f;

	put(f, ";\n\t");
	f->line = f->blank = f->len;
	f->columns = TAB_COLUMNS;
	put(f, r->method);
	put_char(f, '=');
	put(f, r->result);
	if (r->comment != NULL && r->comment[0] != '\0') {
		put(f, " (");
		put_escaped(f, r->comment, TEXT_MOST, "()\\");
		put_char(f, ')');
	}
	if (r->reason != NULL && r->reason[0] != '\0') {
		put(f, " reason=");
		put_value(f, r->reason, TEXT_MOST);
	}
	put_properties(f, r, show_login);
	if (f->full)
		*f = before;
}

/* The value of the field; out holds it with its folds as LF. */
static void
write_field(char *out, size_t size, const char *id, const struct cm_auth_result *const *results,
	size_t count, bool show_login)
{
	struct field f = {.data = out, .size = size, .columns = strlen(FIELD ": ")};
	size_t head;

	put_value(&f, id, VALUE_MOST);
	head = f.len;
	for (size_t i = 0; i < count; i++)
		put_result(&f, results[i], show_login);
	if (f.len == head)
		put(&f, "; none");
	out[f.len] = '\0';
}

/* --- acting --- */

/* In any case; blanks before the colon are not part of a name (RFC 5322 section 4.5). */
static bool
is_named(const struct cm_header *h, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(h->name, name, len) == 0 &&
	       h->name[len + strspn(h->name + len, " \t")] == '\0';
}

static size_t
count_named(const struct cm_session *s, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < cm_header_count(s); i++)
		count += strcasecmp(cm_header_at(s, i)->name, name) == 0;
	return count;
}

/* From the last to the first; false: one that must go cannot. */
static bool
remove_named(struct cm_session *s, const char *name, size_t *removed)
{
	const struct config *config = cm_config(s);
	size_t n = count_named(s, name);

	for (size_t i = cm_header_count(s); i-- > 0;) {
		const struct cm_header *h = cm_header_at(s, i);
		bool exact = strcasecmp(h->name, name) == 0;
		size_t index = n;

		if (!is_named(h, name))
			continue;
		n -= exact;
		if (origin_of(h->value, cm_authserv_id(s), &config->extra_ids) == ORIGIN_FOREIGN)
			continue;
		if (!exact || ++*removed > FORGED_MOST || !cm_remove_header(s, name, index))
			return false;
	}
	return true;
}

static enum cm_verdict
remove_forged(struct cm_session *s)
{
	const struct config *config = cm_config(s);
	size_t removed = 0;
	bool done = remove_named(s, FIELD, &removed);
	char count[24];

	for (size_t i = 0; done && i < config->remove_fields.count; i++)
		done = remove_named(s, config->remove_fields.items[i], &removed);
	if (removed > FORGED_MOST) {
		cm_reply(s, 554, "5.7.1", "More than %d forged fields", FORGED_MOST);
		return CM_REJECT;
	}
	snprintf(count, sizeof(count), "%zu", removed);
	cm_set_result(s, "removed", count);
	if (!done)
		cm_reason(s, "a forged field cannot be removed");
	else if (removed > 0)
		cm_reason(s, "removed %zu forged field%s", removed, removed == 1 ? "" : "s");
	return done ? CM_CONTINUE : CM_FAILED;
}

static bool
insert_ours(struct cm_session *s)
{
	const struct config *config = cm_config(s);
	size_t count = cm_auth_result_count(s);
	const struct cm_auth_result **results =
		cm_msg_alloc(s, (count + 1) * sizeof(const struct cm_auth_result *));
	char value[FIELD_SIZE];

	for (size_t i = 0; i < count; i++)
		results[i] = cm_auth_result(s, i);
	write_field(value, sizeof(value), cm_authserv_id(s), results, count, config->show_login);
	return cm_insert_header(s, 0, FIELD, value);
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	bool trusted = cm_client_in(s, config->trusted_relays);
	enum cm_verdict v = trusted ? CM_CONTINUE : remove_forged(s);

	(void)ev;
	return insert_ours(s) || v != CM_CONTINUE ? v : CM_FAILED;
}

/* --- the tables --- */

static bool
check_id(const char *text, char *why, size_t why_size)
{
	if (is_token(text) && id_length(text) > 0 && strlen(text) < ID_SIZE)
		return true;
	snprintf(why, why_size, "\"%.60s\" is not an authserv-id, such as mx2.example.com", text);
	return false;
}

/* RFC 5322 section 2.2. Those of ARC are covered by its seals. */
static bool
check_name(const char *text, char *why, size_t why_size)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~' && text[len] != ':')
		len++;
	if (len == 0 || text[len] != '\0')
		snprintf(why, why_size, "\"%.60s\" is not the name of a header field", text);
	else if (strncasecmp(text, "ARC-", 4) == 0)
		snprintf(why, why_size, "%.60s must stay, or ARC breaks", text);
	else
		return true;
	return false;
}

#define AT(field) offsetof(struct config, field)

static const struct cm_option options[] = {
	{"extra_ids", CM_OPT_LIST, AT(extra_ids), .since = "0.1", .check = check_id,
		.help = "further authserv-ids that are ours: fields with them are removed, too"},
	{"remove_fields", CM_OPT_LIST, AT(remove_fields), .since = "0.1", .check = check_name,
		.help = "further fields to treat so, such as X-Authentication-Results"},
	{"show_login", CM_OPT_BOOL, AT(show_login), "no", .since = "0.1",
		.help = "smtp.auth= tells every recipient the login"},
	{"trusted_relays", CM_OPT_NETWORKS, AT(trusted_relays), .since = "0.1",
		.help = "clients whose fields stay: mail servers of ours that write them"},
};

static const char *const after[] = {"arc", "auth", "dkim", "dmarc", "dnsbl", "rdns", "spf", NULL};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "auth_results",
	.help = "writes Authentication-Results, and removes those that strangers wrote as us",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.needs = CM_NEED_HEADERS | CM_EDIT_HEADERS | CM_AFTER_ACCEPT,
	.after = after,
	.eom = eom,
};
