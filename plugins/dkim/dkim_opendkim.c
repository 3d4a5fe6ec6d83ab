/* SPDX-License-Identifier: MIT */
/*
 * dkim_opendkim.c - the engine made of libopendkim
 *
 * The library gets to see only signatures that were read before: Debian's reads behind the end of
 * some i=. It asks no DNS: keys come from the jobs, written anew, for it does not take all that the
 * standard allows. It is slow with relaxed bodies, and parses each key anew.
 */
#include <opendkim/dkim.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/idn.h"
#include "../lib/taglist.h"
#include "dkim_collect.h"
#include "dkim_verifier.h"

/* Seconds by which clocks may differ. The library subtracts them from t= without a look at its
 * size. */
#define DRIFT UINT64_C(300)

struct verifier {
	const struct dkim_message *message;
	DKIM *dkim;
	bool broken, refused;
	bool begun;		   /* the body has octets */
	unsigned char last[2];	   /* of them */
	DKIM_SIGINFO **of_job;	   /* NULL: the library has none */
	struct canon_body **tails; /* of jobs with l=: the library cannot tell what is behind it */
};

/* --- the library -------------------------------------------------------------------------------
 */

/* Made once and never ended: it is shared by all sessions, and nothing of it changes later. */
static DKIM_LIB *library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* "v=DKIM1; k=rsa; p=..." of a key that was read; false: it does not fit. */
static bool
write_key(const struct dkim_key *key, unsigned char *out, size_t size)
{
	unsigned char der[DKIM_SIG_OCTETS_MOST + 64];
	size_t len = dkim_key_octets(key, der, sizeof(der)), used;
	const char *type = key->type == DKIM_KEY_ED25519 ? "ed25519" : "rsa";

	used = (size_t)snprintf((char *)out, size, "v=DKIM1; k=%s; p=", type);
	return len > 0 && taglist_write_base64(der, len, (char *)out + used, size - used);
}

static DKIM_CBSTAT
find_key(DKIM *dkim, DKIM_SIGINFO *info, u_char *out, size_t size)
{
	const struct verifier *v = dkim_get_user_context(dkim);

	for (size_t i = 0; i < v->message->job_count; i++) {
		const struct dkim_job *job = v->message->jobs[i];

		if (v->of_job[i] == info && job->key != NULL)
			return write_key(job->key, out, size) ? DKIM_CBSTAT_CONTINUE
							      : DKIM_CBSTAT_NOTFOUND;
	}
	return DKIM_CBSTAT_NOTFOUND;
}

static void
open_library(void)
{
	unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC;
	unsigned bits = DKIM_KEY_BITS_LEAST;
	uint64_t drift = DRIFT;
	DKIM_LIB *lib = dkim_init(NULL, NULL);

	if (lib == NULL)
		return;
	if (dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) ==
			DKIM_STAT_OK &&
		dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof(bits)) ==
			DKIM_STAT_OK &&
		dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof(drift)) ==
			DKIM_STAT_OK &&
		dkim_set_key_lookup(lib, find_key) == DKIM_STAT_OK)
		library = lib;
	else
		dkim_close(lib);
}

/* --- the header --------------------------------------------------------------------------------
 */

/* The field as the library takes it: one string, its lines with CRLF. */
static bool
put_field(DKIM *dkim, const struct canon_field *f)
{
	unsigned char *text = malloc(f->name_len + 2 * f->len + 2), *p = text;
	DKIM_STAT status;

	if (text == NULL)
		return false;
	memcpy(p, f->name, f->name_len);
	p += f->name_len;
	*p++ = ':';
	for (size_t i = 0; i < f->len; i++) {
		if (f->value[i] == '\n' && (i == 0 || f->value[i - 1] != '\r'))
			*p++ = '\r';
		*p++ = (unsigned char)f->value[i];
	}
	*p = '\0';
	status = dkim_header(dkim, text, (size_t)(p - text));
	free(text);
	/* What is no field cannot be signed, either. */
	return status == DKIM_STAT_OK || status == DKIM_STAT_SYNTAX;
}

/* Not a signature, or one that was read and may be shown. */
static bool
harmless(const struct canon_field *f)
{
	struct dkim_sig sig;
	const char *why;

	if (f->name_len > DKIM_NAME_MOST)
		return false;
	return !dkim_is_signature(f) || dkim_sig_read(&sig, DKIM_SIG_DKIM, f->value, f->len, &why);
}

/* More signatures than are ever looked at. */
static bool
crowded(const struct dkim_message *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->field_count; i++)
		count += dkim_is_signature(&m->fields[i]);
	return count > DKIM_SIGNATURES_MOST;
}

static bool
is_verified(const struct dkim_message *m, size_t field)
{
	size_t i = 0;

	while (i < m->job_count && m->jobs[i]->field != field)
		i++;
	return i < m->job_count;
}

/* Those that are signed, and of signatures those that are verified or, where they are few, all. */
static void
choose_fields(const struct dkim_message *m, const struct dkim_fields *fields, bool *shown)
{
	bool few = !crowded(m);
	size_t picked[DKIM_SIG_NAMES_MOST];

	for (size_t i = 0; i < m->job_count; i++) {
		size_t count = dkim_hash_pick(fields, &m->jobs[i]->sig, m->jobs[i]->field, picked);

		while (count-- > 0)
			shown[picked[count]] = true;
	}
	for (size_t i = 0; i < m->field_count; i++) {
		if (dkim_is_signature(&m->fields[i]))
			shown[i] = few || is_verified(m, i);
	}
}

/*
 * The library hashes the body for each signature it is shown, those it is to ignore, too, and looks
 * through all fields it is shown for each name of h=.
 */
static bool
put_fields(struct verifier *v)
{
	const struct dkim_message *m = v->message;
	bool *shown = calloc(m->field_count + 1, sizeof(*shown));
	struct dkim_fields fields;
	bool done = dkim_fields_init(&fields, m->fields, m->field_count) && shown != NULL;

	if (done)
		choose_fields(m, &fields, shown);
	for (size_t i = 0; done && i < m->field_count; i++) {
		if (shown[i] && harmless(&m->fields[i]))
			done = put_field(v->dkim, &m->fields[i]);
	}
	dkim_fields_fini(&fields);
	free(shown);
	return done;
}

/* Both without white space. */
static bool
same_octets(const char *a, const char *b, size_t blen)
{
	size_t at = 0;

	for (; *a != '\0'; a++) {
		if (taglist_blank(*a))
			continue;
		while (at < blen && taglist_blank(b[at]))
			at++;
		if (at == blen || b[at++] != *a)
			return false;
	}
	while (at < blen && taglist_blank(b[at]))
		at++;
	return at == blen;
}

/* The value of the tag is the same in both, or both have none. */
static bool
same_tag(DKIM_SIGINFO *info, const struct taglist *list, const char *name)
{
	const char *theirs =
		(const char *)dkim_sig_gettagvalue(info, false, (u_char *)(uintptr_t)name);
	const struct taglist_tag *ours = taglist_find(list, name);

	if (theirs == NULL || ours == NULL)
		return theirs == NULL && ours == NULL;
	return same_octets(theirs, ours->value, ours->len);
}

/*
 * b= alone would not do: anybody can put a copy of a signature beside it, with another algorithm.
 * Other tags than these the library makes up where they are not there.
 */
static bool
is_of(DKIM_SIGINFO *info, const struct dkim_job *job)
{
	static const char *const names[] = {"b", "a", "bh", "d", "h", "l", "s", "t", "x"};
	struct taglist list;
	const char *why;
	size_t i = 0, count = sizeof(names) / sizeof(*names);

	if (!taglist_parse(&list, job->sig.value, job->sig.len, &why))
		return false;
	while (i < count && same_tag(info, &list, names[i]))
		i++;
	return i == count;
}

/* Finds the library's signature of each job, and has it leave the others alone. */
static void
find_signatures(struct verifier *v)
{
	DKIM_SIGINFO **infos = NULL;
	int count = 0;

	if (dkim_getsiglist(v->dkim, &infos, &count) != DKIM_STAT_OK)
		return;
	for (int i = 0; i < count; i++) {
		size_t at = 0;

		while (at < v->message->job_count &&
			(v->of_job[at] != NULL || !is_of(infos[i], v->message->jobs[at])))
			at++;
		if (at < v->message->job_count)
			v->of_job[at] = infos[i];
		else
			dkim_sig_ignore(infos[i]);
	}
}

/* --- the engine --------------------------------------------------------------------------------
 */

static bool
begin_tails(struct verifier *v)
{
	for (size_t i = 0; i < v->message->job_count; i++) {
		const struct dkim_sig *sig = &v->message->jobs[i]->sig;

		if (sig->limit == CANON_ALL)
			continue;
		v->tails[i] = malloc(sizeof(**v->tails));
		if (v->tails[i] == NULL || !canon_body_init(v->tails[i], sig->body, sig->limit))
			return false;
	}
	return true;
}

static void
end(void *engine)
{
	struct verifier *v = engine;

	if (v == NULL)
		return;
	for (size_t i = 0; v->tails != NULL && i < v->message->job_count; i++) {
		if (v->tails[i] != NULL)
			canon_body_fini(v->tails[i]);
		free(v->tails[i]);
	}
	if (v->dkim != NULL)
		dkim_free(v->dkim);
	free(v->tails);
	free(v->of_job);
	free(v);
}

static bool
begin_verifier(struct verifier *v, const struct dkim_message *m)
{
	DKIM_STAT status;

	v->message = m;
	v->tails = calloc(m->job_count + 1, sizeof(*v->tails));
	v->of_job = calloc(m->job_count + 1, sizeof(*v->of_job));
	pthread_once(&once, open_library);
	if (library == NULL || v->tails == NULL || v->of_job == NULL || !begin_tails(v))
		return false;
	v->dkim = dkim_verify(library, (const unsigned char *)"message", NULL, &status);
	if (v->dkim == NULL || dkim_set_user_context(v->dkim, v) != DKIM_STAT_OK)
		return false;
	if (!put_fields(v))
		return false;
	/* It wants a From that it can parse. Other doubts show when each signature is asked for. */
	v->refused = dkim_eoh(v->dkim) == DKIM_STAT_SYNTAX;
	find_signatures(v);
	return true;
}

static void *
begin(const struct dkim_message *m)
{
	struct verifier *v = calloc(1, sizeof(*v));

	if (v != NULL && !begin_verifier(v, m)) {
		end(v);
		v = NULL;
	}
	return v;
}

static void
put_body(struct verifier *v, const void *data, size_t len)
{
	if (!v->broken && !v->refused &&
		dkim_body(v->dkim, (u_char *)(uintptr_t)data, len) != DKIM_STAT_OK)
		v->broken = true;
}

static void
remember_last(struct verifier *v, const unsigned char *data, size_t len)
{
	if (len > 0) {
		v->last[0] = len > 1 ? data[len - 2] : v->last[1];
		v->last[1] = data[len - 1];
		v->begun = true;
	}
}

/* Without it the library calls a message wrong whose last line has no end. */
static void
end_last_line(struct verifier *v)
{
	if (v->begun && (v->last[0] != '\r' || v->last[1] != '\n'))
		put_body(v, "\r\n", 2);
}

static void
body(void *engine, const void *data, size_t len)
{
	struct verifier *v = engine;

	put_body(v, data, len);
	remember_last(v, data, len);
	for (size_t i = 0; i < v->message->job_count; i++) {
		if (v->tails[i] != NULL)
			canon_body_put(v->tails[i], data, len);
	}
}

/* Times were checked before, by the session's clock; the library has one of its own. */
static bool
about_time(DKIM_SIGINFO *info)
{
	switch (dkim_sig_geterror(info)) {
	case DKIM_SIGERROR_EXPIRED:
	case DKIM_SIGERROR_FUTURE:
	case DKIM_SIGERROR_TIMESTAMPS:
		return true;
	default:
		return false;
	}
}

/* RFC 8616 section 5 came behind the library. */
static bool
above_ascii(const struct dkim_sig *sig)
{
	return idn_wanted(sig->value, sig->len);
}

static enum dkim_check
check(const struct verifier *v, DKIM_SIGINFO *info, const struct dkim_sig *sig)
{
	if (v->broken)
		return DKIM_CHECK_BROKEN;
	if (above_ascii(sig))
		return DKIM_CHECK_LETTERS;
	if (v->refused || (info != NULL && about_time(info)))
		return DKIM_CHECK_REFUSED;
	if (info == NULL)
		return DKIM_CHECK_SIGNATURE;
	if (dkim_sig_geterror(info) == DKIM_SIGERROR_TOOLARGE_L)
		return DKIM_CHECK_LENGTH;
	/* The body is compared when the signature is right. */
	if (dkim_sig_getbh(info) == DKIM_SIGBH_MISMATCH)
		return DKIM_CHECK_BODY;
	return (dkim_sig_getflags(info) & DKIM_SIGFLAG_PASSED) != 0 &&
			       dkim_sig_getbh(info) == DKIM_SIGBH_MATCH
		       ? DKIM_CHECK_GOOD
		       : DKIM_CHECK_SIGNATURE;
}

static void
finish(void *engine)
{
	struct verifier *v = engine;
	bool testing;

	for (size_t i = 0; i < v->message->job_count; i++) {
		if (v->of_job[i] != NULL && v->message->jobs[i]->key == NULL)
			dkim_sig_ignore(v->of_job[i]);
	}
	end_last_line(v);
	if (!v->refused)
		(void)dkim_eom(v->dkim, &testing);
	for (size_t i = 0; i < v->message->job_count; i++) {
		struct dkim_job *job = v->message->jobs[i];
		unsigned char hash[DIGEST_SIZE];

		if (v->tails[i] != NULL && !canon_body_end(v->tails[i], hash))
			v->broken = true;
		job->tail = v->tails[i] != NULL && v->tails[i]->length > job->sig.limit;
		if (job->key != NULL)
			job->check = check(v, v->of_job[i], &job->sig);
	}
}

const struct dkim_engine dkim_opendkim = {
	.name = "opendkim", .begin = begin, .body = body, .finish = finish, .end = end};
