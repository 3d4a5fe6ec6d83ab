/* SPDX-License-Identifier: MIT */
/*
 * arc_seal_set.c - the next ARC set of a message (RFC 8617 section 5.1)
 */
#include "arc_seal_set.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../lib/taglist.h"

/* Columns of a line (RFC 5322 section 2.1.1), of which a tab takes eight. */
#define LINE_OCTETS 68u
/* Fields of one name that are covered; more of them are nobody's honest work. */
#define FIELDS_MOST 12u
/* In h=; what we write we must read. */
#define NAMES_MOST 200u
/* In base64, with their ends: the longest signature, and a hash. */
#define SIGNATURE_SIZE ((DKIM_PRIVATE_OCTETS + 2) / 3 * 4 + 1)
#define HASH_SIZE      ((DIGEST_SIZE + 2) / 3 * 4 + 1)

/*
 * What is covered: what a reader sees or a program acts on (RFC 6376 section 5.4.1), and signatures
 * that are there (RFC 8617 section 4.1.2). Not what servers on the way add or take away.
 */
static const char *const covered[] = {
	"from",
	"sender",
	"reply-to",
	"to",
	"cc",
	"subject",
	"date",
	"message-id",
	"in-reply-to",
	"references",
	"mime-version",
	"content-type",
	"content-transfer-encoding",
	"content-disposition",
	"content-id",
	"list-id",
	"list-help",
	"list-post",
	"list-owner",
	"list-archive",
	"list-subscribe",
	"list-unsubscribe",
	"list-unsubscribe-post",
	"dkim-signature",
	NULL,
};

const char *
arc_seal_hinders(const struct arc_chain *chain)
{
	if (chain->dead)
		return "the chain is broken, and its newest seal says so";
	if (chain->newest >= ARC_SETS_MOST)
		return "there are 50 sets already";
	return NULL;
}

unsigned
arc_seal_instance(const struct arc_chain *chain)
{
	return chain->newest + 1;
}

/* --- text --- */

struct text {
	char *data;
	size_t size, len;
	size_t line; /* where it begins */
	bool full;
};

static void put(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->data + t->len, t->size - t->len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->size - t->len) {
		t->full = true;
		return;
	}
	t->len += (size_t)n;
}

/* A new line where what comes would not fit into this one. */
static void
fold(struct text *t, size_t len)
{
	if (t->len - t->line + len <= LINE_OCTETS)
		return;
	put(t, "\n\t");
	t->line = t->len;
}

static void
begin_line(struct text *t)
{
	put(t, "\n\t");
	t->line = t->len;
}

static void
put_signature(struct text *t, const char *signature)
{
	size_t left = strlen(signature);

	while (left > 0) {
		size_t len = left < LINE_OCTETS ? left : LINE_OCTETS;

		put(t, "%.*s", (int)len, signature);
		signature += len;
		left -= len;
		if (left > 0)
			begin_line(t);
	}
}

/* --- the message signature --- */

static bool
is_named(const struct canon_field *f, const char *name)
{
	size_t len = f->name_len;

	while (len > 0 && taglist_blank(f->name[len - 1]))
		len--;
	return taglist_is(f->name, len, name);
}

/* How often a name is in h=: as often as in the message; From once more, so none can be added. */
static size_t
times(const struct arc_seal_job *job, size_t row)
{
	size_t count = 0;

	for (size_t i = 0; i < job->count && count < FIELDS_MOST; i++)
		count += is_named(&job->fields[i], covered[row]);
	return row == 0 ? count + 1 : count;
}

static void
put_name(struct text *t, struct dkim_sig *sig, const char *name)
{
	size_t len = strlen(name);

	if (sig->name_count == NAMES_MOST)
		return;
	if (sig->name_count > 0)
		put(t, ":");
	fold(t, len + 1);
	sig->names[sig->name_count++] = (struct dkim_sig_name){(uint32_t)t->len, (uint32_t)len};
	put(t, "%s", name);
}

static void
put_names(struct text *t, struct dkim_sig *sig, const struct arc_seal_job *job)
{
	for (size_t row = 0; covered[row] != NULL; row++) {
		for (size_t n = times(job, row); n > 0; n--)
			put_name(t, sig, covered[row]);
	}
}

/* Signs what was hashed, and puts the signature behind the empty b=. */
static bool
sign(struct text *t, struct digest *d, const struct dkim_private *key)
{
	unsigned char hash[DIGEST_SIZE], octets[DKIM_PRIVATE_OCTETS];
	char signature[SIGNATURE_SIZE];
	size_t len = t->full || !digest_end(d, hash) ? 0 : dkim_private_sign(key, hash, octets);

	if (len == 0 || !taglist_write_base64(octets, len, signature, sizeof(signature)))
		return false;
	put_signature(t, signature);
	return !t->full;
}

static bool
make_message(struct arc_seal_set *set, const struct arc_seal_job *job)
{
	struct text t = {.data = set->message, .size = sizeof(set->message)};
	struct dkim_sig sig = {.value = set->message, .header = CANON_RELAXED};
	char body[HASH_SIZE];
	struct dkim_fields fields;
	struct canon_field self;
	struct digest d;
	bool done;

	if (!taglist_write_base64(job->body, DIGEST_SIZE, body, sizeof(body)))
		return false;
	put(&t, "i=%u; a=%s; c=relaxed/relaxed;", arc_seal_instance(job->chain),
		dkim_private_algorithm(job->key));
	begin_line(&t);
	put(&t, "d=%s; s=%s; t=%" PRId64 ";", job->domain, job->selector, job->now);
	begin_line(&t);
	put(&t, "h=");
	put_names(&t, &sig, job);
	put(&t, ";");
	begin_line(&t);
	put(&t, "bh=%s;", body);
	begin_line(&t);
	put(&t, "b=");
	if (t.full || !dkim_fields_init(&fields, job->fields, job->count))
		return false;
	done = digest_init(&d);
	if (done) {
		self = canon_field_of("ARC-Message-Signature", set->message, true, NULL);
		dkim_hash_names(&d, &fields, &sig, fields.count);
		canon_field(&d, CANON_RELAXED, &self, 0, 0);
		done = sign(&t, &d, job->key);
	}
	digest_fini(&d);
	dkim_fields_fini(&fields);
	return done;
}

/* --- the seal --- */

static void
put_own(struct digest *d, const char *name, const char *value, const char *end)
{
	const struct canon_field f = canon_field_of(name, value, true, NULL);

	canon_field(d, CANON_RELAXED, &f, 0, 0);
	digest_put(d, end, strlen(end));
}

/* Section 5.1.2: of a chain that is broken nobody can tell which fields it has. */
static bool
make_seal(struct arc_seal_set *set, const struct arc_seal_job *job)
{
	struct text t = {.data = set->seal, .size = sizeof(set->seal)};
	unsigned instance = arc_seal_instance(job->chain);
	struct digest d;
	bool done = digest_init(&d);

	put(&t, "i=%u; a=%s; cv=%s; t=%" PRId64 ";", instance, dkim_private_algorithm(job->key),
		arc_status_name(job->status), job->now);
	begin_line(&t);
	put(&t, "d=%s; s=%s;", job->domain, job->selector);
	begin_line(&t);
	put(&t, "b=");
	if (done) {
		arc_seal_put(&d, job->chain, job->status == ARC_PASS ? instance : 1);
		put_own(&d, "ARC-Authentication-Results", job->results, "\r\n");
		put_own(&d, "ARC-Message-Signature", set->message, "\r\n");
		put_own(&d, "ARC-Seal", set->seal, "");
		done = sign(&t, &d, job->key);
	}
	digest_fini(&d);
	return done;
}

bool
arc_seal_set_make(struct arc_seal_set *set, const struct arc_seal_job *job)
{
	if (job->status == ARC_PASS && job->chain->problem[0] != '\0')
		return false;
	return make_message(set, job) && make_seal(set, job);
}
