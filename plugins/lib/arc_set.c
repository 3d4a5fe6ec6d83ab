/* SPDX-License-Identifier: MIT */
/*
 * arc_set.c - the ARC sets of a message (RFC 8617 section 4)
 */
#include "arc_set.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authres.h"
#include "taglist.h"

static const char *const kinds[] = {
	[ARC_RESULTS] = "ARC-Authentication-Results",
	[ARC_MESSAGE] = "ARC-Message-Signature",
	[ARC_SEAL] = "ARC-Seal",
};

static const char *const statuses[] = {
	[ARC_NONE] = "none",
	[ARC_PASS] = "pass",
	[ARC_FAIL] = "fail",
};

const char *
arc_status_name(enum arc_status status)
{
	return statuses[status];
}

/* --- problems --- */

static void complain(struct arc_chain *, unsigned at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The first one counts. */
static void
complain(struct arc_chain *chain, unsigned at, const char *format, ...)
{
	va_list args;

	if (chain->problem[0] != '\0')
		return;
	chain->problem_at = at;
	va_start(args, format);
	vsnprintf(chain->problem, sizeof(chain->problem), format, args);
	va_end(args);
}

/* --- instances --- */

/* 1*2DIGIT from 1 to 50 (section 4.2.1); 0: something else. */
static unsigned
read_instance(const char *text, size_t len)
{
	unsigned n = 0;

	if (len == 0 || len > 2)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	return n <= ARC_SETS_MOST ? n : 0;
}

/* Behind CFWS, the character and CFWS; NULL: it is another one. */
static const char *
skip_char(const char *p, char c)
{
	p = p == NULL ? NULL : authres_skip_cfws(p);
	return p != NULL && *p == c ? authres_skip_cfws(p + 1) : NULL;
}

const char *
arc_results_payload(const char *value, unsigned *instance)
{
	const char *p = skip_char(skip_char(value, 'i'), '=');
	size_t len = p == NULL ? 0 : strspn(p, "0123456789");

	*instance = read_instance(p, len);
	p = *instance == 0 ? NULL : authres_skip_cfws(p + len);
	return p != NULL && *p == ';' ? p + 1 : NULL;
}

/* 0: *why says what is wrong. */
static unsigned
instance_of(enum arc_kind kind, const struct canon_field *f, const char **why)
{
	const struct taglist_tag *tag = NULL;
	struct taglist list;
	unsigned instance = 0;

	*why = "it has no instance (i=) from 1 to 50";
	if (kind == ARC_RESULTS) {
		if (arc_results_payload(f->value, &instance) == NULL)
			return 0;
	} else {
		if (!taglist_parse(&list, f->value, f->len, why))
			return 0;
		*why = "it has no instance (i=) from 1 to 50";
		tag = taglist_find(&list, "i");
	}
	return tag == NULL ? instance : read_instance(tag->value, tag->len);
}

/* --- finding --- */

static bool
kind_of(const struct canon_field *f, enum arc_kind *kind)
{
	size_t len = f->name_len;

	while (len > 0 && taglist_blank(f->name[len - 1]))
		len--;
	for (int i = 0; i < ARC_KINDS; i++) {
		*kind = (enum arc_kind)i;
		if (taglist_is(f->name, len, kinds[i]))
			return true;
	}
	return false;
}

static void
place(struct arc_chain *chain, enum arc_kind kind, const struct canon_field *f)
{
	const char *why;
	unsigned instance = instance_of(kind, f, &why);
	const struct canon_field **at;

	chain->field_count++;
	if (instance == 0) {
		complain(chain, 0, "an %s cannot be used: %s", kinds[kind], why);
		return;
	}
	if (instance > chain->newest)
		chain->newest = instance;
	at = &chain->sets[instance - 1].fields[kind];
	if (*at != NULL)
		complain(chain, instance, "there are two %s", kinds[kind]);
	*at = f;
}

static void
check_complete(struct arc_chain *chain)
{
	for (unsigned i = 1; i <= chain->newest; i++) {
		for (int kind = 0; kind < ARC_KINDS; kind++) {
			if (chain->sets[i - 1].fields[kind] == NULL)
				complain(chain, i, "there is no %s", kinds[kind]);
		}
	}
}

/* --- reading --- */

/* False: there is no cv=, or another value. */
static bool
read_status(const struct canon_field *seal, enum arc_status *status)
{
	const struct taglist_tag *cv;
	struct taglist list;
	const char *why;

	cv = taglist_parse(&list, seal->value, seal->len, &why) ? taglist_find(&list, "cv") : NULL;
	for (int i = ARC_NONE; cv != NULL && i <= ARC_FAIL; i++) {
		*status = (enum arc_status)i;
		if (taglist_is(cv->value, cv->len, statuses[i]))
			return true;
	}
	return false;
}

/* Section 4.1.3: not allowed, for it is not the seal that says what it covers. */
static bool
names_fields(const struct canon_field *seal)
{
	struct taglist list;
	const char *why;

	return taglist_parse(&list, seal->value, seal->len, &why) &&
	       taglist_find(&list, "h") != NULL;
}

static void
check_status(struct arc_chain *chain, unsigned i)
{
	struct arc_set *set = &chain->sets[i - 1];

	if (!read_status(set->fields[ARC_SEAL], &set->status))
		complain(chain, i, "cv= of the seal is not none, pass or fail");
	else if (set->status != (i == 1 ? ARC_NONE : ARC_PASS))
		complain(chain, i, "cv=%s cannot be", statuses[set->status]);
	if (names_fields(set->fields[ARC_SEAL]))
		complain(chain, i, "the seal has h=");
}

/* Section 4.1.2: signed by the seal alone, or it could not be added afterwards. */
static bool
covers_seal(const struct dkim_sig *sig)
{
	for (size_t i = 0; i < sig->name_count; i++) {
		if (taglist_is(sig->value + sig->names[i].at, sig->names[i].len, kinds[ARC_SEAL]))
			return true;
	}
	return false;
}

static bool
read_message(struct arc_chain *chain, unsigned i)
{
	struct arc_set *set = &chain->sets[i - 1];
	const struct canon_field *f = set->fields[ARC_MESSAGE];

	set->message = malloc(sizeof(*set->message));
	if (set->message == NULL)
		return false;
	if (dkim_sig_read(
		    set->message, DKIM_SIG_ARC_MESSAGE, f->value, f->len, &set->message_problem) &&
		covers_seal(set->message))
		set->message_problem = "h= has ARC-Seal";
	if (i == chain->newest && set->message_problem != NULL)
		complain(chain, i, "%s cannot be used: %s", kinds[ARC_MESSAGE],
			set->message_problem);
	return true;
}

static bool
read_seal(struct arc_chain *chain, unsigned i)
{
	struct arc_set *set = &chain->sets[i - 1];
	const struct canon_field *f = set->fields[ARC_SEAL];
	const char *why;

	set->seal = malloc(sizeof(*set->seal));
	if (set->seal == NULL)
		return false;
	if (!dkim_sig_read(set->seal, DKIM_SIG_ARC_SEAL, f->value, f->len, &why))
		complain(chain, i, "%s cannot be used: %s", kinds[ARC_SEAL], why);
	return true;
}

static bool
read_all(struct arc_chain *chain)
{
	for (unsigned i = 1; i <= chain->newest; i++) {
		if (!read_message(chain, i) || !read_seal(chain, i))
			return false;
	}
	return true;
}

bool
arc_chain_init(struct arc_chain *chain, const struct canon_field *fields, size_t count)
{
	const struct canon_field *seal;
	enum arc_kind kind;
	enum arc_status status;

	*chain = (struct arc_chain){0};
	for (size_t i = 0; i < count; i++) {
		if (kind_of(&fields[i], &kind))
			place(chain, kind, &fields[i]);
	}
	seal = chain->newest == 0 ? NULL : chain->sets[chain->newest - 1].fields[ARC_SEAL];
	chain->dead = seal != NULL && read_status(seal, &status) && status == ARC_FAIL;
	if (chain->dead && chain->problem[0] == '\0')
		complain(chain, chain->newest, "its seal says that the chain is broken (cv=fail)");
	check_complete(chain);
	for (unsigned i = 1; chain->problem[0] == '\0' && i <= chain->newest; i++)
		check_status(chain, i);
	return chain->problem[0] != '\0' || read_all(chain);
}

void
arc_chain_fini(struct arc_chain *chain)
{
	for (unsigned i = 0; i < ARC_SETS_MOST; i++) {
		free(chain->sets[i].message);
		free(chain->sets[i].seal);
		chain->sets[i].message = chain->sets[i].seal = NULL;
	}
}

/* --- hashing --- */

static void
put_field(struct digest *d, const struct canon_field *f)
{
	canon_field(d, CANON_RELAXED, f, 0, 0);
	digest_put(d, "\r\n", 2);
}

void
arc_seal_put(struct digest *d, const struct arc_chain *chain, unsigned instance)
{
	for (unsigned i = 1; i < instance; i++) {
		for (int kind = 0; kind < ARC_KINDS; kind++)
			put_field(d, chain->sets[i - 1].fields[kind]);
	}
}

/* What was put so far, and behind it the seal itself. */
static bool
hash_seal(const struct digest *so_far, const struct arc_set *set, unsigned char out[DIGEST_SIZE])
{
	struct digest d;
	bool done = digest_copy(&d, so_far);

	if (done) {
		canon_field(&d, CANON_RELAXED, set->fields[ARC_SEAL], set->seal->b_from,
			set->seal->b_to);
		done = digest_end(&d, out);
	}
	digest_fini(&d);
	return done;
}

bool
arc_seal_hashes(const struct arc_chain *chain, unsigned char out[ARC_SETS_MOST][DIGEST_SIZE])
{
	struct digest d;
	bool done = digest_init(&d);

	for (unsigned i = 1; done && i <= chain->newest; i++) {
		const struct arc_set *set = &chain->sets[i - 1];

		put_field(&d, set->fields[ARC_RESULTS]);
		put_field(&d, set->fields[ARC_MESSAGE]);
		done = hash_seal(&d, set, out[i - 1]);
		put_field(&d, set->fields[ARC_SEAL]);
	}
	digest_fini(&d);
	return done;
}
