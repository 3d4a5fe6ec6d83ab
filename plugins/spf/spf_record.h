/* SPDX-License-Identifier: MIT */
/*
 * spf_record.h - records of RFC 7208: which TXT is one, and what its terms say
 */
#ifndef PLUGINS_SPF_RECORD_H
#define PLUGINS_SPF_RECORD_H

#include "spf_check.h"

enum spf_kind {
	SPF_A,
	SPF_ALL,
	SPF_EXISTS,
	SPF_EXP,
	SPF_INCLUDE,
	SPF_IP4,
	SPF_IP6,
	SPF_MX,
	SPF_PTR,
	SPF_REDIRECT,
	SPF_OTHER /* a modifier that nobody knows, and that has no effect (section 6) */
};

/* Points into the record. */
struct spf_term {
	enum spf_kind kind;
	enum spf_code qualifier; /* of a mechanism: what it gives when it matches */
	const char *text;	 /* all of it */
	size_t len;
	const char *spec; /* its domain-spec, well-formed */
	size_t spec_len;  /* 0: it has none */
	unsigned char address[16];
	unsigned bits4, bits6; /* prefix lengths; 32 and 128 where none stands */
};

struct spf_cursor {
	const char *at, *end;
	bool redirect, exp;  /* seen */
	const char *problem; /* NULL, or why the record is no record */
	struct spf_term term;
};

/* How many of the answer's texts are SPF records (section 4.5); *record is the last of them. */
size_t spf_record_choose(const struct cm_dns_answer *, const struct cm_dns_record **record);
/* Begins behind the version of such a record. */
void spf_record_begin(struct spf_cursor *, const char *text, size_t len);
/* The next term; false at the end, or with a problem, and then cursor.term is what has it. */
bool spf_record_next(struct spf_cursor *);

#endif
