/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign_field.h - a DKIM-Signature field for a message (RFC 6376 section 5)
 */
#ifndef PLUGINS_DKIM_SIGN_FIELD_H
#define PLUGINS_DKIM_SIGN_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/canon.h"
#include "../lib/dkim_hash.h"
#include "../lib/dkim_private.h"

#define DKIM_SIGN_FIELD "DKIM-Signature"
/* Octets of a value: DKIM_SIG_NAMES_MOST names, a hash and a signature, with their folds. */
#define DKIM_SIGN_VALUE_SIZE 24576u
/* Octets of a name in h=. */
#define DKIM_SIGN_NAME_MOST 64u

/* How all messages are signed. */
struct dkim_sign_style {
	enum canon header, body;
	const char *const *oversign; /* names that nobody may add a field of (section 5.4.2) */
	size_t oversign_count;
	int64_t expire_s; /* x= behind t=; 0: none */
};

/* A message whose fields are known; all pointers are borrowed. */
struct dkim_sign_message {
	const struct dkim_sign_style *style;
	const struct dkim_fields *fields; /* as the mail server will send them */
	unsigned char body_hash[DIGEST_SIZE];
	int64_t now; /* seconds since 1970 */
};

enum dkim_sign_end {
	DKIM_SIGN_GOOD,
	DKIM_SIGN_FULL,	 /* more fields of the names that are signed than a signature covers */
	DKIM_SIGN_BROKEN /* OpenSSL failed */
};

/*
 * The value of a field that signs the message, its folds as LF; the field goes above all others.
 * out has DKIM_SIGN_VALUE_SIZE octets. l= is never written.
 */
enum dkim_sign_end dkim_sign_field(const struct dkim_sign_message *, const char *domain,
	const char *selector, const struct dkim_private *, char *out);

/* For a setting: the name may be signed (section 5.4.1). False: why says why not. */
bool dkim_sign_check_name(const char *name, char *why, size_t why_size);

#endif
