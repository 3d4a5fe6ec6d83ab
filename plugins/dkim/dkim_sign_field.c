/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign_field.c - a DKIM-Signature field for a message (RFC 6376 section 5)
 *
 * Every field of a name that is signed is in h=, so none of them can be taken for another. Pure: it
 * knows no session.
 */
#include "dkim_sign_field.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../lib/taglist.h"

/* Columns after which a line is folded (RFC 5322 section 2.1.1), and those of a tab. */
#define LINE_COLUMNS 76u
#define TAB_COLUMNS  8u
/* Octets of base64 of the longest signature, with its end. */
#define BASE64_SIZE ((DKIM_PRIVATE_OCTETS + 2) / 3 * 4 + 1)

/*
 * Section 5.4.1, and what else says how the message is shown and what it belongs to: RFC 8058
 * section 4 wants List-Unsubscribe-Post.
 */
static const char *const names[] = {
	"From",
	"Sender",
	"Reply-To",
	"Subject",
	"Date",
	"Message-ID",
	"To",
	"Cc",
	"MIME-Version",
	"Content-Type",
	"Content-Transfer-Encoding",
	"In-Reply-To",
	"References",
	"Resent-Date",
	"Resent-From",
	"Resent-Sender",
	"Resent-To",
	"Resent-Cc",
	"Resent-Message-ID",
	"List-Id",
	"List-Help",
	"List-Unsubscribe",
	"List-Unsubscribe-Post",
	"List-Subscribe",
	"List-Post",
	"List-Owner",
	"List-Archive",
};

#define NAMES (sizeof(names) / sizeof(*names))

/* What each server on the way adds, changes or removes. */
static const char *const never[] = {
	"ARC-Authentication-Results",
	"ARC-Message-Signature",
	"ARC-Seal",
	"Authentication-Results",
	"Bcc",
	"Comments",
	"DKIM-Signature",
	"Delivered-To",
	"Keywords",
	"Received",
	"Received-SPF",
	"Resent-Bcc",
	"Return-Path",
};

#define NEVER (sizeof(never) / sizeof(*never))

/* What a server on the way adds where it lacks (RFC 6409 sections 8.2, 8.3). */
static const char *const supplied[] = {
	"Date",
	"Message-ID",
};

#define SUPPLIED (sizeof(supplied) / sizeof(*supplied))

static bool
in_list(const char *const *list, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcasecmp(list[i], name) != 0)
		i++;
	return i < count;
}

bool
dkim_sign_check_name(const char *name, char *why, size_t why_size)
{
	size_t len = strlen(name);

	if (len == 0 || len > DKIM_SIGN_NAME_MOST) {
		snprintf(
			why, why_size, "a name of a field has 1 to %u octets", DKIM_SIGN_NAME_MOST);
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (name[i] > ' ' && name[i] <= '~' && strchr(":;", name[i]) == NULL)
			continue;
		snprintf(why, why_size, "\"%.64s\" cannot be the name of a field", name);
		return false;
	}
	if (!in_list(never, NEVER, name))
		return true;
	snprintf(why, why_size, "servers on the way change %.64s, so signatures would break", name);
	return false;
}

/* --- the value as it grows --- */

struct value {
	char *data;
	size_t len, columns;
	bool full;
	struct dkim_sig *sig; /* what is hashed: gets the places of the names */
};

static void
put(struct value *v, const char *text, size_t len)
{
	if (len + 2 > DKIM_SIGN_VALUE_SIZE - v->len) {
		v->full = true;
		return;
	}
	memcpy(v->data + v->len, text, len);
	v->len += len;
	v->columns += len;
	v->data[v->len] = '\0';
}

static void
fold(struct value *v)
{
	put(v, "\n\t", 2);
	v->columns = TAB_COLUMNS;
}

/* A tag that is not divided; on a line of its own where it does not fit. */
static void __attribute__((format(printf, 2, 3))) put_tag(struct value *v, const char *format, ...)
{
	char text[600];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (v->len > 0 && v->columns + 1 + (size_t)len > LINE_COLUMNS)
		fold(v);
	else if (v->len > 0)
		put(v, " ", 1);
	put(v, text, (size_t)len);
}

static void
put_name(struct value *v, const char *name)
{
	struct dkim_sig *sig = v->sig;
	size_t len = strlen(name);

	if (sig->name_count == DKIM_SIG_NAMES_MOST) {
		v->full = true;
		return;
	}
	if (sig->name_count > 0)
		put(v, ":", 1);
	if (v->columns + len + 1 > LINE_COLUMNS)
		fold(v);
	sig->names[sig->name_count++] = (struct dkim_sig_name){(uint32_t)v->len, (uint32_t)len};
	put(v, name, len);
}

static void
put_base64(struct value *v, const unsigned char *data, size_t len)
{
	char text[BASE64_SIZE];
	bool fits = taglist_write_base64(data, len, text, sizeof(text));
	size_t left = fits ? strlen(text) : 0, at = 0;

	while (at < left) {
		size_t room = v->columns < LINE_COLUMNS ? LINE_COLUMNS - v->columns : 0;
		size_t piece = left - at < room ? left - at : room;

		put(v, text + at, piece);
		at += piece;
		if (at < left)
			fold(v);
	}
}

/* --- h= --- */

static bool
is_named(const struct canon_field *f, const char *name, size_t len)
{
	size_t n = f->name_len;

	while (n > 0 && (f->name[n - 1] == ' ' || f->name[n - 1] == '\t'))
		n--;
	return n == len && strncasecmp(f->name, name, len) == 0;
}

/*
 * Once for each field, and once more against those that are added later: the first one, too, unless
 * a server may have to add it.
 */
static void
put_fields(struct value *v, const struct dkim_sign_message *m, const char *name, bool oversign)
{
	size_t len = strlen(name), found = 0;

	for (size_t i = 0; i < m->fields->count; i++) {
		if (!is_named(&m->fields->items[i], name, len))
			continue;
		put_name(v, name);
		found++;
	}
	if (oversign && (found > 0 || !in_list(supplied, SUPPLIED, name)))
		put_name(v, name);
}

static void
put_names(struct value *v, const struct dkim_sign_message *m)
{
	const struct dkim_sign_style *style = m->style;

	put_tag(v, "h=");
	for (size_t i = 0; i < NAMES; i++)
		put_fields(
			v, m, names[i], in_list(style->oversign, style->oversign_count, names[i]));
	for (size_t i = 0; i < style->oversign_count; i++) {
		if (!in_list(names, NAMES, style->oversign[i]) &&
			!in_list(style->oversign, i, style->oversign[i]))
			put_fields(v, m, style->oversign[i], true);
	}
	put(v, ";", 1);
}

/* --- the field --- */

static const char *
canon_name(enum canon c)
{
	return c == CANON_SIMPLE ? "simple" : "relaxed";
}

/* All before the signature: nothing of it is removed when it is hashed. */
static void
put_tags(struct value *v, const struct dkim_sign_message *m, const char *domain,
	const char *selector, const char *algorithm)
{
	put_tag(v, "v=1; a=%s; c=%s/%s;", algorithm, canon_name(m->style->header),
		canon_name(m->style->body));
	put_tag(v, "d=%s;", domain);
	put_tag(v, "s=%s;", selector);
	put_tag(v, "t=%" PRId64 ";", m->now);
	if (m->style->expire_s > 0)
		put_tag(v, "x=%" PRId64 ";", m->now + m->style->expire_s);
	put_names(v, m);
	fold(v);
	put(v, "bh=", 3);
	put_base64(v, m->body_hash, DIGEST_SIZE);
	put(v, ";", 1);
	fold(v);
	put(v, "b=", 2);
}

/*
 * The mail server writes a blank behind the colon, which counts where header fields are simple
 * (section 3.4.1): value is in front of the text by that blank.
 */
static bool
hash(const struct dkim_sign_message *m, struct dkim_sig *sig, const char *value, size_t len,
	unsigned char out[DIGEST_SIZE])
{
	const struct canon_field self = {DKIM_SIGN_FIELD, value, sizeof(DKIM_SIGN_FIELD) - 1, len};
	struct digest d;
	bool done = digest_init(&d);

	if (done) {
		dkim_hash_names(&d, m->fields, sig, m->fields->count);
		dkim_hash_self(&d, &self, sig);
		done = digest_end(&d, out);
	}
	digest_fini(&d);
	return done;
}

enum dkim_sign_end
dkim_sign_field(const struct dkim_sign_message *m, const char *domain, const char *selector,
	const struct dkim_private *key, char *out)
{
	unsigned char digest[DIGEST_SIZE], octets[DKIM_PRIVATE_OCTETS];
	struct dkim_sig sig = {.header = m->style->header, .value = out + 1};
	struct value v = {
		.data = out + 1, .columns = sizeof(DKIM_SIGN_FIELD ": ") - 1, .sig = &sig};
	size_t len;

	out[0] = ' ';
	put_tags(&v, m, domain, selector, dkim_private_algorithm(key));
	if (v.full)
		return DKIM_SIGN_FULL;
	len = hash(m, &sig, out, v.len + 1, digest) ? dkim_private_sign(key, digest, octets) : 0;
	if (len == 0)
		return DKIM_SIGN_BROKEN;
	put_base64(&v, octets, len);
	memmove(out, out + 1, v.len + 1);
	return v.full ? DKIM_SIGN_FULL : DKIM_SIGN_GOOD;
}
